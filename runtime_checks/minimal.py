"""The simplest row that still fails: one that failed, whose cells are made simpler as long as it does.

Each cell of the row is either as it was or simpler: the sample's most frequent value, zero, a number of few
digits, a part of a text. Many simpler rows are answered in one call: first with all cells plain, then with
ever smaller groups of them (delta debugging), then with what else is simpler in those that have to stay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.exporters.signature import Signature, is_missing
from onnxtwin.runtime_checks.cases.cells import tame
from onnxtwin.runtime_checks.compare import Tolerance, failing, layout_differs
from onnxtwin.runtime_checks.reference import Answers, Candidate, Reference
from onnxtwin.runtime_checks.report import Minimal
from onnxtwin.runtime_checks.rows import (
    Rows,
    column_values,
    count,
    edited,
    take,
    typed,
    typed_row,
)
from onnxtwin.runtime_checks.verdict import Examiner

ROUNDS = 64
"""Batches of simpler rows that are tried, at most."""

SECONDS = 5.0
"""Processor time after which no further batch is tried: the row so far is simple enough."""

TOGETHER = 64
"""Simpler rows of one batch, at most."""

COLUMNS = 1000
"""Columns that are made simpler, at most."""


@dataclass
class _Cell:
    """Both sides' answer where they differ."""

    method: str
    output: str
    expected: Any
    found: Any


def minimal_row(
    reference: Reference,
    candidate: Candidate,
    tolerance: Tolerance,
    signature: Signature,
    X: Rows,
    wrong: Rows,
) -> Minimal | None:
    """The simplest failing row found, or None if no row fails when it comes alone.

    Parameters
    ----------
    X : rows of the user's, whose values are what a simple cell looks like.
    wrong : rows that failed in their batches.
    """
    judge = _Judge(reference, candidate, tolerance)
    for position in range(count(wrong)):
        row = take(wrong, [position])
        if judge.differs(row)[0]:
            break
    else:
        return None
    labels = [column.label for column in signature.columns][:COLUMNS]
    plain = {column.label: tame(column, column_values(X, column.label)) for column in signature.columns}
    options = [simpler(column_values(row, a).iloc[0], plain[a]) for a in labels]
    simplest = _Shrinking(judge, row, labels, options).simplest()
    cell = judge.difference(simplest)
    if cell is not None:
        row = simplest
    else:  # it fails beside other rows only
        cell = judge.difference(row)
        assert cell is not None
    needed = [
        column.name
        for column in signature.columns
        if not _same(column_values(row, column.label).iloc[0], plain[column.label])
    ]
    return Minimal(typed_row(row, 0), tuple(needed), cell.method, cell.output, cell.expected, cell.found)


