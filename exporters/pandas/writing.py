"""Assignment to traced columns and frames, and ``.loc`` and ``.iloc``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, constant, is_missing, is_traced
from onnxtwin.exporters.pandas.asked import Accessor
from onnxtwin.exporters.pandas.frame import Cell, DataFrame, chosen_columns, column_at, positions_of, put
from onnxtwin.exporters.pandas.held import adopt, held, refuse, rows_of
from onnxtwin.exporters.pandas.operators import LABELS
from onnxtwin.exporters.pandas.series import Series

_FULL = slice(None)


def as_column(value: Any, real: pd.Series) -> Cell:
    """The cell of a column that pandas has just assigned ``value`` to; ``real`` is what it made of it."""
    if type(value) is Series:
        if not value.value.index.equals(real.index):
            raise refuse("assigns a column whose rows have other labels", LABELS)
        return Cell(adopt(real, value.held, "the assigned column"), None, value.whole)
    if type(value) is DataFrame:
        return as_column(column_at(value, 0), real)
    if not is_traced(value):
        if (
            np.ndim(value) > 0
            and not isinstance(value, (str, bytes))
            and len(real) > 1
            and not _repeats(held(real))
        ):
            # Judged by the trace: a constant that follows the row count, or a refusal.
            return Cell(Array(held(real)))
        return Cell(Array(held(real)))
    array: Any = constant(value)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 0:
        array = np.broadcast_to(array, (len(real),))
    return Cell(adopt(real, array, "the assigned values"))


def _repeats(values: np.ndarray) -> bool:
    return len({repr(v) for v in values.tolist()}) == 1


def write_frame(frame: DataFrame, key: Any, value: Any) -> None:
    """``frame[key] = value``."""
    if is_traced(key):
        _write_mask(frame, key, value)
        return
    if callable(key):
        raise refuse("assigns through a function", "assign by column name")
    if isinstance(key, slice):
        raise refuse("assigns to rows by position", "assign whole columns")
    after = frame._twin_value.copy()
    after[key] = concrete(value)
    _settle(frame, after, _columns(key), value)


def _columns(key: Any) -> list[Any]:
    return list(key) if isinstance(key, (list, np.ndarray, pd.Index, pd.Series)) else [key]


def _settle(frame: DataFrame, after: pd.DataFrame, labels: list[Any], value: Any) -> None:
    """Take over the columns that pandas has assigned."""
    if not after.columns.is_unique:
        raise refuse("assigns to a frame with duplicate column names", "rename the columns first")
    cells = dict(zip(frame._twin_value.columns, frame._twin_cells, strict=True))
    for i, label in enumerate(labels):
        real = after[label]
        if len(labels) > 1 or isinstance(value, DataFrame) or type(value) is DataFrame:
            cells[label] = as_column(_part(value, i, len(labels)), real)
        else:
            cells[label] = as_column(value, real)
    put(frame, after, [cells[label] for label in after.columns])


def _part(value: Any, i: int, count: int) -> Any:
    if type(value) is DataFrame:
        return column_at(value, i)
    if type(value) is Array and value.ndim == 2:
        return value[:, i]
    if isinstance(value, pd.DataFrame):
        return value.iloc[:, i]
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return value[:, i]
    if isinstance(value, (list, tuple)) and len(value) == count and any(is_traced(v) for v in value):
        return value[i]
    return value


def _write_mask(frame: DataFrame, mask: Any, value: Any) -> None:
    """``frame[mask] = value`` with a mask of the frame's shape."""
    if type(mask) is not DataFrame or np.ndim(concrete(value)) != 0:
        raise refuse(
            "assigns to chosen rows of all columns", "assign column by column: df.loc[mask, 'c'] = value"
        )
    made = frame.mask(mask, value)
    put(frame, made._twin_value, made._twin_cells)


def write_series(series: Series, key: Any, value: Any) -> None:
    """``series[mask] = value`` and ``series[:] = value``."""
    if isinstance(key, slice) and key == _FULL:
        key = Series(
            pd.Series(np.ones(len(series), bool), index=series.value.index), Array(np.ones(len(series), bool))
        )
    if not (is_traced(key) and concrete(key).dtype.kind == "b"):
        raise refuse("assigns to rows of a column by label or position", "assign by a mask, or use np.where")
    made = masked_write(series, key, value)
    series.value, series.held, series._whole = made.value, made.held, made.whole


