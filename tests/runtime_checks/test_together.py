"""How many calls of the pipeline hostile rows and the simplest failing row cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bookings import made
from fake_twins import check_fake
from sklearn.linear_model import LinearRegression

from onnxtwin.runtime_checks.cases.together import REFUSALS
from onnxtwin.runtime_checks.minimal import ROUNDS
from onnxtwin.runtime_checks.reference import Reference


class Counting(LinearRegression):
    """Counts its calls."""

    calls = 0

    def predict(self, X: Any) -> Any:
        self.calls += 1
        return super().predict(X)


@pytest.fixture(name="X")
def numbers() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(50, 30))


@pytest.fixture
def model(X: np.ndarray) -> Counting:
    return Counting().fit(X, X[:, 0])


def test_the_ends_of_thirty_columns_cost_a_call_a_refusal_and_few_more(
    X: np.ndarray, model: Counting
) -> None:
    rows = made("extreme", X, model)
    assert sum(map(len, rows)) > 1000
    assert model.calls <= REFUSALS + 30


def test_thirty_columns_that_may_not_be_missing_cost_a_call_a_refusal(X: np.ndarray, model: Counting) -> None:
    made("missing", X, model)
    assert model.calls <= REFUSALS + 5


def test_two_thousand_rows_of_the_search_cost_few_calls(X: np.ndarray, model: Counting) -> None:
    rows = made("search", X, model)
    assert sum(map(len, rows)) > 1500
    assert model.calls <= 10


def test_rows_that_were_asked_last_are_not_asked_again(X: np.ndarray, model: Counting) -> None:
    reference = Reference(model, ["predict"], None)
    assert reference.accepts(X)
    assert reference.ask(X) is reference.ask(X)
    assert model.calls == 1


def test_rows_asked_apart_are_answered_in_their_places(X: np.ndarray, model: Counting) -> None:
    reference = Reference(model, ["predict"], None)
    X[[3, 7], 0] = np.nan
    apart = np.zeros(50, dtype=np.bool_)
    apart[[3, 7, 20]] = True
    found = reference.ask(X, apart=apart)
    assert np.flatnonzero(~found.accepted).tolist() == [3, 7]
    assert list(found.refusals) == [3, 7]
    np.testing.assert_allclose(found.methods["predict"][0].values, model.predict(X[found.accepted]))
    assert model.calls == 1 + 3 + 1


def test_the_simplest_row_is_found_in_a_bounded_number_of_calls() -> None:
    wide = np.random.default_rng(0).normal(size=(40, 400))
    model = Counting().fit(wide, wide[:, 0])
    model.calls = 0

    def answers(X: Any, found: dict[str, Any]) -> dict[str, Any]:
        return {"predict": found["predict"] + (X[:, ::7] > 0).any(axis=1)}

    report = check_fake(model, wide, "predict", answers=answers, cases=False)
    assert report.minimal is not None
    assert len(report.minimal.columns) <= 1
    # Either side answers each batch; the verdict and the place take the others.
    assert model.calls <= 2 * ROUNDS + 100
