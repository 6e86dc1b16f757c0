"""Rows that hypothesis draws: combinations of values of the signature's types, near the sample's and far.

Hypothesis draws a *pool*, a few values for every column, and a number; from it come many rows, each of
which takes some cells from the pool and the others from a row of the user's. So one call of the pipeline
answers a hundred rows. :mod:`onnxtwin.runtime_checks.minimal` shrinks the rows that fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases.cells import cells
from onnxtwin.runtime_checks.cases.choices import below
from onnxtwin.runtime_checks.cases.registry import base_rows, family, made
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, edited, take

POOLS = 8
ROWS = 120
"""Rows made of one pool: the budget of the family is their product."""

VALUES = 6
"""Values a column in one pool, at most."""

DRAWS = 120
"""Values of one pool, at most: hypothesis gives up on examples of more than 8,192 bits."""

BASE = 64
"""Rows of the user's that are mixed in."""

Pool = tuple[Mapping[Any, Sequence[Any]], int]


def pools(columns: Mapping[Any, st.SearchStrategy[Any]], size: int) -> st.SearchStrategy[Pool]:
    """``size`` values for each column, keyed by its label, and a number below 65,536."""
    # Tuples, because fixed_dictionaries draws integers to shuffle its keys.
    values = st.tuples(*[st.tuples(*[cell] * size) for cell in columns.values()])
    return st.tuples(values.map(lambda drawn: dict(zip(columns, drawn, strict=True))), below(2**16))


def draw(strategy: st.SearchStrategy[Pool], number: int, seeded: int) -> list[Pool]:
    """Up to ``number`` examples; the same for the same seed, whatever else the process has loaded."""
    drawn: list[Pool] = []

    @seed(seeded)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(pool: Pool) -> None:
        drawn.append(pool)

    collect()
    return drawn


@family("search")
def search(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Rows of hypothesis' making, about 1,000; without the values that the pipeline refuses by themselves."""
    base = base_rows(X, BASE, rng)
    seed_of_rows = int(rng.integers(2**32))
    labels = [column.label for column in signature.columns]
    chosen = {labels[i] for i in rng.permutation(len(labels))[:DRAWS]}
    columns = {
        column.label: cells(column, column_values(X, column.label), signature.missing_token)
        for column in signature.columns
        if column.label in chosen
    }
    size = max(1, min(VALUES, DRAWS // len(columns)))
    strict: set[Any] = set()
    for values, number in draw(pools(columns, size), POOLS, int(rng.integers(2**32))):
        answered = _answered(reference, take(base, slice(0, 2)), values, strict)
        yield from made(base, _mixed(answered, ROWS, np.random.default_rng([seed_of_rows, number])))


def _answered(
    reference: Reference, base: Rows, values: Mapping[Any, Sequence[Any]], strict: set[Any]
) -> dict[Any, list[Any]]:
    """The values that the pipeline answers beside ordinary rows (it may take the format of a date from them).

    ``strict`` are the columns of which it refused values before; columns are added to it.
    """

    def answers(labels: Sequence[Any], alone: Sequence[Any] | None = None) -> bool:
        edits = [{label: value} for label in labels for value in (alone or values[label])]
        return reference.accepts(edited(base, [{}, *edits]))

    def find(labels: Sequence[Any]) -> None:
        if labels and not answers(labels):
            if len(labels) == 1:
                strict.update(labels)
                return
            find(labels[: len(labels) // 2])
            find(labels[len(labels) // 2 :])

    find([label for label in values if label not in strict])
    return {
        label: [v for v in entries if answers([label], [v])] if label in strict else list(entries)
        for label, entries in values.items()
    }


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
