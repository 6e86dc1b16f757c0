"""One page, two readers: a verdict in words above, what an engineer needs below; equal for equal reports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, check_fake
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from onnxtwin.recording import without_rows
from onnxtwin.runtime_checks import Report
from onnxtwin.runtime_checks.coverage.summary import Coverage, Covered
from onnxtwin.runtime_checks.report import Location, Minimal, Noted
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import WITHHELD

LARGEST = 1_000_000
"""Bytes; the page is committed with its artifact."""

HOSTILE = "<b>&\x00\U0001f600é]]>"
LONG = "x" * 20_000


class Reader(HTMLParser):
    """Collects a page's tags, their attributes and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self._pieces: list[str] = []
        self.feed(page.replace(page[page.index("<style>") : page.index("</style>")], ""))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._pieces.append(" ")
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data
        self._pieces.append(data)

    @property
    def words(self) -> str:
        """The text, one space between words and elements."""
        return " ".join("".join(self._pieces).split())


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    ports = ["S", "C", HOSTILE, LONG] * 15
    return pd.DataFrame({"weight": np.linspace(-1, 1, 60), "port": ports})


@pytest.fixture(scope="module")
def pipeline(orders: pd.DataFrame) -> Any:
    columns = make_column_transformer((StandardScaler(), ["weight"]), (OneHotEncoder(), ["port"]))
    return make_pipeline(columns, LogisticRegression()).fit(orders, orders["weight"] > 0)


def checked(pipeline: Any, orders: pd.DataFrame, **options: Any) -> Report:
    y = orders["weight"] > 0.1
    return check_fake(
        pipeline, orders, "predict", "predict_proba", y=y, cases=["missing", "unknown", "extreme"], **options
    )


@pytest.fixture(scope="module")
def green(pipeline: Any, orders: pd.DataFrame) -> Report:
    return checked(pipeline, orders)


