"""The simplest row that still fails: one that failed, shrunk by hypothesis cell by cell.

Each cell of the row is either as it was or simpler: the sample's most frequent value, zero, a number of few
digits, a part of a text. Hypothesis looks for rows that still fail with as many simple cells as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import Phase, Verbosity, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from onnxtwin.exporters.signature import Signature, is_missing
from onnxtwin.runtime_checks.cases.cells import tame
from onnxtwin.runtime_checks.cases.choices import below
from onnxtwin.runtime_checks.compare import Tolerance, failing, layout_differs
from onnxtwin.runtime_checks.reference import Candidate, Reference
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

CALLS = 400
"""Calls of the pipeline with one row, at most."""

COLUMNS = 1000
"""Columns that are shrunk, at most: hypothesis gives up on examples of more than 8,192 bits."""


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

    def differs(row: Rows) -> _Cell | None:
        return _difference(reference, candidate, tolerance, row)

    for position in range(count(wrong)):
        row = take(wrong, [position])
        cell = differs(row)
        if cell is not None:
            break
    else:
        return None
    labels = [column.label for column in signature.columns][:COLUMNS]
    plain = {column.label: tame(column, column_values(X, column.label)) for column in signature.columns}
    simplest = _shrunk(
        row, labels, [simpler(column_values(row, a).iloc[0], plain[a]) for a in labels], differs
    )
    smaller = differs(simplest)
    if smaller is not None and not _undetermined(reference, candidate, tolerance, smaller.method, simplest):
        row, cell = simplest, smaller
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


def _shrunk(
    row: Rows,
    labels: Sequence[Any],
    options: Sequence[Sequence[Any]],
    differs: Callable[[Rows], _Cell | None],
) -> Rows:
    """The row with as many cells as possible replaced by their first options."""
    known: dict[tuple[int, ...], bool] = {}

    def made(choice: tuple[int, ...]) -> Rows:
        chosen = zip(labels, options, choice, strict=True)
        return edited(row, [{label: of[i] for label, of, i in chosen if i < len(of) - 1}])

    def fails(choice: tuple[int, ...]) -> bool:
        # Hypothesis asks again about what it found, and must get the same answer.
        if choice not in known:
            known[choice] = len(known) < CALLS and differs(made(choice)) is not None
        return known[choice]

    cells = [_option(len(of)) for of in options]
    quiet = settings(
        max_examples=CALLS // 2,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
    )
    try:
        choice = find(st.tuples(*cells), fails, settings=quiet, random=Random(0))
    except NoSuchExample:
        choice = tuple(len(of) - 1 for of in options)
    # What differs by several bits from what fails is not reached by dropping one after the other.
    for cell, chosen in enumerate(choice):
        tried = ((*choice[:cell], option, *choice[cell + 1 :]) for option in range(chosen))
        choice = next((other for other in tried if fails(other)), choice)
    return made(choice)


def _option(n: int) -> st.SearchStrategy[int]:
    """An index below ``n``, mostly the last, always in as many bits: only so can any be shrunk to any."""
    if n == 1:
        return st.just(0)
    return below(4 << (n - 1).bit_length()).map(lambda drawn: min(drawn, n - 1))


def _difference(reference: Reference, candidate: Candidate, tolerance: Tolerance, row: Rows) -> _Cell | None:
    expected, found = reference.ask(row), candidate.ask(row)
    if not (expected.accepted.all() and found.accepted.all()):
        return None
    for method, answer in expected.methods.items():
        if layout_differs(answer, found.methods[method]) is not None:
            continue
        for e, f in zip(answer, found.methods[method], strict=True):
            wrong = failing(e, f, tolerance)
            if wrong.any():
                cell = int(np.argmax(wrong[0]))
                name = e.name if e.values.ndim == 1 else f"{e.name}[:, {cell}]"
                return _Cell(method, name, typed(e.matrix[0, cell]), typed(f.matrix[0, cell]))
    return None


def _undetermined(
    reference: Reference, candidate: Candidate, tolerance: Tolerance, method: str, row: Rows
) -> bool:
    sides = (side.ask(row).methods[method] for side in (reference, candidate))
    return bool(Examiner(reference, tolerance).examine(method, row, *sides).undetermined[0])


def _same(a: Any, b: Any) -> bool:
    """Whether two cells are the same, type and sign of zero included; one missing value is like another."""
    if is_missing(a) or is_missing(b):
        return is_missing(a) and is_missing(b)
    return repr(typed(a)) == repr(typed(b))
