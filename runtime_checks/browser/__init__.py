"""The browser as a runtime: onnxruntime-web in Chromium."""

from onnxtwin.runtime_checks.browser.runner import absent, onnxruntime_web, open_session

__all__ = ["absent", "onnxruntime_web", "open_session"]
