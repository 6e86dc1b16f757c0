"""What each operator makes of the bounds of a batch of rows: that of boxes, and the operators they lack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import numpy as np
import onnx
import scipy.special
from onnx import TensorProto

from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.elementary import elementary
from onnxtwin.exporters.analysis.graph import Array, Graph, attribute
from onnxtwin.exporters.analysis.intervals import Interval
from onnxtwin.exporters.analysis.operators import ENTRYWISE, Look, Operators
from onnxtwin.exporters.analysis.sums import matrix_product, total

SINGLE = float(np.finfo(np.float32).eps)

_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "Exp": np.exp,
    "Log": np.log,
    "Pow": np.power,
    "Sin": np.sin,
    "Cos": np.cos,
    "Tan": np.tan,
    "Tanh": np.tanh,
    "Sigmoid": scipy.special.expit,
    "Erf": scipy.special.erf,
}
_FOLDED = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ReduceSumSquare")
_ADDED = (
    "Sum",
    "CumSum",
    "MatMul",
    "Gemm",
    "ReduceSum",
    "ReduceMean",
    "ReduceProd",
    "ReduceL2",
    "ReduceSumSquare",
    "TreeEnsemble",
)

ROUNDING = frozenset({*_FUNCTIONS, *_ADDED})
"""Operators that have several right answers to certain inputs: the order, or the library, decides."""


class Batch(Operators):
    """The operators of one graph over the rows of a batch, each row a box of its own.

    Parameters
    ----------
    elements : tensor → ONNX element type.
    certain : tensor → value, of all that have one value; it grows as the graph is followed.
    """

    def __init__(self, graph: Graph, elements: Mapping[str, int], certain: Mapping[str, Array]) -> None:
        super().__init__(graph, elements, {}, certain)

    def interval(self, node: onnx.NodeProto, name: str, given: list[Interval], look: Look) -> Interval | None:
        """Bounds of a tensor, of its own shape; None where the operator is not followed."""
        single = self._elements.get(name) == TensorProto.FLOAT
        eps = SINGLE if single else iv.EPS
        found = self._followed(node, name, given, look, eps)
        if found is not None and single and not found.single.all():
            found = iv.to_single(found)
        return found

    def _followed(
        self, node: onnx.NodeProto, name: str, given: list[Interval], look: Look, eps: float
    ) -> Interval | None:
        op = node.op_type
        if op in _FUNCTIONS:
            return elementary(_FUNCTIONS[op], given, single=eps == SINGLE)
        if op == "Where":
            return self._where(node, given, look)
        if op == "Equal" and (extreme := self._is_extreme(node, look)) is not None:
            return extreme
        if op == "Sum" and len(given) > 2:
            joined = np.broadcast_shapes(*(v.lo.shape for v in given))
            wide = [v.wide(joined) for v in given]
            stacked = Interval.of(np.stack(same) for same in zip(*(v.arrays for v in wide), strict=True))
            return total(stacked, 0, keepdims=False, eps=eps)
        if op in ENTRYWISE:
            return replace(ENTRYWISE[op](*given), bag=False)
        if op == "Mod":
            return _remainder(*given) if attribute(node, "fmod") else iv.modulo(*given)
        if op == "Cast":
            return replace(self.cast(given[0], attribute(node, "to")), bag=False)
        if op == "Clip":
            for end, way in zip(given[1:], ("Max", "Min"), strict=False):
                given[0] = ENTRYWISE[way](given[0], end)
            return given[0]
        if op == "MatMul" and given[0].lo.ndim >= 2:
            return matrix_product(given[0], given[1], eps)
        if op == "Gemm":
            return _gemm(node, given, eps)
        if op == "CumSum":
            return self._running(node, given[0], eps)
        if op in _FOLDED:
            return self._folded(node, given[0], eps)
        if op in ("ArgMax", "ArgMin"):
            scores = given[0] if op == "ArgMax" else iv.negative(given[0])
            return self.winner(scores, node)
        if op == "TopK":
            return self._ranked(node, name, given[0])
        if op in ("Gather", "GatherElements") and node.input[1] not in self.constants:
            return self._picked(node, given)
        if op == "LabelEncoder":
            return self._lookup(node, given[0])
        if op == "TreeEnsemble":
            return self.tree(node).leaves(given[0], eps)
        return None

    def added(self, node: onnx.NodeProto, name: str, value: Array) -> Interval | None:
        """Bounds of a sum of trees that certain rows reach, from one right answer."""
        trees = self.tree(node)
        if not trees.sums:
            return None
        room = trees.room(SINGLE if self._elements.get(name) == TensorProto.FLOAT else iv.EPS)
        return iv.made(value - room, value + room)

    def _axes(self, node: onnx.NodeProto, ndim: int) -> tuple[int, ...]:
        named = node.input[1] if len(node.input) > 1 else ""
        axes = attribute(node, "axes") if not named else self.constants[named].ravel().tolist()
        if not axes:
            return () if attribute(node, "noop_with_empty_axes") else tuple(range(ndim))
        return tuple(int(axis) % ndim for axis in axes)

    def _folded(self, node: onnx.NodeProto, given: Interval, eps: float) -> Interval | None:
        """A reduction: its axes become the last one."""
        ndim = given.lo.ndim
        axes = self._axes(node, ndim)
        if not axes:
            return given
        kept = [axis for axis in range(ndim) if axis not in axes]
        shape = [given.lo.shape[axis] for axis in kept]
        flat = given.map(lambda a: a.transpose(*kept, *axes).reshape(*shape, -1))
        count, op = flat.lo.shape[-1], node.op_type
        if op in ("ReduceL2", "ReduceSumSquare"):
            flat = iv.multiply(flat, flat)
            flat = replace(flat, lo=np.where(flat.none, flat.lo, np.maximum(flat.lo, 0.0)))
        if op in ("ReduceMax", "ReduceMin", "ReduceProd"):
            if not count:
                return None
            join: Callable[[Interval, Interval], Interval] = (
                iv.multiply if op == "ReduceProd" else ENTRYWISE["Max" if op == "ReduceMax" else "Min"]
            )
            found = reduce(join, (flat.at((..., [i])) for i in range(count)))
            if op == "ReduceProd" and not found.is_int:
                found = iv.monotone(np.positive, found, ulps=count)
        else:
            found = total(flat, flat.lo.ndim - 1, eps=eps)
        if op == "ReduceMean":
            found = iv.divide(found, iv.constant(np.array(float(count))))
        if op == "ReduceL2":
            found = ENTRYWISE["Sqrt"](found)
        keeps = attribute(node, "keepdims") != 0
        sizes = [
            1 if axis in axes else given.lo.shape[axis] for axis in range(ndim) if keeps or axis not in axes
        ]
        return _reshaped(found, tuple(sizes))

    def _running(self, node: onnx.NodeProto, given: Interval, eps: float) -> Interval | None:
        """Running sums, whose last entry is how trees are added: the pipeline's threads add as they come."""
        if attribute(node, "exclusive") or attribute(node, "reverse"):
            return None
        axis = int(self.constants[node.input[1]].ravel()[0]) % given.lo.ndim
        return total(given, axis, running=True, eps=eps)

    def _ranked(self, node: onnx.NodeProto, name: str, given: Interval) -> Interval | None:
        axis = attribute(node, "axis")
        axis = (-1 if axis is None else axis) % given.lo.ndim
        count = int(self.constants[node.input[1]].ravel()[0])
        if given.nan.any() or attribute(node, "sorted") == 0:
            return None
        turn = attribute(node, "largest") != 0
        ends = [np.sort(-end if turn else end, axis=axis) for end in (given.lo, given.hi)]
        ends = [np.take(-end if turn else end, np.arange(count), axis) for end in ends]
        if name == node.output[0]:
            return iv.made(*ends)
        size = given.lo.shape[axis]
        lo, hi = np.empty(ends[0].shape, np.int64), np.empty(ends[0].shape, np.int64)
        places = np.arange(size).reshape(-1, *(1,) * (given.lo.ndim - axis - 1))
        for rank in range(count):
            low, high = (np.take(end, [rank], axis) for end in ends)
            may = (given.hi >= low) & (given.lo <= high)
            at = [slice(None)] * given.lo.ndim
            at[axis] = slice(rank, rank + 1)
            lo[tuple(at)] = np.where(may, places, size).min(axis, keepdims=True)
            hi[tuple(at)] = np.where(may, places, -1).max(axis, keepdims=True)
        return iv.made(lo, hi)

    def _picked(self, node: onnx.NodeProto, given: list[Interval]) -> Interval | None:
        """Entries at places that are not certain: any within the bounds of the place."""
        data, index = given
        axis = (attribute(node, "axis") or 0) % data.lo.ndim
        size = data.lo.shape[axis]
        first, last = (np.where(end < 0, end + size, end) for end in (index.lo, index.hi))
        first, last = (
            np.where((index.lo < 0) & (index.hi >= 0), 0, first),
            np.where((index.lo < 0) & (index.hi >= 0), size - 1, last),
        )
        found: Interval | None = None
        for at in range(size):
            here = data.along(axis, [at])
            may = (first <= at) & (last >= at)
            if node.op_type == "Gather":
                shape = (*data.lo.shape[:axis], *(1,) * may.ndim, *data.lo.shape[axis + 1 :])
                here = _reshaped(here, shape)
                may = may.reshape(*(1,) * axis, *may.shape, *(1,) * (data.lo.ndim - axis - 1))
            if not may.any():
                continue
            shape = np.broadcast_shapes(here.lo.shape, may.shape)
            here = here.wide(shape)
            if found is None:
                found = iv.choose(may, here, _nothing(here))
            else:
                found = iv.choose(may, iv.hull(found, here), found)
        return found

    def _is_extreme(self, node: onnx.NodeProto, look: Look) -> Interval | None:
        """``x == max(x)``: true where no other entry can be larger, false where another one surely is."""
        for at in (0, 1):
            maker = self._graph.node_of(node.input[1 - at])
            if maker is None or maker.op_type not in ("ReduceMax", "ReduceMin", "Max", "Min"):
                continue
            if node.input[at] not in maker.input:
                continue
            value, best = look(node.input[at]), look(node.input[1 - at])
            if value.nan.any() or value.is_int:
                continue
            if maker.op_type.startswith("Reduce"):
                axes = self._axes(maker, value.lo.ndim)
                if len(axes) != 1 or best.lo.ndim != value.lo.ndim:
                    continue
                scores = value if maker.op_type == "ReduceMax" else iv.negative(value)
                ordered = np.sort(scores.hi, axis=axes[0])
                second = (
                    np.take(ordered, [-2], axes[0]) if scores.lo.shape[axes[0]] > 1 else np.full((), -np.inf)
                )
                top = np.take(ordered, [-1], axes[0])
                others = np.where(scores.hi == top, second, top)
                others = np.where(
                    (scores.hi == top) & ((scores.hi == top).sum(axes[0], keepdims=True) > 1), top, others
                )
                return iv.truth(scores.hi >= scores.lo.max(axes[0], keepdims=True), scores.lo < others)
            rest = [look(name) for name in maker.input if name != node.input[at]]
            if len(rest) != 1 or rest[0].nan.any():
                continue
            a, b = (value, rest[0]) if maker.op_type == "Max" else (iv.negative(value), iv.negative(rest[0]))
            return iv.truth(a.hi >= b.lo, a.lo < b.hi)
        return None


