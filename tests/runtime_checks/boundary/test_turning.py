"""Rows where a number changes its sign, or a label turns, while another column is delicate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bookings import made
from fake_twins import Answers, check_fake
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer
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


def test_labels_turn_where_two_columns_are_small_beside_one() -> None:
    rows = X.assign(c=np.tile([0.0, 1.0], 20))
    ratio = FunctionTransformer(lambda rows: rows.assign(ratio=np.log1p(rows["a"]) / rows["b"]))
    model = make_pipeline(ratio, LogisticRegression()).fit(rows, np.where(rows["c"] > 0.5, "late", "early"))
    tried = pd.concat(made("boundary", rows, model))
    small = tried[(tried["a"] < 1e-7) & (tried["b"] < 1e-7)]
    assert set(model.predict(small)) == {"early", "late"}


def test_rows_stand_between_a_fitted_number_and_the_float32_next_to_it() -> None:
    bins = KBinsDiscretizer(4, encode="ordinal", strategy="uniform")
    columns = make_column_transformer((bins, ["a"]), ("passthrough", ["b"]))
    model = make_pipeline(columns, LinearRegression()).fit(X, PRICES)
    edges = model[0].named_transformers_["kbinsdiscretizer"].bin_edges_[0]
    tried = pd.concat(made("boundary", X, model))["a"].to_numpy()
    apart = np.abs(tried[:, None] - edges)
    near = (apart > 1e-8) & (tried[:, None].astype(np.float32) == edges.astype(np.float32))
    assert near.any()
