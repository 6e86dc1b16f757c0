from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import onnxtwin
from onnxtwin.runtime_checks.cases import families
from onnxtwin.runtime_checks.coverage.instrument import Instrument, instrument
from onnxtwin.runtime_checks.coverage.items import TREES
from onnxtwin.runtime_checks.coverage.recorder import Recorder
from onnxtwin.runtime_checks.reference import Reference


def sample(rows: int, columns: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(rows, columns)), columns=list("abcdefgh"[:columns]))


def made(pipeline: Any, X: pd.DataFrame, seed: int = 0) -> tuple[Instrument, list[pd.DataFrame]]:
    """The graph of the pipeline's twin, and its boundary rows."""
    twin = onnxtwin.export(pipeline, X, methods=["predict"])
    graph = instrument(twin, twin.signature, X)
    assert graph is not None
    reference = Reference(pipeline, ["predict"], twin.signature)
    family = families(["boundary"], graph)["boundary"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return graph, list(family(reference, twin.signature, X, np.random.default_rng(seed)))


def tree_coverage(graph: Instrument, batches: list[pd.DataFrame]) -> tuple[int, int]:
    recorder = Recorder(graph)
    for rows in batches:
        recorder.add(rows)
    found = recorder.coverage()[TREES]
    return found.reached, found.total


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 4))
def test_both_sides_of_every_node_of_a_tree_on_raw_columns_are_tested_one_step_apart(
    seed: int, depth: int, columns: int
) -> None:
    X = sample(120, columns, seed)
    y = np.random.default_rng(seed).integers(0, 3, len(X))
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y)
    _, batches = made(tree, X)
    rows = np.vstack([batch.to_numpy() for batch in batches])
    on_path = tree.tree_.decision_path(rows.astype(np.float32)).toarray().astype(bool)
    for node in np.flatnonzero(tree.tree_.children_left >= 0):
        here = rows[on_path[:, node], tree.tree_.feature[node]]
        here = here[~np.isnan(here)]
        # A tree compares float32(x): the greatest double that goes left, and the next one.
        left = here.astype(np.float32) <= tree.tree_.threshold[node]
        assert left.any()
        assert (~left).any()
        assert np.nextafter(here[left].max(), np.inf) == here[~left].min()


def test_every_branch_of_a_forest_behind_a_scaler_is_reached() -> None:
    X = sample(200, 4, 1)
    y = (X["a"] * X["b"] + X["c"] > 0).to_numpy()
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(8, max_depth=6, random_state=0)).fit(X, y)
    reached, total = tree_coverage(*made(forest, X))
    assert total > 200
    assert reached == total


def test_every_branch_and_missing_value_of_a_boosting_with_categories_is_reached() -> None:
    rng = np.random.default_rng(0)
    X = sample(400, 2, 2).assign(city=rng.choice(["Rome", "Paris", "Oslo", "Bonn"], 400))
    X.loc[::9, "a"] = np.nan
    y = (X["a"].fillna(1) + (X["city"] == "Rome") > 0.5).to_numpy()
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["city"]),
        remainder="passthrough",
    )
    boosting = HistGradientBoostingClassifier(categorical_features=[0], max_iter=12, random_state=0)
    graph, batches = made(make_pipeline(encode, boosting).fit(X, y), X)
    recorder = Recorder(graph)
    for rows in batches:
        recorder.add(rows)
    coverage = recorder.coverage()
    assert coverage[TREES].reached == coverage[TREES].total > 40
    assert coverage["missing values at tree nodes"].share == 1.0
    assert coverage["categories"].share == 1.0


def test_a_node_that_tests_what_two_columns_decide_together_is_met_on_both_sides() -> None:
    X = sample(200, 3, 3)
    ratio = FunctionTransformer(lambda frame: frame.assign(ratio=frame["a"] / frame["b"])[["ratio", "c"]])
    y = np.digitize(X["a"] / X["b"], [-0.5, 0.3, 0.7])
    pipeline = make_pipeline(ratio, DecisionTreeRegressor(max_depth=4, random_state=0)).fit(X, y)
    graph, batches = made(pipeline, X)
    reached, total = tree_coverage(graph, batches)
    assert reached == total
    rows = pd.concat(batches)
    ratios = np.float32(rows["a"] / rows["b"])
    root = pipeline[-1].tree_.threshold[0]
    left, right = ratios[ratios <= root].max(), ratios[ratios > root].min()
    assert np.nextafter(left, np.float32(np.inf)) == right


def test_the_two_sides_of_a_node_are_met_where_the_tests_below_it_make_the_answers_differ() -> None:
    X = sample(3000, 3, 6)
    tree = DecisionTreeClassifier().fit(X, (X > 1.2).all(axis=1))
    assert tree.get_n_leaves() == 4  # the answer is true in one leaf, at the end of a chain of tests
    rows = pd.concat(made(tree, X)[1], ignore_index=True)
    other = rows.shift(-1)
    differs = pd.Series(tree.predict(rows)).ne(pd.Series(tree.predict(other)))
    alone = (rows.ne(other) & ~(rows.isna() & other.isna())).sum(axis=1) == 1
    for column in X:
        apart = np.nextafter(rows[column], np.inf) == other[column]
        assert (differs & alone & apart).any()


