"""Pipelines that read numbers and dates from texts: their twins are green, and say what they do not read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import onnxtwin
from onnxtwin.errors import DomainError, LimitError, UnsupportedError

Feature = Callable[[pd.DataFrame], Any]

DAYS = pd.date_range("2023-01-05", periods=40, freq="17D")
DECIMALS = [f"{v:.1f}" for v in np.linspace(1, 99, 40)]
WHOLE = [str(v) for v in range(10, 50)]


def at(layout: str | None = None, **how: Any) -> Feature:
    """Month and day of a column of texts."""

    def feature(X: pd.DataFrame) -> pd.DataFrame:
        time = pd.to_datetime(X["a"], format=layout, **how)
        return pd.DataFrame({"m": time.dt.month.fillna(0), "d": time.dt.day.fillna(0)})

    return feature


def days(layout: str) -> list[str]:
    return [day.strftime(layout) for day in DAYS]


def column(read: Callable[[pd.Series], Any]) -> Feature:
    return lambda X: pd.DataFrame({"x": read(X["a"])})


IDIOMS: dict[str, tuple[Feature, list[str]]] = {
    "astype(float)": (column(lambda a: a.astype(float)), DECIMALS),
    "astype(int)": (column(lambda a: a.astype(int)), WHOLE),
    "astype('float32')": (column(lambda a: a.astype("float32").astype(float)), DECIMALS),
    "np.asarray(dtype=float)": (column(lambda a: np.asarray(a, dtype=float)), DECIMALS),
    "strip, then float": (column(lambda a: a.str.strip().astype(float)), DECIMALS),
    "decimal comma": (column(lambda a: a.str.replace(",", ".").astype(float)), ["1,5", "22,75", "3"] * 12),
    "a slice, then int": (column(lambda a: a.str[:4].astype(int)), days("%Y-%m")),
    "to_numeric": (column(lambda a: pd.to_numeric(a) / 3), DECIMALS),
    "to_numeric, coerced": (column(lambda a: pd.to_numeric(a, errors="coerce").fillna(0)), WHOLE),
    "isdigit": (column(lambda a: np.where(a.str.isdigit(), 1.0, 0.0)), [*WHOLE[:20], *DECIMALS[:20]]),
    "%Y-%m-%d": (at("%Y-%m-%d"), days("%Y-%m-%d")),
    "%Y-%m-%d, coerced": (at("%Y-%m-%d", errors="coerce"), days("%Y-%m-%d")),
    "%Y%m%d": (at("%Y%m%d"), days("%Y%m%d")),
    "%Y%m%d, coerced": (at("%Y%m%d", errors="coerce"), days("%Y%m%d")),
    "%d/%m/%Y, coerced": (at("%d/%m/%Y", errors="coerce"), days("%d/%m/%Y")),
    "%d%m%Y": (at("%d%m%Y"), days("%d%m%Y")),
    "%Y-%m-%dT%H:%M:%S": (at("%Y-%m-%dT%H:%M:%S"), days("%Y-%m-%dT%H:%M:%S")),
    "%Y-%m-%d %H:%M:%S.%f, coerced": (
        at("%Y-%m-%d %H:%M:%S.%f", errors="coerce"),
        days("%Y-%m-%d %H:%M:%S.%f"),
    ),
    "%z in UTC, coerced": (
        at("%Y-%m-%dT%H:%M:%S%z", utc=True, errors="coerce"),
        [f"{day}{'Z' if i % 2 else '+02:00'}" for i, day in enumerate(days("%Y-%m-%dT%H:%M:%S"))],
    ),
    "inferred": (at(), days("%Y-%m-%d")),
    "inferred, coerced": (at(errors="coerce"), days("%Y-%m-%d")),
    "inferred, day first": (at(dayfirst=True), days("%d/%m/%Y")),
    "inferred, in UTC": (at(utc=True), days("%Y-%m-%dT%H:%M:%SZ")),
}


OF_OBJECTS = ["astype(float)", "to_numeric, coerced", "%Y%m%d, coerced", "inferred"]
"""Tried on a column of objects, too."""


def fitted(idiom: str, dtype: Any = "str") -> tuple[Pipeline, pd.DataFrame]:
    feature, texts = IDIOMS[idiom]
    X = pd.DataFrame({"a": pd.Series(texts, dtype=dtype)})
    return make_pipeline(FunctionTransformer(feature), LinearRegression()).fit(X, np.arange(len(X))), X


@pytest.mark.parametrize(("idiom", "dtype"), [(i, "str") for i in IDIOMS] + [(i, object) for i in OF_OBJECTS])
def test_the_whole_check_of_texts_that_are_read_is_green(idiom: str, dtype: Any) -> None:
    pipeline, X = fitted(idiom, dtype)
    report = onnxtwin.export(pipeline, X).check(X)
    assert report.ok, str(report)
    total = report["predict"].total
    assert total.limited_share < 0.1
    assert total.rows > 500


@pytest.fixture(scope="module")
def coerced() -> tuple[Pipeline, pd.DataFrame, onnxtwin.Twin]:
    pipeline, X = fitted("inferred, coerced")
    return pipeline, X, onnxtwin.export(pipeline, X)


Coerced = tuple[Pipeline, pd.DataFrame, onnxtwin.Twin]


def test_what_is_not_read_stands_in_the_contract(coerced: Coerced) -> None:
    twin = coerced[2]
    limits = [condition for condition in twin.signature.conditions if condition.limit]
    assert {limit.columns for limit in limits} == {("a",)}
    assert all("YYYY-MM-DD" in limit.message for limit in limits)


def test_a_text_beyond_a_limit_is_refused_by_name(coerced: Coerced) -> None:
    twin = coerced[2]
    with pytest.raises(LimitError, match=r"column 'a'.*reads YYYY-MM-DD"):
        twin.predict(pd.DataFrame({"a": ["2024/02/29"]}))
    with pytest.raises(LimitError):
        twin.predict(pd.DataFrame({"a": ["2023-01-05", "29 February 2024"]}))


def test_every_report_tells_the_share_of_rows_beyond_limits(coerced: Coerced) -> None:
    _, X, twin = coerced
    rows = pd.concat([X, X, X, pd.DataFrame({"a": ["2024/02/29"]})], ignore_index=True)
    report = twin.check(rows, cases=["unknown"])
    assert report.ok
    sample = report["predict"].families["sample"]
    assert (sample.rows, sample.limited, sample.wrong) == (120, 1, 0)
    total = report["predict"].total
    assert total.limited > 10
    plain = report.to_json()["methods"][0]
    assert plain["refused_by_limit"] == total.limited
    assert plain["families"][0]["refused_by_limit_share"] == pytest.approx(1 / 121)
    assert plain["limit_rows"][0]["row"] == {"a": "2024/02/29"}
    told = f"{total.limited:,} rows"
    for text in (str(report), report.to_markdown(), report.to_html()):
        assert told in text
        assert "1 of them (0.82 %) are rows handed in" in text
    assert "rows beyond a declared limit" in report.to_junit()


def test_many_rows_of_ones_own_beyond_a_limit_are_red(coerced: Coerced) -> None:
    _, X, twin = coerced
    rows = pd.concat([X, pd.DataFrame({"a": ["2024/02/29"] * 3})], ignore_index=True)
    report = twin.check(rows, cases=False)
    assert not report.ok
    assert report["predict"].total.wrong == 0
    assert "3 of the 43 rows handed in" in report.problems[0]


def test_a_sample_beyond_a_limit_is_not_exported() -> None:
    X = pd.DataFrame({"a": [*DECIMALS, "5e-324"]})
    transformer = FunctionTransformer(lambda X: X[["a"]].astype(float)).fit(X)
    with pytest.raises(UnsupportedError, match=r"a value of the sample .*'a'.* size"):
        onnxtwin.export(transformer, X)


def test_a_saved_twin_keeps_its_limits_and_records_no_row_beyond_them(tmp_path: Path) -> None:
    exported = onnxtwin.export(*fitted("inferred, coerced"))
    exported.save(tmp_path / "dates")
    twin = onnxtwin.load(tmp_path / "dates")
    assert twin.signature == exported.signature
    assert twin.self_test().ok
    with pytest.raises(LimitError):
        twin.predict([{"a": "2024/02/29"}])


def test_a_refusal_of_the_pipeline_is_no_limit() -> None:
    pipeline, X = fitted("astype(int)")
    with pytest.raises(DomainError) as raised:
        onnxtwin.export(pipeline, X).predict(pd.DataFrame({"a": ["1.5"]}))
    assert not isinstance(raised.value, LimitError)
