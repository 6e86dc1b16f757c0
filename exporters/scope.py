"""What traced code sees while a trace runs, and only then and only in its thread.

numpy and pandas are seen through proxies whose non-dispatching functions know traced values; registered
leaves are replaced by dispatchers. Everything is put back when the trace ends; one trace runs at a time.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from onnxtwin.exporters.bridge import bridged
from onnxtwin.exporters.fixed import fixed
from onnxtwin.exporters.numpy.creation import NUMPY
from onnxtwin.exporters.questions import python
from onnxtwin.exporters.registry import dispatcher, rebound, registered
from onnxtwin.exporters.shadow import LIBRARIES, Shadow
from onnxtwin.exporters.trace import current

_LOCK = threading.RLock()


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


def _replacements() -> dict[int, Any]:
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
            made = rebound(original, functools.partial(dispatcher, exporter=exporter))
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


def _namespaces(shadow: Shadow) -> list[dict[str, Any]]:
    """The global namespaces of the code that a trace may run through: whole packages, and what they use."""
    found: dict[int, dict[str, Any]] = {id(ns): ns for ns in shadow.namespaces}
    roots: set[str] = set()
    todo = {name.split(".")[0] for name in shadow.modules}
    for ns in shadow.namespaces:
        todo |= _used(ns)
    while todo:
        root = todo.pop()
        if root in roots:
            continue
        roots.add(root)
        for name, module in list(sys.modules.items()):
            if (name == root or name.startswith(root + ".")) and isinstance(module, types.ModuleType):
                found[id(module.__dict__)] = module.__dict__
                if root != "sklearn":
                    todo |= _used(module.__dict__) - roots
    return list(found.values())


def _used(namespace: dict[str, Any]) -> set[str]:
    """Root packages of the modules, classes and functions that a namespace names."""
    used: set[str] = set()
    for value in list(namespace.values()):
        if isinstance(value, types.ModuleType):
            used.add(value.__name__.split(".")[0])
        elif isinstance(value, (type, types.FunctionType)):
            used.add((value.__module__ or "").split(".")[0])
    return {
        r for r in used if r and r not in LIBRARIES and r not in sys.stdlib_module_names or r == "__main__"
    }


@contextmanager
def substituted(shadow: Shadow) -> Iterator[None]:
    """Put proxies and dispatchers in place for the code of ``shadow``, and take them away again."""
    with _LOCK:
        undo: list[Callable[[], None]] = []
        try:
            table = _replacements()
            namespaces = _namespaces(shadow)
            for namespace in namespaces:
                for name, value in list(namespace.items()):
                    if name.startswith("__"):
                        continue
                    made = table.get(id(value))
                    if made is None and type(value) is np.ndarray:
                        made = fixed(value)
                    if made is not None:
                        undo.append(lambda ns=namespace, key=name, old=value: ns.__setitem__(key, old))  # type: ignore[misc]
                        namespace[name] = made
            for name, asked in python(table).items():
                for namespace in namespaces:
                    if name not in namespace:
                        undo.append(lambda ns=namespace, key=name: ns.pop(key, None))  # type: ignore[misc]
                        namespace[name] = asked
            for exporter in registered():
                if isinstance(exporter.owner, type):
                    _patch(exporter, undo)
            for exporter in bridged(shadow):
                _patch(exporter, undo)
            _imports(table, {id(ns) for ns in namespaces}, undo)
            yield
        finally:
            for step in reversed(undo):
                step()


def _patch(exporter: Any, undo: list[Callable[[], None]]) -> None:
    owner, name = exporter.owner, exporter.name
    old = inspect.getattr_static(owner, name)
    inherited = name not in owner.__dict__
    setattr(owner, name, rebound(old, lambda f: dispatcher(f, exporter)))
    undo.append(lambda: delattr(owner, name) if inherited else setattr(owner, name, old))


def _imports(table: dict[int, Any], namespaces: set[int], undo: list[Callable[[], None]]) -> None:
    """``import pandas as pd`` inside a traced function gives the proxy, too."""
    real = builtins.__import__

    def importing(
        name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        module = real(name, globals, locals, fromlist, level)
        if current() is not None and globals is not None and id(globals) in namespaces:
            return table.get(id(module), module)
        return module

    builtins.__import__ = importing
    undo.append(lambda: setattr(builtins, "__import__", real))
