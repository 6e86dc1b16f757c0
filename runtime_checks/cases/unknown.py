"""Values that no fit has seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature
from onnxtwin.runtime_checks.cases.registry import base_rows, family
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, count, is_missing, set_column, take

UNSEEN_TEXT = "never seen before"


def unseen_texts(known: Sequence[str]) -> list[str]:
    """Texts that a categorical column did not hold, near misses first; ``known`` are its values."""
    candidates = [change for value in list(known)[:2] for change in _near_misses(value)]
    candidates += ["", "nan", "None", UNSEEN_TEXT]
    return [text for text in dict.fromkeys(candidates) if text not in set(known)]


def _near_misses(value: str) -> list[str]:
    return [value.swapcase(), f" {value}", f"{value} ", value[:-1], value + value[-1:]]


def unseen_values(values: pd.Series, column: Column) -> list[Any]:
    """Values of the column's own type that are not among ``values``; empty where there is no such notion."""
    known = [v for v in (column.categories or values.dropna().unique()) if not is_missing(v)]
    if not known:
        return [UNSEEN_TEXT, ""] if column.tensor == "string" else []
    if all(isinstance(v, str) for v in known):
        return list(unseen_texts(sorted(known)))
    if any(isinstance(v, bool | np.bool_) for v in known):
        return []
    if column.categories is None and (column.tensor != "int64" or values.dtype.kind not in "iu"):
        return []
    if not all(isinstance(v, int | float | np.integer | np.floating) for v in known):
        return []
    low, high = (v.item() if isinstance(v, np.generic) else v for v in (min(known), max(known)))
    beyond = [high + 1, low - 1]
    if values.dtype.kind not in "iu":
        return beyond
    limits = np.iinfo(cast(type[np.int64], values.dtype.type))
    return [value for value in beyond if limits.min <= value <= limits.max]


@family("unknown")
def unknown(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Values that no fit has seen, in each text, categorical and integer column by itself."""
    base = base_rows(X, 2, rng)
    for column in signature.columns:
        unseen = [
            value
            for value in unseen_values(column_values(X, column.label), column)
            if value != signature.missing_token
        ]
        if not unseen:
            continue
        index = np.repeat(np.arange(count(base)), len(unseen))
        yield set_column(take(base, index), column.label, unseen * count(base))
