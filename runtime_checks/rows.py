"""Rows as a user hands them over: a DataFrame, a matrix, or a list of documents.

The check takes slices, makes hostile copies and shows single rows; this module is the only
one that knows how each container does it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.build.forms import SampleForm
from onnxtwin.exporters.errors import CheckError, InputError
from onnxtwin.exporters.signature import Signature, is_missing

Rows = Any
"""DataFrame ``[N, columns]``, ndarray ``[N, k]``, or documents: a list, Series or 1-D array of str."""


def check_rows(X: Rows) -> None:
    """Refuse what is not rows.

    Raises
    ------
    CheckError : ``X`` is none of the containers that a check accepts.
    """
    if isinstance(X, pd.DataFrame | pd.Series | list):
        return
    if isinstance(X, np.ndarray) and X.ndim in (1, 2):
        return
    found = f"{X.ndim}-D ndarray" if isinstance(X, np.ndarray) else type(X).__name__
    if isinstance(X, Mapping):
        found += " (of tables or columns)"
    raise CheckError(
        "a check needs rows: a DataFrame, a 2-D ndarray, or a list, Series or 1-D ndarray of str; "
        f"found a {found}. "
        "Pass the raw rows exactly as the pipeline's predict takes them."
    )


def check_columns(X: Rows, signature: Signature) -> None:
    """Raise CheckError for rows that lack the twin's columns."""
    if isinstance(X, pd.DataFrame):
        lacking = [column.label for column in signature.columns if column.label not in X.columns]
        if signature.container == "DataFrame" and lacking:
            raise CheckError(f"the rows lack the columns {lacking}; they have {list(X.columns)}")
    elif isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] != len(signature.columns):
        raise CheckError(f"the rows have {X.shape[1]} columns, the twin takes {len(signature.columns)}")


def check_form(X: Rows, signature: Signature) -> None:
    """Raise CheckError for rows of another form than the twin's: not one of them could be compared."""
    if signature.container == "matrix" and isinstance(X, pd.DataFrame):
        raise CheckError("the rows are a DataFrame, the twin was exported with a matrix: X.to_numpy()")
    try:
        SampleForm(signature).demand(X)
    except InputError as error:
        raise CheckError(f"these rows are not what the twin takes: {error}") from error


def count(X: Rows) -> int:
    """Number of rows."""
    return len(X)


def take(X: Rows, index: Any) -> Rows:
    """A fresh copy of the rows at ``index`` (int array, bool mask or slice); dtypes and index are kept."""
    if isinstance(X, pd.DataFrame | pd.Series):
        # A pipeline may write into its argument; a copy keeps the twin's rows and the user's own intact.
        return X.iloc[index].copy()
    if isinstance(X, np.ndarray):
        return X[index].copy()
    return [X[i] for i in np.arange(len(X))[index]]


def batches(X: Rows, size: int) -> Iterator[tuple[int, Rows]]:
    """``(position of the first row, rows)``, in order, ``size`` rows at a time."""
    for start in range(0, count(X), size):
        yield start, take(X, slice(start, start + size))


def stack(first: Rows, second: Rows) -> Rows:
    """The rows of one and then of the other; a categorical column gets the categories of both."""
    if isinstance(first, pd.DataFrame):
        wider = {name: _wider(first[name].dtype, second[name].dtype) for name in first.columns}
        return pd.concat([first.astype(wider), second.astype(wider)])
    if isinstance(first, pd.Series):
        return pd.concat([first, second])
    return np.concatenate([first, second]) if isinstance(first, np.ndarray) else [*first, *second]


def _wider(first: Any, second: Any) -> Any:
    if isinstance(first, pd.CategoricalDtype) and isinstance(second, pd.CategoricalDtype):
        added = second.categories.difference(first.categories, sort=False)
        return pd.CategoricalDtype(first.categories.append(added), first.ordered)
    return first


def put(rows: Rows, label: Any, at: Any, values: Any) -> Rows:
    """Set some cells of one column, in place where the container can; give the rows as they then are.

    The column keeps its dtype; a categorical one gets the categories it lacks.

    Parameters
    ----------
    rows : the caller's own copy.
    label : of a DataFrame's column; a matrix's position; ignored for documents, where the row is the value.
    at : int ``[n]``, the positions.
    values : ``[n]``.
    """
    if isinstance(rows, pd.DataFrame):
        rows[label] = _replaced(rows[label], at, values)
    elif isinstance(rows, pd.Series):
        return _replaced(rows, at, values)
    elif isinstance(rows, np.ndarray):
        text = rows.dtype.kind == "U"
        # A fixed width would cut off longer texts.
        rows = rows.astype(object) if text else rows
        column = rows[:, int(label)] if rows.ndim == 2 else rows
        column[at] = _cells(values)
        return rows.astype(np.str_) if text else rows
    else:
        for i, value in zip(at, values, strict=True):
            rows[i] = value
    return rows


