"""A graph and a mutant of it, followed side by side over many boxes of rows: bounds, and what is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from mutation.boxes_expm1 import expm1, expm1_nodes
from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.graph import Array, Graph, attribute, reads
from onnxtwin.exporters.analysis.intervals import Interval
from onnxtwin.exporters.analysis.operators import COMPARISONS, ENTRYWISE, MOVES, Operators, keys_met

WHOLE = (TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, TensorProto.UINT8, TensorProto.INT8)


@dataclass(frozen=True)
class State:
    """One tensor in both graphs.

    Attributes
    ----------
    right, wrong : in the correct graph and in the mutant; one object where nothing tells them apart.
    same : where both hold the same bits in every row of the box.
    gap : bound of how far both are apart, where both are numbers; infinite where there is none.
    near : where both are the same once they are cast to float32.
    tie : whether they differ only where two scores are as near to each other as ``TIE``.
    """

    right: Interval
    wrong: Interval
    same: Array
    gap: Array
    near: Array
    tie: bool = False

    @property
    def shared(self) -> bool:
        """Whether both are the same, in every box."""
        return self.right is self.wrong


def shared(interval: Interval) -> State:
    """The same in both graphs."""
    yes = np.broadcast_to(True, interval.lo.shape)
    return State(interval, interval, yes, np.broadcast_to(0.0, interval.lo.shape), yes)


TIE = 1e-10
"""A tenth of the tolerance of an answer around zero: scores so near each other may change places."""


@dataclass(frozen=True)
class Step:
    """A node of the mutant, and the one of the correct graph that makes the same tensor."""

    right: onnx.NodeProto
    wrong: onnx.NodeProto
    alike: bool

    @property
    def comparable(self) -> bool:
        """Whether the inputs mean the same: one operator, two comparisons, or a cast where there is none."""
        kinds = self.right.op_type, self.wrong.op_type
        return kinds[0] == kinds[1] or set(kinds) <= set(COMPARISONS) or kinds == ("Identity", "Cast")


class NotFollowedError(Exception):
    """The mutant does something that is not followed: then nothing is claimed."""


STOPS = " stops"
"""After the name of a tensor: where only the mutant may end with an error there, the two are not the same."""


class Pair:
    """A graph and its mutant, node by node.

    Parameters
    ----------
    shapes : tensor → shape of its rows; of a tensor that is not here only bounds of all entries are known.
    folded : values of what depends on constants alone, in the mutant too.
    """

    def __init__(
        self,
        graph: Graph,
        mutant: Graph,
        shapes: Mapping[str, tuple[int, ...]],
        folded: Mapping[str, Array],
    ) -> None:
        self.graph, self.mutant, self.shapes = graph, mutant, shapes
        self.constants = {**mutant.constants, **graph.constants, **folded}
        self.right, self.wrong = (
            Operators(side, graph.element_types, shapes, self.constants) for side in (graph, mutant)
        )
        self.steps = self._paired()
        # Of what is computed with care, in the same way in both.
        whole, others = expm1_nodes(graph), expm1_nodes(mutant)
        self._expm1 = {name: y for name, y in whole.items() if others.get(name) == y}

    def _paired(self) -> list[Step]:
        steps = []
        for wrong in self.mutant.nodes:
            right = self.graph.node_of(wrong.output[0])
            if right is None:
                right = onnx.helper.make_node("Identity", [wrong.input[0]], list(wrong.output))
            kept = (right.op_type, right.attribute) == (wrong.op_type, wrong.attribute)
            steps.append(Step(right, wrong, kept))
        return steps

    def follow(
        self, given: Mapping[str, State], known: Mapping[str, State] | None = None
    ) -> dict[str, State]:
        """Every tensor's state, from some that are given; ``known`` ones stay where nothing given is met."""
        states: dict[str, State] = {**(known or {}), **given}
        changed = set(given)
        for step in self.steps:
            names = [name for name in step.wrong.output if name]
            met = {*reads(step.right), *reads(step.wrong)}
            if known is not None and not met & changed:
                continue
            for position, name in enumerate(names):
                if name in given:
                    continue
                states[name] = self._state(step, name, position, states)
                y = states.get(self._expm1.get(name, ""))
                if y is not None and y.shared and not y.right.bag:
                    states[name] = shared(expm1(y.right))
                changed.add(name)
        return states

    def _input(self, name: str, states: Mapping[str, State]) -> State:
        if name in states:
            return states[name]
        value = self.constants.get(name)
        return shared(iv.constant(value) if value is not None else iv.as_bag(iv.anything((1,), whole=False)))

    def _stopped(self, step: Step, given: list[State]) -> list[State]:
        """Where the mutant alone may look up a row that a table lacks, or divide a whole number by 0."""
        op, place = step.wrong.op_type, given[1:2]
        if op not in ("Gather", "Div", "Mod") or not place or place[0].shared or not place[0].wrong.is_int:
            return []
        wrong = place[0].wrong
        if op == "Gather":
            table = self.constants.get(step.wrong.input[0])
            if table is None:
                raise NotFollowedError(step.wrong.output[0])
            fails = (wrong.lo < -len(table)) | (wrong.hi >= len(table))
        else:
            fails = (wrong.lo <= 0) & (wrong.hi >= 0)
        fine = place[0].same | ~fails
        return [replace(place[0], same=fine, gap=np.where(fine, 0.0, np.inf), near=fine)]

    def _state(self, step: Step, name: str, position: int, states: dict[str, State]) -> State:
        if name in self.constants:
            return shared(iv.constant(self.constants[name]))
        given = []
        for a, b in zip(step.right.input, step.wrong.input, strict=False):
            given.append(self._met(a, b, states))
        element = self.graph.element_types.get(name, TensorProto.DOUBLE)
        if not step.comparable or len(step.right.input) != len(step.wrong.input):
            raise NotFollowedError(name)
        if stops := self._stopped(step, given):
            states[name + STOPS] = stops[0]
        if position:
            return self._unknown(name, given, element, step.alike)
        if step.alike and all(state.shared for state in given):
            interval = self.right.interval(
                step.right, name, [s.right for s in given], lambda n: self._input(n, states).right
            )
            return self._unknown(name, given, element, True) if interval is None else shared(interval)
        right = self.right.interval(
            step.right, name, [s.right for s in given], lambda n: self._input(n, states).right
        )
        wrong = self.wrong.interval(
            step.wrong, name, [s.wrong for s in given], lambda n: self._input(n, states).wrong
        )
        if right is None or wrong is None:
            return self._unknown(name, given, element, step.alike)
        return self._related(step, name, given, right, wrong)

    def _met(self, a: str, b: str, states: Mapping[str, State]) -> State:
        """One input of a step: what the correct graph reads there, and what the mutant does."""
        if a == b or (
            b not in self.constants and self.graph.node_of(b) is None and b not in self.graph.inputs
        ):
            return self._input(b, states)
        one, other = self._input(a, states), self._input(b, states)
        if one.right.lo.shape[1:] != other.wrong.lo.shape[1:] or one.right.bag != other.wrong.bag:
            raise NotFollowedError(b)
        if a in self.constants and b in self.constants:
            x, y = self.constants[a], self.constants[b]
            same = _same_bits(x, y) if x.shape == y.shape else np.zeros((), bool)
            same = same if x.dtype.kind in "fiub" else np.array([same.all()])
        else:
            same = np.zeros((), bool)
        return _settled(State(one.right, other.wrong, same, np.full((), np.inf), same))

    def _unknown(self, name: str, given: list[State], element: int, alike: bool) -> State:
        """Anything, the same where all that it is made of is the same."""
        kept = [iv.as_bag(_flags(state.same, state.right)).lo.astype(bool) for state in given]
        same = reduce(np.logical_and, kept, np.ones(1, bool)) & alike
        shape = self.shapes.get(name)
        interval = iv.anything((1, *(shape or ())), whole=element in WHOLE)
        if element == TensorProto.BOOL:
            interval = iv.truth(interval.lo < 0, interval.lo < 0)
        interval = replace(interval, bag=shape is None)
        same = same.reshape(-1, *(1,) * (interval.lo.ndim - 1)) & np.ones(interval.lo.shape, bool)
        if same.all():
            return shared(interval)
        interval = replace(interval.map(lambda a: np.broadcast_to(a, same.shape)), bag=interval.bag)
        return State(interval, replace(interval), same, np.where(same, 0.0, np.inf), same)

    def _related(self, step: Step, name: str, given: list[State], right: Interval, wrong: Interval) -> State:
        """What is known of both together: first by the operator, then by the bounds alone."""
        shape = np.broadcast_shapes(right.lo.shape, wrong.lo.shape)
        op, kept = step.right.op_type, np.zeros(shape, bool)
        gap, tie, near = np.full(shape, np.inf), False, np.zeros(shape, bool)
        if step.alike and self._moves_alike(step, given):
            kept = near = self._kept(step, name, given, shape)
            if op in ("Where", "Concat", *MOVES) or (
                op == "Gather" and step.right.input[0] not in self.constants
            ):
                parts = [replace(s, same=s.near) for s in given]
                near = self._kept(step, name, parts if op != "Where" else [given[0], *parts[1:]], shape)
            elif op in COMPARISONS and not right.bag:
                kept = near = kept | _wide(_compared_alike(op, given), shape)
            elif op == "Cast" and attribute(step.right, "to") == TensorProto.FLOAT:
                kept = near = _wide(given[0].near, shape)
            gap, tie = self._apart(step, name, given, right, wrong, shape)
        elif op == "Identity" and step.wrong.op_type == "Cast":
            state, to = given[0], attribute(step.wrong, "to")
            idle = to == TensorProto.DOUBLE or (to == TensorProto.FLOAT and state.right.fits_single())
            kept = state.same & idle
            near = state.near if to in (TensorProto.FLOAT, TensorProto.DOUBLE) else kept
            rounding = np.where(idle, 0.0, 2.0**-24 * state.wrong.most() + 2.0**-149)
            gap = state.gap + np.where(state.wrong.most() < 3e38, rounding, np.inf)
        elif op == step.wrong.op_type == "TreeEnsemble":
            kept = self.right.tree(step.right).alike(
                self.right.tree(step.wrong), given[0].right, given[0].wrong, given[0].same
            )
        elif op == step.wrong.op_type == "LabelEncoder":
            kept = _looked_up_alike(step, given[0])
        near = near | kept
        return _settled(State(right, wrong, _wide(kept, shape), _wide(gap, shape), _wide(near, shape), tie))

    def _moves_alike(self, step: Step, given: list[State]) -> bool:
        """Whether the constants that say what goes where are the same in both graphs."""
        if step.right.op_type in ENTRYWISE or step.right.op_type in ("Where", "MatMul", "Concat"):
            return True
        pairs = zip(step.right.input, step.wrong.input, given, strict=True)
        return all(bool(state.same.all()) for a, b, state in pairs if a != b and b in self.constants)

    def _kept(self, step: Step, name: str, given: list[State], shape: tuple[int, ...]) -> Array:
        node, same = step.right, [state.same for state in given]
        if node.op_type == "TreeEnsemble":
            trees = self.right.tree(node)
            return trees.alike(trees, given[0].right, given[0].wrong, given[0].same)
        entrywise = node.op_type in ENTRYWISE or node.op_type in ("Mod", "Cast", "LabelEncoder", "Where")
        if entrywise and any(s.right.bag for s in given):
            bags = [_flags(s, g.right) for s, g in zip(same, given, strict=True)]
            whole = reduce(np.logical_and, (iv.as_bag(flags).lo.astype(bool) for flags in bags))
            return _wide(whole.reshape(-1, *(1,) * (len(shape) - 1)), shape)
        if node.op_type == "Where":
            condition = given[0].right
            both = np.where(
                condition.lo == 1, same[1], np.where(condition.hi == 0, same[2], same[1] & same[2])
            )
            return _wide(same[0] & both, shape)
        if entrywise:
            return _wide(reduce(np.logical_and, same), shape)
        if node.op_type in ("CumSum", "ReduceSum", "ReduceMax", "ReduceMin") and not given[0].right.bag:
            axes = self.constants[node.input[1]]
            axis = int(axes.ravel()[0]) % same[0].ndim
            if node.op_type == "CumSum":
                return np.logical_and.accumulate(same[0], axis)
            return same[0].all(axis, keepdims=attribute(node, "keepdims") != 0)
        if node.op_type == "Gather" and node.input[0] in self.constants:
            index = same[1]
            return _wide(index.reshape(*index.shape, *(1,) * (len(shape) - index.ndim)), shape)
        moved = self.right.mover(node, name, [s.right for s in given])
        if moved is not None:
            flags = [_flags(s, g.right) for s, g in zip(same, given, strict=True)]
            return _wide(self.right.moved(moved, flags, name).lo.astype(bool), shape)
        rows = []
        for s, tensor in zip(same, node.input, strict=True):
            whole = tensor in self.constants or s.ndim < 1
            rows.append(np.array([s.all()]) if whole else s.reshape(len(s), -1).all(-1))
        return _wide(reduce(np.logical_and, rows).reshape(-1, *(1,) * (len(shape) - 1)), shape)

    def _apart(
        self,
        step: Step,
        name: str,
        given: list[State],
        right: Interval,
        wrong: Interval,
        shape: tuple[int, ...],
    ) -> tuple[Array, bool]:
        """A bound of the difference by the operator, and whether only a tie of two scores decides it."""
        node, gaps = step.right, [state.gap for state in given]
        room = iv.EPS * np.maximum(right.most(), wrong.most())
        op, tie = node.op_type, any(state.tie for state in given)
        if op in ("ArgMax", "Less", "LessOrEqual", "Greater", "GreaterOrEqual") and not tie:
            return np.full(shape, np.inf), bool(all((g <= TIE).all() for g in gaps))
        passing = op in MOVES or (op == "Gather" and node.input[0] in self.constants) or op == "Cast"
        if op == "Where":
            passing = not given[0].tie and bool(given[0].same.all())
            tie = tie and all(s.tie or bool(s.same.all()) for s in given[1:])
        tie = tie and passing
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            found = _gap_of(op, node, given, room)
        if found is None and op == "MatMul":
            weights = self.constants.get(node.input[1])
            if weights is not None and given[1].shared:
                found = gaps[0] @ np.abs(weights) + 2 * (len(weights) + 2) * iv.EPS * (
                    given[0].right.most() @ np.abs(weights)
                )
            elif weights is not None and given[0].shared:
                other = self.constants[step.wrong.input[1]]
                heaviest = np.maximum(np.abs(weights), np.abs(other))
                found = given[0].right.most() @ np.abs(weights - other) + 2 * (len(weights) + 2) * iv.EPS * (
                    given[0].right.most() @ heaviest
                )
        if found is None and op in ("CumSum", "ReduceSum") and not given[0].right.bag:
            axis = int(self.constants[node.input[1]].ravel()[0]) % gaps[0].ndim
            gap = gaps[0] + 4 * gaps[0].shape[axis] * iv.EPS * given[0].right.most()
            found = (
                np.cumsum(gap, axis)
                if op == "CumSum"
                else gap.sum(axis, keepdims=attribute(node, "keepdims") != 0)
            )
        if found is None:
            moved = self.right.mover(node, name, [s.right for s in given])
            if moved is not None:
                found = self.right.moved(moved, [_flags(s.gap, s.right) for s in given], name).hi
        if found is None:
            return np.full(shape, np.inf), tie
        return _wide(np.where(np.isnan(found), np.inf, found), shape), tie


