"""How each raw column moves what the graph's decisions read: learnt by changing one column at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from onnxtwin.exporters.errors import InputError
from onnxtwin.runtime_checks.boundary.drafts import Array, Drafts, Ints, Origin
from onnxtwin.runtime_checks.boundary.ordered import adjacent, middle, values
from onnxtwin.runtime_checks.coverage.decisions import Decisions
from onnxtwin.runtime_checks.coverage.instrument import Instrument, Tensors

Bools = npt.NDArray[np.bool_]

ASKED = 1024
"""Rows of one call that closes in on a change, at most, where few changes are looked for."""

BASES = 3
"""Rows of the user's on which each value of each column is tried."""


class Oracle:
    """What the early decisions of a graph read, for drafts."""

    def __init__(self, instrument: Instrument, origin: Origin) -> None:
        self.instrument = instrument
        self.origin = origin
        self.decisions: Decisions = instrument.early
        self.matrices = list(dict.fromkeys(forest.tensor for forest in self.decisions.forests))
        # The output ``domain`` is no answer, and the view leaves out what only it needs.
        held = {name for node in instrument.view.nodes for name in node.output}
        self._outputs = [o.name for o in instrument.view.model.graph.output if o.name in held]

    def matrix(self, drafts: Drafts, names: Sequence[str] | None = None) -> Tensors:
        """The matrices that trees read, float [N, k], by tensor."""
        return self._observe(drafts, self.matrices if names is None else names)

    def switches(self, drafts: Drafts) -> Bools:
        """The outcome of every switch, bool [N, places of all switches]."""
        observed = self._observe(drafts, [switch.tensor for switch in self.decisions.switches])
        parts = [switch.outcomes(observed[switch.tensor]) for switch in self.decisions.switches]
        return np.hstack([np.zeros((len(drafts), 0), np.bool_), *parts])

    def answers(self, drafts: Drafts) -> list[Array]:
        """What the whole graph answers, ``[N, k]`` by output; nothing where onnxruntime stops at a row."""
        try:
            found = self._observe(drafts, self._outputs)
        except InputError:
            return []
        return [value.reshape(len(drafts), -1) for value in found.values() if len(value) == len(drafts)]

    def _observe(self, drafts: Drafts, names: Sequence[str]) -> Tensors:
        if not names:
            return {}
        if not len(drafts):
            drafts = self.origin.drafts.take(slice(0, 1))
            return {name: value[:0] for name, value in self._observe(drafts, names).items()}
        given = self.origin.feeds(drafts)
        parts = [
            self.instrument.observe({name: v[part] for name, v in given.items()}, names)
            for part in self.instrument.batches(len(drafts), names)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}


@dataclass
class Table:
    """One raw column: its values and what they make of everything else at a few of the user's rows.

    Attributes
    ----------
    values : [V], in order where the column has one, a missing value last.
    present : V without the missing value.
    matrices : by tensor, float [BASES, V, k].
    switches : bool [BASES, V, places].
    moves : by tensor, bool [k]: which places of the rows any value of the column moved.
    flips : bool [places]: which switches.
    """

    values: Array
    present: int
    matrices: dict[str, Array] = field(default_factory=dict)
    switches: Bools = field(default_factory=lambda: np.zeros((0, 0, 0), np.bool_))
    moves: dict[str, Bools] = field(default_factory=dict)
    flips: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))


def tables(oracle: Oracle, pools: Sequence[Array], bases: Drafts) -> list[Table]:
    """Try every value of every column on the base rows, the other columns left alone."""
    here = oracle.matrix(bases)
    switched = oracle.switches(bases)
    return [_table(oracle, bases, position, listed, here, switched) for position, listed in enumerate(pools)]


