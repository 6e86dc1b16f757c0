"""Proofs by boxes of rows: both graphs are bounded over each box, and a box that leaves it open is halved.

Sound for every row of the contract: the boxes cover all values of a few columns, whatever the others hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import onnx
from onnx import TensorProto

from mutation.boxes_cells import same_in_cells
from mutation.boxes_pairs import STOPS, NotFollowedError, Pair, State, folded, shared
from mutation.cutting import Tensors, run_cut
from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.graph import DOMAIN_OUTPUT, Array, Graph, reads
from onnxtwin.exporters.analysis.intervals import Interval
from onnxtwin.exporters.signature import Column, Signature

HARMLESS = 1e-10
"""A tenth of the tolerance of an answer around zero, which is 1e-9."""

MOST_BOXES = 200_000
MOST_CELLS = 1_000_000
AT_ONCE = 2048
MOST_WORK = 5e6
"""Boxes times entries of the widest tensor, or splits of the largest trees."""

Place = tuple[str, int]
"""A tensor, and an entry of its row."""


@dataclass(frozen=True)
class Spans:
    """Boxes over a few columns, ``[boxes, columns]``: the numbers of their ends, and whether it is NaN."""

    low: Array
    high: Array
    nan: Array

    def __len__(self) -> int:
        return len(self.low)

    def at(self, chosen: Array | slice) -> Spans:
        """Some of the boxes."""
        return Spans(self.low[chosen], self.high[chosen], self.nan[chosen])

    def and_(self, other: Spans) -> Spans:
        """Both."""
        return Spans(*(np.concatenate(pair) for pair in zip(self._all(), other._all(), strict=True)))

    def _all(self) -> tuple[Array, Array, Array]:
        return self.low, self.high, self.nan

    def points(self) -> Array:
        """Which boxes hold one value of each column."""
        return ((self.low == self.high) | self.nan).all(1)

    def halves(self) -> Spans:
        """Each box cut in two, across its longest side."""
        length = np.where(self.nan, 0.0, self.high.astype(np.float64) - self.low)
        side = length.argmax(1)
        rows = np.arange(len(self))
        low, high = self.low[rows, side], self.high[rows, side]
        middle = (low & high) + ((low ^ high) >> 1)
        lower, upper = self.high.copy(), self.low.copy()
        lower[rows, side], upper[rows, side] = middle, middle + 1
        return Spans(self.low, lower, self.nan).and_(Spans(upper, self.high, self.nan))


def ordered(values: Array) -> Array:
    """Numbers of float64 values in their order, ``±0`` both 0; whole numbers as they are."""
    if values.dtype.kind == "i":
        return values
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def unordered(numbers: Array) -> Array:
    """The float64 values again."""
    return np.where(numbers < 0, np.iinfo(np.int64).min - numbers, numbers).view(np.float64)


class Boxes:
    """Proofs about the mutants of one graph.

    Parameters
    ----------
    row : one row as the graph is fed it.
    """

    def __init__(self, graph: Graph, signature: Signature, row: Tensors) -> None:
        self.graph, self._row = graph, row
        self._widths_free: dict[str, bool] = {}
        self._shapes = self._shapes_of_rows()
        self._folded = folded(graph, lambda names: run_cut(graph.model, graph, None, self.row(1), names))
        self._given: dict[str, State] = {}
        for entry in signature.inputs:
            columns = [signature.column(name) for name in entry.columns]
            self._given[entry.name] = shared(self._raw(entry.name, columns))

    def row(self, count: int) -> dict[str, Array]:
        """The row, so many times."""
        return {name: np.repeat(tensor[:1], count, axis=0) for name, tensor in self._row.items()}

    def _shapes_of_rows(self) -> dict[str, tuple[int, ...]]:
        """Shapes of rows, from a batch of two and one of three."""
        names = [
            name for node in self.graph.nodes for name in node.output if name in self.graph.element_types
        ]
        runs = [run_cut(self.graph.model, self.graph, None, self.row(count), names) for count in (2, 3)]
        shapes = {name: tensor.shape[1:] for name, tensor in self._row.items()}
        if runs[0] is None or runs[1] is None:
            return shapes
        for name in names:
            a, b = (run[name].shape for run in runs if run is not None)
            if a[:1] == (2,) and b[:1] == (3,) and a[1:] == b[1:] and not self._free(name):
                shapes[name] = a[1:]
        return shapes

    def _free(self, name: str) -> bool:
        """Whether a tensor's width may depend on the rows: the parts of a text."""
        if name not in self._widths_free:
            node = self.graph.node_of(name)
            settled = ("ReduceSum", "ReduceMax", "ReduceMin", "Gather", "Reshape", "Loop")
            self._widths_free[name] = not (node is None or node.op_type in settled) and (
                node.op_type == "Tokenizer" or any(self._free(given) for given in node.input)
            )
        return self._widths_free[name]

    def _raw(self, name: str, columns: Sequence[Column]) -> Interval:
        shape = (1, *self._shapes[name])
        if columns[0].tensor == "string":
            return iv.as_bag(iv.anything((1,), whole=False))
        ends = []
        for column in columns:
            if column.tensor == "bool":
                ends.append(iv.made(np.int64(0), np.int64(1)))
            elif column.tensor == "int64":
                ends.append(iv.made(np.int64(iv.SMALLEST_INT), np.int64(iv.LARGEST_INT)))
            else:
                most = float(np.finfo(column.tensor).max) if column.finite else np.inf
                ends.append(iv.made(-most, most, column.missing_allowed, False, column.tensor == "float32"))
        fields = zip(*((v.lo, v.hi, v.nan, v.grain, v.single) for v in ends), strict=True)
        arrays = [np.array(field).reshape(1, -1) for field in fields]
        wide = [
            a.reshape(shape) if a.size == np.prod(shape) else np.broadcast_to(a[:, :1], shape) for a in arrays
        ]
        return Interval(*wide)

    def settled(self, mutant: onnx.ModelProto, *, within: float | None = None) -> str | None:
        """Why the mutant answers every row as the correct graph does; None if that is not proven.

        Parameters
        ----------
        within : how far the answers may be apart; None where they have to be equal in every bit.
        """
        try:
            return next(Search(self, self.pair(mutant), within).reasons(), None)
        except NotFollowedError:
            return None

    def pair(self, mutant: onnx.ModelProto) -> Pair:
        """The graph beside a mutant of it."""
        graph, shapes = Graph(mutant), dict(self._shapes)
        for node in graph.nodes:
            if node.op_type == "Cast" and node.input[0] in shapes:
                added = [name for name in node.output if self.graph.node_of(name) is None]
                shapes.update(dict.fromkeys(added, shapes[node.input[0]]))
        return Pair(self.graph, graph, shapes, self._folded)


