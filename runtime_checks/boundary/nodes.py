"""Rows that come through each node of each tree, on both sides of its threshold and missing.

A node is reached where every test above it falls as it has to. The tests are grouped by the raw
column that alone decides them; for each group a value is chosen that satisfies it whole. What
more columns decide together is left as the starting row has it, which therefore is one that came to
the node above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.boundary.drafts import Array, Drafts, Ints, joined
from onnxtwin.runtime_checks.boundary.ordered import keys
from onnxtwin.runtime_checks.boundary.tables import Oracle, Table, bisect, place
from onnxtwin.runtime_checks.boundary.thresholds import SEVERAL, Known
from onnxtwin.runtime_checks.coverage.forest import Forest

Bools = npt.NDArray[np.bool_]

ROUNDS = 2
"""Starting rows and choices that are tried for a node."""

MORE_ROUNDS = 6
FEW_SHARED = 200
"""The same for nodes whose test several columns decide, where a level of the trees has only so many left."""

TRIALS = 24
"""Values of one column that are tried at a node whose test several columns decide."""

EFFECTS = 8
"""Further leaves below a node that are tried where its branches have made no difference to the answers."""

WAYS = 8
"""Random ways down to a leaf that was not tried yet."""

MISSING = 2
"""The side of a node that a missing value stands for; 1 and 0 are its true and its false branch."""


@dataclass
class _Plans:
    """Drafts to be made: a starting row each, and cells to set."""

    start: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    side: list[int] = field(default_factory=list)
    cells: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)

    def add(self, start: int, target: int, side: int, cells: dict[int, int]) -> None:
        for column, value in cells.items():
            rows, values = self.cells.setdefault(column, ([], []))
            rows.append(len(self.start))
            values.append(value)
        self.start.append(start)
        self.target.append(target)
        self.side.append(side)

    def drafts(self, bank: Drafts, values: list[Array]) -> Drafts:
        made = bank.take(np.array(self.start, np.int64))
        for column, (rows, chosen) in self.cells.items():
            made.put(np.array(rows), column, values[column][np.array(chosen)])
        return made


class NodeSearch:
    """Reaches the nodes of one forest, level by level.

    Parameters
    ----------
    found, known : how the raw columns move what the trees read.
    seeds : drafts to start from, the user's own rows.

    Attributes
    ----------
    reached : bool [3, nodes], by side.
    shown : bool [2, nodes]: whether the graph's answers differ between two rows on both sides of the
        threshold; and whether they differ between a missing value and the branch that it does not take.
    """

    def __init__(
        self, oracle: Oracle, forest: Forest, found: list[Table], known: Known, seeds: Drafts,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._oracle = oracle
        self._forest = forest
        self._known = known
        self._rng = rng
        self._owner = known.owner[forest.tensor]
        self._moving = np.array([table.moves[forest.tensor] for table in found])
        self._bank = seeds
        self._rows = oracle.matrix(seeds, [forest.tensor])[forest.tensor]
        self._witness = np.full(forest.n_inner + forest.n_leaves, -1, np.int64)
        for visit in forest.visits(self._rows):
            self._witness[visit.node] = visit.row
        self.reached = np.zeros((3, forest.n_inner), np.bool_)
        self.shown = np.zeros((2, forest.n_inner), np.bool_)
        # A missing value is looked for where several columns decide; where one does, it comes with the pair.
        gone = np.array([np.isnan(t.matrices[forest.tensor][:, t.present :]).any(axis=(0, 1)) for t in found])
        shared = (self._owner == SEVERAL) & gone.any(axis=0)
        *_, never = forest.impossible(oracle.instrument.single(forest.tensor))
        self._wanted = np.ones((3, forest.n_inner), np.bool_)
        self._wanted[MISSING] = shared[forest.feature] & ~never
        self._found = np.full((3, forest.n_inner), -1, np.int64)
        self._tried: dict[int, set[int]] = {}
        self._paths: dict[int, tuple[Ints, Bools]] = {}
        self._own: dict[int, list[tuple[int, int]]] = {}

    def levels(self) -> Iterator[Drafts]:
        """For each level of the trees, pairs of rows at its nodes, then rows with a missing value there."""
        forest = self._forest
        for depth in range(int(forest.depth.max(initial=-1)) + 1):
            nodes = np.flatnonzero((forest.depth == depth) & ~forest.trivial)
            for attempt in range(MORE_ROUNDS):
                open_ = nodes[(self._wanted[:, nodes] & ~self.reached[:, nodes]).any(axis=0)]
                if attempt >= ROUNDS:
                    shared = open_[self._owner[forest.feature[open_]] == SEVERAL]
                    open_ = shared if len(shared) <= FEW_SHARED else shared[:0]
                if not len(open_):
                    break
                yield from self._level(open_, attempt)

    def effects(self) -> Iterator[Drafts]:
        """Rows at the nodes whose branches ended in the same answer so far, where they now do not.

        Two leaves often answer alike; a threshold that is wrong shows only in rows for which the leaves on
        its two sides differ. So the tests below the node are satisfied too, those of one leaf after another.
        """
        forest = self._forest
        for attempt in range(EFFECTS):
            both = self.reached[0] & self.reached[1]
            open_ = (both & ~self.shown[0]) | (self.reached[2] & ~self.shown[1])
            plans, before = _Plans(), self.shown.copy()
            for node in np.flatnonzero(open_ & ~forest.trivial).tolist():
                leaf, owner = self._leaf_below(node), int(self._owner[forest.feature[node]])
                if owner >= 0:
                    self._plan_owned(plans, node, self._start(node, attempt % 2), owner, attempt, leaf)
                else:
                    self._plan_again(plans, node, attempt, leaf)
            if not plans.start:
                return
            drafts, target, _ = self._verified(plans.drafts(self._bank, self._known.values), plans)
            yield drafts.take((self.shown & ~before)[:, target].any(axis=0))

    def _leaf_below(self, node: int) -> int:
        """A leaf below a node, another one each time, as far as a few random ways lead to others."""
        tried = self._tried.setdefault(node, set())
        leaf = node
        for _ in range(WAYS):
            leaf = node
            while leaf < self._forest.n_inner:
                leaf = int((self._forest.true if self._rng.random() < 0.5 else self._forest.false)[leaf])
            if leaf not in tried:
                break
        tried.add(leaf)
        return leaf

    def _level(self, nodes: Ints, attempt: int) -> Iterator[Drafts]:
        plans, shared = _Plans(), _Plans()
        for node in nodes.tolist():
            start = self._start(node, attempt)
            owner = int(self._owner[self._forest.feature[node]])
            if owner >= 0:
                self._plan_owned(plans, node, start, owner, attempt)
            elif owner == SEVERAL:
                self._plan_shared(shared, node, start, attempt)
        if plans.start:
            yield self._verified(plans.drafts(self._bank, self._known.values), plans)[0]
        if shared.start:
            yield from self._close_in(shared)

    def _start(self, node: int, attempt: int) -> int:
        """A row that came to the node, or to one above it; any row if it is a root."""
        if attempt:
            return int(self._rng.integers(len(self._bank)))
        while self._witness[node] < 0 and self._forest.parent[node] >= 0:
            node = int(self._forest.parent[node])
        return max(0, int(self._witness[node]))

    def _allowed(self, node: int, column: int) -> Bools:
        """Which values of a column satisfy all tests above the node that it alone decides."""
        matrix = self._known.matrices[column][self._forest.tensor]
        above, side = self._path(node)
        own = np.flatnonzero(self._owner[self._forest.feature[above]] == column)
        allowed = np.ones(len(matrix), np.bool_)
        for i in own:
            test = above[i]
            allowed &= self._outcomes(test, matrix) == side[i]
        return allowed

    def _path(self, node: int) -> tuple[Ints, Bools]:
        if node not in self._paths:
            self._paths[node] = self._forest.path(node)
        return self._paths[node]

    def _outcomes(self, node: int, matrix: Array) -> Bools:
        nodes = np.full(len(matrix), node, np.int64)
        return self._forest.outcome(nodes, matrix[:, self._forest.feature[node]])

    def _cells(self, node: int, start: int, attempt: int, leave: int = -1) -> dict[int, int] | None:
        """Values for the columns whose own in the starting row do not satisfy the tests above the node.

        None if a column has no value that does. The column ``leave`` is not asked about.
        """
        above, side = self._path(node)
        if not len(above):
            return {}
        features = self._forest.feature[above]
        fits = self._forest.outcome(above, self._rows[start, features]) == side
        cells: dict[int, int] = {}
        for column in np.unique(self._owner[features[~fits]]).tolist():
            if column < 0 or column == leave:
                continue
            allowed = np.flatnonzero(self._allowed(node, column))
            if not len(allowed):
                return None
            allowed = _preferred(allowed, allowed < self._known.present[column])
            # Next to the threshold of another test the row might not be decided there.
            allowed = _preferred(allowed, self._known.plain[column][allowed])
            at = len(allowed) // 2 if not attempt else int(self._rng.integers(len(allowed)))
            cells[column] = int(allowed[at])
        return cells

    def _plan_owned(
        self, plans: _Plans, node: int, start: int, column: int, attempt: int, leaf: int | None = None
    ) -> None:
        """The node's own pair along the column that decides it; the other columns as a leaf below asks."""
        others = None if leaf is None else self._cells(leaf, start, attempt, leave=column)
        if others is None:
            others = self._cells(node, start, attempt, leave=column)
        if others is None:
            return
        for side, value in self._sides(node, column):
            plans.add(start, node, side, others | {column: value})

    def _sides(self, node: int, column: int) -> list[tuple[int, int]]:
        """A side of the node and a value of the column that decides it, for each side that can be reached."""
        if node in self._own:
            return self._own[node]
        present = self._known.present[column]
        matrix = self._known.matrices[column][self._forest.tensor]
        allowed = self._allowed(node, column)
        candidates = np.flatnonzero(allowed[:present])
        outcome = self._outcomes(node, matrix[candidates])
        pair = self._pair(column, candidates, outcome, matrix[candidates, self._forest.feature[node]])
        gone = np.flatnonzero(allowed[present:]) + present
        if len(gone):
            read = matrix[gone[:1], self._forest.feature[node]]
            # An indicator reads a missing value as 1, an imputer as its own: a side like any other.
            side = MISSING if np.isnan(read[0]) else int(self._outcomes(node, matrix[gone[:1]])[0])
            if side not in [taken for taken, _ in pair]:
                pair = [*pair, (side, int(gone[0]))]
        self._own[node] = pair
        return pair

    def _pair(self, column: int, candidates: Ints, outcome: Bools, read: Array) -> list[tuple[int, int]]:
        """The closest two values with different outcomes, each with its side; fewer if there are none."""
        order = self._oracle.origin.order(column)
        if order is None:
            sides = [(1, outcome, np.argmax), (0, ~outcome, np.argmin)]
            return [
                (side, int(candidates[mask][choose(read[mask])]))
                for side, mask, choose in sides
                if mask.any()
            ]
        flips = np.flatnonzero(outcome[1:] != outcome[:-1])
        if not len(flips):
            return [(int(outcome[0]), int(candidates[0]))] if len(candidates) else []
        places = keys(self._known.values[column][candidates], order).astype(np.float64)
        flip = flips[np.argmin(places[flips + 1] - places[flips])]
        pair = [int(flip), int(flip) + 1]
        if order == "double":
            own = self._known.values[column][candidates]
            for side, (at, further) in enumerate(((flip, flip - 1), (flip + 1, flip + 2))):
                inside = 0 <= further < len(candidates) and read[further] == read[at]
                with np.errstate(over="ignore"):
                    if inside and read[at] != np.float32(own[at]):
                        # Computed, then rounded: at the edge of the rounding the last bit decides.
                        pair[side] = int(further)
        return [(int(outcome[i]), int(candidates[i])) for i in pair]

    def _plan_shared(self, plans: _Plans, node: int, start: int, attempt: int) -> None:
        """Values along one of the columns that decide the node's test together."""
        others = self._cells(node, start, attempt)
        if others is None:
            return
        columns = np.flatnonzero(self._moving[:, self._forest.feature[node]])
        ordered = [c for c in columns.tolist() if self._oracle.origin.order(c) is not None]
        columns_ = ordered or columns.tolist()
        first = 3 * attempt % len(columns_)
        for column in (columns_[first:] + columns_[:first])[:3]:
            allowed = np.flatnonzero(self._allowed(node, column)[: self._known.present[column]])
            if len(allowed) > TRIALS:
                allowed = allowed[np.linspace(0, len(allowed) - 1, TRIALS).astype(np.int64)]
            for value in allowed.tolist():
                plans.add(start, node, column, others | {column: value})
            gone = self._known.present[column]
            if gone < len(self._known.values[column]):
                plans.add(start, node, column, others | {column: gone})

    def _plan_again(self, plans: _Plans, node: int, attempt: int, leaf: int) -> None:
        """The rows found at the node, as a leaf below it asks in the columns that its test does not read."""
        moving = self._moving[:, self._forest.feature[node]]
        rows = [(side, int(start)) for side, start in enumerate(self._found[:, node]) if start >= 0]
        others: dict[int, int] = {}
        for _, start in rows:
            # The same cells in all of them, so that nothing else tells them apart.
            others |= self._cells(leaf, start, attempt) or {}
        others = {column: value for column, value in others.items() if not moving[column]}
        for side, start in rows:
            plans.add(start, node, side, others)

    def _close_in(self, plans: _Plans) -> Iterator[Drafts]:
        """The drafts of :meth:`_plan_shared`, then the neighbours between those whose outcomes differ."""
        forest = self._forest
        drafts = plans.drafts(self._bank, self._known.values)
        target, column = np.array(plans.target), np.array(plans.side)
        read = self._oracle.matrix(drafts, [forest.tensor])[forest.tensor]
        values = read[np.arange(len(read)), forest.feature[target]]
        outcome = forest.outcome(target, values)
        arrived = self._arrives(read, target)
        missing = np.flatnonzero(arrived & np.isnan(values))
        if len(missing):
            yield self._kept(
                drafts.take(missing), target[missing], np.full(len(missing), MISSING), read[missing]
            )
        low, high = self._neighbours(target, column, outcome, arrived & ~np.isnan(values))
        ordered = np.array([self._oracle.origin.order(int(c)) is not None for c in column[low]], np.bool_)
        loose = np.concatenate([low[~ordered], high[~ordered]])
        if len(loose):
            yield self._kept(drafts.take(loose), target[loose], outcome[loose].astype(np.int64), read[loose])
        low, high = low[ordered], high[ordered]
        if not len(low):
            return
        tests, moved = target[low], column[low]

        def decide(rows: Drafts, tasks: Ints) -> Bools:
            matrix = self._oracle.matrix(rows, [forest.tensor])[forest.tensor]
            test = tests[tasks]
            return forest.outcome(test, matrix[np.arange(len(matrix)), forest.feature[test]])

        first, second = (self._places(drafts, moved, rows) for rows in (low, high))
        first, second = bisect(self._oracle.origin, drafts.take(low), moved, first, second, decide)
        both = drafts.take(np.repeat(low, 2))
        ends = np.column_stack([first, second]).reshape(-1)
        pairs = place(self._oracle.origin, both, np.repeat(moved, 2), ends)
        read = self._oracle.matrix(pairs, [forest.tensor])[forest.tensor]
        tests = np.repeat(tests, 2)
        side = forest.outcome(tests, read[np.arange(len(read)), forest.feature[tests]]).astype(np.int64)
        fine = self._arrives(read, tests)
        yield self._kept(pairs.take(fine), tests[fine], side[fine], read[fine])

    def _neighbours(self, target: Ints, column: Ints, outcome: Bools, usable: Bools) -> tuple[Ints, Ints]:
        """For each node one pair of drafts, next to each other along a column, with different outcomes."""
        at = np.flatnonzero(usable)
        first, second = at[:-1], at[1:]
        flips = (target[first] == target[second]) & (column[first] == column[second])
        flips &= outcome[first] != outcome[second]
        first, second = first[flips], second[flips]
        _, chosen = np.unique(target[first], return_index=True)
        return first[chosen], second[chosen]

    def _places(self, drafts: Drafts, column: Ints, rows: Ints) -> Ints:
        found = np.zeros(len(rows), np.int64)
        for position in np.unique(column):
            order = self._oracle.origin.order(int(position))
            mine = column == position
            if order is not None:
                found[mine] = keys(drafts.cells[position][rows[mine]], order)
        return found

    def _arrives(self, read: Array, target: Ints) -> Bools:
        """Whether each row comes to its node."""
        arrived = np.zeros(len(read), np.bool_)
        for visit in self._forest.visits(read, self._forest.tree[target]):
            arrived[visit.row[visit.node == target[visit.row]]] = True
        return arrived

    def _verified(self, drafts: Drafts, plans: _Plans) -> tuple[Drafts, Ints, Ints]:
        """Those drafts that came to their node and took the side that they were made for; node and side."""
        forest = self._forest
        target, side = np.array(plans.target), np.array(plans.side)
        read = self._oracle.matrix(drafts, [forest.tensor])[forest.tensor]
        values = read[np.arange(len(read)), forest.feature[target]]
        taken = np.where(np.isnan(values), MISSING, forest.outcome(target, values))
        fine = self._arrives(read, target) & (taken == side)
        drafts, target, side = drafts.take(fine), target[fine], side[fine]
        self.reached[side, target] = True
        self._compare(drafts, target, side)
        return drafts, target, side

    def _compare(self, drafts: Drafts, target: Ints, side: Ints) -> None:
        """Note at which nodes the graph's answers tell the branches apart; a draft a node and side."""
        if not len(drafts):
            return
        answers = self._oracle.answers(drafts)
        at = np.full((3, self._forest.n_inner), -1, np.int64)
        at[side, target] = np.arange(len(target))
        nodes = np.unique(target)
        false, true, gone = at[:, nodes]
        untaken = np.where(self._forest.missing_true[nodes], false, true)
        for kind, first, second in ((0, true, false), (1, gone, untaken)):
            differs = np.zeros(len(nodes), np.bool_)
            for values in answers:
                one, other = values[first], values[second]
                differs |= ((one != other) & ((one == one) | (other == other))).any(axis=1)
            self.shown[kind, nodes] |= differs & (first >= 0) & (second >= 0)

    def _kept(self, drafts: Drafts, target: Ints, side: Ints, read: Array) -> Drafts:
        """Note what the drafts reached, and let the nodes below start from them."""
        self.reached[side, target] = True
        self._compare(drafts, target, side)
        start = len(self._bank)
        self._found[side, target] = start + np.arange(len(target))
        self._bank = joined([self._bank, drafts])
        self._rows = np.concatenate([self._rows, read])
        for branch, child in ((1, self._forest.true), (0, self._forest.false)):
            mine = np.flatnonzero(side == branch)
            below = child[target[mine]]
            new = self._witness[below] < 0
            self._witness[below[new]] = start + mine[new]
        return drafts


def _preferred(candidates: Ints, better: Bools) -> Ints:
    """Those that are better, if there are any."""
    return candidates[better] if better.any() else candidates
