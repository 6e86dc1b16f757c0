from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, changed, made
from fake_twins import check_fake, signature_of
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from onnxtwin.runtime_checks.cases.extreme import extreme_values
from onnxtwin.runtime_checks.reference import Reference

ANYTHING = DummyRegressor().fit([[0]], [1])


def values_of(column: pd.Series) -> list[Any]:
    """All extreme values for a column that a pipeline answers whatever is in it."""
    X = column.to_frame("x")
    (described,) = signature_of(X, "predict").columns
    return [value for run in extreme_values(described, column) for value in run]


def test_floats_are_tried_at_the_ends_of_both_precisions() -> None:
    X = pd.DataFrame({"x": np.linspace(0, 1, 10)})
    tried = pd.concat(made("extreme", X, HistGradientBoostingRegressor(max_iter=1).fit(X, X["x"])))["x"]
    double, single = np.finfo(np.float64), np.finfo(np.float32)
    wanted = [5e-324, double.tiny, double.max, single.tiny, single.smallest_subnormal, single.max, np.inf]
    assert set(map(float, wanted)) | {-float(v) for v in (5e-324, double.max, np.inf)} <= set(tried)
    zeros = tried[tried == 0]
    assert set(np.signbit(zeros)) == {False, True}


def test_both_sides_of_the_overflow_of_float32_are_tried() -> None:
    X = np.linspace(0, 1, 10)[:, None]
    tree = DecisionTreeRegressor().fit(X, X[:, 0])
    tried = np.concatenate([chunk[:, 0] for chunk in made("extreme", X, tree)])
    with np.errstate(over="ignore"):
        finite = np.isfinite(tried.astype(np.float32))
    assert tried[finite].max() == np.nextafter(tried[~finite & (tried > 0)].min(), 0)
    assert tried[finite].min() == np.nextafter(tried[~finite & (tried < 0)].max(), 0)


def test_of_values_that_the_pipeline_refuses_a_few_are_left() -> None:
    X = np.linspace(0, 1, 10)[:, None]
    tree = DecisionTreeRegressor().fit(X, X[:, 0])
    tried = np.concatenate([chunk[:, 0] for chunk in made("extreme", X, tree)])
    with np.errstate(over="ignore"):
        assert np.isinf(tried.astype(np.float32)).sum() == 4


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "uint16", "Int16"])
def test_integers_are_tried_at_the_limits_of_their_type(dtype: str) -> None:
    tried = values_of(pd.Series([1, 2, 3], dtype=dtype)) if dtype != "Int16" else [2**15 - 1, -(2**15)]
    limits = np.iinfo(dtype.lower())
    assert (min(tried), max(tried)) == (limits.min, limits.max)


def test_integers_are_tried_where_a_double_ceases_to_hold_them() -> None:
    assert {2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1} <= set(values_of(pd.Series([1, 2, 3])))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_first_and_the_last_instant_of_each_unit_are_tried(unit: str) -> None:
    tried = values_of(pd.Series(pd.to_datetime(["2024-01-01"])).astype(f"datetime64[{unit}]"))
    ticks = [int(value.asm8.view(np.int64)) for value in tried]
    assert (min(ticks), max(ticks)) == (-(2**63) + 1, 2**63 - 1)


def test_leap_days_and_year_ends_are_tried_to_the_last_tick() -> None:
    tried = values_of(bookings()["booked"])
    wanted = ["2024-02-29", "2000-02-29", "1900-03-01", "2023-12-31 23:59:59.999999", "2020-12-31"]
    assert {pd.Timestamp(day, tz="UTC") for day in wanted} <= set(tried)


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe"])
def test_both_sides_of_each_change_of_the_clock_are_tried(zone: str) -> None:
    column = pd.Series(pd.to_datetime(["2024-01-01"])).dt.as_unit("us").dt.tz_localize(zone)
    tried = sorted(values_of(column))
    jumps = [
        after.utcoffset() - before.utcoffset()
        for before, after in pairwise(tried)
        if after - before == pd.Timedelta(1, "us") and after.utcoffset() != before.utcoffset()
    ]
    assert len(jumps) == 2
    assert jumps[0] == -jumps[1]


