"""``map``, ``replace`` and ``isin``: look-ups whose table is asked of pandas itself.

The keys that a column can hold, one key that it does not know and the missing value are run through pandas'
own method; what it answers becomes the table of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, encode, is_missing
from onnxtwin.exporters.numpy.choosing import choose
from onnxtwin.exporters.pandas.held import held, is_nullable, kind_is_text, refuse
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.tensor import STRING, cast, element_type


def keys_for(series: Any, keys: Iterable[Any]) -> pd.Series:
    """Those of ``keys`` that the column can hold, once each, without missing ones, in the column's dtype."""
    dtype: Any = series.value.dtype
    if series.kind == "time":
        raise refuse("looks up timestamps", "compare them with == instead")
    if kind_is_text(dtype) and series.kind != "flags":
        found = list(dict.fromkeys(k for k in keys if isinstance(k, str)))
        if MISSING_TOKEN in found:
            raise refuse(
                f"looks up {MISSING_TOKEN!r}, the token that stands for a missing text", "use another text"
            )
        return pd.Series(found, dtype=object if isinstance(dtype, pd.CategoricalDtype) else dtype)
    if series.kind == "flags":
        raise refuse(
            "looks up an object column of booleans with missing values",
            "use fillna(False).astype(bool) first",
        )
    numbers = [
        k
        for k in keys
        if isinstance(k, (bool, int, float, np.bool_, np.integer, np.floating)) and not is_missing(k)
    ]
    kind = (
        getattr(dtype, "numpy_dtype", dtype)
        if not isinstance(dtype, pd.CategoricalDtype)
        else np.dtype(np.float64)
    )
    fitting = [k for k in numbers if _fits(k, kind)]
    return pd.Series(np.array(list(dict.fromkeys(kind.type(k) for k in fitting)), dtype=kind))


def _fits(key: Any, kind: np.dtype) -> bool:
    with np.errstate(all="ignore"):
        try:
            return bool(kind.type(key) == key)
        except (OverflowError, ValueError):
            return False


def in_dtype(values: pd.Series, series: Any) -> pd.Series:
    """Keys as a column of the very dtype of ``series``."""
    dtype: Any = series.value.dtype
    return values.astype(
        object
        if isinstance(dtype, pd.CategoricalDtype) and kind_is_text(dtype)
        else "float64"
        if isinstance(dtype, pd.CategoricalDtype)
        else dtype
    )


def unknown_key(series: Any, keys: list[Any]) -> Any:
    """A value of the column's type that is not among ``keys``; None where every value is."""
    known = set(keys)
    if kind_is_text(series.value.dtype):
        text = "?"
        while text in known:
            text += "?"
        return text
    dtype: Any = series.value.dtype
    if getattr(dtype, "kind", "") == "b":
        return next((b for b in (False, True) if b not in known), None)
    number = 1
    while number in known:
        number += 1
    return number


def missing_column(series: Any) -> pd.Series | None:
    """One missing value of the kind and dtype that the column has; None where it cannot be missing."""
    value: pd.Series = series.value
    dtype: Any = value.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return None
    gone = value[value.isna()]
    if len(gone):
        return gone.iloc[:1].reset_index(drop=True)
    return pd.Series([None if is_nullable(dtype) else np.nan], dtype=dtype)


