"""Pass, fail or undetermined: is a failing row the twin's fault, or can the pipeline not decide it itself?

A failing row is *undetermined* in one of two cases:

1. Both answers are among those that correct programs may give. A correct program does what the pipeline's
   code does, but may add the terms of a sum in another order and take another library's elementary functions,
   whose last digits differ. The bounds of its answers are computed
   (:mod:`onnxtwin.exporters.analysis.enclosure`) from the pipeline's own arithmetic, traced anew, so that
   nothing the twin does can widen them.
2. The pipeline itself answers the row as the twin does when it comes alone or with other rows.

What stays unexplained is a mismatch. A raw column and everything that IEEE 754 rounds to one result is
certain: there no answer but one is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnxtwin.exporters.errors import is_refusal
from onnxtwin.runtime_checks.compare import Answer, BoolArray, Part, Tolerance, failing, layout_differs
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, take

CHUNK = 8, 4096
"""Rows examined together, first and at most: ever more as long as none of them is a mismatch."""

ENOUGH = 20
"""Mismatches of one method after which further failing rows count as such unexamined: it is red anyhow."""

ROUNDING = "rounding decides: correct programs that add in another order may answer either"
ALONE = "the pipeline answers otherwise in a batch of one"
TOGETHER = "the pipeline answers otherwise in another batch"

_ONE_ULP = Tolerance(rtol=2.0**-52, atol=0.0)
"""Moving the answer itself by an ulp is no sign of indecision, however strict the user's tolerance."""


@dataclass
class Examined:
    """Per examined row, whether it is undetermined, and why."""

    undetermined: BoolArray
    reasons: list[str]


class Examiner:
    """Examines failing rows."""

    def __init__(self, reference: Reference, tolerance: Tolerance, enough: int = ENOUGH) -> None:
        self._reference = reference
        self._tolerance = tolerance
        self._enough = enough
        self._own = tolerance.at_least(_ONE_ULP.rtol)
        self._mismatches: dict[str, int] = {}

    def examine(
        self, method: str, X: Rows, expected: Answer, found: Answer, *, again: bool = True
    ) -> Examined:
        """Decide on rows that fail.

        Parameters
        ----------
        X : the failing rows only.
        expected, found : the pipeline's and the twin's answers to them, as they were in the batch.
        again : whether the pipeline is asked again what its bounds do not explain.
        """
        undetermined = np.zeros(count(X), dtype=np.bool_)
        reasons = [""] * count(X)
        start, size = 0, CHUNK[0]
        while start < count(X) and self._mismatches.get(method, 0) < self._enough:
            index = np.arange(start, min(start + size, count(X)))
            e, f = [p.rows(index) for p in expected], [p.rows(index) for p in found]
            examined = self._chunk(method, take(X, index), e, f, again)
            wrong = int((~examined.undetermined).sum())
            self._mismatches[method] = self._mismatches.get(method, 0) + wrong
            undetermined[index] = examined.undetermined
            reasons[start : start + size] = examined.reasons
            start += size
            size = CHUNK[0] if wrong else min(64 * size, CHUNK[1])
        return Examined(undetermined, reasons)

    def unsettled(self, method: str, X: Rows) -> BoolArray:
        """Rows to which another correct program may answer otherwise, whatever the twin says to them.

        Parameters
        ----------
        X : rows that the pipeline answers.
        """
        bounds = self._reference.enclosures(X, method)
        if bounds is None:
            return np.zeros(count(X), dtype=np.bool_)
        return np.concatenate([part.open(self._own) for part in bounds])

    def _chunk(self, method: str, X: Rows, expected: Answer, found: Answer, again: bool) -> Examined:
        bad = [failing(e, f, self._tolerance) for e, f in zip(expected, found, strict=True)]
        explained = self._enclosed(method, X, expected, found)
        left = [b & ~x for b, x in zip(bad, explained, strict=True)]
        open_ = np.logical_or.reduce([cells.any(axis=1) for cells in left])
        reasons = ["" if row else ROUNDING for row in open_]
        for reason, answer, rows in self._again(method, X, open_ & again):
            self._explain(expected, found, answer, rows, left)
            for row in rows[~np.logical_or.reduce([cells[rows].any(axis=1) for cells in left])]:
                reasons[row] = reasons[row] or reason
        return Examined(~np.logical_or.reduce([cells.any(axis=1) for cells in left]), reasons)

    def _enclosed(self, method: str, X: Rows, expected: Answer, found: Answer) -> list[BoolArray]:
        """Per part the cells in which correct programs may give either answer."""
        none = [np.zeros(p.matrix.shape, dtype=np.bool_) for p in expected]
        bounds = self._reference.enclosures(X, method)
        if bounds is None:
            return none
        held, start = [], 0
        for part in bounds:
            rows = slice(start, start + part.rows)
            start += part.rows
            sides = [part.holds([p.rows(rows) for p in side]) for side in (expected, found)]
            if sides[0] is None or sides[1] is None:
                return none
            held.append(sides[0] & sides[1])
        cells = np.concatenate(held)
        widths = np.cumsum([p.matrix.shape[1] for p in expected])[:-1]
        # Who demands equal bits of a float wants just the pipeline's rounding.
        demanded = [self._tolerance.of(p.name).exact and not p.discrete and _is_float(p) for p in expected]
        parts = np.split(cells, widths, axis=1)
        return [n if exact else p for n, p, exact in zip(none, parts, demanded, strict=True)]

    def _again(self, method: str, X: Rows, open_: BoolArray) -> list[tuple[str, Answer, np.ndarray]]:
        """The pipeline's other answers to rows that nothing else explains: together, and each alone."""
        rows = np.flatnonzero(open_)
        if not len(rows):
            return []
        answers = [(TOGETHER, self._answer(method, take(X, rows)), rows)]
        answers += [(ALONE, self._answer(method, take(X, [row])), np.array([row])) for row in rows[:ENOUGH]]
        return [(reason, answer, at) for reason, answer, at in answers if answer is not None]

    def _explain(
        self, expected: Answer, found: Answer, other: Answer, rows: np.ndarray, left: list[BoolArray]
    ) -> None:
        """Take out of ``left`` the cells in which the pipeline's other answer is the twin's."""
        e, f = [p.rows(rows) for p in expected], [p.rows(rows) for p in found]
        if layout_differs(e, other) is not None:
            return
        for own, theirs, again, cells in zip(e, f, other, left, strict=True):
            cells[rows] &= ~(failing(own, again, self._own) & ~failing(again, theirs, self._tolerance))

    def _answer(self, method: str, X: Rows) -> Answer | None:
        try:
            return self._reference.one(method, X)
        except Exception as error:
            if not is_refusal(error):
                raise
            return None


def _is_float(part: Part) -> bool:
    return part.matrix.dtype.kind == "f"
