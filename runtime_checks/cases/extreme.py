"""The ends of what a type holds: zeros, subnormals, largest magnitudes, first and last instants."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature, is_missing
from onnxtwin.runtime_checks.cases.calendar import extreme_durations, extreme_instants, extreme_texts
from onnxtwin.runtime_checks.cases.registry import (
    Edit,
    a_column_each,
    admitted,
    base_rows,
    family,
    made,
)
from onnxtwin.runtime_checks.cases.unknown import integer_limits
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, count, edited

_SINGLE, _DOUBLE = np.finfo(np.float32), np.finfo(np.float64)

SINGLE_OVERFLOW = float(2.0**128 - 2.0**103)
"""The smallest double that float32 rounds to infinity: halfway between its largest number and 2**128."""

MODERATE = (
    # Zeros; subnormal and smallest normal numbers of either precision, and what float32 rounds to zero.
    *(0.0, -0.0, 5e-324, -5e-324, float(np.nextafter(_DOUBLE.tiny, 0)), float(_DOUBLE.tiny)),
    *(float(_SINGLE.smallest_subnormal), float(_SINGLE.smallest_subnormal) / 2, float(_SINGLE.tiny)),
    # One, its neighbours, and a neighbour that float32 does not have.
    *(1.0, -1.0, float(np.nextafter(1, 0)), 1 + float(_DOUBLE.eps), 1 + float(_SINGLE.eps) / 2),
    # What float32, double and int64 no longer hold exactly.
    *(2.0**24, 2.0**24 + 1, -(2.0**24) - 1, 2.0**53, -(2.0**53) - 2, 2.0**63, -(2.0**63), 1e15, -1e15),
)
"""Doubles that hardly any pipeline refuses."""

TOGETHER = (0.0, -0.0, 5e-324, 1.0, -1.0, 2.0**24 + 1, 1e15, -1e15)
"""The same in every column of floats: products, ratios and differences of extremes."""

OVERFLOWING = (
    # The largest of float32, what it still rounds to that and no longer, and what only doubles hold.
    *(float(_SINGLE.max), float(np.nextafter(SINGLE_OVERFLOW, 0)), SINGLE_OVERFLOW),
    *(1e39, 1e300, float(_DOUBLE.max), float("inf")),
)
"""Trees refuse these from the third on, because they compare in float32; most pipelines refuse the last."""

FACTORS = (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)
"""Other units: what is small beside 1 in a sum stands out in a ratio of two columns that shrink alike."""

PAIRED = 64
"""Columns that pairs are made of, at most: a matrix may have thousands."""

PAIRS = 128
"""Pairs of columns that are scaled alike while the others stay, at most."""


def extreme_floats(single: bool) -> list[float]:
    """Extremes that a column of doubles holds, or one of float32 values."""
    values = [*MODERATE, *OVERFLOWING, *(-v for v in OVERFLOWING)]
    if single:
        with np.errstate(over="ignore", under="ignore"):
            values = np.array(values, dtype=np.float32).tolist()
    # By sign and value, for -0.0 equals 0.0.
    return list({(v, str(v)): v for v in values}.values())


def extreme_integers(low: int, high: int) -> list[int]:
    """Integers at the limits of the types, where float32 and double cease to hold them, and around zero."""
    powers = [sign * 2**p + d for p in (7, 8, 15, 16, 24, 31, 32, 53) for sign in (1, -1) for d in (-1, 0, 1)]
    values = [0, 1, -1, *powers, high, high - 1, low, low + 1]
    return [v for v in dict.fromkeys(values) if low <= v <= high]


def extreme_values(column: Column, values: pd.Series) -> list[list[Any]]:
    """What the column's type can hold at its ends, in runs that go from the tame to the extreme.

    Parameters
    ----------
    values : the column in the user's rows: tells units, zones, and how dates are written.

    Returns
    -------
    One run a direction (positive and negative, later and earlier); none for a categorical column.
    """
    dtype = values.dtype
    if column.categories is not None:
        return []
    if column.missing == "nat":
        instants = str(dtype).startswith("datetime")
        return _runs(*((extreme_instants(values), 0) if instants else (extreme_durations(values), 0)))
    if column.tensor == "bool" or isinstance(dtype, pd.BooleanDtype):
        return [[True, False]]
    if column.tensor == "string":
        return [extreme_texts(values)]
    limits = integer_limits(values, column)
    if limits is not None:
        return _runs(extreme_integers(*limits), 0)
    if column.tensor.startswith("float"):
        return _runs(extreme_floats(single=column.tensor == "float32"), 0)
    return []


def _runs(values: Sequence[Any], middle: Any) -> list[list[Any]]:
    """The values from the middle outwards, either way."""

    def place(value: Any) -> Any:
        # Ticks, because pandas cannot compare all instants of a coarse unit with others.
        return int(value.asm8.view(np.int64)) if isinstance(value, pd.Timestamp | pd.Timedelta) else value

    ordered = sorted(values, key=place)
    return [
        [v for v in ordered if place(v) >= middle],
        [v for v in reversed(ordered) if place(v) < middle],
    ]


@family("extreme")
def extreme(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Each column at the ends of its type by itself; all columns of floats at once; some in other units."""
    base = base_rows(X, 5, rng)
    answered: dict[Any, list[Edit]] = {}
    refused: dict[Any, list[Edit]] = {}
    for column in signature.columns:
        runs = extreme_values(column, column_values(X, column.label))
        kept, beyond = _split(reference, base, column, [run for run in runs if run])
        answered[column.label] = [{column.label: value} for value in kept]
        refused[column.label] = [{column.label: value} for value in beyond]
    yield from a_column_each(base, answered)
    yield from a_column_each(base, refused)
    floats = [
        c.label
        for c in signature.columns
        if c.dtype.lower().startswith("float") and len(answered[c.label]) > 2
    ]
    if len(floats) > 1:
        yield from made(base, [dict.fromkeys(floats, value) for value in TOGETHER])
        yield from _scaled(base, floats, rng)


