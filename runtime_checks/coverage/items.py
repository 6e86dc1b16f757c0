"""The outcomes of a graph's decisions, numbered, and which of them each row took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.coverage.decisions import BINS, BRANCHES, CATEGORIES, Decisions, Lookup, Switch
from onnxtwin.runtime_checks.coverage.forest import Forest
from onnxtwin.runtime_checks.coverage.instrument import Instrument, Tensors

TREES = "tree branches"
MISSING = "missing values at tree nodes"
KINDS = (TREES, MISSING, CATEGORIES, BINS, BRANCHES)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_COMPARED = ("<=", "<", ">=", ">", "==", "!=")


class Items:
    """Every outcome of every decision has a number.

    A *switch* has two at each place, a *look-up* one a key and one for no key, a *tree node* three: true,
    false, and a missing value.

    Attributes
    ----------
    kind : int [n], position in :data:`KINDS`.
    impossible : bool [n], proven from the graph alone.
    """

    def __init__(self, instrument: Instrument, decisions: Decisions | None = None) -> None:
        self._instrument = instrument
        self.decisions = decisions if decisions is not None else instrument.decisions
        widths = instrument.view.widths
        kinds: list[Ints] = []
        impossible: list[Bools] = []
        self._starts: list[tuple[int, Any]] = []
        start = 0

        def add(decision: Any, kind: Ints, never: Bools) -> None:
            nonlocal start
            self._starts.append((start, decision))
            kinds.append(kind)
            impossible.append(never)
            start += len(kind)

        for switch in self.decisions.switches:
            size = 2 * widths[switch.tensor]
            add(switch, np.full(size, KINDS.index(switch.kind)), np.zeros(size, np.bool_))
        for lookup in self.decisions.lookups:
            add(lookup, np.full(len(lookup.impossible), KINDS.index(CATEGORIES)), lookup.impossible)
        for forest in self.decisions.forests:
            branch = np.full(2 * forest.n_inner, KINDS.index(TREES))
            never = forest.impossible(instrument.single(forest.tensor))
            kind = np.concatenate([branch, np.full(forest.n_inner, KINDS.index(MISSING))])
            add(forest, kind, np.concatenate(never))
        self.kind = np.concatenate([np.zeros(0, np.int64), *kinds])
        self.impossible = np.concatenate([np.zeros(0, np.bool_), *impossible])
        self.counted = self._counted()

    def __len__(self) -> int:
        return len(self.kind)

    def _counted(self) -> Bools:
        """Tree nodes between two equal leaves stand for a tree that is one leaf: they decide nothing."""
        counted = np.ones(len(self), np.bool_)
        for start, decision in self._starts:
            if isinstance(decision, Forest):
                counted[start : start + 3 * decision.n_inner] = ~np.tile(decision.trivial, 3)
        return counted

    def of(self, observed: Mapping[str, npt.NDArray[Any]]) -> Iterator[tuple[Ints, Ints]]:
        """Which rows took which outcomes, as pairs of arrays: the row, the item's number."""
        for start, decision in self._starts:
            value = observed[decision.tensor]
            if isinstance(decision, Switch):
                outcomes = decision.outcomes(value)
                row, place = np.nonzero(np.ones_like(outcomes))
                yield row, start + 2 * place + ~outcomes[row, place]
            elif isinstance(decision, Lookup):
                found = decision.found(value)
                yield np.repeat(np.arange(len(found)), found.shape[1]), start + found.reshape(-1)
            else:
                n = decision.n_inner
                for visit in decision.visits(value):
                    yield visit.row, start + visit.node + np.where(visit.true, 0, n)
                    if visit.missing.any():
                        yield visit.row[visit.missing], start + 2 * n + visit.node[visit.missing]

    def mark(self, observed: Mapping[str, npt.NDArray[Any]], seen: Bools) -> None:
        """Set ``seen`` where any row took the outcome."""
        for start, decision in self._starts:
            value = observed[decision.tensor]
            if isinstance(decision, Switch):
                outcomes = decision.outcomes(value)
                stop = start + 2 * outcomes.shape[1]
                seen[start:stop:2] |= outcomes.any(axis=0)
                seen[start + 1 : stop : 2] |= ~outcomes.all(axis=0)
            elif isinstance(decision, Lookup):
                seen[start + np.unique(decision.found(value))] = True
            else:
                n = decision.n_inner
                for visit in decision.visits(value):
                    seen[start + visit.node + np.where(visit.true, 0, n)] = True
                    seen[start + 2 * n + visit.node[visit.missing]] = True

    def missing_columns(self, observed: Tensors) -> list[Bools]:
        """For each forest, which columns of its matrix hold a NaN."""
        return [
            np.asarray(np.isnan(observed[forest.tensor]).any(axis=0), dtype=np.bool_)
            for forest in self.decisions.forests
        ]

    def without_missing(self, seen: list[Bools]) -> Bools:
        """bool [n]: a missing value at tree nodes whose column is nowhere missing (``seen`` a forest)."""
        never = np.zeros(len(self), np.bool_)
        forests = [entry for entry in self._starts if isinstance(entry[1], Forest)]
        for (start, forest), columns in zip(forests, seen, strict=True):
            n = forest.n_inner
            never[start + 2 * n : start + 3 * n] = ~columns[forest.feature]
        return never

    def text(self, item: int) -> str:
        """An outcome in the words of a report."""
        start, decision = next(entry for entry in reversed(self._starts) if entry[0] <= item)
        at = item - start
        if isinstance(decision, Switch):
            return self._of_switch(decision, at // 2, at % 2 == 0)
        if isinstance(decision, Lookup):
            column = self._instrument.describe(decision.tensor, 0)
            known = at < len(decision.keys)
            return f"{column}: {decision.keys[at]!r}" if known else f"{column}: none of the known categories"
        return self._of_tree(decision, at % decision.n_inner, at // decision.n_inner)

    def _of_switch(self, switch: Switch, place: int, outcome: bool) -> str:
        node = self._instrument.view.producer.get(switch.tensor)
        constant = switch.constant
        compared = self._instrument.describe(switch.tensor, place)
        if constant is not None and node is not None and switch.limit is None:
            at = 0 if self._instrument.view.constant(node.input[0]) is None else 1
            compared = self._compared(node.input[at], switch.tensor, place)
        if constant is not None:
            width = self._instrument.view.widths[switch.tensor]
            shown = np.ravel(constant)
            number = shown[place % len(shown)] if len(shown) in (1, width) or not width % len(shown) else "?"
            number = number.item() if isinstance(number, np.generic) else number
            return f"{compared} {switch.test} {number!r}: never {outcome}"
        question = f" {switch.test}" if switch.test else ""
        name = node.name if node is not None else switch.tensor
        return f"{compared}{question}: never {outcome} ({name})"

    def _compared(self, tensor: str, result: str, place: int) -> str:
        """What is compared: its own place, where it has as many as the result, or one for several."""
        widths = self._instrument.view.widths
        own, width = widths.get(tensor, 1), widths[result]
        return self._instrument.describe(tensor, place if own == width else place * own // width)

    def _of_tree(self, forest: Forest, node: int, outcome: int) -> str:
        column = self._instrument.describe(forest.tensor, int(forest.feature[node]))
        test = f"{column} {_COMPARED[forest.mode[node]]} {float(forest.threshold[node])!r}"
        said = ("never True", "never False", "never missing")[outcome]
        return f"{forest.name}, tree {int(forest.tree[node])}, node {node}: {test}: {said}"
