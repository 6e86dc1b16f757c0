"""Python's own questions, as traced code asks them: ``type(X) is np.ndarray``, ``hasattr(X, "toarray")``, ...

No object can answer these otherwise than by its class, so the names are seen through replacements while a
trace runs. What stands for a real value is answered as that value; everything else as ever, in any thread.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.exporters.array import concrete, is_traced
from onnxtwin.exporters.fixed import Fixed
from onnxtwin.exporters.trace import current


def seen(value: Any) -> Any:
    """The real object that code would hold in place of a traced one; everything else as it is.

    Raises
    ------
    UnsupportedError
        Where that object's type depends on the row.
    """
    kind = type(value)
    if kind is Fixed:
        return value.view(np.ndarray)
    if hasattr(kind, "__onnxtwin_seen__"):
        return value.__onnxtwin_seen__()
    return concrete(value) if hasattr(kind, "__onnxtwin_value__") else value


class _Class(type):
    """The class of a stand-in for a built-in class: whatever is asked of it holds as of the built-in one."""

    real: type
    one: Callable[[Any], Any]

    def __getattribute__(cls, name: str) -> Any:
        own = type.__getattribute__(cls, "__dict__")
        if "real" not in own or name in ("real", "one"):  # else a class of the user's own, derived from it
            return super().__getattribute__(name)
        return getattr(own["real"], name)

    def _real(cls) -> Any:
        return type.__getattribute__(cls, "__dict__").get("real")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        real = _Class._real(cls)
        if real is None:
            return super().__call__(*args, **kwargs)
        if len(args) == 1 and not kwargs and current() is not None:
            return cls.one(args[0])
        return real(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        real = _Class._real(cls)
        return super().__instancecheck__(instance) if real is None else isinstance(instance, real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        real = _Class._real(cls)
        return super().__subclasscheck__(subclass) if real is None else issubclass(subclass, real)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is not None and other is _Class._real(cls)

    def __hash__(cls) -> int:
        real = _Class._real(cls)
        return super().__hash__() if real is None else hash(real)

    def __repr__(cls) -> str:
        real = _Class._real(cls)
        return super().__repr__() if real is None else repr(real)

    def __getitem__(cls, item: Any) -> Any:
        real = _Class._real(cls)
        return types.GenericAlias(cls if real is None else real, item)


def _class(real: type, one: Callable[[Any], Any], base: type = object) -> Any:
    members = {
        "real": real,
        "one": staticmethod(one),
        "__module__": real.__module__,
    }
    return _Class(real.__name__, (base,), members)


def has_bytes(value: Any) -> bool:
    """Whether ``value`` is a traced array, whose real one hands out its memory."""
    return is_traced(value) and hasattr(type(value), "__buffer__")


def _view(value: Any) -> memoryview:
    # Before Python 3.12, no class written in Python can answer this itself.
    return value.__buffer__(0) if has_bytes(value) else memoryview(value)


def python(table: dict[int, Any]) -> dict[str, Any]:
    """Name of a built-in -> what traced code sees in its place.

    Parameters
    ----------
    table : ``id(object) -> replacement`` of what traced modules hold: classes among it are told as
        the code knows them, so that ``type(df) is pd.DataFrame`` holds.
    """

    def kind(value: Any) -> Any:
        found = type(seen(value))
        return classes.get(found) or table.get(id(found), found)

    def isinstance_(instance: Any, kinds: Any, /) -> bool:
        if current() is None:
            return isinstance(instance, kinds)
        own = getattr(type(instance), "__onnxtwin_isinstance__", None)
        return isinstance(seen(instance), kinds) if own is None else own(instance, kinds)

    def hasattr_(instance: Any, name: str, /) -> bool:
        if current() is None:
            return hasattr(instance, name)
        own = getattr(type(instance), "__onnxtwin_hasattr__", None)
        return hasattr(seen(instance), name) if own is None else own(instance, name)

    def getattr_(instance: Any, name: str, /, *default: Any) -> Any:
        if current() is None or hasattr(type(instance), "__onnxtwin_hasattr__"):
            return getattr(instance, name, *default)
        real = seen(instance)
        return getattr(instance if hasattr(real, name) else real, name, *default)

    def print_(*values: Any, file: Any = None, **kwargs: Any) -> None:
        trace = current()
        if trace is not None and file not in (None, sys.stdout, sys.stderr) and is_traced(values):
            raise trace.unsupported("prints computed values into a file", "print outside of the method")
        # What is shown on the screen changes no answer: traced values describe themselves there.
        print(*(str(v) for v in values), file=file, **kwargs)

    classes: dict[type, Any] = {
        type: _class(type, kind, type),
        memoryview: _class(memoryview, _view),
        bytearray: _class(bytearray, lambda v: bytearray(_view(v) if has_bytes(v) else v)),
    }
    return {
        **{real.__name__: stand_in for real, stand_in in classes.items()},
        "isinstance": isinstance_,
        "hasattr": hasattr_,
        "getattr": getattr_,
        "print": print_,
    }
