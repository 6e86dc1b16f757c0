"""The ends of what a type holds: zeros, subnormals, largest magnitudes, first and last instants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature
from onnxtwin.runtime_checks.cases.calendar import extreme_durations, extreme_instants, extreme_texts
from onnxtwin.runtime_checks.cases.registry import (
    Edit,
    a_column_each,
    admitted,
    base_rows,
    edited,
    family,
    made,
)
from onnxtwin.runtime_checks.cases.unknown import integer_limits
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, take

_SINGLE, _DOUBLE = np.finfo(np.float32), np.finfo(np.float64)

SINGLE_OVERFLOW = float(2.0**128 - 2.0**103)
"""The smallest double that float32 rounds to infinity: halfway between its largest number and 2**128."""

MODERATE = (
    # Zeros; subnormal and smallest normal numbers of either precision, and what float32 rounds to zero.
    *(0.0, -0.0, 5e-324, -5e-324, float(np.nextafter(_DOUBLE.tiny, 0)), float(_DOUBLE.tiny)),
    *(float(_SINGLE.smallest_subnormal), float(_SINGLE.smallest_subnormal) / 2, float(_SINGLE.tiny)),
    # One, its neighbours, and a neighbour that float32 does not have.
    *(1.0, -1.0, float(np.nextafter(1, 0)), 1 + float(_DOUBLE.eps), 1 + float(_SINGLE.eps) / 2),
    # What float32 and double no longer hold exactly as integers.
    *(2.0**24, 2.0**24 + 1, -(2.0**24) - 1, 2.0**53, -(2.0**53) - 2, 2.0**63, -(2.0**63), 1e15, -1e15),
)
"""Doubles that hardly any pipeline refuses."""

HUGE = (float(_SINGLE.max), float(np.nextafter(SINGLE_OVERFLOW, 0)))
OVERFLOWING = (SINGLE_OVERFLOW, 1e39, 1e300, float(_DOUBLE.max))
"""Doubles that are finite and that trees refuse, because they compare in float32."""


def extreme_floats(single: bool) -> list[float]:
    """Finite extremes that a column of doubles (or of float32 values) can hold and that float32 holds too."""
    values = [*MODERATE, *HUGE, *(-v for v in HUGE)]
    if single:
        with np.errstate(over="ignore", under="ignore"):
            values = [v for v in np.array(values, dtype=np.float32).tolist() if np.isfinite(v)]
    # By sign and value, for -0.0 equals 0.0.
    return list({(v, str(v)): v for v in values}.values())


def extreme_integers(low: int, high: int) -> list[int]:
    """Integers at the limits of the types, where float32 and double cease to hold them, and around zero."""
    powers = [sign * 2**p + d for p in (7, 8, 15, 16, 24, 31, 32, 53) for sign in (1, -1) for d in (-1, 0, 1)]
    values = [0, 1, -1, *powers, high, high - 1, low, low + 1]
    return [v for v in dict.fromkeys(values) if low <= v <= high]


def extreme_values(column: Column, values: pd.Series) -> list[Any]:
    """What the column's type can hold at its ends, all finite; empty where there is no such notion.

    Parameters
    ----------
    values : the column in the user's rows: tells units, zones, and how dates are written.
    """
    dtype = values.dtype
    if column.categories is not None:
        return []
    if column.missing == "nat":
        return extreme_instants(values) if str(dtype).startswith("datetime") else extreme_durations(values)
    if column.tensor == "bool" or isinstance(dtype, pd.BooleanDtype):
        return [True, False]
    if column.tensor == "string":
        return extreme_texts(values)
    limits = integer_limits(values, column)
    if limits is not None:
        return extreme_integers(*limits)
    return extreme_floats(single=column.tensor == "float32") if column.tensor.startswith("float") else []


def _overflowing(reference: Reference, base: Rows, column: Column) -> list[float]:
    """Infinities and what float32 rounds to them; of what the pipeline refuses, a value or two."""

    def accepts(value: float) -> bool:
        return reference.accepts(edited(take(base, [0]), [{column.label: value}]))

    finite = list(OVERFLOWING) if column.tensor == "float64" else []
    if accepts(np.inf):
        return [sign * v for v in (*finite, np.inf) for sign in (1, -1)]
    if finite and accepts(finite[0]):
        return [*(sign * v for v in finite for sign in (1, -1)), np.inf]
    return [*(-v for v in finite[:1]), np.inf]


@family("extreme")
def extreme(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Each column at the ends of its type by itself; then all columns of a kind at once."""
    base = base_rows(X, 5, rng)
    edits: dict[Any, list[Edit]] = {}
    floats: list[Any] = []
    for column in signature.columns:
        values = extreme_values(column, column_values(X, column.label))
        kept = admitted(reference, base, column.label, values)
        if len(kept) == len(values) and values and isinstance(values[0], float):
            floats.append(column.label)
            kept += _overflowing(reference, base, column)
        if kept:
            edits[column.label] = [{column.label: value} for value in kept]
    yield from a_column_each(base, edits)
    if len(floats) > 1:
        yield from made(base, _together(floats))


def _together(labels: Sequence[Any]) -> list[Edit]:
    """The same moderate extreme in every column of floats: products and ratios of extremes."""
    return [
        dict.fromkeys(labels, value) for value in (0.0, -0.0, 5e-324, 1.0, -1.0, 2.0**24 + 1, 1e15, -1e15)
    ]
