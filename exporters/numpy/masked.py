"""Rows chosen by a mask that depends on the rows: all are kept, and the mask says which ones count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, concrete
from onnxtwin.exporters.trace import require_trace

_ELEMENTWISE_FUNCTIONS = frozenset({np.interp, np.clip, np.around, np.round, np.nan_to_num, np.digitize})


class Masked:
    """``X[mask]``, the mask depending on the rows: every element kept, to be written back under the mask.

    Supports what ``X[mask] = f(X[mask])`` needs: elementwise functions of this, of scalars, and of other
    arrays under the very same mask.
    """

    def __init__(self, full: Array, mask: Array, value: np.ndarray) -> None:
        self.full = full
        self.mask = mask
        self.value = value

    __array_priority__ = 2000
    __hash__ = None  # type: ignore[assignment]

    def __onnxtwin_value__(self) -> np.ndarray:
        return self.value

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    def apply(self, ufunc: np.ufunc, inputs: tuple[Any, ...], real: Any) -> Any:
        for x in inputs:
            same = isinstance(x, Masked) and (x.mask is self.mask or x.mask.tensor is self.mask.tensor)
            if not same and (isinstance(x, Masked) or np.ndim(concrete(x)) > 0):
                raise require_trace().unsupported(
                    "mixes rows chosen by one mask with other rows",
                    "use np.where(mask, f(x), x) on whole columns",
                )
        with np.errstate(all="ignore"):
            from onnxtwin.exporters.numpy.ufuncs import call

            full = call(ufunc, tuple(x.full if isinstance(x, Masked) else x for x in inputs))
        return Masked(full, self.mask, np.asarray(real))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise require_trace().unsupported(
                f"numpy.{ufunc.__name__}.{method} on rows chosen by a mask", "use np.where on whole columns"
            )
        with np.errstate(all="ignore"):
            real = ufunc(*(concrete(x) for x in inputs))
        return self.apply(ufunc, inputs, real)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if func not in _ELEMENTWISE_FUNCTIONS:
            raise require_trace().unsupported(
                f"numpy.{func.__name__} of rows chosen by a mask", "use np.where on whole columns"
            )
        with np.errstate(all="ignore"):
            real = func(*(concrete(a) for a in args), **{k: concrete(v) for k, v in kwargs.items()})
        full = func(*(a.full if isinstance(a, Masked) else a for a in args), **kwargs)
        return Masked(full, self.mask, np.asarray(real))

    def astype(self, dtype: Any, copy: bool = True) -> Masked:
        return Masked(self.full.astype(dtype), self.mask, self.value.astype(dtype))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise require_trace().unsupported(
            f"{name} on rows chosen by a mask: how many they are depends on the rows",
            "use np.where(mask, f(x), x) on whole columns",
        )


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
    return next((x for x in inputs if isinstance(x, Masked)), None)
