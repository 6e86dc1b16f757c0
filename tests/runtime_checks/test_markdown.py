"""The summary that a CI server shows: short, and no text of anybody's becomes markup."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, check_fake
from sklearn.linear_model import LinearRegression

from onnxtwin.runtime_checks import Metric, Report
from onnxtwin.runtime_checks.coverage.summary import Coverage, Covered
from onnxtwin.runtime_checks.report import Location

HOSTILE = "</table>|```\n# [x](y) <img src=z>"


def rows() -> pd.DataFrame:
    return pd.DataFrame({HOSTILE: np.linspace(0, 1, 30), "b": np.linspace(2, 1, 30)})


@pytest.fixture(scope="module")
def red() -> Report:
    X = rows()
    model = LinearRegression().fit(X, X["b"])

    def off(rows: Any, found: Answers) -> Answers:
        return {"predict": np.where(found["predict"] > 1.9, found["predict"] + 1, found["predict"])}

    named = Metric(HOSTILE, lambda y, a, X: float(a.sum()))
    report = check_fake(model, X, "predict", answers=off, cases=["missing"], y=X["b"], metrics=["mse", named])
    report.location = Location("step`1`", None, 1.0, 2.0, "the first difference is in *step* <1>")
    report.coverage = Coverage((Covered("tree branches", 100, 90, tuple(f"never {i}" for i in range(10))),))
    report.skipped["java"] = "no | JDK"
    return report


@pytest.fixture(scope="module")
def text(red: Report) -> str:
    return red.to_markdown()


def tables(text: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def test_it_begins_with_the_verdict(text: str) -> None:
    assert text.splitlines()[0] == "## ❌ onnxtwin: unequal"


def test_there_is_a_table_of_tallies_one_of_metrics_and_one_of_coverage(text: str, red: Report) -> None:
    tallies, metrics, coverage = tables(text)
    assert len(tallies) == 2 + 1 + len(red["predict"].families)
    assert [line.split("|")[-2].strip() for line in metrics[2:]] == ["**unequal**", "**unequal**"]
    assert coverage[2] == "| tree branches | 90 | 100 | 90.00 % |"


def test_every_row_of_a_table_has_as_many_cells_as_its_head(text: str) -> None:
    for table in tables(text):
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
        assert len(bars) == 1, table


def test_the_worst_row_and_where_it_begins_are_shown(text: str, red: Report) -> None:
    assert "**First difference:** the first difference is in \\*step\\* \\<1\\>" in text
    assert red["predict"].worst is not None
    assert "**Worst row** (sample): `predict` is `" in text
    assert repr(red["predict"].worst.row) in text


def test_no_text_of_anybodys_becomes_markup(text: str) -> None:
    fences = re.findall(r"^`{3,}", text, flags=re.MULTILINE)
    # The simplest row and the worst one.
    assert fences == ["````"] * 4
    outside = re.sub(r"````python\n.*?\n````", "", text, flags=re.DOTALL)
    assert "<img" not in re.sub(r"\\.", "", outside)
    assert "\n# " not in outside


def test_a_green_report_is_a_few_lines() -> None:
    X = rows()
    report = check_fake(LinearRegression().fit(X, X["b"]), X, "predict", cases=False)
    text = report.to_markdown()
    assert text.splitlines()[0] == "## ✅ onnxtwin: equal"
    assert "30 rows compared on python" in text
    assert len(text.splitlines()) < 10


def test_long_rows_and_many_rows_leave_it_short() -> None:
    documents = ["word " * 50_000, "late", "on time"]
    from fake_twins import FakeTwin, signature_of
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    from onnxtwin.runtime_checks import check

    model = make_pipeline(CountVectorizer(), LinearRegression()).fit(documents, [3.0, 1.0, 2.0])
    twin = FakeTwin(model, documents, "predict", answers=lambda X, found: {"predict": found["predict"] + 1})
    signature = signature_of(pd.DataFrame({"X": documents}), "predict")
    report = check(twin, model, documents, signature=signature, cases=False)
    assert report.verdict == "unequal"
    assert len(report.to_markdown()) < 10_000
    assert len(str(report)) < 10_000


def test_nothing_compared_is_no_tick() -> None:
    X = rows()
    report = check_fake(LinearRegression().fit(X, X["b"]), X[:0], "predict", sample=X)
    assert report.to_markdown().startswith("## ⚠️ onnxtwin: nothing compared")
