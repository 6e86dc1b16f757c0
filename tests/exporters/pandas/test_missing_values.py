"""Missing values: found, filled, put in and handed on, as pandas does for every kind of column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal, sample

Feature = Callable[[pd.DataFrame], Any]


@pytest.mark.parametrize("name", sample().columns)
def test_missing_values_are_found_in_every_kind_of_column(name: str) -> None:
    assert_feature_equal(lambda d: pd.DataFrame({"a": d[name].isna(), "b": pd.notna(d[name])}), name)


def test_missing_values_of_a_whole_frame_are_found() -> None:
    assert_feature_equal(lambda d: d.isna(), *sample().columns)
    assert_feature_equal(lambda d: d.notna(), "f", "g")


FILLED: dict[str, tuple[Feature, str]] = {
    "numbers": (lambda d: d.f.fillna(-1), "f"),
    "integers, never missing": (lambda d: d.i.fillna(3), "i"),
    "text": (lambda d: d.s.fillna("none"), "s"),
    "objects": (lambda d: d.o.fillna("none"), "o"),
    "timestamps": (lambda d: d.t.fillna(pd.Timestamp("2000-01-01")).dt.year, "t"),
    "durations": (lambda d: d.d.fillna(pd.Timedelta(0)).dt.total_seconds(), "d"),
    "nullable integers": (lambda d: d.I.fillna(0).astype("float64"), "I"),
    "nullable booleans": (lambda d: d.B.fillna(False).astype(float), "B"),
    "categories": (lambda d: d.k.fillna("mid").cat.codes, "k"),
    "a frame by column": (lambda d: d.fillna({"f": 1.5}), "f"),
    "a frame by a fitted column": (lambda d: d.fillna(pd.Series({"f": 1.5})), "f"),
    "na_value": (lambda d: d.f.to_numpy(na_value=7.0), "f"),
}


@pytest.mark.parametrize(("feature", "column"), FILLED.values(), ids=FILLED)
def test_missing_values_are_filled_with_constants(feature: Feature, column: str) -> None:
    assert_feature_equal(feature, column)


def test_missing_values_are_filled_from_another_column() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"a": d.f.fillna(d.g), "b": d.f.combine_first(d.g), "c": d.s.fillna(d.iso)})

    assert_feature_equal(feature, "f", "g", "s", "iso")


WHERE: dict[str, Feature] = {
    "a number": lambda d: d.f.where(d.f > 0, 0),
    "nothing": lambda d: d.f.mask(d.b),
    "nothing among integers": lambda d: d.i.where(d.i > 0),
    "floats among integers": lambda d: d.i.where(d.i > 0, d.f),
    "text": lambda d: d.s.where(d.b, "other"),
    "no text": lambda d: d.s.where(d.b),
    "text of another column": lambda d: d.s.mask(d.b, d.iso),
    "timestamps": lambda d: d.t.where(d.t > d.u, d.u).dt.year,
    "booleans": lambda d: d.b.where(d.f > 0, False),
    "by a function": lambda d: d.f.mask(lambda x: x > 1, -1),
    "a frame": lambda d: d[["f", "g"]].where(d[["f", "g"]] > 0, -1.0),
    "a frame's own": lambda d: d[["f", "g"]].mask(d[["f", "g"]].isna(), 5),
}


@pytest.mark.parametrize("feature", WHERE.values(), ids=WHERE)
def test_rows_are_exchanged_under_a_condition(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g", "i", "b", "s", "iso", "t", "u")


def test_integers_stay_integers_where_no_row_can_be_missing() -> None:
    twin = assert_feature_equal(lambda d: d.s.fillna("").str.len() + d.i, "s", "i")
    assert twin.run(sample()[["s", "i"]])["transform"].dtype == np.int64
