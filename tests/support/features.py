"""Feature functions written against pandas, asked of the twin and of pandas itself on hostile rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.build.session import Session
from onnxtwin.exporters.array import is_missing
from onnxtwin.exporters.errors import DomainError

NAN = np.nan

needs_str_dtype = pytest.mark.skipif(pd.__version__ < "3", reason="until pandas 3 text is of dtype object")

FIRST, LAST = ("0001", "9999") if pd.__version__ >= "3" else ("1678", "2261")
"""The years that ``pd.to_datetime`` reads: until pandas 3 it answers in nanoseconds."""


def _times(*moments: str | None) -> pd.Series:
    return pd.Series(np.array(["NaT" if m is None else m for m in moments], dtype="datetime64[us]"))


def _durations(*seconds: float | None) -> pd.Series:
    return pd.Series(pd.to_timedelta(list(seconds), unit="s")).astype("timedelta64[us]")


def sample() -> pd.DataFrame:
    """Rows to export on: a column of every kind, missing wherever a kind can be."""
    utc = _times("2020-02-28", "1970-01-01", None, "2030-06-30", "2010-10-10 10:10:10", "1999-09-09")
    levels = pd.Categorical(["lo", "hi", None, "mid", "lo", "hi"], ["lo", "mid", "hi"], ordered=True)
    return pd.DataFrame(
        {
            "f": [1.5, -2.0, NAN, 0.0, 7.25, 100.0],
            "g": [0.5, 3.0, -1.0, 2.0, NAN, -100.5],
            "i": np.array([1, 2, -3, 4, 0, 9]),
            "j": np.array([7, -2, 3, 0, 5, 11]),
            "b": [True, False, True, True, False, False],
            "s": ["ab", "Cd x", None, "", "zz-top", "ab"],
            "o": pd.Series(["p", "q", None, "p", "r r", "Q"], dtype=object),
            "t": _times(
                "2020-02-29 12:30:15.25", "1969-12-31 23:59:59", "2024-12-31", "2000-01-01 00:00:01", None,
                "1900-03-01",
            ),
            "u": utc,
            "z": utc.dt.tz_localize("UTC"),
            "d": _durations(1, -5, None, 86400.5, 3600, 12),
            "k": levels,
            "n": pd.Categorical([1, 2, None, 3, 3, 1], [3, 1, 2]),
            "I": pd.array([1, None, 3, -4, 0, 6], dtype="Int64"),
            "F": pd.array([1.5, None, 3, -4, 0, 6], dtype="Float64"),
            "B": pd.array([True, None, False, True, True, False], dtype="boolean"),
            "iso": [
                "2020-02-29T12:30:15Z", None, "1969-12-31T23:59:59Z", "2024-12-31T00:00:00Z",
                "1900-03-01T01:02:03Z", "2099-12-31T23:59:59Z",
            ],
            "num": ["1.5", "-2", None, "1e3", "0", "7"],
        }
    )  # fmt: skip


def hostile() -> pd.DataFrame:
    """Rows at the edges: extremes, signed zeros, other scripts, leap days, years 1 and 9999."""
    other = _times(
        "1600-02-29 23:59:59.999999", "2000-02-28", None, None, "1970-01-02", "1969-12-31 23:59:59.999998",
        "0001-01-01", "2021-06-01",
    )  # fmt: skip
    levels = ["hi", "lo", None, "mid", "lo", "hi", "mid", "mid"]
    return pd.DataFrame(
        {
            "f": [NAN, np.inf, -np.inf, 1e300, -0.0, 5e-324, 2.5, 3.5],
            "g": [NAN, 1.0, np.inf, -1e300, 0.0, 1.0, -2.5, 0.0],
            "i": np.array([0, 2**40, -(2**40), 5, -1, 3, 7, -7]),
            "j": np.array([0, 3, -3, 2**40, 1, -1, 2, -2]),
            "b": [True, False] * 4,
            "s": ["ÀÉ ß", "\u00a0x\u00a0", "ab", "İstanbul", "𝒳yz", None, "AB-cd-ef", "ΑΣ"],
            "o": pd.Series(["P", "q", "new", None, "", "p", "é", "r r"], dtype=object),
            "t": _times(
                "1600-02-29 23:59:59.999999", "2000-02-29", "2100-03-01", None, "1970-01-01",
                "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59", "2021-01-01",
            ),
            "u": other,
            "z": other.dt.tz_localize("UTC"),
            "d": _durations(0, 1, -1, None, 10**6, -(10**6), 86399, -86401),
            "k": pd.Categorical(levels, ["lo", "mid", "hi"], ordered=True),
            "n": pd.Categorical([1, 2, None, 3, 3, 1, 2, 2], [3, 1, 2]),
            "I": pd.array([2**25, None, 0, -1, 5, None, 7, 8], dtype="Int64"),
            "F": pd.array([0.1, None, -0.0, 1e300, 5, None, 7, 8], dtype="Float64"),
            "B": pd.array([None, True, False, True, None, True, False, False], dtype="boolean"),
            "iso": [
                "1696-02-29T23:59:59Z", "2000-02-29T00:00:00Z", None, f"{LAST}-12-31T23:59:59Z",
                f"{FIRST}-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
                "2024-02-29T00:00:00Z",
            ],
            "num": ["0", "-0", None, "1e298", "inf", "nan", "  3 ", "0.1"],
        }
    )  # fmt: skip


def twin_of_feature(feature: Callable[[pd.DataFrame], Any], *columns: str) -> Session:
    """The twin of a FunctionTransformer around ``feature``, exported on the sample's ``columns``."""
    rows = sample()[list(columns)]
    return twin_of(FunctionTransformer(feature).fit(rows), rows)


