"""Writing into frames and columns by mask, by label and as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal


def written(d: pd.DataFrame, rows: Any, columns: Any, value: Any) -> pd.DataFrame:
    d = d.copy()
    d.loc[rows, columns] = value
    return d


def test_a_mask_writes_a_number() -> None:
    assert_feature_equal(lambda d: written(d, d.f > 1, "f", 1.0), "f", "g")


def test_a_mask_writes_missing_values() -> None:
    assert_feature_equal(lambda d: written(d, d.b, "f", np.nan), "b", "f")


def test_a_mask_writes_the_rows_of_another_column() -> None:
    assert_feature_equal(lambda d: written(d, d.f > 1, "f", d.g), "f", "g")


def test_a_mask_writes_several_columns() -> None:
    assert_feature_equal(lambda d: written(d, d.f.isna(), ["f", "g"], 0.0), "f", "g")


def test_a_mask_writes_text() -> None:
    assert_feature_equal(lambda d: written(d, (d.s == "ab") & (d.f > 0), "s", "hit"), "s", "f")


def test_a_mask_writes_booleans_and_integers() -> None:
    assert_feature_equal(lambda d: written(written(d, d.f > 0, "b", True), ~d.b, "i", 0), "b", "i", "f")


def test_a_mask_writes_a_timestamp() -> None:
    moment = pd.Timestamp("2000-01-01")
    assert_feature_equal(lambda d: written(d, d.f > 0, "t", moment).t.dt.year, "t", "f")


@pytest.mark.parametrize("value", [7, 0.5, "w"])
def test_a_mask_makes_a_new_column(value: Any) -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        return written(d, d.f > 1, "new", value) if len(d) else d.assign(new=value)

    assert_feature_equal(feature, "f", "g")


def test_a_whole_column_is_written_through_loc() -> None:
    assert_feature_equal(
        lambda d: written(written(d, slice(None), "f", d.g * 2), slice(None), "new", d.g), "f", "g"
    )


def test_a_mask_of_the_whole_frame_writes_a_number() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        d[d < 0] = 0
        return d

    assert_feature_equal(feature, "f", "g")


def test_a_column_is_written_by_mask_and_whole() -> None:
    def feature(d: pd.DataFrame) -> pd.Series:
        f = d.f.copy()
        f[f > 1] = 0.0
        f.loc[f < 0] = 1.0
        g = d.g.copy()
        g[:] = f
        return f + g

    assert_feature_equal(feature, "f", "g")


def test_a_constant_fills_a_new_column() -> None:
    assert_feature_equal(lambda d: d.assign(number=3.5, text="x", truth=True), "f")


def test_filling_in_place_changes_the_frame() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        d.fillna({"f": 0.0}, inplace=True)
        g = d["g"].copy()
        g.fillna(1.0, inplace=True)
        return d.assign(filled=g)

    assert_feature_equal(feature, "f", "g")
