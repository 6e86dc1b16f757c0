"""What traced pandas objects answer to the questions that Python and its libraries ask of any object.

An answer is that of the real object; what would need the values of the rows is refused in the user's words.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from typing import Any

import pandas as pd

from onnxtwin.exporters.array import concrete, is_traced
from onnxtwin.exporters.code import LIBRARIES
from onnxtwin.exporters.faults import as_the_library, spare
from onnxtwin.exporters.pandas.held import refuse
from onnxtwin.exporters.pandas.refusals import way_out
from onnxtwin.exporters.places import asks_for_a_log, within_engine
from onnxtwin.exporters.trace import current, require_trace

_WHOLE = "compute on whole columns with pandas' and numpy's own operations"


def told(real: type) -> type:
    """A class of pandas as the code that asks (two calls up) knows it: traced code sees a stand-in for it."""
    root = sys._getframe(2).f_globals.get("__name__", "").partition(".")[0]
    if root in LIBRARIES or root in sys.stdlib_module_names and root != "__main__":
        return real
    from onnxtwin.exporters.pandas.functions import PANDAS

    found: type = PANDAS.get(real.__name__, real) if current() is not None else real
    return found


class Asked:
    """The questions that have one answer for frames, columns and row labels."""

    __slots__ = ()

    def __onnxtwin_value__(self) -> Any:
        raise NotImplementedError

    def __dir__(self) -> list[str]:
        return dir(self.__onnxtwin_value__())

    def __repr__(self) -> str:
        return _text(self, "repr")

    def __str__(self) -> str:
        return _text(self, "str")

    def __format__(self, spec: str) -> str:
        return _text(self, "format")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise refuse("pickles or hashes computed values", "leave caches and files out of the method")

    def __sizeof__(self) -> int:
        raise refuse("asks for the memory that computed values take", "leave it out of the method")


class Accessor:
    """``.str``, ``.dt``, ``.cat``, ``.loc`` and ``.iloc``: asked for its class, each is pandas' own."""

    __iter__: Any = None

    def __onnxtwin_seen__(self) -> Any:
        raise NotImplementedError


def _text(asked: Any, how: str) -> str:
    value = asked.__onnxtwin_value__()
    if current() is None or within_engine(2) or asks_for_a_log(sys._getframe(2)):
        return f"<traced {type(value).__name__} of shape {value.shape}>"
    raise refuse(
        f"writes computed values as text ({how}, f-string)",
        "leave texts of values out of the method, or map values to texts with a dict",
    )


def other(asked: Any, name: str, known: type) -> Exception:
    """The error for an attribute that nothing records: as pandas has it, or a refusal that names it.

    Parameters
    ----------
    known : the pandas class, whose name the user knows.
    """
    if not hasattr(asked.__onnxtwin_value__(), name):
        return AttributeError(f"'{known.__name__}' object has no attribute {name!r}")
    if not name.startswith("_"):
        return refuse(f"{known.__name__}.{name} is not supported in a traced method", way_out(name))
    function = _pandas_function()
    if function:
        return refuse(f"{function} of a computed {known.__name__} is not supported", _WHOLE)
    if name in require_trace().place().expression:
        return refuse(f"asks a {known.__name__} for {name}, which no graph has", _WHOLE)
    return refuse(f"compiled code asks for the values of a computed {known.__name__}", _WHOLE)


def _pandas_function() -> str:
    """The function of pandas that the pipeline's own code has called; empty if it has called none."""
    frame, found = sys._getframe(1), ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] == "pandas":
            found = f"pandas' {frame.f_code.co_name}"
        elif found or not within(module):
            break
        frame = frame.f_back  # type: ignore[assignment] # None ends the loop
    return found


def within(module: str) -> bool:
    """Whether a module is the engine's own."""
    return module.startswith("onnxtwin.exporters")


