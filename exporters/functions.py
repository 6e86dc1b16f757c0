"""numpy's array functions on traced arrays (``__array_function__``) and the ndarray methods they serve.

Each handler bears the name and signature of the function it answers for. Reductions and sorting live in
:mod:`~onnxtwin.exporters.reductions`; what is not here is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.array import Array, concrete, constant, elementwise, is_traced, record, to_bool
from onnxtwin.exporters.tensor import STRING, Tensor, cast, element_type, graph_dtype, ints, join
from onnxtwin.exporters.trace import require_trace

_HANDLERS: dict[Callable[..., Any], Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}


def implements(
    *functions: Callable[..., Any], method: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated handler for numpy functions, and for the ndarray method of that name."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            _HANDLERS[function] = handler
        if method:
            METHODS[method] = handler
        return handler

    return register


def apply_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``Array.__array_function__`` answers."""
    handler = _HANDLERS.get(func)
    if handler is not None:
        return handler(*args, **kwargs)
    if not _depends(args) and not _depends(kwargs):
        return _as_constant(func(*concrete(args), **concrete(kwargs)))
    name = f"{getattr(func, '__module__', 'numpy')}.{getattr(func, '__name__', func)}"
    raise require_trace().unsupported(
        f"{name} is not supported in a traced method", "compute the same with other numpy functions"
    )


def _depends(value: Any) -> bool:
    if type(value) is Array:
        return not value.is_constant
    if isinstance(value, (list, tuple)):
        return any(_depends(v) for v in value)
    if isinstance(value, dict):
        return any(_depends(v) for v in value.values())
    return is_traced(value)


def _as_constant(value: Any) -> Any:
    if type(value) is not Array and isinstance(value, np.ndarray):
        return Array(value)
    return tuple(_as_constant(v) for v in value) if type(value) is tuple else value


# ---- joining --------------------------------------------------------------------------------------


