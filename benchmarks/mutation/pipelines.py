"""The pipelines that defects are planted in: real estimators on real tables, fitted here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from feature_engine.outliers import Winsorizer
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"

Subject = tuple[Any, Any]
"""A fitted pipeline and held-out raw rows."""


@dataclass(frozen=True)
class Source:
    """A pipeline to plant defects in.

    Attributes
    ----------
    name : short, for the table.
    make : fits it; gives the pipeline and held-out raw rows.
    rows : how many of those rows the check is handed.
    share : of the mutants that a pipeline gets; below 1 where one check takes long.
    link : how far an answer moves, at most, when a score moves by 1 (1/2 for softmax; for the exponential
        as a share of the answer); None where scores are the answers or trees decide.
    """

    name: str
    make: Callable[[], Subject]
    rows: int = 1000
    share: float = 1.0
    link: float | None = None


SOURCES: dict[str, Source] = {}


def source(
    rows: int = 1000, share: float = 1.0, link: float | None = None
) -> Callable[[Callable[[], Subject]], Callable[[], Subject]]:
    """Register a function as a source of mutants, under its own name."""

    def register(make: Callable[[], Subject]) -> Callable[[], Subject]:
        name = make.__name__.replace("_", " ")
        SOURCES[name] = Source(name, make, rows, share, link)
        return make

    return register


@cache
def flights_module(name: str) -> Any:
    """``flights_data`` or ``recipes`` of the example, imported with its folder on the path."""
    sys.path.insert(0, str(FLIGHTS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FLIGHTS))


@source(share=0.2)
def flights_arrives_late() -> Subject:
    """A flights recipe: dates, distances, ordinal codes, calibrated histogram boosting with categories."""
    pipeline, X, _ = flights_module("recipes").arrives_late()
    return pipeline, X


@source(share=0.2)
def flights_arrival_delay() -> Subject:
    """A flights recipe: imputer, power transform, one-hot and target encoders, scaled forest."""
    pipeline, X, _ = flights_module("recipes").arrival_delay()
    return pipeline, X


def _flights(columns: list[str], rows: int = 12_000) -> tuple[pd.DataFrame, pd.Series]:
    """A sample of real flights that arrived, and their delays in minutes."""
    flights = flights_module("flights_data").joined_flights()
    flights = flights[flights["arr_delay"].notna()].sample(rows, random_state=1)
    return flights[columns].reset_index(drop=True), flights["arr_delay"].reset_index(drop=True)


def _halves(X: Any) -> tuple[Any, Any]:
    return X[::2], X[1::2]


@source(link=0.5)
def wine_ratio_logistic() -> Subject:
    """A feature of the user's own, mean imputation, scaling, three named classes."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    y = np.array(["barbera", "grignolino", "nebbiolo"])[y]
    X = X.astype(float)
    X.loc[::9, "ash"] = np.nan
    X.loc[::13, "hue"] = np.nan
    ratio = FunctionTransformer(lambda df: df.assign(ratio=np.log1p(df["alcohol"]) / df["proline"]))
    pipeline = make_pipeline(ratio, SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500))
    pipeline.fit(X[::2], y[::2])
    return pipeline, X[1::2]


@source()
def cancer_tree_missing() -> Subject:
    """One tree on raw columns, which routes missing values."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :12].mask(np.random.default_rng(0).random((len(X), 12)) < 0.15)
    X.loc[y == 1, "mean radius"] = X["mean radius"].where(np.arange(len(X)) % 2 == 0)
    pipeline = DecisionTreeClassifier(min_samples_leaf=2, random_state=0).fit(X[::2], y[::2])
    return pipeline, X[1::2]


@source()
def planes_forest() -> Subject:
    """Texts, infrequent categories, indicators, a forest with four named classes."""
    planes = flights_module("flights_data").table("planes")
    X = planes[["type", "manufacturer", "model", "engines", "seats", "year"]]
    top = planes["engine"].isin(["Turbo-fan", "Turbo-jet", "Reciprocating"])
    y = planes["engine"].where(top, "other")
    encode = make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore", min_frequency=10, sparse_output=False),
            ["type", "manufacturer"],
        ),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["model"]),
        (SimpleImputer(strategy="median", add_indicator=True), ["engines", "seats", "year"]),
    )
    forest = RandomForestClassifier(30, max_leaf_nodes=60, random_state=0)
    train, test = _halves(X)
    return make_pipeline(encode, forest).fit(train, y[::2]), test


@source()
def carrier_boosting_categories() -> Subject:
    """Histogram boosting with categories and missing values, three classes."""
    X, delay = _flights(
        ["carrier", "origin", "dest", "wind_gust", "temp", "humid", "sched_dep_time", "seats"]
    )
    y = pd.cut(delay, [-np.inf, 0, 30, np.inf], labels=["early", "late", "very late"]).astype(str)
    categories = ["carrier", "origin", "dest"]
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), categories),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    boosting = HistGradientBoostingClassifier(
        categorical_features=categories, max_iter=12, max_leaf_nodes=12, random_state=0
    )
    train, test = _halves(X)
    return make_pipeline(encode, boosting).fit(train, y[::2]), test


@source()
def weather_boosting_regressor() -> Subject:
    """Histogram boosting on raw columns with missing values."""
    weather = flights_module("flights_data").table("weather")
    X = weather[
        ["dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "pressure", "visib", "month", "hour"]
    ]
    known = weather["temp"].notna()
    train, test = _halves(X[known])
    boosting = HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=15, random_state=0)
    return boosting.fit(train, weather.loc[known, "temp"][::2]), test


@source()
def diabetes_bins_quantiles_ridge() -> Subject:
    """Two kinds of bins, quantiles, robust scaling, a linear regression."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    prepare = make_column_transformer(
        (KBinsDiscretizer(5, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), ["age", "bmi"]),
        (KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), ["bp", "s1"]),
        (QuantileTransformer(n_quantiles=40), ["s2", "s3"]),
        (RobustScaler(), ["s4", "s5", "s6"]),
    )
    train, test = _halves(X)
    return make_pipeline(prepare, Ridge()).fit(train, y[::2]), test


