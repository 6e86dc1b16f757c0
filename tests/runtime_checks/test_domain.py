from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import check_fake
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.runtime_checks.domain import IN_COMPANY
from onnxtwin.runtime_checks.rows import stack


def month(X: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"month": pd.to_datetime(X["at"], utc=True).dt.month}, index=X.index)


@pytest.fixture(scope="module")
def departures() -> pd.DataFrame:
    return pd.DataFrame({"at": [f"2013-{1 + i % 12:02}-01T05:00:00Z" for i in range(24)]})


@pytest.fixture(scope="module")
def pipeline(departures: pd.DataFrame) -> Pipeline:
    """Takes the layout of its first date, as pandas does, and refuses other layouts after it."""
    return make_pipeline(FunctionTransformer(month), LinearRegression()).fit(departures, np.arange(24.0))


def one_layout(X: pd.DataFrame) -> pd.DataFrame:
    """What a graph does: it knows the layout of the sample, whatever the first row is."""
    if not X["at"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").all():
        raise ValueError("text is not a date in the layout of the sample")
    return X


def test_a_row_that_the_pipeline_only_answers_alone_is_undetermined(
    pipeline: Pipeline, departures: pd.DataFrame
) -> None:
    report = check_fake(pipeline, departures, "predict", rows=one_layout, cases=["unknown"])
    unknown = report["predict"].families["unknown"]
    assert report.ok
    assert unknown.undetermined > 0
    assert unknown.refused_inside == 0
    assert {noted.text for noted in report["predict"].undetermined} == {IN_COMPANY}


def test_a_row_that_the_pipeline_answers_in_any_company_must_not_be_refused(
    pipeline: Pipeline, departures: pd.DataFrame
) -> None:
    def only_january(X: pd.DataFrame) -> pd.DataFrame:
        if not X["at"].str.startswith("2013-01").all():
            raise ValueError("too late")
        return X

    report = check_fake(pipeline, departures, "predict", rows=only_january, cases=False)
    sample = report["predict"].families["sample"]
    assert not report.ok
    assert (sample.refused_inside, sample.undetermined, sample.rows) == (22, 0, 2)


def test_many_disagreements_are_all_counted(pipeline: Pipeline, departures: pd.DataFrame) -> None:
    X = pd.concat([departures] * 3, ignore_index=True)
    X.loc[1:, "at"] = "no date"

    def first_date(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(at="2013-01-01T05:00:00Z")

    report = check_fake(pipeline, X, "predict", sample=departures, rows=first_date, cases=False)
    sample = report["predict"].families["sample"]
    assert (sample.refused, sample.answered_outside) == (71, 71)
    assert [noted.position for noted in report["predict"].domain] == list(range(1, 72))


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": [1, 2], "c": ["u", None]}),
        lambda: np.eye(2),
        lambda: pd.Series(["u", "v"]),
        lambda: ["u", "v"],
    ],
)
def test_rows_are_stacked_in_their_own_container_and_types(make: Any) -> None:
    X = make()
    both = stack(X, X)
    assert type(both) is type(X)
    assert len(both) == 4
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_series_equal(both.dtypes, X.dtypes)


def test_stacked_categories_are_those_of_both() -> None:
    first, second = (pd.DataFrame({"a": pd.Categorical([v])}) for v in "xy")
    both = stack(first, second)
    assert both["a"].tolist() == ["x", "y"]
    assert both["a"].cat.categories.tolist() == ["x", "y"]