def test_a_node_that_asks_whether_a_column_is_missing_is_met_on_both_sides_below_other_tests() -> None:
    X = sample(400, 3, 8)
    X = X.mask(np.random.default_rng(8).random(X.shape) < 0.2)
    y = X["a"].isna() * 4.0 + (X["b"] > 0) * (1 + 2 * X["c"].isna()) + (X["c"] > 0.5) * X["b"].isna()
    pipeline = make_pipeline(SimpleImputer(add_indicator=True), DecisionTreeRegressor(random_state=0))
    graph, batches = made(pipeline.fit(X, y), X.dropna())
    assert (pipeline[-1].tree_.feature >= 3).sum() > 3
    reached, total = tree_coverage(graph, batches)
    assert reached == total


def excess(frame: pd.DataFrame) -> pd.DataFrame:
    """Like a gust over the wind: nothing where there is no gust, unknown where there is no wind."""
    apart = np.where(frame["a"].isna(), 0.0, frame["a"] - frame["b"])
    return frame.assign(apart=apart)[["apart", "c"]]


def test_a_value_of_two_columns_is_met_missing_where_one_of_them_alone_does_not_make_it_so() -> None:
    X = sample(600, 3, 9)
    X["a"] = X["a"].mask(np.random.default_rng(9).random(600) < 0.9)
    X["b"] = X["b"].mask(np.random.default_rng(10).random(600) < 0.1)
    computed = excess(X)
    y = computed["apart"].isna() + (computed["c"] > 0) * computed["apart"].fillna(2) + X["c"]
    boosting = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5, random_state=0)
    pipeline = make_pipeline(FunctionTransformer(excess), boosting).fit(X, np.digitize(y, [0.0, 1.0]))
    graph, batches = made(pipeline, X[X["a"].isna() | X["b"].notna()])
    recorder = Recorder(graph)
    for rows in batches:
        recorder.add(rows)
    assert recorder.coverage()["missing values at tree nodes"].share == 1.0


def test_the_two_sides_of_a_node_that_two_columns_decide_are_met_where_the_answers_differ() -> None:
    X = sample(3000, 4, 6)
    product = FunctionTransformer(lambda frame: frame.assign(ab=frame["a"] * frame["b"])[["ab", "c", "d"]])
    y = (X["a"] * X["b"] > 1.2) & (X[["c", "d"]] > 1).all(axis=1)
    pipeline = make_pipeline(product, DecisionTreeClassifier(random_state=0)).fit(X, y)
    assert pipeline[-1].get_n_leaves() == 4  # the answer is true in one leaf, at the end of a chain of tests
    rows = pd.concat(made(pipeline, X)[1], ignore_index=True)
    tree, answers = pipeline[-1].tree_, pipeline.predict(rows)
    tested = np.float32(rows["a"] * rows["b"])
    (node,) = np.flatnonzero(tree.feature == 0)
    left, right = tested <= tree.threshold[node], tested > tree.threshold[node]
    nearest = answers[tested == tested[left].max()], answers[tested == tested[right].min()]
    assert set(np.concatenate(nearest)) == {False, True}


def test_at_a_threshold_on_a_computed_column_rows_lie_inside_the_rounding_to_float32() -> None:
    X = sample(200, 2, 7)
    scaled = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=3)).fit(X, X["a"] * X["b"])
    rows = pd.concat(made(scaled, X)[1], ignore_index=True)
    tree, computed = scaled[-1].tree_, scaled[0].transform(rows)
    for node in np.flatnonzero(tree.children_left >= 0):
        values, threshold = computed[:, tree.feature[node]], tree.threshold[node]
        singles = values.astype(np.float32)
        for side in (singles[singles <= threshold].max(), singles[singles > threshold].min()):
            off = np.abs(values[singles == side] - side) / np.spacing(np.abs(side))
            assert off.min() < 0.4  # half a step away the last bit decides


def test_the_same_seed_makes_the_same_rows() -> None:
    X = sample(100, 2, 4)
    tree = DecisionTreeRegressor(max_depth=4).fit(X, X["a"] * X["b"])
    first, second = (pd.concat(made(tree, X, seed=5)[1]) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("dtype", ["float32", "int16", "Int64"])
def test_rows_keep_the_columns_own_type(dtype: str) -> None:
    X = pd.DataFrame({"a": pd.array(np.arange(60) % 17, dtype=dtype), "b": np.linspace(0, 1, 60)})
    y = (X["a"].to_numpy(np.float64) > 7) * 1.0 + (X["b"].to_numpy() > 0.3)
    for rows in made(make_pipeline(FunctionTransformer(), DecisionTreeRegressor()).fit(X, y), X)[1]:
        assert rows.dtypes.equals(X.dtypes)