def _gap_of(op: str, node: onnx.NodeProto, given: list[State], room: Array) -> Array | None:
    gaps = [state.gap for state in given]
    most = [np.maximum(s.right.most(), s.wrong.most()) for s in given]
    if op in ("Add", "Sub"):
        return np.asarray(gaps[0] + gaps[1] + room)
    if op in ("Neg", "Abs"):
        return gaps[0]
    if op in ("Max", "Min"):
        return np.maximum(gaps[0], gaps[1])
    if op == "Mul":
        return np.asarray(_times(most[0], gaps[1]) + _times(most[1], gaps[0]) + room + 1e-320)
    if op == "Div":
        least = np.minimum(
            *(
                np.where((s.lo <= 0) & (s.hi >= 0), 0.0, np.minimum(np.abs(s.lo), np.abs(s.hi)))
                for s in (given[1].right, given[1].wrong)
            )
        )
        quotient = most[0] / least
        return np.asarray((gaps[0] + _times(quotient, gaps[1])) / least + room + 1e-320)
    if op == "Exp":
        return np.asarray(
            np.exp(np.maximum(given[0].right.hi, given[0].wrong.hi)) * gaps[0] + 8 * room + 1e-320
        )
    if op == "Log":
        least = np.minimum(given[0].right.lo, given[0].wrong.lo)
        return np.where(least > 0, gaps[0] / least + 8 * room, np.inf)
    if op == "Where":
        condition = given[0].right
        branch = np.where(
            condition.lo == 1, gaps[1], np.where(condition.hi == 0, gaps[2], np.maximum(gaps[1], gaps[2]))
        )
        return np.where(given[0].same, branch, np.inf)
    if op == "Cast" and attribute(node, "to") == TensorProto.DOUBLE and not given[0].right.is_int:
        return gaps[0]
    if op == "Cast" and attribute(node, "to") == TensorProto.FLOAT:
        return np.asarray(gaps[0] + 2.0**-23 * most[0] + 2.0**-148)
    return None


