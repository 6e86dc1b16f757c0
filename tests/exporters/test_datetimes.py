"""Calendar arithmetic on ticks answers as pandas' ``.dt`` does, before 1970 and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import run

from onnxtwin.exporters import datetimes
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.signature import NAT

UNITS: tuple[datetimes.Unit, ...] = ("s", "ms", "us", "ns")
RNG = np.random.default_rng(0)
LEAST, LAST = -62_135_596_800, 253_402_300_799
"""Seconds of the years 1 and 9999."""


def ticks(unit: datetimes.Unit) -> np.ndarray:
    """Random timestamps, every half day around a leap year, and the seconds around the epoch."""
    size = datetimes.TICKS[unit]
    low, high = (-9_223_372_036, 9_223_372_036) if unit == "ns" else (LEAST, LAST)
    wide = RNG.integers(low, high, 1500) * size + RNG.integers(0, size, 1500)
    halves = pd.date_range("1999-12-25", "2001-03-05", freq="12h").to_numpy()
    near = halves.astype(f"datetime64[{unit}]").astype(np.int64)
    days = np.array([-2_203_977_600, -2_203_891_200, 951_782_400, -86_400, 86_400]) * size
    return np.concatenate([wide, near, days, [0, -1, 1, size, -size]])


def gapped(unit: datetimes.Unit) -> np.ndarray:
    x = ticks(unit)
    x[::7] = NAT
    return x


def stamps(x: np.ndarray, unit: datetimes.Unit) -> Any:
    return pd.Series(x.view(f"datetime64[{unit}]"))


def lengths(x: np.ndarray, unit: datetimes.Unit) -> Any:
    return pd.Series(x.view(f"timedelta64[{unit}]"))


@pytest.mark.filterwarnings("ignore:.*is deprecated")
@pytest.mark.parametrize("unit", UNITS)
def test_every_field_is_pandas_s(unit: datetimes.Unit) -> None:
    x = ticks(unit)
    got = run(lambda v: [datetimes.field(v, unit, name) for name in datetimes.FIELDS], x)
    for name, answer in zip(datetimes.FIELDS, got, strict=True):
        expected = getattr(stamps(x, unit).dt, name).to_numpy()
        assert answer.dtype == expected.dtype, name
        np.testing.assert_array_equal(answer, expected, err_msg=name)


@pytest.mark.filterwarnings("ignore:.*is deprecated")
@pytest.mark.parametrize("unit", UNITS)
def test_a_missing_timestamp_has_missing_fields(unit: datetimes.Unit) -> None:
    x = gapped(unit)
    got = run(lambda v: [datetimes.field(v, unit, name, nullable=True) for name in datetimes.FIELDS], x)
    for name, answer in zip(datetimes.FIELDS, got, strict=True):
        expected = getattr(stamps(x, unit).dt, name).to_numpy()
        assert answer.dtype == expected.dtype, name
        np.testing.assert_array_equal(answer, expected, err_msg=name)


def test_a_field_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="century"):
        run(lambda v: datetimes.field(v, "s", "century"), ticks("s"))


@pytest.mark.parametrize("unit", UNITS)
def test_the_iso_calendar_is_pandas_s(unit: datetimes.Unit) -> None:
    x = gapped(unit)
    expected = stamps(x, unit).dt.isocalendar()
    got = run(lambda v: list(datetimes.iso_calendar(v, unit)), x)
    for name, answer in zip(("year", "week", "day"), got, strict=True):
        np.testing.assert_array_equal(answer, expected[name].fillna(0).to_numpy(dtype=np.int64))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("how", ["floor", "ceil", "round"])
def test_rounding_to_a_fixed_step_is_pandas_s(how: str, unit: datetimes.Unit) -> None:
    x = gapped(unit)
    x = x[(np.abs(x) < 2**62) | (x == NAT)]
    second = datetimes.TICKS[unit]
    steps = {"D": 86_400 * second, "h": 3600 * second, "15min": 900 * second, "7D": 604_800 * second}
    got = run(lambda v: [getattr(datetimes, how)(v, step) for step in steps.values()], x)
    for name, answer in zip(steps, got, strict=True):
        expected = getattr(stamps(x, unit).dt, how)(name).to_numpy().view(np.int64)
        np.testing.assert_array_equal(answer, expected, err_msg=name)


@pytest.mark.parametrize("target", UNITS)
@pytest.mark.parametrize("unit", UNITS)
def test_ticks_change_their_unit_as_in_pandas_where_they_fit(
    unit: datetimes.Unit, target: datetimes.Unit
) -> None:
    x = gapped(unit)
    fitting = run(lambda v: datetimes.fits(v, unit, target), x)
    factor = max(datetimes.TICKS[target] // datetimes.TICKS[unit], 1)
    present = np.where(x == NAT, 0, x)
    assert fitting.tolist() == [abs(int(v)) * factor < 2**63 for v in present]
    kept = x[fitting]
    expected = stamps(kept, unit).dt.as_unit(target).to_numpy().view(np.int64)
    np.testing.assert_array_equal(run(lambda v: datetimes.as_unit(v, unit, target), kept), expected)


@pytest.mark.parametrize("unit", UNITS)
def test_a_duration_has_pandas_s_parts(unit: datetimes.Unit) -> None:
    x = gapped(unit)
    parts = datetimes.DURATION_FIELDS
    got = run(lambda v: [datetimes.duration_field(v, unit, name, nullable=True) for name in parts], x)
    for name, answer in zip(parts, got, strict=True):
        np.testing.assert_array_equal(answer, getattr(lengths(x, unit).dt, name), err_msg=name)
    whole = x[x != NAT]
    days = run(lambda v: datetimes.duration_field(v, unit, "days"), whole)
    assert days.dtype == np.int64
    np.testing.assert_array_equal(days, lengths(whole, unit).dt.days)


@pytest.mark.parametrize("unit", UNITS)
def test_total_seconds_are_rounded_as_pandas_rounds_them(unit: datetimes.Unit) -> None:
    x = gapped(unit)
    x = x[(np.abs(x) < 2**53) | (x == NAT)]
    got = run(lambda v: datetimes.total_seconds(v, unit), x)
    np.testing.assert_array_equal(got, lengths(x, unit).dt.total_seconds())


@pytest.mark.parametrize("divisor", [2, 7, 10**9, 86_400 * 10**9])
def test_division_towards_minus_infinity_does_not_overflow_at_the_ends_of_int64(divisor: int) -> None:
    x = np.array([NAT + 1, NAT + 2, -divisor - 1, -divisor, -1, 0, 1, divisor, -(NAT + 1)], dtype=np.int64)
    got = run(lambda v: datetimes.floor_div(v, divisor), x)
    assert got.tolist() == [int(v) // divisor for v in x]


def test_sums_and_differences_are_missing_where_a_part_is() -> None:
    x, y = gapped("us"), np.roll(gapped("us"), 3)
    difference, total = run(lambda a, b: [datetimes.subtract(a, b), datetimes.add(a, b)], x, y)
    missing = (x == NAT) | (y == NAT)
    np.testing.assert_array_equal(difference, np.where(missing, NAT, np.where(missing, 0, x - y)))
    np.testing.assert_array_equal(total, np.where(missing, NAT, np.where(missing, 0, x + y)))


@pytest.mark.parametrize("how", datetimes.COMPARISONS)
def test_a_missing_timestamp_compares_as_in_pandas(how: str) -> None:
    x, y = gapped("us"), np.roll(gapped("us"), 3)
    y[::2] = x[::2]
    method = {"equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt"}
    expected = getattr(stamps(x, "us"), method.get(how, "ge"))(stamps(y, "us"))
    np.testing.assert_array_equal(run(lambda a, b: datetimes.compare(a, b, how), x, y), expected)


def test_a_date_and_its_count_of_days_are_inverse() -> None:
    days = np.arange(-719_528, 2_932_896, 37)  # years 0 to 9999

    def there_and_back(v: Any) -> Any:
        date = datetimes.civil(v)
        return datetimes.days_from_civil(date.year, date.month, date.day)

    np.testing.assert_array_equal(run(there_and_back, days), days)


def test_no_rows_give_no_rows() -> None:
    none = np.zeros((0, 1), dtype=np.int64)
    assert run(lambda v: datetimes.field(v, "us", "month"), none).shape == (0, 1)
