"""The Node runtime: onnxruntime-node in a process of its own."""

from onnxtwin.runtime_checks.node.runner import absent, open_session

__all__ = ["absent", "open_session"]
