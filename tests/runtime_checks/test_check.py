from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, FakeTwin, check_fake, signature_of
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from onnxtwin.exporters.errors import CheckError, InputError
from onnxtwin.runtime_checks import Report, check, families
from onnxtwin.runtime_checks.progress import Step


@pytest.fixture(scope="module")
def passengers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "age": rng.normal(40, 10, 200),
            "fare": rng.exponential(30, 200),
            "port": rng.choice(["S", "C", "Q"], 200),
            "deck": rng.integers(1, 4, 200),
        }
    )
    X.loc[::7, "age"] = np.nan
    return X


def survived(X: pd.DataFrame) -> Any:
    return np.where((X["fare"] > 20) & (X["deck"] < 3), "yes", "no")


def fitted(X: pd.DataFrame, model: Any, **encoder: Any) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    columns = ColumnTransformer(
        [("numbers", numbers, ["age"]), ("texts", OneHotEncoder(**encoder), ["port", "deck"])],
        remainder="passthrough",
    )
    return Pipeline([("columns", columns), ("model", model)]).fit(X, survived(X))


@pytest.fixture(scope="module")
def lenient(passengers: pd.DataFrame) -> Pipeline:
    """Answers unknown categories, refuses a missing fare."""
    return fitted(passengers, LogisticRegression(max_iter=1000), handle_unknown="ignore")


@pytest.fixture(scope="module")
def strict(passengers: pd.DataFrame) -> Pipeline:
    """Refuses unknown categories, answers a missing fare."""
    return fitted(passengers, RandomForestClassifier(10, random_state=0))


