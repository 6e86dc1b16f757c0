from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, changed, made
from fake_twins import check_fake, signature_of
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from onnxtwin.runtime_checks.cases import unseen_texts


@pytest.fixture(scope="module")
def tried() -> dict[str, set[Any]]:
    """Column → the values that the family put there."""
    X = bookings()
    rows = pd.concat(made("unknown", X))
    names = [changed(rows.iloc[[i]], X) for i in range(len(rows))]
    assert all(len(name) <= 1 for name in names)
    return {name: set(rows[name]) - set(X[name]) for name in X.columns if [name] in names}


def test_unknown_values_are_none_that_the_column_held(tried: dict[str, set[Any]]) -> None:
    X = bookings()
    assert set(tried) == {"port", "size", "nights"}
    assert all(values.isdisjoint(X[name]) for name, values in tried.items())


@pytest.mark.parametrize(
    "near_miss",
    [
        *("cORK", "CORK", "cork", " Cork", "Cork ", "Cor", "Corkk", "Cork\u00a0", "Cork\u200b"),
        *(unicodedata.normalize("NFD", "São"), "SÃO"),
    ],
)
def test_near_misses_of_a_category_are_tried(near_miss: str, tried: dict[str, set[Any]]) -> None:
    assert unseen_texts(["Cork", "São"]).count(near_miss) <= 1
    assert near_miss in set(unseen_texts(["Cork", "São"]))


@pytest.mark.parametrize("word", ["", "nan", "None", "NA", "<NA>", "null", "NaN", "1", "True"])
def test_words_that_programs_take_for_something_else_are_tried(word: str, tried: dict[str, set[Any]]) -> None:
    assert word in tried["port"]


@pytest.mark.parametrize(
    ("what", "holds"),
    [
        ("ten thousand characters", lambda text: len(text) >= 10_000),
        ("a character beyond the BMP", lambda text: any(ord(c) > 0xFFFF for c in text)),
        (
            "right-to-left text",
            lambda text: any(unicodedata.bidirectional(c) in "RAL" for c in text[:1] if ord(c) > 1400),
        ),
        ("a combining mark", lambda text: any(unicodedata.combining(c) for c in text)),
        ("a zero-width character", lambda text: "\u200b" in text),
        ("a text whose case has another length", lambda text: len(text) != len(text.upper())),
    ],
)
def test_texts_that_programs_trip_over_are_tried(what: str, holds: Any, tried: dict[str, set[Any]]) -> None:
    assert any(holds(text) for text in tried["port"]), what


def test_no_text_holds_nul_or_the_token_of_a_missing_value(tried: dict[str, set[Any]]) -> None:
    assert not any("\0" in text for text in tried["port"])
    X = bookings()
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["port"])), LinearRegression()
    ).fit(X, X["price"])
    token = signature_of(X, "predict").missing_token
    assert all(token not in set(chunk["port"]) for chunk in made("unknown", X.assign(port="known"), model))


def test_integers_beyond_both_ends_and_in_a_gap_are_tried(tried: dict[str, set[Any]]) -> None:
    assert tried["size"] >= {0, 4}
    assert tried["nights"] >= {-1, 30}
    X = pd.DataFrame({"code": [1, 2, 5, 6] * 4})
    model = LinearRegression().fit(X, X["code"])
    assert 3 in set(pd.concat(made("unknown", X, model))["code"])


def test_a_column_of_few_floats_is_tried_as_a_category() -> None:
    X = pd.DataFrame({"stars": [1.0, 2.0, 3.5] * 10, "price": np.linspace(0, 1, 30)})
    model = LinearRegression().fit(X, X["price"])
    rows = pd.concat(made("unknown", X, model))
    assert set(rows["stars"]) - set(X["stars"]) == {0.0, 4.5, 2.5, np.nextafter(2.0, 3)}
    assert set(rows["price"]) <= set(X["price"])


def test_a_near_miss_that_is_a_known_value_is_left_out() -> None:
    assert "a" not in unseen_texts(["A", "a", ""])
    assert "" not in unseen_texts(["A", "a", ""])


def test_an_integer_column_is_not_pushed_over_its_limits() -> None:
    X = np.array([[np.iinfo(np.int64).max], [np.iinfo(np.int64).min + 1]])
    chunks = made("unknown", X, LinearRegression().fit([[1.0], [2.0]], [1, 2]))
    values = {value for chunk in chunks for value in chunk[:, 0].tolist()}
    assert np.iinfo(np.int64).min in values


def test_three_rows_show_that_a_pipeline_refuses_what_it_does_not_know() -> None:
    X = bookings()
    model = make_pipeline(make_column_transformer((OrdinalEncoder(), ["port"])), LinearRegression())
    model.fit(X, X["price"])
    (ports, *_) = made("unknown", X[["port"]], model)
    assert len(ports) == 3


def test_a_budget_of_rows_is_kept() -> None:
    assert max(len(chunk) for chunk in made("unknown", bookings())) <= 130


def test_documents_are_tried_with_hostile_texts_too() -> None:
    texts = ["a man, a plan", "the canal of Panamá", "no plan"] * 4
    model = make_pipeline(CountVectorizer(), LinearRegression()).fit(texts, range(12))
    signature = signature_of(pd.DataFrame({"text": texts}), "predict")
    (documents,) = made("unknown", texts, model, signature=signature)
    assert {"A MAN, A PLAN", "", "😀", unicodedata.normalize("NFD", "the canal of Panamá")} & set(documents)
    assert "the canal of panamá" in documents


def test_a_twin_that_folds_unicode_is_red() -> None:
    X = bookings()
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["port"]))
    model = make_pipeline(columns, LinearRegression()).fit(X, X["port"] == "São")

    def folded(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(
            port=[unicodedata.normalize("NFC", p) if isinstance(p, str) else p for p in X["port"]]
        )

    report = check_fake(model, X, "predict", rows=folded, cases=["unknown"])
    assert report["predict"].families["unknown"].mismatched >= 1
    assert report["predict"].families["sample"].mismatched == 0