def _graph_key(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


class Asked(NamedTuple):
    """What pandas' method answers for each key, for a value that is no key, and for a missing value."""

    table: dict[Any, Any]
    unknown: Any
    missing: Any


def asked(series: Any, method: Callable[[pd.Series], pd.Series], keys: Iterable[Any]) -> Asked:
    """Run ``method`` on one column of all of them: alone, a missing value may lose its type."""
    known = keys_for(series, keys).tolist()
    unknown = unknown_key(series, known)
    column = in_dtype(pd.Series([*known, *([] if unknown is None else [unknown])]), series)
    gone = missing_column(series)
    apart = gone is not None and gone.dtype != column.dtype
    if gone is not None and not apart:
        column = pd.concat([column, gone], ignore_index=True)
    answers = method(column).tolist()
    missing = np.nan if gone is None else method(gone).tolist()[0]
    if gone is not None and not apart and not _equal(missing, answers.pop()):
        raise refuse(
            "looks up a missing value, for which pandas answers differently alone and beside others",
            "fillna first, or leave the missing key out",
        )
    other = np.nan if unknown is None else answers.pop()
    return Asked(dict(zip(known, answers, strict=True)), other, missing)


def flags_of(series: Any, test: Callable[[pd.Series], pd.Series], keys: Iterable[Any], what: str) -> Array:
    """A yes-or-no question that pandas answers through ``test``, True for some of ``keys`` only."""
    found = asked(series, test, keys)
    yes = [key for key, hit in found.table.items() if hit]
    if missing_column(series) is not None and found.missing:
        yes.append(MISSING_TOKEN if _is_text(series) else np.nan)
    real = held(test(series.value))
    return elementwise(what, real, lambda x: contains(x, yes), [series.held], [_key_dtype(series)])


def contains(x: Var, values: list[Any]) -> Var:
    """Membership: a few comparisons, or a look-up."""
    if not values or len(values) > 4 or element_type(x) == STRING and len(values) > 2:
        return lookups.isin(x, values)
    result: Var | None = None
    for value in values:
        kind = element_type(x)
        hit = (
            op.isnan(x)
            if value != value
            else op.equal(x, op.const(np.array(value, np.str_ if kind == STRING else kind)))
        )
        result = hit if result is None else op.or_(result, hit)
    assert result is not None
    return result


def _is_text(series: Any) -> bool:
    if series.held.is_constant:
        return encode(series.held.value).dtype.kind == "U"
    return series.held.tensor.dtype == STRING  # type: ignore[no-any-return]


def _key_dtype(series: Any) -> np.dtype | None:
    if _is_text(series):
        return None
    return np.dtype(np.float64) if series.held.dtype.kind == "f" else np.dtype(np.int64)


def mapped(
    series: Any, method: Callable[[pd.Series], pd.Series], keys: Iterable[Any], what: str
) -> tuple[pd.Series, Array]:
    """A column looked up: pandas' answer in a dtype that holds every answer, and its array."""
    found = asked(series, method, keys)
    possible = list(found.table.values())
    if unknown_key(series, list(found.table)) is not None:
        possible.append(found.unknown)
    if missing_column(series) is not None:
        possible.append(found.missing)
    real = widened(method(series.value), possible, what)
    return real, lookup(series, found.table, found.unknown, found.missing, held(real), what)


def widened(real: pd.Series, possible: list[Any], what: str) -> pd.Series:
    """The column in a dtype that holds every value which some batch may bring."""
    present = [v for v in possible if not is_missing(v)]
    some_missing = len(present) < len(possible)
    if not present:
        return pd.Series(np.full(len(real), np.nan), index=real.index, name=real.name)
    if all(isinstance(v, str) for v in present):
        return (
            real
            if kind_is_text(real.dtype) or isinstance(real.dtype, pd.CategoricalDtype)
            else real.astype("str")
        )
    if any(isinstance(v, str) for v in present):
        raise refuse(f"{what} gives text for some values and numbers for others", "give all values one type")
    if isinstance(real.dtype, pd.CategoricalDtype) or is_nullable(real.dtype):
        return real
    if all(isinstance(v, (bool, np.bool_)) for v in present):
        return real.astype(object) if some_missing and present else real
    if any(isinstance(v, (bool, np.bool_)) for v in present):
        raise refuse(
            f"{what} gives booleans for some values and numbers for others", "give all values one type"
        )
    whole = all(isinstance(v, (int, np.integer)) for v in present) and not some_missing
    if whole and present:
        return real if real.dtype.kind in "iu" else real.astype(np.int64)
    return real if real.dtype.kind == "f" else real.astype("float64")


def lookup(
    series: Any, table: dict[Any, Any], default: Any, missing: Any, real: np.ndarray, what: str
) -> Array:
    """``table.get(x, default)``, ``missing`` where ``x`` is; answers encoded as the graph holds them."""
    text = _is_text(series)
    if real.dtype.kind == "f" and all(is_missing(v) for v in (*table.values(), default, missing)):
        return Array(real)
    answers = list(table.values())
    stored = _stored([*answers, default, missing], real)
    keys = [_graph_key(k) if text else k for k in table]
    values = [_encoded(v, stored) for v in answers]
    if missing_column(series) is not None and not _equal(missing, default):
        keys.append(MISSING_TOKEN if text else np.nan)
        values.append(_encoded(missing, stored))
    elif text and _equal(missing, default) and MISSING_TOKEN in table:
        raise refuse("looks up the token that stands for a missing text", "use another text")
    kind = _key_dtype(series)
    if kind == np.int64:
        keys = [int(k) for k in keys]
    elif kind is not None:
        keys = [float(k) for k in keys]

    def build(x: Var) -> Var:
        found = lookups.lookup(x, keys, values, _encoded(default, stored))
        return (
            found
            if stored == STRING
            else cast(found, np.dtype(np.bool_) if real.dtype.kind == "b" else stored)
        )

    return elementwise(what, real, build, [series.held], [kind])


def _stored(values: list[Any], real: np.ndarray) -> np.dtype:
    if any(isinstance(v, str) for v in values):
        return STRING
    if real.dtype.kind in "iub":
        return np.dtype(np.int64)
    return np.dtype(np.float64) if real.dtype.kind != "O" or values else STRING


def _encoded(value: Any, stored: np.dtype) -> Any:
    if is_missing(value):
        return MISSING_TOKEN if stored == STRING else float("nan")
    if stored == STRING:
        return str(value)
    return int(value) if stored == np.int64 else float(value)


def _equal(a: Any, b: Any) -> bool:
    return is_missing(a) and is_missing(b) or bool(a == b)


def replaced(
    series: Any, method: Callable[[pd.Series], pd.Series], keys: Iterable[Any], what: str
) -> tuple[pd.Series, Array]:
    """A column in which some values are replaced and all others stay."""
    found = asked(series, method, keys)
    changed = {
        k: v for k, v in found.table.items() if not _equal(k, v) or isinstance(k, str) != isinstance(v, str)
    }
    gone, filler = missing_column(series), found.missing
    if not changed and is_missing(filler):
        return method(series.value), series.held
    kept: Any = "" if _is_text(series) else {"b": True, "f": 0.5}.get(series.held.dtype.kind, 0)
    possible = [*changed.values(), kept, *([] if gone is None else [filler])]
    real = widened(method(series.value), possible, what)
    stored = _stored(possible, held(real))
    news = [_encoded(v, stored) for v in changed.values()]
    missing = MISSING_TOKEN if _is_text(series) else np.nan

    def build(x: Var) -> Var:
        result = x if stored == STRING else cast(x, stored)
        if changed:
            found = lookups.lookup(x, list(changed), news, news[0])
            result = choose(contains(x, list(changed)), cast_to(found, stored), result)
        if not is_missing(filler):
            result = choose(contains(x, [missing]), _scalar(_encoded(filler, stored), stored), result)
        return result

    return real, elementwise(what, held(real), build, [series.held], [_key_dtype(series)])


def cast_to(found: Var, stored: np.dtype) -> Var:
    """A looked-up value in the element type of a column."""
    return found if stored == STRING else cast(found, stored)


def _scalar(value: Any, stored: np.dtype) -> Var:
    return op.const(np.array(value, np.str_ if stored == STRING else stored))
