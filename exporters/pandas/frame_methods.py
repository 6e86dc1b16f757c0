"""The methods of a traced DataFrame that compute values, column by column or in one matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, constant, is_traced
from onnxtwin.exporters.pandas import asked, frame_columns, frame_operators, operators
from onnxtwin.exporters.pandas.frame import (
    Cell,
    DataFrame,
    columns_of,
    each,
    frame_of,
    frame_of_columns,
    frame_of_matrix,
    is_matrix,
    put,
)
from onnxtwin.exporters.pandas.frame_columns import select_dtypes, settle
from onnxtwin.exporters.pandas.held import adopt, refuse
from onnxtwin.exporters.pandas.row_reductions import reduce_row
from onnxtwin.exporters.pandas.series import Series

_NO = pd.api.extensions.no_default
_ROWS = (0, "index")


def _floats(frame: DataFrame, *others: Any) -> bool:
    """Whether a frame is one matrix of floats, and each of ``others`` a number that goes with all of them."""
    plain = all(type(other) in (int, float) for other in others)
    return plain and is_matrix(frame) and frame._twin_value.dtypes.iloc[0].kind == "f"


def _truths(condition: DataFrame, frame: DataFrame) -> bool:
    """Whether a condition is one matrix of booleans with the columns of ``frame``."""
    alike = list(condition.columns) == list(frame.columns)
    return alike and is_matrix(condition) and condition._twin_value.dtypes.iloc[0].kind == "b"


def _checked(real: pd.DataFrame, matrix: Any) -> DataFrame:
    """A frame over ``matrix``, whose values pandas' own must be."""
    made = constant(matrix)
    for i in range(real.shape[1]):
        adopt(real.iloc[:, i], Array(made.value[:, i]), "a frame")
    return frame_of_matrix(real, made)


def some(frame: DataFrame, made: dict[int, Series]) -> DataFrame:
    """The frame with the columns at some positions exchanged."""
    whole = [made.get(i, column) for i, column in enumerate(columns_of(frame))]
    cells = [Cell.of(made[i]) if i in made else cell for i, cell in enumerate(frame._twin_cells)]
    return frame_of(frame_of_columns(whole, frame._twin_value)._twin_value, cells)


def to_numpy(self: DataFrame, dtype: Any = None, copy: bool = False, na_value: Any = None) -> Array:
    filled = self if na_value is None else fillna(self, na_value)
    array: Array = filled.__onnxtwin_array__()
    if dtype is not None and np.dtype(dtype) != array.dtype:
        return array.astype(dtype)
    return array.copy() if copy or na_value is not None else array


def apply(self: DataFrame, func: Any, axis: Any = 0, **kwargs: Any) -> DataFrame:
    """A function of whole columns; a function of rows is refused."""
    if axis not in _ROWS or not callable(func) or kwargs.pop("raw", False):
        raise refuse("DataFrame.apply row by row", "compute on whole columns: operators, np.where, map")
    if kwargs.pop("result_type", None) is not None:
        raise refuse("DataFrame.apply with result_type=", "give one column for each column")
    args = kwargs.pop("args", ())
    made = [func(series, *args, **kwargs) for series in columns_of(self)]
    if any(type(m) is not Series for m in made):
        raise refuse(
            "DataFrame.apply of a function that answers no column", "give one column for each column"
        )
    return frame_of_columns(made, self._twin_value)


def astype(self: DataFrame, dtype: Any, copy: Any = None, errors: str = "raise") -> DataFrame:
    if isinstance(dtype, dict):
        unknown = [name for name in dtype if name not in self._twin_value.columns]
        if unknown:
            raise KeyError(f"{unknown} not found in columns")
        labelled = enumerate(zip(self.columns, columns_of(self), strict=True))
        return some(
            self, {i: c.astype(dtype[label], errors=errors) for i, (label, c) in labelled if label in dtype}
        )
    if all(d == dtype for d in self._twin_value.dtypes):
        return frame_columns.copy(self)
    if is_matrix(self) and np.dtype(dtype).kind == "f":
        real = self._twin_value.astype(dtype)
        return frame_of_matrix(real, self.__onnxtwin_array__().astype(dtype))
    return each(self, lambda c: c.astype(dtype, errors=errors))


