"""The check on twins that the engine exported: green as they are, red with a single number changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from onnxtwin.build.session import Session
from onnxtwin.exporters import export_graph
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.python import Runner


@pytest.fixture(scope="module")
def passengers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "age": rng.normal(40, 10, 400),
            "fare": rng.exponential(30, 400),
            "port": rng.choice(["S", "C", "Q"], 400),
            "deck": rng.integers(1, 5, 400),
        }
    )
    X.loc[::7, "age"] = np.nan
    X.loc[::11, "port"] = np.nan
    return X


def prepared(model: Any, **encoder: Any) -> Pipeline:
    numbers = Pipeline([("fill", SimpleImputer(add_indicator=True)), ("scale", StandardScaler())])
    columns = [("numbers", numbers, ["age", "fare"]), ("texts", OneHotEncoder(**encoder), ["port", "deck"])]
    return Pipeline([("columns", ColumnTransformer(columns)), ("model", model)])


def boosted() -> Pipeline:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("codes", codes, ["port", "deck"])], remainder="passthrough")
    model = HistGradientBoostingClassifier(categorical_features=[0, 1], max_iter=5, random_state=0)
    return Pipeline([("columns", columns), ("model", model)])


PIPELINES: dict[str, Callable[[], Pipeline]] = {
    "linear, unknown ignored": lambda: prepared(LogisticRegression(), handle_unknown="ignore"),
    "forest, unknown refused": lambda: prepared(RandomForestClassifier(10, random_state=0)),
    "boosting on native categories": boosted,
}


def survived(X: pd.DataFrame) -> Any:
    return np.where((X["fare"] > 20) ^ (X["deck"] > 2), "yes", "no")


def changed(model: onnx.ModelProto, change: Callable[[onnx.ModelProto], None]) -> bytes:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    change(copy)
    return copy.SerializeToString()


@pytest.mark.parametrize("layout", ["columns", "packed"])
@pytest.mark.parametrize("name", PIPELINES)
def test_an_exported_twin_is_green_on_every_family(name: str, layout: str, passengers: pd.DataFrame) -> None:
    pipeline = PIPELINES[name]().fit(passengers, survived(passengers))
    exported = export_graph(pipeline, passengers, layout=layout)
    session = Session(exported.model.SerializeToString(), exported.signature)
    report = check(session, pipeline, passengers, signature=exported.signature)
    assert report.ok, str(report)
    assert all(report["predict"].families[name].rows for name in ("sample", "missing", "batches"))
    assert report["predict"].families["unknown"].rows + report["predict"].families["unknown"].refused > 0


@pytest.mark.parametrize("fitted_value", ["fill", "scale"])
def test_one_changed_constant_turns_the_twin_red_and_its_step_is_named(
    fitted_value: str, passengers: pd.DataFrame
) -> None:
    pipeline = PIPELINES["linear, unknown ignored"]().fit(passengers, survived(passengers))
    numbers = pipeline["columns"].named_transformers_["numbers"]
    value = {"fill": numbers["fill"].statistics_[0], "scale": numbers["scale"].scale_[1]}[fitted_value]

    def spoil(model: onnx.ModelProto) -> None:
        places = [t for t in model.graph.initializer if np.any(numpy_helper.to_array(t) == value)]
        assert places
        for tensor in places:
            array = numpy_helper.to_array(tensor).copy()
            array[array == value] *= 1.0001
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    exported = export_graph(pipeline, passengers)
    graph = changed(exported.model, spoil)
    report = check(Runner(graph, exported.signature), pipeline, passengers, signature=exported.signature)
    assert not report.ok
    assert report.location is not None
    assert report.location.step == f"columns.numbers.{fitted_value}"


def test_one_threshold_one_ulp_lower_turns_a_tree_on_raw_columns_red(passengers: pd.DataFrame) -> None:
    X = passengers[["fare", "deck"]].assign(fare=passengers["fare"].round())
    model = make_pipeline(RandomForestClassifier(1, max_depth=2, bootstrap=False, random_state=0))
    model.fit(X, survived(passengers))
    tree = model[-1].estimators_[0].tree_
    threshold = tree.threshold[0]
    # On the threshold itself: the pipeline goes left, the changed twin right.
    rows = X.head(20).copy()
    rows.iloc[:, tree.feature[0]] = float(threshold)

    def spoil(graph: onnx.ModelProto) -> None:
        spoilt = 0
        for node in graph.graph.node:
            for attribute in node.attribute:
                if attribute.name == "nodes_splits":
                    splits = numpy_helper.to_array(attribute.t).copy()
                    spoilt += int((splits == threshold).sum())
                    splits[splits == threshold] = np.nextafter(threshold, -np.inf)
                    attribute.t.CopyFrom(numpy_helper.from_array(splits, attribute.t.name))
        assert spoilt

    exported = export_graph(model, X)
    graph = changed(exported.model, spoil)
    report = check(Runner(graph, exported.signature), model, rows, signature=exported.signature, cases=False)
    faithful = Runner(exported.model.SerializeToString(), exported.signature)
    assert check(faithful, model, rows, signature=exported.signature, cases=False).ok
    assert report["predict_proba"].total.mismatched == len(rows)
    assert report["predict_proba"].total.undetermined == 0
