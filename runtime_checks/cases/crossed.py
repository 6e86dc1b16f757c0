"""The user's own values in company that they do not keep: each column's shuffled apart from the others'.

A sample holds what goes together: this model is always of that maker. A look-up, a branch or a coefficient
that is wrong for a rare value may hide behind what accompanies it, a score that is far from any decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases.registry import BATCH_ROWS, CELLS, family
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, count, take

CROSSED = 4
"""Batches, half of them as frequent values are in the sample, half with all of its values equally often."""


@family("crossed")
def crossed(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """About 2,000 rows whose columns are drawn from the sample apart from each other; none of one column."""
    labels = [column.label for column in signature.columns]
    if len(labels) < 2 or not count(X):
        return
    size = max(1, min(BATCH_ROWS, CELLS // len(labels)))
    firsts = {label: _firsts(column_values(X, label)) for label in labels}
    for batch in range(CROSSED):
        yield _crossed(X, {label: _drawn(count(X), firsts[label], batch, size, rng) for label in labels})


def _firsts(values: pd.Series) -> npt.NDArray[np.int64]:
    """Where each distinct value of a column stands first."""
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return np.unique(codes, return_index=True)[1].astype(np.int64)


def _drawn(
    rows: int, firsts: npt.NDArray[np.int64], batch: int, size: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rows of the sample that a column's values are taken from."""
    return rng.choice(firsts if batch % 2 else rows, size)


def _crossed(X: Rows, sources: dict[Any, npt.NDArray[np.int64]]) -> Rows:
    """Rows whose columns come from these rows of ``X``, with their dtypes."""
    rows = take(X, next(iter(sources.values())))
    for label, source in sources.items():
        if isinstance(rows, pd.DataFrame):
            rows[label] = X[label].array.take(source)
        else:
            rows[:, int(label)] = X[source, int(label)]
    return rows
