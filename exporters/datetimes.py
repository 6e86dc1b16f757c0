"""Calendar arithmetic on int64 ticks, exact as pandas' ``.dt``, before 1970 and after.

A timestamp is an int64 count of ticks since 1970-01-01 in a unit (``"s"``, ``"ms"``, ``"us"``, ``"ns"``),
as pandas holds it; :data:`~onnxtwin.exporters.signature.NAT` stands for a missing one. Everything is integer
arithmetic; divisions round toward minus infinity. Tensors may have any shape. A column with a time zone
passes its local ticks to :func:`field` (UTC ticks plus a fixed offset).

The civil calendar follows Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in
March, eras are 400 years of 146,097 days.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.signature import NAT

Unit = Literal["s", "ms", "us", "ns"]
TICKS: dict[Unit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Ticks a second."""

DAY = 86_400


def const(value: int) -> Var:
    """A scalar int64 constant."""
    return op.const(np.int64(value))


def floor_div(x: Var, divisor: int) -> Var:
    """``x // divisor`` of int64 by a positive constant, toward minus infinity."""
    if divisor == 1:
        return x
    # Taking the rest off first would overflow in the first ticks of int64, which pandas has values for.
    quotient = op.div(x, const(divisor))
    return op.sub(quotient, op.cast(op.greater(op.mul(quotient, const(divisor)), x), to=np.int64))


def is_missing(x: Var) -> Var:
    """Where the timestamp is NaT; bool."""
    return op.equal(x, const(NAT))


def _present(x: Var) -> Var:
    """Missing ticks as 0, lest they overflow."""
    return op.where(is_missing(x), const(0), x)


class Civil(NamedTuple):
    """Year, month (1 to 12), day (1 to 31) and day of the year counted from March 1 (0 to 365); int64."""

    year: Var
    month: Var
    day: Var
    march_day: Var


def civil(days: Var) -> Civil:
    """The date of a count of days since 1970-01-01."""
    shifted = op.add(days, const(719_468))  # days since 0000-03-01
    era = floor_div(shifted, 146_097)
    day = op.sub(shifted, op.mul(era, const(146_097)))
    leaps = op.sub(
        op.add(op.sub(day, op.div(day, const(1460))), op.div(day, const(36_524))), op.div(day, const(146_096))
    )
    year = op.div(leaps, const(365))
    first = op.sub(op.add(op.mul(year, const(365)), op.div(year, const(4))), op.div(year, const(100)))
    march_day = op.sub(day, first)
    march_month = op.div(op.add(op.mul(march_day, const(5)), const(2)), const(153))
    start = op.div(op.add(op.mul(march_month, const(153)), const(2)), const(5))
    late = op.greater_or_equal(march_month, const(10))  # January and February belong to the next year
    month = op.add(march_month, op.where(late, const(-9), const(3)))
    year = op.add(op.add(year, op.mul(era, const(400))), op.cast(late, to=np.int64))
    return Civil(year, month, op.add(op.sub(march_day, start), const(1)), march_day)


def days_from_civil(year: Var, month: Var, day: Var) -> Var:
    """Days since 1970-01-01 of a date with a year from 0 to 9999."""
    early = op.less_or_equal(month, const(2))
    # 400 years later, so that all divisions are of positive numbers.
    y = op.add(year, op.where(early, const(399), const(400)))
    m = op.add(month, op.where(early, const(9), const(-3)))
    leaps = op.add(op.sub(op.div(y, const(4)), op.div(y, const(100))), op.div(y, const(400)))
    of_year = op.add(op.div(op.add(op.mul(m, const(153)), const(2)), const(5)), day)
    return op.sub(op.add(op.add(op.mul(y, const(365)), leaps), of_year), const(719_469 + 146_097))


def is_leap(year: Var) -> Var:
    """Whether a year is a leap year; bool."""
    by = [op.equal(op.mod(year, const(n)), const(0)) for n in (4, 100, 400)]
    return op.or_(op.and_(by[0], op.not_(by[1])), by[2])


_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], dtype=np.int64)


def days_in_month(year: Var, month: Var) -> Var:
    """28 to 31; int64."""
    february = op.and_(op.equal(month, const(2)), is_leap(year))
    return op.add(op.gather(op.const(_MONTH_DAYS), month), op.cast(february, to=np.int64))


def day_of_year(date: Civil) -> Var:
    """1 to 366; int64."""
    late = op.and_(op.greater(date.month, const(2)), is_leap(date.year))
    before = op.add(op.gather(op.const(_DAYS_BEFORE), date.month), op.cast(late, to=np.int64))
    return op.add(before, date.day)


def day_of_week(days: Var) -> Var:
    """Monday 0 to Sunday 6 of a count of days since 1970-01-01 (a Thursday); int64."""
    return op.mod(op.add(days, const(3)), const(7))


