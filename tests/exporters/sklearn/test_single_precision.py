"""Float32 samples: what computes in single precision exports with its dtype, or is refused by name."""

from __future__ import annotations

import warnings
from typing import Any

import estimators
import numpy as np
import pytest
from parity import twin_of
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import (
    LogisticRegression,
    PassiveAggressiveClassifier,
    Perceptron,
    Ridge,
    SGDClassifier,
)
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

from onnxtwin.exporters.errors import SignatureError, UnsupportedError
from onnxtwin.exporters.export import export_graph

pytestmark = pytest.mark.filterwarnings("ignore")

VOTERS = [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=3))]
MODELS = {
    "sgd": SGDClassifier(random_state=0),
    "passive-aggressive": PassiveAggressiveClassifier(random_state=0),
    "perceptron": Perceptron(random_state=0),
    "stacking": StackingClassifier([("a", LogisticRegression()), ("b", SGDClassifier(random_state=0))]),
    "voting": VotingClassifier(VOTERS, voting="soft"),
    "calibration": CalibratedClassifierCV(SGDClassifier(random_state=0)),
    "bagging": BaggingClassifier(LogisticRegression(), n_estimators=3, random_state=0),
    "ridge": Ridge(),
}


@pytest.mark.parametrize("single", [False, True], ids=["fitted on float64", "fitted on float32"])
@pytest.mark.parametrize("name", MODELS)
def test_answers_have_the_pipelines_dtype(name: str, single: bool) -> None:
    rows, y = load_iris(return_X_y=True)
    rows = scale(rows)
    sample = rows.astype(np.float32)
    model = clone(MODELS[name]).fit(sample if single else rows, y)
    twin = twin_of(model, sample, ["predict"])
    assert twin.signature.inputs[0].tensor == "float32"
    real, answer = model.predict(sample), twin.run(sample)["predict"]
    assert answer.dtype == real.dtype
    np.testing.assert_allclose(answer, real, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["sgd", "passive-aggressive", "perceptron", "stacking", "bagging", "voting"])
def test_sums_that_cancel_are_judged_by_the_rounding_of_their_terms(name: str) -> None:
    rows, y = load_breast_cancer(return_X_y=True)  # terms of millions, decisions of thousands
    sample = rows.astype(np.float32)
    model = clone(MODELS[name]).fit(sample, y)
    assert export_graph(model, sample, methods=["predict"]).signature.methods == ("predict",)


def test_what_single_precision_cannot_promise_names_the_place_and_a_way_out_that_works() -> None:
    rows, y = load_breast_cancer(return_X_y=True)
    sample = rows.astype(np.float32)
    model = Perceptron(random_state=0).fit(sample, y)
    try:
        export_graph(model, sample, methods=["decision_function"])
    except UnsupportedError as error:
        assert "Perceptron.decision_function" in str(error)  # noqa: PT017 - a kernel that adds alike exports
        assert "single precision" in str(error)  # noqa: PT017 - as above
    again = Perceptron(random_state=0).fit(sample.astype("float64"), y)
    assert export_graph(again, sample.astype("float64"), methods=["decision_function"])


def test_a_product_that_is_off_by_more_than_its_rounding_is_still_caught() -> None:
    from onnxtwin.exporters.errors import RecordingError
    from onnxtwin.exporters.places import Place
    from onnxtwin.exporters.trace import Expected, Trace, verify

    value = np.array([[1.0], [2.0]], np.float32)
    trace = Trace(rows=2)
    trace.expected.append(Expected(None, value, Place("", "", 0)))  # type: ignore[arg-type] # no graph is built
    trace.added(3, np.array([[1e3], [1e3]]))
    room = float(np.asarray(trace.expected[0].room)[0, 0])
    verify(trace, lambda variables, real: [value + np.float32(0.9 * room)])
    with pytest.raises(RecordingError, match="differs"):
        verify(trace, lambda variables, real: [value + np.float32(1.2 * room)])


def _ends_well(estimator: Any, sample: np.ndarray, method: str) -> None:
    try:
        export_graph(estimator, sample, methods=[method])
    except (UnsupportedError, SignatureError) as error:
        assert "way out: " in str(error)  # noqa: PT017 - most export, and no more is asked of the others


@pytest.mark.long
@pytest.mark.parametrize("single", [False, True], ids=["fitted on float64", "fitted on float32"])
@pytest.mark.parametrize("name", estimators.names())
def test_no_estimator_meets_a_recording_error(name: str, single: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, rows = estimators.fitted(name)
        if not isinstance(rows, np.ndarray) or rows.dtype != np.float64:
            pytest.skip("not of numbers")
        sample = rows.astype(np.float32)
        if single:
            model = estimators.fitted(name, single=True)[0]
        for method in estimators.methods(name):
            if hasattr(model, method):
                _ends_well(model, sample, method)