def edited(base: Rows, edits: Sequence[Mapping[Any, Any]]) -> Rows:
    """Rows made from others: row ``i`` is the next row of ``base``, with the cells ``edits[i]`` replaced.

    Parameters
    ----------
    base : at least one row, unless there are no edits; they are taken in turn.
    edits : per row of the result the new values, keyed by the columns' labels as in :func:`put`.

    Returns
    -------
    As many rows as ``edits``; each column keeps its dtype, a categorical one gets the categories it lacks.
    """
    rows = take(base, np.arange(len(edits)) % max(1, count(base)))
    cells: dict[Any, tuple[list[int], list[Any]]] = {}
    for i, edit in enumerate(edits):
        for label, value in edit.items():
            at, values = cells.setdefault(label, ([], []))
            at.append(i)
            values.append(value)
    for label, (at, values) in cells.items():
        rows = put(rows, label, at, values)
    return rows


def _cells(values: Any) -> npt.NDArray[Any]:
    """Values as an array that leaves each as it is."""
    if isinstance(values, np.ndarray):
        return values
    cells = np.empty(len(values), dtype=object)
    cells[:] = list(values)
    return cells


def _replaced(values: pd.Series, at: Any, cells: Any) -> pd.Series:
    dtype: Any = values.dtype
    if isinstance(dtype, np.dtype) and (dtype.kind == "f" or getattr(cells, "dtype", None) == dtype):
        array: npt.NDArray[Any] = np.array(values)
        array[at] = np.asarray(cells if hasattr(cells, "dtype") else _cells(cells), dtype=dtype)
        # Of objects that are texts pandas would make a column of another type.
        return pd.Series(array, index=values.index, name=values.name, dtype=dtype)
    listed: list[Any] = list(values)
    for i, value in zip(at, cells, strict=True):
        listed[i] = value
    if isinstance(dtype, pd.CategoricalDtype):
        new = [v for v in dict.fromkeys(cells) if not is_missing(v) and v not in dtype.categories]
        dtype = values.cat.add_categories(new).dtype if new else dtype
    replaced: pd.Series = pd.Series(listed, index=values.index, dtype=dtype, name=values.name)
    return replaced


def column_values(X: Rows, label: str | int) -> pd.Series:
    """One column as a Series, whatever the container."""
    if isinstance(X, pd.DataFrame):
        return X[label]
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return pd.Series(X[:, int(label)])
    return pd.Series(X)


def typed(value: Any) -> Any:
    """One cell as a plain Python value: numpy scalars become int, float, bool, str; missing stays as is."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        return value.item()
    return value


def typed_row(X: Rows, position: int) -> Any:
    """Row ``position`` as the user would type it: a dict of column to value, a list of values, or a text."""
    if isinstance(X, pd.DataFrame):
        return {label: typed(X.iloc[position, i]) for i, label in enumerate(X.columns)}
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return [typed(value) for value in X[position]]
    return typed(X.iloc[position] if isinstance(X, pd.Series) else X[position])


def _instant_source(value: pd.Timestamp | pd.Timedelta) -> str:
    try:
        return f"pd.{value!r}"
    except (NotImplementedError, ValueError):
        # pandas cannot print an instant with a zone beyond the years that Python's datetime knows.
        zone = f", tz={str(value.tz)!r}" if isinstance(value, pd.Timestamp) else ""
        return f"pd.{type(value).__name__}({int(value.asm8.view(np.int64))}, unit={value.unit!r}{zone})"


def source(value: Any) -> str:
    """Python source text of a cell or a row: what one would type in a notebook to get it back."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{source(k)}: {source(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(source(v) for v in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is pd.NA:
        return "pd.NA"
    if value is pd.NaT:
        return "pd.NaT"
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return _instant_source(value)
    return repr(value)


def plain(value: Any) -> Any:
    """A cell, a row or a number as JSON can say it: non-finite floats and NaT are texts, time is ISO 8601."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item() if not isinstance(value, np.datetime64 | np.timedelta64) else str(value)
    if value is pd.NA or value is None:
        return None
    if value is pd.NaT:
        return "NaT"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