def assert_feature_equal(
    feature: Callable[[pd.DataFrame], Any], *columns: str, rows: pd.DataFrame | None = None
) -> Session:
    """The twin of ``feature`` answers as pandas does, on sample and hostile rows, together and one by one.

    Where pandas raises, the twin refuses. Values count, not dtypes, which in pandas depend on the batch.
    """
    twin = twin_of_feature(feature, *columns)
    edges = (hostile() if rows is None else rows)[list(columns)]
    singles = [edges.iloc[i : i + 1] for i in range(len(edges))]
    for batch in (sample()[list(columns)], edges, *singles):
        _assert_batch_equal(twin, feature, batch)
    for answer in twin.run(edges.iloc[:0]).values():
        assert all(len(part) == 0 for part in (answer if isinstance(answer, list) else [answer]))
    return twin


def _assert_batch_equal(twin: Session, feature: Callable[[pd.DataFrame], Any], batch: pd.DataFrame) -> None:
    expected: Any = None
    refused = False
    with np.errstate(all="ignore"):
        try:
            expected = feature(batch)
        except (ValueError, TypeError, OverflowError):
            refused = True
    if refused:
        with pytest.raises(DomainError):
            twin.run(batch)
        return
    answer = twin.run(batch)["transform"]
    got, wanted = _columns(answer), _columns(expected)
    assert len(got) == len(wanted)
    for position, (one, other) in enumerate(zip(got, wanted, strict=True)):
        for row, (x, y) in enumerate(zip(one, other, strict=True)):
            assert _equal(x, y), f"column {position}, row {row}: the twin {x!r}, pandas {y!r}"


def _columns(answer: Any) -> list[list[Any]]:
    if isinstance(answer, list):
        return [np.asarray(part).reshape(-1).tolist() for part in answer]
    frame = answer if isinstance(answer, pd.DataFrame) else pd.DataFrame(np.asarray(answer))
    return [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]


def _equal(one: Any, other: Any) -> bool:
    if is_missing(one) or is_missing(other):
        return is_missing(one) and is_missing(other)
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return bool(one == other or abs(one - other) <= 1e-9 * (1 + abs(other)))