def _compared_alike(op: str, given: list[State]) -> Array:
    """Whether all numbers compare with one outcome in both graphs, and the same ones are missing."""
    outcomes = []
    for side in ("right", "wrong"):
        sides = [getattr(state, side) for state in given]
        sides = [replace(v, nan=np.zeros_like(v.nan)) for v in sides]
        outcomes.append(iv.compare(op, *sides))
    a, b = outcomes
    return np.asarray(a.point & b.point & (a.lo == b.lo) & given[0].near & given[1].near)


def _times(a: Array, b: Array) -> Array:
    """A product of two bounds, 0 where the change is."""
    return np.where(b == 0, 0.0, a * b)


def _settled(state: State) -> State:
    """What the bounds alone say: two equal points are the same, and the difference is at most so much."""
    a, b = state.right, state.wrong
    equal = a.point & b.point & (a.lo == b.lo)
    # +0 and -0 are one point and two values.
    equal = equal & ((a.lo != 0) | np.bool_(a.is_int and b.is_int))
    same = state.same | equal | (a.none & b.none)
    clean = ~(a.nan | b.nan)
    with np.errstate(invalid="ignore"):
        far = np.maximum(a.hi.astype(np.float64) - b.lo, b.hi.astype(np.float64) - a.lo)
    far = np.where(clean & np.isfinite(far), np.maximum(far, 0.0), np.inf)
    gap = np.where(same, 0.0, np.minimum(np.where(clean, state.gap, np.inf), far))
    a, b = (v if v.lo.shape == gap.shape else _as_wide(v, gap.shape) for v in (a, b))
    return replace(
        state, right=a, wrong=b, same=np.broadcast_to(same, gap.shape), gap=gap, near=state.near | same
    )


