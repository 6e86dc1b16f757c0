from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, made, pipeline
from fake_twins import signature_of
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from onnxtwin.exporters.signature import Column
from onnxtwin.runtime_checks.cases.cells import cells, tame
from onnxtwin.runtime_checks.cases.search import ROWS
from onnxtwin.runtime_checks.reference import Reference

TOKEN = "__missing__"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.concat(made("search", bookings()))


def described(name: str, **changes: Any) -> Column:
    columns = {column.label: column for column in signature_of(bookings(), "predict").columns}
    return replace(columns[name], **changes)


def drawn(name: str, wanted: Any, **changes: Any) -> Any:
    """A cell of a column for which ``wanted`` holds, among many that are drawn."""
    draw, rng = cells(described(name, **changes), bookings()[name], TOKEN), np.random.default_rng(0)
    return next(value for value in (draw(rng) for _ in range(10_000)) if wanted(value))


def test_a_budget_of_rows_is_kept(rows: pd.DataFrame) -> None:
    assert ROWS <= len(rows) <= 2 * ROWS + 10


def test_rows_mix_the_users_values_with_new_ones(rows: pd.DataFrame) -> None:
    X = bookings()
    for name in ("price", "port", "nights", "booked"):
        known = rows[name].isin(X[name])
        assert 0.1 < known.mean() < 0.95


def test_nearly_all_rows_are_answered(rows: pd.DataFrame) -> None:
    accepted = Reference(pipeline(), ["predict"], None).ask(rows).accepted
    assert accepted.mean() > 0.99


def test_values_near_the_samples_and_far_from_them_are_drawn() -> None:
    price = bookings()["price"]
    assert drawn("price", lambda v: v in set(np.nextafter(price, np.inf))) is not None
    assert abs(drawn("price", lambda v: abs(v) > 1e10)) > 1e10
    assert drawn("nights", lambda v: v > 200) > 200
    assert len(drawn("port", lambda v: v not in set(bookings()["port"]) and v.startswith("Co"))) >= 2


def test_the_tamest_cell_is_the_most_frequent_value() -> None:
    values = pd.Series(["Qu", "Cork", "Cork", "São"], dtype=object)
    assert tame(described("port"), values) == "Cork"


def test_a_missing_cell_is_drawn_only_where_the_pipeline_answers_without_it() -> None:
    assert np.isnan(drawn("price", lambda v: v != v, missing_allowed=True))
    rows = pd.concat(made("search", bookings()))
    assert not rows["weight"].isna().any()


def test_only_values_that_the_contract_accepts_are_drawn() -> None:
    column = described("port", values=("Cork", "Qu"))
    draw, rng = cells(column, bookings()["port"], TOKEN), np.random.default_rng(0)
    assert {draw(rng) for _ in range(100)} == {"Cork", "Qu"}
    X = bookings()
    signature = signature_of(X, "predict")
    columns = tuple(column if c.label == "port" else c for c in signature.columns)
    chunks = made("search", X, signature=replace(signature, columns=columns))
    assert set(pd.concat(chunks)["port"]) <= {"Cork", "Qu", "São"}


def test_very_many_columns_are_searched_within_the_budget() -> None:
    X = np.arange(3000.0).reshape(2, 1500)
    chunks = made("search", X, DummyRegressor().fit(X, [1, 2]))
    assert all(chunk.shape[1] == 1500 for chunk in chunks)
    assert ROWS <= sum(map(len, chunks)) <= 2 * ROWS + 10


def test_documents_are_searched() -> None:
    texts = ["a man, a plan", "the canal", "no plan"] * 4
    model = make_pipeline(CountVectorizer(), LinearRegression()).fit(texts, range(12))
    chunks = made("search", texts, model, signature=signature_of(pd.DataFrame({"text": texts}), "predict"))
    documents = {text for chunk in chunks for text in chunk}
    assert len(documents - set(texts)) > 10


def test_a_value_that_the_pipeline_refuses_is_not_mixed_into_rows() -> None:
    X = bookings()
    model = make_pipeline(make_column_transformer((OrdinalEncoder(), ["port"])), LinearRegression())
    model.fit(X, X["price"])
    rows = pd.concat(made("search", X[["port", "price"]], model))
    assert set(rows["port"]) <= set(X["port"])
    assert not set(rows["price"]) <= set(X["price"])


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from bookings import bookings, made
import pandas as pd
print(pd.concat(made("search", bookings())).to_csv())
"""


def test_another_process_draws_the_same_rows() -> None:
    support = str(Path(__file__).parents[1] / "support")
    before = pd.concat(made("search", bookings())).to_csv()
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(paths=[support])], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == before.strip()