class Search:
    """The search for boxes that settle one mutant."""

    def __init__(self, boxes: Boxes, pair: Pair, within: float | None) -> None:
        self._boxes, self._pair, self._within = boxes, pair, within
        self._graph = pair.graph
        self.root = pair.follow(boxes._given)
        self._rng = np.random.default_rng(0)
        self._weights: dict[tuple[str, ...], int] = {}
        self._sources: dict[str, bool] = {}

    def reasons(self) -> Iterator[str]:
        """The proofs that succeed."""
        if self._open(self.root, 1).sum() == 0:
            yield "what it changes is the same within the bounds of all values"
        cells = same_in_cells(self._pair, self.root, self._boxes.row(1), self._within)
        if cells is not None:
            yield cells
        for places in self._cuts():
            if self._covered(places):
                names = ", ".join(f"{name} [{column}]" for name, column in places)
                yield f"it is the same in every box of values of {names}"

    def _open(self, states: Mapping[str, State], boxes: int) -> Array:
        """The boxes that leave the answers open."""
        open_, refused = np.zeros(boxes, bool), np.zeros(boxes, bool)
        for name in self._graph.outputs:
            state = states.get(name)
            if state is None:
                return np.ones(boxes, bool)
            same = state.same
            if self._within is not None and name != DOMAIN_OUTPUT:
                same = same | (state.gap <= self._within) | np.bool_(state.tie)
            open_ = open_ | ~same.reshape(len(same), -1).all(1)
            if name == DOMAIN_OUTPUT:
                never = [(v.hi <= 0).reshape(len(v.hi), -1).any(1) for v in (state.right, state.wrong)]
                refused |= never[0] & never[1]
        open_ = open_ & ~refused
        for name, state in states.items():
            if name.endswith(STOPS):
                open_ = open_ | ~state.same.reshape(len(state.same), -1).all(1)
        return open_

    def _changed(self) -> list[int]:
        """Nodes of the correct graph at which the mutant differs."""
        return [at for at, node in enumerate(self._graph.nodes) if self._differs(node)]

    def _differs(self, node: onnx.NodeProto) -> bool:
        step = next((s for s in self._pair.steps if s.wrong.output[0] == node.output[0]), None)
        return step is None or not step.alike or list(step.right.input) != list(step.wrong.input)

    def _above(self) -> list[str]:
        """Tensors above the changed nodes, the nearest first, the changed ones not among them."""
        found: list[str] = []
        waiting = [name for at in self._changed() for name in reads(self._graph.nodes[at])]
        while waiting:
            name = waiting.pop(0)
            if name in found or name in self._pair.constants or name not in self.root:
                continue
            found.append(name)
            node = self._graph.node_of(name)
            waiting += [] if node is None else list(reads(node))
        return [name for name in found if self.root[name].shared]

    def _cuts(self) -> Iterator[list[Place]]:
        above = self._above()
        sources = [name for name in above if self._is_source(name)]
        places = [(name, column) for name in sources for column in range(self._width(name))]
        small = [place for place in places if self._few(place)]
        wide = [place for place in places if place not in small]
        # A single number further on may hold fewer values than those of the rows that it is made of.
        further = [n for n in above if n not in sources and self._numeric(n) and self._width(n) == 1]
        single = [*wide[:14], *small[:14], *((name, 0) for name in further)]
        yield from ([place] for place in sorted(single, key=self._length))
        for name in above[:6]:
            if 1 < self._width(name) <= 4 and self._numeric(name) and name not in sources:
                yield [(name, column) for column in range(self._width(name))]
        if 1 < len(places) <= 6 and len(wide) <= 3:
            yield places
        for two in combinations(wide, 2) if len(wide) <= 4 else ():
            yield list(two)

    def _numeric(self, name: str) -> bool:
        return self._graph.element_types.get(name) != TensorProto.STRING and not self.root[name].right.bag

    def _width(self, name: str) -> int:
        return int(np.prod(self.root[name].right.lo.shape[1:]))

    def _is_source(self, name: str) -> bool:
        if name not in self._sources:
            node = self._graph.node_of(name)
            given = [] if node is None else [n for n in reads(node) if n in self.root]
            read = any(not self._numeric(n) for n in given) and not any(self._is_source(n) for n in given)
            self._sources[name] = self._numeric(name) and (node is None or read)
        return self._sources[name]

    def _length(self, place: Place) -> float:
        """How many values there are, or numbers in their order."""
        lo, hi, counted, _ = self._span(place)
        if counted:
            return (float(hi) - float(lo)) / counted
        low, high = ordered(np.array([lo, hi], float)).astype(float)
        return float(high - low)

    def _few(self, place: Place) -> bool:
        span = self._span(place)
        return span[2] > 0 and float(span[1]) - float(span[0]) < 64 * span[2]

    def _span(self, place: Place) -> tuple[float, float, float, bool]:
        """Ends of a place's values, the grain that counts them (0 if none), and whether it may be missing."""
        state = self.root[place[0]].right
        lo, hi, nan, grain = (a.reshape(-1)[place[1]] for a in (state.lo, state.hi, state.nan, state.grain))
        counted = grain > 0 and (state.is_int or max(abs(lo), abs(hi)) < iv.WHOLE_IN_DOUBLE * grain)
        return lo, hi, float(grain) if counted else 0.0, bool(nan)

    def _start(self, places: list[Place]) -> Spans | None:
        sides = []
        for place in places:
            lo, hi, counted, nan = self._span(place)
            if counted:
                low, high = (int(end) if counted == 1 else int(end / counted) for end in (lo, hi))
            else:
                low, high = (int(ordered(np.array([end], float))[0]) for end in (lo, hi))
            parts = []
            if len(places) > 1 and counted and high - low < 64:
                parts = [(value, value, False) for value in range(low, high + 1)]
            elif low <= high:
                parts = [(low, min(-1, high), False)] if low < 0 else []
                parts += [(max(0, low), high, False)] if high >= 0 else []
            sides.append(parts + ([(0, 0, True)] if nan else []))
        count = float(np.prod([float(len(side)) for side in sides]))
        if not 0 < count <= MOST_CELLS:
            return None
        chosen = np.stack(
            [axis.ravel() for axis in np.meshgrid(*(np.arange(len(side)) for side in sides))], 1
        )
        parts = [np.array(side, dtype=np.int64)[chosen[:, at]] for at, side in enumerate(sides)]
        low, high, nan = (np.stack([part[:, i] for part in parts], 1) for i in range(3))
        return Spans(low, high, nan.astype(bool))

    def _covered(self, places: list[Place]) -> bool:
        """Whether boxes over these columns settle every row."""
        start = self._start(places)
        if start is None or not self._promising(start, places):
            return False
        waiting, budget = start, len(start) + min(MOST_BOXES, int(MOST_WORK / self._weight(places)))
        while len(waiting):
            batch, waiting = waiting.at(slice(-AT_ONCE, None)), waiting.at(slice(None, -AT_ONCE))
            budget -= len(batch)
            left = batch.at(self._left(batch, places))
            if budget < 0 or left.points().any():
                return False
            if len(left):
                waiting = waiting.and_(left.halves())
        return True

    def _promising(self, start: Spans, places: list[Place]) -> bool:
        """Whether single points, drawn at random, settle: else no box will."""
        chosen = self._rng.integers(len(start), size=24)
        low, high = start.low[chosen], start.high[chosen]
        drawn = self._rng.integers(low, high, endpoint=True)
        drawn[:4], drawn[4:8] = low[:4], high[:4]
        return not self._left(Spans(drawn, drawn, start.nan[chosen]), places).any()

    def _weight(self, places: list[Place]) -> int:
        """Entries of the widest tensor, or splits of the largest trees, that depend on these columns."""
        key = tuple(sorted({name for name, _ in places}))
        if key not in self._weights:
            met, most = set(key), 1
            for node in self._graph.nodes:
                if not met & set(reads(node)):
                    continue
                met |= set(node.output)
                if node.op_type == "TreeEnsemble":
                    most = max(most, len(self._pair.right.tree(node).splits))
                sizes = [self.root[name].right.lo.size for name in node.output if name in self.root]
                most = max([most, *sizes])
            self._weights[key] = most
        return self._weights[key]

    def _left(self, batch: Spans, places: list[Place]) -> Array:
        most = max(16, int(2e6 / self._weight(places)))
        parts = [batch.at(slice(i, i + most)) for i in range(0, len(batch), most)]
        return np.concatenate([self._left_of(part, places) for part in parts])

    def _left_of(self, batch: Spans, places: list[Place]) -> Array:
        states = self.states(batch.low, batch.high, batch.nan, places)
        return np.broadcast_to(self._open(states, len(batch)), len(batch))

    def states(self, low: Array, high: Array, nan: Array, places: list[Place]) -> dict[str, State]:
        """Every tensor in boxes over some columns, each given by the numbers of its ends."""
        batch, given = Spans(low, high, nan), dict[str, State]()
        for column, (name, entry) in enumerate(places):
            counted = self._span((name, entry))[2]
            interval = given[name].right if name in given else self.root[name].right
            given[name] = shared(self._cut(interval, batch, column, entry, counted))
        return self._pair.follow(given, self.root)

    def _cut(self, interval: Interval, batch: Spans, column: int, entry: int, counted: float) -> Interval:
        boxes, row = len(batch), interval.lo.shape[1:]
        flat = interval.map(lambda a: np.broadcast_to(a, (boxes, *row)).reshape(boxes, -1).copy())
        low, high, nan = batch.low[:, column], batch.high[:, column], batch.nan[:, column]
        if not interval.is_int:
            low, high = (end * counted if counted else unordered(end) for end in (low, high))
            low, high = np.where(nan, np.inf, low), np.where(nan, -np.inf, high)
        flat.lo[:, entry], flat.hi[:, entry], flat.nan[:, entry] = low, high, nan
        return flat.map(lambda a: a.reshape(boxes, *row))