@implements(np.concatenate)
def concatenate(
    arrays: Sequence[Any],
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    items: list[Any] = [constant(a) for a in arrays]
    if axis is None:
        items, axis = [np.ravel(a) for a in items], 0
    if out is not None:
        raise require_trace().unsupported("numpy.concatenate with out= is not supported", "assign the result")
    real = np.concatenate([a.value for a in items], axis=axis, dtype=dtype, casting=casting)  # type: ignore[call-overload]
    if all(a.is_constant for a in items):
        return Array(real)
    axis %= real.ndim
    if real.ndim == 2 and axis == 1:
        parts = []
        for item in items:
            if item.shape[1] == 0:
                continue
            tensor = (
                item if item.dtype == real.dtype or real.dtype.kind == "O" else item.astype(real.dtype)
            ).tensor
            parts.append(tensor)
        return Array(real, join(parts, real.shape[0], graph_dtype(real.dtype)))
    same = [a if a.dtype == real.dtype else a.astype(real.dtype) for a in items]
    return record(f"concatenate {axis}", real, lambda *v: op.concat(list(v), axis=axis), *same)


@implements(np.stack)
def stack(
    arrays: Sequence[Any], axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    items = [constant(a) for a in arrays]
    axis %= items[0].ndim + 1
    if items[0].ndim == 1 and axis == 1:
        return concatenate([a[:, None] for a in items], axis=1, dtype=dtype, casting=casting)
    return concatenate([np.expand_dims(a, axis) for a in items], axis=axis, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    items = [np.atleast_1d(constant(a)) for a in tup]
    return concatenate(items, axis=0 if items and items[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@implements(np.vstack)
def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return concatenate([np.atleast_2d(constant(a)) for a in tup], axis=0, dtype=dtype, casting=casting)


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    items = [constant(a) for a in tup]
    return concatenate([a[:, None] if a.ndim == 1 else a for a in items], axis=1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis=axis)


# ---- shapes ---------------------------------------------------------------------------------------


@implements(np.reshape, method="_reshape")
def reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: bool | None = None) -> Any:
    a = constant(a)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(int(s) for s in shape)
    if order not in ("C", "A"):
        raise require_trace().unsupported(f"reshape with order={order!r} is not supported", "use order='C'")
    real = a.value.reshape(shape)
    if a.is_constant:
        return Array(real)
    if real.shape == a.shape:
        result = Array(real, a.tensor)
    elif a.ndim == 1 and real.ndim == 2 and real.shape[1] == 1:
        return a[:, None]
    elif a.ndim == 2 and a.shape[1] == 1 and real.ndim == 1:
        return a[:, 0]
    else:
        # Beside the row count, -1 would be undefined for a batch of no rows.
        counted = any(s == require_trace().rows for s in shape)
        target = (
            real.shape
            if counted
            else tuple(-1 if s == -1 else n for s, n in zip(shape, real.shape, strict=True))
        )
        result = record("reshape", real, lambda v: op.reshape(v, ints(*target)), a)
    if np.may_share_memory(real, a.value):
        result.view_of(a, lambda base: _reshaped(base, real), restore=lambda view: _reshaped(view, a.value))
    return result


def _reshaped(a: Array, like: np.ndarray) -> Tensor:
    source = Array(a.value, a.tensor)
    return record(
        "reshape", a.value.reshape(like.shape), lambda v: op.reshape(v, ints(*like.shape)), source
    ).tensor


METHODS["reshape"] = lambda a, *shape, order="C", copy=None: reshape(
    a, shape[0] if len(shape) == 1 else shape, order=order
)


@implements(np.ravel, method="ravel")
def ravel(a: Any, order: str = "C") -> Any:
    return reshape(a, (-1,), order="C" if order == "K" else order)


METHODS["flatten"] = lambda a, order="C": ravel(a, order).copy()


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    a = constant(a)
    real = np.transpose(a.value, axes)
    if a.is_constant:
        return Array(real)
    order = tuple(range(a.ndim))[::-1] if axes is None else tuple(int(i) % a.ndim for i in axes)
    result = record(f"transpose {order}", real, lambda v: op.transpose(v, perm=order), a)
    back = tuple(int(i) for i in np.argsort(order))
    return result.view_of(
        a,
        lambda base: transpose(Array(base.value, base.tensor), axes).tensor,
        restore=lambda view: transpose(Array(view.value, view.tensor), back).tensor,
    )


METHODS["transpose"] = lambda a, *axes: transpose(a, (axes[0] if len(axes) == 1 else axes) or None)


@implements(np.swapaxes, method="swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(a, order)


@implements(np.moveaxis)
def moveaxis(a: Any, source: int, destination: int) -> Any:
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
    return a[index] if axes else a


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
        return Array(real)
    return record("broadcast_to", real, lambda v: op.expand(v, ints(*real.shape)), a)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(concrete(a)) for a in args))
    return tuple(broadcast_to(a, shape) for a in args)


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


# ---- choosing -------------------------------------------------------------------------------------


def choose(mask: Var, yes: Var, no: Var) -> Var:
    """``Where`` in any element type: bool has no kernel everywhere, and goes by logic."""
    if element_type(yes) == np.bool_:
        return op.or_(op.and_(mask, yes), op.and_(op.not_(mask), no))
    return op.where(mask, yes, no)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    if not choices:
        raise require_trace().unsupported(
            "numpy.where(condition) asks which rows hold", "use numpy.where(condition, a, b)"
        )
    arrays = [constant(condition), *(constant(c) for c in choices)]
    real = np.where(*(a.value for a in arrays[:1]), *(concrete(c) for c in choices))
    text = real.dtype.kind in "OUT" and any(_is_text(a) for a in arrays[1:])
    if text and not all(_is_text(a) for a in arrays[1:]):
        raise require_trace().unsupported(
            "numpy.where chooses between text and numbers", "give both choices one type"
        )
    held = STRING if text else arrays[1].tensor.dtype if real.dtype.kind == "O" else graph_dtype(real.dtype)
    wide = np.dtype(np.int64) if held.kind in "iu" else held

    def build(m: Var, a: Var, b: Var) -> Var:
        chosen = choose(to_bool(m), a, b)
        return chosen if held == STRING else cast(chosen, held)

    return elementwise("where", real, build, arrays, [None, wide, wide])


def _is_text(array: Array) -> bool:
    if not array.is_constant:
        return array.tensor.dtype == STRING
    return (
        array.dtype.kind in "UT"
        or array.dtype.kind == "O"
        and all(isinstance(x, str) or x is None or x != x for x in array.value.reshape(-1))
    )


@implements(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    dtype = np.result_type(*(np.asarray(concrete(c)) for c in choicelist), np.asarray(default))
    result: Any = np.asarray(default).astype(dtype) if dtype.kind not in "U" else default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


@implements(np.clip, method="clip")
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **kwargs: Any,
) -> Any:
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    result = a
    if low is not None:
        result = np.maximum(result, low)
    if high is not None:
        result = np.minimum(result, high)
    if out is not None:
        out[...] = result
        return out
    return result if result is not a else a.copy()


@implements(np.take, method="take")
def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    a = constant(a)
    if axis is None:
        a, axis = ravel(a), 0
    index = constant(indices)
    index = index.astype(np.int64) if index.dtype.kind == "b" else index
    if mode == "clip":
        index = clip(index, 0, a.shape[axis] - 1)
    elif mode != "raise":
        raise require_trace().unsupported(
            f"numpy.take with mode={mode!r} is not supported", "use mode='raise' or 'clip'"
        )
    before = (slice(None),) * (axis % a.ndim)
    return a[(*before, index if not index.is_constant else index.value)]


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int = -1) -> Any:
    a, index = constant(arr), constant(indices)
    real = np.take_along_axis(a.value, index.value, axis)
    return record(
        f"take_along_axis {axis}",
        real,
        lambda v, i: op.gather_elements(v, cast(i, np.dtype(np.int64)), axis=axis),
        a,
        index,
    )


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    x, tests = constant(element), constant(test_elements)
    if not tests.is_constant:
        raise require_trace().unsupported("numpy.isin against computed values", "compare with == and any")
    values = np.unique(tests.value) if tests.dtype.kind != "O" else tests.value
    if x.ndim != 1 and x.ndim != 0:
        hit = np.equal(x[..., None], values).any(axis=-1)
    elif _is_text(x):
        from onnxtwin.exporters import text

        hit = text.isin(x, [str(v) for v in values])
    else:
        hit = np.equal(np.reshape(x, (-1, 1)), values).any(axis=1)
    return np.logical_not(hit) if invert else hit


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    limits = np.finfo(x.dtype) if x.dtype.kind == "f" else None
    if limits is None:
        return x.copy() if copy else x
    result = np.where(np.isnan(x), x.dtype.type(nan), x)
    result = np.where(
        np.logical_and(np.isinf(x), np.greater(x, 0)),
        x.dtype.type(limits.max if posinf is None else posinf),
        result,
    )
    result = np.where(
        np.logical_and(np.isinf(x), np.less(x, 0)),
        x.dtype.type(limits.min if neginf is None else neginf),
        result,
    )
    if not copy:
        x[...] = result
        return x
    return result


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, dst)


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    if np.ndim(concrete(values)) != 0 and np.shape(concrete(values)) != a.shape:
        raise require_trace().unsupported("numpy.putmask repeats its values", "use np.where")
    a[...] = np.where(mask, values, a)


@implements(np.around, method="round")
def around(a: Any, decimals: int = 0, out: Any = None) -> Any:
    from onnxtwin.exporters import special

    if a.dtype.kind in "iub" and decimals >= 0:
        return a.copy()
    real = np.around(a.value, decimals)
    return elementwise(
        f"round {decimals}",
        real,
        lambda v: cast(special.round_decimals(op.cast(v, to=np.float64), decimals), real.dtype),
        [constant(a)],
        [None],
    )


_HANDLERS[np.round] = around
_HANDLERS[np.fix] = lambda x, out=None: np.trunc(x)


# ---- creation like another array ------------------------------------------------------------------


def _like(function: Callable[..., np.ndarray]) -> Callable[..., Any]:
    def handler(
        a: Any,
        *args: Any,
        dtype: Any = None,
        order: str = "K",
        subok: bool = True,
        shape: Any = None,
        **kwargs: Any,
    ) -> Any:
        if any(_depends(x) for x in args):
            made = Array(np.zeros(a.shape if shape is None else shape, a.dtype if dtype is None else dtype))
            made[...] = args[0]
            return made
        return Array(function(concrete(a), *concrete(args), dtype=dtype, shape=shape))

    return handler


_HANDLERS[np.zeros_like] = _like(np.zeros_like)
_HANDLERS[np.ones_like] = _like(np.ones_like)
_HANDLERS[np.full_like] = _like(np.full_like)
_HANDLERS[np.empty_like] = _like(np.zeros_like)


# ---- products -------------------------------------------------------------------------------------


@implements(np.dot, method="dot")
def dot(a: Any, b: Any, out: Any = None) -> Any:
    x, y = constant(a), constant(b)
    if x.ndim == 0 or y.ndim == 0:
        return np.multiply(x, y)
    if y.ndim > 2:
        raise require_trace().unsupported("numpy.dot with more than two dimensions", "use matmul or einsum")
    return np.matmul(x, y)


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    return dot(a, np.transpose(b) if np.ndim(concrete(b)) == 2 else b)


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@implements(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = False, **kwargs: Any) -> Any:
    arrays = [constant(a) for a in operands]
    real = np.einsum(subscripts, *(a.value for a in arrays))
    arrays = [a if a.dtype == real.dtype else a.astype(real.dtype) for a in arrays]
    return record(f"einsum {subscripts}", real, lambda *v: op.einsum(list(v), equation=subscripts), *arrays)


# ---- tables fitted at training time -----------------------------------------------------------------


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Position in a constant sorted array: how many elements precede ``v``; NaN sorts last, as in numpy."""
    table, x = constant(a), constant(v)
    if not table.is_constant or sorter is not None:
        raise require_trace().unsupported(
            "numpy.searchsorted in a computed array", "search in an array fixed when fitting"
        )
    real = np.searchsorted(table.value, x.value, side=side)  # type: ignore[call-overload]
    if _is_text(x):
        raise require_trace().unsupported("numpy.searchsorted of text", "map the text with a dict")
    kind = np.result_type(table.dtype, x.dtype)
    edges = table.value.astype(kind)
    missing = int(np.isnan(edges).sum()) if kind.kind == "f" else 0
    known = len(edges) - missing

    def build(values: Var) -> Var:
        wide = op.unsqueeze(values, op.const(np.array([-1], np.int64)))
        marks = op.const(edges[:known])
        before = op.less(marks, wide) if side == "left" else op.less_or_equal(marks, wide)
        counts = op.reduce_sum(op.cast(before, to=np.float64), op.const(np.array([-1], np.int64)), keepdims=0)
        counts = op.cast(counts, to=np.int64)
        if kind.kind != "f":
            return counts
        return op.where(
            op.isnan(values), op.const(np.array(known if side == "left" else len(edges), np.int64)), counts
        )

    if x.ndim == 1:
        x = Array(x.value, Tensor(x.shape, x.tensor.dtype, flat=x.tensor.flat)) if not x.is_constant else x
    return elementwise(f"searchsorted {side}", real, build, [x], [kind])


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    edges = np.asarray(concrete(bins))
    if len(edges) > 1 and edges[0] > edges[-1]:
        return np.subtract(len(edges), searchsorted(edges[::-1], x, side="right" if right else "left"))
    return searchsorted(edges, x, side="left" if right else "right")


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """numpy's own arithmetic (``arr_interp``): slope * (x - xp[j]) + fp[j], exact at the knots."""
    if period is not None or _depends(xp) or _depends(fp):
        raise require_trace().unsupported(
            "numpy.interp with a period or computed knots", "fix the knots when fitting"
        )
    knots, values = np.asarray(concrete(xp), float), np.asarray(concrete(fp), float)
    low = values[0] if left is None else float(left)
    high = values[-1] if right is None else float(right)
    if len(knots) == 1:
        return np.where(
            np.isnan(x),
            x,
            np.where(np.less(x, knots[0]), low, np.where(np.greater(x, knots[0]), high, values[0])),
        )
    j = clip(np.subtract(searchsorted(knots, x, side="right"), 1), 0, len(knots) - 2)
    with np.errstate(all="ignore"):
        slopes = np.diff(values) / np.diff(knots)
    x0, y0, x1, y1, slope = (take(t, j) for t in (knots[:-1], values[:-1], knots[1:], values[1:], slopes))
    line = np.add(np.multiply(slope, np.subtract(x, x0)), y0)
    # numpy falls back to the right knot where the left one gives NaN (infinite slopes), then to equal ends.
    again = np.add(np.multiply(slope, np.subtract(x, x1)), y1)
    line = np.where(
        np.isnan(line), np.where(np.logical_and(np.isnan(again), np.equal(y0, y1)), y0, again), line
    )
    line = np.where(np.equal(x, x0), y0, line)
    line = np.where(np.equal(x, knots[-1]), values[-1], line)
    line = np.where(np.less(x, knots[0]), low, np.where(np.greater(x, knots[-1]), high, line))
    return np.where(np.isnan(x), x, line)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if prepend is not None or append is not None:
        raise require_trace().unsupported("numpy.diff with prepend or append", "concatenate first")
    result = a
    before = (slice(None),) * (axis % a.ndim)
    for _ in range(n):
        result = np.subtract(result[(*before, slice(1, None))], result[(*before, slice(None, -1))])
    return result


# ---- questions that need no graph ------------------------------------------------------------------


@implements(np.shape)
def shape(a: Any) -> Any:
    return concrete(a).shape


@implements(np.ndim)
def ndim(a: Any) -> Any:
    return concrete(a).ndim


@implements(np.size)
def size(a: Any, axis: Any = None) -> Any:
    return np.size(concrete(a), axis)


@implements(np.result_type)
def result_type(*args: Any) -> Any:
    return np.result_type(*(concrete(a) for a in args))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, Array) else from_, to, casting=casting)  # type: ignore[arg-type]


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return bool(concrete(x).dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return bool(concrete(x).dtype.kind != "c")


@implements(np.may_share_memory, np.shares_memory)
def may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return bool(np.may_share_memory(concrete(a), concrete(b)))


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return a.copy()


@implements(np.real)
def real(val: Any) -> Any:
    return val


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    limit = np.add(atol, np.multiply(rtol, np.abs(b)))
    near = np.logical_and(np.less_equal(np.abs(np.subtract(a, b)), limit), np.isfinite(b))
    near = np.logical_or(near, np.equal(a, b))
    return np.logical_or(near, np.logical_and(np.isnan(a), np.isnan(b))) if equal_nan else near
