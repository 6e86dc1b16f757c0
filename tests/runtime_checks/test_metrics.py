"""Metrics of the research notebook: the same from both sides' answers, or the verdict is red."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, FakeTwin, check_fake, signature_of
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss, make_scorer, mean_squared_error, r2_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import onnxtwin
from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks import Metric, check
from onnxtwin.runtime_checks.compare import Tolerance, parts
from onnxtwin.runtime_checks.metrics import Metrics
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.report import Report, Score

CLOSE = 1e-12
"""What summing in another order than scikit-learn may change, relatively."""


@pytest.fixture(scope="module")
def wines() -> tuple[Pipeline, pd.DataFrame, pd.Series]:
    X, y = load_wine(return_X_y=True, as_frame=True)
    X, y = X[["alcohol", "ash", "hue"]], y.map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3)).fit(X[::2], y[::2]), X, y


@pytest.fixture(scope="module")
def patients() -> tuple[Pipeline, pd.DataFrame, pd.Series]:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return make_pipeline(StandardScaler(), LinearRegression()).fit(X[::2], y[::2]), X, y


def scores(report: Report) -> dict[str, Score]:
    return {score.metric: score for score in report.metrics}


def both(wines: tuple[Any, Any, Any], **options: Any) -> Report:
    pipeline, X, y = wines
    return check_fake(pipeline, X, "predict", "predict_proba", y=y, cases=False, **options)


@pytest.mark.parametrize("batch_size", [None, 17])
def test_a_classifier_is_judged_by_accuracy_and_log_loss(wines: Any, batch_size: int | None) -> None:
    pipeline, X, y = wines
    report = both(wines, batch_size=batch_size)
    found = scores(report)
    assert list(found) == ["accuracy", "log_loss"]
    assert found["accuracy"].twin == found["accuracy"].pipeline == accuracy_score(y, pipeline.predict(X))
    expected = log_loss(y, y_proba=pipeline.predict_proba(X), labels=pipeline.classes_)
    assert found["log_loss"].pipeline == pytest.approx(expected, rel=CLOSE)
    assert report.ok


@pytest.mark.parametrize("batch_size", [None, 17])
def test_a_regressor_is_judged_by_squared_error_and_r2(patients: Any, batch_size: int | None) -> None:
    pipeline, X, y = patients
    found = scores(check_fake(pipeline, X, "predict", y=y, cases=False, batch_size=batch_size))
    assert list(found) == ["mse", "r2"]
    answers = pipeline.predict(X)
    assert found["mse"].twin == pytest.approx(mean_squared_error(y, answers), rel=CLOSE)
    assert found["r2"].twin == pytest.approx(r2_score(y, answers), rel=CLOSE)


def test_several_targets_are_averaged_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    y = np.column_stack([X @ [1, 2, 3], X[:, 0] ** 2, np.full(90, 5.0)])
    pipeline = LinearRegression().fit(X[:50], y[:50])
    found = scores(check_fake(pipeline, X, "predict", y=y, cases=False, batch_size=20))
    answers = pipeline.predict(X)
    assert found["mse"].pipeline == pytest.approx(mean_squared_error(y, answers), rel=CLOSE)
    assert found["r2"].pipeline == pytest.approx(r2_score(y, answers), rel=CLOSE)


def test_several_labels_a_row_have_to_be_right_together() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X + rng.normal(size=(60, 2)) > 0).astype(int)
    model = MLPClassifier((3,), solver="lbfgs", max_iter=5000, random_state=0).fit(X, y)
    report = check_fake(model, X, "predict", "predict_proba", y=y, cases=False)
    assert {s.metric: s.twin for s in report.metrics} == {"accuracy": accuracy_score(y, model.predict(X))}


def test_only_the_users_rows_count(wines: Any) -> None:
    pipeline, X, y = wines
    report = check_fake(pipeline, X, "predict", y=y, cases=["missing", "extreme"])
    assert report.rows > len(X)
    assert scores(report)["accuracy"].rows == len(X)


def test_without_targets_there_are_no_metrics(wines: Any) -> None:
    pipeline, X, _ = wines
    assert check_fake(pipeline, X, "predict", cases=False).metrics == []


def test_a_transformer_has_no_metric_by_default(wines: Any) -> None:
    _, X, y = wines
    report = check_fake(StandardScaler().fit(X), X, "transform", y=y, cases=False)
    assert report.ok
    assert report.metrics == []


def test_none_are_computed_if_none_are_wanted(wines: Any) -> None:
    assert both(wines, metrics=[]).metrics == []


def test_scorers_are_known_by_name_and_as_objects(wines: Any) -> None:
    pipeline, X, y = wines
    macro = make_scorer(f1_score, average="macro")
    found = scores(both(wines, metrics=["roc_auc_ovr", "neg_log_loss", macro], batch_size=50))
    scored = {"roc_auc_ovr": None, "neg_log_loss": None, str(macro): macro}
    assert list(found) == list(scored)
    from sklearn.metrics import get_scorer

    for name, scorer in scored.items():
        expected = (scorer or get_scorer(name))(pipeline, X, y)
        assert found[name].twin == pytest.approx(expected, rel=CLOSE), name
        assert found[name].equal


def test_a_scorer_takes_the_scores_that_both_sides_answer(wines: Any) -> None:
    # roc_auc prefers decision_function, which the pipeline has and the twin does not answer.
    _, X, y = wines
    binary = y == "Barolo"
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, binary)
    report = check_fake(model, X, "predict_proba", y=binary, metrics=["roc_auc"], cases=False)
    assert report.metrics[0].twin > 0.9
    assert report.ok


def test_what_predictions_are_worth_is_a_function_of_targets_answers_and_rows(wines: Any) -> None:
    pipeline, X, y = wines
    seen: list[tuple[Any, ...]] = []

    def profit(y_true: Any, labels: Any, rows: pd.DataFrame) -> float:
        seen.append((y_true, labels, rows))
        return float(((y_true == labels) * rows["alcohol"]).sum())

    report = both(wines, metrics=[profit], batch_size=50)
    truth, labels, rows = seen[0]
    assert truth.tolist() == y.tolist()
    assert labels.tolist() == pipeline.predict(X).tolist()
    pd.testing.assert_frame_equal(rows, X)
    assert scores(report)["profit"].twin == profit(y.to_numpy(), pipeline.predict(X), X)


def test_a_function_can_ask_for_probabilities(wines: Any) -> None:
    pipeline, X, _ = wines
    mean = Metric("mean of Barolo", lambda y, p, X: p[:, 1].mean(), "predict_proba")
    report = both(wines, metrics=[mean, "accuracy"])
    assert [score.metric for score in report.metrics] == ["mean of Barolo", "accuracy"]
    assert scores(report)["mean of Barolo"].pipeline == pipeline.predict_proba(X)[:, 1].mean()


def test_another_label_makes_accuracy_and_verdict_unequal(wines: Any) -> None:
    def off(X: pd.DataFrame, found: Answers) -> Answers:
        found["predict"][0] = "Barbera" if found["predict"][0] != "Barbera" else "Barolo"
        return found

    report = both(wines, answers=off)
    assert not scores(report)["accuracy"].equal
    assert report.verdict == "unequal"


def nudged(by: float) -> Any:
    def answers(X: pd.DataFrame, found: Answers) -> Answers:
        found["predict_proba"] = found["predict_proba"] + by
        return found

    return answers


def test_a_metric_alone_turns_the_verdict_red(wines: Any) -> None:
    # Each probability is within the tolerance, but what is made of them is not.
    amplified = Metric("amplified", lambda y, p, X: 1e6 * p.sum(), "predict_proba")
    report = both(wines, answers=nudged(5e-10), metrics=[amplified])
    assert all(method.ok for method in report.methods)
    assert report.verdict == "unequal"
    assert report.exit_code == 1


def test_a_metric_has_the_tolerance_of_the_answers_it_sees(wines: Any) -> None:
    wide = {"predict_proba": (0.0, 1e-3)}
    report = both(wines, answers=nudged(1e-4), tolerances=wide)
    found = scores(report)
    assert (found["accuracy"].rtol, found["accuracy"].atol) == (0, 0)
    assert (found["log_loss"].rtol, found["log_loss"].atol) == (0.0, 1e-3)
    assert found["log_loss"].pipeline != found["log_loss"].twin
    assert report.ok


@pytest.mark.parametrize(
    ("pipeline", "twin", "equal"),
    [
        (1.0, 1.0, True),
        (1.0, 1.0 + 1.5e-9, True),
        (1.0, 1.0 + 2.5e-9, False),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        (float("inf"), float("inf"), True),
        (float("inf"), 1.0, False),
    ],
)
def test_a_score_is_equal_within_its_tolerance(pipeline: float, twin: float, equal: bool) -> None:
    assert Score("m", pipeline, twin, 10, 1e-9, 1e-9).equal is equal


def ranked(scores: list[float], found: list[float], y: list[int]) -> Score:
    """The area under the curve of two sides' scores, computed as a check would."""
    X = np.arange(len(y), dtype=float).reshape(-1, 1)
    pipeline = LogisticRegression().fit(X, y)
    metrics = Metrics(["roc_auc"], Reference(pipeline, ["decision_function"], None), Tolerance())
    sides = [{"decision_function": parts("decision_function", np.array(side))} for side in (scores, found)]
    metrics.add(np.array(y), X, *sides, np.ones(len(y), dtype=np.bool_))
    return metrics.scores()[0]


