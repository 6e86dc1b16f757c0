"""Look-ups in tables that were fitted at training time: bins, quantiles, knots."""

from __future__ import annotations

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.array import Array, concrete, constant, elementwise
from onnxtwin.exporters.numpy.choosing import clip, is_text, take
from onnxtwin.exporters.numpy.dispatch import depends, implements
from onnxtwin.exporters.trace import require_trace


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Position in a constant sorted array: how many elements precede ``v``; NaN sorts last, as in numpy."""
    table, x = constant(a), constant(v)
    if not table.is_constant or sorter is not None:
        raise require_trace().unsupported(
            "numpy.searchsorted in a computed array", "search in an array fixed when fitting"
        )
    real = np.searchsorted(table.value, x.value, side=side)  # type: ignore[call-overload]
    if is_text(x):
        raise require_trace().unsupported("numpy.searchsorted of text", "map the text with a dict")
    kind = np.result_type(table.dtype, x.dtype)
    edges = table.value.astype(kind)
    missing = int(np.isnan(edges).sum()) if kind.kind == "f" else 0
    known = len(edges) - missing

    def build(values: Var) -> Var:
        counts = _preceding(edges[:known], values, x.ndim, side)
        if kind.kind != "f":
            return counts
        return op.where(
            op.isnan(values), op.const(np.array(known if side == "left" else len(edges), np.int64)), counts
        )

    return elementwise(f"searchsorted {side}", real, build, [x], [kind])


def _preceding(edges: np.ndarray, values: Var, ndim: int, side: str) -> Var:
    """How many ``edges`` precede each value, int64; 0 for NaN. 1-D values may come as ``[N, 1]``."""
    rank = len(values.unwrap_tensor().shape or ())
    column = rank > ndim
    wide = values if column else op.unsqueeze(values, op.const(np.array([-1], np.int64)))
    marks = op.const(edges)
    before = op.less(marks, wide) if side == "left" else op.less_or_equal(marks, wide)
    # The axis is counted from the front: of zero rows onnxruntime up to 1.31 reduces no negative axis.
    last = op.const(np.array([rank - 1 if column else rank], np.int64))
    counts = op.reduce_sum(op.cast(before, to=np.float64), last, keepdims=int(column))
    return op.cast(counts, to=np.int64)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    edges = np.asarray(concrete(bins))
    if len(edges) > 1 and edges[0] > edges[-1]:
        return np.subtract(len(edges), searchsorted(edges[::-1], x, side="right" if right else "left"))
    return searchsorted(edges, x, side="left" if right else "right")


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """numpy's own arithmetic (``arr_interp``): slope * (x - xp[j]) + fp[j], exact at the knots."""
    if period is not None or depends(xp) or depends(fp):
        raise require_trace().unsupported(
            "numpy.interp with a period or computed knots", "fix the knots when fitting"
        )
    knots, values = np.asarray(concrete(xp), float), np.asarray(concrete(fp), float)
    low = values[0] if left is None else float(left)
    high = values[-1] if right is None else float(right)
    if len(knots) == 1:
        # numpy answers a NaN with the one value.
        return np.where(np.less(x, knots[0]), low, np.where(np.greater(x, knots[0]), high, values[0]))
    with np.errstate(all="ignore"):
        widths = np.diff(knots)
        slopes = np.diff(values) / widths
    # No value lies in an interval without width.
    met = slopes[widths > 0]
    if np.isfinite([*values, *met, *widths]).all() and (widths >= 0).all():
        return _interp_finite(x, knots, values, np.where(widths > 0, slopes, 0.0), low, high)
    j = clip(np.subtract(searchsorted(knots, x, side="right"), 1), 0, len(knots) - 2)
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


def _interp_finite(
    x: Any, knots: np.ndarray, values: np.ndarray, slopes: np.ndarray, low: float, high: float
) -> Any:
    """:func:`interp` where everything fitted is finite, so that none of numpy's repairs is ever needed.

    Between two knots ``x - x0`` is at most their finite distance; its product with a finite slope is no NaN,
    nor is its sum with a finite value. At a knot the product is zero and the sum that knot's value. A NaN
    ``x`` is counted to the first interval, and its line is NaN. Rows beyond the knots are overridden.
    """
    # One more entry at both ends than there are intervals: below the first knot, and from the last one on.
    starts, heights, rises = (np.concatenate([t[:1], t, t[-1:]]) for t in (knots[:-1], values[:-1], slopes))
    given = constant(x)
    with np.errstate(invalid="ignore"):
        real = (knots <= given.value[..., None]).sum(axis=-1)
    position = elementwise(
        "interval", real, lambda v: _preceding(knots, v, given.ndim, "right"), [given], [knots.dtype]
    )
    x0, y0, slope = (_entry(table, position) for table in (starts, heights, rises))
    line = np.add(np.multiply(slope, np.subtract(x, x0)), y0)
    if high == values[-1]:
        line = np.where(np.greater_equal(x, knots[-1]), high, line)
    else:
        line = np.where(np.equal(x, knots[-1]), values[-1], np.where(np.greater(x, knots[-1]), high, line))
    return np.where(np.less(x, knots[0]), low, line)


def _entry(table: np.ndarray, position: Array) -> Array:
    """``table[position]`` of positions that are known to lie in the table, in whichever form they stand."""
    values = require_trace().constant(table)
    return elementwise("entry", table[position.value], lambda i: op.gather(values, i), [position], [None])


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if prepend is not None or append is not None:
        raise require_trace().unsupported("numpy.diff with prepend or append", "concatenate first")
    result = a
    before = (slice(None),) * (axis % a.ndim)
    for _ in range(n):
        result = np.subtract(result[(*before, slice(1, None))], result[(*before, slice(None, -1))])
    return result
