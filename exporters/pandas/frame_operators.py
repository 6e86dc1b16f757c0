"""Operators of traced frames: in one matrix where all columns share a dtype, else column by column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, constant, is_traced
from onnxtwin.exporters.pandas import operators
from onnxtwin.exporters.pandas.frame import (
    DataFrame,
    column_at,
    each,
    frame_of_columns,
    frame_of_matrix,
    is_matrix,
)
from onnxtwin.exporters.pandas.held import refuse
from onnxtwin.exporters.pandas.series import Series


def binary(name: str, left: Any, right: Any) -> Any:
    """``left <operator> right`` where one side is a traced frame."""
    frame: DataFrame = left if type(left) is DataFrame else right
    with np.errstate(all="ignore"):
        real = operators.PYTHON[name](concrete(left), concrete(right))
    if (
        not isinstance(real, pd.DataFrame)
        or real.shape[0] != len(frame)
        or list(real.columns) != list(frame.columns)
    ):
        raise refuse(
            f"operator {name!r} of a frame and something of other columns",
            "give both sides the same columns in the same order",
        )
    other = right if left is frame else left
    if _as_matrix(name, frame, other):
        sides = [s.__onnxtwin_array__() if type(s) is DataFrame else s for s in (left, right)]
        with np.errstate(all="ignore"):
            made = operators.UFUNCS[name](*sides)
        if made.dtype == real.to_numpy().dtype and np.array_equal(
            made.value, real.to_numpy(), equal_nan=made.dtype.kind == "f"
        ):
            return frame_of_matrix(real, made)
    return columnwise(lambda a, b: operators.binary(name, a, b), (left, right), frame)


def _as_matrix(name: str, frame: DataFrame, other: Any) -> bool:
    if not is_matrix(frame) or name in ("floordiv", "mod") and frame._twin_value.dtypes.iloc[0].kind != "f":
        return False
    if type(other) is DataFrame:
        return is_matrix(other) and list(other.columns) == list(frame.columns)
    return np.ndim(concrete(other)) == 0 and isinstance(
        concrete(other), (int, float, bool, np.number, np.bool_)
    )


def columnwise(function: Callable[..., Any], sides: tuple[Any, ...], frame: DataFrame) -> DataFrame:
    """``function`` on each column of the frames among ``sides`` and on the other side's part for it."""
    columns = [function(*(part(s, i, label, frame) for s in sides)) for i, label in enumerate(frame.columns)]
    return frame_of_columns(columns, frame._twin_value)


def part(side: Any, i: int, label: Any, frame: DataFrame) -> Any:
    """What stands beside column ``i``: a column, an entry of a row of constants, or the scalar itself."""
    if type(side) is DataFrame:
        if list(side.columns) != list(frame.columns):
            raise refuse(
                "combines frames of different columns", "give both sides the same columns in the same order"
            )
        return column_at(side, i)
    if type(side) is Series:
        raise refuse(
            "combines a frame with a column along the rows' labels",
            "use df.mul(column, axis=0), or .to_numpy()[:, None]",
        )
    if isinstance(side, pd.Series) and not is_traced(side):
        return side[label]
    if isinstance(side, (np.ndarray, list, tuple)):
        array = constant(side)
        if array.ndim == 2 and array.shape[1] in (1, len(frame._twin_cells)):
            column = array[:, i if array.shape[1] > 1 else 0]
            return column if type(column) is Array and not column.is_constant else concrete(column)
        if array.ndim == 1 and array.is_constant and len(array) == len(frame._twin_cells):
            return array.value[i]
        if array.ndim == 0:
            return side
        raise refuse(
            "combines a frame with values of another shape", "give one value a column, or one a row as [N, 1]"
        )
    return side


def flexible(name: str, swapped: bool = False) -> Callable[..., Any]:
    """``DataFrame.add`` and its kin."""

    def method(
        self: Any, other: Any, axis: Any = "columns", level: Any = None, fill_value: Any = None
    ) -> Any:
        if level is not None or fill_value is not None:
            raise refuse(f"DataFrame.{name} with level= or fill_value=", "fillna both sides first")
        if axis in (0, "index") and type(other) is Series:
            if swapped:
                return each(self, lambda c: operators.binary(name, other, c))
            return each(self, lambda c: operators.binary(name, c, other))
        return binary(name, other, self) if swapped else binary(name, self, other)

    return method