def test_durations_are_tried_at_both_ends_and_at_a_day() -> None:
    tried = values_of(pd.Series(pd.to_timedelta([1, 2], unit="h")))
    assert {pd.Timedelta(0), pd.Timedelta(1, "D"), -pd.Timedelta(1, "D")} <= set(tried)
    ticks = [int(value.asm8.view(np.int64)) for value in tried]
    assert (min(ticks), max(ticks)) == (-(2**63) + 1, 2**63 - 1)


def test_texts_that_hold_dates_are_tried_with_dates_in_their_own_spelling_and_in_others() -> None:
    tried = values_of(pd.Series(["05.01.2024", "26.02.2024"], dtype=object))
    assert {"29.02.2024", "31.12.2020"} <= set(tried)
    assert {"2024-02-29", "2024-02-30", "29 February 2024", "24-02-29"} <= set(tried)


def test_texts_that_hold_no_dates_are_not() -> None:
    assert values_of(pd.Series(["UA", "DL"], dtype=object)) == []


def test_truth_values_are_tried_both() -> None:
    X = pd.DataFrame({"late": [True] * 5})
    signature = signature_of(X.astype(float), "predict")
    (column,) = signature.columns
    assert extreme_values(column, X["late"].astype("boolean")) == [[True, False]]


def test_one_column_is_changed_at_a_time_and_then_all_floats() -> None:
    X = bookings()
    model = DummyRegressor().fit(X[["price"]], X["price"])
    rows = pd.concat(made("extreme", X, model))
    names = [tuple(changed(rows.iloc[[i]], X)) for i in range(len(rows))]
    first = names.index(("price", "weight"))
    assert set(names[:first]) == {(), ("price",), ("weight",), ("nights",), ("booked",)}
    # A price of 1.0 is among the user's own.
    assert set(names[first:]) == {("price", "weight"), ("weight",)}


def test_columns_that_cease_to_be_answered_elsewhere_are_each_tried_to_their_own_ends() -> None:
    X = np.tile(np.linspace(1, 2, 10)[:, None], 3)
    scaled = StandardScaler().fit(X * [1.0, 1e-9, 1.0])
    model = make_pipeline(scaled, LinearRegression()).fit(X, X[:, 0])
    reference = Reference(model, ["predict"], None)
    for column in range(3):
        rows = np.vstack(made("extreme", X, model))
        alone = rows[(np.delete(rows, column, axis=1) < 3).all(axis=1) & (rows[:, column] > 1e30)]
        values = alone[np.argsort(alone[:, column])]
        accepted = reference.ask(values).accepted
        assert accepted.any()
        assert not accepted.all()
        assert accepted.tolist() == sorted(accepted, reverse=True)


def test_a_twin_that_computes_in_float32_is_red_on_extremes_alone() -> None:
    X = np.arange(8.0)[:, None]
    model = LinearRegression().fit(X, 2 * X[:, 0])
    report = check_fake(
        model, X, "predict", rows=lambda X: X.astype(np.float32).astype(float), cases=["extreme"], atol=1e-6
    )
    assert report["predict"].families["sample"].mismatched == 0
    assert report["predict"].families["extreme"].mismatched > 0


def test_columns_of_floats_are_tried_in_other_units_two_by_two_and_all_at_once() -> None:
    X = pd.DataFrame({"a": [3.0], "b": [5.0], "c": [7.0], "n": [2]})
    rows = pd.concat(made("extreme", X, ANYTHING))
    tried = set(zip(rows["a"], rows["b"], rows["c"], rows["n"], strict=True))
    nano = 1e-9
    assert {
        (3 * nano, 5 * nano, 7 * nano, 2),
        (3 * nano, 5 * nano, 7.0, 2),
        (3.0, 5 * 1e6, 7 * 1e6, 2),
    } <= tried


def test_a_missing_value_stays_one_in_other_units() -> None:
    X = pd.DataFrame({"a": [np.nan], "b": [5.0]})
    rows = pd.concat(made("extreme", X, ANYTHING))
    assert rows.loc[rows["b"] == 5 * 1e-9, "a"].isna().all()