def _scaled(base: Rows, labels: Sequence[Any], rng: np.random.Generator) -> Iterator[Rows]:
    """All the columns, and two of them at a time, multiplied by the same number."""
    some = labels if len(labels) <= PAIRED else [labels[i] for i in rng.permutation(len(labels))[:PAIRED]]
    pairs = list(combinations(some, 2))
    groups = [labels, *(pairs[i] for i in rng.permutation(len(pairs))[:PAIRS])]
    values = {label: column_values(base, label) for label in labels}
    for factor in FACTORS:
        edits: list[Edit] = []
        for i, group in enumerate(groups):
            cells = {label: values[label].iloc[i % count(base)] for label in group}
            edits.append({label: v if is_missing(v) else v * factor for label, v in cells.items()})
        yield from made(base, edits)


def _split(
    reference: Reference, base: Rows, column: Column, runs: Sequence[Sequence[Any]]
) -> tuple[list[Any], list[Any]]:
    """The values that the pipeline answers, and of those that it refuses the first and the last of a run."""

    def answers(values: Sequence[Any]) -> bool:
        return reference.accepts(edited(base, [{column.label: value} for value in values]))

    everything = [value for run in runs for value in run]
    if not everything or answers(everything):
        return everything, []
    if column.tensor == "string":
        # Texts have no order along which a pipeline would cease to answer them.
        return admitted(reference, base, column.label, everything), []
    kept: list[Any] = []
    refused: list[Any] = []
    for run in runs:
        first = bisect_left(range(len(run)), True, key=lambda i: not answers(run[: i + 1]))
        kept += run[:first]
        refused += list(dict.fromkeys([*run[first : first + 1], *run[first:][-1:]]))
    return kept, refused
