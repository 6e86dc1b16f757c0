"""Counts, over the rows of a check, which outcomes of the graph's decisions were reached."""

from __future__ import annotations

import numpy as np

from onnxtwin.exporters.errors import InputError
from onnxtwin.runtime_checks.coverage.instrument import Instrument
from onnxtwin.runtime_checks.coverage.items import KINDS, Items
from onnxtwin.runtime_checks.coverage.summary import LISTED, Coverage, Covered
from onnxtwin.runtime_checks.rows import Rows, count, take

STEPS = 10**7
"""Rows times (trees plus switches) that are counted: some four seconds. Further rows are skipped."""

MOST_OF_SAMPLE = 10_000
"""The user's own rows that a check counts at most, so that counting costs little where rows are many."""

BATCH = 10_000


class Recorder:
    """The coverage of one graph, row by row.

    Parameters
    ----------
    instrument : the graph.
    steps : rows times the decisions a row comes through that are counted at most.
    """

    def __init__(self, instrument: Instrument, steps: int = STEPS) -> None:
        self._instrument = instrument
        self._items = Items(instrument)
        self._seen = np.zeros(len(self._items), np.bool_)
        decisions = instrument.decisions
        self._missing = [np.zeros(instrument.view.widths[f.tensor], np.bool_) for f in decisions.forests]
        each = sum(len(f.roots) for f in decisions.forests) + len(decisions.switches) + 1
        self._left = max(BATCH, steps // each)
        self.rows = 0
        self.skipped = 0

    def add(self, X: Rows, most: int | None = None) -> None:
        """Count rows that the graph answers; rows that it refuses are skipped.

        Parameters
        ----------
        most : of these rows at most so many, the first; the others are skipped.
        """
        allowed = min(count(X), self._left, count(X) if most is None else max(0, most))
        for start in range(0, allowed, BATCH):
            rows = take(X, slice(start, min(start + BATCH, allowed)))
            try:
                self._count(rows)
            except InputError:
                self.skipped += count(rows)
            else:
                self.rows += count(rows)
        self._left -= allowed
        self.skipped += count(X) - allowed

    def _count(self, X: Rows) -> None:
        given = self._instrument.feeds(X)
        names = self._instrument.decisions.tensors
        for part in self._instrument.batches(count(X), names):
            observed = self._instrument.observe({name: v[part] for name, v in given.items()}, names)
            self._items.mark(observed, self._seen)
            for seen, found in zip(self._missing, self._items.missing_columns(observed), strict=True):
                seen |= found

    def coverage(self) -> Coverage:
        """What was reached so far."""
        items = self._items
        # What was seen is possible, whatever was thought to be proven.
        never = (items.impossible | items.without_missing(self._missing)) & ~self._seen
        kinds = []
        for number, kind in enumerate(KINDS):
            own = items.counted & (items.kind == number)
            unreached = np.flatnonzero(own & ~never & ~self._seen)
            total = int((own & ~never).sum())
            if own.any():
                texts = tuple(items.text(int(item)) for item in unreached[:LISTED])
                kinds.append(Covered(kind, total, total - len(unreached), texts, int((own & never).sum())))
        return Coverage(tuple(kinds), self.rows, self.skipped)
