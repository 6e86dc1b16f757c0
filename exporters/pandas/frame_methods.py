"""The methods of a traced DataFrame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.pandas import frame_operators, operators
from onnxtwin.exporters.pandas.frame import Cell, DataFrame, from_columns
from onnxtwin.exporters.pandas.held import adopt, held, missing_values, refuse
from onnxtwin.exporters.pandas.series import Series
from onnxtwin.exporters.pandas.writing import as_column

_NO = pd.api.extensions.no_default


def settle(self: DataFrame, made: DataFrame, inplace: bool) -> DataFrame | None:
    """The result, or with ``inplace`` None and ``self`` changed."""
    if not inplace:
        return made
    self.value, self.cells = made.value, made.cells
    return None


def _chosen(self: DataFrame, choose: Callable[[pd.DataFrame], pd.DataFrame]) -> DataFrame:
    """Columns that pandas chooses."""
    return self.chosen(self.positions(choose), choose(self.value))


def copy(self: DataFrame, deep: bool = True) -> DataFrame:
    return DataFrame.of(self.value.copy(), self.cells)


def assign(self: DataFrame, **kwargs: Any) -> DataFrame:
    made = copy(self)
    for name, value in kwargs.items():
        made[name] = value(made) if callable(value) and not is_traced(value) else value
    return made


def insert(self: DataFrame, loc: int, column: Any, value: Any, allow_duplicates: Any = _NO) -> None:
    if column in self.value.columns:
        raise ValueError(f"cannot insert {column}, already exists")
    after = self.value.copy()
    after.insert(loc, column, concrete(value))
    self.cells.insert(loc, as_column(value, after[column]))
    self.value = after


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
    self: DataFrame, labels: Any = None, *, axis: Any = 0, index: Any = None, columns: Any = None, level: Any = None, inplace: bool = False, errors: Any = "raise"
) -> DataFrame | None:
    if axis in (0, "index") and labels is not None or index is not None or level is not None:
        raise refuse("drops rows", "drop rows before the pipeline")
    gone = labels if columns is None else columns
    return settle(self, _chosen(self, lambda f: f.drop(columns=gone, errors=errors)), inplace)


def rename(self: DataFrame, mapper: Any = None, *, index: Any = None, columns: Any = None, axis: Any = None, copy: Any = None, inplace: bool = False, level: Any = None, errors: Any = "ignore") -> DataFrame | None:
    if index is not None or mapper is not None and axis not in (1, "columns"):
        raise refuse("renames the rows", "leave the index as it is: a graph has none")
    real = self.value.rename(columns=mapper if columns is None else columns, errors=errors)
    return settle(self, DataFrame.of(real, self.cells), inplace)


def add_prefix(self: DataFrame, prefix: str, axis: Any = None) -> DataFrame:
    return DataFrame.of(self.value.add_prefix(prefix), self.cells)


def add_suffix(self: DataFrame, suffix: str, axis: Any = None) -> DataFrame:
    return DataFrame.of(self.value.add_suffix(suffix), self.cells)


def set_axis(self: DataFrame, labels: Any, *, axis: Any = 0, copy: Any = None) -> DataFrame:
    if axis not in (1, "columns"):
        raise refuse("gives the rows other labels", "leave the index as it is: a graph has none")
    return DataFrame.of(self.value.set_axis(labels, axis=1), self.cells)


def filter(self: DataFrame, items: Any = None, like: Any = None, regex: Any = None, axis: Any = None) -> DataFrame:
    if axis not in (None, 1, "columns"):
        raise refuse("filters the rows by label", "filter rows before the pipeline")
    return _chosen(self, lambda f: f.filter(items=items, like=like, regex=regex, axis=1))


def select_dtypes(self: DataFrame, include: Any = None, exclude: Any = None) -> DataFrame:
    numbered = self.value.iloc[:0].set_axis(range(len(self.cells)), axis=1)
    kept = numbered.select_dtypes(include, exclude).columns.tolist()
    return self.chosen(kept, self.value.iloc[:, kept])


def reindex(self: DataFrame, labels: Any = None, *, index: Any = None, columns: Any = None, axis: Any = None, fill_value: Any = np.nan, **kwargs: Any) -> DataFrame:
    wanted = labels if columns is None and axis in (1, "columns") else columns
    if wanted is None or index is not None or any(v is not None for v in kwargs.values()):
        raise refuse("reindexes the rows", "leave the index as it is: a graph has none")
    real = self.value.reindex(columns=wanted, fill_value=fill_value)
    old = dict(zip(self.value.columns, self.cells, strict=True))
    cells = [old[label] if label in old else Cell(Array(held(real[label]))) for label in real.columns]
    return DataFrame.of(real, cells)


def take(self: DataFrame, indices: Any, axis: Any = 0, **kwargs: Any) -> DataFrame:
    if axis not in (1, "columns") or is_traced(indices):
        raise refuse("takes rows of a frame", "take columns (axis=1), or choose rows before the pipeline")
    return _chosen(self, lambda f: f.take(indices, axis=1))


def pipe(self: DataFrame, func: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(func, tuple):
        function, name = func
        return function(*args, **{**kwargs, name: self})
    return func(self, *args, **kwargs)


def reset_index(self: DataFrame, level: Any = None, *, drop: bool = False, inplace: bool = False, **kwargs: Any) -> DataFrame | None:
    if not drop or level is not None:
        raise refuse("turns the row labels into a column", "reset_index(drop=True), or leave the index: a graph has none")
    return settle(self, DataFrame.of(self.value.reset_index(drop=True), self.cells), inplace)


def astype(self: DataFrame, dtype: Any, copy: Any = None, errors: str = "raise") -> DataFrame:
    if isinstance(dtype, dict):
        unknown = [name for name in dtype if name not in self.value.columns]
        if unknown:
            raise KeyError(f"{unknown} not found in columns")
        columns = [self.column(i).astype(dtype[c], errors=errors) if c in dtype else self.column(i) for i, c in enumerate(self.columns)]
        cells = [Cell.of(s) if c in dtype else self.cells[i] for i, (c, s) in enumerate(zip(self.columns, columns, strict=True))]
        return DataFrame.of(from_columns(columns, self.value).value, cells)
    if all(d == dtype for d in self.value.dtypes):
        return self.copy()  # type: ignore[no-any-return]
    if self.is_matrix() and np.dtype(dtype).kind == "f":
        real = self.value.astype(dtype)
        return DataFrame.from_matrix(real, self.__onnxtwin_array__().astype(dtype))
    return self.each(lambda c: c.astype(dtype, errors=errors))


def fillna(self: DataFrame, value: Any = None, *, axis: Any = None, inplace: bool = False, limit: Any = None) -> DataFrame | None:
    """A scalar, or one value a column in a dict, a Series of constants or another frame."""
    if axis not in (None, 0, "index") or type(value) is Series:
        raise refuse("fillna of a frame with a computed column", "fill column by column")
    cells, columns = list(self.cells), [self.value.iloc[:, i] for i in range(len(self.cells))]
    keys = list(value.columns) if type(value) is DataFrame else list(value.keys()) if isinstance(value, (dict, pd.Series, pd.DataFrame)) else None
    for i, label in enumerate(self.columns):
        if keys is not None and label not in keys:
            continue
        column = self.column(i)
        made = column.fillna(value if keys is None else value[label], limit=limit)
        cells[i], columns[i] = (self.cells[i] if made.array is column.array else Cell.of(made)), made.value
    real = pd.concat(columns, axis=1)
    real.columns = self.value.columns
    return settle(self, DataFrame.of(real, cells), inplace)


def isna(self: DataFrame) -> DataFrame:
    if self.is_matrix() and self.value.dtypes.iloc[0].kind == "f":
        return DataFrame.from_matrix(self.value.isna(), np.isnan(self.__onnxtwin_array__()))
    return self.each(lambda c: c.isna())


def notna(self: DataFrame) -> DataFrame:
    return ~isna(self)  # type: ignore[operator,no-any-return]


def _where(name: str) -> Callable[..., Any]:
    def method(self: DataFrame, cond: Any, other: Any = np.nan, *, inplace: bool = False, axis: Any = None, level: Any = None) -> Any:
        condition = cond(self) if callable(cond) and not is_traced(cond) else cond
        if type(condition) is Series or axis in (1, "columns"):
            raise refuse(f"DataFrame.{name} with a column as the condition", f"use Series.{name} column by column")
        sides = (self, condition, np.nan if other is _NO else other)
        made = frame_operators.columnwise(lambda column, c, o: getattr(column, name)(c, o), sides, self)
        return settle(self, made, inplace)

    return method


def clip(self: DataFrame, lower: Any = None, upper: Any = None, *, axis: Any = None, inplace: bool = False, **kwargs: Any) -> Any:
    rows = axis in (0, "index")

    def each(column: Any, low: Any, high: Any) -> Any:
        return column.clip(low, high, **kwargs)

    if rows:
        return settle(self, self.each(lambda c: c.clip(lower, upper, **kwargs)), inplace)
    return settle(self, frame_operators.columnwise(each, (self, lower, upper), self), inplace)


def round(self: DataFrame, decimals: Any = 0, *args: Any, **kwargs: Any) -> DataFrame:
    if isinstance(decimals, (dict, pd.Series)):
        columns = [self.column(i).round(decimals[c]) if c in decimals else self.column(i) for i, c in enumerate(self.columns)]
        return from_columns(columns, self.value)
    numbers = [self.column(i) for i in range(len(self.cells))]
    return from_columns([c.round(decimals) if c.kind in ("number", "nullable") else c for c in numbers], self.value)


def replace(self: DataFrame, to_replace: Any = None, value: Any = _NO, *, inplace: bool = False, regex: Any = False) -> Any:
    nested = isinstance(to_replace, dict) and (any(isinstance(v, dict) for v in to_replace.values()) or value is not _NO)

    def column(i: int, label: Any) -> Any:
        one = self.column(i)
        if not nested:
            return one.replace(to_replace, value, regex=regex)
        if label not in to_replace:
            return one
        inner = to_replace[label]
        if isinstance(inner, dict):
            return one.replace(inner, regex=regex)
        return one.replace(inner, value[label] if isinstance(value, dict) else value, regex=regex)

    return settle(self, from_columns([column(i, c) for i, c in enumerate(self.columns)], self.value), inplace)


def isin(self: DataFrame, values: Any) -> DataFrame:
    if isinstance(values, dict):
        return from_columns([self.column(i).isin(values.get(c, [])) for i, c in enumerate(self.columns)], self.value)
    return self.each(lambda c: c.isin(values))


def _reduction(name: str) -> Callable[..., Any]:
    """Reductions over the columns of each row; over the rows they are refused."""

    def method(self: DataFrame, *, axis: Any = 0, skipna: bool = True, numeric_only: bool = False, **kwargs: Any) -> Series:
        from onnxtwin.exporters.pandas.row_reductions import reduce_row

        if axis not in (1, "columns"):
            raise refuse(f"DataFrame.{name} over the rows: the answer for one row would depend on the others", f"use {name}(axis=1), or compute it when fitting")
        frame = select_dtypes(self, include=["number", "bool"]) if numeric_only else self
        with np.errstate(all="ignore"):
            real = getattr(frame.value, name)(axis=1, skipna=skipna, **kwargs)
        array, real = reduce_row(name, frame, real, skipna, kwargs)
        return Series(real, adopt(real, array, f"{name}(axis=1)"))

    def flexible(self: DataFrame, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Series:
        return method(self, axis=axis, skipna=skipna, **kwargs)

    return flexible


def count(self: DataFrame, axis: Any = 0, numeric_only: bool = False) -> Series:
    if axis not in (1, "columns"):
        raise refuse("DataFrame.count over the rows: the answer for one row would depend on the others", "use count(axis=1)")
    frame = select_dtypes(self, include=["number", "bool"]) if numeric_only else self
    real = self.value.count(axis=1, numeric_only=numeric_only)
    return Series(real, adopt(real, notna(frame).__onnxtwin_array__().astype(np.int64).sum(axis=1), "count(axis=1)"))


def join(self: DataFrame, other: Any, on: Any = None, how: str = "left", lsuffix: str = "", rsuffix: str = "", **kwargs: Any) -> DataFrame:
    """Columns of another traced frame or column of the same rows."""
    if on is not None or how != "left" or kwargs or not hasattr(type(other), "__onnxtwin_value__"):
        raise refuse("DataFrame.join by keys", "map the key column with a dict for each joined column")
    real = self.value.join(concrete(other), lsuffix=lsuffix, rsuffix=rsuffix)
    cells = other.cells if type(other) is DataFrame else [Cell.of(other)]
    return DataFrame.of(real, [*self.cells, *cells])


def infer_objects(self: DataFrame, copy: Any = None) -> DataFrame:
    return self.each(lambda c: c.infer_objects())


METHODS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        copy, assign, insert, pop, get, drop, rename, add_prefix, add_suffix, set_axis, filter, select_dtypes, reindex, take, pipe, reset_index, astype, fillna,
        isna, notna, count, clip, round, replace, isin, join, infer_objects,
    )
}  # fmt: skip
METHODS |= {"isnull": isna, "notnull": notna, "where": _where("where"), "mask": _where("mask")}
METHODS |= {name: _reduction(name) for name in ("sum", "mean", "min", "max", "any", "all", "prod", "std", "var")}
for _name in operators.UFUNCS:
    if _name not in operators.LOGIC:
        METHODS[_name] = frame_operators.flexible(_name)
        if _name not in operators.COMPARISONS:
            METHODS[f"r{_name}"] = frame_operators.flexible(_name, swapped=True)
METHODS |= {"div": METHODS["truediv"], "divide": METHODS["truediv"], "subtract": METHODS["sub"], "multiply": METHODS["mul"]}


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


