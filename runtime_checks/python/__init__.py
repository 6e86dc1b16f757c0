"""The Python runtime: onnxruntime in this process."""

from onnxtwin.runtime_checks.python.runner import RUNTIME_ERRORS, Runner, description

__all__ = ["RUNTIME_ERRORS", "Runner", "description"]
