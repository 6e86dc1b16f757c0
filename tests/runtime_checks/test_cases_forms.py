"""A twin that takes rows of another form and does not answer as the pipeline does is red."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import onnxtwin
from onnxtwin.exporters.errors import CheckError, InputError
from onnxtwin.runtime_checks import Report, check

X = load_iris().data
y = X @ np.array([1.0, -2.0, 3.0, 0.5]) + np.sin(np.arange(len(X)))
NAMED = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(
    word=pd.Series(["red", "green", None] * 50, dtype="str"),
    size=pd.Categorical(list("SML") * 50, list("SML")),
)


def reddish(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"red": frame["word"].str.contains("re").astype(float), "a": frame["a"]})


def sizes(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"size": frame["size"].cat.codes, "a": frame["a"]})


def places(frame: pd.DataFrame) -> np.ndarray:
    return frame[["a", "b", "c", "d"]].to_numpy()


def matrix(rows: Any) -> Any:
    return np.asarray(rows)


class Lenient:
    """A twin that makes the sample's form of whatever it is given."""

    def __init__(self, twin: onnxtwin.Twin, coerce: Callable[[Any], Any]) -> None:
        self.twin = twin
        self.coerce = coerce

    def run(self, rows: Any) -> dict[str, Any]:
        return self.twin.run(self.coerce(rows))


def judged(pipeline: Any, rows: Any, coerce: Callable[[Any], Any] | None) -> Report:
    twin = onnxtwin.export(pipeline.fit(rows, y), rows)
    answers = twin if coerce is None else Lenient(twin, coerce)
    return check(answers, pipeline, rows, signature=twin.signature, cases=["forms"])


def by_label(rows: Any) -> Any:
    return rows[[0, 1, 2, 3]].to_numpy() if isinstance(rows, pd.DataFrame) else rows


def doubles(rows: Any) -> Any:
    return rows.astype(np.float64) if type(rows) is np.ndarray else rows


def plain(rows: Any) -> Any:
    return np.asarray(rows) if isinstance(rows, np.matrix) else rows


def without_gaps(rows: Any) -> Any:
    return pd.to_numeric(rows.ravel(), errors="coerce").reshape(rows.shape) if rows.dtype == object else rows


def sample_dtypes(rows: Any) -> Any:
    if isinstance(rows, pd.DataFrame) and set(rows.columns) >= set(NAMED.columns):
        return rows.astype(object).astype(NAMED.dtypes.to_dict())[NAMED.columns.tolist()]
    return rows


LINEAR = make_pipeline(StandardScaler(), LinearRegression())


@pytest.mark.parametrize(
    ("pipeline", "rows", "coerce", "kind"),
    [
        (LINEAR, X, by_label, "mismatched"),
        (LINEAR, X, doubles, "mismatched"),
        (LINEAR, X, plain, "answered_outside"),
        (
            make_pipeline(FunctionTransformer(matrix), StandardScaler(), LinearRegression()),
            X,
            doubles,
            "mismatched",
        ),
        (LINEAR, NAMED[["a", "b", "c", "d"]], lambda rows: rows[["a", "b", "c", "d"]], "answered_outside"),
        (
            make_pipeline(FunctionTransformer(reddish), LinearRegression()),
            NAMED,
            sample_dtypes,
            "answered_outside",
        ),
        (make_pipeline(FunctionTransformer(sizes), LinearRegression()), NAMED, sample_dtypes, "mismatched"),
    ],
)
def test_a_twin_that_is_too_lenient_is_red(
    pipeline: Any, rows: Any, coerce: Callable[[Any], Any], kind: str
) -> None:
    report = judged(pipeline, rows, coerce)
    assert not report.ok
    assert getattr(report["predict"].families["forms"], kind) > 0


@pytest.mark.parametrize(
    ("pipeline", "rows"),
    [
        (LINEAR, X),
        (LINEAR, NAMED[["a", "b", "c", "d"]]),
        (make_pipeline(FunctionTransformer(reddish), LinearRegression()), NAMED),
        (make_pipeline(FunctionTransformer(sizes), LinearRegression()), NAMED),
        (make_pipeline(FunctionTransformer(places), LinearRegression()), NAMED),
    ],
)
def test_a_twin_that_refuses_what_it_cannot_answer_alike_is_green(pipeline: Any, rows: Any) -> None:
    report = judged(pipeline, rows, None)
    assert report.ok, report
    assert report["predict"].families["forms"].refused > 0


def test_the_form_is_named_where_only_the_twin_answers() -> None:
    noted = judged(LINEAR, X, plain)["predict"].domain
    assert [entry.text.partition(" raises TypeError")[0] for entry in noted] == [
        "an np.matrix: the twin answers, the pipeline"
    ]


def test_rows_of_another_form_are_not_compared_and_not_green() -> None:
    twin = onnxtwin.export(LINEAR.fit(X, y), X)
    for rows, way_out in (
        (X.astype(np.float32), r"X.astype\('float64'\)"),
        (pd.DataFrame(X), r"X.to_numpy\(\)"),
        (X[:, :3], "have 3 columns, the twin takes 4"),
    ):
        with pytest.raises(CheckError, match=way_out):
            twin.check(rows)


def test_a_refusal_names_every_column_to_convert() -> None:
    rows = NAMED[["a", "b", "c", "d"]]
    pipeline = make_pipeline(FunctionTransformer(places), LinearRegression()).fit(rows, y)
    twin = onnxtwin.export(pipeline, rows)
    with pytest.raises(
        InputError, match=r"\(and 1 more columns\).*X.astype\({'a': 'float64', 'b': 'float64'}\)"
    ):
        twin.predict(rows.astype({"a": "float32", "b": "float32"}))