def _reshaped(value: Interval, shape: tuple[int, ...]) -> Interval:
    return value.map(lambda array: array.reshape(shape))


def _nothing(like: Interval) -> Interval:
    """No value at all."""
    if like.is_int:
        return replace(
            like, lo=np.full_like(like.lo, iv.LARGEST_INT), hi=np.full_like(like.hi, iv.SMALLEST_INT)
        )
    none = np.full(like.lo.shape, np.inf)
    return replace(like, lo=none, hi=-none, nan=np.zeros(like.nan.shape, bool))


def _remainder(a: Interval, b: Interval) -> Interval | None:
    """``fmod``: between two multiples of the divisor it rises with the number."""
    if a.is_int:
        return None
    divisor = np.abs(b.lo)
    with np.errstate(all="ignore"):
        together = (np.trunc(a.lo / divisor) == np.trunc(a.hi / divisor)) & (b.lo == b.hi)
        together &= np.isfinite(a.lo) & np.isfinite(a.hi) & (divisor > 0)
        lo, hi = (np.fmod(end, divisor) for end in (a.lo, a.hi))
    widest = np.where(np.isfinite(b.most()), b.most(), np.inf)
    nan = a.nan | b.nan | ~np.isfinite(a.most()) | (b.lo <= 0) & (b.hi >= 0)
    return iv.made(
        np.where(together, lo, np.where(a.lo >= 0, 0.0, -widest)),
        np.where(together, hi, np.where(a.hi <= 0, 0.0, widest)),
        nan,
    )


def _gemm(node: onnx.NodeProto, given: list[Interval], eps: float) -> Interval:
    a, b = (
        v.map(np.transpose) if attribute(node, flag) else v
        for v, flag in zip(given[:2], ("transA", "transB"), strict=True)
    )
    found = matrix_product(a, b, eps=eps)
    for name, other in (("alpha", None), ("beta", given[2] if len(given) > 2 else None)):
        factor = attribute(node, name)
        factor = 1.0 if factor is None else factor
        if name == "alpha":
            found = found if factor == 1.0 else iv.multiply(found, iv.constant(np.array(factor)))
        elif other is not None:
            other = other if factor == 1.0 else iv.multiply(other, iv.constant(np.array(factor)))
            found = iv.add(found, other)
    return found
