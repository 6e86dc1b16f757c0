"""A fitted research pipeline as one ONNX graph, its twin, proven equal on your own rows.

``export`` makes a twin, ``load`` opens one from disk, ``check_model`` judges a graph that somebody else
exported. Nothing is imported before it is used: loading and running an artifact takes numpy and
onnxruntime, and no more.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxtwin import errors
    from onnxtwin.exporters.registry import exports
    from onnxtwin.runtime_checks import Metric, Report, check_model
    from onnxtwin.twin import Twin, export, load

    __version__: str

__all__ = ["Metric", "Report", "Twin", "__version__", "check_model", "errors", "export", "exports", "load"]

_HOME = {
    "Metric": "onnxtwin.runtime_checks",
    "Report": "onnxtwin.runtime_checks",
    "Twin": "onnxtwin.twin",
    "check_model": "onnxtwin.runtime_checks",
    "export": "onnxtwin.twin",
    "exports": "onnxtwin.exporters.registry",
    "load": "onnxtwin.twin",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return importlib.import_module("onnxtwin.errors")
    if name == "__version__":
        from importlib.metadata import version

        return version("onnxtwin")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'onnxtwin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
