"""The defects of DESIGN's table, as skl2onnx exports them: each turns the verdict red and its step is named.

Numbers are exact in float32 where the defect is not about them, so that its rounding is not what is found.
What skl2onnx 1.20 refuses or never finishes is exported as near to the defect as it goes, and says so.
tests/test_known_defects.py shows that our own twins have none of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import skl2onnx.common._container as container
from onnx import helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks import Report, check_model

PLAIN = {"zipmap": False}
SINGLE = 1e-5
"""The tolerance that float32 is given, so that the verdict is about the defect."""


def rows_with_missing() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    X = rng.normal(size=(400, 5)).astype(np.float32).astype(np.float64)
    y = ((X[:, 0] + X[:, 1] > 0) ^ (X[:, 2] > 1)).astype(int)
    gone = rng.random(X.shape) < 0.2
    gone[:, 0] |= (y == 1) & (rng.random(len(X)) < 0.6)
    return np.where(gone, np.nan, X), y


def judged(pipeline: Pipeline, X: Any, graph: Any, **options: Any) -> Report:
    report = check_model(graph, pipeline, X, **{"cases": False, "atol": SINGLE, **options})
    assert not report.ok
    assert report.exit_code == 1
    assert report["predict_proba"].total.mismatched > 0
    assert report.location is not None
    return report


def test_missing_values_that_a_forest_no_longer_routes() -> None:
    X, y = rows_with_missing()
    forest = RandomForestClassifier(10, max_depth=4, random_state=0)
    model = Pipeline([("select", VarianceThreshold()), ("forest", forest)]).fit(X, y)
    # A graph of doubles is never finished: skl2onnx searches a float32 neighbour of thresholds that are NaN.
    report = judged(model, X, to_onnx(model, X[:1].astype(np.float32), options=PLAIN))
    assert report["predict"].total.mismatched > 10
    assert report.location.step == "forest"
    assert "up to select" in report.location.text


def test_categories_of_histogram_boosting_that_become_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_node(*args: Any, **attributes: Any) -> Any:
        # skl2onnx writes booleans into an attribute of integers, which newer protobuf refuses.
        plain = {
            name: [int(v) if isinstance(v, bool | np.bool_) else v for v in value]
            if isinstance(value, list)
            else value
            for name, value in attributes.items()
        }
        return helper.make_node(*args, **plain)

    monkeypatch.setattr(container, "make_node", make_node)
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 40, 600), rng.integers(-8, 8, 600) / 4]).astype(np.float64)
    y = np.isin(X[:, 0], [3, 7, 11, 19, 23, 31]).astype(int) ^ (X[:, 1] > 1)
    boosting = HistGradientBoostingClassifier(categorical_features=[0], max_iter=20, random_state=0)
    model = Pipeline([("select", VarianceThreshold()), ("boosting", boosting)]).fit(X, y)
    report = judged(model, X, to_onnx(model, X[:1].astype(np.float32), options=PLAIN))
    assert report["predict"].total.mismatched > 0.1 * len(X)
    assert report.location.step == "boosting"


def test_indicators_that_the_imputer_loses() -> None:
    X, y = rows_with_missing()
    model = Pipeline([("impute", SimpleImputer(add_indicator=True)), ("model", LogisticRegression())]).fit(
        X, y
    )
    report = judged(model, X, to_onnx(model, X[:1].astype(np.float32), options=PLAIN))
    assert report["predict"].total.mismatched > 0
    assert report.location.step == "impute.indicator"


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_over_a_pipeline(method: str) -> None:
    X, y = rows_with_missing()
    X = np.nan_to_num(X) * [1, 100, 0.01, 5, 1000]
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    model = Pipeline([("calibrated", CalibratedClassifierCV(inner, method=method, cv=3))]).fit(X, y)
    report = judged(model, X, to_onnx(model, X[:1], options=PLAIN))
    assert report["predict_proba"].worst is not None
    assert report["predict_proba"].worst.absolute > 0.1
    assert report.location.step.startswith("calibrated")


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-7),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_missing_category_that_becomes_a_text(encoder: Any) -> None:
    city = np.array(["Paris", "nan", "", "None", np.nan, "Rome"] * 30, dtype=object)
    X = pd.DataFrame({"city": pd.Series(city, dtype=object), "n": np.arange(180.0) % 7})
    columns = ColumnTransformer([("encode", encoder, ["city"])], remainder="passthrough")
    model = Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=2000))])
    model.fit(X, np.arange(180) % 6 < 3)
    types = [("city", StringTensorType([None, 1])), ("n", FloatTensorType([None, 1]))]
    report = judged(model, X, to_onnx(model, initial_types=types, options=PLAIN))
    assert report["predict"].total.mismatched == 30
    assert report.location.step == "columns.encode"
    assert report.minimal is not None
    assert report.minimal.columns == ("city",)
    assert str(report.minimal.row["city"]) == "nan"


@pytest.mark.parametrize(
    "texts",
    [
        ["l'été dernier à Paris", "déjà vu au café", "où est le garçon", "la tête et le cœur"],
        ["мороз и солнце", "день чудесный", "ещё ты дремлешь", "друг прелестный пора"],
    ],
    ids=["French", "Cyrillic"],
)
def test_words_that_are_tokenised_as_ascii(texts: list[str]) -> None:
    texts = texts * 5
    # lowercase=True needs the locale en_US, which a bare machine lacks.
    words = TfidfVectorizer(lowercase=False)
    model = Pipeline([("words", words), ("model", LogisticRegression())]).fit(texts, [0, 1] * 10)
    graph = to_onnx(model, initial_types=[("text", StringTensorType([None, 1]))], options=PLAIN)
    report = judged(model, texts, graph)
    assert report["predict_proba"].total.mismatched == len(texts)
    assert report.location.step == "words"


def test_a_scaled_forest_that_decides_in_float32() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(1e6, 1, (300, 3))
    scaler, forest = StandardScaler(), RandomForestClassifier(5, max_depth=3, random_state=0)
    model = Pipeline([("scale", scaler), ("forest", forest)]).fit(X, X.sum(axis=1) > 3e6)
    report = judged(model, X, to_onnx(model, X[:1].astype(np.float32), options=PLAIN))
    assert report["predict"].total.mismatched > 0
    assert report.location.step == "scale"
    assert report.location.column is not None


def test_names_that_are_rewritten_are_asked_for() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"home.dest": rng.normal(size=40), "größe (cm)": rng.normal(size=40)})
    model = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(
        X, X["home.dest"] > 0
    )
    # skl2onnx keeps a dot only if it is told another name.
    types = [("home_dest", DoubleTensorType([None, 1])), ("größe (cm)", DoubleTensorType([None, 1]))]
    graph = to_onnx(model, initial_types=types, options=PLAIN)
    assert [entry.name for entry in graph.graph.input] == ["home_dest", "größe__cm_"]
    with pytest.raises(CheckError, match=r"which column goes to the graph's input 'home_dest'\?"):
        check_model(graph, model, X)
