"""What each operator makes of the bounds of its inputs, in one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import numpy as np
import onnx
from onnx import TensorProto

from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.graph import Array, Graph, attribute
from onnxtwin.exporters.analysis.intervals import Interval
from onnxtwin.exporters.analysis.sums import matrix_product, total
from onnxtwin.exporters.analysis.tables import Table
from onnxtwin.exporters.analysis.trees import Trees

MOVES = ("Squeeze", "Unsqueeze", "Reshape", "Transpose", "Identity", "Flatten", "Slice", "Expand")
COMPARISONS = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
_TURNED = {
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
}
BITS: dict[int, int] = {TensorProto.INT64: 64, TensorProto.INT32: 32, TensorProto.INT8: 8}

Look = Callable[[str], Interval]
"""The bounds of any tensor, by its name."""


class Operators:
    """The operators of one graph.

    Parameters
    ----------
    elements : tensor → ONNX element type.
    shapes : tensor → shape of its rows; of a tensor that is not here only bounds of all entries are known.
    constants : tensor → value, of all that no row decides.
    """

    def __init__(
        self,
        graph: Graph,
        elements: Mapping[str, int],
        shapes: Mapping[str, tuple[int, ...]],
        constants: Mapping[str, Array],
    ) -> None:
        self._graph, self._elements, self.shapes, self.constants = graph, elements, shapes, constants
        self._tables: dict[int, Table] = {}
        self._trees: dict[int, Trees] = {}

    def interval(self, node: onnx.NodeProto, name: str, given: list[Interval], look: Look) -> Interval | None:
        """Bounds of one graph's tensor; None where the operator is not followed."""
        if self._elements.get(name) == TensorProto.STRING:
            return None
        found = self._computed(node, name, given, look)
        if found is None:
            return None
        shape = self.shapes.get(name)
        if shape is None and not found.bag:
            found = iv.as_bag(found)
        if found.bag and shape is not None:
            found = _spread(found, shape)
        if self._elements.get(name) == TensorProto.FLOAT and not found.single.all():
            found = iv.to_single(found)
        return found

    def _computed(
        self, node: onnx.NodeProto, name: str, given: list[Interval], look: Look
    ) -> Interval | None:
        op = node.op_type
        if op == "Where":
            return self._where(node, given, look)
        if op in ENTRYWISE:
            bag = any(v.bag for v in given)
            return replace(ENTRYWISE[op](*(iv.as_bag(v) if bag else v for v in given)), bag=bag)
        if op == "Mod" and not attribute(node, "fmod") and given[0].is_int and not given[0].bag:
            return iv.modulo(*given)
        if op == "Cast":
            return replace(self.cast(given[0], attribute(node, "to")), bag=given[0].bag)
        if op == "MatMul" and not given[0].bag and given[0].lo.ndim == 2:
            weights = self.constants.get(node.input[1])
            fits = weights is not None and weights.ndim == 2 and given[0].lo.shape[1] == len(weights)
            return matrix_product(given[0], iv.constant(weights)) if fits and weights is not None else None
        if op in ("CumSum", "ReduceSum") and not given[0].bag:
            return self._sum(node, given[0])
        if op == "ReduceSum" and given[0].bag:
            if not ((given[0].grain >= 1).all() and (given[0].lo >= 0).all()):
                return None
            zero = np.zeros(given[0].lo.shape)
            return replace(iv.made(zero, zero + 2.0**31, given[0].nan, 1.0), bag=True)
        if op in ("ReduceMax", "ReduceMin") and not given[0].bag:
            return self._extreme(node, given[0])
        if op == "ArgMax" and not given[0].bag:
            return self.winner(given[0], node)
        if op == "Gather" and node.input[0] in self.constants:
            return self._gather(node, given)
        if op == "LabelEncoder":
            return self._lookup(node, given[0])
        if op == "TreeEnsemble" and not given[0].bag:
            return self.tree(node).leaves(given[0])
        moved = self.mover(node, name, given)
        return None if moved is None else self.moved(moved, given, name)

    def cast(self, value: Interval, to: int) -> Interval:
        """A cast to another element type."""
        if to == TensorProto.FLOAT:
            return iv.to_single(iv.to_double(value))
        if to == TensorProto.DOUBLE:
            return iv.to_double(value)
        if to == TensorProto.BOOL:
            return iv.to_truth(value)
        if to in BITS:
            return iv.to_whole(value, BITS[to])
        return iv.anything(value.lo.shape, whole=True)

    def winner(self, scores: Interval, node: onnx.NodeProto) -> Interval:
        """The place of the largest, the first of equals: any of those that may be it."""
        axis = (attribute(node, "axis") or 0) % scores.lo.ndim
        count = scores.lo.shape[axis]
        places = np.arange(count).reshape(-1, *(1,) * (scores.lo.ndim - axis - 1))
        at = np.expand_dims(scores.lo.argmax(axis), axis)
        best = np.take_along_axis(scores.lo, at, axis)
        beaten = np.where(places < at, scores.hi < best, np.where(places > at, scores.hi <= best, False))
        # A kernel may take a NaN for the largest, or for none; and the last of equals is another rule.
        open_ = scores.nan.any(axis, keepdims=True) | bool(attribute(node, "select_last_index"))
        first = np.where(beaten & ~open_, count, places).min(axis, keepdims=True)
        last = np.where(beaten & ~open_, -1, places).max(axis, keepdims=True)
        found = iv.made(first.astype(np.int64), last.astype(np.int64))
        keepdims = attribute(node, "keepdims")
        return found if keepdims is None or keepdims else found.map(lambda a: a.squeeze(axis))

    def tree(self, node: onnx.NodeProto) -> Trees:
        """The trees of a node."""
        if id(node) not in self._trees:
            self._trees[id(node)] = Trees(node)
        return self._trees[id(node)]

    def _table(self, array: Array) -> Table:
        if id(array) not in self._tables:
            self._tables[id(array)] = Table(array)
        return self._tables[id(array)]

    def _sum(self, node: onnx.NodeProto, given: Interval) -> Interval | None:
        axes = self.constants.get(node.input[1]) if len(node.input) > 1 else None
        if axes is None or axes.size != 1 or attribute(node, "exclusive") or attribute(node, "reverse"):
            return None
        axis = int(axes.ravel()[0]) % given.lo.ndim
        running = node.op_type == "CumSum"
        keep = attribute(node, "keepdims") != 0
        return total(given, axis, running=running, keepdims=keep) if axis else None

    def _extreme(self, node: onnx.NodeProto, given: Interval) -> Interval | None:
        axes = self.constants.get(node.input[1]) if len(node.input) > 1 else None
        if axes is None or axes.size != 1:
            return None
        axis = int(axes.ravel()[0]) % given.lo.ndim
        function = np.maximum if node.op_type == "ReduceMax" else np.minimum
        parts = [given.along(axis, [i]) for i in range(given.lo.shape[axis])]
        found = reduce(lambda a, b: iv.extreme(function, a, b), parts)
        return found if attribute(node, "keepdims") != 0 else found.map(lambda a: a.squeeze(axis))

    def _gather(self, node: onnx.NodeProto, given: list[Interval]) -> Interval | None:
        table, axis = self.constants.get(node.input[0]), attribute(node, "axis") or 0
        if table is None or axis or table.dtype.kind not in "fiub":
            return None
        index = given[1]
        wraps = index.lo < 0
        first = np.clip(np.where(wraps, 0, index.lo), 0, len(table) - 1)
        last = np.clip(np.where(wraps, len(table) - 1, index.hi), 0, len(table) - 1)
        behind = wraps & (index.hi < 0)
        ends = [np.clip(end, -len(table), -1) + len(table) for end in (index.lo, index.hi)]
        first, last = np.where(behind, ends[0], first), np.where(behind, ends[1], last)
        return replace(self._table(table).between(first, last), bag=index.bag)

    def _lookup(self, node: onnx.NodeProto, given: Interval) -> Interval | None:
        keys, values = attribute(node, "keys_tensor"), attribute(node, "values_tensor")
        default = attribute(node, "default_tensor")
        if values is None or values.dtype.kind not in "fi" or default is None:
            return None
        everything = iv.constant(np.concatenate([values, default.ravel()]))
        if keys is None or keys.dtype.kind not in "fi":
            both = reduce(iv.hull, (everything.at(slice(i, i + 1)) for i in range(len(everything.lo))))
            return replace(both.wide(given.lo.shape), bag=given.bag, fixed=False)
        first, last, known, missing = keys_met(keys, given)
        order = np.argsort(keys[~np.isnan(keys)])
        found = self._table_of(node, values[~np.isnan(keys)][order]).between(first, last)
        other = iv.constant(default.ravel()[0])
        wide = given.wide(first.shape)
        found = iv.choose(last < first, other, found)
        found = iv.choose(known | (last < first), found, iv.hull(found, other))
        if wide.nan.any():
            alone = iv.constant(values[np.isnan(keys)][0]) if missing else other
            found = iv.choose(wide.none, alone, iv.choose(wide.nan, iv.hull(found, alone), found))
        return replace(found, bag=given.bag)

    def _table_of(self, node: onnx.NodeProto, values: Array) -> Table:
        if id(node) not in self._tables:
            self._tables[id(node)] = Table(values)
        return self._tables[id(node)]

    def _where(self, node: onnx.NodeProto, given: list[Interval], look: Look) -> Interval:
        condition = given[0]
        arms = []
        for branch, outcome in ((1, True), (2, False)):
            arms.append(self._narrowed(node.input[0], node.input[branch], given[branch], outcome, look))
        if any(v.bag for v in given):
            condition, *arms = (iv.as_bag(v) for v in (condition, *arms))
        found = iv.choose(condition.lo == 1, arms[0], iv.choose(condition.hi == 0, arms[1], iv.hull(*arms)))
        return replace(found, bag=condition.bag)

    def _narrowed(self, condition: str, branch: str, value: Interval, outcome: bool, look: Look) -> Interval:
        """What a branch can hold where its condition has the outcome for which it is taken."""
        node = self._graph.node_of(condition)
        if node is None or branch in self.constants or value.bag:
            return value
        if node.op_type == "Not":
            return self._narrowed(node.input[0], branch, value, not outcome, look)
        if node.op_type == ("And" if outcome else "Or"):
            for part in node.input:
                value = self._narrowed(part, branch, value, outcome, look)
            return value
        if node.op_type == "IsNaN" and node.input[0] == branch:
            if not outcome:
                return replace(value, nan=np.zeros_like(value.nan))
            if not value.is_int:
                ends = np.full(value.lo.shape, np.inf), np.full(value.lo.shape, -np.inf)
                return iv.choose(value.nan, replace(value, lo=ends[0], hi=ends[1]), value)
        if node.op_type not in COMPARISONS or branch not in node.input:
            return value
        other, op = node.input[1 - list(node.input).index(branch)], node.op_type
        if node.input[1] == branch and op != "Equal":
            op = _TURNED[op]
        limit = look(other)
        if limit.bag or limit.is_int != value.is_int or limit.lo.ndim > value.lo.ndim:
            return value
        found = iv.narrowed(op, value, limit, outcome)
        # Where nothing is left the branch is not taken, and what it holds does not matter.
        gone = found.none & ~found.nan
        return iv.choose(gone, value, found) if gone.any() else found

    def mover(
        self, node: onnx.NodeProto, name: str, given: list[Interval]
    ) -> Callable[[list[Array]], Array] | None:
        """How the operator moves entries about, for arrays ``[boxes, *row]``; None where it computes."""
        shape, axis = self.shapes.get(name), attribute(node, "axis")
        if node.op_type == "Concat":
            if shape is None or not axis:
                constants = [name in self.constants for name in node.input]
                return lambda arrays: _joined(
                    [a.reshape(1 if c else len(a), -1) for a, c in zip(arrays, constants, strict=True)]
                )
            if any(v.bag for v in given):
                widths = [1 if v.bag else v.lo.shape[axis] for v in given]
                if sum(widths) != shape[axis - 1]:
                    return None
            return lambda arrays: np.concatenate(
                [
                    a.reshape(-1, *(1,) * len(shape)) if v.bag else a
                    for a, v in zip(_same_boxes(arrays), given, strict=True)
                ],
                axis,
            )
        if node.op_type == "Gather" and axis and not given[0].bag:
            index = self.constants.get(node.input[1])
            return None if index is None else lambda arrays: np.take(arrays[0], index, axis)
        if node.op_type in MOVES or (node.op_type == "Gather" and node.input[0] not in self.constants):
            size = int(np.prod(shape)) if shape is not None else -1
            fits = not given[0].bag and int(np.prod(given[0].lo.shape[1:])) == size and given[0].lo.ndim > 0
            if fits and shape is not None and node.op_type not in ("Gather", "Slice", "Transpose"):
                return lambda arrays: arrays[0].reshape(-1, *shape)
            if node.op_type == "Identity":
                return lambda arrays: arrays[0]
            # The shape does not tell where the entries went: what comes out is one of them.
            return lambda arrays: arrays[0].reshape(len(arrays[0]), -1)
        return None

    def moved(self, move: Callable[[list[Array]], Array], given: list[Interval], name: str) -> Interval:
        """Entries moved about; bounds of all of them where their places in the row are not known."""
        parts = [v.arrays for v in given]
        found = Interval.of(move(list(arrays)) for arrays in zip(*parts, strict=True))
        shape = self.shapes.get(name)
        if shape is None or found.lo.shape[1:] != shape:
            found = iv.as_bag(found)
            if shape is not None:
                found = _spread(found, shape)
        return found


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate(_same_boxes(arrays), 1)


