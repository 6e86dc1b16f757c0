"""The Python runtime: onnxruntime in this process."""

from onnxtwin.runtime_checks.python.runner import Runner, description

__all__ = ["Runner", "description"]
