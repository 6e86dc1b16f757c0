"""Dates in text are read as ``pandas.to_datetime`` reads them, or left undecided."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession
from running import run, texts
from spox import Tensor, argument, build

from onnxtwin.exporters.date_parsing import MISSING, parse_time
from onnxtwin.exporters.datetimes import Unit
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.signature import NAT

RNG = np.random.default_rng(0)
NOTABLE = [
    "2013-01-31 05:06:07.123456789", "1999-02-28 23:59:59.5", "2000-02-29 00:00:00.000001",
    "1677-09-21 00:12:43.145224193", "2262-04-11 23:47:16.854775807", "2262-04-11 23:47:16.854775808",
    "0001-01-01 00:00:00.0", "9999-12-31 23:59:59.999999", "1900-02-29 10:00:00.1", "2100-02-29 10:00:00.1",
    "1969-12-31 23:59:59.25", "2013-04-31 01:02:03.7", "0000-02-29 01:02:03.1", "2013-13-01 00:00:00.1",
    "2013-01-01 24:00:00.0", "2013-01-01 23:59:60.0",
]  # fmt: skip
RANDOM = [
    f"{pd.Timestamp(int(s), unit='s'):%Y-%m-%d %H:%M:%S}.{RNG.integers(10**6)}"
    for s in RNG.integers(-6 * 10**10, 10**11, 40)
]
STRANGERS = [*MISSING, "None", "NULL", "today", "now", "abc", "2013", "-2013-01-01", " 2013-01-01"]
OFFSETS = ["Z", "+00:00", "+02:00", "+0200", "-05:30", "-0530", "+23:59", "+02", "-00:00", "+24:00", "+02:60"]


LAYOUTS = {
    "%Y-%m-%d": lambda s: s[:10],
    "%Y-%m-%d %H:%M:%S": lambda s: s[:19],
    "%Y-%m-%dT%H:%M:%S": lambda s: s[:19].replace(" ", "T"),
    "%Y-%m-%d %H:%M": lambda s: s[:16],
    "%Y-%m-%d %H:%M:%S.%f": lambda s: s,
    "%Y%m%d": lambda s: s[:10].replace("-", ""),
    "%Y%m%dT%H%M%S": lambda s: s[:19].replace("-", "").replace(":", "").replace(" ", "T"),
    "%d/%m/%Y": lambda s: f"{s[8:10]}/{s[5:7]}/{s[:4]}",
    "%d.%m.%Y %H:%M:%S.%f": lambda s: f"{s[8:10]}.{s[5:7]}.{s[:4]}{s[10:]}",
    "%d%m%Y": lambda s: s[8:10] + s[5:7] + s[:4],
    "%Y-%m": lambda s: s[:7],
    "%Y": lambda s: s[:4],
}
WITH_OFFSET = {
    "%Y-%m-%dT%H:%M:%S%z": lambda s, o: s[:19].replace(" ", "T") + o,
    "%Y-%m-%d %H:%M:%S.%f%z": lambda s, o: s + o,
}


def _mutated(text: str) -> str:
    letters = list(text)
    for _ in range(RNG.integers(1, 3)):
        kind, at = RNG.integers(3), int(RNG.integers(0, len(letters) + 1))
        letter = str(RNG.choice(list("0123456789-/:.TZz+ \tt٣aé")))
        letters[at : at + (kind > 0)] = [] if kind == 2 else [letter]
    return "".join(letters)


def rows_of(texts_of_layout: list[str]) -> list[str]:
    """The texts, three mutations of each, and what is no date."""
    return [*texts_of_layout, *(_mutated(t) for t in texts_of_layout for _ in range(3)), *STRANGERS]


def pandas_reads(text: str, fmt: str, unit: Unit, utc: bool) -> tuple[str, int, int]:
    """``read``, ``refused`` or ``finer`` (than the unit), the ticks, and the offset in minutes."""
    try:
        column = pd.to_datetime(pd.Series([text], dtype=object), format=fmt, utc=utc)
    except (ValueError, OverflowError):
        return "refused", NAT, 0
    stamp = column.iloc[0]
    if stamp is pd.NaT:
        return "read", NAT, 0
    nanos = (
        int(column.astype("int64").iloc[0]) * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.dt.unit]
    )
    ticks, finer = divmod(nanos, 1 if unit == "ns" else 1000)
    if not -(2**63) < ticks < 2**63:
        return "refused", NAT, 0
    offset = stamp.utcoffset()
    return "finer" if finer else "read", ticks, 0 if offset is None else round(offset.total_seconds() / 60)


def assert_as_pandas(rows: list[str], fmt: str, unit: Unit, **how: Any) -> None:
    parsed = run(lambda x: list(parse_time(x, fmt, unit, **how)), texts(*rows))
    for text, ticks, valid, certain in zip(rows, *parsed, strict=True):
        if not certain:
            continue
        state, expected, offset = pandas_reads(text, fmt, unit, how.get("utc", False))
        if not how.get("utc") and expected != NAT:
            assert offset == how.get("offset", 0), text
        assert (bool(valid), int(ticks)) == (state == "read", expected), (text, state)


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("fmt", LAYOUTS)
def test_a_layout_is_read_as_pandas_reads_it(fmt: str, unit: Unit) -> None:
    assert_as_pandas(rows_of([LAYOUTS[fmt](s) for s in NOTABLE + RANDOM]), fmt, unit)


@pytest.mark.parametrize("how", [{"utc": True}, {"offset": 0}, {"offset": 120}, {"offset": -330}])
@pytest.mark.parametrize("fmt", WITH_OFFSET)
def test_an_offset_is_read_as_pandas_reads_it(fmt: str, how: dict[str, Any]) -> None:
    made = [WITH_OFFSET[fmt](s, OFFSETS[i % len(OFFSETS)]) for i, s in enumerate(NOTABLE + RANDOM)]
    assert_as_pandas(rows_of(made), fmt, "us", **how)


@pytest.mark.parametrize("fmt", LAYOUTS)
def test_every_day_of_the_layout_s_own_spelling_is_decided(fmt: str) -> None:
    days = pd.date_range("1895-12-25", "1904-03-05", freq="3D")
    rows = [LAYOUTS[fmt](f"{d:%Y-%m-%d %H:%M:%S}.0") for d in days]
    ticks, valid, certain = run(lambda x: list(parse_time(x, fmt, "us")), texts(*rows))
    assert valid.all()
    assert certain.all()
    np.testing.assert_array_equal(ticks, pd.to_datetime(rows, format=fmt).as_unit("us").asi8)


def test_a_day_that_is_not_in_the_calendar_is_not_valid() -> None:
    ticks, valid, certain = run(
        lambda x: list(parse_time(x, "%Y-%m-%d", "us")), texts("2013-02-29", "1900-02-29", "2013-04-31", "")
    )
    assert ticks.tolist() == [NAT] * 4
    assert valid.tolist() == [False, False, False, True]
    assert certain.all()


@pytest.mark.parametrize(
    "fmt", ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S.%f"]
)
def test_one_digit_stands_for_two_as_pandas_reads_it(fmt: str) -> None:
    times = [
        "2013-01-05 06:07:08.5",
        "2013-11-05 16:07:18.5",
        "2013-01-15 06:17:08.5",
        "2013-01-05 00:00:00.5",
    ]
    rows = [LAYOUTS[fmt](time) for time in times]
    short = [re.sub(r"(?<![0-9])0([0-9])", r"\1", row) for row in rows]
    assert short != rows
    ticks, valid, certain = run(lambda x: list(parse_time(x, fmt, "us")), texts(*short))
    assert valid.all()
    assert certain.all()
    expected = pd.to_datetime([rows[0], *short], format=fmt).as_unit("us").asi8[1:]
    np.testing.assert_array_equal(ticks, expected)


@cache
def _session(fmt: str) -> InferenceSession:
    x = argument(Tensor(np.str_, (None,)))
    parsed = parse_time(x, fmt, "us")
    return InferenceSession(build({"x": x}, parsed._asdict()).SerializeToString())


def assert_decided_as_pandas(rows: list[str], fmt: str, undecided: float = 0.0) -> None:
    """All texts but a share of ``undecided`` ones are read, or not read, as one call of pandas does it."""
    ticks, valid, certain = _session(fmt).run(None, {"x": texts(*rows)})
    expected = pd.to_datetime(pd.Series(rows, dtype=object), format=fmt, errors="coerce").astype(
        "datetime64[us]"
    )
    known = expected.notna().to_numpy() | np.isin(rows, MISSING)
    wrong = [
        (row, v, e)
        for row, v, t, e, k, sure in zip(
            rows, valid, ticks, expected.astype("int64"), known, certain, strict=True
        )
        if sure and (bool(v), int(t)) != (bool(k), int(e))
    ]
    assert not wrong
    assert certain.mean() >= 1 - undecided


@pytest.mark.parametrize("year", ["2013", "2012", "0001", "9999"])
@pytest.mark.parametrize("digits", [0, 1, 2, 3, 4])
def test_fields_that_touch_take_the_digits_that_pandas_gives_them(year: str, digits: int) -> None:
    rest = [f"{n:0{digits}}" if digits else "" for n in range(10**digits)]
    assert_decided_as_pandas([year + r for r in rest] + [year + r + "7" for r in rest[::7]], "%Y%m%d")
    assert_decided_as_pandas([r + year for r in rest], "%d%m%Y")
    assert_decided_as_pandas([r + year for r in rest], "%m%d%Y")
    assert_decided_as_pandas([year + r for r in rest], "%Y%m")


SEPARATED = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d"]


@pytest.mark.parametrize("fmt", SEPARATED)
def test_every_day_and_month_of_up_to_two_digits_is_decided(fmt: str) -> None:
    numbers = ["", *map(str, range(40)), *(f"0{n}" for n in range(10)), " 5", "5 ", "005", "x", "-1"]
    rows = [
        fmt.replace("%Y", year).replace("%m", month).replace("%d", day)
        for year in ("2023", "2024", "1900", "1676", "2263")
        for month in numbers
        for day in numbers
    ]
    assert_decided_as_pandas(rows, fmt)


HOSTILE_TIMES = [
    "2023-01-05t00:00:00", "2023-01-05T00:00:00Z", "2023-01-05T00:00:00z", "2023-01-05 00:00:00",
    "2023-01-05T24:00:00", "2023-01-05T23:59:60", "2023-01-05T23:59:61", "2023-01-05T23:59:62",
    "2016-12-31T23:59:60", "2023-01-05T1:2:3", "2023-01-05T01:02", "2023-01-05T01:02:", "2023-01-05T010203",
    "2023-1-5T1:2:3", "2023-01-05T-1:00:00", "2023-01-05T00:00:00.5", "2023-01-05T00:00:00+00:00",
    " 2023-01-05T00:00:00", "2023-01-05T00:00:00 ", "2023-01-05T00:00:00\n", "2023-01- 5T00:00:00",
    "2023-01-05\tT00:00:00", "2023-01-05T00: 00:00", "2023\u201001\u201005T00:00:00", "2023-02-29T00:00:00",
    "2024-02-29T00:00:00", "2023-04-31T00:00:00", "10000-01-01T00:00:00", "999-01-01T00:00:00",
    "99-01-01T00:00:00", "0000-13-29T01:00:00", "", "NaT", "nan", "none", "NaTT", "Nat",
]  # fmt: skip


def test_hostile_spellings_of_a_time_are_decided() -> None:
    assert_decided_as_pandas(HOSTILE_TIMES, "%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    "blank", [" ", "  ", "\t", "\n", "\u00a0", "\u3000", "\x1c", "\x85", "", "_", "\u200b"]
)
@pytest.mark.parametrize("fmt", ["%Y-%m-%d %H:%M", "%d.%m.%Y  %H:%M"])
def test_a_blank_of_the_layout_is_any_white_space(fmt: str, blank: str) -> None:
    times = [("2013", "02", "28", "23:05"), ("2013", "02", "30", "23:05"), ("2013", "12", "1", "7:5")]
    rows = [
        re.sub(r" +", blank, fmt.replace("%Y", y).replace("%m", m).replace("%d", d).replace("%H:%M", t))
        for y, m, d, t in times
    ]
    assert_decided_as_pandas(rows, fmt)


@pytest.mark.parametrize("fmt", LAYOUTS)
@given(draw=st.data())
@settings(max_examples=60, deadline=None)
def test_a_drawn_text_near_a_layout_is_never_read_otherwise(fmt: str, draw: st.DataObject) -> None:
    day = draw.draw(st.datetimes())
    text = LAYOUTS[fmt](f"{day:%Y-%m-%d %H:%M:%S}.{day:%f}".zfill(26))
    letters = list(text)
    for _ in range(draw.draw(st.integers(0, 3))):
        at, width = draw.draw(st.integers(0, len(letters))), draw.draw(st.integers(0, 2))
        letters[at : at + width] = draw.draw(
            st.text(st.sampled_from("0123456789-/:. Tt٣\u00a0+Z"), max_size=2)
        )
    for row in (text, "".join(letters)):
        assert_decided_as_pandas([row], fmt, undecided=1.0)


def test_spellings_that_only_pandas_knows_are_undecided() -> None:
    odd = ["٢٠١٣-01-01", "today", "now", "-2013-01-01", "-9-01-01", "0000-01-01"]
    assert not run(lambda x: list(parse_time(x, "%Y-%m-%d", "us")), texts(*odd))[2].any()


def test_more_digits_than_the_unit_holds_are_undecided() -> None:
    rows = texts("2013-01-01 00:00:00.123456", "2013-01-01 00:00:00.1234567")
    assert run(lambda x: list(parse_time(x, "%Y-%m-%d %H:%M:%S.%f", "us")), rows)[2].tolist() == [True, False]


@pytest.mark.parametrize(
    "fmt", ["%d %B %Y", "%Y-%m-%d %I:%M %p", "%m-%d", "%Y-%j", "%f %Y", "%z %Y", "%Y %Y", "%Y %d"]
)
def test_other_layouts_are_refused(fmt: str) -> None:
    with pytest.raises(UnsupportedError, match="date layout"):
        run(lambda x: list(parse_time(x, fmt, "us")), texts("2013"))


@pytest.mark.parametrize("rows", [texts(), texts("", "NaT"), texts("2013-01-01", "x").reshape(2, 1)])
def test_any_shape_is_kept_and_emptiness_allowed(rows: np.ndarray) -> None:
    for answer in run(lambda x: list(parse_time(x, "%Y-%m-%d", "us")), rows):
        assert answer.shape == rows.shape