def _spread(bag: Interval, shape: tuple[int, ...]) -> Interval:
    """The bounds of all entries as those of each."""
    wide = bag.map(lambda a: np.broadcast_to(a.reshape(-1, *(1,) * len(shape)), (len(a), *shape)))
    return replace(wide, bag=False)


def _same_boxes(arrays: list[Array]) -> list[Array]:
    boxes = max(len(a) for a in arrays)
    return [np.broadcast_to(a, (boxes, *a.shape[1:])) if len(a) != boxes else a for a in arrays]


def keys_met(keys: Array, given: Interval) -> tuple[Array, Array, Array, bool]:
    """First and last of the sorted keys within the bounds, whether only keys are there, and if NaN is one."""
    missing = np.isnan(keys) if keys.dtype.kind == "f" else np.zeros(len(keys), bool)
    ordered = np.sort(keys[~missing])
    first, last = np.searchsorted(ordered, given.lo, "left"), np.searchsorted(ordered, given.hi, "right") - 1
    found = last - first + 1
    with np.errstate(invalid="ignore", over="ignore"):
        width = np.where(given.grain >= 1, given.hi.astype(np.float64) - given.lo + 1, np.inf)
    known = (found == width) | ((given.lo == given.hi) & (found == 1))
    return np.clip(first, 0, len(ordered) - 1), np.where(found < 1, -1, last), known, bool(missing.any())


