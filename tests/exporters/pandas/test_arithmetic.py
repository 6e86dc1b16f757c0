"""Operators and numpy functions on columns and frames, with pandas' own promotions and zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal

Feature = Callable[[pd.DataFrame], Any]

FLOATS: dict[str, Feature] = {
    "sums": lambda d: d.f + d.g * 2 - 1,
    "a number first": lambda d: 1 - d.f / 3,
    "floor division": lambda d: d.f // d.g,
    "remainder": lambda d: d.f % d.g,
    "remainder by a number": lambda d: d.f % 2.5,
    "floor division by zero": lambda d: d.f // 0,
    "squares": lambda d: d.f**2,
    "roots": lambda d: d.f**0.5,
    "roots by the method": lambda d: d.f.pow(0.5),
    "powers of two": lambda d: 2.0**d.g,
    "negation and size": lambda d: -d.f + abs(d.g),
    "comparisons": lambda d: pd.DataFrame({"a": d.f < d.g, "b": d.f >= 1, "c": d.f != d.g, "d": d.f.le(0)}),
    "methods": lambda d: d.f.add(d.g).mul(2).rsub(1).div(d.g),
    "a fill value": lambda d: d.f.add(d.g, fill_value=0),
    "between": lambda d: pd.DataFrame({"a": d.f.between(0, 5), "b": d.f.between(d.g, 5, inclusive="left")}),
    "clip": lambda d: pd.DataFrame({"a": d.f.clip(0, 5), "b": d.f.clip(5, 0), "c": d.f.clip(d.g, 3)}),
    "round": lambda d: pd.DataFrame({"a": d.f.round(1), "b": d.g.round(), "c": np.round(d.g, 1)}),
    "numpy of one": lambda d: np.log1p(d.f.abs()) + np.sqrt(d.g.abs()) + np.floor(d.f) + np.sign(d.g),
    "numpy of two": lambda d: np.maximum(d.f, d.g) + np.minimum(d.f, 0),
    "haversine": lambda d: 2 * 6371.0 * np.arcsin(np.sqrt(np.sin(d.f.clip(-9, 9) / 2) ** 2)),
    "np.where": lambda d: np.where(d.f > 0, d.g, -1),
    "np.select": lambda d: np.select([d.f > 1, d.f > 0], [1.0, d.g], default=-1),
    "np.clip": lambda d: np.clip(d.f, 0, 1),
    "np.isnan": lambda d: np.isnan(d.f) | ~np.isfinite(d.g),
    "arrays and columns": lambda d: d.f.to_numpy() * d.g + d.f.values,
    "stacked columns": lambda d: np.column_stack([d.f, d.g * 2]),
    "a column of an array": lambda d: pd.Series(np.where(d.f > 0, 1, 2), index=d.index) + d.f,
    "np.interp": lambda d: np.interp(d.g.clip(-9, 9), [0, 1, 2], [5.0, 6.0, 9.0]),
    "np.digitize": lambda d: np.digitize(d.f, [0, 1, 5]),
    "single precision": lambda d: d.g.clip(-9, 9).astype("float32") / 3,
}


@pytest.mark.parametrize("feature", FLOATS.values(), ids=FLOATS)
def test_floats_are_computed_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g")


INTEGERS: dict[str, Feature] = {
    "sums": lambda d: d.i + d.j * 2,
    "division": lambda d: d.i / d.j,
    "floor division by a column with zeros": lambda d: d.i // d.j,
    "remainder by a column with zeros": lambda d: d.i % d.j,
    "a number divided by a column": lambda d: pd.DataFrame({"a": 100 // d.i, "b": 100 % d.i}),
    "clock readings": lambda d: d.i // 100 * 60 + d.i % 100,
    "a negative divisor": lambda d: d.i // -3 + d.i % -3,
    "zero as a divisor": lambda d: d.i // 0,
    "a float divisor": lambda d: d.i // 2.0,
    "squares": lambda d: (d.i % 7) ** 2,
    "bits": lambda d: (d.i & 3) | (d.j & 4),
    "comparison": lambda d: (d.i == 3) | (d.i > d.j),
    "clip to a float": lambda d: d.i.clip(upper=2.5),
    "np.take": lambda d: np.take(np.array([10.0, 20.0, 30.0]), d.i.clip(0, 2)),
    "np.isin": lambda d: np.isin(d.i, [1, 2]),
    "32 bits": lambda d: d.j.clip(-9, 9).astype("int32") * 3,
    "8 bits wrap around": lambda d: d.j.clip(-9, 9).astype("int8") * np.int8(100),
}


@pytest.mark.parametrize("feature", INTEGERS.values(), ids=INTEGERS)
def test_integers_are_computed_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "i", "j")


BOOLEANS: dict[str, Feature] = {
    "and, or, not": lambda d: (d.b & (d.f > 0)) | ~(d.f < 1),
    "exclusive or": lambda d: d.b ^ (d.f > 0),
    "with a constant": lambda d: d.b & True,
    "added": lambda d: d.b + d.b,
    "as a factor": lambda d: d.b * d.f,
    "counted": lambda d: (d.f > 0).astype(int) + d.b,
    "np.logical_and": lambda d: np.logical_and(d.f > 0, d.b),
}


@pytest.mark.parametrize("feature", BOOLEANS.values(), ids=BOOLEANS)
def test_booleans_are_computed_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "b", "f")


FRAMES: dict[str, Feature] = {
    "a formula": lambda d: (d * 2 + 1 - d / 3) ** 2,
    "a number first": lambda d: 1 / (2 - d),
    "two frames": lambda d: d[["f", "g"]] + d[["f", "g"]].fillna(1),
    "comparison": lambda d: d > 1,
    "equality": lambda d: d == 0,
    "rows of constants": lambda d: d[["f", "g"]] * pd.Series({"f": 2.0, "g": 3.0}),
    "an array of constants": lambda d: d[["f", "g"]] - np.array([1.0, 2.0]),
    "a column for each": lambda d: d[["f", "g"]].mul(d["i"], axis=0),
    "numpy": lambda d: np.log1p(d.abs()),
    "clip": lambda d: d.clip(0, 5),
    "clip by column": lambda d: d[["f", "g"]].clip(lower=pd.Series({"f": 0, "g": 1}), axis=1),
    "clip by row": lambda d: d[["f", "g"]].clip(lower=d["i"], axis=0),
    "round": lambda d: d.round(1),
    "round by column": lambda d: d.round({"f": 0}),
    "the matrix": lambda d: d.to_numpy() * 2,
}


@pytest.mark.parametrize("feature", FRAMES.values(), ids=FRAMES)
def test_frames_are_computed_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g", "i")


REDUCTIONS: dict[str, Feature] = {
    "sum": lambda d: d.sum(axis=1),
    "sum of at least two": lambda d: d.sum(axis=1, min_count=2),
    "mean": lambda d: d[["f", "g"]].mean(axis=1),
    "min": lambda d: d[["f", "g"]].min(axis=1),
    "max, missing if one is": lambda d: d[["f", "g"]].max(axis=1, skipna=False),
    "std": lambda d: d[["f", "g"]].clip(-9, 9).std(axis=1),
    "var of the population": lambda d: d[["f", "g"]].clip(-9, 9).var(axis=1, ddof=0),
    "any": lambda d: (d > 0).any(axis=1),
    "all": lambda d: (d > 0).all(axis=1),
    "missing values": lambda d: d.isna().sum(axis=1),
    "present values": lambda d: d.count(axis=1),
    "integers": lambda d: d[["i", "j"]].sum(axis=1),
    "mean of integers": lambda d: d[["i", "j"]].mean(axis=1),
    "np.sum": lambda d: np.sum(d[["f", "g"]], axis=1),
}


@pytest.mark.parametrize("feature", REDUCTIONS.values(), ids=REDUCTIONS)
def test_a_row_is_reduced_as_pandas_does(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g", "i", "j")