def simpler(value: Any, plain: Any) -> list[Any]:
    """What could stand in a cell instead of ``value``, simplest first, ending with the value itself."""
    value = typed(value)
    if _same(value, plain):
        return [value]
    options: list[Any] = [plain]
    if isinstance(value, str):
        options += ["", "a", value[:1], value[: len(value) // 2], value[len(value) // 2 :], value[:100]]
    elif isinstance(value, pd.Timestamp):
        options += [value.floor("D"), value.floor("s")] if abs(value.year - 2000) < 200 else []
    elif isinstance(value, int) and not isinstance(value, bool):
        options += [
            v for v in (0, 1, -1, 10, 100, 10 ** max(0, len(str(abs(value))) - 1)) if abs(v) < abs(value)
        ]
    elif isinstance(value, float) and np.isfinite(value):
        options += [
            0.0,
            1.0,
            -1.0,
            float(np.rint(value)),
            *(float(f"{value:.{d}g}") for d in (1, 2, 3, 6, 9)),
        ]
    return [option for option in options if not _same(option, value)] + [value]


class _Shrinking:
    """A row of which ever more cells are simpler; ``choice`` says which of its options each cell has."""

    def __init__(
        self, judge: _Judge, row: Rows, labels: Sequence[Any], options: Sequence[Sequence[Any]]
    ) -> None:
        self._judge = judge
        self._row = row
        self._labels = labels
        self._options = options
        self._choice = np.array([len(of) - 1 for of in options], dtype=np.int64)
        self._rounds = ROUNDS
        self._end = time.process_time() + SECONDS

    def simplest(self) -> Rows:
        """The row with as many cells as possible plain, and the others as simple as they can be."""
        self._plain()
        for cell in np.flatnonzero(self._choice):
            tried = np.repeat(self._choice[None], self._choice[cell], axis=0)
            tried[:, cell] = np.arange(len(tried))
            self._take(tried)
        return self._made(self._choice[None])

    def _plain(self) -> None:
        """Make plain as many cells as can be, by halves, quarters and so on of those that are not."""
        parts = 1
        while len(held := np.flatnonzero(self._choice)) and parts <= len(held):
            groups = np.array_split(held, parts)[: TOGETHER // 2]
            tried = np.repeat(self._choice[None], 2 * len(groups), axis=0)
            for i, group in enumerate(groups):
                # All but the group first: of what fails, that is simplest.
                tried[i, np.setdiff1d(held, group)] = 0
                tried[len(groups) + i, group] = 0
            if self._take(tried if parts > 1 else tried[1:]):
                parts = min(2, len(np.flatnonzero(self._choice)) or 1)
            elif parts == len(held):
                return
            else:
                parts = min(2 * parts, len(held))

    def _take(self, tried: npt.NDArray[np.int64]) -> bool:
        """The first of the choices that fails becomes the choice; whether one does."""
        if self._rounds <= 0 or time.process_time() > self._end:
            return False
        self._rounds -= 1
        differs = self._judge.differs(self._made(tried))
        if not differs.any():
            return False
        self._choice = tried[np.argmax(differs)]
        return True

    def _made(self, choices: npt.NDArray[np.int64]) -> Rows:
        return edited(
            self._row,
            [
                {
                    label: of[i]
                    for label, of, i in zip(self._labels, self._options, choice, strict=True)
                    if i < len(of) - 1
                }
                for choice in choices.tolist()
            ],
        )


class _Judge:
    """Says which rows the twin answers wrongly."""

    def __init__(self, reference: Reference, candidate: Candidate, tolerance: Tolerance) -> None:
        self._reference = reference
        self._candidate = candidate
        self._tolerance = tolerance

    def differs(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """``[N]``: rows that both sides answer, and that the twin answers wrongly.

        Behind the first of them rows may be named whose answer is undetermined.
        """
        expected, found, both = self._answers(rows)
        answered, differs = np.flatnonzero(both), np.zeros(count(rows), dtype=np.bool_)
        for method, answer in expected.methods.items():
            other = found.methods[method]
            if layout_differs(answer, other) is not None:
                continue
            pairs = zip(answer, other, strict=True)
            bad = np.flatnonzero(
                np.logical_or.reduce([failing(e, f, self._tolerance).any(axis=1) for e, f in pairs])
            )
            if len(bad):
                sides = [[p.rows(bad) for p in side] for side in (answer, other)]
                examiner = Examiner(self._reference, self._tolerance, enough=1)
                examined = examiner.examine(method, take(rows, answered[bad]), *sides, again=False)
                differs[answered[bad]] |= ~examined.undetermined
        return differs

    def difference(self, row: Rows) -> _Cell | None:
        """The first cell in which the answers to one row differ."""
        expected, found, _ = self._answers(row)
        for method, answer in expected.methods.items():
            other = found.methods[method]
            if layout_differs(answer, other) is not None:
                continue
            for e, f in zip(answer, other, strict=True):
                wrong = failing(e, f, self._tolerance)
                if wrong.any():
                    cell = int(np.argmax(wrong[0]))
                    name = e.name if e.values.ndim == 1 else f"{e.name}[:, {cell}]"
                    return _Cell(method, name, typed(e.matrix[0, cell]), typed(f.matrix[0, cell]))
        return None

    def _answers(self, rows: Rows) -> tuple[Answers, Answers, npt.NDArray[np.bool_]]:
        """Both sides' answers to the rows that both answer, and which these are."""
        expected = self._reference.ask(rows)
        both = expected.accepted.copy()
        found = self._candidate.ask(take(rows, both)) if both.any() else Answers(both[:0])
        both[both] = found.accepted
        if not both.any():
            return Answers(both), found, both
        answers = expected.methods.items()
        methods = {name: [p.rows(found.accepted) for p in answer] for name, answer in answers}
        return Answers(both, methods), found, both


def _same(a: Any, b: Any) -> bool:
    """Whether two cells are the same, type and sign of zero included; one missing value is like another."""
    if is_missing(a) or is_missing(b):
        return is_missing(a) and is_missing(b)
    return repr(typed(a)) == repr(typed(b))
