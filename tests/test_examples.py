"""The flights example: raw rows, only what is known before departure, twins that answer as pipelines do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

import onnxtwin

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "artifacts" / "flights"
RECIPES = ["arrives_late", "arrival_delay"]
HELD_OUT_AT_LEAST = 100_000
SMALL_ENOUGH_TO_COMMIT = 5_000_000
KNOWN_AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
TOLERANCE = 1e-9

Fitted = tuple[Pipeline, pd.DataFrame, pd.Series]

# One worker fits each recipe once for all the tests of this file.
pytestmark = pytest.mark.xdist_group("flights")


@pytest.fixture(params=RECIPES)
def fitted(request: pytest.FixtureRequest) -> Fitted:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_only_what_is_known_before_departure_is_a_feature(fitted: Fitted) -> None:
    _, X, _ = fitted
    assert KNOWN_AFTER_DEPARTURE & set(X.columns) == set()


def test_at_least_100_000_flights_are_held_out(fitted: Fitted) -> None:
    _, X, y = fitted
    assert len(X) == len(y) >= HELD_OUT_AT_LEAST


def test_raw_columns_keep_their_types_and_their_missing_values(fitted: Fitted) -> None:
    _, X, _ = fitted
    text = X[["carrier", "origin", "dest"]]
    assert all(isinstance(value, str) for value in text.iloc[0])
    assert {str(dtype) for dtype in X.dtypes} - {str(dtype) for dtype in text.dtypes} == {"float64", "int64"}
    assert X["wind_gust"].isna().any()


def test_held_out_flights_leave_after_every_flight_of_the_fit(arrives_late: Fitted) -> None:
    _, X, _ = arrives_late
    assert X["time_hour"].min() >= "2013-09"


def test_arrives_late_ranks_flights_better_than_chance(arrives_late: Fitted) -> None:
    pipeline, X, late = arrives_late
    assert roc_auc_score(late, pipeline.predict_proba(X)[:, 1]) > 0.7


def test_arrival_delay_explains_more_than_any_constant(arrival_delay: Fitted) -> None:
    pipeline, X, delay = arrival_delay
    assert pipeline.score(X, delay) > 0.05


def test_the_twin_answers_flights_as_the_pipeline_does(fitted: Fitted) -> None:
    pipeline, X, _ = fitted
    rows = X.sample(3000, random_state=1)
    twin = onnxtwin.export(pipeline, X)
    assert twin.signature.methods[0] == "predict"
    for method in twin.signature.methods:
        np.testing.assert_allclose(
            twin.run(rows)[method], getattr(pipeline, method)(rows), rtol=TOLERANCE, atol=TOLERANCE
        )


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_committed_artifact_repeats_its_vectors(recipe: str) -> None:
    assert onnxtwin.load(GOLDEN / recipe).self_test().ok


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_committed_artifact_is_small(recipe: str) -> None:
    assert sum(path.stat().st_size for path in (GOLDEN / recipe).iterdir()) < SMALL_ENOUGH_TO_COMMIT


@pytest.mark.long
@pytest.mark.parametrize("recipe", RECIPES)
def test_build_checks_every_held_out_flight_and_finds_no_mismatch(recipe: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("onnxtwin"),
            "build",
            f"examples/flights/recipes.py:{recipe}",
            "-o",
            tmp_path / recipe,
        ],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / recipe / "report.json").read_text(encoding="utf-8"))
    assert report["ok"] is True
