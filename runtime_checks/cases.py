"""Hostile rows, made from the user's own: each *family* is one registered generator function.

A family takes the pipeline (as :class:`Reference`, so that it can ask), the signature, the
user's rows and a seeded random generator, and yields chunks of rows. Each chunk is answered as
one batch. A family need not know what is accepted: rows that the pipeline refuses are counted as
outside its domain, and the twin has to refuse them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import Column, Signature
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values, count, is_missing, set_column, take

Family = Callable[[Reference, Signature, Rows, np.random.Generator], Iterator[Rows]]

SAMPLE = "sample"
"""The user's own rows; not a registered family, because they are streamed and always checked."""

_FAMILIES: dict[str, Family] = {}


def family(name: str) -> Callable[[Family], Family]:
    """Register a generator of cases under the name that tags its rows in the report."""

    def register(function: Family) -> Family:
        _FAMILIES[name] = function
        return function

    return register


def families(cases: bool | Sequence[str] = True) -> dict[str, Family]:
    """The families asked for: all, none, or those named.

    Raises
    ------
    CheckError : a name is not registered.
    """
    if isinstance(cases, bool):
        return dict(_FAMILIES) if cases else {}
    names = [cases] if isinstance(cases, str) else list(cases)
    unknown = [name for name in names if name not in _FAMILIES and name != SAMPLE]
    if unknown:
        raise CheckError(f"no such family of cases: {unknown}; there are {[SAMPLE, *_FAMILIES]}")
    return {name: _FAMILIES[name] for name in names if name != SAMPLE}


def base_rows(X: Rows, size: int, rng: np.random.Generator) -> Rows:
    """Up to ``size`` distinct rows of the user's, in their order, to build cases from."""
    return take(X, np.sort(rng.permutation(count(X))[:size]))


def missing_value(column: Column) -> Any:
    """What a missing cell of this column is in the notebook."""
    if column.missing == "nat":
        return pd.NaT
    if column.missing == "token" and column.missing_value == "None":
        return None
    return np.nan


@family("missing")
def missing(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Each column missing alone, then all at once.

    Where the pipeline accepts a missing column, some twenty rows follow; where it refuses, two
    are enough to see that the twin refuses as well.
    """
    columns = [column for column in signature.columns if column.missing != "none"]
    base = base_rows(X, max(3, min(20, 2000 // max(1, len(columns)))), rng)
    everything = base
    for column in columns:
        rows = set_column(base, column.label, missing_value(column))
        everything = set_column(everything, column.label, missing_value(column))
        yield rows if reference.accepts(take(rows, [0])) else take(rows, slice(0, 2))
    if len(columns) > 1:
        yield everything if reference.accepts(take(everything, [0])) else take(everything, slice(0, 2))


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


@family("row counts")
def row_counts(
    reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator
) -> Iterator[Rows]:
    """No row, one row, two rows, many: a graph must not have learnt the sample's row count."""
    base = base_rows(X, 257, rng)
    yield take(base, slice(0, 0))
    for position in range(min(5, count(base))):
        yield take(base, [position])
    if count(base) > 1:
        yield take(base, slice(0, 2))
    # An odd number, and each row repeated: neither a power of two nor the sample's own count.
    yield take(base, np.repeat(np.arange(count(base)), 3))
