"""``Series.str``: text of ``str`` and ``object`` columns, by pandas' rules for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from features import assert_feature_equal

Feature = Callable[[pd.DataFrame], Any]

TEXTS: dict[str, Feature] = {
    "lower": lambda s: s.str.lower(),
    "upper": lambda s: s.str.upper(),
    "strip": lambda s: s.str.strip(),
    "strip of characters": lambda s: s.str.lstrip("aC") + s.str.rstrip("bx"),
    "slice": lambda s: s.str.slice(0, 2) + s.str[-2:] + s.str[::2],
    "one character": lambda s: s.str[0],
    "the last character": lambda s: s.str.get(-1),
    "length": lambda s: s.str.len(),
    "replace": lambda s: s.str.replace("a", "A").str.replace(" ", "_"),
    "replace a class": lambda s: s.str.replace("[^a-z]", "", regex=True),
    "replace once": lambda s: s.str.replace("-", "", n=1),
    "prefix and suffix": lambda s: s.str.removeprefix("ab").str.removesuffix("x"),
    "count and find": lambda s: s.str.count("a") * 100 + s.str.find("b"),
    "joined": lambda s: "<" + s + "-" + s + ">",
    "filled": lambda s: s.fillna("").str.strip().str.lower().map({"ab": 1}).fillna(0).astype(int),
    "contains": lambda s: s.str.contains("b", na=False),
    "contains a pattern": lambda s: s.str.contains("^a|x$", na=True),
    "contains in any case": lambda s: s.str.contains("B", case=False, regex=False, na=False),
    "startswith": lambda s: s.str.startswith("ab", na=False),
    "endswith one of two": lambda s: s.str.endswith(("x", "p"), na=False),
    "match": lambda s: s.str.match("[a-z]+", na=False),
    "fullmatch": lambda s: s.str.fullmatch("[a-z]+", na=False),
    "equality": lambda s: (s == "ab") | (s != "p"),
    "equality of columns": lambda s: s == s,
}


@pytest.mark.parametrize("column", ["s", "o"])
@pytest.mark.parametrize("feature", TEXTS.values(), ids=TEXTS)
def test_text_is_computed_as_pandas_does(feature: Feature, column: str) -> None:
    rows = None
    if column == "o":
        rows = pd.DataFrame({"o": pd.Series(["P", "ab", "ab-x", "", "é", "r r", "ÀB", "pp"], dtype=object)})
    assert_feature_equal(lambda d: feature(d[column]), column, rows=rows)


def test_tests_of_missing_text_are_false_in_a_str_column() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        tests = {"a": d.s.str.contains("b"), "b": d.s.str.isalpha(), "c": d.s.str.isdigit()}
        return pd.DataFrame(tests | {"d": d.s.str.startswith("a"), "e": d.s == "ab"})

    assert_feature_equal(feature, "s")


def test_tests_of_missing_text_are_missing_in_an_object_column() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        hit = d.o.str.contains("p")
        return pd.DataFrame({"a": hit, "b": hit.fillna(False).astype(bool), "c": hit.astype(bool)})

    rows = pd.DataFrame({"o": pd.Series(["p", "x", None, "pp"], dtype=object)})
    twin = assert_feature_equal(feature, "o", rows=rows.iloc[[0, 1, 3]])
    assert [str(v) for v in twin.run(rows)["transform"]["a"]] == ["1.0", "0.0", "nan", "1.0"]


def test_one_piece_of_a_split_text_is_taken() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        pieces = d.s.str.split("-")
        return pd.DataFrame({"a": pieces.str[0], "b": pieces.str[1], "c": d.s.str.split("-", n=1).str.get(1)})

    rows = pd.DataFrame({"s": ["a-b-c", "é-", "-x", "𝒳-y-", "no-"]})
    assert_feature_equal(feature, "s", rows=rows)


def test_two_columns_are_joined() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        plain = d.s.str.cat(d.iso)
        return pd.DataFrame(
            {"a": plain, "b": d.s.str.cat(d.iso, sep="-"), "c": d.s.str.cat(d.iso, na_rep="?")}
        )

    assert_feature_equal(feature, "s", "iso")
