from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, made, pipeline
from fake_twins import signature_of
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

CAN_BE = ["price", "weight", "port", "size", "booked"]
ANSWERED = ["price", "port", "size", "booked"]


@pytest.fixture(scope="module")
def gone() -> list[tuple[str, ...]]:
    """The columns that are missing, row by row."""
    rows = pd.concat(made("missing", bookings()))
    return [tuple(rows.columns[row]) for row in rows.isna().to_numpy()]


def test_two_rows_show_a_refusal_and_twenty_an_answer(gone: list[tuple[str, ...]]) -> None:
    rows = {name: gone.count((name,)) for name in bookings().columns}
    assert rows == {"price": 20, "weight": 2, "port": 20, "size": 20, "nights": 0, "booked": 20}


def test_each_two_columns_that_the_pipeline_answers_without_are_missing_together(
    gone: list[tuple[str, ...]],
) -> None:
    assert [names for names in gone if len(names) == 2] == list(combinations(ANSWERED, 2))


def test_all_columns_are_missing_at_once_those_it_answers_without_and_then_the_others(
    gone: list[tuple[str, ...]],
) -> None:
    assert gone[-22:] == [tuple(ANSWERED)] * 20 + [tuple(CAN_BE)] * 2


def test_a_column_without_which_the_contract_wrongly_expects_an_answer_shows_the_refusal() -> None:
    X = bookings()
    signature = signature_of(X, "predict")
    columns = tuple(replace(column, missing_allowed=True) for column in signature.columns)
    rows = pd.concat(made("missing", X, signature=replace(signature, columns=columns)))
    gone = rows.isna().sum(axis=1) == 1
    assert (gone & rows["weight"].isna()).sum() == 2


def test_of_many_columns_each_is_in_two_pairs_at_least() -> None:
    X = np.ones((5, 60))
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, X[:, 0])
    gone = np.vstack([np.isnan(chunk) for chunk in made("missing", X, model)])
    pairs = gone[gone.sum(axis=1) == 2]
    assert pairs.sum(axis=0).min() >= 2
    assert len(pairs) <= 300


def test_each_of_very_many_columns_is_missing_alone() -> None:
    X = np.ones((5, 400))
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, X[:, 0])
    chunks = made("missing", X, model)
    gone = np.vstack([np.isnan(chunk) for chunk in chunks])
    assert gone[gone.sum(axis=1) == 1].any(axis=0).sum() == 64
    assert sum(map(len, chunks)) < 1000


def test_nothing_is_made_where_no_column_can_be_missing() -> None:
    assert made("missing", bookings()[["nights"]], pipeline()) == []