@pytest.fixture(scope="module")
def red(pipeline: Any, orders: pd.DataFrame) -> Report:
    def off(X: pd.DataFrame, found: Answers) -> Answers:
        found["predict_proba"][(X["port"] == HOSTILE) & (X["weight"] < -0.8), 1] = np.nan
        found["predict_proba"][(X["port"] == LONG) & (X["weight"] > 0.8), 1] = 0.25
        return found

    def known(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(port=X["port"].where(X["port"].isin(orders["port"]), "S"))

    report = checked(pipeline, orders, answers=off, rows=known)
    report["predict"].family("sample").undetermined = 3
    report["predict"].undetermined += [
        Noted({"weight": float(i), "port": "S"}, None, "sample", "it moves") for i in range(3)
    ]
    never = tuple(f"tree {i}: weight <= 0.5 & <b>" for i in range(4))
    report.coverage = Coverage((Covered("tree branches", 40, 30, never, 2),), 500, 7)
    report.latency_us = 12.5
    report.skipped["java"] = "no JDK <found>"
    return report


def test_it_is_self_contained(red: Report) -> None:
    page = red.to_html()
    reader = Reader(page)
    assert {"script", "link", "img", "b", "iframe", "object"}.isdisjoint(reader.tags)
    assert all(link.startswith("#") for link in reader.links)
    assert "://" not in page
    assert "@import" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in page


def test_texts_of_rows_are_shown_literally(red: Report) -> None:
    assert source(HOSTILE) in Reader(red.to_html()).text


def test_it_stays_small_whatever_the_rows_hold(red: Report) -> None:
    assert len(red.to_html().encode()) < LARGEST / 4


def test_the_verdict_comes_first_in_words(green: Report, red: Report) -> None:
    above = Reader(green.to_html().split("Method by method")[0]).words
    assert "Equal The twin gives the answers that the research pipeline gives." in above
    assert "A service that runs this twin decides as the research notebook does." in above
    below = Reader(red.to_html().split("Method by method")[0]).words
    assert "Do not put this twin into production" in below
    assert "decides as the research notebook does" not in below


def test_it_says_how_many_rows_were_whose(green: Report) -> None:
    rows = green.rows
    words = Reader(green.to_html()).words
    assert f"asked for the same {rows:,} rows: 60 of the sample, and {rows - 60:,} made from them" in words


def test_metrics_stand_side_by_side(green: Report) -> None:
    page = green.to_html()
    table = page[page.index('class="metrics"') :]
    table = table[: table.index("</table>")]
    rows = re.findall(r"<tr>(.*?)</tr>", table)[1:] or re.findall(r"<tr>(.*?)</tr>", table)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert cells == [[f"{score.pipeline:.10g}", f"{score.twin:.10g}", "✓ equal"] for score in green.metrics]


def test_each_method_and_family_has_a_row(green: Report) -> None:
    page = green.to_html()
    table = page[page.index('class="tallies"') :]
    table = table[: table.index("</table>")]
    assert table.count("<tr") == 1 + sum(1 + len(method.families) for method in green.methods)


def test_there_is_a_picture_of_numbers_and_a_table_of_labels(green: Report) -> None:
    reader = Reader(green.to_html())
    assert reader.tags.count("svg") == 2
    assert "predict_proba: research against twin" in reader.text
    assert "predict_proba: distribution of the error" in reader.text
    assert "predict: labels" in reader.text


def test_what_a_picture_refers_to_is_there_once(red: Report) -> None:
    reader = Reader(red.to_html())
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", red.to_html())) <= set(reader.ids)


def test_the_engineer_finds_coverage_rows_and_environment(red: Report) -> None:
    words = Reader(red.to_html()).words
    assert "tree branches: 10 never reached" in words
    assert "tree 0: weight <= 0.5 & <b>" in words
    assert "500 rows counted, 7 more were not counted" in words
    assert "sample, 3 rows: it moves" in words
    assert "{'weight': 2.0, 'port': 'S'}" in words
    assert "Rows that only one side refuses" in words
    assert "Skipped java: no JDK <found>" in words
    assert "one row (median) 12.5 µs" in words
    assert f"numpy {np.__version__}" in words


def test_the_worst_row_of_each_family_can_be_copied(red: Report) -> None:
    page = red.to_html()
    shown = Reader(page).text
    for tally in red["predict_proba"].families.values():
        if tally.worst is not None and len(source(tally.worst.row)) < 1000:
            assert source(tally.worst.row) in shown
    assert "user-select: all" in page


def test_where_it_goes_wrong_stands_before_the_counts(green: Report, red: Report) -> None:
    red = replace(
        red,
        location=Location("model", "weight", 1.0, 2.0, "it begins in <model>"),
        minimal=Minimal({"weight": 7.25}, ("weight",), "predict", "predict", 1.0, 2.0),
    )
    before = Reader(red.to_html().split("Method by method")[0]).words
    assert "Where it goes wrong it begins in <model>" in before
    assert "{'weight': 7.25} Shrunk from a row that failed. The fault needs the values of weight." in before
    assert "Where it goes wrong" not in green.to_html()


def test_a_report_without_real_rows_shows_none_of_them(
    pipeline: Any, orders: pd.DataFrame, red: Report
) -> None:
    page = without_rows(red).to_html()
    assert WITHHELD in page
    weights = {source(value) for value in orders["weight"].tolist()} - {"-1.0", "1.0"}
    assert len(weights) == 58
    assert not [weight for weight in weights if weight in Reader(page).text]


def test_single_answers_of_a_transformer_cannot_be_joined_to_rows() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"income": rng.lognormal(10, 1, 40), "age": rng.normal(40, 9, 40)})
    passed = FunctionTransformer(lambda rows: rows * 1.0).fit(X)
    report = check_fake(
        passed, X, "transform", answers=lambda rows, found: {"transform": passed.transform(rows)}, cases=False
    )
    page = without_rows(report).to_html()
    crosses = [
        [float(x) for x in re.findall(r'<use href="[^"]*" x="([\d.]+)" y="[\d.]+" class="own"', figure)]
        for figure in page.split("<figure>")[1:3]
    ]
    assert [len(xs) > 20 for xs in crosses] == [True, True]
    assert all(xs == sorted(xs) for xs in crosses)


def test_nothing_compared_says_so(pipeline: Any, orders: pd.DataFrame) -> None:
    report = check_fake(pipeline, orders[:0], "predict", sample=orders)
    words = Reader(report.to_html()).words
    assert "No row was compared, so nothing is known about this twin." in words


PROGRAM = """
import sys
import numpy as np
import pandas as pd
from fake_twins import check_fake
from sklearn.linear_model import LinearRegression

X = pd.DataFrame({"a": np.linspace(0, 1, 500), "b": np.sin(np.arange(500))})
off = lambda rows, found: {"predict": np.nextafter(found["predict"], 9)}
model = LinearRegression().fit(X, X["a"] + X["b"])
sys.stdout.write(check_fake(model, X, "predict", answers=off, y=X["b"], cases=["missing"]).to_html())
"""


def test_the_same_check_makes_the_same_page_in_every_process() -> None:
    pages = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert pages[0] == pages[1]
    assert pages[0].count("<svg") == 2


def test_drawing_leaves_matplotlibs_settings_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    X = np.linspace(0, 1, 20).reshape(-1, 1)
    check_fake(LinearRegression().fit(X, X[:, 0]), X, "predict", cases=False).to_html()
    assert dict(mpl.rcParams) == before
