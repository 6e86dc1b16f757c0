"""A tolerance for each output: nearer or wider than that of the others, down to equal bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, check_fake
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks import Report
from onnxtwin.runtime_checks.compare import Part, Tolerance, failing

X = pd.DataFrame({"a": np.linspace(-2, 2, 40), "b": np.linspace(3, 1, 40)})


@pytest.fixture(scope="module")
def model() -> LogisticRegression:
    return LogisticRegression().fit(X, X["a"] > 0)


def shifted(model: Any, by: float, **options: Any) -> Report:
    def answers(rows: Any, found: Answers) -> Answers:
        return found | {"predict_proba": found["predict_proba"] + by}

    return check_fake(model, X, "predict", "predict_proba", answers=answers, cases=False, **options)


def test_the_default_is_unchanged_where_another_output_has_its_own(model: Any) -> None:
    assert shifted(model, 1e-6).verdict == "unequal"
    assert shifted(model, 1e-6, tolerances={"predict": 1.0}).verdict == "unequal"
    assert shifted(model, 1e-6, tolerances={"predict_proba": (0, 1e-5)}).ok
    assert shifted(model, 1e-4, tolerances={"predict_proba": (0, 1e-5)}).verdict == "unequal"


def test_one_number_is_both_tolerances(model: Any) -> None:
    assert shifted(model, 1e-6, tolerances={"predict_proba": 1e-5}).ok


def test_a_tolerance_can_be_narrower_than_the_default(model: Any) -> None:
    assert shifted(model, 1e-12).ok
    assert shifted(model, 1e-12, tolerances={"predict_proba": (1e-14, 1e-14)}).verdict == "unequal"


def test_zero_demands_equal_bits(model: Any) -> None:
    assert shifted(model, 0.0, tolerances={"predict_proba": 0}).ok

    def one_bit(rows: Any, found: Answers) -> Answers:
        return found | {"predict_proba": np.nextafter(found["predict_proba"], 2)}

    exact = {"tolerances": {"predict_proba": 0}, "cases": False}
    report = check_fake(model, X, "predict", "predict_proba", answers=one_bit, **exact)
    assert report["predict"].ok
    assert report["predict_proba"].total.mismatched == len(X)


def test_zero_tells_zero_from_minus_zero_but_not_nan_from_nan() -> None:
    e, f = Part("a", np.array([0.0, 0.0, np.nan])), Part("a", np.array([0.0, -0.0, np.nan]))
    assert failing(e, f, Tolerance()).ravel().tolist() == [False, False, False]
    assert failing(e, f, Tolerance(0.0, 0.0)).ravel().tolist() == [False, True, False]


def test_a_part_of_an_answer_goes_before_its_method() -> None:
    tolerance = Tolerance(
        outputs={
            "transform": Tolerance(0, 1e-3),
            "transform[a]": Tolerance(0, 1e-1),
            "predict": Tolerance(0, 0),
        }
    )
    atols = {name: tolerance.of(name).atol for name in ("transform[a]", "transform[b]", "predict.0", "score")}
    assert atols == {"transform[a]": 1e-1, "transform[b]": 1e-3, "predict.0": 0, "score": 1e-9}


def test_each_column_of_a_frame_has_its_own() -> None:
    frames = FunctionTransformer(lambda rows: rows * 1.0).fit(X)

    def off(rows: Any, found: Answers) -> Answers:
        return {"transform": pd.DataFrame(found["transform"] + [1e-3, 0], columns=["a", "b"])}

    def check(**tolerances: Any) -> Report:
        return check_fake(frames, X, "transform", answers=off, cases=False, tolerances=tolerances)

    assert check(**{"transform[a]": (0, 1e-2), "transform[b]": 0}).ok
    assert check(**{"transform[b]": (0, 1e-2)}).verdict == "unequal"


def test_undetermined_rows_are_judged_by_the_outputs_own_tolerance() -> None:
    regression = LinearRegression().fit(X, X["a"])

    def off(rows: Any, found: Answers) -> Answers:
        return {"predict": found["predict"] + 1e-7}

    report = check_fake(regression, X, "predict", answers=off, cases=False, tolerances={"predict": (0, 1e-8)})
    assert report["predict"].total.mismatched == len(X)


def test_the_report_says_which_tolerances_it_rests_on(model: Any) -> None:
    data = shifted(model, 0.0, tolerances={"predict_proba": (0, 1e-5)}).to_json()["tolerance"]
    assert data == {"rtol": 1e-9, "atol": 1e-9, "outputs": {"predict_proba": {"rtol": 0, "atol": 1e-5}}}


@pytest.mark.parametrize(
    ("tolerances", "said"),
    [
        (
            {"probability": 0},
            r"given for 'probability'; the methods compared are \['predict', 'predict_proba'\]",
        ),
        ({"predict_proba.1": 0}, r"\['predict_proba.1'\], which is no output; the outputs are"),
        ({"predict_proba": -1.0}, "rtol is -1.0 and atol -1.0 for 'predict_proba'"),
        ({"predict_proba": (0.0, float("nan"))}, "atol nan for 'predict_proba'"),
        ({"predict_proba": (0.0,)}, "give"),
        ({"predict_proba": "1e-9"}, "give"),
    ],
)
def test_a_tolerance_of_no_effect_or_sense_is_refused(model: Any, tolerances: Any, said: str) -> None:
    with pytest.raises(CheckError, match=said):
        shifted(model, 0.0, tolerances=tolerances)
