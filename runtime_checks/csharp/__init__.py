"""The .NET runtime: Microsoft.ML.OnnxRuntime in a process of its own."""

from onnxtwin.runtime_checks.csharp.runner import absent, open_session

__all__ = ["absent", "open_session"]
