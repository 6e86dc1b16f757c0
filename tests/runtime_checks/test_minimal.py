from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, pipeline
from fake_twins import check_fake
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from onnxtwin.runtime_checks.minimal import simpler
from onnxtwin.runtime_checks.report import Minimal


def wrong_where(*wrong: Any, cases: Any = False) -> Minimal:
    """The minimal row of a twin that is wrong by one where all of the conditions hold."""
    X = bookings()

    def answers(X: pd.DataFrame, found: dict[str, Any]) -> dict[str, Any]:
        off = np.logical_and.reduce([np.asarray(condition(X)) for condition in wrong])
        return {"predict": found["predict"] + off}

    report = check_fake(pipeline(), X, "predict", answers=answers, cases=cases)
    assert not report.ok
    assert report.minimal is not None
    return report.minimal


def test_only_the_columns_that_the_fault_needs_are_left_as_they_were() -> None:
    minimal = wrong_where(lambda X: X["nights"] > 20, lambda X: X["port"] == "Qu")
    assert minimal.columns == ("port", "nights")
    assert minimal.row["port"] == "Qu"


def test_a_number_is_as_round_as_it_can_be() -> None:
    minimal = wrong_where(lambda X: X["price"] > 1.6)
    assert minimal.columns == ("price",)
    assert minimal.row["price"] == 2.0


def test_both_answers_to_the_minimal_row_are_given() -> None:
    minimal = wrong_where(lambda X: X["nights"] > 20)
    assert minimal.found == minimal.expected + 1
    assert minimal.output == "predict"
    assert "the pipeline answers predict = " in minimal.text
    assert repr(minimal.row["nights"]) in minimal.text


def test_a_twin_that_is_always_wrong_needs_no_column() -> None:
    assert wrong_where(lambda X: np.ones(len(X), dtype=bool)).columns == ()


def test_a_row_that_the_search_found_is_made_simple() -> None:
    # No row of the sample is wrong: values of two columns that it lacks have to meet.
    minimal = wrong_where(
        lambda X: X["nights"] > 30,
        lambda X: ~X["port"].isin(["São", "Cork", "Qu"]),
        cases=["search"],
    )
    assert minimal.columns == ("port", "nights")


def test_the_same_check_finds_the_same_row() -> None:
    first, second = (wrong_where(lambda X: X["nights"] > 20, cases=["search"]) for _ in range(2))
    assert first == second


def test_a_fault_that_needs_company_has_no_minimal_row() -> None:
    X = bookings()
    report = check_fake(
        pipeline(),
        X,
        "predict",
        answers=lambda X, found: {"predict": found["predict"] + (len(X) > 1)},
        cases=False,
    )
    assert not report.ok
    assert report.minimal is None


def test_a_twin_without_a_fault_has_none() -> None:
    assert check_fake(pipeline(), bookings(), "predict", cases=False).minimal is None


def test_documents_are_shortened() -> None:
    texts = ["a man", "a plan", "a canal", "Panama, a plan"] * 3
    model = make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), LinearRegression()
    )
    X = pd.DataFrame({"text": texts, "n": range(12)})
    model.fit(X, range(12))

    def answers(X: pd.DataFrame, found: dict[str, Any]) -> dict[str, Any]:
        return {"predict": found["predict"] + X["text"].str.contains("P").to_numpy()}

    report = check_fake(model, X, "predict", answers=answers, cases=False)
    assert report.minimal is not None
    assert report.minimal.row["text"] == "P"


@pytest.mark.parametrize(
    "value", [3.75, 12345, "Panama", True, np.nan, None, pd.Timestamp("2024-05-06 07:08")]
)
def test_what_is_simpler_ends_with_the_value_itself(value: Any) -> None:
    options = simpler(value, "plain")
    assert options[-1] is value
    assert options[0] == "plain"
    assert all(repr(option) != repr(value) for option in options[:-1])
