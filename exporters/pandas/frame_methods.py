"""The methods of a traced DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.pandas import frame_operators, operators
from onnxtwin.exporters.pandas.frame import (
    Cell,
    DataFrame,
    chosen_columns,
    column_at,
    columns_of,
    each,
    frame_of,
    frame_of_columns,
    frame_of_matrix,
    is_matrix,
    positions_of,
    put,
)
from onnxtwin.exporters.pandas.held import adopt, held, refuse
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
    return zip(self.columns, columns_of(self), strict=True)


def to_numpy(self: DataFrame, dtype: Any = None, copy: bool = False, na_value: Any = None) -> Array:
    filled = self if na_value is None else fillna(self, na_value)
    assert filled is not None
    array = filled.__onnxtwin_array__()
    return array if dtype is None or np.dtype(dtype) == array.dtype else array.astype(dtype)


def squeeze(self: DataFrame, axis: Any = None) -> Any:
    return column_at(self, 0) if len(self._twin_cells) == 1 else self.copy()  # type: ignore[operator]


def apply(
    self: DataFrame,
    func: Any,
    axis: Any = 0,
    raw: bool = False,
    result_type: Any = None,
    args: Any = (),
    **kwargs: Any,
) -> DataFrame:
    """A function of whole columns; of rows, it is refused."""
    if axis not in (0, "index") or raw or result_type is not None or not callable(func):
        raise refuse(
            "DataFrame.apply row by row", "compute on whole columns: operators, np.where, map with a dict"
        )
    made = [func(series, *args, **kwargs) for series in columns_of(self)]
    if any(type(m) is not Series for m in made):
        raise refuse(
            "DataFrame.apply with a function that answers something other than a column",
            "give one column for each column",
        )
    return frame_of_columns(made, self._twin_value)


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


def astype(self: DataFrame, dtype: Any, copy: Any = None, errors: str = "raise") -> DataFrame:
    if isinstance(dtype, dict):
        unknown = [name for name in dtype if name not in self._twin_value.columns]
        if unknown:
            raise KeyError(f"{unknown} not found in columns")
        columns = [
            column_at(self, i).astype(dtype[c], errors=errors) if c in dtype else column_at(self, i)
            for i, c in enumerate(self.columns)
        ]
        cells = [
            Cell.of(s) if c in dtype else self._twin_cells[i]
            for i, (c, s) in enumerate(zip(self.columns, columns, strict=True))
        ]
        return frame_of(frame_of_columns(columns, self._twin_value)._twin_value, cells)
    if all(d == dtype for d in self._twin_value.dtypes):
        return self.copy()  # type: ignore[no-any-return]
    if is_matrix(self) and np.dtype(dtype).kind == "f":
        real = self._twin_value.astype(dtype)
        return frame_of_matrix(real, self.__onnxtwin_array__().astype(dtype))
    return each(self, lambda c: c.astype(dtype, errors=errors))


def fillna(
    self: DataFrame, value: Any = None, *, axis: Any = None, inplace: bool = False, limit: Any = None
) -> DataFrame | None:
    """A scalar, or one value a column in a dict, a Series of constants or another frame."""
    if axis not in (None, 0, "index") or type(value) is Series:
        raise refuse("fillna of a frame with a computed column", "fill column by column")
    cells, columns = (
        list(self._twin_cells),
        [self._twin_value.iloc[:, i] for i in range(len(self._twin_cells))],
    )
    keys = (
        list(value.columns)
        if type(value) is DataFrame
        else list(value.keys())
        if isinstance(value, (dict, pd.Series, pd.DataFrame))
        else None
    )
    for i, label in enumerate(self.columns):
        if keys is not None and label not in keys:
            continue
        column = column_at(self, i)
        made = column.fillna(value if keys is None else value[label], limit=limit)
        cells[i], columns[i] = (
            (self._twin_cells[i] if made.held is column.held else Cell.of(made)),
            made.value,
        )
    real = pd.concat(columns, axis=1)
    real.columns = self._twin_value.columns
    return settle(self, frame_of(real, cells), inplace)


def isna(self: DataFrame) -> DataFrame:
    if is_matrix(self) and self._twin_value.dtypes.iloc[0].kind == "f":
        return frame_of_matrix(self._twin_value.isna(), np.isnan(self.__onnxtwin_array__()))
    return each(self, lambda c: c.isna())


def notna(self: DataFrame) -> DataFrame:
    return ~isna(self)  # type: ignore[operator,no-any-return]


def _where(name: str) -> Callable[..., Any]:
    def method(
        self: DataFrame,
        cond: Any,
        other: Any = np.nan,
        *,
        inplace: bool = False,
        axis: Any = None,
        level: Any = None,
    ) -> Any:
        condition = cond(self) if callable(cond) and not is_traced(cond) else cond
        if type(condition) is Series or axis in (1, "columns"):
            raise refuse(
                f"DataFrame.{name} with a column as the condition", f"use Series.{name} column by column"
            )
        sides = (self, condition, np.nan if other is _NO else other)
        made = frame_operators.columnwise(lambda column, c, o: getattr(column, name)(c, o), sides, self)
        return settle(self, made, inplace)

    return method


def clip(
    self: DataFrame,
    lower: Any = None,
    upper: Any = None,
    *,
    axis: Any = None,
    inplace: bool = False,
    **kwargs: Any,
) -> Any:
    rows = axis in (0, "index")

    def each(column: Any, low: Any, high: Any) -> Any:
        return column.clip(low, high, **kwargs)

    if rows:
        return settle(self, each(self, lambda c: c.clip(lower, upper, **kwargs)), inplace)
    return settle(self, frame_operators.columnwise(each, (self, lower, upper), self), inplace)


def round(self: DataFrame, decimals: Any = 0, *args: Any, **kwargs: Any) -> DataFrame:
    if isinstance(decimals, (dict, pd.Series)):
        columns = [
            column_at(self, i).round(decimals[c]) if c in decimals else column_at(self, i)
            for i, c in enumerate(self.columns)
        ]
        return frame_of_columns(columns, self._twin_value)
    numbers = [column_at(self, i) for i in range(len(self._twin_cells))]
    return frame_of_columns(
        [c.round(decimals) if c.kind in ("number", "nullable") else c for c in numbers], self._twin_value
    )


def replace(
    self: DataFrame, to_replace: Any = None, value: Any = _NO, *, inplace: bool = False, regex: Any = False
) -> Any:
    nested = isinstance(to_replace, dict) and (
        any(isinstance(v, dict) for v in to_replace.values()) or value is not _NO
    )

    def replaced(i: int, label: Any) -> Any:
        one = column_at(self, i)
        if not nested:
            return one.replace(to_replace, value, regex=regex)
        if label not in to_replace:
            return one
        inner = to_replace[label]
        if isinstance(inner, dict):
            return one.replace(inner, regex=regex)
        return one.replace(inner, value[label] if isinstance(value, dict) else value, regex=regex)

    return settle(
        self,
        frame_of_columns([replaced(i, c) for i, c in enumerate(self.columns)], self._twin_value),
        inplace,
    )


def isin(self: DataFrame, values: Any) -> DataFrame:
    if isinstance(values, dict):
        return frame_of_columns(
            [column_at(self, i).isin(values.get(c, [])) for i, c in enumerate(self.columns)], self._twin_value
        )
    return each(self, lambda c: c.isin(values))


def _reduction(name: str) -> Callable[..., Any]:
    """Reductions over the columns of each row; over the rows they are refused."""

    def method(
        self: DataFrame, *, axis: Any = 0, skipna: bool = True, numeric_only: bool = False, **kwargs: Any
    ) -> Series:
        from onnxtwin.exporters.pandas.row_reductions import reduce_row

        if axis not in (1, "columns"):
            raise refuse(
                f"DataFrame.{name} over the rows: the answer for one row would depend on the others",
                f"use {name}(axis=1), or compute it when fitting",
            )
        frame = select_dtypes(self, include=["number", "bool"]) if numeric_only else self
        with np.errstate(all="ignore"):
            real = getattr(frame._twin_value, name)(axis=1, skipna=skipna, **kwargs)
        array, real = reduce_row(name, frame, real, skipna, kwargs)
        return Series(real, adopt(real, array, f"{name}(axis=1)"))

    def flexible(self: DataFrame, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Series:
        return method(self, axis=axis, skipna=skipna, **kwargs)

    return flexible


def count(self: DataFrame, axis: Any = 0, numeric_only: bool = False) -> Series:
    if axis not in (1, "columns"):
        raise refuse(
            "DataFrame.count over the rows: the answer for one row would depend on the others",
            "use count(axis=1)",
        )
    frame = select_dtypes(self, include=["number", "bool"]) if numeric_only else self
    real = self._twin_value.count(axis=1, numeric_only=numeric_only)
    return Series(
        real, adopt(real, notna(frame).__onnxtwin_array__().astype(np.int64).sum(axis=1), "count(axis=1)")
    )


def join(
    self: DataFrame,
    other: Any,
    on: Any = None,
    how: str = "left",
    lsuffix: str = "",
    rsuffix: str = "",
    **kwargs: Any,
) -> DataFrame:
    """Columns of another traced frame or column of the same rows."""
    if on is not None or how != "left" or kwargs or not hasattr(type(other), "__onnxtwin_value__"):
        raise refuse("DataFrame.join by keys", "map the key column with a dict for each joined column")
    real = self._twin_value.join(concrete(other), lsuffix=lsuffix, rsuffix=rsuffix)
    cells = other._twin_cells if type(other) is DataFrame else [Cell.of(other)]
    return frame_of(real, [*self._twin_cells, *cells])


def infer_objects(self: DataFrame, copy: Any = None) -> DataFrame:
    return each(self, lambda c: c.infer_objects())


METHODS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        copy, assign, insert, pop, get, drop, rename, add_prefix, add_suffix, set_axis, filter, select_dtypes, reindex, take, pipe, reset_index, astype, fillna,
        isna, notna, keys, items, to_numpy, squeeze, apply, count, clip, round, replace, isin, join, infer_objects,
    )
}  # fmt: skip
METHODS |= {"isnull": isna, "notnull": notna, "where": _where("where"), "mask": _where("mask")}
METHODS |= {
    name: _reduction(name) for name in ("sum", "mean", "min", "max", "any", "all", "prod", "std", "var")
}
for _name in operators.UFUNCS:
    if _name not in operators.LOGIC:
        METHODS[_name] = frame_operators.flexible(_name)
        if _name not in operators.COMPARISONS:
            METHODS[f"r{_name}"] = frame_operators.flexible(_name, swapped=True)
METHODS |= {
    "div": METHODS["truediv"],
    "divide": METHODS["truediv"],
    "subtract": METHODS["sub"],
    "multiply": METHODS["mul"],
}


def install() -> None:
    """Give the traced frame its methods and operators."""
    for name, function in METHODS.items():
        setattr(DataFrame, name, function)
    for name in operators.UFUNCS:

        def forward(self: Any, other: Any, name: str = name) -> Any:
            return frame_operators.binary(name, self, other)

        def backward(self: Any, other: Any, name: str = name) -> Any:
            return frame_operators.binary(name, other, self)

        setattr(DataFrame, f"__{name}__", forward)
        if name not in operators.COMPARISONS:
            setattr(DataFrame, f"__r{name}__", backward)
    unaries: dict[str, np.ufunc] = {"neg": np.negative, "invert": np.invert, "abs": np.absolute}
    for name, ufunc in unaries.items():

        def one(self: Any, ufunc: np.ufunc = ufunc) -> Any:
            return ufunc(self)

        setattr(DataFrame, f"__{name}__", one)
    DataFrame.abs = DataFrame.__abs__  # type: ignore[attr-defined]
