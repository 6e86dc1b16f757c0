"""Pass, fail or undetermined: is a failing row the twin's fault, or can the pipeline not decide it itself?

A failing row is *undetermined* only if the pipeline's own answer to it moves as far as the twin's
does, (1) when the row is answered alone, or with other rows, instead of in its batch, or (2) when
one step's output is changed by one ulp: all numbers up or down, one column, in random directions,
or each in the direction that moves the row's decision furthest. A label is explained only
by a label that the pipeline gave in one of these runs. A float is explained by such a run that
agrees with the twin, or by a distance no greater than the sum of the distances that the single
changes caused. What stays unexplained is a mismatch.

Not changed are raw columns, integers, and values that a step passed through, because nothing was
computed there on which two correct programs may differ; nor the decision that the last step takes
on its own scores, because a tie is part of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.exporters.errors import is_refusal
from onnxtwin.runtime_checks.compare import Answer, BoolArray, Part, Tolerance, failing, join, layout_differs
from onnxtwin.runtime_checks.hooks import Hook, Skeleton
from onnxtwin.runtime_checks.nudge import (
    PROBE,
    Change,
    changes,
    column,
    everywhere,
    given,
    loose_changes,
    stacked,
)
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, take

CHUNK = 8, 4096
"""Rows examined together, first and at most: ever more as long as none of them is a mismatch."""

ENOUGH = 20
"""Mismatches of one method after which further failing rows count as such unexamined: it is red anyhow."""

STACKED = 8192
"""Rows of one call in which several changes are tried at once: a call costs more than its rows."""

MANY_COLUMNS = 512
"""Up to so many columns of a step's output are probed for their influence on a decision."""

_ONE_ULP = Tolerance(rtol=2.0**-52, atol=0.0)
"""Moving the answer itself by an ulp is no sign of indecision, however strict the user's tolerance."""


@dataclass
class Examined:
    """Per examined row, whether it is undetermined, and why."""

    undetermined: BoolArray
    reasons: list[str]


