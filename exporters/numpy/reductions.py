"""Reductions, sorting and cumulative functions of numpy on traced arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import arithmetic
from onnxtwin.exporters.array import Array, concrete, constant, record, to_bool
from onnxtwin.exporters.numpy.dispatch import implements
from onnxtwin.exporters.ordering import sorted_values, sorting_positions
from onnxtwin.exporters.tensor import cast
from onnxtwin.exporters.trace import require_trace

INT64 = np.dtype(np.int64)
_NO_VALUE = np._NoValue


def _axes(axis: Any, ndim: int) -> list[int]:
    return list(range(ndim)) if axis is None else [int(i) % ndim for i in np.atleast_1d(axis)]


def _reduce(
    name: str,
    function: Callable[..., Any],
    build: Callable[[Var, Var, bool], Var],
    a: Any,
    axis: Any,
    keepdims: Any,
    dtype: Any = None,
    **extra: Any,
) -> Any:
    """One reduction: value by numpy, graph by ``build(values, axes, keepdims)`` in the value's own type."""
    x = constant(a)
    keep = bool(keepdims) if keepdims is not _NO_VALUE else False
    real = np.asarray(
        function(x.value, axis=axis, keepdims=keep, **({} if dtype is None else {"dtype": dtype}), **extra)
    )
    if x.is_constant:
        return Array(real) if real.ndim else real[()]
    axes = _axes(axis, x.ndim)
    kind = real.dtype
    wide = INT64 if kind.kind in "iu" else kind

    def of(v: Var) -> Var:
        reduced = build(v if kind.kind == "b" else cast(v, wide), op.const(np.array(axes, np.int64)), keep)
        return cast(reduced, kind)

    made = record(f"{name} {axes} {keep}", real, of, x)
    if function is np.sum and kind.kind == "f":
        magnitudes = np.abs(x.value.astype(np.float64))
        count = int(np.prod([x.shape[i] for i in axes]))
        require_trace().added(count, np.sum(magnitudes, axis=axis, keepdims=keep))
    return made


def _only(where: Any, initial: Any, out: Any) -> dict[str, Any]:
    if out is not None:
        raise require_trace().unsupported("a reduction with out= is not supported", "assign the result")
    return {"where": where, "initial": initial}


def _masked(a: Any, where: Any, initial: Any, neutral: Any) -> Any:
    if where is not _NO_VALUE and where is not True:
        a = np.where(where, a, neutral)
    if initial is not _NO_VALUE and initial != neutral:
        raise require_trace().unsupported(
            f"a reduction with initial={initial!r}", "combine the value with the result"
        )
    return a


def _sum(v: Var, axes: Var, keep: bool) -> Var:
    return op.reduce_sum(v, axes, keepdims=int(keep))


def _short_sum(v: Var, axes: Var, keep: bool) -> Var:
    """Bools and small integers: sums below 2**53 are exact in float64, and not always in int64."""
    return op.cast(op.reduce_sum(op.cast(v, to=np.float64), axes, keepdims=int(keep)), to=np.int64)


def _sum_in_order(v: Var, axes: Var, keep: bool) -> Var:
    """The last running sum: numpy adds fewer than eight values one after the other, ReduceSum does not."""
    running = op.cumsum(v, op.const(np.array(1, np.int64)))
    last = op.const(np.array([-1] if keep else -1, np.int64))
    return op.gather(running, last, axis=1)


def _long_sum(v: Var, axes: Var, keep: bool) -> Var:
    return arithmetic.int_sum(v, axes, keepdims=keep)


@implements(np.sum, method="sum")
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
    where: Any = _NO_VALUE,
) -> Any:
    _only(where, initial, out)
    x = constant(a)
    wide = x.dtype in (np.int64, np.uint32)
    short = x.dtype.kind in "biu" and (dtype is None or np.dtype(dtype).kind in "iu")
    few = (
        x.ndim == 2
        and _axes(axis, 2) == [1]
        and 0 < x.shape[1] < 8
        and x.dtype == np.float64
        and dtype in (None, np.float64)
    )
    return _reduce(
        "sum",
        np.sum,
        _long_sum if wide and short else _short_sum if short else _sum_in_order if few else _sum,
        _masked(a, where, initial, 0),
        axis,
        keepdims,
        dtype,
    )


