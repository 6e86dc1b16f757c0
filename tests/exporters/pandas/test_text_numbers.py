"""Hostile spellings of numbers: the twin answers as pandas does, or refuses by a limit that it declares."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import needs_str_dtype
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.build.session import Session
from onnxtwin.exporters.errors import DomainError, LimitError

Read = Callable[[pd.Series], pd.Series]

READS: dict[str, Read] = {
    "astype(float)": lambda a: a.astype(float),
    "astype(int)": lambda a: a.astype(int),
    "to_numeric": lambda a: pd.to_numeric(a).astype(float),
    "to_numeric, coerced": lambda a: pd.to_numeric(a, errors="coerce").astype(float),
}

ENDS = ["1e308", "1.7976931348623157e308", "1.8e308", "2.2e-308", "5e-324", "2e-324"]
"""At the ends of the range of float64."""

LONG = [
    *("9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616"),
    *("1" * 400, "0" * 400 + "7", "0" * 4301, "1" * 4301, "1" * 10_000),
]
"""Integers beyond 2**53, or of very many digits."""

_BLANKS = "\t\n\v\f\r\x1c\x1f\x85\u00a0\u2003\u3000\u200b\ufeff"

HOSTILE = [
    *("", " ", "0", "-0", "+0", "007", "1_000", "_1", "1__0", "1 000", "1,5", "1.", ".5", ".", "-", "+-1"),
    *("1e5", "1e", "1e+ 5", "1e309", "-1e400", "1e-400", "0e999", "1e-5", "9007199254740991"),
    *(f"{blank}36" for blank in _BLANKS),
    *(f"36{blank}" for blank in _BLANKS),
    *("inf", "-Inf", "+INF", "infinity", "-Infinity", " inf", "inf ", "infin", "nan", "NaN", "-nan"),
    *("NA", "None", "NaT", "null", "36%", "$36", "0x24", "0b1", "1j", "True", "\u0663\u0666", "\uff13\uff16"),
    *("\u0967.\u0968", "\u00bd", "\u00b2", "\u2162", "1\u0301", "\u221236", "9007199254740992"),
    *("0." + "0" * 400 + "7", "1." + "1" * 900),
    *ENDS,
    *LONG,
]


@cache
def reader(name: str) -> Session:
    rows = pd.DataFrame({"a": ["1", "22", "-3", "40"]})
    return twin_of(FunctionTransformer(lambda X: READS[name](X["a"]).to_frame()).fit(rows), rows)


def assert_answered_or_refused(name: str, text: str) -> bool:
    """That the twin does as pandas, or refuses by a limit; whether it answered or refused as pandas does."""
    row = pd.DataFrame({"a": [text]})
    try:
        expected = READS[name](row["a"]).to_numpy()[0]
    except (ValueError, OverflowError, TypeError):
        with pytest.raises(DomainError):
            reader(name).run(row)
        return True
    try:
        found = np.asarray(reader(name).run(row)["transform"]).reshape(-1)[0]
    except LimitError:
        return False
    assert found == expected or found != found and expected != expected, text
    if name == "astype(float)":  # to_numeric reads -0 as an integer, where the batch holds no other numbers
        assert np.signbit(found) == np.signbit(expected) or found != found, text
    return True


@needs_str_dtype
@pytest.mark.parametrize("name", READS)
def test_a_hostile_spelling_is_read_as_pandas_reads_it_or_refused_by_a_limit(name: str) -> None:
    unread = [text for text in HOSTILE if not assert_answered_or_refused(name, text)]
    beyond = set() if name == "astype(int)" else ENDS if name == "astype(float)" else {*ENDS, *LONG}
    assert set(unread) <= set(beyond)


@needs_str_dtype
@pytest.mark.parametrize("name", READS)
@given(
    text=st.text(st.sampled_from("0123456789\u0663+-.eE_ \t\u00a0\x1cinfax"), max_size=20)
    | st.floats().map(repr)
    | st.integers().map(str)
)
@settings(deadline=None)
def test_a_drawn_spelling_is_never_read_otherwise(name: str, text: str) -> None:
    assert_answered_or_refused(name, text)


@needs_str_dtype
@pytest.mark.parametrize("dtype", ["str", object])
@pytest.mark.parametrize(
    "test", ["isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "isspace", "isascii"]
)
def test_characters_are_what_the_column_s_own_library_calls_them(test: str, dtype: Any) -> None:
    texts = [
        "a1",
        "12",
        "",
        " ",
        "\u00bd",
        "1\u00bd",
        "\u00b2",
        "\u0663",
        "\u4e00",
        "\u00e9",
        "\u0967\u0968",
        "\U00010d41",
        "\u00aa",
        "\u1c89",
        "-1",
    ]
    rows = pd.DataFrame({"a": pd.Series(texts, dtype=dtype)})

    def feature(X: pd.DataFrame) -> pd.DataFrame:
        return getattr(X["a"].str, test)().fillna(False).astype(bool).astype(float).to_frame()

    twin = twin_of(FunctionTransformer(feature).fit(rows), rows)
    np.testing.assert_array_equal(np.asarray(twin.run(rows)["transform"]), feature(rows).to_numpy())
