"""Forests and boosting answer as scikit-learn does: labels identical, ties included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_equal, assert_twin_equal, twin_of
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from onnxtwin.exporters import export_graph, tree_ensemble
from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(6)
X = RNG.normal(size=(150, 4))
X_MISSING = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
Y = X[:, 0] ** 2 + np.sin(3 * X[:, 1])
CLASS = np.digitize(Y, [0.0, 1.0])
NEW = RNG.normal(size=(300, 4))
ROWS = np.vstack([X_MISSING, NEW, np.full((1, 4), np.nan)])
TEXTS = np.array(["low", "middle", "high"])[CLASS]
TARGETS = {
    "text": TEXTS,
    "two texts": np.where(CLASS > 0, "yes", "no"),
    "integers": CLASS * 10 - 5,
    "booleans": CLASS > 0,
}
TWO_OUTPUTS = np.column_stack([CLASS, X[:, 2] > 0]).astype(int)


def count_of_nodes(model: Any, rows: np.ndarray) -> int:
    """``TreeEnsemble`` nodes in the exported graph."""
    return sum(node.op_type == "TreeEnsemble" for node in export_graph(model, rows).model.graph.node)


# ---- forests


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesClassifier])
def test_a_forest_answers_labels_and_probabilities(forest: type[Any], target: str) -> None:
    model = forest(12, max_depth=4, random_state=0).fit(X_MISSING, TARGETS[target])
    assert_twin_equal(model, X_MISSING, ROWS, methods=["predict", "predict_proba"])


def test_a_forest_of_two_outputs_answers_two_matrices_of_probabilities() -> None:
    model = RandomForestClassifier(12, max_depth=3, random_state=0).fit(X_MISSING, TWO_OUTPUTS)
    session = assert_twin_equal(model, X_MISSING, ROWS, methods=["predict", "predict_proba"])
    assert [o.name for o in session.signature.outputs][:3] == [
        "predict",
        "predict_proba.0",
        "predict_proba.1",
    ]


@pytest.mark.parametrize("y", [Y, np.column_stack([Y, -Y])], ids=["one output", "two outputs"])
@pytest.mark.parametrize("forest", [RandomForestRegressor, ExtraTreesRegressor])
def test_a_forest_answers_values(forest: type[Any], y: np.ndarray) -> None:
    assert_twin_equal(forest(12, random_state=0).fit(X_MISSING, y), X_MISSING, ROWS)


def test_a_tie_between_classes_goes_where_the_forests_own_order_of_addition_sends_it() -> None:
    # Added in another order, probabilities differ in their last bits, which decide between equal classes.
    rng = np.random.default_rng(0)
    X_tied = rng.integers(0, 3, (600, 4)).astype(float)
    model = RandomForestClassifier(30, max_depth=2, random_state=0).fit(X_tied, rng.integers(0, 2, 600))
    trees = [t.predict_proba(X_tied) for t in model.estimators_]
    backwards = sum(reversed(trees)) / 30
    assert (backwards != model.predict_proba(X_tied)).any()
    session = twin_of(model, X_tied, ["predict", "predict_proba"])
    np.testing.assert_array_equal(session.run(X_tied)["predict_proba"], model.predict_proba(X_tied))
    np.testing.assert_array_equal(session.run(X_tied)["predict"], model.predict(X_tied))


def test_a_forest_too_large_for_one_node_gives_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = RandomForestClassifier(40, max_depth=4, random_state=0).fit(X_MISSING, TEXTS)
    small = twin_of(model, X_MISSING).run(ROWS)
    monkeypatch.setattr(tree_ensemble, "SHARED_NODES", 100)
    large = assert_twin_equal(model, X_MISSING, ROWS)
    assert count_of_nodes(model, X_MISSING) == 40
    for method, values in large.run(ROWS).items():
        np.testing.assert_array_equal(values, small[method])


def test_a_small_forest_is_one_node() -> None:
    model = RandomForestRegressor(40, max_depth=4, random_state=0).fit(X, Y)
    assert count_of_nodes(model, X) == 1


def test_a_forest_behind_a_scaler_decides_in_double() -> None:
    # The scaled value is rounded to float32 once, by the forest; a graph in float32 rounds before it scales.
    frame = pd.DataFrame({"id": 1e9 + 64 * RNG.integers(0, 50, 400).astype(float), "x": RNG.normal(size=400)})
    y = (frame["id"] - 1e9) % 128 + frame["x"]
    model = make_pipeline(StandardScaler(), RandomForestRegressor(10, random_state=0)).fit(frame, y)
    assert_twin_equal(model, frame)


def test_a_forest_behind_an_imputer_answers_missing_values() -> None:
    frame = pd.DataFrame(X_MISSING, columns=["a", "b", "c", "d"])
    model = make_pipeline(SimpleImputer(add_indicator=True), RandomForestClassifier(10, random_state=0))
    assert_twin_equal(model.fit(frame, TEXTS), frame, pd.DataFrame(ROWS, columns=frame.columns))


def test_a_forest_whose_trees_answer_their_own_way_is_refused() -> None:
    class Doubtful(DecisionTreeClassifier):
        def predict_proba(self, X: Any, check_input: bool = True) -> Any:
            return super().predict_proba(X, check_input) * 0.5 + 0.25

    model = RandomForestClassifier(3, max_depth=2, random_state=0).fit(X, CLASS > 0)
    for tree in model.estimators_:
        tree.__class__ = Doubtful
    with pytest.raises(UnsupportedError, match="Doubtful overrides predict_proba"):
        twin_of(model, X)


# ---- histogram gradient boosting


@pytest.mark.parametrize("target", TARGETS)
def test_histogram_boosting_answers_every_kind_of_label(target: str) -> None:
    model = HistGradientBoostingClassifier(max_iter=8, random_state=0).fit(X_MISSING, TARGETS[target])
    assert_twin_equal(model, X_MISSING, ROWS, methods="all")


@pytest.mark.parametrize(
    ("loss", "y", "params"),
    [
        ("squared_error", Y, {}),
        ("absolute_error", Y, {}),
        ("quantile", Y, {"quantile": 0.2}),
        ("poisson", np.abs(Y), {}),
        ("gamma", np.abs(Y) + 0.1, {}),
    ],
)
def test_histogram_boosting_answers_every_loss(loss: str, y: np.ndarray, params: dict[str, Any]) -> None:
    model = HistGradientBoostingRegressor(loss=loss, max_iter=8, random_state=0, **params).fit(X_MISSING, y)
    assert_twin_equal(model, X_MISSING, np.vstack([ROWS, [[np.inf, -np.inf, 1e300, 0.0]]]))


def test_histogram_boosting_compares_in_double() -> None:
    # Thresholds lie between values that are one number in float32.
    rows = 1e9 + np.arange(200.0)[:, None]
    model = HistGradientBoostingRegressor(max_iter=10, min_samples_leaf=2).fit(rows, np.arange(200) % 7)
    assert_twin_equal(model, rows, np.vstack([rows, rows + 0.5]))


def test_histogram_boosting_that_stopped_early_answers_with_the_trees_it_has() -> None:
    model = HistGradientBoostingRegressor(
        max_iter=200, early_stopping=True, n_iter_no_change=3, monotonic_cst=[1, 0, 0, 0], random_state=0
    ).fit(X_MISSING, Y)
    assert model.n_iter_ < 200
    assert_twin_equal(model, X_MISSING, ROWS)


@pytest.fixture(scope="module")
def categories() -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """A frame with text, integer and boolean categories, its classes, and rows of unknown ones."""
    rng = np.random.default_rng(8)
    names = np.array([f"city {i}" for i in range(180)])
    frame = pd.DataFrame(
        {
            "distance": np.where(rng.random(900) < 0.1, np.nan, rng.normal(size=900)),
            "city": names[rng.integers(0, 180, 900)],
            "month": rng.integers(1, 13, 900),
            "late": rng.random(900) < 0.5,
        }
    )
    effect = (
        rng.normal(size=180)[[int(c[5:]) for c in frame["city"]]] + np.cos(frame["month"]) + frame["late"]
    )
    frame.loc[rng.random(900) < 0.1, "city"] = np.nan
    unknown = frame.head(60).copy()
    unknown["city"] = ["nowhere", "", "city 0", np.nan, "City 1", "city 17 "] * 10
    unknown["month"] = [0, 13, -4, 12, 1, 99] * 10
    return frame, np.digitize(effect, [0.0, 1.5]), unknown


def test_histogram_boosting_answers_named_categories(
    categories: tuple[pd.DataFrame, np.ndarray, pd.DataFrame],
) -> None:
    frame, y, unknown = categories
    model = HistGradientBoostingClassifier(
        categorical_features=["city", "month", "late"], max_iter=10, random_state=0
    ).fit(frame, y)
    assert_twin_equal(model, frame, pd.concat([frame, unknown], ignore_index=True))


def test_histogram_boosting_answers_categories_given_by_a_mask(
    categories: tuple[pd.DataFrame, np.ndarray, pd.DataFrame],
) -> None:
    frame, y, unknown = categories
    model = HistGradientBoostingRegressor(categorical_features=[False, True, True, False], max_iter=10)
    assert_twin_equal(model.fit(frame, y), frame, pd.concat([frame, unknown], ignore_index=True))


def test_histogram_boosting_answers_categories_of_a_matrix() -> None:
    rng = np.random.default_rng(9)
    rows = np.column_stack(
        [rng.integers(0, 200, 800) * 7.0 - 300, rng.integers(-2, 3, 800), rng.normal(size=800)]
    )
    y = np.sin(rows[:, 0]) + rows[:, 1] ** 2
    rows[rng.random(rows.shape) < 0.1] = np.nan
    model = HistGradientBoostingRegressor(categorical_features=[0, 1], max_iter=10).fit(rows, y)
    hostile = rows[:8].copy()
    hostile[:, 0] = -1.0, 0.5, 1e300, -293.0, 7.0, -300.0, -0.0, 255.0
    assert_twin_equal(model, rows, np.vstack([rows, hostile]))


def test_histogram_boosting_answers_categories_found_by_their_dtype(
    categories: tuple[pd.DataFrame, np.ndarray, pd.DataFrame],
) -> None:
    frame, y, _ = categories
    typed = frame.astype({"city": "category", "month": "category"})
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=10, random_state=0)
    assert_twin_equal(model.fit(typed, y), typed)


# ---- gradient boosting


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (GradientBoostingClassifier(n_estimators=8, random_state=0), TEXTS),
        (GradientBoostingClassifier(n_estimators=8, loss="exponential", random_state=0), CLASS > 0),
        (GradientBoostingClassifier(n_estimators=8, init="zero", random_state=0), TARGETS["two texts"]),
        (
            GradientBoostingClassifier(
                n_estimators=8, init=DecisionTreeClassifier(max_depth=2), random_state=0
            ),
            TARGETS["two texts"],
        ),
        (GradientBoostingRegressor(n_estimators=8, random_state=0), Y),
        (GradientBoostingRegressor(n_estimators=8, loss="huber", random_state=0), Y),
        (GradientBoostingRegressor(n_estimators=8, loss="quantile", alpha=0.3, random_state=0), Y),
        (GradientBoostingRegressor(n_estimators=8, init="zero", random_state=0), Y),
        (
            GradientBoostingRegressor(
                n_estimators=8, init=DecisionTreeRegressor(max_depth=2), random_state=0
            ),
            Y,
        ),
    ],
    ids=lambda v: type(v).__name__,
)
def test_gradient_boosting_adds_to_what_its_first_estimator_answers(model: Any, y: np.ndarray) -> None:
    assert_twin_equal(model.fit(X, y), X, NEW, methods="all")


def test_gradient_boosting_refuses_missing_values() -> None:
    model = GradientBoostingRegressor(n_estimators=3).fit(X, Y)
    rows = X[:2].copy()
    rows[:, 0] = np.nan, np.inf
    assert_both_refuse(twin_of(model, X), model, rows)


# ---- ensembles of other estimators


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (AdaBoostClassifier(n_estimators=5, random_state=0), TEXTS),
        (AdaBoostClassifier(n_estimators=5, random_state=0), TARGETS["two texts"]),
        (AdaBoostRegressor(n_estimators=5, random_state=0), Y),
        (BaggingClassifier(n_estimators=5, max_features=0.5, random_state=0), TEXTS),
        (BaggingClassifier(LogisticRegression(), n_estimators=5, random_state=0), TEXTS),
        (BaggingRegressor(n_estimators=5, max_features=0.5, bootstrap_features=True, random_state=0), Y),
    ],
    ids=lambda v: type(v).__name__,
)
def test_boosted_and_bagged_estimators_answer(model: Any, y: np.ndarray) -> None:
    assert_twin_equal(model.fit(X, y), X, NEW, methods="all")


VOTERS = [
    ("line", LogisticRegression()),
    ("tree", DecisionTreeClassifier(max_depth=2)),
    ("bayes", GaussianNB()),
]


@pytest.mark.parametrize("voting", ["soft", "hard"])
@pytest.mark.parametrize("weights", [None, [0.1, 0.2, 0.3]])
def test_voters_decide_together(voting: str, weights: list[float] | None) -> None:
    model = VotingClassifier(VOTERS, voting=voting, weights=weights).fit(X, TEXTS)
    assert_twin_equal(model, X, NEW, methods=["predict"])


def test_voters_with_equal_weight_leave_a_tie_to_the_first_class() -> None:
    model = VotingClassifier([VOTERS[0], VOTERS[1]]).fit(X, TEXTS)
    one, other = (e.predict(NEW) for e in model.estimators_)
    assert (one != other).any()
    assert_twin_equal(model, X, NEW, methods=["predict"])


def test_voting_regressors_average() -> None:
    model = VotingRegressor([("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=3))])
    assert_twin_equal(model.fit(X, Y), X, NEW, methods=["predict"])


def test_stacked_estimators_answer() -> None:
    model = StackingClassifier(VOTERS, passthrough=True, cv=3).fit(X, TEXTS)
    assert_twin_equal(model, X, NEW, methods=["predict", "predict_proba"])
    regressor = StackingRegressor(
        [("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=3))]
    )
    assert_twin_equal(regressor.fit(X, Y), X, NEW, methods=["predict"])


@pytest.mark.parametrize("max_features", [1.0, 0.5])
def test_an_isolation_forest_answers_scores_and_outliers(max_features: float) -> None:
    model = IsolationForest(n_estimators=20, max_features=max_features, random_state=0).fit(X_MISSING)
    assert_twin_equal(model, X_MISSING, np.vstack([ROWS, NEW * 10]), methods="all")


def test_an_isolation_forest_fitted_on_single_rows_calls_all_rows_alike() -> None:
    model = IsolationForest(n_estimators=5, max_samples=1, random_state=0).fit(X)
    session = assert_twin_equal(model, X, NEW, methods=["score_samples"])
    assert_equal(session.run(NEW)["score_samples"], np.full(len(NEW), -0.5))