@implements(np.prod, method="prod")
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
    where: Any = _NO_VALUE,
) -> Any:
    _only(where, initial, out)
    return _reduce(
        "prod",
        np.prod,
        lambda v, i, k: op.reduce_prod(v, i, keepdims=int(k)),
        _masked(a, where, initial, 1),
        axis,
        keepdims,
        dtype,
    )


def _extreme(name: str) -> Callable[[Var, Var, bool], Var]:
    """Max and min over an axis with numpy's NaN: one NaN makes the result NaN."""
    from onnxtwin.exporters.tensor import element_type

    operator = op.reduce_max if name == "max" else op.reduce_min

    def build(v: Var, axes: Var, keep: bool) -> Var:
        if element_type(v) == np.bool_:
            return op.cast(operator(op.cast(v, to=np.int64), axes, keepdims=int(keep)), to=np.bool_)
        if element_type(v).kind != "f":
            return operator(v, axes, keepdims=int(keep))
        bad = op.isnan(v)
        neutral = op.const(np.asarray(-np.inf if name == "max" else np.inf, element_type(v)))
        found = operator(op.where(bad, neutral, v), axes, keepdims=int(keep))
        any_bad = op.cast(op.reduce_max(op.cast(bad, to=np.int64), axes, keepdims=int(keep)), to=np.bool_)
        return op.where(any_bad, op.const(np.asarray(np.nan, element_type(v))), found)

    return build


@implements(np.max, np.amax, method="max")
def max(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
    where: Any = _NO_VALUE,
) -> Any:
    _only(where, initial, out)
    return _reduce("max", np.max, _extreme("max"), _masked(a, where, initial, -np.inf), axis, keepdims)


@implements(np.min, np.amin, method="min")
def min(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
    where: Any = _NO_VALUE,
) -> Any:
    _only(where, initial, out)
    return _reduce("min", np.min, _extreme("min"), _masked(a, where, initial, np.inf), axis, keepdims)


def _truth(name: str) -> Callable[[Var, Var, bool], Var]:
    operator = op.reduce_max if name == "any" else op.reduce_min
    return lambda v, axes, keep: op.cast(
        operator(op.cast(to_bool(v), to=np.int64), axes, keepdims=int(keep)), to=np.bool_
    )


def _boolean(name: str, function: Callable[..., Any], a: Any, axis: Any, keepdims: Any) -> Any:
    truth = constant(a) if constant(a).dtype.kind == "b" else np.not_equal(a, 0)
    return _reduce(name, function, _truth(name), truth, axis, keepdims)


@implements(np.any, method="any")
def any(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = _NO_VALUE
) -> Any:
    return _boolean("any", np.any, _masked(a, where, _NO_VALUE, False), axis, keepdims)


@implements(np.all, method="all")
def all(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = _NO_VALUE
) -> Any:
    return _boolean("all", np.all, _masked(a, where, _NO_VALUE, True), axis, keepdims)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return sum(np.not_equal(a, 0), axis=axis, keepdims=keepdims)


@implements(np.mean, method="mean")
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    *,
    where: Any = _NO_VALUE,
) -> Any:
    if where is not _NO_VALUE:
        raise require_trace().unsupported("numpy.mean with where=", "divide sums")
    kind = np.mean(concrete(a)[:1]).dtype if dtype is None else np.dtype(dtype)
    count = int(np.prod([constant(a).shape[i] for i in _axes(axis, constant(a).ndim)]))
    return np.divide(sum(a, axis=axis, dtype=kind, keepdims=keepdims), kind.type(count))


