"""Columns of text and of instants on their way to the graph, and the choice of a column's kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.columns import Kind, first
from onnxtwin.build.instants import NANOSECONDS, duration, instant, parse_dtype, rescale_array
from onnxtwin.build.numbers import Flag, Number
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import NAT, Column, is_missing


class Text(Kind):
    """Text, travelling as string; a missing one as the token, which no real value may equal."""

    wanted = "text"

    def __init__(self, columns: Sequence[Column], token: str) -> None:
        super().__init__(columns, token)
        self.missing_allowed = self.column.missing == "token" and self.column.missing_allowed

    def from_values(self, values: list[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_values`."""
        return self._tensor(values, strict=False)

    def from_lists(self, values: list[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_lists`."""
        return self._tensor(values, strict=True)

    def from_array(self, array: NDArray[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_array`; of an object array, a missing value must be the notebook's own.

        To a pipeline ``None`` and NaN are two things: an encoder knows one of them and not the other.
        """
        if array.dtype.kind not in "UTO":
            self.wrong_dtype(array.dtype)
        return self._tensor(array.tolist(), strict=array.dtype.kind == "O")

    def _tensor(self, values: list[Any], *, strict: bool) -> NDArray[Any]:
        if not set(map(type, values)) <= {str}:
            values = [self._plain(position, value, strict) for position, value in enumerate(values)]
        elif self.token in values:
            self._refuse_token(values.index(self.token))
        if self.accepted is not None:
            self.check_accepted(values, self._is_token)
        return np.array(values, dtype=object)

    def _plain(self, position: int, value: Any, strict: bool) -> str:
        if isinstance(value, str):
            if value == self.token:
                self._refuse_token(position)
            return str(value)
        if not is_missing(value):
            self.refuse(position, value, "convert it, or leave the row out")
        if not self.missing_allowed:
            self.missing(position, value)
        if strict and not self._own(value):
            label = repr(self.column.label)
            own, way_out = "nan", f"X[{label}] = X[{label}].fillna(np.nan)"
            if self.column.missing_value == "None":
                own, way_out = (
                    "None",
                    f"X[{label}] = X[{label}].astype(object).where(X[{label}].notna(), None)",
                )
            self.refuse(
                position,
                value,
                f"the pipeline tells these apart: {way_out}",
                f"text, or {own} for a missing value",
            )
        return self.token

    def _refuse_token(self, position: int) -> NoReturn:
        self.refuse(
            position,
            self.token,
            "replace the text or leave the row out",
            f"text other than {self.token!r}, which stands for a missing value on the way to the model",
        )

    def _is_token(self, value: Any) -> bool:
        return bool(value == self.token)

    def _own(self, value: Any) -> bool:
        """Whether this is the missing value that the notebook had."""
        if type(value).__name__ == "NAType":
            return self.column.dtype.startswith("string")
        if isinstance(value, (float, np.floating)):
            return self.column.missing_value == "nan"
        return value is None and self.column.missing_value == "None"


class Instant(Kind):
    """Timestamps and durations, travelling as int64 ticks of the column's unit; a missing one as ``NAT``."""

    def __init__(self, columns: Sequence[Column], token: str) -> None:
        super().__init__(columns, token)
        parsed = parse_dtype(self.column.dtype)
        if parsed is None:
            raise InputError(f"column {self.column.label!r}: dtype {self.column.dtype} is no instant")
        self.kind, self.unit, self.zone = parsed
        if self.kind == "timedelta64":
            self.wanted = "a duration"
        else:
            self.wanted = "an instant with a time zone" if self.zone else "an instant without a time zone"

    def from_values(self, values: list[Any]) -> NDArray[Any]:
        """See :meth:`Kind.from_values`."""
        ticks = [self._ticks(position, value) for position, value in enumerate(values)]
        return np.array(ticks, dtype=np.int64)

    def from_array(self, array: NDArray[Any], zone: str | None = None) -> NDArray[Any]:
        """See :meth:`Kind.from_array`; the array counts from the epoch, in UTC if ``zone`` names its zone."""
        if array.dtype.kind != ("M" if self.kind == "datetime64" else "m") or zone != self.zone:
            self.wrong_dtype(f"{array.dtype} in zone {zone}" if zone else array.dtype)
        source, count = np.datetime_data(array.dtype)
        if source not in NANOSECONDS or count != 1:
            self.wrong_dtype(array.dtype)
        ticks, bad = rescale_array(array.view(np.int64), source, self.unit)
        if bad.any():
            position = first(bad)
            self.refuse(position, array[position], f"it has no exact value in {self.unit}: round it")
        if not self.column.missing_allowed:
            gone = ticks == NAT
            if gone.any():
                self.missing(first(gone), array[first(gone)])
        return ticks

    def _ticks(self, position: int, value: Any) -> int:
        if is_missing(value):
            if not self.column.missing_allowed:
                self.missing(position, value)
            return NAT
        try:
            if self.kind == "timedelta64":
                return duration(value, self.unit)
            return instant(value, self.unit, aware=self.zone is not None)
        except TypeError:
            self.refuse(position, value, "convert it, or leave the row out")
        except ValueError as error:
            self.refuse(position, value, f"the value {error}")


def kind_of(columns: Sequence[Column], token: str) -> Kind:
    """The kind that converts these columns, which must be alike but for their names."""
    column = columns[0]
    if parse_dtype(column.dtype) is not None:
        return Instant(columns, token)
    if column.tensor == "string":
        return Text(columns, token)
    if column.tensor == "bool" or column.dtype == "boolean":
        return Flag(columns, token)
    return Number(columns, token)