def iso_calendar(x: Var, unit: Unit) -> tuple[Var, Var, Var]:
    """ISO year, week (1 to 53) and day (1 to 7) as ``.dt.isocalendar()``; int64, 0 where missing."""
    days = floor_div(_present(x), TICKS[unit] * DAY)
    weekday = day_of_week(days)
    # The week belongs to the year of its Thursday.
    thursday = civil(op.add(op.sub(days, weekday), const(3)))
    week = op.add(op.div(op.sub(day_of_year(thursday), const(1)), const(7)), const(1))
    missing = is_missing(x)
    return (
        op.where(missing, const(0), thursday.year),
        op.where(missing, const(0), week),
        op.where(missing, const(0), op.add(weekday, const(1))),
    )


_Date = Callable[[Civil], Var]


def _quarter(date: Civil) -> Var:
    return op.div(op.add(date.month, const(2)), const(3))


def _all(*conditions: Var) -> Var:
    result = conditions[0]
    for condition in conditions[1:]:
        result = op.and_(result, condition)
    return result


def _last_day(date: Civil) -> Var:
    return op.equal(date.day, days_in_month(date.year, date.month))


_OF_DATE: dict[str, _Date] = {
    "year": lambda d: d.year,
    "month": lambda d: d.month,
    "day": lambda d: d.day,
    "quarter": _quarter,
    "dayofyear": day_of_year,
    "day_of_year": day_of_year,
    "days_in_month": lambda d: days_in_month(d.year, d.month),
    "daysinmonth": lambda d: days_in_month(d.year, d.month),
}
_TESTS: dict[str, _Date] = {
    "is_leap_year": lambda d: is_leap(d.year),
    "is_month_start": lambda d: op.equal(d.day, const(1)),
    "is_month_end": _last_day,
    "is_quarter_start": lambda d: _all(
        op.equal(d.day, const(1)), op.equal(op.mod(d.month, const(3)), const(1))
    ),
    "is_quarter_end": lambda d: _all(_last_day(d), op.equal(op.mod(d.month, const(3)), const(0))),
    "is_year_start": lambda d: _all(op.equal(d.day, const(1)), op.equal(d.month, const(1))),
    "is_year_end": lambda d: _all(op.equal(d.day, const(31)), op.equal(d.month, const(12))),
}
_WEEKDAY = ("dayofweek", "day_of_week", "weekday")
_OF_SECONDS: dict[str, tuple[int, int]] = {"hour": (3600, 24), "minute": (60, 60), "second": (1, 60)}

FIELDS = (*_OF_DATE, *_TESTS, *_WEEKDAY, *_OF_SECONDS, "microsecond", "nanosecond")
"""What :func:`field` answers, by the names of pandas' ``.dt``."""


def field(x: Var, unit: Unit, name: str, *, nullable: bool = False) -> Var:
    """``series.dt.<name>`` of ticks in ``unit``.

    Returns what pandas does: int32, or with ``nullable`` (a missing value among the sample) float64 with
    NaN; the tests (``is_...``) are bool, False where missing.

    Raises
    ------
    UnsupportedError
        for a name that is not among :data:`FIELDS`.
    """
    if name not in FIELDS:
        raise UnsupportedError(f".dt.{name} has no graph form here; expected one of {', '.join(FIELDS)}")
    ticks = TICKS[unit]
    present = _present(x)
    if name in _TESTS:
        test = _TESTS[name](civil(floor_div(present, ticks * DAY)))
        return op.and_(test, op.not_(is_missing(x)))
    if name in _OF_DATE:
        value = _OF_DATE[name](civil(floor_div(present, ticks * DAY)))
    elif name in _WEEKDAY:
        value = day_of_week(floor_div(present, ticks * DAY))
    elif name in _OF_SECONDS:
        size, modulus = _OF_SECONDS[name]
        value = op.mod(floor_div(present, ticks * size), const(modulus))
    else:
        value = _subsecond(present, ticks, name)
    if not nullable:
        return op.cast(value, to=np.int32)
    return op.where(is_missing(x), op.const(np.nan), op.cast(value, to=np.float64))


