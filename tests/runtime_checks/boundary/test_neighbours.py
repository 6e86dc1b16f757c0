from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

import onnxtwin
from onnxtwin.build.session import Session
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.cases import families
from onnxtwin.runtime_checks.reference import Reference


def places(rows: int) -> pd.DataFrame:
    """Two places each, of which one lies in a city, as degrees."""
    rng = np.random.default_rng(0)
    columns = {"lat1": 40.7 + rng.normal(0, 0.1, rows), "lon1": -74 + rng.normal(0, 0.1, rows)}
    return pd.DataFrame(columns | {"lat2": rng.uniform(21, 47, rows), "lon2": rng.uniform(-120, -68, rows)})


def distance(frame: pd.DataFrame) -> pd.DataFrame:
    lat1, lon1, lat2, lon2 = (np.radians(frame[name]) for name in ("lat1", "lon1", "lat2", "lon2"))
    a = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return pd.DataFrame({"a": a})


def cosine(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"cos": np.cos(np.radians(frame["lat2"]))})


def wrong_turn(model: onnx.ModelProto) -> None:
    """A cosine counts quarters of turns, and one more, in fours; now one's are a millionth short of four."""
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    four = {name for name, array in arrays.items() if array.ndim == 0 and array == 4}
    one_more = {node.output[0] for node in model.graph.node if node.op_type == "Add"}
    divisions = [node for node in model.graph.node if node.op_type == "Div" and node.input[1] in four]
    node = [node for node in divisions if node.input[0] in one_more][-1]
    model.graph.initializer.append(numpy_helper.from_array(np.array(3.999996), "nearly four"))
    node.input[1] = "nearly four"


@pytest.mark.parametrize("feature", [cosine, distance])
@pytest.mark.parametrize("wrong", [False, True])
def test_a_turn_that_is_counted_wrongly_shows_beyond_the_users_own_numbers(feature: Any, wrong: bool) -> None:
    X = places(400)
    y = feature(X).iloc[:, 0]
    pipeline = make_pipeline(FunctionTransformer(feature), DecisionTreeRegressor(max_depth=4)).fit(X, y)
    twin = onnxtwin.export(pipeline, X)
    model = onnx.ModelProto.FromString(twin.model.SerializeToString())
    if wrong:
        wrong_turn(model)
    session = Session(model.SerializeToString(), twin.signature)
    report = check(session, pipeline, X, signature=twin.signature, cases=["boundary"], model=model)
    assert report.ok is not wrong


def positive(frame: pd.DataFrame) -> pd.DataFrame:
    if (frame < 0).to_numpy().any():
        raise ValueError("negative")
    return np.sqrt(frame)


def test_numbers_beyond_the_users_own_stay_within_what_the_pipeline_answers() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.uniform(1, 9, 200), "n": rng.integers(0, 50, 200)})
    pipeline = make_pipeline(FunctionTransformer(positive), DecisionTreeRegressor(max_depth=3))
    pipeline.fit(X, X["a"] * X["n"])
    signature = onnxtwin.export(make_pipeline(DecisionTreeRegressor()).fit(X, X["a"]), X).signature
    reference = Reference(pipeline, ["predict"], signature)
    rows = pd.concat(families(["boundary"])["boundary"](reference, signature, X, np.random.default_rng(0)))
    assert rows["a"].min() > -1e-300  # one step beside 0
    assert rows["n"].min() >= -1
    assert rows["a"].max() > 100
    assert rows["n"].max() > 500
    assert rows["n"].dtype == np.int64
