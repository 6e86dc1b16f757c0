"""What correct programs may answer to a batch of rows: bounds of every tensor of a graph.

A tensor is certain as long as every operator before it has one right answer. From the first sum of several
terms or elementary function on it has bounds (running error analysis: each operator carries the bounds of
its inputs on, Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, section 3.3). A
comparison, a winner, a bin or a tree's split whose bounds lie on both sides leaves both outcomes open, and so
does all behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from onnxtwin.exporters.analysis.batches import ROUNDING, Batch
from onnxtwin.exporters.analysis.elementary import elementary
from onnxtwin.exporters.analysis.graph import ELEMENTS, Array, Graph, attribute
from onnxtwin.exporters.analysis.intervals import Interval, constant, made, truth
from onnxtwin.exporters.analysis.moves import Moves, moved_inputs
from onnxtwin.exporters.analysis.operators import keys_met

ROWS = 512
"""Rows whose tensors are held at a time."""


@dataclass(frozen=True)
class Texts:
    """Texts of which several are possible: ``sets``, an object array of frozensets."""

    sets: Array


State = Array | Interval | Texts
"""What is known of a tensor: its value, where only one is right; bounds; possible texts."""


@dataclass(frozen=True)
class Elementary:
    """A tensor that is ``function`` of others, whatever nodes the graph composes it of."""

    function: Callable[..., Any]
    operands: tuple[str, ...]


class NotFollowedError(Exception):
    """What an operator does to bounds is not known: then nothing is said about what depends on it."""


class Enclosure:
    """Bounds of a graph's outputs, for any batch.

    Parameters
    ----------
    model : the graph, as the pipeline's arithmetic was recorded.
    marks : tensor → the elementary function that it is.
    outputs : name of an answer → tensor of the graph.
    """

    def __init__(
        self, model: onnx.ModelProto, marks: Mapping[str, Elementary], outputs: Mapping[str, str]
    ) -> None:
        self._graph = Graph(model)
        self._marks, self._outputs = marks, dict(outputs)
        self._moves = Moves()
        self._order = self._needed()
        made_by = {name: node for node in self._graph.nodes for name in node.output if name}
        told = _all_told(model, list(made_by))
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(told.SerializeToString(), options, ["CPUExecutionProvider"])
        entries = [*self._session.get_inputs(), *self._session.get_outputs()]
        self._elements = {e.name: ELEMENTS[e.type] for e in entries if e.type in ELEMENTS}
        self._names = [e.name for e in self._session.get_outputs() if e.name in self._elements]

    def of(self, feeds: Mapping[str, Array]) -> dict[str, State | None]:
        """What correct programs may answer.

        Parameters
        ----------
        feeds : the graph's inputs.

        Returns
        -------
        dict
            Per output its one right value, bounds, or possible texts; None where an operator is not followed.
        """
        values = dict(zip(self._names, self._session.run(self._names, dict(feeds)), strict=True))
        return _Pass(self, {**feeds, **self._graph.constants, **values}).answers()

    def _needed(self) -> list[onnx.NodeProto]:
        """The nodes that the outputs depend on; what a marked tensor is composed of is not among them."""
        wanted, found = list(self._outputs.values()), set[int]()
        seen: set[str] = set()
        while wanted:
            name = wanted.pop()
            at = self._graph.producer.get(name)
            if name in seen or at is None:
                continue
            seen.add(name)
            found.add(at)
            mark = self._marks.get(name)
            wanted += self._graph.nodes[at].input if mark is None else mark.operands
            wanted += [] if mark is not None else _outer(self._graph.nodes[at])
        return [self._graph.nodes[at] for at in sorted(found)]


class _Pass:
    """One batch, followed from node to node."""

    def __init__(self, enclosure: Enclosure, values: dict[str, Array]) -> None:
        self._enclosure, self._values = enclosure, values
        self.certain: dict[str, Array] = {}
        self._open: dict[str, Interval | Texts | None] = {}
        self._batch = Batch(enclosure._graph, enclosure._elements, self.certain)
        for name in [*enclosure._graph.inputs, *enclosure._graph.constants]:
            self.certain[name] = values[name]

    def answers(self) -> dict[str, State | None]:
        with np.errstate(all="ignore"):
            for node in self._enclosure._order:
                for position, name in enumerate(node.output):
                    if name and name in self._values:
                        self._follow(node, position, name)
        return {
            name: self.certain.get(tensor, self._open.get(tensor))
            for name, tensor in self._enclosure._outputs.items()
        }

    def _follow(self, node: onnx.NodeProto, position: int, name: str) -> None:
        mark = self._enclosure._marks.get(name)
        try:
            found = self._marked(mark, name) if mark is not None else self._state(node, position, name)
        except NotFollowedError:
            found = None
        if isinstance(found, Interval):
            found = self._settled(found, self._values[name])
        if isinstance(found, np.ndarray):
            self.certain[name] = found
        else:
            self._open[name] = found

    def _marked(self, mark: Elementary, name: str) -> State:
        single = self._values[name].dtype == np.float32
        return elementary(mark.function, [self._look(operand) for operand in mark.operands], single=single)

    def _state(self, node: onnx.NodeProto, position: int, name: str) -> State | None:
        value = self._values[name]
        given = [n for n in (*node.input, *_outer(node)) if n]
        if node.op_type in ("Shape", "Size") or all(n in self.certain for n in given):
            if not _rounds(node, value, [self.certain.get(n) for n in node.input]):
                return value
            if node.op_type == "TreeEnsemble":
                return self._batch.added(node, name, value)
        if node.op_type in ("If", "Loop", "Scan"):
            return None
        if moved_inputs(node) is not None and (moved := self._moved(node, position)) is not None:
            return moved
        if value.dtype.kind in "OUS":
            return self._text(node)
        if any(isinstance(self._open.get(n), Texts) for n in node.input):
            return self._asked(node)
        try:
            return self._batch.interval(node, name, [self._look(n) for n in node.input if n], self._look)
        except KeyError as error:  # an axis or an index that is not certain
            raise NotFollowedError(name) from error

    def _look(self, name: str) -> Interval:
        if name in self.certain:
            return replace(constant(self.certain[name]), fixed=False)
        found = self._open.get(name)
        if not isinstance(found, Interval):
            raise NotFollowedError(name)
        return found

    def _sets(self, name: str) -> Array:
        """The possible texts of a tensor of texts."""
        found = self._open.get(name)
        if isinstance(found, Texts):
            return found.sets
        if name not in self.certain:
            raise NotFollowedError(name)
        return _singletons(self.certain[name])

    def _moved(self, node: onnx.NodeProto, position: int) -> State | None:
        places = moved_inputs(node)
        assert places is not None
        names = [node.input[at] for at in places]
        others = {
            at: self.certain[n] for at, n in enumerate(node.input) if n in self.certain and at not in places
        }
        if any(n and n not in self.certain for at, n in enumerate(node.input) if at not in places):
            return None
        text = any(self._values[n].dtype.kind in "OUS" for n in names)
        shapes = [self._values[n].shape for n in names]
        at = self._enclosure._moves.positions(node, shapes, others)[position]
        if text:
            return Texts(np.concatenate([self._sets(n).ravel() for n in names])[at])
        parts = [self._look(n).wide(shape) for n, shape in zip(names, shapes, strict=True)]
        return Interval.of(
            np.concatenate([array.ravel() for array in same])[at]
            for same in zip(*(part.arrays for part in parts), strict=True)
        )

    def _text(self, node: onnx.NodeProto) -> State | None:
        """Texts that are looked up by a place or a number, or chosen by a condition."""
        if node.op_type == "Where":
            condition = self._look(node.input[0])
            yes, no = (self._sets(n) for n in node.input[1:])
            yes, no, lo, hi = np.broadcast_arrays(yes, no, condition.lo, condition.hi)
            pairs = zip(yes.ravel(), no.ravel(), lo.ravel(), hi.ravel(), strict=True)
            sets = [(a if h else frozenset()) | (b if not low else frozenset()) for a, b, low, h in pairs]
            return Texts(_objects(sets, yes.shape))
        if node.op_type == "Gather" and not attribute(node, "axis"):
            table, index = self._sets(node.input[0]), self._look(node.input[1])
            if table.ndim == 1:
                return Texts(_runs(list(table), index.lo, index.hi))
        if node.op_type == "LabelEncoder":
            return self._labels(node)
        return None

    def _labels(self, node: onnx.NodeProto) -> State | None:
        keys = _entries(node, "keys")
        values, default = _entries(node, "values"), _entries(node, "default")
        if keys is None or values is None or default is None:
            return None
        answers, other = (
            [frozenset([str(_plain(v))]) for v in values],
            frozenset([str(_plain(default.ravel()[0]))]),
        )
        if keys.dtype.kind not in "fi":
            table = dict(zip((_plain(key) for key in keys), answers, strict=True))
            sets = self._sets(node.input[0])
            found = [frozenset().union(*(table.get(text, other) for text in held)) for held in sets.ravel()]
            return Texts(_objects(found, sets.shape))
        given = self._look(node.input[0])
        absent = np.isnan(keys) if keys.dtype.kind == "f" else np.zeros(len(keys), bool)
        order = np.argsort(keys[~absent])
        first, last, known, missing = keys_met(keys, given)
        sets = _runs([answers[i] for i in np.flatnonzero(~absent)[order]], first, last)
        alone = answers[int(np.flatnonzero(absent)[0])] if missing else other
        nan, bare = (
            np.broadcast_to(given.nan, first.shape),
            ~known & ~np.broadcast_to(given.none, first.shape),
        )
        entries = zip(sets.ravel(), nan.ravel(), bare.ravel(), strict=True)
        joined = [
            held | (alone if n else frozenset()) | (other if b else frozenset()) for held, n, b in entries
        ]
        return Texts(_objects(joined, first.shape))

    def _asked(self, node: onnx.NodeProto) -> State | None:
        """What is asked of texts of which several are possible: whether they are equal, or their codes."""
        if node.op_type == "Equal":
            a, b = np.broadcast_arrays(*(self._sets(n) for n in node.input))
            pairs = list(zip(a.ravel(), b.ravel(), strict=True))
            can = np.array([bool(x & y) for x, y in pairs]).reshape(a.shape)
            cannot = np.array([len(x | y) > 1 for x, y in pairs]).reshape(a.shape)
            return truth(can, cannot)
        if node.op_type == "LabelEncoder":
            keys, values, default = (_entries(node, name) for name in ("keys", "values", "default"))
            if keys is None or values is None or default is None or values.dtype.kind not in "fi":
                return None
            table = dict(zip((_plain(key) for key in keys), values.tolist(), strict=True))
            sets = self._sets(node.input[0])
            found = [[table.get(t, default.ravel()[0]) for t in held] for held in sets.ravel()]
            kind = np.int64 if values.dtype.kind == "i" else np.float64
            ends = [np.array([f(each) for each in found], kind).reshape(sets.shape) for f in (min, max)]
            return made(*ends)
        return None

    def _settled(self, found: Interval, value: Array) -> State:
        """The value itself where the bounds leave one and the graph answers just that."""
        if np.broadcast_shapes(found.lo.shape, value.shape) != value.shape:
            raise NotFollowedError
        wide = found.wide(value.shape)
        number = value.astype(np.int64) if wide.is_int else value.astype(np.float64)
        gone = np.isnan(number) if number.dtype.kind == "f" else np.zeros(number.shape, bool)
        point = np.where(gone, wide.none & wide.nan, (wide.lo == number) & (wide.hi == number) & ~wide.nan)
        return value if point.all() else wide


def within(state: State, values: Array) -> Array:
    """Which of some answers, of the same shape, are among those that correct programs may give."""
    if isinstance(state, Texts):
        pairs = zip(state.sets.ravel(), values.ravel(), strict=True)
        return np.array([value in held for held, value in pairs], bool).reshape(values.shape)
    if isinstance(state, np.ndarray):
        same = np.asarray(state == values)
        return same | (state != state) & (values != values) if state.dtype.kind == "f" else same
    number = values.astype(np.int64 if state.is_int else np.float64)
    gone = np.isnan(number) if number.dtype.kind == "f" else np.zeros(number.shape, bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(gone, state.nan, (state.lo <= number) & (number <= state.hi)))


def _rounds(node: onnx.NodeProto, value: Array, given: Sequence[Array | None]) -> bool:
    """Whether more than one answer is right, although all that is given is certain."""
    if node.op_type in ("If", "Loop", "Scan"):
        return any(inner.op_type in ROUNDING and inner.op_type != "ReduceSum" for inner in _inner(node))
    if node.op_type not in ROUNDING or value.dtype.kind != "f":
        return False
    if node.op_type == "Sum":
        return len(node.input) > 2
    if node.op_type == "CumSum" and given[1] is not None:
        return bool(value.shape[int(given[1].ravel()[0])] > 2)
    if node.op_type == "MatMul" and given[0] is not None:
        return bool(given[0].shape[-1] > 1)
    if node.op_type.startswith("Reduce") and given[0] is not None and value.size:
        return bool(given[0].size > 2 * value.size)
    return True


def _all_told(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The model with every tensor as an output."""
    told = onnx.ModelProto()
    told.CopyFrom(model)
    held = {entry.name for entry in told.graph.output}
    told.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in held)
    return told


