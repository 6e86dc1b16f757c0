"""TargetEncoder: every type of target; unknown categories get the mean, missing ones are a category."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

NAN = np.nan
SAMPLE = pd.DataFrame(
    {
        "dest": pd.Series(["ATL", "SFO", NAN, "ATL", "LAX", "SFO"] * 8, dtype="str"),
        "gate": pd.Series(["A", None, "B", "A", "C", "A"] * 8, dtype=object),
        "hour": [6, 7, 6, 23, 7, 6] * 8,
        "distance": [1.5, -0.0, 0.0, NAN, 1.5, 2.5] * 8,
        "late": [True, False, False, True, True, False] * 8,
    }
)
ROWS = pd.DataFrame(
    {
        "dest": pd.Series(["ATL", "atl", "", NAN, "ZÜR"], dtype="str"),
        "gate": pd.Series(["A", None, "None", "Z", "B"], dtype=object),
        "hour": [6, 5, 23, -1, 2**53 + 1],
        "distance": [0.0, -0.0, NAN, 1e300, 1.5],
        "late": [True, False, True, False, True],
    }
)
RNG = np.random.default_rng(7)
TARGETS = {
    "binary": RNG.integers(0, 2, len(SAMPLE)),
    "continuous": RNG.normal(size=len(SAMPLE)),
    "multiclass": np.array(["on time", "late", "cancelled"])[RNG.integers(0, 3, len(SAMPLE))],
}
every_target = pytest.mark.parametrize("target_type", TARGETS)


@every_target
@pytest.mark.parametrize("smooth", ["auto", 0.0, 20.0])
def test_every_column_is_encoded_by_the_target(target_type: str, smooth: Any) -> None:
    encoder = TargetEncoder(target_type=target_type, smooth=smooth).fit(SAMPLE, TARGETS[target_type])
    assert_twin_equal(encoder, SAMPLE, ROWS)


@every_target
def test_one_column_alone(target_type: str) -> None:
    encoder = TargetEncoder().fit(SAMPLE[["dest"]], TARGETS[target_type])
    assert_twin_equal(encoder, SAMPLE[["dest"]], ROWS[["dest"]])


@every_target
def test_an_unknown_category_gets_the_mean_of_the_target(target_type: str) -> None:
    encoder = TargetEncoder().fit(SAMPLE[["dest"]], TARGETS[target_type])
    answer = twin_of(encoder, SAMPLE[["dest"]]).run(ROWS[["dest"]][1:2])["transform"]
    np.testing.assert_array_equal(answer.reshape(-1), np.atleast_1d(encoder.target_mean_))


@every_target
def test_names_survive_set_output(target_type: str) -> None:
    encoder = TargetEncoder().set_output(transform="pandas").fit(SAMPLE, TARGETS[target_type])
    assert_twin_equal(encoder, SAMPLE, ROWS)


def test_given_categories_are_looked_up() -> None:
    encoder = TargetEncoder(categories=[["LAX", "ATL", "JFK"]]).fit(SAMPLE[["dest"]], TARGETS["binary"])
    assert_twin_equal(encoder, SAMPLE[["dest"]], ROWS[["dest"]])


def test_an_encoded_column_reaches_the_forest_behind_it() -> None:
    model = make_pipeline(TargetEncoder(), RandomForestRegressor(n_estimators=5, random_state=0))
    assert_twin_equal(model.fit(SAMPLE, TARGETS["continuous"]), SAMPLE, ROWS)


def test_infinities_are_outside_of_the_domain() -> None:
    encoder = TargetEncoder().fit(SAMPLE[["distance"]], TARGETS["binary"])
    rows = pd.DataFrame({"distance": [np.inf, -np.inf]})
    assert_both_refuse(twin_of(encoder, SAMPLE[["distance"]]), encoder, rows)
