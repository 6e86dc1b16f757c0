from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import helper
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, MinMaxScaler, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import onnxtwin
from onnxtwin.runtime_checks.coverage.compact import compact
from onnxtwin.runtime_checks.coverage.forest import forest_of
from onnxtwin.runtime_checks.coverage.instrument import Instrument, instrument
from onnxtwin.runtime_checks.coverage.items import BINS, BRANCHES, CATEGORIES, MISSING, TREES
from onnxtwin.runtime_checks.coverage.recorder import Recorder
from onnxtwin.runtime_checks.coverage.summary import Coverage


@pytest.fixture(scope="module")
def trips() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"fare": rng.gamma(2, 9, 300), "port": rng.choice(["Cork", "Qu", "Rome"], 300)})


def opened(pipeline: Any, X: pd.DataFrame) -> Instrument:
    twin = onnxtwin.export(pipeline, X)
    graph = instrument(twin, twin.signature, X)
    assert graph is not None
    return graph


def covered(graph: Instrument, *batches: Any) -> Coverage:
    recorder = Recorder(graph)
    for rows in batches:
        recorder.add(rows)
    return recorder.coverage()


class TestTrees:
    @pytest.fixture(scope="class")
    def graph(self, trips: pd.DataFrame) -> Instrument:
        tree = DecisionTreeClassifier(max_leaf_nodes=2).fit(trips[["fare"]], trips["fare"] > 15)
        return opened(tree, trips[["fare"]])

    def test_a_row_takes_one_branch_and_the_other_is_named(self, graph: Instrument) -> None:
        low = covered(graph, pd.DataFrame({"fare": [1.0]}))[TREES]
        assert (low.reached, low.total) == (1, 2)
        (text,) = low.never
        assert "fare <= 1" in text
        assert text.endswith("never False")

    def test_both_branches_are_covered_by_two_rows(self, graph: Instrument) -> None:
        assert covered(graph, pd.DataFrame({"fare": [1.0, 99.0]}))[TREES].share == 1.0

    def test_a_missing_value_counts_where_it_can_come(self, graph: Instrument) -> None:
        rows = pd.DataFrame({"fare": [1.0]})
        assert covered(graph, rows)[MISSING].total == 0
        found = covered(graph, rows, pd.DataFrame({"fare": [np.nan]}))[MISSING]
        assert (found.reached, found.total) == (1, 1)


def stump(thresholds: tuple[float, float]) -> onnx.NodeProto:
    """x <= first ? (x <= second ? leaf : leaf) : leaf."""
    return helper.make_node(
        "TreeEnsemble",
        ["X"],
        ["Y"],
        domain="ai.onnx.ml",
        tree_roots=[0],
        nodes_featureids=[0, 0],
        nodes_splits=helper.make_tensor("s", onnx.TensorProto.DOUBLE, [2], thresholds),
        nodes_modes=helper.make_tensor("m", onnx.TensorProto.UINT8, [2], [0, 0]),
        nodes_truenodeids=[1, 0],
        nodes_trueleafs=[0, 1],
        nodes_falsenodeids=[2, 1],
        nodes_falseleafs=[1, 1],
        leaf_targetids=[0, 0, 0],
        leaf_weights=helper.make_tensor("w", onnx.TensorProto.DOUBLE, [3], [1.0, 2.0, 3.0]),
    )


def test_a_branch_that_contradicts_the_test_above_is_impossible() -> None:
    never_true, never_false, _ = forest_of(stump((1.0, 2.0))).impossible(single=False)
    assert never_true.tolist() == [False, False]
    assert never_false.tolist() == [False, True]


def test_a_branch_without_a_float32_is_impossible_only_for_float32_values() -> None:
    between = float(np.nextafter(1.0, 2.0)), 1.0
    forest = forest_of(stump(between))
    assert forest.impossible(single=True)[1].tolist() == [False, True]
    assert forest.impossible(single=False)[1].tolist() == [False, False]


def test_an_unseen_category_is_named(trips: pd.DataFrame) -> None:
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["port"]))
    graph = opened(make_pipeline(encode, LinearRegression()).fit(trips, trips["fare"]), trips)
    found = covered(graph, trips[trips["port"] != "Qu"])[CATEGORIES]
    assert "port: 'Qu'" in found.never
    assert "port: none of the known categories" in found.never


@pytest.mark.parametrize(
    "step",
    [
        KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"),
        MinMaxScaler(clip=True),
    ],
    ids=["bins", "limits"],
)
def test_bins_and_limits_are_covered_by_rows_in_and_beyond_them(step: Any, trips: pd.DataFrame) -> None:
    X = trips[["fare"]]
    graph = opened(make_pipeline(step, LinearRegression()).fit(X, X["fare"]), X)
    inside = covered(graph, X.iloc[[0]])[BINS]
    assert inside.reached < inside.total
    everywhere = covered(graph, X, X - 1000, X + 1000)[BINS]
    assert everywhere.reached > inside.reached


def test_a_condition_that_is_computed_has_two_outcomes(trips: pd.DataFrame) -> None:
    X = trips[["fare"]].assign(tip=1.0)
    better = FunctionTransformer(lambda d: np.where(d["fare"] > d["tip"], d["fare"], d["tip"]).reshape(-1, 1))
    graph = opened(make_pipeline(better, LinearRegression()).fit(X, X["fare"]), X)
    assert covered(graph, X.assign(tip=0.0))[BRANCHES].reached == 1
    assert covered(graph, X.assign(tip=0.0), X.assign(tip=9e9))[BRANCHES].share == 1.0


def test_the_share_is_of_all_kinds_together_and_json_says_so(trips: pd.DataFrame) -> None:
    tree = DecisionTreeClassifier(max_depth=3).fit(trips[["fare"]], trips["fare"] > 15)
    coverage = covered(opened(tree, trips[["fare"]]), trips[["fare"]])
    data = coverage.to_json()
    assert data["share"] == coverage.reached / coverage.total
    assert [kind["kind"] for kind in data["kinds"]] == [kind.kind for kind in coverage.kinds]
    assert data["rows"] == len(trips)


def test_rows_beyond_the_limit_are_skipped_and_counted(trips: pd.DataFrame) -> None:
    tree = DecisionTreeClassifier(max_depth=2).fit(trips[["fare"]], trips["fare"] > 15)
    recorder = Recorder(opened(tree, trips[["fare"]]))
    recorder.add(trips[["fare"]], most=100)
    coverage = recorder.coverage()
    assert (coverage.rows, coverage.skipped) == (100, 200)


def test_few_rows_cover_what_many_do(trips: pd.DataFrame) -> None:
    X = trips[["fare"]]
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, np.digitize(X["fare"], [5, 9, 20, 40]))
    graph = opened(tree, X)
    batches = [X.iloc[:150], X.iloc[150:]]
    kept = compact(graph, batches, 12, np.random.default_rng(0))
    few = [rows.iloc[index] for rows, index in zip(batches, kept, strict=True)]
    assert sum(map(len, few)) == 12
    assert covered(graph, *few)[TREES].reached == covered(graph, *batches)[TREES].reached


def test_a_foreign_tree_is_covered_as_well(trips: pd.DataFrame) -> None:
    from skl2onnx import to_onnx

    from onnxtwin.runtime_checks import check_model

    X = trips[["fare"]].to_numpy(np.float32)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, X[:, 0] > 15)
    model = to_onnx(tree, X, options={"zipmap": False})
    report = check_model(model, tree, X, cases=["boundary"])
    assert report.coverage is not None
    assert report.coverage[TREES].share == 1.0
