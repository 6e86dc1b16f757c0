"""For each raw column the values to try: the user's own, the graph's categories, fitted and far numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.build.instants import parse_dtype
from onnxtwin.exporters.signature import NAT, Column
from onnxtwin.runtime_checks.boundary.drafts import Array, Origin
from onnxtwin.runtime_checks.coverage.decisions import Lookup

MANY_NUMBERS = 256
"""The user's own numbers of a column that are tried: their quantiles, where there are more."""

MANY_TEXTS = 400
"""The user's own texts of a column that are tried, the most frequent first."""

NUMBERS_FITTED = 400
"""Fitted numbers of a column that are tried."""

NEVER_SEEN = "never seen before"

_YEAR = {"s": 31_556_952, "ms": 31_556_952_000, "us": 31_556_952_000_000, "ns": 31_556_952_000_000_000}


def pools(
    origin: Origin, lookups: Sequence[Lookup], fitted: Mapping[Any, npt.NDArray[np.float64]]
) -> list[Array]:
    """For each column its values as they travel, in their order where they have one; missing last.

    Parameters
    ----------
    lookups : the graph's tables of categories; those that read an input add their keys.
    fitted : by the column's label, numbers that the pipeline has learnt about it.
    """
    found = []
    for position, column in enumerate(origin.columns):
        cells = origin.drafts.cells[position]
        if origin.order(position) is not None:
            values = _numbers(cells, column, fitted.get(column.label, np.zeros(0)))
        else:
            values = _listed(cells, column, [lookup for lookup in lookups if lookup.tensor == column.name])
        missing = origin.missing(position)
        if missing is not None:
            values = np.append(values, np.array([missing], dtype=values.dtype))
        found.append(values)
    return found


def _numbers(cells: Array, column: Column, fitted: npt.NDArray[np.float64]) -> Array:
    whole = cells.dtype.kind == "i"
    own = np.unique(cells[cells != NAT] if whole else cells[np.isfinite(cells)])
    if len(own) > MANY_NUMBERS:
        own = own[np.linspace(0, len(own) - 1, MANY_NUMBERS).astype(np.int64)]
    fitted = fitted[np.isfinite(fitted)][:NUMBERS_FITTED]
    if parse_dtype(column.dtype) is not None:
        return np.unique(np.concatenate([own, _far_instants(own, column)]))
    limits = _limits(column)
    low, high = (float(own[0]), float(own[-1])) if len(own) else (0.0, 1.0)
    spread = max(high - low, 1.0)
    far = [low - spread, high + spread, low - 1000 * spread, high + 1000 * spread, 0.0, -1.0, 1.0]
    if whole or column.exact_integer:
        fitted = np.concatenate([np.floor(fitted), np.floor(fitted) + 1])
        far = [np.rint(value) for value in far]
    others = np.concatenate([fitted, far])
    others = others[(others >= limits[0]) & (others <= limits[1])]
    if column.dtype.lower() == "float32" or cells.dtype == np.float32:
        others = others.astype(np.float32)
    return np.unique(np.concatenate([own, others.astype(cells.dtype)]))


def _limits(column: Column) -> tuple[float, float]:
    name = column.dtype.lower()
    if name.startswith(("int", "uint")):
        info = np.iinfo(name)
        # A double next to the limits of int64 is beyond them.
        bound = 2.0**53
        return max(float(info.min), -bound), min(float(info.max), bound)
    return -float(np.finfo(np.float32).max) / 4, float(np.finfo(np.float32).max) / 4


def _far_instants(own: Array, column: Column) -> Array:
    parsed = parse_dtype(column.dtype)
    if parsed is None or not len(own):
        return own[:0]
    year = _YEAR.get(parsed[1], _YEAR["s"])
    steps = np.array([-30, -2, -1, 1, 2, 30], np.int64) * year
    far = np.concatenate([own[0] + steps[:3], own[-1] + steps[3:]])
    limit = np.int64(2**62)
    within: Array = far[np.abs(far) < limit]
    return within


def _listed(cells: Array, column: Column, lookups: Sequence[Lookup]) -> Array:
    if column.values is not None:
        listed = [value for value in column.values if isinstance(value, str) == (column.tensor == "string")]
        return np.array(listed, dtype=cells.dtype)
    if cells.dtype == np.bool_:
        return np.array([False, True])
    own = pd.Series(cells).value_counts().index[:MANY_TEXTS].tolist()
    keys = [key for lookup in lookups for key in lookup.keys.tolist()]
    listed = [*own, *(column.categories or ()), *keys]
    if column.tensor == "string":
        listed = [value for value in listed if isinstance(value, str)]
        listed += _dates(listed)
        return np.array(list(dict.fromkeys([*listed, NEVER_SEEN])), dtype=object)
    return np.array(list(dict.fromkeys(v for v in listed if v == v)), dtype=cells.dtype)


_DATE = re.compile(r"(\d{4}-)(\d\d)(-)(\d\d)(?:([T ])(\d\d)(.*))?", re.DOTALL)


def _dates(texts: Sequence[str]) -> list[str]:
    """Where texts hold dates: the first of them in each month, on other days, at each hour."""
    found = next((m for text in texts if (m := _DATE.fullmatch(text))), None)
    if found is None:
        return []
    year, month, dash, day, between, hour, rest = (part or "" for part in found.groups())
    clock = between + hour + rest
    dates = [f"{year}{m:02}{dash}{d:02}{clock}" for m in range(1, 13) for d in (1, 28)]
    dates += [f"{year}{month}{dash}{d:02}{clock}" for d in range(1, 29)]
    if hour:
        dates += [f"{year}{month}{dash}{day}{between}{h:02}{rest}" for h in range(24)]
    return dates