ENTRYWISE: dict[str, Callable[..., Interval]] = {
    "Add": iv.add,
    "Sub": iv.subtract,
    "Mul": iv.multiply,
    "Div": iv.divide,
    "Neg": iv.negative,
    "Abs": iv.absolute,
    "Sum": lambda *given: reduce(iv.add, given),
    "Max": lambda *given: reduce(lambda a, b: iv.extreme(np.maximum, a, b), given),
    "Min": lambda *given: reduce(lambda a, b: iv.extreme(np.minimum, a, b), given),
    "Identity": lambda a: a,
    "Reciprocal": lambda a: iv.divide(iv.constant(np.ones(())), a),
    "Relu": lambda a: iv.extreme(np.maximum, a, iv.constant(np.zeros(()))),
    "Sqrt": iv.square_root,
    "Sign": iv.sign,
    "Exp": iv.exponential,
    "Log": iv.logarithm,
    "Floor": lambda a: iv.monotone(np.floor, a, grain=1.0),
    "Ceil": lambda a: iv.monotone(np.ceil, a, grain=1.0),
    "Round": lambda a: iv.monotone(np.rint, a, grain=1.0),
    "IsNaN": iv.is_missing,
    "IsInf": iv.is_infinite,
    "And": lambda a, b: iv.made(np.minimum(a.lo, b.lo), np.minimum(a.hi, b.hi)),
    "Or": lambda a, b: iv.made(np.maximum(a.lo, b.lo), np.maximum(a.hi, b.hi)),
    "Xor": lambda a, b: iv.truth(
        (a.lo != b.lo) | (a.lo != a.hi) | (b.lo != b.hi), (a.lo == b.lo) | (a.lo != a.hi) | (b.lo != b.hi)
    ),
    "Not": lambda a: iv.made(1 - a.hi, 1 - a.lo),
    **{op: (lambda a, b, op=op: iv.compare(op, a, b)) for op in COMPARISONS},
}
"""Operators that compute each entry of its own."""