@implements(np.var, method="var")
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = _NO_VALUE,
    **kwargs: Any,
) -> Any:
    if kwargs:
        raise require_trace().unsupported(f"numpy.var with {sorted(kwargs)}", "compute it from means")
    centre = np.subtract(a, mean(a, axis=axis, dtype=dtype, keepdims=True))
    count = int(np.prod([constant(a).shape[i] for i in _axes(axis, constant(a).ndim)]))
    return np.divide(
        sum(np.multiply(centre, centre), axis=axis, keepdims=keepdims), float(np.max([count - ddof, 0]))
    )


@implements(np.std, method="std")
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = _NO_VALUE,
    **kwargs: Any,
) -> Any:
    return np.sqrt(var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, **kwargs))


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = _NO_VALUE
) -> Any:
    if returned:
        raise require_trace().unsupported("numpy.average with returned=True", "sum the weights")
    if weights is None:
        return mean(a, axis=axis, keepdims=keepdims)
    weights = constant(weights)
    x = constant(a)
    if weights.ndim == 1 and x.ndim > 1 and axis is not None:
        weights = np.reshape(weights, tuple(-1 if i == int(axis) % x.ndim else 1 for i in range(x.ndim)))
    kind = np.result_type(x.dtype, weights.dtype, np.float64 if x.dtype.kind in "iub" else x.dtype)
    scale = (
        np.sum(np.broadcast_to(weights.value, x.shape), axis=axis, dtype=kind)
        if weights.is_constant
        else sum(np.broadcast_to(weights, x.shape), axis=axis)
    )
    if weights.is_constant and np.ndim(scale) and np.all(scale == np.asarray(scale).flat[0]):
        scale = np.asarray(scale).flat[0]
    total = sum(np.multiply(x, weights), axis=axis, dtype=kind)
    answer = np.divide(total, scale)
    return answer if keepdims is _NO_VALUE or not keepdims else np.expand_dims(answer, axis)


