"""Functions that change an array's shape; views stay views, as numpy hands them out."""

from __future__ import annotations

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op

from onnxtwin.exporters.array import Array, concrete, constant, record
from onnxtwin.exporters.numpy.dispatch import METHODS, implements
from onnxtwin.exporters.tensor import Tensor, ints
from onnxtwin.exporters.trace import require_trace


@implements(np.reshape, method="_reshape")
def reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Any:
    a = constant(a)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(int(s) for s in shape)
    in_c = order == "C" or order == "A" and (a.flags.c_contiguous or not a.flags.f_contiguous)
    if not in_c and not (a.ndim < 2 and len(shape) < 2):
        raise require_trace().unsupported(f"reshape with order={order!r} is not supported", "use order='C'")
    return _reshaped_to(a, shape, np.reshape(a.value, shape, copy=copy))


def _reshaped_to(a: Array, shape: tuple[int, ...], real: np.ndarray) -> Any:
    if a.is_constant:
        return Array(real, boxed=True)
    if real.shape == a.shape:
        result = Array(real, a.tensor, boxed=True)
    elif a.ndim == 1 and real.ndim == 2 and real.shape[1] == 1:
        result = Array(real, a[:, None].tensor)
    elif a.ndim == 2 and a.shape[1] == 1 and real.ndim == 1:
        result = Array(real, a[:, 0].tensor)
    else:
        # Beside the row count, -1 would be undefined for a batch of no rows.
        counted = any(s == require_trace().rows for s in shape)
        target = (
            real.shape
            if counted
            else tuple(-1 if s == -1 else n for s, n in zip(shape, real.shape, strict=True))
        )
        result = record("reshape", real, lambda v: op.reshape(v, ints(*target)), a)
        result._boxed = True
    if np.may_share_memory(real, a.value):
        result._view_of(a, lambda base: _reshaped(base, real), restore=lambda view: _reshaped(view, a.value))
    return result


def _reshaped(a: Array, like: np.ndarray) -> Tensor:
    source = Array(a.value, a.tensor)
    return record(
        "reshape", a.value.reshape(like.shape), lambda v: op.reshape(v, ints(*like.shape)), source
    ).tensor


METHODS["reshape"] = lambda a, *shape, order="C", copy=None: reshape(
    a, shape[0] if len(shape) == 1 else shape, order=order, copy=copy
)


@implements(np.ravel, method="ravel")
def ravel(a: Any, order: str = "C") -> Any:
    a = constant(a)
    if order != "C" and a.ndim > 1 and not a.flags.c_contiguous:
        raise require_trace().unsupported(f"ravel with order={order!r} is not supported", "use order='C'")
    if order == "F" and a.ndim > 1:
        raise require_trace().unsupported(f"ravel with order={order!r} is not supported", "use order='C'")
    return _reshaped_to(a, (-1,), a.value.ravel("C"))


METHODS["flatten"] = lambda a, order="C": ravel(a, order).copy()


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    a = constant(a)
    real = np.transpose(a.value, axes)
    if a.is_constant:
        return Array(real, boxed=a._boxed)
    if a.ndim == 0:
        return Array(real, a.tensor, boxed=a._boxed)
    order = tuple(range(a.ndim))[::-1] if axes is None else tuple(int(i) % a.ndim for i in axes)
    result = record(f"transpose {order}", real, lambda v: op.transpose(v, perm=order), a)
    back = tuple(int(i) for i in np.argsort(order))
    return result._view_of(
        a,
        lambda base: transpose(Array(base.value, base.tensor), axes).tensor,
        restore=lambda view: transpose(Array(view.value, view.tensor), back).tensor,
    )


METHODS["transpose"] = lambda a, *axes: transpose(a, (axes[0] if len(axes) == 1 else axes) or None)


@implements(np.swapaxes, method="swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    np.swapaxes(constant(a).value, axis1, axis2)  # raises for axes that there are not
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(a, order)


@implements(np.moveaxis)
def moveaxis(a: Any, source: int, destination: int) -> Any:
    np.moveaxis(constant(a).value, source, destination)  # raises for axes that there are not
    order = [i for i in range(a.ndim) if i != source % a.ndim]
    order.insert(destination % a.ndim, source % a.ndim)
    return transpose(a, order)


@implements(np.squeeze, method="squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    a = constant(a)
    axes = (
        [i for i, n in enumerate(a.shape) if n == 1]
        if axis is None
        else [int(i) % a.ndim for i in np.atleast_1d(axis)]
    )
    index = tuple(0 if i in axes else slice(None) for i in range(a.ndim))
    return a[(*index, ...)] if axes else a


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    a = constant(a)
    total = a.ndim + np.size(axis)
    axes = {int(i) % total for i in np.atleast_1d(axis)}
    return a[tuple(None if i in axes else slice(None) for i in range(total))]


@implements(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    items = [constant(a) for a in arrays]
    items = [a.reshape(1) if a.ndim == 0 else a for a in items]
    return items[0] if len(items) == 1 else tuple(items)


@implements(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    items = [constant(a) for a in arrays]
    items = [a.reshape(1, -1) if a.ndim < 2 else a for a in items]
    return items[0] if len(items) == 1 else tuple(items)


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    a = constant(array)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    real = np.broadcast_to(a.value, shape)
    if a.is_constant:
        return Array(real, boxed=True)
    made = record("broadcast_to", real, lambda v: op.expand(v, ints(*real.shape)), a)
    made._boxed = True
    return made


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(concrete(a)) for a in args))
    reals = np.broadcast_arrays(*(concrete(a) for a in args))
    made = (broadcast_to(a, shape) for a in args)
    return tuple(
        Array(real, None if m.is_constant else m.tensor, boxed=True)
        for real, m in zip(reals, made, strict=True)
    )


@implements(np.tile)
def tile(a: Any, reps: Any) -> Any:
    a = constant(a)
    repeats = tuple(int(r) for r in np.atleast_1d(reps))
    real = np.tile(a.value, repeats)
    if a.is_constant:
        return Array(real)
    ndim = max(a.ndim, len(repeats))
    wide = a.reshape((1,) * (ndim - a.ndim) + a.shape)
    repeats = (1,) * (ndim - len(repeats)) + repeats
    return record("tile", real, lambda v: op.tile(v, ints(*repeats)), wide)


@implements(np.repeat, method="repeat")
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    a = constant(a)
    if axis is None:
        a, axis = ravel(a), 0
    if np.ndim(repeats) != 0:
        index = np.repeat(np.arange(a.shape[axis]), repeats)
        return np.take(a, index, axis=axis)
    real = np.repeat(a.value, int(repeats), axis=axis)
    wide = np.expand_dims(a, axis + 1 if axis >= 0 else axis)
    axis %= a.ndim
    target = (*wide.shape[: axis + 1], int(repeats), *wide.shape[axis + 2 :])
    return reshape(broadcast_to(wide, target), real.shape)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else [int(i) % m.ndim for i in np.atleast_1d(axis)]
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@implements(np.split, np.array_split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    pieces = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    before = (slice(None),) * (axis % ary.ndim)
    return [ary[(*before, slice(int(p[0]), int(p[-1]) + 1) if len(p) else slice(0, 0))] for p in pieces]


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    return split(ary, indices_or_sections, axis=1)
