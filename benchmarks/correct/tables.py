"""Real tables, and what a draw makes of them: some columns, rounded (ties), with gaps, wider, as float32."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from sklearn import datasets

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"

ROWS = 300
"""Of a table: half to fit, half held out for the check."""


@dataclass(frozen=True)
class Table:
    """Rows and their targets.

    Attributes
    ----------
    name : of the data set, and what was made of it.
    X : raw rows.
    y : ``[N]``, classes (integers or texts) or numbers.
    """

    name: str
    X: Any
    y: Any

    def made(self, X: Any, how: str) -> Table:
        """The same targets with other rows."""
        return replace(self, name=f"{self.name}, {how}", X=X)

    @property
    def fitted_on(self) -> tuple[Any, Any]:
        """Every other row."""
        return self.X[::2], self.y[::2]

    @property
    def held_out(self) -> Any:
        """The rows between."""
        return self.X[1::2]


@cache
def flights_table(name: str) -> pd.DataFrame:
    """``weather``, ``planes`` or ``airports`` of the flights example."""
    sys.path.insert(0, str(FLIGHTS))
    try:
        return importlib.import_module("flights_data").table(name)  # type: ignore[no-any-return]
    finally:
        sys.path.remove(str(FLIGHTS))


def _drawn(rng: Generator, name: str, X: pd.DataFrame, y: Any) -> Table:
    rows = rng.permutation(len(X))[:ROWS]
    return Table(name, X.iloc[rows].reset_index(drop=True), np.asarray(y)[rows])


def classes(rng: Generator, most: int = 3) -> Table:
    """Numbers and classes, of which there are two or up to ``most``; some tables name them."""
    loaders = [datasets.load_breast_cancer, datasets.load_iris, datasets.load_wine, datasets.load_digits]
    X, y = loaders[rng.choice(4, p=[0.4, 0.25, 0.25, 0.1])](return_X_y=True, as_frame=True)
    name = {30: "cancer", 4: "iris", 13: "wine", 64: "digits"}[X.shape[1]]
    kept = int(rng.integers(2, most + 1))
    rows = np.flatnonzero(np.asarray(y) < kept)
    table = _drawn(rng, name, X.iloc[rows].astype(float), np.asarray(y)[rows])
    if rng.random() < 0.3:
        return replace(table, y=np.array([f"class {c}" for c in table.y], dtype=object))
    return table


def numbers(rng: Generator) -> Table:
    """Numbers and a positive number to predict."""
    which = rng.integers(4)
    if which < 2:
        X, y = datasets.load_diabetes(return_X_y=True, as_frame=True, scaled=bool(which))
        return _drawn(rng, "diabetes" if which else "diabetes, raw", X.astype(float), y)
    if which == 2:
        X, _ = datasets.load_breast_cancer(return_X_y=True, as_frame=True)
        return _drawn(rng, "cancer", X.drop(columns=["mean area", "worst area"]), X["mean area"])
    X, _ = datasets.load_wine(return_X_y=True, as_frame=True)
    return _drawn(rng, "wine", X.drop(columns=["proline"]), X["proline"])


def some_columns(rng: Generator, table: Table, least: int = 2, most: int = 8) -> Table:
    """A few of the columns."""
    width = min(table.X.shape[1], int(rng.integers(least, most + 1)))
    columns = np.sort(rng.permutation(table.X.shape[1])[:width])
    return table.made(table.X.iloc[:, columns], f"{width} columns")


def ties(rng: Generator, table: Table) -> Table:
    """Rounded, so that values come again, halves among them."""
    digits = int(rng.integers(0, 2))
    half = rng.random() < 0.3
    X = (table.X * 2).round(digits) / 2 if half else table.X.round(digits)
    return table.made(X, "rounded to halves" if half else f"{digits} decimals")


def gaps(rng: Generator, table: Table, share: float = 0.12) -> Table:
    """Values missing at random."""
    return table.made(table.X.mask(rng.random(table.X.shape) < share), "with gaps")


def single(table: Table) -> Table:
    """The rows in float32."""
    return table.made(table.X.astype(np.float32), "float32")


def matrix(table: Table) -> Table:
    """The rows as a matrix, without names."""
    return table.made(np.ascontiguousarray(table.X.to_numpy()), "a matrix")


def wide(rng: Generator, table: Table) -> Table:
    """100 to 300 columns: products of the table's own."""
    X, width = table.X.to_numpy(), int(rng.integers(100, 301))
    first, second = rng.integers(X.shape[1], size=(2, width))
    with np.errstate(all="ignore"):
        products = X[:, first] * np.where(rng.random(width) < 0.3, 1.0, X[:, second])
    made = table.made(pd.DataFrame(products).add_prefix("f"), f"{width} products")
    return matrix(made) if rng.random() < 0.7 else made


def altered(rng: Generator, table: Table, gap_share: float = 0.0) -> Table:
    """All columns or some, as they are or rounded, with names or as a matrix; with gaps where wanted."""
    table = some_columns(rng, table) if rng.random() < 0.7 or table.X.shape[1] > 30 else table
    table = ties(rng, table) if rng.random() < 0.3 else table
    table = gaps(rng, table, gap_share) if gap_share else table
    return matrix(table) if rng.random() < 0.3 else table


def weather(rng: Generator) -> Table:
    """Observations with texts, dates as texts, gaps; whether it rained."""
    X = flights_table("weather")
    y = np.where(X["precip"] > 0, "rain", "dry")
    rows = np.concatenate([np.flatnonzero(y == "rain")[: 4 * ROWS], np.arange(0, len(X), 20)])
    return _drawn(rng, "weather", X.drop(columns=["precip"]).iloc[rows], y[rows])


def planes(rng: Generator) -> Table:
    """Texts, whole numbers, gaps; the kind of engine."""
    X = flights_table("planes")
    top = X["engine"].isin(["Turbo-fan", "Turbo-jet"])
    return _drawn(rng, "planes", X.drop(columns=["engine", "speed"]), X["engine"].where(top, "other"))


def airports(rng: Generator) -> Table:
    """Names, coordinates, zones; the altitude."""
    X = flights_table("airports")
    return _drawn(rng, "airports", X.drop(columns=["alt"]), X["alt"].to_numpy(dtype=float))
