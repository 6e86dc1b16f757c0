"""The browser as a runtime: onnxruntime-web in Chromium."""

from onnxtwin.runtime_checks.browser.runner import absent, open_session

__all__ = ["absent", "open_session"]
