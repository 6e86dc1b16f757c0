"""Float32 samples: what computes in single precision exports with its dtype and promises what it can."""

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
    LinearRegression,
    LogisticRegression,
    PassiveAggressiveClassifier,
    Perceptron,
    Ridge,
    SGDClassifier,
)
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

import onnxtwin
from onnxtwin.build.contract import to_contract, to_signature
from onnxtwin.exporters.errors import SignatureError, UnsupportedError
from onnxtwin.exporters.export import export_graph
from onnxtwin.runtime_checks import check

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


@pytest.mark.parametrize(
    "name", ["sgd", "passive-aggressive", "perceptron", "calibration", "bagging", "voting"]
)
def test_answers_in_single_precision_are_promised_in_its_ulps(name: str) -> None:
    rows, y = load_iris(return_X_y=True)
    sample = rows.astype(np.float32)
    model = clone(MODELS[name]).fit(sample, y)
    method = "decision_function" if hasattr(model, "decision_function") else "predict_proba"
    twin = onnxtwin.export(model, sample, methods=[method])
    ulps = twin.signature.float32_ulps
    assert ulps is not None
    assert twin.signature.rtol == ulps * 2.0**-23
    contract = to_contract(twin.signature, opsets={}, ir_version=10, versions={})
    assert contract["tolerance"]["float32_ulps"] == ulps
    assert to_signature(contract).float32_ulps == ulps
    report = twin.check(sample)
    assert report.ok
    assert f"{ulps:,} units" in str(report)
    assert report.to_json()["tolerance"]["float32_ulps"] == ulps


class Beyond:
    """A twin whose answers are off by a share of what it promises."""

    def __init__(self, twin: onnxtwin.Twin, share: float) -> None:
        self.twin, self.share = twin, share

    def run(self, X: Any) -> dict[str, Any]:
        promised = self.twin.signature
        found = self.twin.run(X)["predict"]
        return {"predict": found + self.share * (promised.atol + promised.rtol * np.abs(found))}


def test_what_is_off_by_more_than_is_promised_is_unequal() -> None:
    rows, y = load_iris(return_X_y=True)
    sample = rows.astype(np.float32)
    model = LinearRegression().fit(sample, y)
    twin = onnxtwin.export(model, sample)
    for share, expected in ((0.4, True), (3.0, False)):
        report = check(Beyond(twin, share), model, sample, signature=twin.signature, cases=False)
        assert report.ok is expected
    assert report["predict"].total.mismatched == len(sample)


def test_large_scores_make_no_probability_loose() -> None:
    rows, y = load_breast_cancer(return_X_y=True)
    sample = rows.astype(np.float32)
    model = SGDClassifier(loss="log_loss", random_state=0).fit(sample, y)
    twin = onnxtwin.export(model, sample, methods=["predict_proba", "decision_function"])
    assert np.abs(model.decision_function(sample)).max() > 1e5
    assert twin.signature.atol < 1e-3
    assert twin.check(sample).ok

    class Reversed:
        def run(self, X: Any) -> dict[str, Any]:
            found = twin.run(X)
            return found | {"predict_proba": 1 - found["predict_proba"]}

    report = check(Reversed(), model, sample, signature=twin.signature, cases=False)
    assert report["predict_proba"].total.mismatched == len(sample)


def test_double_precision_promises_a_billionth_whatever_the_model() -> None:
    rows, y = load_iris(return_X_y=True)
    signature = onnxtwin.export(LinearRegression().fit(rows, y), rows).signature
    assert (signature.rtol, signature.atol, signature.float32_ulps) == (1e-9, 1e-9, None)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_densities_in_single_precision_are_as_the_pipeline_computes_them(covariance_type: str) -> None:
    sample = load_iris().data.astype(np.float32)
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(sample)
    twin = onnxtwin.export(model, sample, methods=["score_samples"])
    assert twin.signature.float32_ulps is not None
    assert twin.check(sample).ok


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
