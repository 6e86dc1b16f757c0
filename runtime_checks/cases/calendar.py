"""Instants that calendars trip over: leap days, year ends, changes of the clock, ends of a unit's range."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from onnxtwin.build.instants import NANOSECONDS, parse_dtype
from onnxtwin.exporters.quiet import quiet

_LAST = 2**63 - 1

ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe")
"""Zones whose changes of the clock are tried beside the column's own: by an hour, and by half an hour."""

DAYS = (
    # Leap days: of an ordinary leap year, of a century that has one; the day after where there is none.
    *(
        "2024-02-28T23:59:59.999999999",
        "2024-02-29",
        "2024-02-29T23:59:59.999999999",
        "2000-02-29",
        "1900-03-01",
    ),
    # Year ends, the last day of a leap year (day 366), and weeks that belong to the other year.
    *("2023-12-31T23:59:59.999999999", "2024-01-01", "2024-12-30", "2024-12-31", "2021-01-03", "2020-12-31"),
    # The epoch and its neighbours, before it, the end of 32-bit seconds, the first Gregorian day.
    *("1970-01-01", "1969-12-31T23:59:59", "1969-12-31T23:59:59.999999999", "1901-12-13T20:45:51"),
    *("2038-01-19T03:14:08", "1582-10-15", "1677-09-22", "2262-04-11", "9999-12-31T23:59:59", "0001-01-01"),
)
"""Instants as ISO 8601 to the nanosecond; a coarser unit takes them rounded down, or leaves them out."""

TEXT_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y"),
    *("%m/%d/%Y", "%d %B %Y", "%b %d, %Y", "%y-%m-%d", "%Y-%m", "%Y", "%H:%M:%S", "%Y-W%V-%u", "%j/%Y"),
)
"""Other spellings of a date than the column's own."""

NO_DATES = ("2023-02-29", "2024-02-30", "2024-13-01", "2024-00-10", "2024-1-1", "0000-00-00", "24:00:00")


def extreme_instants(values: pd.Series) -> list[pd.Timestamp]:
    """Instants of the column's unit and zone, the first and the last that it holds among them."""
    unit, zone = _unit_and_zone(values)
    ticks = [t for day in DAYS for t in _ticks(day, unit)]
    ticks += [t for name in (*([zone] if zone else []), *ZONES) for t in _clock_changes(name, unit)]
    ticks += [-_LAST, -_LAST + 1, _LAST, _LAST - 1]
    return [instant for t in dict.fromkeys(ticks) for instant in _timestamps(t, unit, zone)]


def extreme_durations(values: pd.Series) -> list[pd.Timedelta]:
    """Durations of the column's unit: none, one tick, a day, the longest, either way."""
    unit, _ = _unit_and_zone(values)
    day = 86_400 * 10**9 // NANOSECONDS[unit]
    ticks = [0, *(sign * t for t in (1, day - 1, day, day + 1, 366 * day, _LAST) for sign in (1, -1))]
    return [pd.Timedelta(t) for t in np.array(ticks, dtype=np.int64).view(f"timedelta64[{unit}]")]


def extreme_texts(values: pd.Series) -> list[str]:
    """Dates that calendars trip over, as the column writes dates and otherwise; empty where it holds none."""
    texts = [v for v in values.dropna().head(20) if isinstance(v, str)]
    with quiet():  # that a day stands before the month
        formats = [guess_datetime_format(text) for text in texts]
    known = [f for f in formats if f]
    if not known or 2 * len(known) < len(texts):
        return []
    # 05.01.2024 is written by two formats, 25.01.2024 by one.
    own = max(
        sorted(set(known)),
        key=lambda f: pd.to_datetime(pd.Series(texts), format=f, errors="coerce", utc=True).count(),
    )
    own = own.replace("%z", "Z" if texts[0].endswith("Z") else "+0000")
    days = [datetime.fromisoformat(day[:26]) for day in DAYS]
    written = [_written(day, own) for day in days]
    written += [_written(days[1], f) for f in TEXT_FORMATS]
    example = _written(days[2], own)
    written += [
        f" {example}",
        f"{example} ",
        f"{example}Z",
        f"{example}+02:00",
        example.replace("-", "/"),
        *NO_DATES,
    ]
    return list(dict.fromkeys(written))


def _written(day: datetime, form: str) -> str:
    """``strftime``, with four digits for the years before 1000 as well."""
    return day.strftime(form.replace("%Y", f"{day.year:04d}"))


def _unit_and_zone(values: pd.Series) -> tuple[str, str | None]:
    parsed = parse_dtype(str(values.dtype))
    if parsed is None:
        return np.datetime_data(values.to_numpy().dtype)[0], None
    return parsed[1], parsed[2]


def _ticks(text: str, unit: str) -> Iterator[int]:
    """The instant as ticks of the unit, rounded down; nothing if the unit does not reach it."""
    seconds, _, fraction = text.partition(".")
    nanoseconds = int(np.datetime64(seconds, "s").astype(np.int64)) * 10**9 + int(fraction or 0)
    ticks = nanoseconds // NANOSECONDS[unit]
    if abs(ticks) <= _LAST:
        yield ticks


def _clock_changes(zone: str, unit: str) -> Iterator[int]:
    """The instants in 2024 at which the zone's clocks change, and the last tick before each."""
    hours = pd.date_range("2024-01-01", "2025-01-01", freq="30min", tz="UTC")
    try:
        local = hours.tz_convert(zone)
    except (KeyError, ValueError, TypeError):
        return
    offsets = (local.tz_localize(None) - hours.tz_localize(None)).to_numpy()
    for moment in hours[1:][offsets[1:] != offsets[:-1]]:
        ticks = int(moment.timestamp()) * 10**9 // NANOSECONDS[unit]
        yield from (ticks - 1, ticks)


def _timestamps(ticks: int, unit: str, zone: str | None) -> Iterator[pd.Timestamp]:
    """The timestamp; nothing where pandas cannot make one, or a column of them, in the zone."""
    try:
        (instant,) = pd.DatetimeIndex(np.array([ticks], dtype=np.int64).view(f"datetime64[{unit}]"))
        if zone is not None:
            instant = instant.tz_localize("UTC").tz_convert(zone)
            pd.Series([instant], dtype=f"datetime64[{unit}, {zone}]")
    except (OverflowError, ValueError, NotImplementedError):
        return
    yield instant
