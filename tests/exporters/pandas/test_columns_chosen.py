"""Choosing, ordering, naming and adding columns: whatever pandas means by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal

Feature = Callable[[pd.DataFrame], Any]

CHOICES: dict[str, Feature] = {
    "a list": lambda d: d[["g", "f"]],
    "loc with a list": lambda d: d.loc[:, ["i", "f"]],
    "loc with a slice": lambda d: d.loc[:, "f":"i"],  # type: ignore[misc]
    "loc with a mask": lambda d: d.loc[:, [True, False, True]],
    "loc with a mask of names": lambda d: d.loc[:, d.columns.str.startswith("f")],
    "iloc with a list": lambda d: d.iloc[:, [1, 0]],
    "iloc from the end": lambda d: d.iloc[:, -1],
    "filter by items": lambda d: d.filter(items=["i", "f"]),
    "filter by part of a name": lambda d: d.filter(like="f"),
    "filter by pattern": lambda d: d.filter(regex="^[fg]$"),
    "the included dtypes": lambda d: d.select_dtypes("int"),
    "but the excluded dtypes": lambda d: d.select_dtypes(exclude=["int"]),
    "an attribute": lambda d: d.f,
    "get": lambda d: d.get("g"),
    "get of a column that is not there": lambda d: d.assign(a=d.get("nope", 5)),
    "take": lambda d: d.take([1], axis=1),
    "squeeze": lambda d: d[["f"]].squeeze(axis=1),
    "drop by axis": lambda d: d.drop("f", axis=1),
    "drop of unknown columns": lambda d: d.drop(columns=["f", "nope"], errors="ignore"),
    "rename by dict": lambda d: d.rename(columns={"f": "x"})[["x"]],
    "rename by function": lambda d: d.rename(str.upper, axis=1)["F"],
    "prefix and suffix": lambda d: d.add_prefix("p_").add_suffix("_s")["p_f_s"],
    "set_axis": lambda d: d.set_axis(["a", "b", "c"], axis=1)["b"],
    "reindex": lambda d: d.reindex(columns=["i", "new", "f"]),
    "reindex with a value": lambda d: d.reindex(["i", "new"], axis=1, fill_value=3),
    "join": lambda d: d[["f"]].join(d[["g"]]),
    "pipe": lambda d: d.pipe(lambda x, k: x * k, 2),
    "apply by column": lambda d: d.apply(lambda c: c + 1),
    "items": lambda d: pd.concat([c * 2 for _, c in d.items()], axis=1),
    "a loop over the names": lambda d: pd.concat([d[c] * 2 for c in d], axis=1),
    "the dtypes": lambda d: d[[c for c in d.columns if d[c].dtype.kind == "f"]],
}


@pytest.mark.parametrize("feature", CHOICES.values(), ids=CHOICES)
def test_columns_are_chosen_as_pandas_chooses_them(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g", "i")


def test_assigned_columns_are_seen_by_later_functions() -> None:
    assert_feature_equal(lambda d: d.assign(a=1, b=lambda x: x.a + x.f, c="t")[["a", "b", "c"]], "f", "i")


def test_an_array_becomes_a_column() -> None:
    assert_feature_equal(lambda d: d.assign(a=np.where(d.f > 0, 1, 0), s=np.where(d.f > 0, "x", "y")), "f")


def test_a_column_is_inserted_where_asked() -> None:
    def inserted(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        d.insert(1, "new", d.f * 2)
        return d

    assert_feature_equal(inserted, "f", "g")


def test_a_popped_column_is_gone() -> None:
    def popped(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        f = d.pop("f")
        del d["g"]
        return d.assign(old=f, width=len(d.columns))

    assert_feature_equal(popped, "f", "g", "i")


def test_several_columns_are_assigned_at_once() -> None:
    def assigned(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        d[["x", "y"]] = d[["f", "g"]].fillna(0)
        d[["f", "i"]] = d[["i", "f"]].to_numpy()
        return d

    assert_feature_equal(assigned, "f", "g", "i")


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_columns_get_other_names_in_place() -> None:
    def renamed(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        d.columns = ["a", "b"]
        d.rename(columns={"a": "c"}, inplace=True)
        d.drop(columns="b", inplace=True)
        return d.assign(d=d.c)

    assert_feature_equal(renamed, "f", "g")


def test_a_copy_is_independent_of_its_original() -> None:
    def both(d: pd.DataFrame) -> pd.Series:
        other = d.copy()
        other["f"] = 0.0
        column = d["g"]
        column[column > 0] = 0.0
        return d["f"] + d["g"] + other["f"] + column

    assert_feature_equal(both, "f", "g")


def test_columns_may_bear_the_names_of_our_own_attributes() -> None:
    def summed(d: pd.DataFrame) -> pd.Series:
        d = d.set_axis(["value", "cells", "held"], axis=1)
        return d.value + d.cells + d.held

    assert_feature_equal(summed, "f", "g", "i")


def test_a_method_of_pandas_hides_a_column_of_its_name() -> None:
    assert_feature_equal(lambda d: d.set_axis(["count", "sum"], axis=1).sum(axis=1), "f", "g")
