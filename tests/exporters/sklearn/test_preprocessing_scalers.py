"""Scalers need no exporter: their own code is traced, over every parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.datasets import load_iris
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

IRIS = load_iris().data
HOSTILE = np.vstack([IRIS[:5] * -3.5, np.zeros((1, 4)), [[1e150, -1e150, 1e-300, -0.0]]])
MISSING = np.array([[np.nan, 1.0, 2.0, 3.0], [1.0, np.nan, np.nan, np.nan]])

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False, with_std=False),
    StandardScaler(copy=False),
    MinMaxScaler(),
    MinMaxScaler(feature_range=(-3, 7)),
    MinMaxScaler(clip=True),
    MinMaxScaler(clip=True, copy=False),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False),
    RobustScaler(with_scaling=False),
    RobustScaler(quantile_range=(5.0, 70.0), unit_variance=True),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_scaled_values_are_the_pipelines(scaler: Any) -> None:
    assert_twin_equal(scaler.fit(IRIS.copy()), IRIS, np.vstack([HOSTILE, MISSING]))


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(clip=True), RobustScaler()], ids=repr)
def test_float32_stays_float32(scaler: Any) -> None:
    rows = IRIS.astype(np.float32)
    assert_twin_equal(scaler.fit(rows), rows, rows * 3)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(clip=True), RobustScaler()], ids=repr)
def test_infinities_are_outside_of_the_domain(scaler: Any) -> None:
    scaler.fit(IRIS)
    assert_both_refuse(twin_of(scaler, IRIS), scaler, np.array([[np.inf, 1, 1, 1], [1, -np.inf, 1, 1]]))


def test_integer_and_float_columns_are_scaled_together_without_a_condition() -> None:
    frame = pd.DataFrame({"seats": np.arange(60) % 7, "distance": np.linspace(-1, 1, 60, dtype=np.float32)})
    session = assert_twin_equal(StandardScaler().fit(frame), frame)
    assert session.signature.conditions == ()
    assert [column.finite for column in session.signature.columns] == [False, True]


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_rows_are_normalised(norm: str) -> None:
    assert_twin_equal(Normalizer(norm).fit(IRIS), IRIS, HOSTILE[:-1])


@pytest.mark.parametrize("threshold", [0.0, 1.5, -2.0])
@pytest.mark.parametrize("copy", [True, False])
def test_values_are_binarised(threshold: float, copy: bool) -> None:
    assert_twin_equal(Binarizer(threshold=threshold, copy=copy).fit(IRIS), IRIS, HOSTILE)


@pytest.mark.parametrize(
    "features",
    [
        PolynomialFeatures(),
        PolynomialFeatures(3, include_bias=False),
        PolynomialFeatures((2, 3), interaction_only=True),
        PolynomialFeatures(2, order="F"),
    ],
    ids=repr,
)
def test_polynomials_are_the_pipelines(features: Any) -> None:
    assert_twin_equal(features.fit(IRIS), IRIS, HOSTILE[:-1])
