"""Answers rows with onnxruntime in this process. numpy and onnxruntime only."""

from __future__ import annotations

import onnxruntime as ort

from onnxtwin.build.session import Session


def description() -> str:
    """The runtime's name and version, as a report shows it."""
    return f"python, onnxruntime {ort.__version__}"


class Runner(Session):
    """A session in this process: what stands for the runtime ``python``."""
