from __future__ import annotations

import numpy as np
import pandas as pd
from bookings import bookings, made
from fake_twins import Answers, check_fake
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

ANYTHING = DummyRegressor().fit([[0]], [1])


def test_values_are_the_samples_and_stand_in_company_that_they_do_not_keep() -> None:
    X = pd.DataFrame({"maker": list("abcde"), "model": list("vwxyz")})
    chunks = pd.concat(made("crossed", X, ANYTHING))
    assert set(zip(chunks["maker"], chunks["model"], strict=True)) == {
        (a, b) for a in "abcde" for b in "vwxyz"
    }


def test_a_value_that_one_row_in_a_hundred_has_comes_as_often_as_the_others_in_half_of_the_batches() -> None:
    X = pd.DataFrame({"rare": ["seldom"] + ["often"] * 99, "number": np.arange(100.0)})
    as_frequent, alike, *_ = made("crossed", X, ANYTHING)
    assert (as_frequent["rare"] == "seldom").mean() < 0.05
    assert 0.4 < (alike["rare"] == "seldom").mean() < 0.6


def test_a_missing_value_is_one_of_a_columns_values() -> None:
    X = pd.DataFrame({"a": [1.0, np.nan, *[2.0] * 98], "b": np.arange(100)})
    assert made("crossed", X, ANYTHING)[1]["a"].isna().mean() > 0.2


def test_the_columns_of_a_matrix_are_crossed_too() -> None:
    X = np.array([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]])
    rows = np.concatenate(made("crossed", X, ANYTHING))
    assert {tuple(row) for row in rows} == {(a, b) for a in (0.0, 1.0, 2.0) for b in (10.0, 11.0, 12.0)}


def test_one_column_has_nothing_to_be_crossed_with() -> None:
    assert made("crossed", bookings()[["price"]], ANYTHING) == []


def test_a_twin_that_is_wrong_where_two_values_meet_that_never_meet_in_the_sample_is_red() -> None:
    X = pd.DataFrame({"maker": ["a", "b"] * 20, "size": ["s", "l"] * 20})
    pipeline = make_pipeline(OneHotEncoder(), LinearRegression()).fit(X, np.arange(40.0))

    def answers(rows: pd.DataFrame, found: Answers) -> Answers:
        wrong = (rows["maker"] == "a") & (rows["size"] == "l")
        return {"predict": found["predict"] + wrong.to_numpy()}

    assert check_fake(pipeline, X, "predict", answers=answers, cases=["batches"]).ok
    assert not check_fake(pipeline, X, "predict", answers=answers, cases=["crossed"]).ok
