"""Recipes whose rows are frames of texts, dates, whole numbers and gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from feature_engine.encoding import CountFrequencyEncoder, RareLabelEncoder
from feature_engine.imputation import AddMissingIndicator, CategoricalImputer, MeanMedianImputer
from feature_engine.outliers import Winsorizer
from numpy.random import Generator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from correct import parts, tables
from correct.parts import chosen
from correct.pipelines import Drawn, recipe
from correct.tables import Table

WEATHER = ["temp", "dewp", "humid", "wind_speed", "pressure", "visib"]


def _model(rng: Generator) -> Any:
    return chosen(rng, [*parts.LINEAR_CLASSIFIERS, *parts.FORESTS, *parts.TREES, parts.BAYES[0]])(rng)


def _frame(table: Table, columns: list[str]) -> Table:
    return table.made(table.X[columns], ", ".join(columns))


@recipe
def numbers_and_categories(rng: Generator) -> Drawn:
    """Imputer and scaler beside one-hot columns."""
    table = tables.planes(rng)
    table = _frame(table, ["year", "seats", "engines", "type", "manufacturer"])
    hot = OneHotEncoder(
        handle_unknown=chosen(rng, ["ignore", "infrequent_if_exist"]),
        min_frequency=chosen(rng, [None, 5]),
        sparse_output=bool(rng.integers(2)),
        drop=chosen(rng, [None, "if_binary"]),
    )
    fill = SimpleImputer(strategy=chosen(rng, ["mean", "median"]), add_indicator=bool(rng.integers(2)))
    number = make_pipeline(fill, StandardScaler()) if rng.random() < 0.7 else fill
    columns = make_column_transformer(
        (number, ["year", "seats", "engines"]), (hot, ["type", "manufacturer"]), sparse_threshold=0
    )
    return make_pipeline(columns, _model(rng)), table


@recipe
def coded_categories(rng: Generator) -> Drawn:
    """Ordinal codes or target means of texts."""
    table = _frame(tables.planes(rng), ["manufacturer", "model", "seats", "engines"])
    codes: Any = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    coder = codes if rng.random() < 0.5 else TargetEncoder(cv=3, random_state=0)
    columns = make_column_transformer((coder, ["manufacturer", "model"]), remainder="passthrough")
    return make_pipeline(columns, _model(rng)), table


@recipe
def boosted_categories(rng: Generator) -> Drawn:
    """Native categories and gaps in histogram boosting."""
    table = _frame(tables.weather(rng), ["origin", "wind_dir", "temp", "humid", "wind_gust", "pressure"])
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = make_column_transformer((codes, ["origin"]), remainder="passthrough")
    boosting = HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=8, categorical_features=[0])
    return make_pipeline(columns, boosting), table


@recipe
def categories_only(rng: Generator) -> Drawn:
    """Each column a category."""
    table = _frame(tables.planes(rng), ["type", "engines", "seats"])
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = CategoricalNB(min_categories=80) if rng.random() < 0.5 else LogisticRegression()
    return make_pipeline(codes, FunctionTransformer(_from_zero), model), table


def _from_zero(codes: np.ndarray) -> np.ndarray:
    return codes + 1


@recipe
def columns_of_ones_own(rng: Generator) -> Drawn:
    """pandas in a function: clipped, cut, filled, compared, divided, chosen."""
    table = _frame(tables.weather(rng), ["origin", *WEATHER])
    function = chosen(rng, [_banded, _compared, _divided, _mapped])
    fill = SimpleImputer(strategy="median")
    scale = [StandardScaler()] if rng.random() < 0.6 else []
    return make_pipeline(FunctionTransformer(function), fill, *scale, _model(rng)), table


def _banded(rows: pd.DataFrame) -> pd.DataFrame:
    bands = pd.cut(rows["wind_speed"], [-1, 5, 10, 15, 20, 2000], labels=False).fillna(-1)
    return rows.assign(temp=rows["temp"].clip(20.0, 90.0), wind_speed=bands).drop(columns="origin")


def _compared(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[WEATHER].assign(close=(rows["temp"] - rows["dewp"] < 5).astype(float), wet=rows["humid"] > 80)


def _divided(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "spread": (rows["temp"] - rows["dewp"]) / rows["humid"],
            "wind": np.log1p(rows["wind_speed"]),
            "mean": rows[["temp", "dewp"]].mean(axis=1),
            "visib": rows["visib"].round(1),
        }
    )


def _mapped(rows: pd.DataFrame) -> pd.DataFrame:
    codes = rows["origin"].map({"EWR": 0.0, "JFK": 1.0, "LGA": 2.0})
    return rows[["temp", "humid"]].assign(
        origin=codes, gusty=rows["wind_speed"].where(rows["visib"] > 5, 0.0)
    )


@recipe
def texts_read_as_numbers(rng: Generator) -> Drawn:
    """Numbers that arrive as texts and are read inside of the pipeline."""
    table = tables.weather(rng)
    whole = rng.random() < 0.4
    X = (
        table.X[["hour", "month"]].astype(str)
        if whole
        else table.X[["temp", "humid"]].fillna(50.5).round(1).astype(str)
    )
    if rng.random() < 0.3:
        X = X.mask(rng.random(X.shape) < 0.05, "unknown")
        reader: Any = _coerced
    else:
        reader = chosen(rng, [_as_float, _as_int] if whole else [_as_float, _coerced])
    table = table.made(X, "as texts")
    fill = SimpleImputer() if reader is _coerced else StandardScaler()
    return make_pipeline(FunctionTransformer(reader), fill, _model(rng)), table


def _as_float(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype(float)


def _as_int(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype(int)


def _coerced(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.apply(pd.to_numeric, errors="coerce")


@recipe
def texts_taken_apart(rng: Generator) -> Drawn:
    """Lengths, letters and parts of texts."""
    table = _frame(tables.planes(rng), ["model", "manufacturer", "seats"])
    function = chosen(rng, [_lengths, _found, _cased])
    return make_pipeline(FunctionTransformer(function), _model(rng)), table


def _lengths(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": rows["model"].str.len(), "maker": rows["manufacturer"].str.len(), "n": rows["seats"]}
    )


def _found(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "airbus": rows["manufacturer"].str.startswith("AIRBUS"),
            "seven": rows["model"].str.contains("7", regex=False),
            "n": rows["seats"],
        }
    ).astype(float)


def _cased(rows: pd.DataFrame) -> pd.DataFrame:
    maker = rows["manufacturer"].str.strip().str.lower()
    return pd.DataFrame(
        {"boeing": maker == "boeing", "embraer": maker == "embraer", "n": rows["seats"]}
    ).astype(float)


@recipe
def dates(rng: Generator) -> Drawn:
    """Days and hours out of instants, or out of texts read inside of the pipeline."""
    table = tables.weather(rng)
    when = pd.to_datetime(table.X["time_hour"], utc=True).dt.tz_localize(None)
    wanted = rng.integers(3)
    if wanted == 0:
        X, function = when.to_frame("when"), _calendar
    elif wanted == 1:
        X, function = when.dt.strftime("%Y-%m-%d").to_frame("when"), _read_days
    else:
        X, function = when.dt.strftime("%Y-%m-%dT%H:%M:%S").to_frame("when"), _read_instants
    X = X.assign(temp=table.X["temp"].fillna(50.0), visib=table.X["visib"])
    return make_pipeline(FunctionTransformer(function), StandardScaler(), _model(rng)), table.made(X, "dates")


def _calendar(rows: pd.DataFrame) -> pd.DataFrame:
    when = rows["when"].dt
    return rows[["temp", "visib"]].assign(month=when.month, day=when.dayofweek, hour=when.hour).astype(float)


def _read_days(rows: pd.DataFrame) -> pd.DataFrame:
    return _calendar(rows.assign(when=pd.to_datetime(rows["when"], format="%Y-%m-%d")))


def _read_instants(rows: pd.DataFrame) -> pd.DataFrame:
    return _calendar(rows.assign(when=pd.to_datetime(rows["when"], format="%Y-%m-%dT%H:%M:%S")))


@recipe
def other_libraries(rng: Generator) -> Drawn:
    """feature-engine before a model."""
    table = _frame(tables.planes(rng), ["manufacturer", "type", "seats", "year"])
    texts, numbers = ["manufacturer", "type"], ["seats", "year"]
    rare = RareLabelEncoder(tol=0.05, n_categories=3, variables=texts, missing_values="ignore")
    steps = [
        CategoricalImputer(variables=texts),
        *([rare] if rng.random() < 0.6 else []),
        CountFrequencyEncoder(
            chosen(rng, ["count", "frequency"]), variables=texts, unseen="encode", missing_values="ignore"
        ),
        *([AddMissingIndicator(variables=["year"])] if rng.random() < 0.5 else []),
        MeanMedianImputer(chosen(rng, ["mean", "median"]), variables=numbers),
        Winsorizer("quantiles", tail="both", fold=0.05, variables=["seats"], missing_values="ignore"),
    ]
    return make_pipeline(*steps, _model(rng)), table


@recipe
def places(rng: Generator) -> Drawn:
    """Coordinates and zones; the altitude."""
    table = _frame(tables.airports(rng), ["lat", "lon", "tz", "dst"])
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((StandardScaler(), ["lat", "lon", "tz"]), (hot, ["dst"]))
    model = chosen(rng, [*parts.LINEAR_REGRESSORS[:6], *parts.TREE_REGRESSORS[:4]])(rng)
    return make_pipeline(columns, Ridge() if rng.random() < 0.2 else model), table