def _table(
    oracle: Oracle, bases: Drafts, position: int, listed: Array, here: Tensors, switched: Bools
) -> Table:
    missing = oracle.origin.missing(position) is not None
    table = Table(listed, len(listed) - missing)
    drafts = tried(bases, position, listed)
    shape = len(bases), len(listed)
    try:
        matrices, switches = oracle.matrix(drafts), oracle.switches(drafts)
    except InputError:
        # A value that stops onnxruntime: the column is left to the other families.
        matrices = {name: np.repeat(value, len(listed), axis=0) for name, value in here.items()}
        switches = np.repeat(switched, len(listed), axis=0)
    for name, matrix in matrices.items():
        table.matrices[name] = matrix.reshape(*shape, matrix.shape[1])
        own = here[name][:, None, :]
        with np.errstate(invalid="ignore"):
            differs = (table.matrices[name] != own) & ~(np.isnan(table.matrices[name]) & np.isnan(own))
        table.moves[name] = differs.any(axis=(0, 1))
    table.switches = switches.reshape(*shape, switches.shape[1])
    table.flips = (table.switches != switched[:, None, :]).any(axis=(0, 1))
    return table


def together(found: Sequence[Table]) -> list[list[int]]:
    """The sets of columns that move one place of what trees read, where it takes more than one; each once."""
    groups: dict[tuple[int, ...], None] = {}
    for name in found[0].moves if found else ():
        moves = np.array([table.moves[name] for table in found])
        several = np.unique(moves[:, moves.sum(axis=0) > 1], axis=1)
        groups.update({tuple(np.flatnonzero(column).tolist()): None for column in several.T})
    return [list(group) for group in groups]


def tried(bases: Drafts, position: int, listed: Array) -> Drafts:
    """Each base row with each value of a column, the base rows outermost."""
    drafts = bases.take(np.repeat(np.arange(len(bases)), len(listed)))
    drafts.put(slice(None), position, np.tile(listed, len(bases)))
    return drafts


Decide = Callable[[Drafts, Ints], Bools]


def bisect(
    origin: Origin, drafts: Drafts, column: Ints, low: Ints, high: Ints, decide: Decide, halvings: int = 1
) -> tuple[Ints, Ints]:
    """Close in on where a decision changes while one column of a row goes from one value to another.

    Parameters
    ----------
    drafts : [T], one a task.
    column : int64 [T]: the column that moves; it has an order.
    low, high : int64 [T]: places of two of its values, at which the decision falls differently.
    decide : drafts and their tasks → bool.
    halvings : steps that are asked about at once, where a call costs more than its rows: ``2**halvings - 1``
        values instead of one; more where that makes no more than :data:`ASKED` rows.

    Returns
    -------
    The places of two neighbours at which it falls differently, on low's and on high's side.
    """
    low, high = low.copy(), high.copy()
    first = decide(place(origin, drafts, column, low), np.arange(len(drafts)))
    open_ = np.flatnonzero(~adjacent(low, high))
    while len(open_):
        points = np.stack([low[open_], high[open_]])
        for _ in range(max(halvings, int(np.log2(ASKED / len(open_) + 1)) if halvings > 1 else 1)):
            points = np.insert(points, np.arange(1, len(points)), middle(points[:-1], points[1:]), axis=0)
        tasks = np.tile(open_, len(points) - 2)
        here = place(origin, drafts.take(tasks), column[tasks], points[1:-1].reshape(-1))
        same = (decide(here, tasks) == first[tasks]).reshape(len(points) - 2, -1)
        # The first point that falls as the high end does; the high end itself if none between does.
        turn = np.argmin(np.vstack([same, np.zeros((1, len(open_)), np.bool_)]), axis=0)
        each = np.arange(len(open_))
        low[open_], high[open_] = points[turn, each], points[turn + 1, each]
        open_ = open_[~adjacent(low[open_], high[open_])]
    return low, high


def place(origin: Origin, drafts: Drafts, column: Ints, places: Ints) -> Drafts:
    """The drafts with one column each at a place of its order."""
    moved = drafts.copy()
    for position in np.unique(column):
        rows = np.flatnonzero(column == position)
        order = origin.order(int(position))
        if order is not None:
            moved.put(rows, int(position), values(places[rows], order, moved.cells[position].dtype))
    return moved