class Examiner:
    """Examines failing rows; copies the pipeline's skeleton once, when the first row fails."""

    def __init__(self, reference: Reference, tolerance: Tolerance, enough: int = ENOUGH) -> None:
        self._reference = reference
        self._tolerance = tolerance
        self._enough = enough
        self._own = tolerance.at_least(_ONE_ULP.rtol)
        self._skeleton: Skeleton | None = None
        self._mismatches: dict[str, int] = {}

    def examine(self, method: str, X: Rows, expected: Answer, found: Answer) -> Examined:
        """Decide on rows that fail.

        Parameters
        ----------
        X : the failing rows only.
        expected, found : the pipeline's and the twin's answers to them, as they were in the batch.
        """
        undetermined = np.zeros(count(X), dtype=np.bool_)
        reasons = [""] * count(X)
        start, size = 0, CHUNK[0]
        while start < count(X) and self._mismatches.get(method, 0) < self._enough:
            index = np.arange(start, min(start + size, count(X)))
            e, f = [p.rows(index) for p in expected], [p.rows(index) for p in found]
            examined = self._chunk(method, take(X, index), e, f)
            wrong = int((~examined.undetermined).sum())
            self._mismatches[method] = self._mismatches.get(method, 0) + wrong
            undetermined[index] = examined.undetermined
            reasons[start : start + size] = examined.reasons
            start += size
            size = CHUNK[0] if wrong else min(64 * size, CHUNK[1])
        return Examined(undetermined, reasons)

    def unsettled(self, method: str, X: Rows) -> BoolArray:
        """Rows on which another correct program may answer otherwise, whatever the twin says to them.

        Less is tried than for a row that fails: all numbers of a step up or down by one ulp, or each in
        the direction that moves the decision furthest. That finds rows on the edge of a decision.

        Parameters
        ----------
        X : rows that the pipeline answers.
        """
        expected = self._answer(self._reference, method, X)
        moved = np.zeros(count(X), dtype=np.bool_)
        if expected is None:
            return moved
        if self._skeleton is None:
            self._skeleton = Skeleton.of(self._reference.pipeline)
        skeleton = self._skeleton.pipeline
        for hook in self._skeleton.hooks:
            plain = self._nudged(skeleton, hook, method, X, [everywhere(1), everywhere(-1)])
            directed = self._nudged(skeleton, hook, method, X, self._furthest(skeleton, hook, method, X))
            for _, answer in chain(plain, directed):  # one after the other: the first learns the width
                if layout_differs(expected, answer) is None:
                    for e, other in zip(expected, answer, strict=True):
                        moved |= failing(e, other, self._own).any(axis=1)
        return moved

    def _chunk(self, method: str, X: Rows, expected: Answer, found: Answer) -> Examined:
        cases = [_Cells.of(e, f, self._tolerance) for e, f in zip(expected, found, strict=True)]
        reasons = [""] * count(X)
        undetermined = np.zeros(count(X), dtype=np.bool_)

        def weigh(reason: str, answer: Answer) -> bool:
            """Take in one other answer of the pipeline; whether every row is explained now."""
            nonlocal undetermined
            if layout_differs(expected, answer) is None:
                for e, f, other, cells in zip(expected, found, answer, cases, strict=True):
                    moved = failing(e, other, self._own) & cells.failing
                    cells.explain(e, f, other, moved, self._tolerance)
                    for row in np.nonzero(moved.any(axis=1))[0]:
                        reasons[row] = reasons[row] or reason
                undetermined = np.logical_and.reduce([cells.all_explained() for cells in cases])
            return bool(undetermined.all())

        for reason, answer in self._alternatives(method, X):
            if weigh(reason, answer):
                return Examined(undetermined, reasons)
        # Last, because it takes a call a row: only those that nothing else explains are answered alone.
        alone = [
            self._answer(self._reference, method, take(X, [i]))
            if not undetermined[i]
            else [p.rows([i]) for p in expected]
            for i in range(count(X))
        ]
        if all(answer is not None for answer in alone):
            answer = join([a for a in alone if a is not None])
            weigh("the pipeline answers otherwise in a batch of one", answer)
        if count(X) > 1:
            # Where a matrix product sums in another order than for the row alone, another ulp tips it.
            for i in np.flatnonzero(~undetermined):
                sides = [[p.rows([i]) for p in side] for side in (expected, found)]
                single = self._chunk(method, take(X, [i]), *sides)
                undetermined[i], reasons[i] = single.undetermined[0], reasons[i] or single.reasons[0]
                if not undetermined[i]:
                    break  # it is red anyhow; the others count as mismatches unexamined
        return Examined(undetermined, reasons)

    def _alternatives(self, method: str, X: Rows) -> Iterator[tuple[str, Answer]]:
        """The pipeline's other answers to the same rows, each with what makes it legitimate."""
        together = self._answer(self._reference, method, X)
        if together is not None:
            yield "the pipeline answers otherwise in another batch", together
        if self._skeleton is None:
            self._skeleton = Skeleton.of(self._reference.pipeline)
        skeleton, live = self._skeleton.pipeline, []
        # What explains most comes first: each change costs a call for all rows together.
        for hook in self._skeleton.hooks:
            nudged = list(self._nudged(skeleton, hook, method, X, [everywhere(1), everywhere(-1)]))
            live += [hook] if nudged else []
            yield from nudged
        for hook in live:
            if hook.loose:
                yield from self._nudged(skeleton, hook, method, X, loose_changes(1))
        for hook in live:
            others = islice(changes(hook.width), 2, None)
            directed = self._furthest(skeleton, hook, method, X)
            yield from self._nudged(skeleton, hook, method, X, chain(directed, others))
        for hook in live:
            if hook.loose:
                yield from self._nudged(skeleton, hook, method, X, islice(loose_changes(hook.width), 2, None))

    def _nudged(
        self, skeleton: Any, hook: Hook, method: str, X: Rows, tried: Iterable[Change]
    ) -> Iterator[tuple[str, Answer]]:
        """The answers of the skeleton under these changes of one hook, where there is anything to change."""
        for change, answer in self._changed(Reference(skeleton, [method], None), method, hook, X, tried):
            yield f"the pipeline answers otherwise when {hook.path}.{hook.method} is {change.text}", answer

    def _changed(
        self, reference: Reference, method: str, hook: Hook, X: Rows, tried: Iterable[Change]
    ) -> Iterator[tuple[Change, Answer]]:
        """The answers under changes of one hook; the rows of several changes are answered in one call."""
        waiting, most = iter(tried), max(1, STACKED // max(1, count(X)))
        while group := list(islice(waiting, most)):
            answers = self._stacked(reference, method, hook, X, group) if len(group) > 1 else None
            if answers is not None:
                yield from zip(group, answers, strict=True)
                continue
            for change in group:
                answer, changed = hook.run(change, lambda: self._answer(reference, method, X))
                if answer is not None and changed:
                    yield change, answer

    def _stacked(
        self, reference: Reference, method: str, hook: Hook, X: Rows, group: list[Change]
    ) -> list[Answer] | None:
        """An answer a change, from one call on as many copies of the rows; None if that changes nothing."""
        rows, copies = count(X), len(group)
        repeated = take(X, np.tile(np.arange(rows), copies))
        together = stacked(group, rows)
        if together is None:
            return None
        answer, changed = hook.run(together, lambda: self._answer(reference, method, repeated))
        if answer is None or not changed or any(len(part.values) != rows * copies for part in answer):
            return None
        slices = [slice(i * rows, (i + 1) * rows) for i in range(copies)]
        return [[part.rows(each) for part in answer] for each in slices]

    def _furthest(self, skeleton: Any, hook: Hook, method: str, X: Rows) -> Iterator[Change]:
        """The directions that move each row's decision furthest, by the pipeline's own scores."""
        scores = next((m for m in ("decision_function", "predict_proba") if hasattr(skeleton, m)), None)
        if method != "predict" or scores is None or not 1 < hook.width <= MANY_COLUMNS:
            return
        scored = Reference(skeleton, [scores], None)

        start = self._answer(scored, scores, X)
        if start is None or len(start) != 1:
            return
        ranks = np.argsort(start[0].matrix, axis=1)
        base = _margin(start[0].matrix, ranks)
        directions = np.zeros((count(X), hook.width), dtype=np.int8)
        probes = [column(position, 1, PROBE) for position in range(hook.width)]
        for probe, answer in self._changed(scored, scores, hook, X, probes):
            directions[:, probes.index(probe)] = np.sign(_margin(answer[0].matrix, ranks) - base)
        for sign in (1, -1):
            yield given(directions, sign)

    def _answer(self, reference: Reference, method: str, X: Rows) -> Answer | None:
        try:
            return reference.one(method, X)
        except Exception as error:
            if not is_refusal(error):
                raise
            return None


def _margin(scores: npt.NDArray[Any], ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """What decides: the score itself, or the distance between the two best of several, ``[N]``."""
    if scores.shape[1] == 1:
        return np.asarray(scores[:, 0], dtype=np.float64)
    best, second = (np.take_along_axis(scores, ranks[:, [i]], axis=1)[:, 0] for i in (-1, -2))
    return np.asarray(best - second, dtype=np.float64)


@dataclass
class _Cells:
    """The failing cells of one part, and what has been explained of them so far."""

    failing: BoolArray
    explained: BoolArray
    distance: npt.NDArray[np.float64] | None
    reach: npt.NDArray[np.float64]
    limit: npt.NDArray[np.float64]

    @classmethod
    def of(cls, expected: Part, found: Part, tolerance: Tolerance) -> _Cells:
        bad = failing(expected, found, tolerance)
        e, f = expected.matrix, found.matrix
        distance, limit = None, np.zeros(bad.shape)
        if e.dtype.kind == "f" and f.dtype.kind == "f" and not expected.discrete:
            with np.errstate(invalid="ignore"):
                distance = np.abs(f.astype(np.float64) - e.astype(np.float64))
            limit = tolerance.of(expected.name).limit(e)
        return cls(bad, np.zeros_like(bad), distance, np.zeros(bad.shape), limit)

    def explain(self, e: Part, f: Part, other: Part, moved: BoolArray, tolerance: Tolerance) -> None:
        """Take in one other answer of the pipeline; ``moved`` are the failing cells that it changed."""
        if not moved.any():
            return
        self.explained |= moved & ~failing(other, f, tolerance)
        if self.distance is not None:
            with np.errstate(invalid="ignore"):
                step = np.abs(other.matrix.astype(np.float64) - e.matrix.astype(np.float64))
            self.reach += np.where(moved & np.isfinite(step), step, 0.0)

    def all_explained(self) -> BoolArray:
        explained = self.explained
        if self.distance is not None:
            with np.errstate(invalid="ignore"):
                explained = explained | ((self.reach > 0) & (self.distance <= self.limit + self.reach))
        return np.asarray((~self.failing | explained).all(axis=1))
