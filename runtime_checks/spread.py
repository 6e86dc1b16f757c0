"""What the pictures of a report show of one output: some of its answers on both sides, and its labels.

Everything is bounded, whatever the number of rows: a seeded sample of pairs, so that equal checks
draw equal pictures, and a table of labels as long as they are few.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.runtime_checks.compare import BoolArray, Errors, FloatArray, Part, method_of
from onnxtwin.runtime_checks.rows import source, typed

PAIRS = 2000
"""Pairs of answers kept per output, of the user's rows and of generated ones each."""

WRONG = 200
"""Pairs that are beyond the tolerance, kept per output: the first ones."""

LABELS = 12
"""Labels up to which a table of the pipeline's against the twin's is kept."""

OUTPUTS = 24
"""Outputs per method of which pairs are kept: the first ones."""


@dataclass
class Sample:
    """A uniform sample of the pairs seen, independent of how they were cut into batches.

    Attributes
    ----------
    pairs : float64 ``[n, 2]``, the pipeline's answer and the twin's; ``n`` is at most :data:`PAIRS`.
    """

    pairs: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    _keys: FloatArray = field(default_factory=lambda: np.empty(0))
    _draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    _choose: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def add(self, expected: npt.NDArray[Any], found: npt.NDArray[Any]) -> None:
        """Offer one cell of each row of two matrices ``[N, cells]``."""
        rows, cells = expected.shape
        keys: FloatArray = self._draw.random((rows,))
        which = (self._choose.random((rows,)) * cells).astype(np.int64)
        bound = float(self._keys.max()) if len(self._keys) == PAIRS else 1.0
        new = np.flatnonzero(keys < bound)
        if not cells or not len(new):
            return
        pairs = np.column_stack([side[new, which[new]].astype(np.float64) for side in (expected, found)])
        keys, pairs = np.concatenate([self._keys, keys[new]]), np.concatenate([self.pairs, pairs])
        if len(keys) > PAIRS:
            kept = np.argpartition(keys, PAIRS)[:PAIRS]
            keys, pairs = keys[kept], pairs[kept]
        self._keys, self.pairs = keys, pairs


@dataclass
class Spread:
    """Answers of one output on both sides.

    Attributes
    ----------
    name : the part of the method's answer.
    own, made : pairs of the user's rows and of generated rows; numbers only.
    wrong : pairs beyond the tolerance, in the order met.
    labels : (the pipeline's label, the twin's) as source text → rows, of the user's rows or, failing
        these, of generated ones; None where the answers are no labels or too many.
    excess : the largest error in units of the tolerance.
    """

    name: str
    own: Sample = field(default_factory=Sample)
    made: Sample = field(default_factory=Sample)
    wrong: list[tuple[float, float]] = field(default_factory=list)
    excess: float = 0.0
    _tables: dict[bool, dict[tuple[str, str], int] | None] = field(
        default_factory=lambda: {True: {}, False: {}}
    )

    @property
    def numeric(self) -> bool:
        """Whether pairs of numbers were kept."""
        return bool(len(self.own.pairs) or len(self.made.pairs) or self.wrong)

    @property
    def labels(self) -> dict[tuple[str, str], int] | None:
        """Counts of labels by the two sides, sorted."""
        table = self._tables[True] if self._tables[True] != {} else self._tables[False]
        return dict(sorted(table.items())) if table else None

    def add(
        self,
        expected: Part,
        found: Part,
        errors: Errors,
        *,
        own: bool,
        mismatched: BoolArray,
        keep: BoolArray,
    ) -> None:
        """Take in one batch; ``keep`` leaves out undetermined rows, ``own`` says whose rows they are."""
        if errors.excess.size:
            self.excess = max(self.excess, float(errors.excess[keep[errors.row]].max(initial=0.0)))
        e, f = expected.matrix, found.matrix
        if e.dtype.kind in "fiu" and f.dtype.kind in "fiub" and not expected.discrete:
            sample = self.own if own else self.made
            sample.add(e[keep], f[keep])
            off = mismatched[errors.row] & (errors.excess > 1)
            for i in np.flatnonzero(off)[: WRONG - len(self.wrong)]:
                place = errors.row[i], errors.cell[i]
                self.wrong.append((float(e[place]), float(f[place])))
        elif method_of(self.name) == "predict" and e.shape[1] == 1:
            labels = e[keep, 0]
            # Labels are looked up once where both sides give the same ones, as a right twin does.
            found_labels = f[keep, 0] if len(errors.row) else labels
            self._tables[own] = _counted(self._tables[own], labels, found_labels)


def _counted(
    table: dict[tuple[str, str], int] | None, expected: npt.NDArray[Any], found: npt.NDArray[Any]
) -> dict[tuple[str, str], int] | None:
    if table is None:
        return None
    codes, left = pd.factorize(expected, use_na_sentinel=False)
    others, right = (codes, left) if found is expected else pd.factorize(found, use_na_sentinel=False)
    counts = np.bincount(codes * max(1, len(right)) + others, minlength=len(left) * len(right))
    counts = counts.reshape(len(left), len(right))
    table = dict(table)
    for i, j in zip(*np.nonzero(counts), strict=True):
        pair = source(typed(left[i])), source(typed(right[j]))
        table[pair] = table.get(pair, 0) + int(counts[i, j])
    return table if len({label for pair in table for label in pair}) <= LABELS else None