def guarded(kind: type) -> None:
    """Let the methods of a traced class raise what pandas raises, and refuse where only the trace fails."""
    for name, method in list(vars(kind).items()):
        if type(method) is type(guarded) and _asked(name):
            setattr(kind, name, _guarded(name, method))


def _asked(name: str) -> bool:
    return not name.startswith("_") or name.strip("_") in _OPERATORS or name in ("__getitem__", "__setitem__")


_SIMPLE = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "matmul")
_OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, f"__{name}__")
    for name in (*_SIMPLE, "lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "invert", "abs")
}
_OPERATORS |= {f"i{name}": getattr(operator, f"__i{name}__") for name in _SIMPLE}
_OPERATORS |= {f"r{name}": lambda a, b, name=name: _OPERATORS[name](b, a) for name in _SIMPLE}
_OPERATORS |= {"divmod": divmod, "rdivmod": lambda a, b: divmod(b, a), "round": round}


def _guarded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        def real() -> Any:
            dunder = name.startswith("__") and name.strip("_") in _OPERATORS
            function = _OPERATORS[name.strip("_")] if dunder else getattr(type(concrete(self)), name)
            return function(spare(self), *spare(args), **spare(kwargs))

        return as_the_library(
            f"{type(concrete(self)).__name__}.{name}", lambda: method(self, *args, **kwargs), real
        )

    return run


def function_guarded(name: str, real: Callable[..., Any], recorded: Callable[..., Any]) -> Callable[..., Any]:
    """A function that raises what the library's own raises, and refuses where only the trace fails."""

    @functools.wraps(recorded)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not is_traced(args) and not is_traced(kwargs):
            return recorded(*args, **kwargs)
        return as_the_library(
            name, lambda: recorded(*args, **kwargs), lambda: real(*spare(args), **spare(kwargs))
        )

    return run


def unbound(real: type, name: str) -> Any:
    """``pd.Series.abs`` as an attribute of the class: a method takes traced objects, too."""
    found = getattr(real, name)
    if type(found) is not type(unbound) and not hasattr(found, "__func__"):
        return found

    @functools.wraps(found)
    def run(*args: Any, **kwargs: Any) -> Any:
        if args and hasattr(type(args[0]), "__onnxtwin_value__") and not hasattr(found, "__func__"):
            return getattr(args[0], name)(*args[1:], **kwargs)
        if hasattr(found, "__func__") and (is_traced(args) or is_traced(kwargs)):
            raise refuse(
                f"pandas.{real.__name__}.{name} of computed values", f"use pd.{real.__name__}(...) itself"
            )
        return found(*args, **kwargs)

    return run


def in_place(name: str, settle: Callable[[Any, Any], None]) -> Callable[[Any, Any], Any]:
    """``x += y``: pandas changes the object itself, so whoever else holds it sees the change."""
    compute = _OPERATORS[name]

    def write(self: Any, value: Any) -> Any:
        settle(self, compute(self, value))
        return self

    return write


IN_PLACE = tuple(name for name in _SIMPLE if name != "matmul")


def both(self: Any, value: Any) -> tuple[Any, Any]:
    """``divmod(self, value)``, as pandas computes it."""
    return self // value, self % value


def both_swapped(self: Any, value: Any) -> tuple[Any, Any]:
    """``divmod(value, self)``."""
    return value // self, value % self


EXAMPLES: tuple[pd.Index, ...] = (
    pd.RangeIndex(1),
    pd.Index([1]),
    pd.Index([0.5]),
    pd.Index(["a"]),
    pd.Index([None], dtype=object),
    pd.DatetimeIndex(["2000-01-01"]),
    pd.TimedeltaIndex(["1s"]),
    pd.PeriodIndex(["2000"], freq="Y"),
    pd.CategoricalIndex(["a"]),
    pd.IntervalIndex.from_breaks([0, 1]),
    pd.MultiIndex.from_tuples([(0, 1)]),
)
"""Row labels of every kind that a batch may have."""
