"""Ten pipelines as many notebooks have them, fitted: what a check and an export cost of each is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

Fitted = tuple[Any, pd.DataFrame]


def readme() -> Fitted:
    """The README's first pipeline."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    ratio = FunctionTransformer(lambda df: df.assign(ratio=np.log1p(df["alcohol"]) / df["ash"]))
    pipeline = make_pipeline(ratio, SimpleImputer(), StandardScaler(), LogisticRegression())
    return pipeline.fit(X[::2], y[::2]), X


def scaled_logistic() -> Fitted:
    """Thirty columns."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), X


def raw_logistic() -> Fitted:
    """Two columns as they are."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X[["mean radius", "mean texture"]]
    return LogisticRegression().fit(X, y), X


def forest() -> Fitted:
    """A hundred trees on thirty columns."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return RandomForestClassifier(100, random_state=0).fit(X, y), X


def small_forest() -> Fitted:
    """Twenty trees on three columns."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :3]
    return RandomForestClassifier(20, random_state=0).fit(X, y), X


def histogram_boosting() -> Fitted:
    """A hundred trees that take missing values."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.05)
    return HistGradientBoostingClassifier(random_state=0).fit(X, y), X


def mixed_columns() -> Fitted:
    """Texts and numbers with gaps, imputed, encoded, scaled."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "carrier": rng.choice(np.array(["UA", "AA", "DL", None], dtype=object), 500),
            "origin": rng.choice(["JFK", "LGA", "EWR"], 500),
            "distance": rng.normal(1000, 300, 500),
            "delay": np.where(rng.random(500) < 0.1, np.nan, rng.exponential(10, 500)),
        }
    )
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((texts, ["carrier", "origin"]), (numbers, ["distance", "delay"]))
    late = X["delay"].fillna(0) + rng.normal(0, 5, 500) > 10
    return make_pipeline(columns, LogisticRegression()).fit(X, late), X


def ridge() -> Fitted:
    """A regressor on ten scaled columns."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    return make_pipeline(StandardScaler(), Ridge()).fit(X, y), X


def calendar(frame: pd.DataFrame) -> pd.DataFrame:
    """Features of a text and of an instant."""
    return pd.DataFrame(
        {
            "hour": frame["departs"].dt.hour,
            "weekend": frame["departs"].dt.dayofweek >= 5,
            "north": frame["city"].str.lower().str.startswith("n"),
            "length": frame["city"].str.len(),
        }
    )


def dates_and_texts() -> Fitted:
    """A function of pandas' on a text and an instant."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "departs": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366 * 24, 400), unit="h"),
            "city": rng.choice(["New York", "Newark", "Boston", "Nashville", "Denver"], 400),
        }
    )
    model = make_pipeline(FunctionTransformer(calendar), LinearRegression())
    return model.fit(X, rng.normal(size=400)), X


def wide() -> Fitted:
    """Three hundred columns."""
    X, y = make_regression(400, 300, random_state=0)
    frame = pd.DataFrame(X, columns=[f"column {i}" for i in range(300)])
    return make_pipeline(StandardScaler(), Ridge()).fit(frame, y), frame


COMMON: dict[str, Callable[[], Fitted]] = {
    "the README's": readme,
    "scaler, logistic regression, 30 columns": scaled_logistic,
    "logistic regression on 2 raw columns": raw_logistic,
    "random forest of 100, 30 columns": forest,
    "random forest of 20, 3 columns": small_forest,
    "histogram boosting of 100 with gaps, 30 columns": histogram_boosting,
    "imputers, one-hot and scaler, logistic regression": mixed_columns,
    "scaler, ridge, 10 columns": ridge,
    "dates and texts by pandas, linear regression": dates_and_texts,
    "scaler, ridge, 300 columns": wide,
}
