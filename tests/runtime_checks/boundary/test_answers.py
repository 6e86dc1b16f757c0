"""Rows where the pipeline's own answer changes, found without looking into anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bookings import made
from fake_twins import Answers, check_fake
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

X = pd.DataFrame({"a": np.linspace(1, 2, 40), "b": np.linspace(3, 1, 40) ** 2})
PRICES = 1000 + 3 * X["a"] + X["b"]


def boundary_answers(model: Any) -> np.ndarray:
    return np.concatenate([model.predict(rows) for rows in made("boundary", X, model)])


def test_rows_lie_on_both_sides_of_where_a_number_changes_its_sign() -> None:
    found = boundary_answers(LinearRegression().fit(X, PRICES))
    assert ((found >= 0) & (found < 1e-9)).any()
    assert ((found <= 0) & (found > -1e-9)).any()


def test_a_number_that_never_changes_its_sign_is_left_alone() -> None:
    assert (boundary_answers(DecisionTreeRegressor(random_state=0).fit(X, PRICES)) > 0).all()


def test_a_small_error_of_one_term_is_red_where_the_terms_cancel_out() -> None:
    def answers(rows: Any, found: Answers) -> Answers:
        return {"predict": found["predict"] + 1e-8}

    model = LinearRegression().fit(X, PRICES)
    report = check_fake(model, X, "predict", answers=answers, cases=["boundary"])
    assert report["predict"].families["sample"].mismatched == 0
    assert report["predict"].families["boundary"].mismatched > 0
