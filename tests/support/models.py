"""A real pipeline on a real table that several tests of the public face share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def flowers() -> tuple[Pipeline, pd.DataFrame, np.ndarray]:
    """Iris with a text column, gaps, and species by name: the fitted pipeline, its rows, the species."""
    iris = load_iris(as_frame=True)
    X = iris.data.rename(columns=lambda name: name.removesuffix(" (cm)"))
    X["colour"] = np.where(X["petal width"] > 1, "dark", "light")
    X.loc[::7, "sepal width"] = np.nan
    X.loc[::11, "colour"] = None
    y = iris.target_names[iris.target]
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    prepare = make_column_transformer(
        (numbers, ["sepal length", "sepal width", "petal length", "petal width"]),
        (OneHotEncoder(handle_unknown="ignore"), ["colour"]),
    )
    return make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(X, y), X, y
