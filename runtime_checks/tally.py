"""Counts and worst errors of one method over one family of cases, or over all of them. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.compare import BoolArray, Errors, FloatArray
from onnxtwin.runtime_checks.rows import plain, source

WITHHELD = "withheld: this artifact carries no real row"
"""Stands for a row in a report that goes into an artifact without real rows."""

BINS = 66
"""Bins of the error distribution: bin ``b`` counts errors in ``(2**(b-1), 2**b]`` ulps, bin 0 errors up to
one; two doubles of opposite sign are nearly ``2**64`` apart. The last bin holds what is no number."""


@dataclass(frozen=True)
class Worst:
    """One row and the cell of it that is furthest off.

    ``row`` is as the user would type it, ``position`` its place in the user's rows (None for
    generated rows), ``output`` the part of the answer; ``ulps``, ``absolute`` and ``relative``
    are infinite where the values are not numbers, ``excess`` is the error in units of the tolerance.
    """

    row: Any
    position: int | None
    family: str
    output: str
    expected: Any
    found: Any
    ulps: float
    absolute: float
    relative: float
    excess: float
    mismatch: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = (
            "row",
            "position",
            "family",
            "output",
            "expected",
            "found",
            "ulps",
            "absolute",
            "relative",
            "mismatch",
        )
        return {name: plain(getattr(self, name)) for name in names} | {"source": source(self.row)}


def worse(current: Worst | None, candidate: Worst | None) -> Worst | None:
    """The row to show: a mismatch first, then by distance in tolerances, then in ulps."""

    def rank(worst: Worst) -> tuple[bool, float, float]:
        return worst.mismatch, worst.excess, worst.ulps

    if current is None or candidate is None:
        return current or candidate
    return candidate if rank(candidate) > rank(current) else current


def _no_errors() -> npt.NDArray[np.int64]:
    return np.zeros(BINS, dtype=np.int64)


@dataclass
class Tally:
    """Counts of one method over one family of cases, or over all of them.

    Attributes
    ----------
    rows : rows that both sides answered and that were compared.
    mismatched : of these, rows that differ and are not undetermined.
    undetermined : rows on which the sides differ, but the pipeline cannot decide itself; of the compared
        rows those with other answers, and rows that one side refuses and the pipeline does or does not
        refuse depending on the rows around.
    refused : rows that the pipeline refuses; not compared.
    answered_outside : of the refused rows, those that the twin answers.
    refused_inside : rows that the pipeline answers and the twin refuses; not compared.
    limited : rows that the pipeline answers and the twin refuses because they are beyond a limit that its
        contract declares; not compared, and not wrong.
    cells, equal_cells : numbers compared (undetermined rows excluded), and those equal to the last bit.
    ulps, absolute, relative : worst errors over the compared rows, undetermined rows excluded.
    errors, wrong_errors : how far the cells that are not equal to the last bit are off, int64
        ``[BINS]``: within rows that are equal, and within mismatched rows.
    worst : the row that is furthest off; None where all is equal to the last bit.
    """

    rows: int = 0
    mismatched: int = 0
    undetermined: int = 0
    refused: int = 0
    answered_outside: int = 0
    refused_inside: int = 0
    limited: int = 0
    cells: int = 0
    equal_cells: int = 0
    ulps: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    errors: npt.NDArray[np.int64] = field(default_factory=_no_errors)
    wrong_errors: npt.NDArray[np.int64] = field(default_factory=_no_errors)
    worst: Worst | None = None

    @property
    def bit_equal(self) -> float | None:
        """Share of the compared values that are equal to the last bit; None if none was compared."""
        return self.equal_cells / self.cells if self.cells else None

    @property
    def wrong(self) -> int:
        """Rows that turn the verdict red."""
        return self.mismatched + self.answered_outside + self.refused_inside

    @property
    def limited_share(self) -> float:
        """Share of the rows that the pipeline answers which a declared limit of the twin refuses."""
        return self.limited / max(1, self.rows + self.refused_inside + self.limited)

    def add(self, other: Tally) -> None:
        """Count the other's rows too."""
        for name in [
            "rows",
            "mismatched",
            "undetermined",
            "refused",
            "answered_outside",
            "refused_inside",
            "limited",
            "cells",
            "equal_cells",
            "errors",
            "wrong_errors",
        ]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("ulps", "absolute", "relative"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.worst = worse(self.worst, other.worst)

    def measure(self, errors: Errors, mismatched: BoolArray, excluded: BoolArray) -> None:
        """Count one part's cells, leaving out the excluded rows (both ``[N]`` bool)."""
        rows = len(excluded)
        width = errors.cells // rows if rows else 0
        keep = ~excluded[errors.row]
        self.cells += width * int((~excluded).sum())
        self.equal_cells += width * int((~excluded).sum()) - int(keep.sum())
        if keep.any():
            self.ulps = max(self.ulps, float(errors.ulps[keep].max()))
            self.absolute = max(self.absolute, float(errors.absolute[keep].max()))
            self.relative = max(self.relative, float(errors.relative[keep].max()))
            bins, wrong = _bins(errors.ulps[keep]), mismatched[errors.row[keep]]
            self.errors = self.errors + np.bincount(bins[~wrong], minlength=BINS)
            self.wrong_errors = self.wrong_errors + np.bincount(bins[wrong], minlength=BINS)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        counts = ["rows", "mismatched", "undetermined", "refused"]
        return {name: getattr(self, name) for name in counts} | {
            "answered_outside_domain": self.answered_outside,
            "refused_inside_domain": self.refused_inside,
            "refused_by_limit": self.limited,
            "refused_by_limit_share": self.limited_share,
            "values": self.cells,
            "bit_equal_values": self.equal_cells,
            "bit_equal": plain(self.bit_equal),
            "worst": {name: plain(getattr(self, name)) for name in ("ulps", "absolute", "relative")},
            "ulps_up_to": _distribution(self.errors + self.wrong_errors),
            "worst_row": self.worst.to_json() if self.worst else None,
        }


def _bins(ulps: FloatArray) -> npt.NDArray[np.int64]:
    """The bin of each error; a sign of zero alone counts as an error up to one ulp."""
    with np.errstate(divide="ignore"):
        bins = np.ceil(np.log2(np.maximum(ulps, 1.0)))
    return np.where(np.isfinite(ulps), np.minimum(bins, BINS - 2), BINS - 1).astype(np.int64)


def _distribution(errors: npt.NDArray[np.int64]) -> dict[str, int]:
    """Upper edge of each bin that is not empty, in ulps, and its count."""
    edges = [f"{2.0**b:.0f}" for b in range(BINS - 1)] + ["Infinity"]
    return {edge: int(n) for edge, n in zip(edges, errors, strict=True) if n}
