"""How the cells of one raw column are drawn, by its type and the sample's values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, is_missing
from onnxtwin.runtime_checks.cases.extreme import MODERATE, extreme_values
from onnxtwin.runtime_checks.cases.missing import missing_value
from onnxtwin.runtime_checks.cases.unknown import integer_limits, unseen_values

Draw = Callable[[np.random.Generator], Any]
"""Draws a cell."""

KNOWN = 64
"""Values of the sample that a column is drawn from, the most frequent first."""

STEPS = 2**12
"""Values between the least and the greatest of the sample that a column of numbers can take."""


def cells(column: Column, values: pd.Series, missing_token: str) -> Draw:
    """Cells of the column: the sample's, such as differ from them a little, and hostile ones.

    Parameters
    ----------
    values : the column in the user's rows.
    missing_token : the text that stands for a missing one on the way to the graph, which is never drawn.
    """
    known = [v for v in _known(column, values) if v != missing_token]
    ways = [_among(known)] if known else []
    if column.values is None:
        hostile = [v for v in _hostile(column, values) if v != missing_token]
        ways += _changed(column, values, known) if known else []
        ways += [_among(hostile)] if hostile else []
    if column.missing != "none" and column.missing_allowed or not ways:
        ways.append(lambda rng: missing_value(column))
    return lambda rng: ways[rng.integers(len(ways))](rng)


def _among(values: Sequence[Any]) -> Draw:
    return lambda rng: values[int(rng.integers(len(values)))]


def tame(column: Column, values: pd.Series) -> Any:
    """The column's plainest value: the most frequent of the user's, or a missing one if there is no other."""
    known = _known(column, values)
    return known[0] if known else missing_value(column)


def _known(column: Column, values: pd.Series) -> list[Any]:
    """What the pipeline is known to answer, the most frequent first."""
    if column.values is not None:
        return [v for v in column.values if not is_missing(v)]
    return [v.item() if isinstance(v, np.generic) else v for v in _frequent(values)]


def _frequent(values: pd.Series) -> list[Any]:
    """Distinct values, the most frequent first; of equally frequent ones in the order of the rows."""
    present = values[[not is_missing(v) for v in values]]
    if isinstance(present.dtype, pd.CategoricalDtype):
        present = present.astype(object)
    counts = present.value_counts(sort=False)
    return [counts.index[i] for i in np.argsort(-counts.to_numpy(), kind="stable")[:KNOWN]]


def _hostile(column: Column, values: pd.Series) -> list[Any]:
    unseen = unseen_values(values, column)
    if column.tensor == "string":
        return [v for v in unseen if not isinstance(v, str) or len(v) <= 100]
    if column.tensor.startswith("float") and column.dtype != "boolean" and not unseen:
        return list(MODERATE) if column.tensor == "float64" else [float(np.float32(v)) for v in MODERATE]
    return [*unseen, *(v for run in extreme_values(column, values) for v in run[:20])]


def _changed(column: Column, values: pd.Series, known: Sequence[Any]) -> list[Draw]:
    """Ways to values that differ from the sample's."""
    if column.categories is not None or column.tensor == "bool" or isinstance(known[0], bool):
        return []
    if isinstance(known[0], str):
        return [_edited(known)]
    if column.missing == "nat":
        return _instants(known)
    if all(isinstance(v, int) for v in known):
        limits = integer_limits(values, column)
        return [] if limits is None else _integers(known, *limits)
    finite = [float(v) for v in known if isinstance(v, int | float) and np.isfinite(v)]
    return _floats(finite, column.tensor == "float32") if finite else []


def _floats(known: Sequence[float], single: bool) -> list[Draw]:
    low, high = min(known), max(known)
    near: list[Callable[[float], Any]] = [
        lambda v: np.nextafter(v, np.inf),
        lambda v: np.nextafter(v, -np.inf),
        np.rint,
        lambda v: v / 2,
        lambda v: v * 10,
        lambda v: -v,
    ]

    def anything(rng: np.random.Generator) -> float:
        # Any finite float32: whatever the magnitude, a pipeline that compares in float32 answers it.
        value = float(np.uint32(rng.integers(2**32)).view(np.float32))
        return value if np.isfinite(value) else 0.0

    def plain(way: Draw) -> Draw:
        return lambda rng: float(np.float32(way(rng)) if single else way(rng))

    ways: list[Draw] = [
        lambda rng: low + (high - low) * (rng.integers(STEPS) / (STEPS - 1)),
        lambda rng: near[rng.integers(len(near))](_among(known)(rng)),
        anything,
    ]
    return [plain(way) for way in ways]


def _integers(known: Sequence[int], low: int, high: int) -> list[Draw]:
    least, span = min(known), max(known) - min(known)
    changes = [1, -1, 100, -100, 65536]

    def within(value: int) -> int:
        return max(low, min(high, value))

    return [
        lambda rng: least + span * int(rng.integers(STEPS)) // (STEPS - 1),
        lambda rng: within(_among(known)(rng) + _among(changes)(rng)),
        lambda rng: within(-_among(known)(rng)),
    ]


def _instants(known: Sequence[Any]) -> list[Draw]:
    """Instants (or durations) between the sample's, and the sample's moved by a second to a year."""
    low, high = min(known), max(known)
    moves = [pd.Timedelta(1, unit) for unit in ("s", "h", "D")] + [pd.Timedelta(365, "D")]
    moves += [-move for move in moves]
    return [
        lambda rng: (low + (high - low) * (rng.integers(STEPS) / (STEPS - 1))).as_unit(low.unit),
        lambda rng: (_among(known)(rng) + _among(moves)(rng)).as_unit(low.unit),
    ]


def _edited(known: Sequence[str]) -> Draw:
    """A text of the sample with one character deleted, doubled, replaced or turned; or two joined."""
    alphabet = [*dict.fromkeys("".join(known)[:500]), *"a0 -.,_\u00e9\u00df\u0301😀"]

    def edit(rng: np.random.Generator) -> str:
        text, other, character = (_among(values)(rng) for values in (known, known, alphabet))
        at = int(rng.integers(32)) % max(1, len(text))
        before, here, after = text[:at], text[at : at + 1], text[at + 1 :]
        changed = [
            before + after,
            before + here + here + after,
            before + character + after,
            before + character + here + after,
            before + here.swapcase() + after,
            text[: at + 1],
            text + other,
            f"{text} {other}",
        ]
        return str(_among(changed)(rng))

    return edit