def test_a_tie_that_the_last_bit_breaks_is_no_difference() -> None:
    apart = [0.5, float(np.nextafter(0.5, 1)), 0.1, 0.9]
    score = ranked([0.5, 0.5, 0.1, 0.9], apart, [1, 0, 0, 1])
    assert score.pipeline != score.twin
    assert (score.tied, score.equal) == (True, True)


def test_an_order_that_is_really_another_is_a_difference() -> None:
    score = ranked([0.5 + 1e-10, 0.5, 0.1, 0.9], [0.5, 0.5 + 1e-10, 0.1, 0.9], [1, 0, 0, 1])
    assert (score.tied, score.equal) == (False, False)


def test_an_answer_that_is_no_number_is_not_explained_by_a_tie(wines: Any) -> None:
    def lost(X: pd.DataFrame, found: Answers) -> Answers:
        found["predict_proba"][0] = np.nan
        return found

    mean = Metric("mean", lambda y, p, X: np.nansum(p[:, 1]), "predict_proba")
    (score,) = both(wines, answers=lost, metrics=[mean]).metrics
    assert (score.tied, score.equal) == (False, False)


def test_undetermined_rows_are_left_out_on_both_sides() -> None:
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    metrics = Metrics(None, Reference(LogisticRegression().fit(X, y), ["predict"], None), Tolerance())
    right, wrong = parts("predict", y), parts("predict", np.array([0, 1, 1, 1]))
    metrics.add(y, X, {"predict": right}, {"predict": wrong}, np.array([True, False, True, True]))
    (score,) = metrics.scores()
    assert (score.rows, score.pipeline, score.twin) == (3, 1.0, 1.0)


