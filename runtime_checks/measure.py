"""Counts the errors of one batch and keeps the worst row; shared by the check and the replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.runtime_checks.compare import Answer, BoolArray, Part, Tolerance, errors
from onnxtwin.runtime_checks.report import MethodReport, Worst, worse
from onnxtwin.runtime_checks.rows import typed


def measure(
    report: MethodReport,
    family: str,
    expected: Answer,
    found: Answer,
    tolerance: Tolerance,
    *,
    mismatched: BoolArray,
    undetermined: BoolArray,
    row: Callable[[int], Any],
    position: Callable[[int], int | None],
) -> None:
    """Add a batch of comparable answers to a method's errors.

    Parameters
    ----------
    mismatched, undetermined : ``[N]``; undetermined rows are left out of the errors.
    row, position : of a row of the batch, what the user would type, and its place in the user's rows.
    """
    tally = report.family(family)
    for e, f in zip(expected, found, strict=True):
        measured = errors(e, f, tolerance)
        tally.measure(measured, undetermined)
        usable = np.nonzero(~undetermined[measured.row])[0]
        wrong = usable[mismatched[measured.row[usable]]]
        usable = wrong if len(wrong) else usable
        if not len(usable):
            continue
        worst = usable[np.argmax(measured.excess[usable])]
        i, cell = int(measured.row[worst]), int(measured.cell[worst])
        rank = (bool(mismatched[i]), float(measured.excess[worst]))
        if report.worst is not None and (report.worst.mismatch, report.worst.excess) > rank:
            # Taking a row apart costs far more than comparing a batch.
            continue
        candidate = Worst(
            row=row(i),
            position=position(i),
            family=family,
            output=_named(e, cell),
            expected=typed(e.matrix[i, cell]),
            found=typed(f.matrix[i, cell]),
            ulps=float(measured.ulps[worst]),
            absolute=float(measured.absolute[worst]),
            relative=float(measured.relative[worst]),
            excess=float(measured.excess[worst]),
            mismatch=bool(mismatched[i]),
        )
        report.worst = worse(report.worst, candidate)


def _named(part: Part, cell: int) -> str:
    return part.name if part.values.ndim == 1 else f"{part.name}[:, {cell}]"
