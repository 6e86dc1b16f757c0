"""Fitted pipeline to one ONNX graph: trace, leaves, finishing. ``docs/engine.md`` tells how.

The names below are loaded when first used: a service that runs an artifact imports this package for its
signature and errors alone, without the research stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxtwin.exporters.export import Exported, export_graph
    from onnxtwin.exporters.registry import call, exports

__all__ = ["Exported", "call", "export_graph", "exports"]

_HOMES = {"Exported": "export", "export_graph": "export", "call": "registry", "exports": "registry"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
