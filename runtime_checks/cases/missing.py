"""Missing values: each column alone, in pairs, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature
from onnxtwin.runtime_checks.cases.registry import base_rows, family, made
from onnxtwin.runtime_checks.cases.together import REFUSALS, refused, together
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, edited, take

ROWS = 2000
"""Rows in which one column is missing, for all columns together; each column gets 3 to 20 of them."""

MANY_COLUMNS = 64
"""Columns without which the pipeline refuses a row that are tried, at most."""

SHOWN = 2
"""Rows that show that it does, of a column; of many columns one each."""

PAIRS = 300
"""Rows in which two columns are missing. Beyond 24 columns pairs are chosen, each column in two at least."""


def missing_value(column: Column) -> Any:
    """What a missing cell of this column is in the notebook."""
    if column.missing == "nat":
        return pd.NaT
    if column.missing == "token" and column.missing_value == "None":
        return None
    return np.nan


@family("missing")
def missing(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Each column missing alone, then each two that the pipeline answers alone, then all at once.

    Where the pipeline accepts a missing column, up to twenty rows follow; where it refuses, two
    are enough to see that the twin refuses as well.
    """
    gone = {column.label: missing_value(column) for column in signature.columns if column.missing != "none"}
    if not gone:
        return
    base = base_rows(X, max(3, min(20, ROWS // len(gone))), rng)
    edits = {label: [{label: value}] * count(base) for label, value in gone.items()}
    hoped = {c.label: edits[c.label] for c in signature.columns if c.label in gone and c.missing_allowed}
    others = [label for label in gone if label not in hoped]
    others = [others[i] for i in sorted(rng.permutation(len(others))[:MANY_COLUMNS])]
    shown = [edits[label][i] for i in range(min(SHOWN, count(base))) for label in others][:REFUSALS]
    for rows, accepted in refused(reference, base, shown, rng):
        yield rows
        # A signature that somebody else wrote may know no better.
        hoped |= {label: edits[label][SHOWN:] for edit in accepted for label in edit}
    hoped = {label: hoped[label] for label in gone if label in hoped}
    answered: list[Any] = []
    for rows, labels in together(reference, base, hoped):
        if rows is None:
            yield from (rows for rows, _ in refused(reference, base, edits[labels[0]][:SHOWN], rng))
        else:
            answered += labels
            yield rows
    yield from made(base, [{a: gone[a], b: gone[b]} for a, b in _pairs(answered, rng)])
    for labels in [answered] if len(answered) == len(gone) else [answered, list(gone)]:
        if len(labels) > 1:
            rows = edited(base, [{label: gone[label] for label in labels}] * count(base))
            yield rows if reference.accepts(take(rows, [0])) else take(rows, slice(0, 2))


def _pairs(labels: Sequence[Any], rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """All pairs, or, of many columns, those of neighbours on a shuffled circle, at growing distances."""
    n = len(labels)
    if n * (n - 1) // 2 <= PAIRS:
        yield from combinations(labels, 2)
        return
    circle = rng.permutation(n)
    for distance in range(1, max(1, PAIRS // n) + 1):
        for i in range(n):
            yield labels[circle[i]], labels[circle[(i + distance) % n]]