def _graphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [g for a in node.attribute for g in ([a.g] if a.type == onnx.AttributeProto.GRAPH else a.graphs)]


def _inner(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """All nodes of a node's subgraphs."""
    own = [inner for graph in _graphs(node) for inner in graph.node]
    return own + [deeper for inner in own for deeper in _inner(inner)]


def _outer(node: onnx.NodeProto) -> list[str]:
    """What a node's subgraphs read of the graph around them."""
    found: list[str] = []
    for graph in _graphs(node):
        made_here = {n for inner in graph.node for n in inner.output} | {e.name for e in graph.initializer}
        made_here |= {e.name for e in graph.input}
        read = [n for inner in graph.node for n in (*inner.input, *_outer(inner))]
        read += [e.name for e in graph.output]
        found += [n for n in read if n and n not in made_here]
    return found


def _entries(node: onnx.NodeProto, what: str) -> Array | None:
    """The keys, values or default of a LabelEncoder, in whichever of its attributes they stand."""
    for kind in ("tensor", "strings", "int64s", "floats", "string", "int64", "float"):
        value = attribute(node, f"{what}_{kind}")
        if value is not None:
            return np.atleast_1d(np.asarray(value))
    return None


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _singletons(values: Array) -> Array:
    return _objects([frozenset([_plain(value)]) for value in values.ravel()], values.shape)


def _objects(values: Sequence[Any], shape: tuple[int, ...]) -> Array:
    made_ = np.empty(len(values), dtype=object)
    made_[:] = values
    return made_.reshape(shape)


def _runs(table: Sequence[frozenset[str]], first: Array, last: Array) -> Array:
    """Per entry all texts of a run of the table; none where it ends before it begins."""
    size = len(table)
    ends = zip(np.ravel(first), np.ravel(last), strict=True)
    sets = [frozenset().union(*(table[i % size] for i in range(int(a), int(b) + 1))) for a, b in ends]
    return _objects(sets, np.shape(first))