def _subsecond(x: Var, ticks: int, name: str) -> Var:
    if name == "microsecond":
        rest = op.mod(x, const(ticks))
        return floor_div(rest, 1000) if ticks == 10**9 else op.mul(rest, const(10**6 // ticks))
    return op.mod(x, const(1000)) if ticks == 10**9 else op.mul(x, const(0))


def _keeping_missing(x: Var, value: Var) -> Var:
    return op.where(is_missing(x), const(NAT), value)


def floor(x: Var, step: int) -> Var:
    """``.dt.floor`` to multiples of ``step`` ticks (a day's: ``.dt.normalize()``); int64 ticks."""
    present = _present(x)
    return _keeping_missing(x, op.sub(present, op.mod(present, const(step))))


def ceil(x: Var, step: int) -> Var:
    """``.dt.ceil`` to multiples of ``step`` ticks; int64 ticks."""
    present = _present(x)
    return _keeping_missing(x, op.add(present, op.mod(op.neg(present), const(step))))


def round(x: Var, step: int) -> Var:
    """``.dt.round`` to multiples of ``step`` ticks, halves to the even multiple; int64 ticks."""
    present = _present(x)
    rest = op.mod(present, const(step))
    base = op.sub(present, rest)
    odd = op.equal(op.mod(op.div(base, const(step)), const(2)), const(1))
    twice = op.mul(rest, const(2))
    up = op.or_(op.greater(twice, const(step)), op.and_(op.equal(twice, const(step)), odd))
    return _keeping_missing(x, op.add(base, op.where(up, const(step), const(0))))


def as_unit(x: Var, unit: Unit, target: Unit) -> Var:
    """Ticks of ``unit`` as ticks of ``target``, rounded down where it is coarser; int64.

    A finer target multiplies without a check: :func:`fits` says where that stays within int64.
    """
    have, want = TICKS[unit], TICKS[target]
    if have == want:
        return x
    present = _present(x)
    value = op.mul(present, const(want // have)) if want > have else floor_div(present, have // want)
    return _keeping_missing(x, value)


def fits(x: Var, unit: Unit, target: Unit) -> Var:
    """Whether ticks of ``unit`` can be told in ``target`` (always, if it is coarser); bool."""
    factor = max(TICKS[target] // TICKS[unit], 1)
    limit = (2**63 - 1) // factor
    present = _present(x)
    return op.and_(op.less_or_equal(present, const(limit)), op.greater_or_equal(present, const(-limit)))


def add(x: Var, y: Var) -> Var:
    """Ticks plus ticks of the same unit; missing if either is."""
    missing = op.or_(is_missing(x), is_missing(y))
    return op.where(missing, const(NAT), op.add(_present(x), _present(y)))


def subtract(x: Var, y: Var) -> Var:
    """Ticks minus ticks of the same unit, a duration; missing if either is."""
    missing = op.or_(is_missing(x), is_missing(y))
    return op.where(missing, const(NAT), op.sub(_present(x), _present(y)))


COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")


def compare(x: Var, y: Var, how: str) -> Var:
    """Ticks compared with ticks of the same unit; False where one is missing, but True for ``not_equal``."""
    compared = {
        "equal": op.equal,
        "not_equal": op.equal,
        "less": op.less,
        "less_equal": op.less_or_equal,
        "greater": op.greater,
        "greater_equal": op.greater_or_equal,
    }[how](x, y)
    known = op.not_(op.or_(is_missing(x), is_missing(y)))
    return op.not_(op.and_(compared, known)) if how == "not_equal" else op.and_(compared, known)


@cache
def _splits_seconds() -> bool:
    """Whether the installed pandas divides whole seconds and the rest apart (3.1) or at once (before)."""
    import pandas as pd

    seconds = pd.TimedeltaIndex(np.array([-1], dtype="timedelta64[ms]")).total_seconds()
    return float(seconds[0]) != -0.001


def total_seconds(x: Var, unit: Unit) -> Var:
    """``timedelta.dt.total_seconds()`` as the installed pandas rounds it; float64, NaN where missing.

    Beyond 2**53 ticks pandas 3.1 moves a result off a whole second by one ulp, which is not followed.
    """
    ticks, present = TICKS[unit], _present(x)
    per_second = op.const(float(ticks))
    if _splits_seconds():
        whole = op.cast(floor_div(present, ticks), to=np.float64)
        rest = op.cast(op.mod(present, const(ticks)), to=np.float64)
        seconds = op.add(whole, op.div(rest, per_second))
    else:
        seconds = op.div(op.cast(present, to=np.float64), per_second)
    return op.where(is_missing(x), op.const(np.nan), seconds)


DURATION_FIELDS = ("days", "seconds", "microseconds", "nanoseconds")


def duration_field(x: Var, unit: Unit, name: str, *, nullable: bool = False) -> Var:
    """``timedelta.dt.<name>``; int64 for days and int32 otherwise, or float64 with NaN if ``nullable``.

    Raises
    ------
    UnsupportedError
        for a name that is not among :data:`DURATION_FIELDS`.
    """
    if name not in DURATION_FIELDS:
        raise UnsupportedError(
            f".dt.{name} has no graph form here; expected one of {', '.join(DURATION_FIELDS)}"
        )
    ticks, present = TICKS[unit], _present(x)
    if name == "days":
        value = floor_div(present, ticks * DAY)
    elif name == "seconds":
        value = op.mod(floor_div(present, ticks), const(DAY))
    else:
        value = _subsecond(present, ticks, name.removesuffix("s"))
    if nullable:
        return op.where(is_missing(x), op.const(np.nan), op.cast(value, to=np.float64))
    return value if name == "days" else op.cast(value, to=np.int32)