def test_rows_that_the_pipeline_refuses_take_their_targets_with_them(patients: Any) -> None:
    pipeline, X, y = patients
    X = X.copy()
    X.iloc[[3, 40], 0] = np.nan
    answered = X.notna().all(axis=1)
    found = scores(check_fake(pipeline, X, "predict", y=y, cases=False, batch_size=25))
    expected = mean_squared_error(y[answered], pipeline.predict(X[answered]))
    assert found["mse"].rows == len(X) - 2
    assert found["mse"].twin == pytest.approx(expected, rel=CLOSE)


def test_answers_of_another_layout_have_no_metrics(wines: Any) -> None:
    report = both(wines, answers=lambda X, found: found | {"predict": found["predict"][:, None]})
    assert report.verdict == "unequal"
    assert report.metrics == []


def test_a_stream_brings_its_targets(patients: Any) -> None:
    pipeline, X, y = patients

    class Halves:
        rows = None

        def batches(self, size: int) -> Iterator[tuple[Any, Any]]:
            for half in (slice(0, 200), slice(200, None)):
                yield X[half], y[half]

    twin = FakeTwin(pipeline, X, "predict")
    report = check(twin, pipeline, Halves(), signature=signature_of(X, "predict"), cases=False)
    assert scores(report)["mse"].rows == len(X)
    assert scores(report)["r2"].twin == pytest.approx(r2_score(y, pipeline.predict(X)), rel=CLOSE)


