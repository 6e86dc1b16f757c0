"""The Java runtime: com.microsoft.onnxruntime in a JVM of its own."""

from onnxtwin.runtime_checks.java.runner import absent, open_session

__all__ = ["absent", "open_session"]
