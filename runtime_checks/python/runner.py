"""Answers rows with onnxruntime in this process. numpy and onnxruntime only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime as ort

from onnxtwin.build.session import Session
from onnxtwin.exporters.signature import Signature


def description() -> str:
    """The runtime's name and version, as a report shows it."""
    return f"python, onnxruntime {ort.__version__}"


class Runner:
    """Answers of one graph in this process, as a check wants them.

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
        self._session = Session(model, signature, threads)
        self.model = model
        self.signature = signature

    def run(self, X: Any) -> dict[str, Any]:
        """Answers keyed by method.

        Raises
        ------
        InputError : rows that do not fit the signature; DomainError where the pipeline would refuse too.
        OnnxTwinError : onnxruntime itself failed on these rows.
        """
        return self._session.run(X)
