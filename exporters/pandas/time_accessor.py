"""``Series.dt`` of traced timestamps and durations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import datetimes, lookups, times
from onnxtwin.exporters.array import Array, elementwise
from onnxtwin.exporters.pandas.asked import Accessor
from onnxtwin.exporters.pandas.held import held, refuse
from onnxtwin.exporters.pandas.refusals import way_out
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT


def offset_seconds(dtype: Any) -> int:
    """Seconds east of UTC of a time zone that is the same all year round; 0 without a zone.

    Raises
    ------
    UnsupportedError
        For a zone whose offset changes.
    """
    zone = getattr(dtype, "tz", None)
    if zone is None:
        return 0
    probes = {
        zone.utcoffset(pd.Timestamp(year, month, 1).to_pydatetime())
        for year in range(1900, 2101, 2)
        for month in (1, 7)
    }
    if len(probes) != 1:
        raise refuse(
            f"local time in {zone}, whose offset changes",
            "convert to UTC with .dt.tz_convert('UTC'), or make the local fields columns before the pipeline",
        )
    found: timedelta = probes.pop()
    return int(found.total_seconds())


_NAMES = {
    "dayofweek": "day_of_week", "weekday": "day_of_week",
    "dayofyear": "day_of_year", "daysinmonth": "days_in_month",
}  # fmt: skip
"""Field -> its name in every version of pandas; newer ones warn of the others."""


class _Methods(Accessor):
    """What both accessors share."""

    def __init__(self, series: Any) -> None:
        self.series = series
        self.array: Array = series.held
        self.unit = times.unit_of(self.array.dtype)

    def __onnxtwin_seen__(self) -> Any:
        return self.series.value.dt

    def _refused(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self.series.value.dt, name):
            raise AttributeError(f"'.dt' has no attribute {name!r}")
        raise refuse(f"Series.dt.{name} is not supported in a traced method", way_out(name))

    def _made(self, name: str, real: pd.Series, build: Callable[[Var], Var]) -> Any:
        return self.series.made(
            real,
            elementwise(f"dt.{name}", held(real), build, [self.array], [None]),
            what=f"dt.{name}",
            whole=self.series.whole,
        )

    def _widened(self, real: pd.Series) -> pd.Series:
        """float64 where some batch may hold a missing value, as pandas answers for that one."""
        return real if self.series.whole or real.dtype.kind in "fb" else real.astype("float64")

    def as_unit(self, unit: str) -> Any:
        real = self.series.value.dt.as_unit(unit)
        return self.series.made(
            real, times.to_unit(self.array, held(real)), what="dt.as_unit", whole=self.series.whole
        )


class TimestampMethods(_Methods):
    """``.dt`` of timestamps."""

    def __getattr__(self, name: str) -> Any:
        if name in ("tz", "freq"):
            return getattr(self.series.value.dt, name)
        if name not in datetimes.FIELDS:
            return self._refused(name)
        real = self._widened(getattr(self.series.value.dt, _NAMES.get(name, name)))
        nullable = real.dtype.kind == "f"
        return self._made(
            name, real, lambda x: datetimes.field(self._local(x), self.unit, name, nullable=nullable)
        )

    def _local(self, x: Var) -> Var:
        shift = offset_seconds(self.series.value.dtype) * datetimes.TICKS[self.unit]
        return (
            x
            if shift == 0
            else op.where(datetimes.is_missing(x), datetimes.const(NAT), op.add(x, datetimes.const(shift)))
        )

    def _global(self, x: Var) -> Var:
        shift = offset_seconds(self.series.value.dtype) * datetimes.TICKS[self.unit]
        return (
            x
            if shift == 0
            else op.where(datetimes.is_missing(x), datetimes.const(NAT), op.sub(x, datetimes.const(shift)))
        )

    def _rounded(self, name: str, freq: Any, function: Callable[[Var, int], Var]) -> Any:
        real = getattr(self.series.value.dt, name)(freq)
        step = pd.Timedelta(pd.tseries.frequencies.to_offset(freq)).as_unit("ns").value
        size = 10**9 // datetimes.TICKS[self.unit]
        if step % size:
            if size % step == 0:
                return self.series.made(real, self.array, what=f"dt.{name}", whole=self.series.whole)
            raise refuse(
                f"dt.{name}({freq!r}) of times in {self.unit}",
                "choose a frequency that is a multiple of the unit",
            )
        return self._made(name, real, lambda x: self._global(function(self._local(x), step // size)))

    def floor(self, freq: Any) -> Any:
        return self._rounded("floor", freq, datetimes.floor)

    def ceil(self, freq: Any) -> Any:
        return self._rounded("ceil", freq, datetimes.ceil)

    def round(self, freq: Any) -> Any:
        return self._rounded("round", freq, datetimes.round)

    def normalize(self) -> Any:
        real = self.series.value.dt.normalize()
        step = datetimes.DAY * datetimes.TICKS[self.unit]
        return self._made("normalize", real, lambda x: self._global(datetimes.floor(self._local(x), step)))

    def tz_localize(self, tz: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            raise refuse(
                "dt.tz_localize with ambiguous= or nonexistent=", "localize to UTC or a fixed offset"
            )
        before = self.series.value
        real = before.dt.tz_localize(tz)
        if tz is None:
            return self._made("tz_localize", real, self._local)
        shift = offset_seconds(real.dtype) * datetimes.TICKS[self.unit]
        return self._made(
            "tz_localize",
            real,
            lambda x: (
                x if shift == 0 else op.where(datetimes.is_missing(x), x, op.sub(x, datetimes.const(shift)))
            ),
        )

    def tz_convert(self, tz: Any) -> Any:
        real = self.series.value.dt.tz_convert(tz)
        return self.series.made(real, self.array, what="dt.tz_convert", whole=self.series.whole)

    def day_name(self, locale: Any = None) -> Any:
        names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        return self._named("day_name", "dayofweek", dict(enumerate(names)), locale)

    def month_name(self, locale: Any = None) -> Any:
        names = pd.date_range("2001-01-01", periods=12, freq="MS").month_name().tolist()
        return self._named("month_name", "month", dict(enumerate(names, start=1)), locale)

    def _named(self, name: str, field: str, table: dict[int, str], locale: Any) -> Any:
        if locale is not None:
            raise refuse(f"dt.{name} with a locale", "map the number with a dict")
        real = getattr(self.series.value.dt, name)()

        def build(x: Var) -> Var:
            number = op.cast(datetimes.field(self._local(x), self.unit, field), to=np.int64)
            text = lookups.lookup(number, list(table), list(table.values()), MISSING_TOKEN)
            return op.where(datetimes.is_missing(x), op.const(np.array(MISSING_TOKEN)), text)

        return self._made(name, real, build)

    def isocalendar(self) -> Any:
        from onnxtwin.exporters.pandas.frame import frame_of_columns

        real = self.series.value.dt.isocalendar()
        columns = []
        for i, label in enumerate(real.columns):

            def build(x: Var, i: int = i) -> Var:
                number = datetimes.iso_calendar(self._local(x), self.unit)[i]
                return op.where(datetimes.is_missing(x), op.const(np.nan), op.cast(number, to=np.float64))

            columns.append(self._made(f"isocalendar {label}", real[label], build))
        return frame_of_columns(columns, real)


class DurationMethods(_Methods):
    """``.dt`` of durations."""

    def __getattr__(self, name: str) -> Any:
        if name not in datetimes.DURATION_FIELDS:
            return self._refused(name)
        real = self._widened(getattr(self.series.value.dt, name))
        nullable = real.dtype.kind == "f"
        return self._made(
            name, real, lambda x: datetimes.duration_field(x, self.unit, name, nullable=nullable)
        )

    def total_seconds(self) -> Any:
        return self._made(
            "total_seconds",
            self.series.value.dt.total_seconds(),
            lambda x: datetimes.total_seconds(x, self.unit),
        )


def time_methods(series: Any) -> _Methods:
    """The accessor for a column of timestamps or of durations."""
    return TimestampMethods(series) if series.held.dtype.kind == "M" else DurationMethods(series)
