"""The methods of a traced DataFrame that choose, order, name and add columns; no value is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.pandas.frame import (
    Cell,
    DataFrame,
    chosen_columns,
    column_at,
    columns_of,
    frame_of,
    positions_of,
    put,
)
from onnxtwin.exporters.pandas.held import held, refuse
from onnxtwin.exporters.pandas.operators import LABELS
from onnxtwin.exporters.pandas.series import Series
from onnxtwin.exporters.pandas.writing import as_column

_NO = pd.api.extensions.no_default


def settle(self: DataFrame, made: DataFrame, inplace: bool) -> DataFrame | None:
    """The result, or with ``inplace`` None and ``self`` changed."""
    if not inplace:
        return made
    put(self, made._twin_value, made._twin_cells)
    return None


def _chosen(self: DataFrame, choose: Callable[[pd.DataFrame], pd.DataFrame]) -> DataFrame:
    """Columns that pandas chooses."""
    return chosen_columns(self, positions_of(self, choose), choose(self._twin_value))


def copy(self: DataFrame, deep: bool = True) -> DataFrame:
    return frame_of(self._twin_value.copy(), self._twin_cells)


def assign(self: DataFrame, **kwargs: Any) -> DataFrame:
    made = copy(self)
    for name, value in kwargs.items():
        made[name] = value(made) if callable(value) and not is_traced(value) else value
    return made


def insert(self: DataFrame, loc: int, column: Any, value: Any, allow_duplicates: Any = _NO) -> None:
    if column in self._twin_value.columns:
        raise ValueError(f"cannot insert {column}, already exists")
    after = self._twin_value.copy()
    after.insert(loc, column, concrete(value))
    self._twin_cells.insert(loc, as_column(value, after[column]))
    self._twin_value = after


def pop(self: DataFrame, item: Any) -> Series:
    column: Series = self[item]
    del self[item]
    return column


def get(self: DataFrame, key: Any, default: Any = None) -> Any:
    try:
        return self[key]
    except KeyError:
        return default


def drop(
    self: DataFrame,
    labels: Any = None,
    *,
    axis: Any = 0,
    index: Any = None,
    columns: Any = None,
    level: Any = None,
    inplace: bool = False,
    errors: Any = "raise",
) -> DataFrame | None:
    if axis in (0, "index") and labels is not None or index is not None or level is not None:
        raise refuse("drops rows", "drop rows before the pipeline")
    gone = labels if columns is None else columns
    return settle(self, _chosen(self, lambda f: f.drop(columns=gone, errors=errors)), inplace)


def rename(
    self: DataFrame,
    mapper: Any = None,
    *,
    index: Any = None,
    columns: Any = None,
    axis: Any = None,
    copy: Any = None,
    inplace: bool = False,
    level: Any = None,
    errors: Any = "ignore",
) -> DataFrame | None:
    if index is not None or mapper is not None and axis not in (1, "columns"):
        raise refuse("renames the rows", "leave the index as it is: a graph has none")
    real = self._twin_value.rename(columns=mapper if columns is None else columns, errors=errors)
    return settle(self, frame_of(real, self._twin_cells), inplace)


def add_prefix(self: DataFrame, prefix: str, axis: Any = None) -> DataFrame:
    return frame_of(self._twin_value.add_prefix(prefix), self._twin_cells)


def add_suffix(self: DataFrame, suffix: str, axis: Any = None) -> DataFrame:
    return frame_of(self._twin_value.add_suffix(suffix), self._twin_cells)


def set_axis(self: DataFrame, labels: Any, *, axis: Any = 0, copy: Any = None) -> DataFrame:
    if axis not in (1, "columns"):
        raise refuse("gives the rows other labels", "leave the index as it is: a graph has none")
    return frame_of(self._twin_value.set_axis(labels, axis=1), self._twin_cells)


def filter(
    self: DataFrame, items: Any = None, like: Any = None, regex: Any = None, axis: Any = None
) -> DataFrame:
    if axis not in (None, 1, "columns"):
        raise refuse("filters the rows by label", "filter rows before the pipeline")
    return _chosen(self, lambda f: f.filter(items=items, like=like, regex=regex, axis=1))


def select_dtypes(self: DataFrame, include: Any = None, exclude: Any = None) -> DataFrame:
    numbered = self._twin_value.iloc[:0].set_axis(range(len(self._twin_cells)), axis=1)
    kept = numbered.select_dtypes(include, exclude).columns.tolist()
    return chosen_columns(self, kept, self._twin_value.iloc[:, kept])


def reindex(
    self: DataFrame,
    labels: Any = None,
    *,
    index: Any = None,
    columns: Any = None,
    axis: Any = None,
    fill_value: Any = np.nan,
    **kwargs: Any,
) -> DataFrame:
    wanted = labels if columns is None and axis in (1, "columns") else columns
    if wanted is None or index is not None or any(v is not None for v in kwargs.values()):
        raise refuse("reindexes the rows", "leave the index as it is: a graph has none")
    real = self._twin_value.reindex(columns=wanted, fill_value=fill_value)
    old = dict(zip(self._twin_value.columns, self._twin_cells, strict=True))
    cells = [old[label] if label in old else Cell(Array(held(real[label]))) for label in real.columns]
    return frame_of(real, cells)


def take(self: DataFrame, indices: Any, axis: Any = 0, **kwargs: Any) -> DataFrame:
    if axis not in (1, "columns") or is_traced(indices):
        raise refuse("takes rows of a frame", "take columns (axis=1), or choose rows before the pipeline")
    return _chosen(self, lambda f: f.take(indices, axis=1))


def keys(self: DataFrame) -> pd.Index:
    return self.columns


def items(self: DataFrame) -> Iterator[tuple[Any, Series]]:
    yield from zip(self.columns, columns_of(self), strict=True)


def squeeze(self: DataFrame, axis: Any = None) -> Any:
    return column_at(self, 0) if len(self._twin_cells) == 1 else copy(self)


def pipe(self: DataFrame, func: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(func, tuple):
        function, name = func
        return function(*args, **{**kwargs, name: self})
    return func(self, *args, **kwargs)


def reset_index(
    self: DataFrame, level: Any = None, *, drop: bool = False, inplace: bool = False, **kwargs: Any
) -> DataFrame | None:
    if not drop or level is not None:
        raise refuse(
            "turns the row labels into a column",
            "reset_index(drop=True), or leave the index: a graph has none",
        )
    return settle(self, frame_of(self._twin_value.reset_index(drop=True), self._twin_cells), inplace)


def join(self: DataFrame, other: Any, on: Any = None, how: str = "left", **kwargs: Any) -> DataFrame:
    """Columns of another traced frame or column of the same rows."""
    if on is not None or how != "left" or not hasattr(type(other), "__onnxtwin_value__"):
        raise refuse("DataFrame.join by keys", "map the key column with a dict for each joined column")
    real = self._twin_value.join(concrete(other), **kwargs)
    if len(real) != len(self) or not real.index.equals(self._twin_value.index):
        raise refuse("DataFrame.join of tables whose rows have different labels", LABELS)
    cells = other._twin_cells if type(other) is DataFrame else [Cell.of(other)]
    return frame_of(real, [*self._twin_cells, *cells])


METHODS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        copy,
        assign,
        insert,
        pop,
        get,
        drop,
        rename,
        add_prefix,
        add_suffix,
        set_axis,
        filter,
        select_dtypes,
        reindex,
        take,
        keys,
        items,
        squeeze,
        pipe,
        reset_index,
        join,
    )
}
