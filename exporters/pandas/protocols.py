"""numpy's functions called on traced columns and frames: pandas' method where numpy calls it, else arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import concrete, constant
from onnxtwin.exporters.pandas import operators
from onnxtwin.exporters.pandas.held import held, refuse

_METHODS = {
    getattr(np, name): {"around": "round"}.get(name, name)
    for name in (
        "round", "around", "cumsum", "cumprod", "argmax", "argmin", "argsort", "take", "repeat",
        "searchsorted", "squeeze", "transpose",
    )
}  # fmt: skip
"""Functions for which numpy calls the method of that name, where its argument has one."""

_REDUCTIONS = {
    getattr(np, name): {"amax": "max", "amin": "min"}.get(name, name)
    for name in ("sum", "mean", "max", "min", "amax", "amin", "any", "all", "prod", "std", "var")
}


def as_array(value: Any) -> Any:
    """Traced pandas objects as Arrays, containers included."""
    if getattr(value, "kind", "") == "flags" and hasattr(type(value), "__onnxtwin_series__"):
        raise refuse(
            "a numpy function of an object column of booleans with missing values",
            "use fillna(False).astype(bool) first",
        )
    if hasattr(type(value), "__onnxtwin_array__"):
        return value.__onnxtwin_array__()
    if type(value) in (list, tuple):
        return type(value)(as_array(v) for v in value)
    if type(value) is dict:
        return {k: as_array(v) for k, v in value.items()}
    return value


def apply_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``__array_function__`` answers."""
    from onnxtwin.exporters.numpy import dispatch

    first: Any = args[0] if args else None
    is_pandas = hasattr(type(first), "__onnxtwin_array__")
    if is_pandas and func is np.clip:
        named = dict(zip(("a_min", "a_max"), args[1:], strict=False)) | kwargs
        return first.clip(named.get("a_min", named.get("min")), named.get("a_max", named.get("max")))
    if is_pandas and func in _METHODS:
        return getattr(first, _METHODS[func])(*args[1:], **kwargs)
    if is_pandas and func in _REDUCTIONS:
        axis = kwargs.pop("axis", args[1] if len(args) > 1 else None)
        kwargs.pop("out", None)
        return getattr(first, _REDUCTIONS[func])(
            axis=axis, **({"ddof": 0} if func in (np.std, np.var) and "ddof" not in kwargs else {}), **kwargs
        )
    if func in (np.shape, np.ndim, np.size):
        return func(concrete(first), *args[1:], **kwargs)
    return dispatch.apply_function(func, as_array(args), as_array(kwargs))


def series_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``Series.__array_ufunc__`` answers: a Series, as pandas does."""
    from onnxtwin.exporters.pandas.frame import DataFrame
    from onnxtwin.exporters.pandas.series import Series

    if any(type(x) is DataFrame for x in inputs):
        return NotImplemented
    if method == "reduce":
        raise refuse(
            f"numpy.{ufunc.__name__}.reduce over the rows", "compute it when fitting and keep it on self"
        )
    if method != "__call__" or kwargs:
        arrays = as_array(inputs)
        return getattr(ufunc, method)(*arrays, **as_array(kwargs))
    if len(inputs) == 2 and ufunc in operators.NAMES and all(_is_plain(x) for x in inputs):
        return operators.binary(operators.NAMES[ufunc], *inputs)
    if len(inputs) == 1 and ufunc in _UNARY:
        return operators.unary(_UNARY[ufunc], inputs[0])
    first = next(x for x in inputs if type(x) is Series)
    for x in inputs:
        if type(x) is Series and x.kind not in ("number", "time"):
            raise refuse(f"numpy.{ufunc.__name__} of a column of {x.dtype}", "convert it with astype first")
    with np.errstate(all="ignore"):
        real = ufunc(*(concrete(x) for x in inputs))
        made = ufunc(
            *(
                constant(x.held) if type(x) is Series else held(x) if isinstance(x, pd.Series) else x
                for x in inputs
            )
        )
    if isinstance(real, tuple):
        raise refuse(f"numpy.{ufunc.__name__}, which gives two answers", "use functions with one answer")
    return first.made(
        real, made, what=f"numpy.{ufunc.__name__}", whole=first.whole and real.dtype.kind in "iub"
    )


_REDUCED: dict[Any, str] = {
    np.add: "sum",
    np.maximum: "max",
    np.minimum: "min",
    np.logical_and: "all",
    np.logical_or: "any",
}
_UNARY: dict[Any, str] = {
    np.negative: "neg",
    np.absolute: "abs",
    np.invert: "invert",
    np.logical_not: "invert",
}


def _is_plain(x: Any) -> bool:
    return np.ndim(concrete(x)) <= 1


def frame_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``DataFrame.__array_ufunc__`` answers: a DataFrame."""
    from onnxtwin.exporters.pandas.frame import DataFrame, each, frame_of_matrix, is_matrix

    if method == "reduce":
        axis = kwargs.get("axis", 0)
        name = _REDUCED.get(ufunc)
        if name is None:
            raise refuse(
                f"numpy.{ufunc.__name__}.reduce of a frame", "use the DataFrame's own method with axis=1"
            )
        return getattr(inputs[0], name)(axis=axis)
    if method != "__call__" or kwargs:
        return getattr(ufunc, method)(*as_array(inputs), **as_array(kwargs))
    if len(inputs) == 2 and ufunc in operators.NAMES:
        from onnxtwin.exporters.pandas.frame_operators import binary

        return binary(operators.NAMES[ufunc], *inputs)
    if len(inputs) == 1:
        frame = inputs[0]
        if is_matrix(frame):
            return frame_of_matrix(ufunc(frame._twin_value), ufunc(frame.__onnxtwin_array__()))
        return each(frame, ufunc)
    frames = [x for x in inputs if type(x) is DataFrame]
    from onnxtwin.exporters.pandas.frame_operators import columnwise

    return columnwise(lambda *columns: ufunc(*columns), inputs, frames[0])
