from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import check_fake, signature_of
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks.cases import families, family, registry, unseen_texts
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows


@pytest.fixture(scope="module")
def bookings() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "price": np.linspace(1, 2, 30),
            "weight": np.linspace(5, 3, 30),
            "port": ["São", "Cork", "Qu"] * 10,
            "size": pd.Categorical([1, 2, 3] * 10),
            "nights": np.arange(30),
            "booked": pd.date_range("2024-02-28", periods=30, tz="UTC"),
        }
    )


@pytest.fixture(scope="module")
def pipeline(bookings: pd.DataFrame) -> Pipeline:
    """Imputes prices, refuses missing weights, ignores unknown ports and sizes."""
    columns = make_column_transformer(
        (SimpleImputer(), ["price"]),
        ("passthrough", ["weight", "nights"]),
        (OneHotEncoder(handle_unknown="ignore"), ["port", "size"]),
    )
    return make_pipeline(columns, LinearRegression()).fit(bookings, bookings["price"])


def made(name: str, pipeline: Any, X: Rows, seed: int = 0) -> list[Any]:
    reference = Reference(pipeline, ["predict"], None)
    return list(families([name])[name](reference, signature_of(X, "predict"), X, np.random.default_rng(seed)))


def test_each_column_that_can_be_missing_is_missing_alone_and_then_all_are(
    pipeline: Pipeline, bookings: pd.DataFrame
) -> None:
    chunks = made("missing", pipeline, bookings)
    missing = [sorted(chunk.columns[chunk.isna().all()]) for chunk in chunks]
    can_be = ["price", "weight", "port", "size", "booked"]
    assert missing == [*([name] for name in can_be), sorted(can_be)]


def test_cases_keep_the_types_of_the_columns(pipeline: Pipeline, bookings: pd.DataFrame) -> None:
    for chunk in made("missing", pipeline, bookings) + made("batches", pipeline, bookings):
        pd.testing.assert_series_equal(chunk.dtypes, bookings.dtypes)


def test_two_rows_show_a_refusal_and_twenty_an_answer(pipeline: Pipeline, bookings: pd.DataFrame) -> None:
    sizes = {
        chunk.columns[chunk.isna().all()][0]: len(chunk) for chunk in made("missing", pipeline, bookings)[:-1]
    }
    assert sizes == {"price": 20, "weight": 2, "port": 20, "size": 20, "booked": 20}


def test_unknown_values_are_none_that_the_column_held(pipeline: Pipeline, bookings: pd.DataFrame) -> None:
    chunks = made("unknown", pipeline, bookings)
    changed = {}
    for chunk in chunks:
        (name,) = [c for c in ("port", "size", "nights") if not set(chunk[c]) <= set(bookings[c])]
        assert set(chunk[name]).isdisjoint(bookings[name])
        changed[name] = set(chunk[name])
    assert {"", "nan", "None", "CORK", " Cork", "Cork "} - changed["port"] == {"CORK"}
    assert "cORK" in changed["port"]
    assert changed["size"] == {0, 4}
    assert changed["nights"] == {-1, 30}


def test_a_near_miss_that_is_a_known_value_is_left_out() -> None:
    assert "a" not in unseen_texts(["A", "a", ""])
    assert "" not in unseen_texts(["A", "a", ""])


def test_an_integer_column_is_not_pushed_over_its_limits(pipeline: Pipeline) -> None:
    X = np.array([[np.iinfo(np.int64).max], [np.iinfo(np.int64).min + 1]])
    (chunk,) = made("unknown", pipeline, X)
    assert set(chunk[:, 0]) == {np.iinfo(np.int64).min}


def test_row_counts_are_none_one_two_and_many(pipeline: Pipeline, bookings: pd.DataFrame) -> None:
    counts = [len(chunk) for chunk in made("batches", pipeline, bookings)]
    assert counts == [0, 1, 1, 1, 1, 1, 2, 90]


def test_one_row_is_enough_to_make_cases_from(pipeline: Pipeline, bookings: pd.DataFrame) -> None:
    assert check_fake(pipeline, bookings[:1], "predict", sample=bookings).ok


def test_cases_do_not_change_the_users_rows(pipeline: Pipeline, bookings: pd.DataFrame) -> None:
    before = bookings.copy()
    check_fake(pipeline, bookings, "predict")
    pd.testing.assert_frame_equal(bookings, before)


def test_a_matrix_has_missing_cells_too(pipeline: Pipeline) -> None:
    X = np.arange(12.0).reshape(6, 2)
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, X[:, 0])
    chunks = made("missing", model, X)
    assert [np.isnan(chunk).all(axis=0).tolist() for chunk in chunks] == [
        [True, False],
        [False, True],
        [True, True],
    ]


def test_a_family_of_ones_own_is_run_and_reported(
    pipeline: Pipeline, bookings: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))

    @family("free of charge")
    def free(reference: Reference, signature: Any, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
        yield X.assign(price=0.0)

    report = check_fake(pipeline, bookings, "predict", rows=lambda X: X.assign(price=X["price"].clip(1)))
    assert report["predict"].families["free of charge"].mismatched == len(bookings)
    assert report["predict"].families["sample"].mismatched == 0


def test_an_unknown_family_is_refused_by_name() -> None:
    with pytest.raises(CheckError, match=r"\['bounds'\]; there are \['sample', 'missing', 'unknown'"):
        families(["bounds"])