def test_a_faithful_twin_is_green_on_every_family(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    report = check_fake(lenient, passengers, "predict", "predict_proba")
    assert report.ok
    assert report.verdict == "equal"
    assert set(report["predict"].families) == {"sample", *families()}
    assert report["predict"].families["sample"].rows == 200
    # A row that one side answers alone and the other in company: a matrix product sums in another order.
    assert report["predict_proba"].total.ulps <= 4


def test_what_the_pipeline_refuses_is_counted_and_not_compared(
    lenient: Pipeline, passengers: pd.DataFrame
) -> None:
    report = check_fake(lenient, passengers, "predict")
    missing = report["predict"].families["missing"]
    # Two rows with a missing fare, and two with everything missing.
    assert (missing.refused, missing.wrong) == (4, 0)
    assert missing.rows > 20


def test_a_twin_that_answers_what_the_pipeline_refuses_is_red(
    strict: Pipeline, passengers: pd.DataFrame
) -> None:
    def known(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(port=X["port"].where(X["port"].isin(["S", "C", "Q"]), "S"))

    report = check_fake(strict, passengers, "predict", rows=known)
    unknown = report["predict"].families["unknown"]
    assert not report.ok
    assert unknown.answered_outside > 0
    assert unknown.mismatched == 0
    assert "unknown categories" in report["predict"].domain[0].text


def test_a_twin_that_refuses_what_the_pipeline_answers_is_red(
    lenient: Pipeline, passengers: pd.DataFrame
) -> None:
    def no_missing_age(X: pd.DataFrame) -> pd.DataFrame:
        if X["age"].isna().any():
            raise ValueError("age is missing")
        return X

    report = check_fake(lenient, passengers, "predict", rows=no_missing_age, batch_size=50)
    sample = report["predict"].families["sample"]
    assert not report.ok
    assert sample.refused_inside == passengers["age"].isna().sum()
    assert sample.rows == passengers["age"].notna().sum()


def test_an_unknown_category_mapped_to_a_known_one_is_red(
    lenient: Pipeline, passengers: pd.DataFrame
) -> None:
    def known(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(port=X["port"].where(X["port"].isin(["S", "C", "Q"]), "S"))

    report = check_fake(lenient, passengers, "predict_proba", rows=known)
    assert report["predict_proba"].families["sample"].mismatched == 0
    assert report["predict_proba"].families["unknown"].mismatched > 0


def test_an_unseen_integer_category_is_tried(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    report = check_fake(
        lenient, passengers, "predict_proba", rows=lambda X: X.assign(deck=X["deck"].clip(1, 3))
    )
    assert report["predict_proba"].families["sample"].mismatched == 0
    assert report["predict_proba"].families["unknown"].mismatched > 0


def test_an_imputed_value_without_its_indicator_is_red(strict: Pipeline, passengers: pd.DataFrame) -> None:
    complete = passengers.dropna()

    def filled(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(age=X["age"].fillna(passengers["age"].mean()), port=X["port"].fillna("S"))

    model = fitted(passengers, LogisticRegression(max_iter=1000), handle_unknown="ignore")
    report = check_fake(model, complete, "predict_proba", rows=filled)
    assert report["predict_proba"].families["sample"].mismatched == 0
    assert report["predict_proba"].families["missing"].mismatched > 0


def test_a_graph_that_learnt_the_row_count_is_red(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    def centred(X: pd.DataFrame, found: Answers) -> Answers:
        return {"predict_proba": found["predict_proba"] * (len(X) / 200)}

    report = check_fake(lenient, passengers, "predict_proba", answers=centred)
    assert report["predict_proba"].families["sample"].mismatched == 0
    assert report["predict_proba"].families["batches"].mismatched > 0


def test_zero_rows_must_be_answered_in_the_right_type(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    def untyped(X: pd.DataFrame, found: Answers) -> Answers:
        return found if len(X) else {"predict": np.array([], dtype=np.int64)}

    report = check_fake(lenient, passengers, "predict", answers=untyped)
    assert not report.ok
    assert "zero rows" in report["predict"].problems[0]


def test_zero_rows_must_be_answered_at_all(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    class SomeRows(FakeTwin):
        def run(self, X: Any) -> Answers:
            if len(X) == 0:
                raise InputError("no rows")
            return super().run(X)

    twin = SomeRows(lenient, passengers, "predict")
    report = check(twin, lenient, passengers, signature=signature_of(passengers, "predict"))
    assert report["predict"].problems == ["zero rows: the twin raises instead of answering with zero rows"]
    assert not report.ok


def test_the_worst_row_is_shown_as_the_user_would_type_it(
    lenient: Pipeline, passengers: pd.DataFrame
) -> None:
    def off(X: pd.DataFrame, found: Answers) -> Answers:
        found["predict_proba"][3:4, 1] += 0.25
        found["predict_proba"][5:6, 0] += 0.5
        return found

    report = check_fake(lenient, passengers, "predict_proba", answers=off, cases=False)
    worst = report["predict_proba"].worst
    assert worst is not None
    assert worst.mismatch
    assert worst.row == {label: passengers[label].iloc[5] for label in passengers.columns}
    assert [type(value) for value in worst.row.values()] == [float, float, str, int]
    assert (worst.position, worst.output, worst.absolute) == (5, "predict_proba[:, 0]", pytest.approx(0.5))


def test_the_position_counts_over_batches_and_refused_rows(
    strict: Pipeline, passengers: pd.DataFrame
) -> None:
    X = passengers.copy()
    X.loc[[10, 120], "port"] = "unseen"

    def flip(rows: pd.DataFrame, found: Answers) -> Answers:
        found["predict"][rows.index == 171] = "maybe"
        return found

    report = check_fake(strict, X, "predict", answers=flip, sample=passengers, batch_size=64, cases=False)
    worst = report["predict"].worst
    assert worst is not None
    assert (worst.position, worst.expected in ("yes", "no"), worst.found) == (171, True, "may")
    assert report["predict"].total.refused == 2


def test_two_right_answers_in_a_wrong_layout_are_red(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    report = check_fake(
        lenient, passengers, "predict", answers=lambda X, found: {"predict": found["predict"][:, None]}
    )
    assert not report.ok
    assert report["predict"].total.mismatched == report["predict"].total.rows
    assert "shape" in report["predict"].problems[0]


def test_a_pipeline_that_writes_into_its_argument_spoils_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    pipeline = make_pipeline(StandardScaler(copy=False), LinearRegression()).fit(X.copy(), X.sum(axis=1))
    before = X.copy()
    assert check_fake(pipeline, X, "predict").ok
    np.testing.assert_array_equal(X, before)


def test_documents_are_rows_too() -> None:
    documents = ["late again", "on time", "late", "never on time"]
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(documents, [1, 0, 1, 0])
    signature = signature_of(pd.DataFrame({"X": documents}), "predict")
    report = check(FakeTwin(pipeline, documents, "predict"), pipeline, documents, signature=signature)
    assert report.ok
    assert report["predict"].families["unknown"].rows > 0


def test_a_word_lost_in_documents_is_red() -> None:
    documents = pd.Series(["late again", "on time", "late", "never on time"])
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(documents, [1, 0, 1, 0])
    twin = FakeTwin(pipeline, documents, "predict_proba", rows=lambda X: X.str.replace("again", ""))
    signature = signature_of(documents.to_frame(0), "predict_proba")
    worst = check(twin, pipeline, documents, signature=signature, cases=False)["predict_proba"].worst
    assert worst is not None
    assert (worst.mismatch, worst.row) == (True, "late again")


def test_no_rows_is_not_green(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    report = check_fake(lenient, passengers[:0], "predict", sample=passengers)
    assert not report.ok
    assert (report.verdict, report.exit_code) == ("nothing compared", 3)


def test_rows_that_are_all_refused_are_not_green(strict: Pipeline, passengers: pd.DataFrame) -> None:
    X = passengers[:40].assign(port="unseen")
    report = check_fake(strict, X, "predict", sample=passengers, cases=False)
    assert not report.ok
    assert report["predict"].total.refused == 40


def test_a_family_can_be_asked_for_alone(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    report = check_fake(lenient, passengers, "predict", cases=["missing"])
    assert set(report["predict"].families) == {"sample", "missing"}


def test_the_same_seed_makes_the_same_report() -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    pipeline = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, X[:, 0])
    half: dict[str, Any] = {"rows": lambda rows: np.nan_to_num(rows, nan=0.5), "cases": ["missing"]}
    first, second, other = (
        check_fake(pipeline, X, "predict", seed=seed, **half).to_json() for seed in (1, 1, 2)
    )
    assert first == second
    assert first["methods"][0]["worst_row"] != other["methods"][0]["worst_row"]


def test_progress_counts_the_users_rows_and_names_the_family_that_runs(
    lenient: Pipeline, passengers: pd.DataFrame
) -> None:
    seen: list[Step] = []
    check_fake(
        lenient, passengers, "predict", batch_size=80, cases=["missing", "crossed"], progress=seen.append
    )
    assert [(step.what, step.done, step.total) for step in seen] == [
        ("sample", 80, 200),
        ("sample", 160, 200),
        ("sample", 200, 200),
        ("missing", 200, 200),
        ("crossed", 200, 200),
    ]
    shares = [step.share for step in seen]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def ended(pipeline: Pipeline, X: pd.DataFrame, answers: Any = lambda X, found: found) -> Report:
    """The report of a check that the user ends when the third family begins."""

    def end(step: Step) -> None:
        if step.what == "crossed":
            raise KeyboardInterrupt

    return check_fake(pipeline, X, "predict", answers=answers, progress=end)


@pytest.fixture(scope="module")
def interrupted(lenient: Pipeline, passengers: pd.DataFrame) -> Report:
    return ended(lenient, passengers)


class TestACheckThatTheUserEnds:
    def test_it_reports_on_what_was_compared(self, interrupted: Report) -> None:
        assert interrupted["predict"].families["sample"].rows == 200
        assert interrupted["predict"].families["unknown"].rows > 0
        assert "crossed" not in interrupted["predict"].families

    def test_it_names_what_was_not_finished(self, interrupted: Report) -> None:
        assert interrupted.unfinished[0] == "crossed"
        assert "boundary" in interrupted.unfinished
        assert "missing" not in interrupted.unfinished
        for text in (
            str(interrupted),
            interrupted.to_markdown(),
            interrupted.to_html(),
            interrupted.to_junit(),
        ):
            assert "crossed" in text
            assert "boundary" in text

    def test_it_is_not_green(self, interrupted: Report) -> None:
        assert (interrupted.verdict, interrupted.ok, interrupted.exit_code) == ("interrupted", False, 3)
        assert 'failures="1"' in interrupted.to_junit()

    def test_what_was_wrong_stays_wrong(self, lenient: Pipeline, passengers: pd.DataFrame) -> None:
        def other(X: pd.DataFrame, found: Answers) -> Answers:
            return {"predict": np.where(found["predict"] == "yes", "no", "yes")}

        report = ended(lenient, passengers, other)
        assert (report.verdict, report.exit_code) == ("unequal", 1)


def test_a_thorough_check_makes_the_usual_rows_and_more(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    usual, thorough = (
        check_fake(lenient, passengers, "predict", cases=["missing", "crossed"], thorough=thorough)
        for thorough in (False, True)
    )
    for family in ("missing", "crossed"):
        rows = [report["predict"].families[family].rows for report in (usual, thorough)]
        assert rows[1] == 4 * rows[0]


def test_wide_answers_come_in_small_batches() -> None:
    X = np.zeros((300, 1))
    wide = make_pipeline(FunctionTransformer(lambda X: np.repeat(X, 2**16, axis=1))).fit(X)
    seen: list[int] = []

    class Counting(FakeTwin):
        def run(self, rows: Any) -> Answers:
            seen.append(len(rows))
            return super().run(rows)

    twin = Counting(wide, X, "transform")
    assert check(twin, wide, X, signature=signature_of(X, "transform"), cases=False).ok
    assert max(seen) == 2**26 // (8 * 2**16)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cases": ["mising"]}, "no such family"),
        ({"batch_size": 0}, "batch_size"),
        ({"rtol": -1.0}, "rtol"),
        ({"atol": float("nan")}, "atol"),
        ({"methods": ["score_samples"]}, "no method 'score_samples'"),
        ({"methods": []}, "no method to compare"),
    ],
)
def test_an_impossible_request_is_refused(
    lenient: Pipeline, passengers: pd.DataFrame, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(CheckError, match=said):
        check_fake(lenient, passengers, "predict", **options)


def test_an_unfitted_pipeline_is_not_taken_for_one_that_refuses_rows(passengers: pd.DataFrame) -> None:
    with pytest.raises(CheckError, match="not fitted"):
        check_fake(LogisticRegression(max_iter=1000), passengers[["fare"]], "predict")


def test_something_that_is_no_rows_is_refused(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    signature = signature_of(passengers, "predict")
    twin = FakeTwin(lenient, passengers, "predict")
    with pytest.raises(CheckError, match=r"found a dict \(of tables or columns\)"):
        check(twin, lenient, {"fare": [1.0]}, signature=signature)
    with pytest.raises(CheckError, match="3-D"):
        check(twin, lenient, np.zeros((1, 1, 1)), signature=signature)


def test_a_twin_must_answer_every_method_of_its_signature(
    lenient: Pipeline, passengers: pd.DataFrame
) -> None:
    twin = FakeTwin(lenient, passengers, "predict")
    with pytest.raises(CheckError, match="does not answer"):
        check(twin, lenient, passengers, signature=signature_of(passengers, "predict", "predict_proba"))


def test_something_that_cannot_answer_is_refused(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    with pytest.raises(CheckError, match="run"):
        check(object(), lenient, passengers, signature=signature_of(passengers, "predict"))


def test_rows_that_lack_columns_are_not_the_pipelines(lenient: Pipeline, passengers: pd.DataFrame) -> None:
    with pytest.raises(CheckError, match=r"lack the columns \['fare', 'deck'\]"):
        check_fake(lenient, passengers[["age", "port"]], "predict", sample=passengers)


def test_a_matrix_of_another_width_is_not_the_pipelines() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = LinearRegression().fit(X, X[:, 0])
    with pytest.raises(CheckError, match="have 1 columns, the twin takes 2"):
        check_fake(model, X[:, :1], "predict", sample=X)


def test_a_pipeline_that_refuses_row_after_row_ends_the_check(
    strict: Pipeline, passengers: pd.DataFrame
) -> None:
    X = pd.concat([passengers] * 2, ignore_index=True).assign(port="unseen")
    with pytest.raises(CheckError, match="refuses each of the first 200 rows, the first with ValueError"):
        check_fake(strict, X, "predict", sample=passengers)


def test_cases_are_made_from_rows_that_the_pipeline_answers() -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    pipeline = LinearRegression().fit(X, X[:, 0])
    X[::2, 0] = np.nan
    families = check_fake(pipeline, X, "predict", cases=["crossed"])["predict"].families
    assert families["sample"].refused == 20
    assert families["crossed"].refused == 0
