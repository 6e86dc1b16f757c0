"""A copy of the pipeline for the trace to run on: the user's own objects are never touched.

Estimators and their helpers are copied, with copies of their classes, fitted arrays are shared as
:class:`~onnxtwin.exporters.fixed.Fixed` views, compiled objects are shared as they are. What the code finds
in its modules is copied the same way, when it is asked for. On the way every estimator gets its step path.
"""

from __future__ import annotations

import collections
import types
import weakref
from typing import Any

import numpy as np

from onnxtwin.exporters.code import Code
from onnxtwin.exporters.fixed import fixed

_NAMED = {"steps", "transformers_", "transformers", "transformer_list", "estimators"}
_ATOMS = frozenset(
    {str, int, float, complex, bool, bytes, type(None), type(...), np.float64, np.int64, np.str_}
)
_CONTAINERS = frozenset({
    list, tuple, dict, set, frozenset, collections.Counter, collections.OrderedDict, collections.defaultdict,
    collections.deque, weakref.WeakKeyDictionary, types.MappingProxyType,
})  # fmt: skip
_HOLDERS = frozenset({
    types.SimpleNamespace, collections.UserDict, collections.UserList, collections.ChainMap,
})  # fmt: skip
"""Classes of Python's own that hold what others put in, in attributes."""


class Shadow:
    """The copied pipeline, and what its code sees.

    Parameters
    ----------
    owners : classes of libraries whose methods have exporters.

    Attributes
    ----------
    table : ``id(object) -> what stands in its place``.
    estimator : the copied pipeline.
    steps : ``id(copy) -> "preprocess.categories.encoder"``.
    estimators : every copied object, with its original.
    code : the copies of functions, classes and modules.
    """

    def __init__(self, owners: set[type]) -> None:
        self.estimator: Any = None
        self.steps: dict[int, str] = {}
        self.estimators: list[tuple[Any, Any]] = []
        self.code = Code(self.see, owners)
        self.table: dict[int, Any] = {}
        self._memo: dict[int, tuple[Any, Any]] = {}

    def copy(self, estimator: Any) -> None:
        """Make the copy of a pipeline, and name its steps."""
        self.estimator = self._see(estimator, "")

    def see(self, thing: Any) -> Any:
        """What traced code sees of an object that it finds in a module, a class or a closure."""
        return self._see(thing, None)

    def _see(self, thing: Any, path: str | None) -> Any:
        kind = type(thing)
        if kind in _ATOMS:
            return thing
        stands = self.table.get(id(thing))
        if stands is not None:
            return stands
        known = self._memo.get(id(thing))
        if known is not None:
            return known[1]
        if kind is np.ndarray:
            return self._array(thing, path)
        if kind in _CONTAINERS:
            return self._container(thing, kind, path)
        if kind in _HOLDERS:
            new: Any = kind
            made = self._keep(thing, new.__new__(kind))
            vars(made).update(
                {name: self._see(value, _under(path, name)) for name, value in vars(thing).items()}
            )
            return made
        if isinstance(thing, (type, types.ModuleType)) or callable(thing):
            made = self.code(thing)
            if made is not thing or isinstance(thing, (type, types.ModuleType, types.FunctionType)):
                return made
        copied = self.code(kind)
        return thing if copied is kind else self._object(thing, kind, copied, path)

    def _keep(self, thing: Any, made: Any) -> Any:
        self._memo[id(thing)] = (thing, made)  # keeping the original keeps its id
        self._memo[id(made)] = (made, made)
        return made

    def _array(self, thing: np.ndarray, path: str | None) -> Any:
        if thing.dtype.kind != "O":
            return fixed(thing)
        result = np.empty_like(thing)
        for i, item in enumerate(thing.reshape(-1)):
            result.reshape(-1)[i] = self._see(item, _under(path, f"[{i}]", ""))
        return self._keep(thing, fixed(result))

    def _container(self, thing: Any, kind: type, path: str | None) -> Any:
        if isinstance(thing, weakref.WeakKeyDictionary):
            # A cache of results by class, as functools.singledispatch has one.
            return self._keep(thing, weakref.WeakKeyDictionary())
        if isinstance(thing, types.MappingProxyType):
            return self._keep(thing, types.MappingProxyType(self._see(thing.copy(), path)))
        if isinstance(thing, dict):
            made = self._keep(thing, thing.copy())
            made.clear()
            for key, value in list(thing.items()):
                made[key if isinstance(key, str) else self.see(key)] = self._see(
                    value, _under(path, str(key))
                )
            return made
        if isinstance(thing, (set, frozenset)):
            return self._keep(thing, kind(map(self.see, list(thing))))
        named = kind is tuple and len(thing) > 1 and isinstance(thing[0], str)
        held = (
            self._see(item, path if named else _item_path(path, item, i))
            for i, item in enumerate(list(thing))
        )
        if kind is tuple:
            items = tuple(held)
            same = all(a is b for a, b in zip(items, thing, strict=True))
            return thing if same else self._keep(thing, items)
        made = self._keep(thing, thing.copy())
        made.clear()
        made.extend(held)
        return made

    def _object(self, thing: Any, kind: type, copied: Any, path: str | None) -> Any:
        if issubclass(kind, tuple):
            return self._keep(thing, tuple.__new__(copied, (self._see(v, path) for v in thing)))
        result = dict.__new__(copied) if issubclass(kind, dict) else object.__new__(copied)
        self._keep(thing, result)
        if path is not None:
            self.steps[id(result)] = path
        self.estimators.append((result, thing))
        if issubclass(kind, dict):
            for key, value in list(dict.items(thing)):
                dict.__setitem__(result, key, self._see(value, _under(path, str(key))))
        for c in kind.__mro__:
            for name, slot in vars(c).items():
                if isinstance(slot, types.MemberDescriptorType) and hasattr(thing, slot.__name__):
                    vars(self.code(c))[name].__set__(
                        result, self._see(slot.__get__(thing), _under(path, name))
                    )
        for name, value in list(getattr(thing, "__dict__", {}).items()):
            result.__dict__[name] = self._see(value, path if name in _NAMED else _under(path, name))
        return result


def _under(path: str | None, name: str, dot: str = ".") -> str | None:
    """The path of a part; None for what is no part of the pipeline."""
    if path is None:
        return None
    return f"{path}{dot}{name}" if path else name


def _item_path(path: str | None, item: Any, position: int) -> str | None:
    """``pipe.scaler`` for a named step, ``estimators_[3]`` for the member of an ensemble."""
    if type(item) is tuple and item and isinstance(item[0], str):
        return _under(path, item[0])
    return _under(path, f"[{position}]", "")
