"""The ends of what a type holds: zeros, subnormals, largest magnitudes, first and last instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature, is_missing
from onnxtwin.runtime_checks.cases.calendar import extreme_durations, extreme_instants, extreme_texts
from onnxtwin.runtime_checks.cases.registry import Edit, base_rows, family, made
from onnxtwin.runtime_checks.cases.together import admitted, reach, refused, together
from onnxtwin.runtime_checks.cases.unknown import integer_limits
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, count

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
    alike: dict[Any, dict[Any, list[list[Any]]]] = {}
    texts: dict[Any, list[Edit]] = {}
    for column in signature.columns:
        values = column_values(X, column.label)
        runs = [run for run in extreme_values(column, values) if run]
        if column.tensor == "string":
            # Texts have no order along which a pipeline would cease to answer them.
            texts |= {column.label: [{column.label: v} for run in runs for v in run]} if runs else {}
        elif runs:
            kind = str(values.dtype), column.tensor, tuple(map(len, runs))
            alike.setdefault(kind, {})[column.label] = runs
    answered: set[Any] = set()
    for columns in alike.values():
        yield from _ends(reference, base, columns, answered, rng)
    for rows, labels in together(reference, base, texts):
        if rows is not None:
            yield rows
            continue
        (label,) = labels
        kept = admitted(reference, base, label, [edit[label] for edit in texts[label]])
        yield from made(base, [{label: value} for value in kept])
    floats = [c.label for c in signature.columns if c.dtype.lower().startswith("float")]
    floats = [label for label in floats if label in answered]
    if len(floats) > 1:
        yield from made(base, [dict.fromkeys(floats, value) for value in TOGETHER])
        yield from made(base, _scaled(base, floats, rng))


def _ends(
    reference: Reference,
    base: Rows,
    columns: Mapping[Any, Sequence[Sequence[Any]]],
    answered: set[Any],
    rng: np.random.Generator,
) -> Iterator[Rows]:
    """The values that the pipeline answers, and of those that it refuses the first and the last of a run.

    Where it ceases to answer is found in the first column and expected of the others; where they turn out
    to be other, the same again among them.

    Parameters
    ----------
    columns : the runs of each column, alike in all.
    answered : gets the labels of the columns of which the pipeline answers a value.
    """
    first = next(iter(columns))
    limits = reach(reference, base, first, columns[first])
    inside = {label: _inside(label, runs, limits) for label, runs in columns.items()} if any(limits) else {}
    others: list[Any] = []
    for rows, labels in together(reference, base, inside):
        if rows is None:
            others += labels
            continue
        answered.update(labels)
        yield rows
    left = [label for label in columns if label not in others]
    beyond = [edit for label in left for edit in _beyond(label, columns[label], limits)]
    for rows, accepted in refused(reference, base, beyond, rng):
        yield rows
        others += [label for edit in accepted for label in edit]
    again = {label: runs for label, runs in columns.items() if label in others and label != first}
    if again:
        yield from _ends(reference, base, again, answered, rng)


def _inside(label: Any, runs: Sequence[Sequence[Any]], limits: Sequence[int]) -> list[Edit]:
    return [{label: value} for run, limit in zip(runs, limits, strict=True) for value in run[:limit]]


def _beyond(label: Any, runs: Sequence[Sequence[Any]], limits: Sequence[int]) -> list[Edit]:
    ends = ((run[limit:][:1], run[limit + 1 :][-1:]) for run, limit in zip(runs, limits, strict=True))
    return [{label: value} for pair in ends for part in pair for value in part]


def _scaled(base: Rows, labels: Sequence[Any], rng: np.random.Generator) -> list[Edit]:
    """All the columns, and two of them at a time, multiplied by the same number."""
    some = labels if len(labels) <= PAIRED else [labels[i] for i in rng.permutation(len(labels))[:PAIRED]]
    pairs = list(combinations(some, 2))
    groups = [labels, *(pairs[i] for i in rng.permutation(len(pairs))[:PAIRS])]
    values = {label: column_values(base, label).tolist() for label in labels}
    edits: list[Edit] = []
    for factor in FACTORS:
        for group in groups:
            # Each row of the base is taken in turn.
            cells = {label: values[label][len(edits) % count(base)] for label in group}
            edits.append({label: v if is_missing(v) else v * factor for label, v in cells.items()})
    return edits
