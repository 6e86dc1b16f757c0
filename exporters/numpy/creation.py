"""numpy's functions that do not dispatch on their arguments: what traced code gets in their place.

Buffers (``zeros``, ``empty``) are traced constants, so that computed columns can be written into them;
``asarray`` and its kin pass traced values through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.domain import require_finite
from onnxtwin.exporters.fixed import Fixed, fixed
from onnxtwin.exporters.numpy.dispatch import depends, implements
from onnxtwin.exporters.questions import has_bytes, seen
from onnxtwin.exporters.trace import require_trace


def _matrix(value: Any) -> Any:
    """A traced frame, series or nested list as an Array."""
    if type(value) is Array:
        return value
    if hasattr(value, "__onnxtwin_array__"):
        return value.__onnxtwin_array__()
    if isinstance(value, (list, tuple)):
        items = [_matrix(v) if is_traced(v) else np.asarray(v) for v in value]
        made: Any = np.stack(items)
        return made if made.flags.c_contiguous else made.copy()
    if is_traced(value):
        raise require_trace().unsupported(
            "makes an array of rows chosen by a mask: how many they are depends on the rows",
            "use np.where(mask, f(x), x) on whole columns",
        )
    return value


def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, **kwargs: Any) -> Any:
    """``numpy.asarray``, traced values included."""
    if not is_traced(a):
        make: Any = np.asanyarray if type(a) is Fixed else np.asarray
        return fixed(make(a, dtype=dtype, order=order, copy=copy, **kwargs))
    array = made = _matrix(a)
    if copy is False and array._is_scalar:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    if dtype is not None and np.dtype(dtype) != array.dtype:
        made = array.astype(dtype, order=order or "K")
    if order == "F" and not made.flags.f_contiguous or order == "C" and not made.flags.c_contiguous:
        made = made.copy(order)
    if copy is False and made is not a:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    shared = made is a or not made.flags.writeable  # pandas' own memory is read-only
    if shared and copy or made is a and made._is_scalar:
        made = made.copy(order or "K")
    made._boxed = True
    return made


def _ordered(order: str, ndmin: int = 0) -> Callable[..., Any]:
    def handler(a: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return array(a, dtype, copy=None, order=order, ndmin=ndmin, **kwargs)

    return handler


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """``numpy.asarray_chkfinite``: what is not finite, the pipeline refuses."""
    if not is_traced(a):
        return fixed(np.asarray_chkfinite(a, dtype, order))
    made = asarray(a, dtype, order)
    require_finite(made, allow_nan=False)
    return made


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    **kwargs: Any,
) -> Any:
    """``numpy.array``, traced values included."""
    if not is_traced(object):
        made: Any = np.array(
            object, dtype=dtype, copy=copy, order=order, subok=type(object) is Fixed, ndmin=ndmin, **kwargs
        )
        return fixed(made)
    result = asarray(object, dtype, order, copy=copy)
    while result.ndim < ndmin:
        result = result[None]
    return result


def frombuffer(buffer: Any, *args: Any, **kwargs: Any) -> Any:
    """``numpy.frombuffer``, which knows no protocol but that of bytes."""
    return np.frombuffer(buffer.__buffer__(0) if has_bytes(buffer) else buffer, *args, **kwargs)


def zeros(shape: Any, dtype: Any = float, order: Any = "C", **kwargs: Any) -> Array:
    return Array(np.zeros(concrete(shape), dtype, order), boxed=True)


def ones(shape: Any, dtype: Any = None, order: Any = "C", **kwargs: Any) -> Array:
    return Array(np.ones(concrete(shape), dtype, order), boxed=True)


def empty(shape: Any, dtype: Any = float, order: Any = "C", **kwargs: Any) -> Array:
    """Zeros: what is read before it is written must be the same in both runs."""
    return Array(np.zeros(concrete(shape), dtype, order), boxed=True)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **kwargs: Any) -> Array:
    if not is_traced(fill_value):
        return Array(np.full(concrete(shape), fill_value, dtype, order), boxed=True)
    kind = concrete(fill_value).dtype if dtype is None else dtype
    made = Array(np.zeros(concrete(shape), kind, order), boxed=True)
    made[...] = fill_value
    return made


def _like(function: Any) -> Any:
    def handler(a: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("subok", None)
        if type(a) is Array:
            return function(a, *args, **kwargs)
        if is_traced(a):
            return function(_matrix(a), *args, **kwargs)
        real = np.zeros_like if function is np.empty_like else function
        return Array(np.asarray(real(np.asarray(a), *args, **kwargs)), boxed=True)

    return handler


def _filled_like(function: Callable[..., np.ndarray]) -> Callable[..., Any]:
    def handler(
        a: Any,
        *args: Any,
        dtype: Any = None,
        order: Any = "K",
        subok: bool = True,
        shape: Any = None,
        **kwargs: Any,
    ) -> Any:
        if any(depends(x) for x in args):
            made = Array(np.zeros_like(concrete(a), dtype, order, shape=shape), boxed=True)
            made[...] = args[0]
            return made
        real = function(concrete(a), *concrete(args), dtype=dtype, order=order, shape=shape)
        return Array(real, boxed=True)

    return handler


implements(np.zeros_like)(_filled_like(np.zeros_like))
implements(np.ones_like)(_filled_like(np.ones_like))
implements(np.full_like)(_filled_like(np.full_like))
implements(np.empty_like)(_filled_like(np.zeros_like))


class _Columns:
    """``np.c_[a, b]`` over traced arrays."""

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        return np.column_stack([_matrix(i) for i in items]) if is_traced(items) else np.c_[key]


class _Rows:
    """``np.r_[a, b]`` over traced arrays."""

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        return np.concatenate([np.atleast_1d(_matrix(i)) for i in items]) if is_traced(items) else np.r_[key]


NUMPY: dict[str, Any] = {
    "asarray": asarray,
    "asanyarray": asarray,
    "ascontiguousarray": _ordered("C", ndmin=1),
    "asfortranarray": _ordered("F", ndmin=1),
    "asarray_chkfinite": asarray_chkfinite,
    "array": array,
    "frombuffer": frombuffer,
    "isscalar": lambda element: np.isscalar(seen(element)),
    "iterable": lambda y: np.iterable(seen(y)),
    "zeros": zeros,
    "ones": ones,
    "empty": empty,
    "full": full,
    "zeros_like": _like(np.zeros_like),
    "ones_like": _like(np.ones_like),
    "empty_like": _like(np.empty_like),
    "full_like": _like(np.full_like),
    "c_": _Columns(),
    "r_": _Rows(),
}
"""Name in the numpy module -> what traced code sees."""
