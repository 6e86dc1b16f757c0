from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

import onnxtwin
from onnxtwin.build.session import Session
from onnxtwin.runtime_checks import Report, check
from onnxtwin.runtime_checks.boundary.fitted import fitted_numbers
from onnxtwin.runtime_checks.cases import families
from onnxtwin.runtime_checks.coverage.forest import forest_of
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.verdict import ROUNDING


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.gamma(9, 5, 240), "income": rng.lognormal(10, 1, 240)})


def boundary(pipeline: Any, X: pd.DataFrame, change: Any = None) -> Report:
    """A check of the pipeline's twin, its graph changed, on boundary rows alone."""
    twin = onnxtwin.export(pipeline, X, methods=["predict"])
    model = onnx.ModelProto.FromString(twin.model.SerializeToString())
    if change is not None:
        change(model)
    session = Session(model.SerializeToString(), twin.signature)
    return check(session, pipeline, X, signature=twin.signature, cases=["boundary"], model=model)


def trees(model: onnx.ModelProto) -> dict[str, onnx.AttributeProto]:
    (node,) = [node for node in model.graph.node if node.op_type == "TreeEnsemble"]
    return {attribute.name: attribute for attribute in node.attribute}


class TestTreesOnRawColumns:
    @pytest.fixture(scope="class")
    def boosting(self, rows: pd.DataFrame) -> Any:
        with_gaps = rows.assign(age=rows["age"].mask(rows["age"] > 70))
        y = np.log(rows["income"]) + rows["age"] / 20
        return HistGradientBoostingRegressor(max_iter=8, random_state=0).fit(with_gaps, y)

    def test_a_correct_twin_is_green_and_no_row_is_undetermined(
        self, boosting: Any, rows: pd.DataFrame
    ) -> None:
        report = boundary(boosting, rows)
        assert report.ok
        assert report["predict"].total.undetermined == 0
        assert report.coverage is not None
        assert report.coverage["tree branches"].share == 1.0

    @pytest.mark.parametrize("node", [0, 7, -1])
    def test_a_threshold_moved_by_one_ulp_is_red(self, boosting: Any, rows: pd.DataFrame, node: int) -> None:
        def move(model: onnx.ModelProto) -> None:
            splits = trees(model)["nodes_splits"]
            values = numpy_helper.to_array(splits.t).copy()
            values[node] = np.nextafter(values[node], np.inf)
            splits.t.CopyFrom(numpy_helper.from_array(values))

        assert not boundary(boosting, rows, move).ok

    def test_a_missing_value_routed_the_other_way_deep_in_a_tree_is_red(
        self, boosting: Any, rows: pd.DataFrame
    ) -> None:
        def reroute(model: onnx.ModelProto) -> None:
            tracks = trees(model)["nodes_missing_value_tracks_true"].ints
            (node,) = [node for node in model.graph.node if node.op_type == "TreeEnsemble"]
            forest = forest_of(node)
            comes = (forest.feature == 0) & ~forest.impossible(single=False)[2]
            deepest = int(np.argmax(np.where(comes, forest.depth, -1)))
            tracks[deepest] = 1 - tracks[deepest]

        assert not boundary(boosting, rows, reroute).ok

    def test_a_leaf_altered_is_red(self, boosting: Any, rows: pd.DataFrame) -> None:
        def alter(model: onnx.ModelProto) -> None:
            weights = trees(model)["leaf_weights"]
            values = numpy_helper.to_array(weights.t).copy()
            values[-1] += 1e-6
            weights.t.CopyFrom(numpy_helper.from_array(values))

        assert not boundary(boosting, rows, alter).ok


def test_a_forest_behind_powers_is_green_on_its_own_boundary_and_says_what_it_cannot_decide(
    rows: pd.DataFrame,
) -> None:
    forest = RandomForestRegressor(4, max_depth=4, random_state=0)
    pipeline = make_pipeline(PowerTransformer(), StandardScaler(), forest).fit(rows, rows["age"])
    report = boundary(pipeline, rows)
    assert report.ok
    assert {noted.text for noted in report["predict"].undetermined} <= {ROUNDING}


def test_without_a_graph_the_pipelines_own_answer_is_bisected(rows: pd.DataFrame) -> None:
    X = rows[["age"]]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X["age"] > 45)
    signature = onnxtwin.export(pipeline, X).signature
    reference = Reference(pipeline, ["predict"], signature)
    made = families(["boundary"])["boundary"](reference, signature, X, np.random.default_rng(0))
    ages = np.unique(np.concatenate([batch["age"].to_numpy() for batch in made]))
    labels = pipeline.predict(pd.DataFrame({"age": ages}))
    turn = int(np.flatnonzero(labels[1:] != labels[:-1])[0])
    assert np.nextafter(ages[turn], np.inf) == ages[turn + 1]


def test_thresholds_are_found_in_the_fitted_estimators_by_column(rows: pd.DataFrame) -> None:
    forest = RandomForestRegressor(3, max_depth=3, random_state=0).fit(rows, rows["income"])
    numbers = fitted_numbers(forest, ["age", "income"])
    for tree in forest.estimators_:
        inner = tree.tree_.feature == 1
        assert set(tree.tree_.threshold[inner]) <= set(numbers["income"])
