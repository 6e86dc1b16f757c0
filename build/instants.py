"""Instants and durations as whole ticks of a column's own unit; exact or refused, numpy only.

pandas counts in seconds, milliseconds, microseconds or nanoseconds since 1970-01-01 (UTC where the
column knows its zone); the smallest int64 is the missing value (``NAT``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.exporters.signature import NAT

NANOSECONDS = {
    "W": 604_800 * 10**9,
    "D": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
"""Length of numpy's units in nanoseconds; months and years have none."""

_LIMIT = 2**63 - 1
_DTYPE = re.compile(r"(?P<kind>datetime64|timedelta64)\[(?P<unit>s|ms|us|ns)(?:, (?P<zone>.+))?\]")
_ISO = re.compile(
    r"(?P<local>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?)"
    r"(?P<offset>Z|[+-]\d\d:?\d\d)?"
)
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


def parse_dtype(dtype: str) -> tuple[str, str, str | None] | None:
    """Kind (``datetime64`` or ``timedelta64``), unit and time zone of a pandas dtype's name, or None."""
    found = _DTYPE.fullmatch(dtype)
    return (found["kind"], found["unit"], found["zone"]) if found else None


def rescale(ticks: int, source: str, target: str) -> int:
    """Ticks of one unit as ticks of another.

    Raises
    ------
    ValueError
        If the instant falls between two ticks of the target, or beyond int64.
    """
    whole, rest = divmod(ticks * NANOSECONDS[source], NANOSECONDS[target])
    if rest:
        raise ValueError(f"is finer than the column's unit, {target}")
    if abs(whole) > _LIMIT:
        raise ValueError(f"is beyond what int64 holds in {target}")
    return whole


def rescale_array(
    ticks: NDArray[np.int64], source: str, target: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ticks of one unit as ticks of another, and which of them could not be said exactly (``NAT`` stays)."""
    missing = ticks == NAT
    if source == target:
        return ticks, np.zeros(ticks.shape, dtype=np.bool_)
    if NANOSECONDS[source] > NANOSECONDS[target]:
        factor = NANOSECONDS[source] // NANOSECONDS[target]
        bound = _LIMIT // factor
        bad = ~missing & ((ticks > bound) | (ticks < -bound))
        scaled = np.where(missing | bad, NAT, np.where(missing | bad, 0, ticks) * factor)
    else:
        factor = NANOSECONDS[target] // NANOSECONDS[source]
        bad = ~missing & (ticks % factor != 0)
        scaled = np.where(missing, NAT, ticks // factor)
    return scaled.astype(np.int64, copy=False), bad


def instant(value: Any, unit: str, *, aware: bool) -> int:
    """One instant as ticks: a ``datetime``, a pandas Timestamp, a ``datetime64`` or ISO 8601 text.

    Raises
    ------
    TypeError
        If the value is none of these.
    ValueError
        If it has a time zone and the column has none, or the reverse; if it is no date, or cannot be
        said exactly in the unit.
    """
    if isinstance(value, np.datetime64):
        _demand_zone(aware, has_zone=False)
        return _from_numpy(value, unit)
    if isinstance(value, str):
        found = _ISO.fullmatch(value)
        if found is None:
            raise ValueError("is no date in ISO 8601, as 2013-01-31T23:59:00, with Z or +01:00 for a zone")
        _demand_zone(aware, has_zone=found["offset"] is not None)
        ticks = _from_numpy(np.datetime64(found["local"]), "ns" if "." in found["local"] else "s")
        offset = _offset_seconds(found["offset"] or "Z")
        if "." in found["local"]:
            return rescale(ticks - offset * 10**9, "ns", unit)
        return rescale(ticks - offset, "s", unit)
    if isinstance(value, datetime):
        _demand_zone(aware, has_zone=value.tzinfo is not None)
        if hasattr(value, "to_datetime64"):
            return _from_numpy(value.to_datetime64(), unit)
        return rescale(_microseconds(value - (_EPOCH_UTC if aware else _EPOCH)), "us", unit)
    raise TypeError("not an instant")


def duration(value: Any, unit: str) -> int:
    """One duration as ticks: a ``timedelta``, a pandas Timedelta or a ``timedelta64``.

    Raises
    ------
    TypeError
        If the value is none of these.
    ValueError
        If it cannot be said exactly in the unit.
    """
    if hasattr(value, "to_timedelta64"):
        value = value.to_timedelta64()
    if isinstance(value, np.timedelta64):
        return _from_numpy(value, unit)
    if isinstance(value, timedelta):
        return rescale(_microseconds(value), "us", unit)
    raise TypeError("not a duration")


def _from_numpy(value: np.datetime64 | np.timedelta64, unit: str) -> int:
    source, count = np.datetime_data(value.dtype)
    if source in ("Y", "M") and isinstance(value, np.datetime64):
        value, source, count = value.astype("datetime64[D]"), "D", 1
    if source not in NANOSECONDS:
        raise ValueError(f"is counted in {source}; the column counts in {unit}")
    return rescale(int(value.astype(np.int64)) * count, source, unit)


def _microseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 10**6 + span.microseconds


def _offset_seconds(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds


def _demand_zone(aware: bool, *, has_zone: bool) -> None:
    if aware and not has_zone:
        raise ValueError("has no time zone, and the column has one")
    if has_zone and not aware:
        raise ValueError("has a time zone, and the column has none")
