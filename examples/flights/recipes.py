"""Two models of flight delays, written as in a notebook; each function is a recipe for ``onnxtwin build``.

Only what is known before departure is a feature: the schedule, the weather at the airport of
departure, the two airports' coordinates, and the plane.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from flights_data import COORDINATES, PLANE, SCHEDULE, WEATHER, joined_flights, split
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
    TargetEncoder,
)

EARTH_RADIUS_KM = 6371.0


def calendar_and_distance(flights: pd.DataFrame) -> pd.DataFrame:
    """Hour, weekday and month of departure (UTC), and the great-circle distance in kilometres.

    The haversine formula, https://en.wikipedia.org/wiki/Haversine_formula.
    """
    flights = flights.copy()
    departure = pd.to_datetime(flights["time_hour"])
    flights["hour"] = departure.dt.hour
    flights["weekday"] = departure.dt.day_of_week
    flights["month"] = departure.dt.month

    lat1, lon1 = np.radians(flights["origin_lat"]), np.radians(flights["origin_lon"])
    lat2, lon2 = np.radians(flights["dest_lat"]), np.radians(flights["dest_lon"])
    a = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    flights["distance_km"] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(a))
    return flights.drop(columns=["time_hour", *COORDINATES])


class ScheduleFeatures(TransformerMixin, BaseEstimator):
    """The clock readings in minutes, the scheduled duration, and how busy the destination is."""

    def fit(self, X: pd.DataFrame, y: object = None) -> ScheduleFeatures:
        self.flights_to_ = X["dest"].value_counts().to_dict()
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        X = X.copy()
        departs = X["sched_dep_time"] // 100 * 60 + X["sched_dep_time"] % 100
        arrives = X["sched_arr_time"] // 100 * 60 + X["sched_arr_time"] % 100
        X["departs"] = departs
        X["duration"] = (arrives - departs) % (24 * 60)
        X["busy"] = X["dest"].map(self.flights_to_).fillna(0)
        X["gust_over_wind"] = np.where(X["wind_gust"].isna(), 0.0, X["wind_gust"] - X["wind_speed"])
        return X.drop(columns=["sched_dep_time", "sched_arr_time", "wind_gust"])


def arrives_late() -> tuple[Pipeline, pd.DataFrame, pd.Series]:
    """Will the flight arrive more than 30 minutes late, or not at all?"""
    train, held_out = split(joined_flights(), n_train=60_000)
    columns = [*SCHEDULE, *COORDINATES, *WEATHER]

    def late(flights: pd.DataFrame) -> pd.Series:
        return (flights["arr_delay"] > 30) | flights["arr_delay"].isna()

    categories = ["carrier", "origin", "dest"]
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), categories),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    boosting = HistGradientBoostingClassifier(
        categorical_features=categories, max_iter=60, learning_rate=0.15, max_leaf_nodes=20, random_state=0
    )
    pipeline = make_pipeline(
        FunctionTransformer(calendar_and_distance),
        ScheduleFeatures(),
        encode,
        CalibratedClassifierCV(boosting, cv=3),
    )
    pipeline.fit(train[columns], late(train))
    return pipeline, held_out[columns], late(held_out)


def arrival_delay() -> tuple[Pipeline, pd.DataFrame, pd.Series]:
    """By how many minutes will the flight be late, if it arrives?"""
    flights = joined_flights()
    train, held_out = split(flights[flights["arr_delay"].notna()], n_train=40_000)
    numbers = ["sched_dep_time", "sched_arr_time", *WEATHER, "plane_year", "seats"]
    columns = ["carrier", "origin", "dest", *WEATHER, *PLANE, "sched_dep_time", "sched_arr_time"]

    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), PowerTransformer()), numbers),
        (
            OneHotEncoder(min_frequency=0.02, handle_unknown="infrequent_if_exist", sparse_output=False),
            ["carrier", "origin", "model"],
        ),
        (TargetEncoder(target_type="continuous", cv=KFold(shuffle=True, random_state=0)), ["dest"]),
    )
    forest = RandomForestRegressor(
        n_estimators=50, max_leaf_nodes=300, max_features=0.4, random_state=0, n_jobs=-1
    )
    pipeline = make_pipeline(prepare, StandardScaler(), forest)
    pipeline.fit(train[columns], train["arr_delay"])
    return pipeline, held_out[columns], held_out["arr_delay"]
