"""Columns of numbers and of truth values on their way to the graph: exact, or refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.columns import Kind, first
from onnxtwin.exporters.signature import Column, is_missing

EXACT = 2**53
"""Up to here every integer is a float64."""

_INT64 = np.iinfo(np.int64)


class Number(Kind):
    """Floats and integers, travelling as float64, float32 or int64; a missing one as NaN."""

    def __init__(self, columns: Sequence[Column], token: str) -> None:
        super().__init__(columns, token)
        column = self.column
        dtype = column.dtype.lower()
        self.integral = dtype.startswith(("int", "uint")) or column.exact_integer or column.tensor == "int64"
        self.wanted = "a whole number" if self.integral else "a number"
        self.narrow = column.tensor == "float32"
        self.nan_allowed = column.missing == "nan" and column.missing_allowed
        if self.integral:
            limits = np.iinfo(dtype if dtype.startswith(("int", "uint")) else "int64")
            low, high = (-EXACT, EXACT) if column.tensor == "float64" else (_INT64.min, _INT64.max)
            self.low, self.high = max(int(limits.min), int(low)), min(int(limits.max), int(high))
        self.plain = {int} if self.integral else {float, int}

    def from_values(self, values: list[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_values`."""
        kinds = set(map(type, values))
        if not kinds <= self.plain:
            values = [self._plain(position, value) for position, value in enumerate(values)]
        if self.integral:
            return self._integers(values)
        if int in kinds:
            for position, value in enumerate(values):
                if type(value) is int and not -EXACT <= value <= EXACT and not _float_holds(value):
                    self.refuse(position, value, "a float64 cannot hold this whole number: round it first")
        if not all(map(math.isfinite, values)):
            self._check_special(values)
        if self.accepted is not None:
            self.check_accepted(values, _is_nan)
        if self.narrow:
            return self._narrowed(values)
        return np.array(values, dtype=self.tensor)

    def from_array(self, array: NDArray[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_array`."""
        if array.dtype.kind not in "iuf":
            self.wrong_dtype(array.dtype)
        if self.integral:
            return self._integer_array(array)
        with np.errstate(over="ignore"):
            result = array.astype(self.tensor, copy=False)
        if array.dtype.kind in "iu" or array.dtype.itemsize > result.dtype.itemsize:
            self._check_exact(array, result)
        if self._special(result):
            self._check_special(result.tolist())
        self.check_accepted(result, _is_nan)
        return result

    def _plain(self, position: int, value: Any) -> float | int:
        """A value as Python's float or int; numpy's scalars are unpacked, missing becomes NaN."""
        if isinstance(value, (np.integer, np.floating)) and value.dtype.itemsize <= 8:
            value = value.item()
        if is_missing(value):
            if self.integral and not self.nan_allowed:
                self.missing(position, value)
            return math.nan
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(position, value, "convert it, or leave the row out")
        if self.integral and isinstance(value, float):
            if not value.is_integer():
                self.refuse(position, value, "round it, or leave the row out")
            return int(value)
        return value

    def _integers(self, values: list[Any]) -> NDArray[Any]:
        numbers = [v for v in values if v == v] if self.nan_allowed else values
        if numbers and not (self.low <= min(numbers) and max(numbers) <= self.high):
            position = next(p for p, v in enumerate(values) if v == v and not self.low <= v <= self.high)
            self._beyond(position, values[position])
        if self.accepted is not None:
            self.check_accepted(values, _is_nan)
        return np.array(values, dtype=self.tensor)

    def _integer_array(self, array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype.kind == "f":
            gone = np.isnan(array)
            if not self.nan_allowed and gone.any():
                self.missing(first(gone), math.nan)
            broken = ~gone & (np.isinf(array) | (np.trunc(array) != array))
            if broken.any():
                position = first(broken)
                self.refuse(position, array[position].item(), "round it, or leave the row out")
            bad = (array < self.low) | (array > self.high) | (array >= 2.0**63)
        else:
            bad = (array < self.low) | (array > self.high)
        if bad.any():
            position = first(bad)
            self._beyond(position, array[position].item())
        self.check_accepted(array, _is_nan)
        return array.astype(self.tensor, copy=False)

    def _beyond(self, position: int, value: Any) -> NoReturn:
        why = (
            "a whole number in this column travels as float64 and must lie within ±2**53"
            if self.high == EXACT
            else f"this column holds {self.low} to {self.high}"
        )
        self.outside(position, value, why, "leave the row out, or refit with a wider column")

    def _special(self, array: NDArray[Any]) -> bool:
        """Whether there is a NaN or an infinity that this column does not take."""
        return bool(
            not self.nan_allowed and np.isnan(array).any() or self.column.finite and np.isinf(array).any()
        )

    def _check_special(self, values: list[Any]) -> None:
        for position, value in enumerate(values):
            if value != value:
                if not self.nan_allowed:
                    self.missing(position, value)
            elif self.column.finite and math.isinf(value):
                self.outside(position, value, "the pipeline refuses infinity", "clip it or leave the row out")

    def _check_exact(self, array: NDArray[Any], result: NDArray[Any]) -> None:
        """Demand that a conversion to fewer digits lost none."""
        if array.dtype.kind in "iu":
            bound = EXACT if result.dtype.itemsize == 8 else 2**24
            lost = (array > bound) | (array < -bound)
            for position in np.flatnonzero(lost).tolist():
                lost[position] = int(result[position]) != int(array[position])
        else:
            lost = (result.astype(array.dtype) != array) & ~np.isnan(array)
        if lost.any():
            position = first(lost)
            self.refuse(
                position,
                array[position],
                f"a {self.column.tensor} cannot hold it exactly; say that rounding is meant: "
                f"X.astype({self.column.tensor!r})",
            )

    def _narrowed(self, values: list[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=self.tensor)
        for position in np.flatnonzero(np.isinf(array)).tolist():
            if not math.isinf(values[position]):
                self.refuse(position, values[position], "too large for float32: clip it or leave the row out")
        return array


class Flag(Kind):
    """True and False, travelling as bool, or as float64 with NaN where pandas' ``boolean`` may be missing."""

    wanted = "True or False"

    def from_values(self, values: list[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_values`."""
        if set(map(type, values)) != {bool}:
            values = [self._plain(position, value) for position, value in enumerate(values)]
        self.check_accepted(values, _is_nan)
        return np.array(values, dtype=self.tensor)

    def from_array(self, array: NDArray[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_array`."""
        if array.dtype.kind != "b":
            self.wrong_dtype(array.dtype)
        self.check_accepted(array, _is_nan)
        return array.astype(self.tensor, copy=False)

    def _plain(self, position: int, value: Any) -> bool | float:
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if not is_missing(value):
            self.refuse(position, value, "convert it, or leave the row out")
        if self.column.missing != "nan" or not self.column.missing_allowed:
            self.missing(position, value)
        return math.nan


def _float_holds(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _is_nan(value: Any) -> bool:
    return bool(value != value)
