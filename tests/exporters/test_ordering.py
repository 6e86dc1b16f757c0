"""Sorting along an axis, with rows or without."""

from __future__ import annotations

import numpy as np
import pytest
from running import run

from onnxtwin.exporters.ordering import sorted_values, sorting_positions

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("shape", [(6, 5), (0, 5), (1, 5), (4, 3, 5), (0, 3, 5)])
def test_values_and_positions_are_numpy_s(shape: tuple[int, ...], dtype: type) -> None:
    x = RNG.integers(-3, 3, shape).astype(dtype)  # with ties
    values, positions = run(lambda v: [sorted_values(v, 5, -1), sorting_positions(v, 5, -1)], x)
    np.testing.assert_array_equal(values, np.sort(x, axis=-1))
    np.testing.assert_array_equal(positions, np.argsort(x, axis=-1, kind="stable"))
    assert values.dtype == dtype


def test_a_vector_is_sorted_along_its_only_axis() -> None:
    x = np.array([3.0, -np.inf, 2.0, np.inf])
    assert run(lambda v: sorting_positions(v, 4, 0), x).tolist() == [1, 2, 0, 3]


def test_nan_sorts_last_and_in_its_order() -> None:
    x = RNG.normal(size=(200, 9))
    x[RNG.random(x.shape) < 0.2] = np.nan
    x[RNG.random(x.shape) < 0.2] = np.inf
    positions = run(lambda v: sorting_positions(v, 9, 1), x)
    np.testing.assert_array_equal(positions, np.argsort(x, axis=1, kind="stable"))
