"""Answers rows with onnxruntime in this process. numpy and onnxruntime only."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

from onnxtwin.build.session import Session
from onnxtwin.exporters.signature import Signature


def description() -> str:
    """The runtime's name and version, as a report shows it."""
    return f"python, onnxruntime {ort.__version__}"


class Runner(Session):
    """A session that a check can ask for its graph, to say where it goes wrong.

    Parameters
    ----------
    model : the serialised graph or its path.
    signature : what the graph takes and gives.
    threads : intra-op threads of onnxruntime.

    Raises
    ------
    OnnxTwinError : onnxruntime cannot load the graph.
    """

    def __init__(self, model: bytes | str | Path, signature: Signature, threads: int = 1) -> None:
        super().__init__(model, signature, threads)
        self.model = model
