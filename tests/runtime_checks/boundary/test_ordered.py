from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtwin.runtime_checks.boundary.ordered import Order, adjacent, keys, middle, values

doubles = st.floats(allow_nan=False)


@given(doubles, doubles)
def test_places_are_ordered_as_the_doubles_are(first: float, second: float) -> None:
    low, high = keys(np.array([first, second]), "double")
    assert (low < high) == (first < second)


@given(doubles.filter(lambda x: x != 0))
def test_a_double_comes_back_from_its_place(number: float) -> None:
    assert values(keys(np.array([number]), "double"), "double", np.float64)[0] == number


@pytest.mark.parametrize(("order", "dtype"), [("double", np.float64), ("single", np.float32)])
def test_the_next_place_is_the_next_number(order: Order, dtype: type) -> None:
    numbers = np.array([-2.5, -1e-40, 0.0, 1e-40, 1.0, 3e30], dtype)
    following = values(keys(numbers, order) + 1, order, dtype)
    assert (following == np.nextafter(numbers, dtype(np.inf))).all()


def test_the_middle_of_the_farthest_places_does_not_overflow() -> None:
    limits = np.iinfo(np.int64)
    assert middle(np.array([limits.min]), np.array([limits.max]))[0] == -1
    assert not adjacent(np.array([limits.min]), np.array([limits.max]))[0]


def test_neighbours_are_adjacent_in_either_order() -> None:
    assert adjacent(np.array([3, 4, 5]), np.array([4, 3, 5])).all()
    assert not adjacent(np.array([3]), np.array([5]))[0]