def test_an_exported_twin_and_a_foreign_graph_are_scored_alike(patients: Any) -> None:
    pipeline, X, y = patients
    twin = onnxtwin.export(pipeline, X)
    own = twin.check(X, y=y, cases=False)
    foreign = onnxtwin.check_model(twin.model, pipeline, X, y=y, metrics=["mse", "r2"], cases=False)
    assert own.ok
    assert own.metrics == foreign.metrics


@pytest.mark.parametrize(
    "form", ["bool", "boolean", "Int64", "float64", "category", "object", "str", "category of str"]
)
def test_targets_may_be_of_any_type_that_equals_the_labels(form: str) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
    y = (X["a"] + rng.normal(size=80) > 0).astype(int)
    y = y.map({0: "no", 1: "yes"}) if "str" in form else y
    labels = y.to_numpy().astype(bool) if form.startswith("bool") else y.to_numpy()
    model = LogisticRegression().fit(X, labels)
    y = y.astype("category" if form.startswith("category") else form)  # type: ignore[call-overload]
    report = check_fake(model, X, "predict", "predict_proba", y=y, cases=False, batch_size=30)
    expected = log_loss(labels, y_proba=model.predict_proba(X))
    assert scores(report)["accuracy"].twin == accuracy_score(labels, model.predict(X))
    assert scores(report)["log_loss"].twin == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrics": ["accurracy"]}, "no such metric: 'accurracy'; there are accuracy, log_loss, mse, r2"),
        ({"metrics": [3]}, "a metric is a name, a scorer, a Metric or a function"),
        ({"metrics": ["accuracy", "accuracy"]}, "two metrics are named 'accuracy'"),
        ({"metrics": [Metric("m", lambda y, a, X: 0.0, "decision_function")]}, "needs decision_function"),
        ({"metrics": [Metric("m", lambda y, a, X: "much")]}, "metric m cannot be computed: ValueError"),
        ({"metrics": [Metric("m", lambda y, a, X: X["absent"])]}, "metric m cannot be computed: KeyError"),
        ({"metrics": ["neg_mean_squared_error"]}, "neg_mean_squared_error cannot be computed"),
        ({"metrics": ["mse"]}, "squared errors need numbers, targets and answers"),
        ({"y": ["Barolo"] * 3}, r"targets y have the shape \(3,\), there are 178 rows"),
        ({"y": [None] * 178}, "a target is missing"),
        ({"y": np.arange(178)}, "accuracy: a target is 0, a label of the pipeline's '.*': texts and numbers"),
        ({"y": np.arange(178), "metrics": ["log_loss"]}, "log loss: a target is 0, a label"),
        ({"y": ["Merlot"] * 178}, "the target 'Merlot' is none of the pipeline's classes"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_refused(wines: Any, options: dict[str, Any], said: str) -> None:
    pipeline, X, y = wines
    with pytest.raises(CheckError, match=said):
        check_fake(
            pipeline, X, "predict", "predict_proba", **{"y": y, "cases": False, "metrics": None} | options
        )


def test_log_loss_is_for_one_target(wines: Any) -> None:
    _, X, y = wines
    both_targets = np.column_stack([y == "Barolo", y == "Barbera"])
    model = MultiOutputClassifier(LogisticRegression()).fit(X, both_targets)
    with pytest.raises(CheckError, match="log loss needs a classifier of one target"):
        check_fake(model, X, "predict", "predict_proba", y=both_targets, metrics=["log_loss"], cases=False)


def test_metrics_need_targets(wines: Any) -> None:
    pipeline, X, _ = wines
    with pytest.raises(CheckError, match="metrics need the targets"):
        check_fake(pipeline, X, "predict", metrics=["accuracy"])


def test_a_scorer_that_needs_what_is_not_compared_is_refused(wines: Any) -> None:
    pipeline, X, y = wines
    with pytest.raises(CheckError, match="predict_proba"):
        check_fake(pipeline, X, "predict", y=y, metrics=["neg_log_loss"], cases=False)
