"""Rows chosen by a mask that depends on the rows: all are kept, and the mask says which ones count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, concrete
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.trace import require_trace

_ELEMENTWISE_FUNCTIONS = frozenset({np.interp, np.clip, np.around, np.round, np.nan_to_num, np.digitize})


class Masked:
    """``X[mask]``, the mask depending on the rows: every element kept, to be written back under the mask.

    Supports what ``X[mask] = f(X[mask])`` needs: elementwise functions of this, of scalars, and of other
    arrays under the very same mask.
    """

    __slots__ = ("_full", "_mask", "_value")
    __array_priority__ = 2000
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, full: Array, mask: Array, value: np.ndarray) -> None:
        self._full = full
        self._mask = mask
        self._value = value

    @property  # type: ignore[misc] # the one of object is writable
    def __class__(self) -> type:
        return np.ndarray

    def __onnxtwin_value__(self) -> np.ndarray:
        return self._value

    @property
    def dtype(self) -> np.dtype:
        return self._value.dtype

    @property
    def ndim(self) -> int:
        return self._value.ndim

    def _apply(self, ufunc: np.ufunc, inputs: tuple[Any, ...], real: Any) -> Any:
        for x in inputs:
            same = type(x) is Masked and (x._mask is self._mask or x._mask.tensor is self._mask.tensor)
            if not same and (type(x) is Masked or np.ndim(concrete(x)) > 0):
                raise require_trace().unsupported(
                    "mixes rows chosen by one mask with other rows",
                    "use np.where(mask, f(x), x) on whole columns",
                )
        with np.errstate(all="ignore"):
            from onnxtwin.exporters.numpy.ufuncs import call

            full = call(ufunc, tuple(x._full if type(x) is Masked else x for x in inputs))
        return Masked(full, self._mask, np.asarray(real))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise require_trace().unsupported(
                f"numpy.{ufunc.__name__}.{method} on rows chosen by a mask", "use np.where on whole columns"
            )
        with np.errstate(all="ignore"):
            real = ufunc(*(concrete(x) for x in inputs))
        return self._apply(ufunc, inputs, real)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if func not in _ELEMENTWISE_FUNCTIONS:
            raise require_trace().unsupported(
                f"numpy.{func.__name__} of rows chosen by a mask", "use np.where on whole columns"
            )
        with np.errstate(all="ignore"):
            real = func(*(concrete(a) for a in args), **{k: concrete(v) for k, v in kwargs.items()})
        full = func(*(a._full if type(a) is Masked else a for a in args), **kwargs)
        return Masked(full, self._mask, np.asarray(real))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Masked:
        return Masked(self._full.astype(dtype), self._mask, self._value.astype(dtype, *args, **kwargs))

    def __setattr__(self, name: str, value: Any) -> None:
        if name[:1] != "_" and hasattr(np.ndarray, name):
            raise refused(f"setting .{name}")
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if not hasattr(np.ndarray, name):
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
        raise refused(name)


def refused(what: str) -> UnsupportedError:
    """Of rows chosen by a mask, whatever shows how many they are or what they hold."""
    return require_trace().unsupported(
        f"asks rows chosen by a mask for {what}: how many they are depends on the rows",
        "use np.where(mask, f(x), x) on whole columns",
    )


def _refuses(what: str) -> Callable[..., Any]:
    def run(self: Masked, *args: Any, **kwargs: Any) -> Any:
        raise refused(what)

    return run


for _name, _what in {
    "bool": "their truth", "len": "their number", "iter": "them one by one", "contains": "a value",
    "getitem": "some of them", "setitem": "writing some of them", "delitem": "fewer of them",
    "int": "a number", "float": "a number", "complex": "a number", "index": "a number",
    "repr": "their text", "str": "their text", "format": "their text", "bytes": "their bytes",
    "buffer": "their bytes", "sizeof": "their memory", "array": "their values", "copy": "a copy",
    "deepcopy": "a copy", "reduce_ex": "their values", "matmul": "a product", "rmatmul": "a product",
    "divmod": "divmod", "rdivmod": "divmod", "xor": "xor", "rxor": "xor", "lshift": "shifts",
    "rshift": "shifts", "rlshift": "shifts", "rrshift": "shifts", "reversed": "their order",
}.items():  # fmt: skip
    setattr(Masked, f"__{_name}__", _refuses(_what))


def _operator(ufunc: np.ufunc, swapped: bool = False) -> Callable[[Any, Any], Any]:
    return (lambda self, other: ufunc(other, self)) if swapped else (lambda self, other: ufunc(self, other))


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
    "floordiv": np.floor_divide, "mod": np.remainder, "and": np.bitwise_and, "or": np.bitwise_or,
}.items():  # fmt: skip
    setattr(Masked, f"__{_name}__", _operator(_ufunc))
    setattr(Masked, f"__r{_name}__", _operator(_ufunc, swapped=True))
for _name, _ufunc in {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal,
}.items():  # fmt: skip
    setattr(Masked, f"__{_name}__", _operator(_ufunc))
for _name, _unary in {"neg": np.negative, "abs": np.absolute, "invert": np.invert}.items():
    setattr(Masked, f"__{_name}__", (lambda function: lambda self: function(self))(_unary))


def masked_operand(inputs: tuple[Any, ...]) -> Masked | None:
    """The first operand that stands for rows chosen by a mask."""
    return next((x for x in inputs if type(x) is Masked), None)
