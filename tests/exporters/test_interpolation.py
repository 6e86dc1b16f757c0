"""``np.interp`` and what rests on it: at the knots, between, beyond, and where numpy repairs its result."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from parity import assert_twin_equal, twin_of
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer

from onnxtwin.exporters import export_graph

INF, NAN, MOST, LEAST = np.inf, np.nan, np.finfo(float).max, 5e-324

TABLES = {
    "plain": ([-2.0, 0.0, 1.0, 5.0], [1.0, 3.0, -1.0, 4.0]),
    "two knots": ([0.0, 0.1], [0.3, 0.7]),
    "one knot": ([1.0], [2.0]),
    "equal knots": ([0.0, 0.0, 1.0, 1.0, 1.0, 3.0, 3.0], [5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 2.0]),
    "only equal knots": ([1.0, 1.0], [2.0, 3.0]),
    "far apart": ([-1e308, 0.0, 1e308], [0.0, 1.0, -1.0]),
    "wider than numbers reach": ([-1e308, 1e308], [0.0, 1.0]),
    "slopes beyond numbers": ([0.0, 1e-300, 1.0], [-1e308, 1e308, 0.0]),
    "values beyond numbers": ([0.0, 1.0, 2.0, 3.0], [0.0, INF, INF, 1.0]),
    "values unknown": ([0.0, 1.0, 2.0, 3.0], [0.0, NAN, 2.0, 1.0]),
    "knots beyond numbers": ([-INF, 0.0, 1.0, INF], [0.0, 1.0, 2.0, 3.0]),
    "the smallest numbers": ([0.0, LEAST, 1e-310], [0.0, LEAST, 1.0]),
}


def around(knots: list[float]) -> np.ndarray:
    """Each knot with its neighbours, points between, and the ends of the numbers; ``[N, 1]``."""
    with np.errstate(all="ignore"):
        near = [np.nextafter(k, d) for k in knots for d in (-INF, INF)]
        between = [a + (b - a) * share for a, b in pairwise(knots) for share in (0.3, 0.5)]
    ends = [NAN, INF, -INF, MOST, -MOST, 1e308, -1e308, 0.0, -0.0, LEAST, -LEAST]
    return np.array([*knots, *near, *between, *ends]).reshape(-1, 1)


@pytest.mark.parametrize("ends", [(None, None), (-7.0, 9.0), (NAN, INF)], ids=["no ends", "ends", "odd ends"])
@pytest.mark.parametrize("name", list(TABLES))
def test_every_row_is_numpys_to_the_last_bit(name: str, ends: tuple[float | None, float | None]) -> None:
    knots, values = TABLES[name]

    def interpolated(X: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.interp(X, knots, values, left=ends[0], right=ends[1])

    rows = around(knots)
    twin = twin_of(FunctionTransformer(interpolated).fit(rows), rows)
    np.testing.assert_array_equal(twin.run(rows)["transform"], interpolated(rows))


def test_a_column_of_a_frame_is_interpolated() -> None:
    knots, values = TABLES["plain"]
    frame = pd.DataFrame({"a": around(knots)[:, 0]})
    transformer = FunctionTransformer(lambda X: X.assign(a=np.interp(X["a"], knots, values)))
    assert_twin_equal(transformer.fit(frame), frame)


def test_whole_numbers_beyond_those_of_a_double_are_interpolated() -> None:
    rows = np.array([[0], [1], [-1], [2**53 + 1], [np.iinfo(np.int64).max], [np.iinfo(np.int64).min]])
    assert_twin_equal(FunctionTransformer(lambda X: np.interp(X, [0, 2**60], [0.0, 1.0])).fit(rows), rows)


def operators(function: Callable[[np.ndarray], np.ndarray]) -> list[str]:
    rows = np.array([[0.0], [1.0], [9.0]])
    graph = export_graph(FunctionTransformer(function).fit(rows), rows).model.graph
    return [node.op_type for node in graph.node]


def test_a_finite_table_needs_no_repairs() -> None:
    found = operators(lambda X: np.interp(X, *TABLES["plain"]))
    assert not {"IsNaN", "Max", "Min", "And", "Equal"} & set(found)
    assert found.count("Where") == 2


def test_a_table_whose_slopes_overflow_keeps_the_repairs() -> None:
    with np.errstate(all="ignore"):
        assert "IsNaN" in operators(lambda X: np.interp(X, *TABLES["slopes beyond numbers"]))


@pytest.mark.parametrize("levels", [4, 1000], ids=["few values", "many values"])
def test_quantiles_at_below_and_above_every_fitted_one(levels: int) -> None:
    drawn = np.random.default_rng(3).integers(0, levels, (200, 2)) / 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # fewer rows than quantiles
        transformer = QuantileTransformer(n_quantiles=30).fit(drawn)
    fitted = transformer.quantiles_
    columns = [around(fitted[:, i].tolist())[:, 0] for i in range(2)]
    rows = np.column_stack(columns)
    rows = rows[~np.isinf(rows).any(axis=1)]
    assert_twin_equal(transformer, drawn, rows)
