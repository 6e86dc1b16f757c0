from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bookings import bookings, made, pipeline
from fake_twins import Answers, check_fake
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def order(rows: Any) -> list[int]:
    return rows["nights"].tolist()


def test_there_are_batches_of_no_row_of_one_of_two_and_of_many() -> None:
    assert [len(chunk) for chunk in made("batches", bookings())] == [30, 0, *[1] * 4, 2, 30, 30, 90, 257]


def test_rows_are_reversed_shuffled_and_repeated() -> None:
    *_, backwards, shuffled, thrice, one = made("batches", bookings())
    assert order(backwards) == list(range(30))[::-1]
    assert sorted(order(shuffled)) == list(range(30)) != order(shuffled)
    assert sorted(order(thrice)) == sorted(list(range(30)) * 3) != order(thrice)
    assert set(order(one)) == {0}


def test_a_faithful_twin_is_green() -> None:
    assert check_fake(pipeline(), bookings(), "predict", cases=["batches"]).ok


@pytest.mark.parametrize(
    ("what", "mixes"),
    [
        ("the order", lambda found: found[::-1]),
        ("the row before", lambda found: np.concatenate([found[:1], found[:-1]])),
        ("the mean of the batch", lambda found: found - found.mean() + 1.5 if len(found) > 30 else found),
    ],
)
def test_a_twin_whose_answer_depends_on_its_company_is_red(what: str, mixes: Any) -> None:
    def answers(X: Any, found: Answers) -> Answers:
        return {"predict": mixes(found["predict"]) if len(found["predict"]) > 1 else found["predict"]}

    report = check_fake(pipeline(), bookings(), "predict", answers=answers, cases=["batches"], batch_size=1)
    assert report["predict"].families["sample"].mismatched == 0
    assert report["predict"].families["batches"].mismatched > 0, what


def test_a_twin_that_disagrees_with_itself_within_the_tolerance_to_the_pipeline_is_red() -> None:
    # Alone a little too low, in company a little too high: each is near enough to the pipeline.
    def answers(X: Any, found: Answers) -> Answers:
        return {"predict": found["predict"] + (0.9e-3 if len(X) > 1 else -0.9e-3)}

    report = check_fake(pipeline(), bookings(), "predict", answers=answers, cases=["batches"], atol=1e-3)
    assert report["predict"].total.mismatched == 0
    (problem,) = report["predict"].problems
    assert "batches: the twin answers a row otherwise in another batch" in problem
    assert "'port': " in problem


def test_a_twin_is_not_blamed_for_rows_on_which_the_pipeline_disagrees_with_itself() -> None:
    X = np.linspace(-1, 1, 40)[:, None]
    centred = FunctionTransformer(lambda X: X - X.mean(axis=0))
    model = make_pipeline(centred, LogisticRegression()).fit(X, X[:, 0] > 0)
    report = check_fake(model, X, "predict", "predict_proba", cases=["batches"])
    assert report.ok
