"""Rows of many types, a pipeline that answers them, and the cases that a family makes of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from fake_twins import signature_of
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases import Regrouped, families
from onnxtwin.runtime_checks.reference import Reference


def bookings() -> pd.DataFrame:
    """Thirty rows: floats, text, a category, integers, instants."""
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


@cache
def pipeline() -> Pipeline:
    """Imputes prices, refuses missing weights, ignores unknown ports and sizes."""
    columns = make_column_transformer(
        (SimpleImputer(), ["price"]),
        ("passthrough", ["weight", "nights"]),
        (OneHotEncoder(handle_unknown="ignore"), ["port", "size"]),
    )
    X = bookings()
    return make_pipeline(columns, LinearRegression()).fit(X, X["price"])


def made(
    name: str, X: Any, model: Any = None, *, seed: int = 0, signature: Signature | None = None
) -> list[Any]:
    """The batches of a family; ``model`` is :func:`pipeline` by default."""
    reference = Reference(pipeline() if model is None else model, ["predict"], None)
    signature = signature_of(X, "predict") if signature is None else signature
    chunks = families([name])[name](reference, signature, X, np.random.default_rng(seed))
    return [chunk.rows if isinstance(chunk, Regrouped) else chunk for chunk in chunks]


def changed(chunk: pd.DataFrame, X: pd.DataFrame) -> list[str]:
    """The columns that hold values which the rows do not."""
    return [name for name in X.columns if not set(chunk[name]) <= set(X[name])]
