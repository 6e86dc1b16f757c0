"""Real rows and real pipelines that several test files share; each is made once a worker."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

FLIGHTS = Path(__file__).parents[1] / "examples" / "flights"


@pytest.fixture(scope="session")
def flights_recipes() -> ModuleType:
    """``examples/flights/recipes.py``, imported as ``onnxtwin build`` does: with its folder on the path."""
    sys.path.insert(0, str(FLIGHTS))
    try:
        return importlib.import_module("recipes")
    finally:
        sys.path.remove(str(FLIGHTS))


@pytest.fixture(scope="session")
def arrives_late(flights_recipes: ModuleType) -> tuple[Pipeline, pd.DataFrame, pd.Series]:
    """The fitted classifier of late arrivals, its 111,913 held-out flights and their outcomes."""
    return flights_recipes.arrives_late()  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def arrival_delay(flights_recipes: ModuleType) -> tuple[Pipeline, pd.DataFrame, pd.Series]:
    """The fitted regressor of delays, its 109,666 held-out flights and their delays in minutes."""
    return flights_recipes.arrival_delay()  # type: ignore[no-any-return]
