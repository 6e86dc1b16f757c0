"""Counts add up: per family, over all of them, and how far values are off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_twins import Answers, check_fake
from sklearn.linear_model import LinearRegression

from onnxtwin.runtime_checks.compare import Part, Tolerance, errors
from onnxtwin.runtime_checks.tally import BINS, Tally, Worst, worse

X = np.random.default_rng(0).normal(size=(50, 2))


def tallied(expected: list[float], found: list[float], mismatched: list[bool]) -> Tally:
    e, f = Part("a", np.array(expected)), Part("a", np.array(found))
    tally = Tally(rows=len(expected))
    nowhere = np.zeros(len(expected), dtype=np.bool_)
    tally.measure(errors(e, f, Tolerance()), np.array(mismatched), nowhere)
    return tally


def steps(count: int) -> float:
    return 1.0 + count * 2.0**-52


def test_errors_are_counted_by_powers_of_two() -> None:
    found = [steps(0), steps(1), steps(2), steps(3), steps(4), steps(5), -1.0, float("nan")]
    tally = tallied([1.0] * 8, found, [False] * 6 + [True] * 2)
    assert tally.to_json()["ulps_up_to"] == {
        "1": 1,
        "2": 1,
        "4": 2,
        "8": 1,
        str(2**63): 1,
        "Infinity": 1,
    }
    assert int(tally.wrong_errors.sum()) == 2
    assert len(tally.errors) == BINS


def test_every_value_is_equal_or_in_one_bin() -> None:
    data = tallied([1.0, 2.0, 0.0], [1.0, 2.5, -0.0], [False, True, False]).to_json()
    assert (data["values"], data["bit_equal_values"]) == (3, 1)
    assert sum(data["ulps_up_to"].values()) == 2


def test_undetermined_rows_are_in_no_bin() -> None:
    e, f = Part("a", np.array([1.0, 1.0])), Part("a", np.array([2.0, steps(1)]))
    tally = Tally(rows=2)
    tally.measure(errors(e, f, Tolerance()), np.zeros(2, dtype=np.bool_), np.array([True, False]))
    assert tally.to_json()["ulps_up_to"] == {"1": 1}
    assert tally.to_json()["values"] == 1


def worst(excess: float, mismatch: bool) -> Worst:
    return Worst([], None, "sample", "predict", 0.0, 1.0, 1.0, 1.0, 1.0, excess, mismatch)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (worst(5, False), worst(2, True), 1),
        (worst(5, True), worst(2, True), 0),
        (worst(2, True), worst(2, True), 0),
        (None, worst(0, False), 1),
        (worst(0, False), None, 0),
    ],
)
def test_a_mismatch_is_worse_than_any_error_within_tolerance(first: Any, second: Any, kept: int) -> None:
    assert worse(first, second) is (first, second)[kept]


def test_each_family_has_its_worst_row() -> None:
    model = LinearRegression().fit(X, X[:, 0])

    def off(rows: Any, found: Answers) -> Answers:
        bias = np.where(np.abs(rows).max(axis=1) > 1e6, 1e12, 1e-12) if len(rows) else 0
        return {"predict": found["predict"] + bias}

    report = check_fake(model, X, "predict", answers=off, cases=["extreme"])
    families = report["predict"].families
    assert {name: tally.worst is not None and tally.worst.family for name, tally in families.items()} == {
        "sample": "sample",
        "extreme": "extreme",
    }
    assert report["predict"].worst == families["extreme"].worst
    assert families["sample"].worst is not None
    assert not families["sample"].worst.mismatch
    assert report.to_json()["methods"][0]["families"][0]["worst_row"]["family"] == "sample"
