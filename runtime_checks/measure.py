"""Counts the errors of one batch and keeps the worst row; shared by the check and the replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.runtime_checks.cases import SAMPLE
from onnxtwin.runtime_checks.compare import Answer, BoolArray, Part, Tolerance, errors
from onnxtwin.runtime_checks.report import MethodReport
from onnxtwin.runtime_checks.rows import typed
from onnxtwin.runtime_checks.spread import OUTPUTS, Spread
from onnxtwin.runtime_checks.tally import Worst, worse


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
        tally.measure(measured, mismatched, undetermined)
        if e.name in report.spreads or len(report.spreads) < OUTPUTS:
            spread = report.spreads.setdefault(e.name, Spread(e.name))
            spread.add(e, f, measured, own=family == SAMPLE, mismatched=mismatched, keep=~undetermined)
        usable = np.nonzero(~undetermined[measured.row])[0]
        wrong = usable[mismatched[measured.row[usable]]]
        usable = wrong if len(wrong) else usable
        if not len(usable):
            continue
        worst = usable[np.argmax(measured.excess[usable])]
        i, cell = int(measured.row[worst]), int(measured.cell[worst])
        rank = (bool(mismatched[i]), float(measured.excess[worst]))
        if tally.worst is not None and (tally.worst.mismatch, tally.worst.excess) > rank:
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
        tally.worst = worse(tally.worst, candidate)


def _named(part: Part, cell: int) -> str:
    return part.name if part.values.ndim == 1 else f"{part.name}[:, {cell}]"