def fillna(
    self: DataFrame, value: Any = None, *, axis: Any = None, inplace: bool = False, limit: Any = None
) -> Any:
    """A scalar, or one value a column in a dict, a Series of constants or another frame."""
    if axis not in (None, *_ROWS) or type(value) is Series:
        raise refuse("fillna of a frame with a computed column", "fill column by column")
    if _floats(self, value) and limit is None:
        matrix = self.__onnxtwin_array__()
        filled = np.where(np.isnan(matrix), matrix.dtype.type(value), matrix)
        return settle(self, _checked(self._twin_value.fillna(value), filled), inplace)
    by_column = isinstance(value, (dict, pd.Series, pd.DataFrame))
    labels = set(value.keys()) if by_column else set(self.columns)
    made = {
        i: column.fillna(value[label] if by_column else value, limit=limit)
        for i, (label, column) in enumerate(zip(self.columns, columns_of(self), strict=True))
        if label in labels and column.value.dtype.kind not in "iub"
    }
    return settle(self, some(self, made), inplace)


def isna(self: DataFrame) -> DataFrame:
    if is_matrix(self) and self._twin_value.dtypes.iloc[0].kind == "f":
        return frame_of_matrix(self._twin_value.isna(), constant(np.isnan(self.__onnxtwin_array__())))
    return each(self, lambda c: c.isna())


def notna(self: DataFrame) -> DataFrame:
    return isna(self).__invert__()  # type: ignore[no-any-return]


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
                f"DataFrame.{name} with one column as the condition", f"use Series.{name} on each column"
            )
        other = np.nan if other is _NO else other
        if type(condition) is DataFrame and _floats(self, other) and _truths(condition, self):
            matrix, mask = self.__onnxtwin_array__(), condition.__onnxtwin_array__()
            fill = matrix.dtype.type(other)
            chosen = np.where(mask, matrix, fill) if name == "where" else np.where(mask, fill, matrix)
            real = getattr(self._twin_value, name)(condition._twin_value, other)
            return settle(self, _checked(real, chosen), inplace)
        sides = (self, condition, other)
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
    bounds = [bound for bound in (lower, upper) if bound is not None]
    if _floats(self, *bounds) and not any(bound != bound for bound in bounds) and not kwargs:
        matrix: Any = self.__onnxtwin_array__()
        low, high = (lower, upper) if len(bounds) < 2 else (min(bounds), max(bounds))
        matrix = matrix if low is None else np.where(matrix < low, matrix.dtype.type(low), matrix)
        matrix = matrix if high is None else np.where(matrix > high, matrix.dtype.type(high), matrix)
        return settle(self, _checked(self._twin_value.clip(lower, upper), matrix), inplace)
    if axis in _ROWS:
        return settle(self, each(self, lambda c: c.clip(lower, upper, **kwargs)), inplace)
    sides = (self, lower, upper)
    made = frame_operators.columnwise(lambda column, low, high: column.clip(low, high, **kwargs), sides, self)
    return settle(self, made, inplace)


def round(self: DataFrame, decimals: Any = 0, *args: Any, **kwargs: Any) -> DataFrame:
    by_column = isinstance(decimals, (dict, pd.Series))
    made = {
        i: column.round(decimals[label] if by_column else decimals)
        for i, (label, column) in enumerate(zip(self.columns, columns_of(self), strict=True))
        if (label in decimals if by_column else column.kind in ("number", "nullable"))
    }
    return some(self, made)


def replace(
    self: DataFrame, to_replace: Any = None, value: Any = _NO, *, inplace: bool = False, regex: Any = False
) -> Any:
    inner = isinstance(to_replace, dict) and any(isinstance(v, dict) for v in to_replace.values())
    if not inner and not (isinstance(to_replace, dict) and value is not _NO):
        return settle(self, each(self, lambda c: c.replace(to_replace, value, regex=regex)), inplace)
    made = {}
    for i, (label, column) in enumerate(zip(self.columns, columns_of(self), strict=True)):
        if label in to_replace:
            new = _NO if inner else value[label] if isinstance(value, dict) else value
            made[i] = column.replace(to_replace[label], new, regex=regex)
    return settle(self, some(self, made), inplace)


def isin(self: DataFrame, values: Any) -> DataFrame:
    if not isinstance(values, dict):
        return each(self, lambda c: c.isin(values))
    labelled = zip(self.columns, columns_of(self), strict=True)
    return frame_of_columns([c.isin(values.get(label, [])) for label, c in labelled], self._twin_value)


