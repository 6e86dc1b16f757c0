from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, made, pipeline
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

CAN_BE = ["price", "weight", "port", "size", "booked"]
ANSWERED = ["price", "port", "size", "booked"]


@pytest.fixture(scope="module")
def chunks() -> list[pd.DataFrame]:
    return made("missing", bookings())


def test_each_column_that_can_be_missing_is_missing_alone(chunks: list[pd.DataFrame]) -> None:
    missing = [chunk.columns[chunk.isna().all()].tolist() for chunk in chunks[: len(CAN_BE)]]
    assert missing == [[name] for name in CAN_BE]


def test_two_rows_show_a_refusal_and_twenty_an_answer(chunks: list[pd.DataFrame]) -> None:
    assert [len(chunk) for chunk in chunks[: len(CAN_BE)]] == [20, 2, 20, 20, 20]


def test_each_two_columns_that_the_pipeline_answers_without_are_missing_together(
    chunks: list[pd.DataFrame],
) -> None:
    pairs = chunks[len(CAN_BE)]
    gone = [tuple(pairs.columns[row]) for row in pairs.isna().to_numpy()]
    assert gone == list(combinations(ANSWERED, 2))


def test_all_columns_are_missing_at_once_those_it_answers_without_and_then_the_others(
    chunks: list[pd.DataFrame],
) -> None:
    answered, everything = chunks[-2:]
    assert answered.columns[answered.isna().all()].tolist() == ANSWERED
    assert everything.columns[everything.isna().all()].tolist() == CAN_BE


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