def masked_write(series: Series, mask: Any, value: Any) -> Series:
    """The column after ``series.loc[mask] = value``; pandas 3 keeps its dtype or raises."""
    if is_traced(value) and type(value) is not Series and np.ndim(concrete(value)) != 0:
        raise refuse("writes as many values as a mask chooses rows", "assign np.where(mask, values, column)")
    if type(value) is not Series and rows_of(value, len(series)) and not isinstance(value, str):
        raise refuse("writes fixed values row by row", "assign np.where(mask, values, column)")
    after = series.value.copy()
    after.loc[concrete(mask)] = concrete(value)
    if after.dtype != series.value.dtype:
        raise refuse(
            f"the assignment changes the column's dtype from {series.value.dtype} to {after.dtype}",
            "convert it with astype first",
        )
    made = series.mask(mask, value)
    if made.value.dtype != after.dtype:
        made = made.astype(after.dtype)
    return Series(after, adopt(after, made.held, "the assignment"), whole=made.whole)


class _Locator(Accessor):
    """What both kinds share."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner = owner
        self.name = name
        self.ndim = owner.ndim

    def __onnxtwin_seen__(self) -> Any:
        return getattr(concrete(self.owner), self.name)

    def __iter__(self) -> Any:
        raise refuse(f"iterates over .{self.name}", "compute on whole columns instead of looping over rows")

    def __call__(self, axis: Any = None) -> Any:
        raise refuse(f".{self.name}(axis=...)", f"choose columns with .{self.name}[:, columns]")


class SeriesLocator(_Locator):
    """``series.loc`` and ``series.iloc``: all rows, or a mask to write through."""

    def __getitem__(self, key: Any) -> Any:
        return self.owner[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        write_series(self.owner, key, value)


class FrameLocator(_Locator):
    """``frame.loc`` and ``frame.iloc``: all rows of some columns; a mask of rows to write through."""

    def _split(self, key: Any) -> tuple[Any, Any]:
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, _FULL)
        if callable(rows) and not is_traced(rows):
            rows = rows(self.owner)
        return rows, columns

    def __getitem__(self, key: Any) -> Any:
        rows, columns = self._split(key)
        if not (isinstance(rows, slice) and rows == _FULL):
            raise refuse(
                "chooses rows of a frame",
                "use where, mask or np.where on whole columns; drop rows before the pipeline",
            )
        real = getattr(self.owner._twin_value, self.name)[:, columns]
        positions = positions_of(self.owner, lambda p: getattr(p, self.name)[:, columns])
        return (
            column_at(self.owner, positions[0])
            if isinstance(real, pd.Series)
            else chosen_columns(self.owner, positions, real)
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, columns = self._split(key)
        if isinstance(rows, slice) and rows == _FULL:
            self._whole_columns(columns, value)
            return
        if not is_traced(rows) or concrete(rows).dtype.kind != "b" or np.ndim(concrete(rows)) != 1:
            raise refuse("assigns to rows by label or position", "assign by a mask, or whole columns")
        self._masked(rows, columns, value)

    def _whole_columns(self, columns: Any, value: Any) -> None:
        after = self.owner._twin_value.copy()
        getattr(after, self.name)[:, columns] = concrete(value)
        if (
            self.name == "loc"
            and not isinstance(columns, (list, np.ndarray, slice, pd.Index))
            and columns not in self.owner._twin_value.columns
        ):
            labels = [columns]
        else:
            labels = [
                self.owner._twin_value.columns[i]
                for i in positions_of(self.owner, lambda p: getattr(p, self.name)[:, columns])
            ]
        _settle(self.owner, after, labels, value)

    def _masked(self, rows: Any, columns: Any, value: Any) -> None:
        frame = self.owner
        new = (
            self.name == "loc"
            and not isinstance(columns, (list, np.ndarray, slice, pd.Index))
            and columns not in frame._twin_value.columns
        )
        if new:
            self._new_column(rows, columns, value)
            return
        for i in positions_of(frame, lambda p: getattr(p, self.name)[:, columns]):
            made = masked_write(column_at(frame, i), rows, value)
            after = frame._twin_value.copy()
            after.isetitem(i, made.value)
            cells = list(frame._twin_cells)
            cells[i] = Cell.of(made)
            put(frame, after, cells)

    def _new_column(self, rows: Any, label: Any, value: Any) -> None:
        """A column that is missing where the mask does not hold."""
        frame = self.owner
        if np.ndim(concrete(value)) != 0 or is_traced(value) or isinstance(value, bool) or is_missing(value):
            raise refuse(
                "makes a column through a mask from such values",
                "make the column first, then assign through the mask",
            )
        after = frame._twin_value.copy()
        after.loc[concrete(rows), label] = value
        real = after[label]
        if isinstance(value, str):
            blank = pd.Series([np.nan] * len(after), index=after.index, dtype="str")
        else:
            blank = pd.Series(np.full(len(after), np.nan), index=after.index)
        made = Series(blank, Array(held(blank))).mask(rows, value)
        real = real.astype(made.value.dtype)
        after[label] = real
        put(frame, after, [*frame._twin_cells, Cell(adopt(real, made.held, "the assignment"))])
