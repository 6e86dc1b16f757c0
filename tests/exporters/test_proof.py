"""The finished graph is proven on the sample: what differs by more than rounding is no export."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import onnxtwin
from onnxtwin.exporters import finish
from onnxtwin.exporters.errors import RecordingError
from onnxtwin.exporters.export import export_graph

IRIS, SPECIES = load_iris(return_X_y=True)
OPENED = finish.session


class Off:
    """A session that answers as another one, but for some cells of one output."""

    def __init__(self, session: Any, name: str, change: Any) -> None:
        self.session, self.name, self.change = session, name, change

    def run(self, names: list[str], feeds: Any) -> list[Any]:
        found = dict(zip(names, self.session.run(names, feeds), strict=True))
        if len(found[self.name]):
            found[self.name] = self.change(found[self.name].copy())
        return list(found.values())


def proven(monkeypatch: pytest.MonkeyPatch, model: Any, X: Any, name: str, change: Any) -> Any:
    monkeypatch.setattr(finish, "session", lambda model: Off(OPENED(model), name, change))
    monkeypatch.setattr(finish, "evaluate", lambda model, feeds: list(OPENED(model).run(None, feeds)))
    return export_graph(model, X)


def one_cell(by: float) -> Any:
    def change(answer: Any) -> Any:
        answer[0] += by
        return answer

    return change


@pytest.mark.parametrize("by", [1e-8, 1e-3])
def test_a_single_probability_that_is_off_is_no_export(monkeypatch: pytest.MonkeyPatch, by: float) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, SPECIES)
    with pytest.raises(RecordingError, match=r"on 1 of \d+ rows: predict_proba\[0, 0\] is"):
        proven(monkeypatch, model, IRIS, "predict_proba", one_cell(by))


def test_a_single_label_that_is_off_is_no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, SPECIES)
    with pytest.raises(RecordingError, match=r"on 1 of \d+ rows: predict\[0\] is"):
        proven(monkeypatch, model, IRIS, "predict", one_cell(1))


def test_a_label_that_rounding_decides_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(X[:, :2], y)
    (slope, other), intercept = model.coef_[0], model.intercept_[0]
    edge = np.column_stack([X[:, 0], -(intercept + slope * X[:, 0]) / other])  # on the decision boundary

    def turned(answer: Any) -> Any:
        return 1 - answer

    assert proven(monkeypatch, model, edge[:9], "predict", turned)
    with pytest.raises(RecordingError, match="does not answer"):
        proven(monkeypatch, model, X[:9, :2], "predict", turned)


@pytest.mark.parametrize("classes", [2, 3])
def test_boosting_from_a_model_of_single_precision_is_as_its_pipeline(classes: int) -> None:
    y = np.minimum(SPECIES, classes - 1)
    model = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(IRIS, y)
    twin = onnxtwin.export(model, IRIS)
    # It hands its rows to the first model as float32, so no more than that is promised.
    assert twin.signature.float32_ulps is not None
    assert twin.check(IRIS).ok


def test_a_function_that_loses_digits_is_red_only_where_the_twin_loses_others() -> None:
    def difference(X: Any) -> Any:
        return (X @ np.ones((4, 1)) + 1e12) - 1e12  # keeps four digits, of which the last hang on the order

    model = make_pipeline(FunctionTransformer(difference), LogisticRegression()).fit(IRIS, SPECIES)
    assert onnxtwin.export(model, IRIS).check(IRIS).ok
