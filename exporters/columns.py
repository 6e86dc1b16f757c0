"""Raw columns: how pandas and numpy type them, and how their values travel to the graph."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from onnxtwin.exporters.array import is_missing
from onnxtwin.exporters.errors import SignatureError
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT, Column

_NULLABLE = re.compile(r"U?Int(8|16|32|64)|Float(32|64)|boolean")


def describe_frame(frame: Any) -> tuple[Column, ...]:
    """One :class:`Column` a column of a DataFrame.

    Raises
    ------
    SignatureError
        For names that are neither text nor integers, empty or the same twice, and for columns of mixed or
        unsupported types.
    """
    names: set[str] = set()
    described: list[Column] = []
    for position, label in enumerate(frame.columns):
        if isinstance(label, (bool, tuple)) or not isinstance(label, (str, int, np.integer)):
            raise SignatureError(
                f"column {label!r} is named by a {type(label).__name__}\n"
                "  way out: name raw columns by text or integers"
            )
        name = str(label)
        if name == "":
            raise SignatureError(f"column number {position} has no name\n  way out: rename it")
        if name in names:
            raise SignatureError(f"two columns are named {name!r}\n  way out: rename one of them")
        names.add(name)
        described.append(
            _describe(frame.iloc[:, position], name, label if isinstance(label, str) else int(label))
        )
    if not described:
        raise SignatureError("the sample has no columns\n  way out: hand over the raw columns")
    return tuple(described)


def _describe(series: Any, name: str, label: str | int) -> Column:
    dtype = series.dtype
    text = str(dtype)
    if text == "category":
        return _categorical(series, name, label)
    if _NULLABLE.fullmatch(text):
        whole = text.startswith(("Int", "UInt"))
        return Column(name, label, text, "float64", "nan", exact_integer=whole and text.endswith("64"))
    kind = getattr(dtype, "kind", "O")
    native = isinstance(dtype, np.dtype) or text in ("str", "string") or text.startswith("datetime64[")
    if not native:
        raise SignatureError(
            f"column {name!r} has dtype {text}, which cannot travel to a graph\n"
            "  way out: convert it to a numpy dtype, str, category or datetime64"
        )
    if text in ("str", "string") or kind == "O":
        return _textual(series, name, label)
    if text in ("float64", "float32"):
        return Column(name, label, text, text, "nan")  # type: ignore[arg-type]
    if kind in "iu" and text != "uint64":
        return Column(name, label, text, "int64")
    if kind == "b":
        return Column(name, label, text, "bool")
    if kind in "mM":
        return Column(name, label, text, "int64", "nat")
    raise SignatureError(
        f"column {name!r} has dtype {text}, which cannot travel to a graph\n"
        "  way out: convert it to float64, int64, bool, str or datetime64"
    )


def _textual(series: Any, name: str, label: str | int) -> Column:
    values = series.to_numpy(dtype=object)
    other = next((v for v in values if not isinstance(v, str) and not is_missing(v)), None)
    if other is not None:
        raise SignatureError(
            f"column {name!r} holds {other!r} ({type(other).__name__}) in a column of type {series.dtype}\n"
            "  way out: give the column one type: text, or a numeric, bool or datetime dtype"
        )
    if any(isinstance(v, str) and v == MISSING_TOKEN for v in values):
        raise SignatureError(
            f"column {name!r} holds {MISSING_TOKEN!r}, the token that stands for a missing value\n"
            "  way out: replace that text"
        )
    kinds = {"None" if v is None else "nan" for v in values if is_missing(v)}
    if len(kinds) > 1:
        raise SignatureError(
            f"column {name!r} holds both None and NaN, which encoders tell apart\n"
            "  way out: series.fillna(np.nan) or use dtype 'str'"
        )
    missing: Any = kinds.pop() if kinds else "nan"
    return Column(name, label, str(series.dtype), "string", "token", missing_value=missing)


def _categorical(series: Any, name: str, label: str | int) -> Column:
    categories = series.cat.categories
    values = tuple(categories.tolist())
    ordered = bool(series.cat.ordered)
    if all(isinstance(v, str) for v in values):
        return Column(name, label, "category", "string", "token", categories=values, ordered=ordered)
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return Column(name, label, "category", "float64", "nan", categories=values, ordered=ordered)
    raise SignatureError(
        f"column {name!r} has categories of type {categories.dtype}\n"
        "  way out: use text or numbers as categories"
    )


def describe_matrix(matrix: np.ndarray) -> tuple[Column, ...]:
    """One :class:`Column` a column of a 2-D array, named by its position."""
    if matrix.shape[1] == 0:
        raise SignatureError("the sample has no columns\n  way out: hand over the raw columns")
    names = [str(i) for i in range(matrix.shape[1])]
    kind = matrix.dtype.kind
    text = str(matrix.dtype)
    if kind == "U":
        if (matrix == MISSING_TOKEN).any():
            raise SignatureError(
                f"the matrix holds {MISSING_TOKEN!r}, the token that stands for a missing value\n"
                "  way out: replace that text"
            )
        return tuple(Column(name, i, "str", "string") for i, name in enumerate(names))
    if kind == "O":
        import pandas as pd

        columns = [_textual(pd.Series(matrix[:, i], dtype=object), name, i) for i, name in enumerate(names)]
        return tuple(columns)
    if text in ("float64", "float32"):
        return tuple(Column(n, i, text, text, "nan") for i, n in enumerate(names))  # type: ignore[arg-type]
    if kind in "iu" and text != "uint64":
        return tuple(Column(n, i, text, "int64") for i, n in enumerate(names))
    if kind == "b":
        return tuple(Column(n, i, text, "bool") for i, n in enumerate(names))
    raise SignatureError(
        f"a matrix of dtype {text} cannot travel to a graph\n"
        "  way out: use float64, float32, int64, bool or text"
    )


def encode_column(series: Any, column: Column) -> np.ndarray:
    """The column's values as the graph's input holds them, 1-D."""
    if column.tensor == "string":
        values = series.to_numpy(dtype=object)
        return np.array([MISSING_TOKEN if is_missing(v) else v for v in values], dtype=np.str_)
    if column.missing == "nat":
        ticks = (
            series.to_numpy()
            if series.dtype.kind == "m" or getattr(series.dtype, "tz", None) is None
            else series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        )
        held = ticks.view(np.int64)
        return np.where(np.isnat(ticks), NAT, held)
    if column.dtype == "category":
        return np.asarray(series.astype("float64").to_numpy())
    if _NULLABLE.fullmatch(column.dtype):
        return np.asarray(series.to_numpy(dtype="float64", na_value=np.nan))
    return np.asarray(series.to_numpy().astype(column.tensor))


def set_missing(rows: Any, column: Column, position: int) -> Any:
    """A copy of ``rows`` with that column missing."""
    made = rows.copy()
    if not hasattr(rows, "iloc"):
        made[:, position] = None if column.missing_value == "None" and column.tensor == "string" else np.nan
        return made
    import pandas as pd

    series = rows.iloc[:, position]
    if column.tensor == "string" and column.dtype == "object":
        empty = pd.Series(
            [None if column.missing_value == "None" else np.nan] * len(rows), dtype=object, index=rows.index
        )
    else:
        empty = pd.Series(
            [
                pd.NaT
                if column.missing == "nat"
                else pd.NA
                if "boolean" in column.dtype or "Int" in column.dtype
                else np.nan
            ]
            * len(rows),
            dtype=series.dtype,
            index=rows.index,
        )
    made[column.label] = empty
    return made