def _as_wide(value: Interval, shape: tuple[int, ...]) -> Interval:
    return replace(value.map(lambda x: np.broadcast_to(x, shape)), fixed=value.fixed)


def _wide(array: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(array, np.broadcast_shapes(np.shape(array), shape))


def _flags(values: Array, like: Interval | None = None) -> Interval:
    """Any array in the place of bounds, to be moved about as they are."""
    values = np.asarray(values)
    if values.dtype == bool:
        values = values.astype(np.int64)
    if like is not None:
        values = np.broadcast_to(values, np.broadcast_shapes(values.shape, like.lo.shape))
    no = np.zeros(values.shape, bool)
    return Interval(
        values, values, no, no, no, like is not None and like.bag, like is not None and like.fixed
    )


def _same_bits(a: Array, b: Array) -> Array:
    if a.dtype.kind != "f":
        return np.asarray(a == b)
    return np.asarray(((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b)))


def _looked_up_alike(step: Step, state: State) -> Array:
    """Whether two tables answer alike to all that can be looked up."""
    tables = []
    for node in (step.right, step.wrong):
        found = [attribute(node, name) for name in ("keys_tensor", "values_tensor", "default_tensor")]
        if any(value is None for value in found) or found[0].dtype.kind not in "fi":
            return np.zeros((), bool)
        tables.append(found)
    (keys, values, default), (others, changed, otherwise) = tables
    if not np.array_equal(keys, others, equal_nan=keys.dtype.kind == "f"):
        return np.zeros((), bool)
    given = state.right
    first, last, known, missing = keys_met(keys, given)
    absent = np.isnan(keys) if keys.dtype.kind == "f" else np.zeros(len(keys), bool)
    order = np.argsort(keys[~absent])
    differs = ~_same_bits(values[~absent][order], changed[~absent][order])
    before = np.concatenate([[0], np.cumsum(differs)])
    met = np.where(last < first, 0, before[np.maximum(last, first - 1) + 1] - before[first]) > 0
    default_same = bool(_same_bits(default, otherwise).all())
    bare = ~known & (not default_same) & ~given.none
    alone = bool(_same_bits(values[absent], changed[absent]).all()) if missing else default_same
    return np.asarray(state.same & ~met & ~bare & ~(given.nan & (not alone)))


def folded(graph: Graph, run: Callable[[list[str]], Mapping[str, Array] | None]) -> dict[str, Array]:
    """The tensors that depend on constants alone, computed."""
    fixed = set(graph.constants)
    names = []
    for node in graph.nodes:
        if node.input and node.op_type != "Loop" and all(name in fixed for name in node.input if name):
            fixed |= set(node.output)
            names += [name for name in node.output if name in graph.element_types]
    found: Any = run(names) if names else {}
    return {name: np.asarray(value) for name, value in (found or {}).items()}
