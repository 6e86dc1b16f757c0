"""Rows drawn at random: combinations of values of the signature's types, near the sample's and far.

First a *pool*, values for every column, each tried in a row by itself; then rows of which each takes some
cells from the pool and the others from a row of the user's. So a few calls of the pipeline answer two
thousand rows. :mod:`onnxtwin.runtime_checks.minimal` makes the rows that fail simple.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases.cells import cells
from onnxtwin.runtime_checks.cases.registry import base_rows, family, made
from onnxtwin.runtime_checks.cases.together import together
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, edited

ROWS = 960
"""Rows that mix the pool's values, and about as many at most that hold one of them."""

VALUES = 48
"""Values a column, at most."""

STRICT_VALUES = 12
"""Values of a column of which the pipeline refuses some, tried one by one; of the first few such columns."""

STRICT_COLUMNS = 8

BASE = 64
"""Rows of the user's that are mixed in."""


@family("search")
def search(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """About 2,000 rows; without the values that the pipeline refuses by themselves."""
    base = base_rows(X, BASE, rng)
    columns = [signature.columns[i] for i in sorted(rng.permutation(len(signature.columns))[:ROWS])]
    size = max(1, min(VALUES, ROWS // len(columns)))
    values = {}
    for column in columns:
        draw = cells(column, column_values(X, column.label), signature.missing_token)
        values[column.label] = [draw(rng) for _ in range(size)]
    answered: dict[Any, list[Any]] = {}
    strict = 0
    edits = {label: [{label: value} for value in entries] for label, entries in values.items()}
    for rows, labels in together(reference, base, edits):
        if rows is not None:
            answered |= {label: values[label] for label in labels}
            yield rows
            continue
        strict += 1
        if strict <= STRICT_COLUMNS:
            (label,) = labels
            tried = values[label][:STRICT_VALUES]
            rows = edited(base, edits[label][:STRICT_VALUES])
            accepted = reference.ask(rows).accepted
            answered[label] = [value for value, fine in zip(tried, accepted, strict=True) if fine]
    yield from made(base, _mixed(answered, ROWS, rng))


def _mixed(values: Mapping[Any, Sequence[Any]], rows: int, rng: np.random.Generator) -> list[dict[Any, Any]]:
    """Per row the cells taken from the pool: from one cell to all of them."""
    columns = [(label, entries) for label, entries in values.items() if entries]
    share = rng.random((rows, 1))
    taken = rng.random((rows, len(columns))) < share
    which = rng.integers(2**31, size=(rows, len(columns)))
    return [
        {
            label: entries[which[row, place] % len(entries)]
            for place, (label, entries) in enumerate(columns)
            if taken[row, place]
        }
        for row in range(rows)
    ]
