"""What traced code sees, and nobody else: the copy of a pipeline, and what stands for what in it.

numpy and pandas are seen through proxies whose non-dispatching functions know traced values; dispatchers
stand for registered leaves. All of it lives in copies (:mod:`~onnxtwin.exporters.code`), and while the
thread does not trace they hand out the real objects. Nothing is put back, for nothing was changed.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from dataclasses import replace
from typing import Any

import numpy as np

from onnxtwin.exporters.bridge import bridged
from onnxtwin.exporters.code import LIBRARIES
from onnxtwin.exporters.numpy.creation import NUMPY
from onnxtwin.exporters.questions import python
from onnxtwin.exporters.registry import Exporter, dispatcher, rebound, registered
from onnxtwin.exporters.shadow import Shadow
from onnxtwin.exporters.trace import current


class _Proxy(types.ModuleType):
    """A module seen through a table of replacements, in threads that trace."""

    def __init__(self, real: types.ModuleType, table: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self.__dict__["_real"] = real
        self.__dict__["_table"] = table
        for name in ("__file__", "__path__", "__version__"):
            if hasattr(real, name):
                self.__dict__[name] = getattr(real, name)

    def __getattr__(self, name: str) -> Any:
        if name in self._table and current() is not None:
            return self._table[name]
        return getattr(self._real, name)


_COMPAT = "sklearn.externals.array_api_compat.numpy"


def array_namespace() -> types.ModuleType:
    """The array API namespace of traced arrays: scikit-learn's numpy wrapper (or numpy) that knows them."""
    compat = sys.modules.get(_COMPAT, np)
    return _Proxy(
        compat, {name: made for name, made in (NUMPY | _ARRAY_API).items() if hasattr(compat, name)}
    )


def _clip(x: Any, /, min: Any = None, max: Any = None, *, out: Any = None) -> Any:
    return np.clip(x, min, max, out=out)


_ARRAY_API = {"clip": _clip}
"""Functions that the wrapper composes from others, which numpy's own answer at once."""


def _gated(real: Any, replacement: Any) -> Any:
    """A function imported by name: the replacement in threads that trace, the real one elsewhere."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return (real if current() is None else replacement)(*args, **kwargs)

    run.__name__ = getattr(real, "__name__", "function")
    run.__wrapped__ = real  # type: ignore[attr-defined]
    return run


def _replacements(shadow: Shadow) -> dict[int, Any]:
    """``id(object) -> what to put in its place``, for objects found in the traced modules."""
    table: dict[int, Any] = {}
    proxies: list[tuple[types.ModuleType, dict[str, Any]]] = [(np, NUMPY)]
    if "pandas" in sys.modules:
        from onnxtwin.exporters.pandas import PANDAS

        proxies.append((sys.modules["pandas"], PANDAS))
    for module, names in proxies:
        table[id(module)] = _Proxy(module, dict(names))
        for name, replacement in names.items():
            real = getattr(module, name)
            if isinstance(real, type):
                table[id(real)] = replacement
            elif callable(real):
                table[id(real)] = _gated(real, replacement)
    compat = sys.modules.get(_COMPAT)
    if compat is not None:
        table[id(compat)] = array_namespace()
    for exporter in registered():
        if isinstance(exporter.owner, types.ModuleType):
            original = getattr(exporter.owner, exporter.name)
            own = replace(exporter, function=shadow.see(exporter.function))
            made = rebound(shadow.see(original), functools.partial(dispatcher, exporter=own))
            table[id(original)] = made
            root = exporter.owner.__name__.split(".")[0]
            if root in LIBRARIES or root in sys.stdlib_module_names:
                _proxied(exporter.owner, table)._table[exporter.name] = made
    return table


def _proxied(module: types.ModuleType, table: dict[int, Any]) -> Any:
    """The proxy of a library's module, which the proxies of its parents give: ``pd.api.types``."""
    proxy = table.setdefault(id(module), _Proxy(module, {}))
    parent, _, name = module.__name__.rpartition(".")
    if parent in sys.modules and getattr(sys.modules[parent], name, None) is module:
        _proxied(sys.modules[parent], table)._table[name] = proxy
    return proxy


def traced_copy(estimator: Any) -> Shadow:
    """A copy of the pipeline that runs on traced values, with all that its code sees."""
    owned: dict[type, list[Exporter]] = {}
    for exporter in registered():
        if isinstance(exporter.owner, type):
            owned.setdefault(exporter.owner, []).append(exporter)
    made = Shadow(set(owned))

    def stand_in(exporter: Exporter, kind: type) -> None:
        own = replace(exporter, function=made.see(exporter.function))
        old = inspect.getattr_static(kind, exporter.name)
        setattr(kind, exporter.name, rebound(old, lambda f: dispatcher(f, own)))

    def finish_class(real: type, kind: type) -> None:
        for exporter in owned.get(real, []):
            stand_in(exporter, kind)

    made.code.finish_class = finish_class
    made.table.update(_replacements(made))
    made.code.python.update(python(made.table))
    made.copy(estimator)
    for exporter in bridged(made):
        stand_in(exporter, made.code(exporter.owner))
    return made
