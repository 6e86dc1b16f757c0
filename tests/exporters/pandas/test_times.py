"""Timestamps and durations: fields, differences, comparisons, parsing; from year 1 to year 9999."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal, hostile, sample, twin_of_feature
from parity import assert_answers_equal, assert_both_refuse, twin_of
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from onnxtwin.exporters.errors import DomainError, UnsupportedError

Feature = Callable[[pd.DataFrame], Any]

FIELDS = (
    *("year", "month", "day", "hour", "minute", "second", "microsecond", "nanosecond"),
    *("dayofweek", "weekday", "day_of_week", "dayofyear", "day_of_year", "quarter"),
    *("days_in_month", "daysinmonth", "is_month_start", "is_month_end", "is_quarter_start", "is_quarter_end"),
    *("is_year_start", "is_year_end", "is_leap_year"),
)


@pytest.mark.filterwarnings("ignore:Series.dt.* is deprecated")
@pytest.mark.parametrize("column", ["t", "z"])
def test_every_field_is_pandas_own(column: str) -> None:
    assert_feature_equal(lambda d: pd.DataFrame({f: getattr(d[column].dt, f) for f in FIELDS}), column)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_fields_are_the_same_in_every_unit(unit: str) -> None:
    rows = pd.DataFrame({"t": sample()["t"].dt.as_unit(unit)})

    def feature(d: pd.DataFrame) -> pd.DataFrame:
        t = d.t.astype(f"datetime64[{unit}]")
        return pd.DataFrame(
            {"a": t.dt.second, "b": t.dt.day_of_year, "c": (t - t.dt.normalize()).dt.total_seconds()}
        )

    assert_feature_equal(feature, "t", rows=rows.astype("datetime64[us]"))


TIMES: dict[str, Feature] = {
    "a difference in seconds": lambda d: (d.t - d.u).dt.total_seconds(),
    "a difference in days": lambda d: (d.t - d.u).dt.days,
    "the rest of a difference": lambda d: (d.t - d.u).dt.seconds + (d.t - d.u).dt.microseconds,
    "since a timestamp": lambda d: (d.t - pd.Timestamp("2000-01-01 12:00")).dt.days,
    "until a timestamp": lambda d: (pd.Timestamp("2000-01-01") - d.t).dt.days,
    "since a datetime64": lambda d: (d.t - np.datetime64("2000-01-01")).dt.days,
    "since a datetime": lambda d: (d.t - datetime(2000, 1, 1)).dt.days,
    "a day later": lambda d: (d.u + pd.Timedelta(days=1)).dt.day,
    "three hours later": lambda d: (d.u + pd.offsets.Hour(3)).dt.hour,
    "an hour earlier": lambda d: (d.u - pd.Timedelta("1h")).dt.hour,
    "a duration later": lambda d: (d.u + d.d).dt.day,
    "hours as a ratio": lambda d: d.d / pd.Timedelta(hours=1),
    "days as a ratio": lambda d: (d.t - d.u) / np.timedelta64(1, "D"),
    "a ratio of durations": lambda d: d.d / d.d,
    "whole hours": lambda d: d.d // pd.Timedelta(hours=1),
    "a duration doubled": lambda d: (d.d * 2 - d.d).dt.total_seconds(),
    "the size of a duration": lambda d: (-d.d).abs().dt.total_seconds(),
    "ticks": lambda d: d.t.fillna(pd.Timestamp(0)).astype("int64") // 10**6,
    "the beginning of the day": lambda d: (d.t - d.t.dt.normalize()).dt.total_seconds(),
    "the beginning of the hour": lambda d: (d.t - d.t.dt.floor("h")).dt.total_seconds(),
    "rounded to days": lambda d: (d.t.dt.round("D") - pd.Timestamp("1970-01-01")).dt.days,
    "quarters of an hour": lambda d: (d.u.dt.ceil("15min") - d.u).dt.total_seconds(),
    "names": lambda d: pd.DataFrame({"a": d.t.dt.day_name(), "b": d.t.dt.month_name()}),
    "the ISO week": lambda d: d.t.dt.isocalendar().week.astype("float64"),
    "weekends": lambda d: d.t.dt.day_of_week.isin([5, 6]).astype(int) + (d.t.dt.day_of_week >= 5),
    "the hour as an angle": lambda d: np.sin(2 * np.pi * d.t.dt.hour / 24),
    "a mapped month": lambda d: d.t.dt.month.map({1: "jan", 2: "feb", 12: "dec"}).fillna("x"),
}


@pytest.mark.parametrize("feature", TIMES.values(), ids=TIMES)
def test_times_are_computed_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "t", "u", "d")


def test_whole_days_and_seconds_are_counted() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        seconds = (d.t - pd.Timestamp("1970-01-01")) // pd.Timedelta("1s")
        return pd.DataFrame({"a": (d.t - d.u) // pd.Timedelta("1D"), "b": seconds})

    # Until pandas 3 a Timedelta counts nanoseconds, and the quotient wraps around beyond 292 years.
    rows = hostile() if pd.__version__ >= "3" else hostile()[["t", "u"]].iloc[[1, 3, 4, 5, 7]]
    assert_feature_equal(feature, "t", "u", rows=rows)


COMPARED: dict[str, Feature] = {
    "with a timestamp": lambda d: d.t > pd.Timestamp("2000-02-29"),
    "with a finer timestamp": lambda d: d.t < pd.Timestamp("1969-12-31 23:59:59.9999995"),
    "with text": lambda d: d.t >= "2000-02-29",
    "of columns": lambda d: pd.DataFrame({"a": d.t <= d.u, "b": d.t == d.u, "c": d.t != d.u}),
    "of durations": lambda d: d.d > pd.Timedelta(0),
    "between": lambda d: d.t.between("1969-01-01", "2000-12-31"),
    "in UTC": lambda d: (d.z > pd.Timestamp("2000-02-29", tz="UTC")) | (d.z < "1970-01-01"),
}


@pytest.mark.parametrize("feature", COMPARED.values(), ids=COMPARED)
def test_times_are_compared_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "t", "u", "d", "z")


ZONES: dict[str, Feature] = {
    "local hours": lambda d: d.z.dt.tz_convert("+05:30").dt.hour,
    "without a zone": lambda d: d.z.dt.tz_localize(None).dt.hour,
    "given a zone": lambda d: (d.u.dt.tz_localize("UTC") - d.z).dt.total_seconds(),
    "the local day": lambda d: (d.z - d.z.dt.tz_convert("-03:00").dt.normalize()).dt.total_seconds(),
}


@pytest.mark.parametrize("feature", ZONES.values(), ids=ZONES)
def test_zones_of_one_offset_are_followed(feature: Feature) -> None:
    rows = sample().assign(u=pd.Series(pd.to_datetime(["1999-12-31 23:30"] * 6)).astype("datetime64[us]"))
    assert_feature_equal(feature, "z", "u", rows=rows)


def test_a_zone_with_summer_time_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="whose offset changes"):
        twin_of_feature(lambda d: d.z.dt.tz_convert("America/New_York").dt.hour, "z")


PARSED: dict[str, Feature] = {
    "as pandas infers it": lambda d: pd.to_datetime(d.iso).dt.hour,
    "into UTC": lambda d: pd.to_datetime(d.iso, utc=True).dt.year,
    "in a named layout": lambda d: pd.to_datetime(d.iso, format="%Y-%m-%dT%H:%M:%SZ").dt.minute,
    "the date alone": lambda d: pd.to_datetime(d.iso.str[:10]).dt.day,
    "no text at all": lambda d: pd.to_datetime(d.t).dt.minute,
}


@pytest.mark.parametrize("feature", PARSED.values(), ids=PARSED)
def test_dates_are_read_from_text(feature: Feature) -> None:
    assert_feature_equal(feature, "iso", "t")


def test_text_that_is_no_date_is_missing_if_asked() -> None:
    rows = pd.DataFrame({"iso": ["2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "x", None, "?"]})
    twin = assert_feature_equal(
        lambda d: pd.to_datetime(d.iso, errors="coerce", utc=True).dt.day, "iso", rows=rows
    )
    with pytest.raises(DomainError, match="layout"):
        twin.run(pd.DataFrame({"iso": ["2024-02-29"]}))


def test_text_that_is_no_date_is_outside_of_the_domain() -> None:
    twin = twin_of_feature(lambda d: pd.to_datetime(d.iso).dt.day, "iso")
    for bad in ("2023-02-29T00:00:00Z", "yesterday", "2024-02-29"):
        with pytest.raises(DomainError):
            twin.run(pd.DataFrame({"iso": [bad]}))


@pytest.mark.parametrize("text", ["", "NaT", "nan"])
@pytest.mark.parametrize("layout", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S"])
def test_a_text_that_means_a_missing_time_is_refused_where_no_time_may_be_missing(
    text: str, layout: str
) -> None:
    days = pd.date_range("2013-01-01", periods=60, freq="31h")
    rows = pd.DataFrame({"when": days.strftime(layout)})
    month = FunctionTransformer(
        lambda d: pd.DataFrame({"m": pd.to_datetime(d["when"], format=layout).dt.month})
    )
    pipeline = make_pipeline(month, StandardScaler(), Ridge()).fit(rows, np.arange(60.0))
    twin = twin_of(pipeline, rows)
    assert_both_refuse(twin, pipeline, pd.DataFrame({"when": [text]}))
    assert_answers_equal(twin, pipeline, rows)


def test_a_difference_beyond_int64_is_outside_of_the_domain() -> None:
    def feature(d: pd.DataFrame) -> pd.Series:
        return (d.t.astype("datetime64[ns]") - pd.Timestamp("1900-01-01")).dt.days

    twin = twin_of_feature(feature, "t")
    with pytest.raises(DomainError):
        twin.run(pd.DataFrame({"t": np.array(["9999-01-01"], dtype="datetime64[us]")}))


def test_timestamps_are_no_answer() -> None:
    with pytest.raises(UnsupportedError, match="column 't' is datetime64"):
        twin_of_feature(lambda d: d[["t", "f"]], "t", "f")
