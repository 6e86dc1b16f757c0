"""A shallow copy of the pipeline for the trace to run on: the user's own objects are never touched.

Estimators and their helpers are copied, fitted arrays are shared as :class:`~onnxtwin.exporters.fixed.Fixed`
views, compiled objects are shared as they are. On the way every estimator gets its step path.
"""

from __future__ import annotations

import inspect
import sys
import types
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnxtwin.exporters.fixed import fixed

LIBRARIES = frozenset({
    "numpy", "pandas", "scipy", "pyarrow", "narwhals", "joblib", "threadpoolctl",
    "onnx", "onnxruntime", "spox", "skl2onnx", "onnxtwin", "pytest", "_pytest",
})  # fmt: skip
"""Packages whose own code is never substituted: their functions are leaves, handlers or refused."""

_HEAP_TYPE = 1 << 9
"""``Py_TPFLAGS_HEAPTYPE``: classes made by a Python ``class`` statement, whose instances are plain dicts."""

_NAMED = {"steps", "transformers_", "transformers", "transformer_list", "estimators"}


@dataclass
class Shadow:
    """The copied pipeline, the step path of each estimator in it, and the code a trace may run through."""

    estimator: Any
    steps: dict[int, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    namespaces: list[dict[str, Any]] = field(default_factory=list)
    estimators: list[Any] = field(default_factory=list)
    _memo: dict[int, Any] = field(default_factory=dict)
    _keep: list[Any] = field(default_factory=list)


def shadow(estimator: Any) -> Shadow:
    """Copy ``estimator`` for a trace."""
    made = Shadow(None)
    made.estimator = _copy(estimator, "", made)
    return made


def traced_code(kind: Any) -> bool:
    """Whether a class or function is Python code that a trace runs through."""
    root = (getattr(kind, "__module__", None) or "").split(".")[0]
    return root not in LIBRARIES and root not in sys.stdlib_module_names or root == "__main__"


def _copy(thing: Any, path: str, made: Shadow) -> Any:
    if id(thing) in made._memo:
        return made._memo[id(thing)]
    kind = type(thing)
    if kind is np.ndarray:
        if thing.dtype.kind != "O":
            return fixed(thing)
        result = np.empty_like(thing)
        for i, item in enumerate(thing.reshape(-1)):
            result.reshape(-1)[i] = _copy(item, f"{path}[{i}]", made)
        return fixed(result)
    if kind in (list, tuple):
        named = kind is tuple and len(thing) > 1 and isinstance(thing[0], str)
        paths = [path if named else _item_path(path, item, i) for i, item in enumerate(thing)]
        return kind(_copy(item, p, made) for item, p in zip(thing, paths, strict=True))
    if kind is dict:
        return {k: _copy(v, f"{path}.{k}" if path else str(k), made) for k, v in thing.items()}
    if isinstance(thing, types.FunctionType):
        _code(thing, made)
        return thing
    if not _copied(thing, kind):
        return thing
    if isinstance(thing, dict):
        result = dict.__new__(kind)
        made._memo[id(thing)] = result
        made._keep.append(thing)
        dict.update(result, {k: _copy(v, f"{path}.{k}" if path else str(k), made) for k, v in thing.items()})
        return result
    for cls in kind.__mro__:
        if traced_code(cls):
            made.modules.add(cls.__module__)
    result = object.__new__(kind)
    made._memo[id(thing)] = result
    made._keep.append(thing)
    made.steps[id(result)] = path
    made.estimators.append(result)
    for name, value in vars(thing).items():
        inner = path if name in _NAMED else f"{path}.{name}" if path else name
        result.__dict__[name] = _copy(value, inner, made)
    return result


def _copied(thing: Any, kind: type) -> bool:
    if (
        inspect.isclass(thing)
        or isinstance(thing, types.ModuleType)
        or callable(thing)
        and not hasattr(thing, "get_params")
    ):
        return False
    plain = all(c in (object, dict) or c.__flags__ & _HEAP_TYPE for c in kind.__mro__)
    # A copy of what frees something when it dies (a booster's handle) would free it twice.
    return hasattr(thing, "__dict__") and plain and traced_code(kind) and not hasattr(kind, "__del__")


def _item_path(path: str, item: Any, position: int) -> str:
    """``pipe.scaler`` for a named step, ``estimators_[3]`` for the member of an ensemble."""
    if type(item) is tuple and item and isinstance(item[0], str):
        return f"{path}.{item[0]}" if path else item[0]
    return f"{path}[{position}]"


def _code(function: types.FunctionType, made: Shadow) -> None:
    if traced_code(function):
        made.modules.add(function.__module__)
        if not any(ns is function.__globals__ for ns in made.namespaces):
            made.namespaces.append(function.__globals__)
    for cell in function.__closure__ or ():
        if isinstance(cell.cell_contents, types.FunctionType) and cell.cell_contents is not function:
            _code(cell.cell_contents, made)