def _arg(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def handler(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _NO_VALUE) -> Any:
        from onnxtwin.exporters.tensor import element_type

        x: Any = constant(a)
        keep = keepdims is not _NO_VALUE and bool(keepdims)
        if axis is None:
            x, at = np.ravel(x), 0
        else:
            at = int(axis) % x.ndim
        real = np.asarray(function(x.value, axis=at, keepdims=keep))
        operator = op.arg_max if name == "argmax" else op.arg_min

        def of(v: Var) -> Var:
            if element_type(v).kind == "f":
                # numpy answers the first NaN if there is one.
                score = op.where(
                    op.isnan(v),
                    op.const(np.asarray(np.inf if name == "argmax" else -np.inf, element_type(v))),
                    v,
                )
                bad = op.cast(op.isnan(v), to=np.int64)
                some = op.cast(
                    op.reduce_max(bad, op.const(np.array([at], np.int64)), keepdims=int(keep)), to=np.bool_
                )
                return op.where(
                    some,
                    op.arg_max(bad, axis=at, keepdims=int(keep)),
                    operator(score, axis=at, keepdims=int(keep)),
                )
            return operator(
                op.cast(v, to=np.int64) if element_type(v) != INT64 else v, axis=at, keepdims=int(keep)
            )

        return record(f"{name} {at} {keep}", real, of, x)

    return handler


implements(np.argmax, method="argmax")(_arg("argmax"))
implements(np.argmin, method="argmin")(_arg("argmin"))


@implements(np.cumsum, method="cumsum")
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    x: Any = constant(a)
    if axis is None:
        x, axis = np.ravel(x), 0
    real = np.cumsum(x.value, axis=axis, dtype=dtype)
    if out is not None:
        out[...] = cumsum(x, axis=axis, dtype=dtype)
        return out
    kind = INT64 if real.dtype.kind in "iu" else real.dtype
    return record(
        f"cumsum {axis}",
        real,
        lambda v: cast(op.cumsum(cast(v, kind), op.const(np.array(axis, np.int64))), real.dtype),
        x,
    )


def _sorted_size(x: Array, axis: int) -> int:
    """How many elements stand along the axis that is sorted; the rows of a batch are not sorted."""
    trace = require_trace()
    if not x.is_constant and axis % x.ndim == 0 and x.shape[0] == trace.rows:
        raise trace.unsupported(
            "sorts the rows of the batch, or takes their median: each answer would hang on the other rows",
            "sort or compute the median when fitting, or along the columns (axis=1)",
        )
    return int(x.shape[axis])


@implements(np.argsort, method="argsort")
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """Stable order: numpy defines no default order among equal elements; TopK puts the first one first."""
    x = constant(a)
    size = _sorted_size(x, axis)
    real = np.argsort(x.value, axis=axis, kind="stable")
    return record(
        f"argsort {axis}",
        real,
        lambda v: sorting_positions(v, size, axis),
        x,
    )


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    x = constant(a)
    size = _sorted_size(x, axis)
    real = np.sort(x.value, axis=axis)
    if x.dtype.kind == "f":
        # NaN sorts last in numpy and has no place in TopK: sort infinities in its stead, then count.
        bad = np.isnan(x)
        filled: Any = np.where(bad, np.inf, x)
        ordered = record(
            f"sort {axis}",
            np.sort(filled.value, axis=axis),
            lambda v: sorted_values(v, size, axis),
            filled,
        )
        held = np.subtract(size, sum(bad, axis=axis, keepdims=True))
        position = np.reshape(np.arange(size), tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim)))
        settled: Any = np.where(np.less(position, held), ordered, np.nan)
        return Array(real, None if settled.is_constant else settled.tensor)
    return record(
        f"sort {axis}",
        real,
        lambda v: sorted_values(v, size, axis),
        x,
    )


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    ordered = sort(constant(a), axis=axis)
    size = ordered.shape[axis]
    before = (slice(None),) * (axis % ordered.ndim)
    low, high = ordered[(*before, (size - 1) // 2)], ordered[(*before, size // 2)]
    middle: Any = np.divide(np.add(low, high), 2.0)
    if ordered.dtype.kind == "f":
        middle = np.where(any(np.isnan(ordered), axis=axis), np.nan, middle)
        middle._boxed = False  # a median is a scalar
    return np.expand_dims(middle, axis) if keepdims else middle


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE) -> Any:
    return np.subtract(max(a, axis=axis, keepdims=keepdims), min(a, axis=axis, keepdims=keepdims))


def _without_nan(function: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    def handler(a: Any, axis: Any = None, **kwargs: Any) -> Any:
        return function(
            np.where(np.isnan(a), neutral, a) if constant(a).dtype.kind == "f" else a, axis=axis, **kwargs
        )

    return handler


implements(np.nansum)(_without_nan(sum, 0.0))
implements(np.nanprod)(_without_nan(prod, 1.0))


@implements(np.nanmean)
def nanmean(a: Any, axis: Any = None, **kwargs: Any) -> Any:
    held = sum(np.logical_not(np.isnan(a)), axis=axis, **kwargs)
    return np.divide(sum(np.where(np.isnan(a), 0.0, a), axis=axis, **kwargs), held)


def _nan_extreme(function: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    def handler(a: Any, axis: Any = None, keepdims: Any = _NO_VALUE, **kwargs: Any) -> Any:
        found = function(np.where(np.isnan(a), neutral, a), axis=axis, keepdims=keepdims)
        return np.where(all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, found)

    return handler


implements(np.nanmax)(_nan_extreme(max, -np.inf))
implements(np.nanmin)(_nan_extreme(min, np.inf))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None and constant(x).ndim > 1 and ord is not None:
        raise require_trace().unsupported(
            f"numpy.linalg.norm of a matrix with ord={ord!r}", "use a vector norm along an axis"
        )
    if ord in (None, 2):
        return np.sqrt(sum(np.multiply(x, x), axis=axis, keepdims=keepdims))
    if ord == 1:
        return sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == np.inf:
        return max(np.abs(x), axis=axis, keepdims=keepdims)
    raise require_trace().unsupported(f"numpy.linalg.norm with ord={ord!r}", "use ord 1, 2 or inf")