@source()
def diabetes_winsorizer_power() -> Subject:
    """Capped columns (feature-engine), a power transform, one tree."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    clip = Winsorizer(capping_method="quantiles", tail="both", fold=0.05, missing_values="ignore")
    train, test = _halves(X)
    return make_pipeline(clip, PowerTransformer(), DecisionTreeRegressor(max_depth=7, random_state=0)).fit(
        train, y[::2]
    ), test


def _calendar(rows: pd.DataFrame) -> pd.DataFrame:
    when = rows["time_hour"].dt
    return pd.DataFrame(
        {
            "hour": when.hour,
            "weekday": when.dayofweek,
            "month_end": when.is_month_end.astype(float),
            "week": when.day // 7,
            "departs": rows["sched_dep_time"].clip(600, 2150) / 100,
        }
    )


@source(link=1.0)
def calendar_poisson() -> Subject:
    """Calendar features of a date, pandas' clip, one-hot, a Poisson regression."""
    X, delay = _flights(["time_hour", "sched_dep_time"], rows=6000)
    X["time_hour"] = pd.to_datetime(X["time_hour"], utc=True).dt.tz_localize(None)
    prepare = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["hour", "weekday"]),
        remainder="passthrough",
    )
    pipeline = make_pipeline(
        FunctionTransformer(_calendar), prepare, PoissonRegressor(alpha=0.1, max_iter=300)
    )
    train, test = _halves(X)
    return pipeline.fit(train, delay[::2].clip(lower=0)), test


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    model = rows["model"].str.strip().str.upper()
    return pd.DataFrame(
        {
            "family": model.str[:2],
            "jet": model.str.startswith("A3").astype(float),
            "dashed": model.str.contains("-", regex=False).astype(float),
            "length": model.str.len().astype(float),
            "maker": rows["manufacturer"].str.lower(),
        }
    )


@source(share=0.4)
def planes_text_calibrated_svc() -> Subject:
    """Text features by pandas, infrequent categories, a calibrated linear SVC."""
    planes = flights_module("flights_data").table("planes")
    X = planes[["model", "manufacturer"]]
    y = np.where(planes["seats"] > 150, "large", "small")
    prepare = make_column_transformer(
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20), ["family", "maker"]),
        (StandardScaler(), ["length"]),
        remainder="passthrough",
    )
    pipeline = make_pipeline(
        FunctionTransformer(_texts), prepare, CalibratedClassifierCV(LinearSVC(random_state=0), cv=2)
    )
    train, test = _halves(X)
    return pipeline.fit(train, y[::2]), test


@source()
def flights_features_transformer() -> Subject:
    """A transformer's output: imputers, scaler, one-hot, target and ordinal codes."""
    X, delay = _flights(["carrier", "origin", "dest", "wind_gust", "temp", "seats", "plane_year"], rows=4000)
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["wind_gust", "temp"]),
        (SimpleImputer(strategy="most_frequent"), ["seats", "plane_year"]),
        (
            OneHotEncoder(max_categories=6, handle_unknown="infrequent_if_exist", sparse_output=False),
            ["carrier"],
        ),
        (TargetEncoder(target_type="continuous", cv=KFold(shuffle=True, random_state=0)), ["dest"]),
        (OrdinalEncoder(), ["origin"]),
    )
    train, test = _halves(X)
    return prepare.fit(train, delay[::2]), test


@source()
def iris_extra_trees() -> Subject:
    """Extra trees on raw columns with missing values, three named classes."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)
    X = X.round(1).mask(np.random.default_rng(3).random(X.shape) < 0.1)
    return ExtraTreesClassifier(15, random_state=0).fit(X[::2], names[y[::2]]), X[1::2]


def _bands(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        temp=rows["temp"].clip(20.0, 90.0),
        wind=pd.cut(rows["wind_speed"], [-1, 5, 10, 15, 20, 2000], labels=False).fillna(-1),
        humid=rows["humid"].fillna(60.5),
    ).drop(columns="wind_speed")


@source()
def weather_bands_boosting() -> Subject:
    """pandas' clip, cut and fillna, gradient boosting."""
    weather = flights_module("flights_data").table("weather").sample(4000, random_state=0)
    weather = weather[weather["temp"].notna()]
    y = (weather["precip"] > 0).astype(int)
    X = weather[["temp", "wind_speed", "humid"]].reset_index(drop=True)
    pipeline = make_pipeline(
        FunctionTransformer(_bands), GradientBoostingClassifier(n_estimators=25, max_depth=3, random_state=0)
    )
    train, test = _halves(X)
    return pipeline.fit(train, y[::2]), test


@source()
def seats_scaled_forest() -> Subject:
    """Scaled columns, a forest of regression trees."""
    X, delay = _flights(["temp", "dewp", "humid", "wind_speed", "pressure", "seats"], rows=3000)
    X = X.dropna().reset_index(drop=True)
    pipeline = make_pipeline(StandardScaler(), RandomForestRegressor(12, max_leaf_nodes=80, random_state=0))
    train, test = _halves(X)
    return pipeline.fit(train, delay[: len(X)][::2]), test
