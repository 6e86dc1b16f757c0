"""``sklearn.utils._encode``: categories as one look-up a column, equal to what the pipeline calls equal.

scikit-learn compares numbers in the dtype that numpy promotes to, and objects and booleans as Python does;
NaN equals NaN, None equals None, pandas.NA equals nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _encode
from sklearn.utils._missing import is_scalar_nan

from onnxtwin.exporters.array import Array, elementwise, encode, is_missing
from onnxtwin.exporters.domain import accept_only, require_true
from onnxtwin.exporters.lookups import lookup
from onnxtwin.exporters.missing import kinds_of_missing
from onnxtwin.exporters.numpy.creation import asarray
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.tensor import STRING
from onnxtwin.exporters.trace import require_trace

INT64, FLOAT64 = np.dtype(np.int64), np.dtype(np.float64)


class Keys(NamedTuple):
    """What a column is compared with.

    Attributes
    ----------
    values : one for each category that a row can hold; text, integers or floats.
    positions : the position of each among the categories.
    dtype : element type that the column is compared in.
    """

    values: list[Any]
    positions: list[int]
    dtype: np.dtype


def look_up(column: Array, categories: np.ndarray, values: np.ndarray, unknown: Any) -> Array:
    """``values[i]`` in the rows that hold ``categories[i]``, and ``unknown`` in all others.

    Parameters
    ----------
    column : 1-D, with the dtype that the encoder sees.
    categories : 1-D, no two alike.
    values : 1-D numbers, one a category; the answer is int64 or float64.

    Raises
    ------
    UnsupportedError
        If the column's missing values are of several kinds, of which the categories know some.
    """
    keys = keys_of(column, categories)
    kind = FLOAT64 if np.asarray(values).dtype.kind == "f" else INT64
    chosen = np.asarray(values)[keys.positions].astype(kind)
    default = kind.type(unknown)
    table = {_key(k): v for k, v in zip(keys.values, chosen, strict=True)}
    rows = encode(column.value).astype(keys.dtype).tolist()
    real = np.array([table.get(_key(x), default) for x in rows], kind)
    return elementwise(
        "look up", real, lambda x: lookup(x, keys.values, list(chosen), default), [column], [keys.dtype]
    )


def _key(value: Any) -> Any:
    return "NaN" if value != value else (value,)


def keys_of(column: Array, categories: np.ndarray) -> Keys:
    """The categories that a row of ``column`` can hold, as the graph holds them."""
    held = encode(column.value).dtype if column.is_constant else column.tensor.dtype
    if held.kind in "OU":
        return _text_keys(column, categories)
    if column.dtype.kind in "mM":
        return _time_keys(column, categories)
    if column.dtype.kind in "iuf":
        return _number_keys(column, categories)
    return _object_keys(column, categories, FLOAT64 if held.kind == "f" else INT64)


def _text_keys(column: Array, categories: np.ndarray) -> Keys:
    known = categories.tolist()
    positions = [i for i, c in enumerate(known) if isinstance(c, str)]
    values = [known[i] for i in positions]
    missing = _missing_position(column, categories)
    if missing is None:
        return Keys(values, positions, STRING)
    if MISSING_TOKEN in values:
        raise require_trace().unsupported(
            f"knows a missing value and the text {MISSING_TOKEN!r}, as which missing values travel",
            "replace that text before fitting",
        )
    return Keys([*values, MISSING_TOKEN], [*positions, missing], STRING)


def _missing_position(column: Array, categories: np.ndarray) -> int | None:
    """The category that the column's missing value is, None if it is unknown."""
    places = dict.fromkeys(("nan", "None", "NA")) | {
        "None" if c is None else "nan": i
        for i, c in enumerate(categories.tolist())
        if c is None or is_scalar_nan(c)
    }
    kinds = sorted(kinds_of_missing(column.value))
    found = {places[kind] for kind in kinds}
    if len(found) > 1:
        raise require_trace().unsupported(
            f"a column holds {' and '.join(kinds)}, which the encoder tells apart and the graph cannot",
            "use one kind of missing value: series.fillna(np.nan)",
        )
    return found.pop()


def _number_keys(column: Array, categories: np.ndarray) -> Keys:
    """numpy compares both sides in their common dtype; of categories equal there, the first counts."""
    if categories.dtype.kind not in "biuf":
        raise require_trace().unsupported(
            f"looks up numbers ({column.dtype}) among categories of dtype {categories.dtype}",
            "fit the encoder on the dtype that it will be given",
        )
    common = np.result_type(column.dtype, categories.dtype)
    wide = FLOAT64 if common.kind == "f" else INT64
    values = categories.astype(common).astype(wide).tolist()
    first = {_key(v): i for i, v in reversed(list(enumerate(values)))}
    positions = sorted(first.values())
    return Keys([values[i] for i in positions], positions, wide)


def _object_keys(column: Array, categories: np.ndarray, wide: np.dtype) -> Keys:
    """Python compares numbers exactly, whatever their types."""
    values: list[Any] = []
    positions: list[int] = []
    for i, category in enumerate(categories.tolist()):
        if isinstance(category, (bool, int, float)) and not is_missing(category):
            try:
                value = wide.type(category).item()
            except (OverflowError, ValueError):
                continue
            if value == category:
                values.append(value)
                positions.append(i)
    missing = _missing_position(column, categories) if wide == FLOAT64 else None
    if missing is not None:
        return Keys([*values, np.nan], [*positions, missing], wide)
    return Keys(values, positions, wide)


def _time_keys(column: Array, categories: np.ndarray) -> Keys:
    """Ticks in the column's own unit; NaT equals nothing, itself included."""
    known = categories.astype(column.dtype)
    positions = np.flatnonzero((known == categories) & ~np.isnat(known)).tolist()
    return Keys(known[positions].astype(np.int64).tolist(), positions, INT64)


def require_known(columns: Sequence[Array], categories: Sequence[np.ndarray], names: Sequence[Any]) -> None:
    """Demand that each column holds only its categories: for any other value the pipeline raises."""
    known: list[Array] = []
    computed: list[str] = []
    for column, own, name in zip(columns, categories, names, strict=True):
        if not column.is_constant and not accept_only(column, _accepted(column, own)):
            known.append(look_up(column, own, np.ones(len(own), int), 0))
            computed.append(str(name))
    if known:
        good = np.equal(np.min(np.stack(known, axis=1), axis=1), 1)
        require_true(good, f"unknown category in {', '.join(computed)}: the pipeline raises")


def _accepted(column: Array, categories: np.ndarray) -> list[Any]:
    """The categories as values of a raw column; whether it may be missing is said elsewhere."""
    keys = keys_of(column, categories)
    values = [v for v in keys.values if v == v and not (keys.dtype == STRING and v == MISSING_TOKEN)]
    if column.tensor.dtype.kind == "b":
        return [bool(v) for v in values if v in (0, 1)]
    return [int(v) for v in values if v == int(v)] if column.tensor.dtype.kind in "iu" else values


@exports(_encode, "_encode")
def encode_values(values: Any, *, uniques: Any, check_unknown: bool = True) -> Any:
    column, categories = asarray(values), np.asarray(uniques)
    if not check_unknown and column.dtype.kind in "iuf":
        return np.searchsorted(categories, column)
    require_known([column], [categories], ["y"])
    return look_up(column, categories, np.arange(len(categories)), -1)