def _only_columns(name: str, axis: Any) -> None:
    if axis not in (1, "columns"):
        raise refuse(
            f"DataFrame.{name} over the rows: the answer for one row would depend on the others",
            f"use {name}(axis=1), or compute it when fitting and keep it on self",
        )


def _reduction(name: str) -> Callable[..., Any]:
    """Reductions over the columns of each row; over the rows they are refused."""

    def method(
        self: DataFrame, axis: Any = 0, skipna: bool = True, numeric_only: bool = False, **kwargs: Any
    ) -> Series:
        _only_columns(name, axis)
        frame = select_dtypes(self, include=["number", "bool"]) if numeric_only else self
        with np.errstate(all="ignore"):
            real = getattr(frame._twin_value, name)(axis=1, skipna=skipna, **kwargs)
        return Series(real, adopt(real, reduce_row(name, frame, skipna, kwargs), f"{name}(axis=1)"))

    return method


def count(self: DataFrame, axis: Any = 0, numeric_only: bool = False) -> Series:
    _only_columns("count", axis)
    frame = select_dtypes(self, include=["number", "bool"]) if numeric_only else self
    present = notna(frame).__onnxtwin_array__().astype(np.int64)
    real = frame._twin_value.count(axis=1)
    return Series(real, adopt(real, np.sum(present, axis=1), "count(axis=1)"))


def _overwrite(self: DataFrame, made: DataFrame) -> None:
    put(self, made._twin_value, made._twin_cells)


def _pos(self: DataFrame) -> DataFrame:
    return each(self, lambda column: +column)


def _dot(self: DataFrame, other: Any) -> Any:
    """``frame @ coefficients``: fixed ones, which pandas aligns by the names of the columns."""
    if is_traced(other):
        raise refuse("multiplies a frame with a computed matrix", "use .to_numpy() @ ...")
    real = self._twin_value @ other
    named = isinstance(other, (pd.Series, pd.DataFrame))
    aligned = other.reindex(self._twin_value.columns) if named else other
    made = constant(np.matmul(self.__onnxtwin_array__(), np.asarray(aligned)))
    if isinstance(real, pd.Series):
        return Series(real, adopt(real, made, "a product"))
    return _checked(real, made)


def infer_objects(self: DataFrame, copy: Any = None) -> DataFrame:
    return each(self, lambda c: c.infer_objects())


def _all() -> dict[str, Callable[..., Any]]:
    plain = (to_numpy, apply, astype, fillna, isna, notna, clip, round, replace, isin, count, infer_objects)
    found = frame_columns.METHODS | {function.__name__: function for function in plain}
    found |= {"isnull": isna, "notnull": notna, "where": _where("where"), "mask": _where("mask")}
    reductions = ("sum", "mean", "min", "max", "any", "all", "prod", "std", "var")
    found |= {name: _reduction(name) for name in reductions}
    for name in operators.UFUNCS:
        if name not in operators.LOGIC:
            found[name] = frame_operators.flexible(name)
        if name not in (*operators.LOGIC, *operators.COMPARISONS):
            found[f"r{name}"] = frame_operators.flexible(name, swapped=True)
    aliases = {
        "div": "truediv",
        "rdiv": "rtruediv",
        "divide": "truediv",
        "subtract": "sub",
        "multiply": "mul",
    }
    return found | {alias: found[name] for alias, name in aliases.items()} | {"dot": _dot}


METHODS = _all()

_QUESTIONS: dict[str, Callable[..., Any]] = {
    "pos": _pos,
    "round": round,
    "divmod": asked.both,
    "rdivmod": asked.both_swapped,
    "matmul": _dot,
}
"""Operators that Python asks of a frame, beside those that are ufuncs."""


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
    for name, ufunc in {"__neg__": np.negative, "__invert__": np.invert, "__abs__": np.absolute}.items():

        def one(self: Any, ufunc: np.ufunc = ufunc) -> Any:
            return ufunc(self)

        setattr(DataFrame, name, one)
    setattr(DataFrame, "abs", getattr(DataFrame, "__abs__"))  # noqa: B009, B010
    for name in asked.IN_PLACE:
        setattr(DataFrame, f"__i{name}__", asked.in_place(name, _overwrite))
    for name, function in _QUESTIONS.items():
        setattr(DataFrame, f"__{name}__", function)
    asked.guarded(DataFrame)
