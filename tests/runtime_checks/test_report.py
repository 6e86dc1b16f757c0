from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, check_fake
from jsonschema import Draft202012Validator
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import onnxtwin
from onnxtwin.runtime_checks import Metric, Report
from onnxtwin.runtime_checks.coverage.summary import Coverage, Covered
from onnxtwin.runtime_checks.rows import plain, source

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
HOSTILE = "<b>&\x00\U0001f600é]]>[bold]"
FAMILIES = ["missing", "unknown"]


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return pd.DataFrame({"weight": np.linspace(-1, 1, 40), "port": ["S", "C", HOSTILE, "Q"] * 10})


@pytest.fixture(scope="module")
def pipeline(orders: pd.DataFrame) -> Pipeline:
    columns = make_column_transformer((StandardScaler(), ["weight"]), (OneHotEncoder(), ["port"]))
    return make_pipeline(columns, LogisticRegression()).fit(orders, orders["weight"] > 0)


@pytest.fixture(scope="module")
def green(pipeline: Pipeline, orders: pd.DataFrame) -> Report:
    y = orders["weight"] > 0.1
    return check_fake(pipeline, orders, "predict", "predict_proba", cases=FAMILIES, y=y)


@pytest.fixture(scope="module")
def red(pipeline: Pipeline, orders: pd.DataFrame) -> Report:
    """Wrong in one row, which holds markup, and not refusing what the pipeline refuses."""

    def off(X: pd.DataFrame, found: Answers) -> Answers:
        found["predict_proba"][(X["port"] == HOSTILE) & (X["weight"] < -0.8), 1] = np.nan
        return found

    def known(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(port=X["port"].where(X["port"].isin(orders["port"]), "S"))

    report = check_fake(
        pipeline,
        orders,
        "predict",
        "predict_proba",
        answers=off,
        rows=known,
        cases=FAMILIES,
        y=orders["weight"] > 0.1,
        metrics=["accuracy", Metric("profit & <loss>", profit, "predict_proba")],
    )
    report.skipped["java"] = "no JDK was found"
    report.latency_us = 12.5
    never = ("port is [b]<b>|</b>", "weight <= 0.5")
    report.coverage = Coverage((Covered("categories", 10, 4, never, 1), Covered("bins", 0, 0)), 900, 100)
    return report


@pytest.fixture(scope="module")
def located() -> Report:
    """Of a graph with coverage to count, which is another pipeline's: red, with a place."""
    X = pd.DataFrame({"a": np.linspace(-1, 1, 60), "b": np.tile([0.0, 1.0, np.nan], 20)})
    good, other = (
        make_pipeline(SimpleImputer(fill_value=fill, strategy="constant"), DecisionTreeRegressor(max_depth=3))
        for fill in (0.0, 2.0)
    )
    y = X["a"] + X["b"].fillna(3)
    twin = onnxtwin.export(other.fit(X, y), X)
    report = twin.check(X, pipeline=good.fit(X, y), y=y, cases=["missing"])
    assert (report.verdict, report.coverage is None) == ("unequal", False)
    return report


def profit(y: Any, probabilities: Any, X: pd.DataFrame) -> float:
    return float(np.nansum(probabilities[:, 1] * X["weight"]))


@pytest.mark.parametrize("colour", ["green", "red", "located"])
def test_the_json_report_follows_its_schema(colour: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(colour)
    text = json.dumps(report.to_json(), allow_nan=False)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(json.loads(text))


def test_the_json_report_says_what_the_verdict_rests_on(red: Report) -> None:
    data = red.to_json()
    by_name = {method["method"]: method for method in data["methods"]}
    assert (data["verdict"], data["ok"]) == ("unequal", False)
    assert by_name["predict_proba"]["mismatched"] == sum(count_in(by_name, f) for f in ["sample", *FAMILIES])
    assert count_in(by_name, "sample") > 0
    assert by_name["predict_proba"]["worst"]["absolute"] == "Infinity"
    assert by_name["predict_proba"]["worst_row"]["found"] == "NaN"
    assert by_name["predict"]["answered_outside_domain"] > 0
    assert {metric["metric"]: metric["equal"] for metric in data["metrics"]} == {
        "accuracy": True,
        "profit & <loss>": False,
    }
    assert data["coverage"]["kinds"][0]["reached"] == 4
    assert data["latency_us"] == 12.5
    assert set(data["environment"]) >= {
        "numpy",
        "pandas",
        "scikit-learn",
        "onnxruntime",
        "python",
        "onnxtwin",
    }


def count_in(by_name: dict[str, Any], family: str) -> int:
    tallies = {tally["family"]: tally for tally in by_name["predict_proba"]["families"]}
    return int(tallies[family]["mismatched"])


def test_a_report_holds_neither_clock_nor_path(
    pipeline: Pipeline, orders: pd.DataFrame, green: Report
) -> None:
    y = orders["weight"] > 0.1
    again = check_fake(pipeline, orders, "predict", "predict_proba", cases=FAMILIES, y=y)
    assert again.to_json() == green.to_json()
    assert again.to_html() == green.to_html()
    assert again.to_junit() == green.to_junit()
    assert again.to_markdown() == green.to_markdown()


def test_the_table_has_a_row_a_method_and_family_and_the_verdict(green: Report) -> None:
    lines = str(green).splitlines()
    families = ["sample", *FAMILIES]
    named = [line.split()[1] for line in lines if line.startswith("│")]
    assert named == ["predict", *families, "predict_proba", *families, "accuracy", "log_loss"]
    assert lines[-1] == f"equal: {green.rows:,} rows compared"


def test_the_terminal_shows_metrics_coverage_and_latency(red: Report) -> None:
    lines = str(red).splitlines()
    cells = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in lines if line.startswith("│")}
    assert [cell.strip() for cell in cells["categories"][:3]] == ["4", "10", "40.00 %"]
    assert cells["categories"][3].strip() == "port is [b]<b>|</b>; weight <= 0.5; 4 more"
    assert cells["accuracy"][0].strip() == cells["accuracy"][1].strip()
    assert cells["accuracy"][2].strip() == "equal"
    assert cells["profit & <loss>"][2].strip() == "unequal"
    assert any(line.startswith("metric profit & <loss>: the twin's is") for line in lines)
    assert "one row takes 12.5 µs (median)" in lines


def test_the_table_shows_the_worst_row_and_what_was_skipped(red: Report) -> None:
    text = str(red)
    assert "unequal" in text
    assert 'predict_proba[:, 1] is float("nan")' in text
    assert "skipped java: no JDK was found" in text
    assert source({"port": HOSTILE})[1:-1] in text


def test_junit_has_a_case_a_method_and_family_and_fails_where_rows_are_wrong(red: Report) -> None:
    suite = ET.fromstring(red.to_junit())
    cases = list(suite.iter("testcase"))
    failed = {(case.get("classname"), case.get("name")) for case in cases if case.find("failure") is not None}
    assert ("onnxtwin.predict_proba", "sample") in failed
    assert ("onnxtwin.predict", "unknown") in failed
    assert ("onnxtwin.predict", "sample") not in failed
    assert ("onnxtwin.metrics", "profit & <loss>") in failed
    assert ("onnxtwin.metrics", "accuracy") not in failed
    assert int(suite.get("failures", "0")) == len(failed)
    assert int(suite.get("tests", "0")) == len(cases)
    assert [case.get("name") for case in cases if case.find("skipped") is not None] == ["java"]


def test_junit_shows_the_worst_row_of_the_family_that_failed(red: Report) -> None:
    suite = ET.fromstring(red.to_junit())
    texts = {
        (case.get("classname"), case.get("name")): failure.text or ""
        for case in suite.iter("testcase")
        for failure in case.iter("failure")
    }
    assert "predict_proba[:, 1]: expected" in texts["onnxtwin.predict_proba", "sample"]
    assert 'found float("nan")' in texts["onnxtwin.predict_proba", "sample"]


def test_junit_says_what_answered(red: Report) -> None:
    suite = ET.fromstring(red.to_junit())
    properties = {entry.get("name"): entry.get("value") for entry in suite.iter("property")}
    assert (properties["coverage"], properties["latency_us"]) == ("40.00 %", "12.5")
    assert properties["numpy"] == np.__version__


def test_junit_of_a_green_report_has_no_failure(green: Report) -> None:
    suite = ET.fromstring(green.to_junit())
    assert suite.get("failures") == "0"
    assert list(suite.iter("failure")) == []


def test_junit_fails_if_nothing_was_compared(pipeline: Pipeline, orders: pd.DataFrame) -> None:
    report = check_fake(pipeline, orders[:0], "predict", sample=orders)
    suite = ET.fromstring(report.to_junit())
    assert suite.get("failures") == "1"


def test_a_row_is_typed_back_from_its_source() -> None:
    row = {
        "at": pd.Timestamp("2013-01-01 05:00", tz="UTC"),
        "took": pd.Timedelta(90, unit="s"),
        "name": "O'Hare",
        "x": float("nan"),
        "y": float("-inf"),
        "none": None,
        "na": pd.NA,
        "nat": pd.NaT,
        "n": 3,
    }
    back = eval(source(row), {"pd": pd})
    assert list(back) == list(row)
    assert repr(back) == repr(row)


def test_json_values_are_plain() -> None:
    values = [
        np.float64(1.5),
        np.int64(2),
        np.bool_(True),
        float("inf"),
        pd.NaT,
        pd.NA,
        pd.Timestamp("2013-01-01"),
    ]
    assert plain(values) == [1.5, 2, True, "Infinity", "NaT", None, "2013-01-01T00:00:00"]


def test_an_unknown_method_is_named(green: Report) -> None:
    with pytest.raises(KeyError, match="decision_function"):
        green["decision_function"]
