from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from onnxtwin.runtime_checks.compare import (
    Part,
    Tolerance,
    errors,
    failing,
    join,
    kind,
    layout_differs,
    parts,
    ulps,
)

TOLERANCE = Tolerance()


def differ(
    expected: object, found: object, *, discrete: bool = False, tolerance: Tolerance = TOLERANCE
) -> list[bool]:
    e, f = Part("a", np.asarray(expected), discrete), Part("a", np.asarray(found), discrete)
    return failing(e, f, tolerance).any(axis=1).tolist()


def test_floats_agree_within_the_tolerance_of_the_expected_value() -> None:
    assert differ([1.0, 1.0, 1e20], [1.0 + 1.9e-9, 1.0 + 2.1e-9, 1e20 + 1e12]) == [False, True, True]


def test_nan_agrees_with_nan_and_infinity_with_infinity_of_its_sign() -> None:
    expected = [np.nan, np.nan, np.inf, np.inf, np.inf, 1.0]
    found = [np.nan, 1.0, np.inf, -np.inf, 1.7e308, np.inf]
    assert differ(expected, found) == [False, True, False, True, True, True]


def test_an_infinite_expectation_does_not_accept_everything_through_its_tolerance() -> None:
    assert differ([-np.inf], [3.0]) == [True]


def test_float_labels_must_be_equal() -> None:
    assert differ([1.5], [np.nextafter(1.5, 2)], discrete=True) == [True]
    assert differ([1.5, np.nan], [1.5, np.nan], discrete=True) == [False, False]


def test_integers_are_compared_beyond_what_a_double_can_hold() -> None:
    big = 2**53
    assert differ(np.array([big + 1, big]), np.array([big, big])) == [True, False]
    assert differ(np.array([big + 1]), np.array([float(big)])) == [True]


def test_texts_are_equal_or_not_whatever_their_numpy_type() -> None:
    assert differ(np.array(["no", "yes"]), np.array(["no", "yess"], dtype=object)) == [False, True]


def test_a_missing_text_is_not_the_word_nan() -> None:
    expected = np.array([np.nan, None, "nan"], dtype=object)
    assert differ(expected, np.array([None, np.nan, "nan"], dtype=object)) == [False, False, False]
    assert differ(expected, np.array(["nan", "None", np.nan], dtype=object)) == [True, True, True]


def test_numbers_in_object_arrays_have_the_tolerance_of_floats() -> None:
    expected = np.array([[1.0, "a"], [1.0, "a"]], dtype=object)
    found = np.array([[1.0 + 1e-12, "a"], [1.1, "a"]], dtype=object)
    assert differ(expected, found) == [False, True]


def test_not_a_time_agrees_with_itself() -> None:
    times = np.array(["2013-01-01", "NaT"], dtype="datetime64[s]")
    assert differ(times, times) == [False, False]
    assert differ(times, times[::-1]) == [True, True]


def test_ulps_count_the_doubles_between() -> None:
    a = np.array([1.0, 1.0, 0.0, -5e-324, 1.0])
    b = np.array([np.nextafter(1.0, 2), 1.0, -0.0, 5e-324, 2.0])
    assert ulps(a, b).tolist() == [1, 0, 0, 2, 2.0**52]


def test_ulps_are_of_the_precision_that_the_pipeline_answers_in() -> None:
    one = np.float32(1.0)
    assert ulps(np.array([one]), np.array([np.nextafter(one, np.float32(2))])).tolist() == [1]


def test_the_distance_between_the_extremes_does_not_overflow() -> None:
    largest = np.finfo(np.float64).max
    assert ulps(np.array([-largest]), np.array([largest]))[0] == pytest.approx(2 * 2047 * 2.0**52, rel=1e-3)


def test_errors_locate_the_cells_that_are_not_bit_equal() -> None:
    expected = Part("a", np.array([[1.0, 2.0], [0.0, np.nan]]))
    found = Part("a", np.array([[1.0, 2.5], [-0.0, np.nan]]))
    measured = errors(expected, found, TOLERANCE)
    assert list(zip(measured.row.tolist(), measured.cell.tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert measured.absolute.tolist() == [0.5, 0.0]
    assert measured.relative.tolist() == [0.25, 0.0]


def test_a_number_for_nan_is_infinitely_wrong() -> None:
    measured = errors(Part("a", np.array([np.nan])), Part("a", np.array([0.0])), TOLERANCE)
    assert measured.absolute.tolist() == [np.inf]
    assert measured.excess.tolist() == [np.inf]


def test_sparse_answers_are_made_dense() -> None:
    (part,) = parts("transform", sparse.csr_matrix(np.eye(2)))
    np.testing.assert_array_equal(part.values, np.eye(2))


def test_a_list_of_probabilities_has_a_part_an_entry() -> None:
    assert [p.name for p in parts("predict_proba", [np.eye(2), np.eye(3)])] == [
        "predict_proba.0",
        "predict_proba.1",
    ]


def test_a_frame_has_a_part_a_column_with_its_own_type() -> None:
    frame = pd.DataFrame({"a": [1.0], "b": ["x"], "c": pd.array([None], dtype="Int64")})
    answer = parts("transform", frame)
    assert [p.name for p in answer] == ["transform[a]", "transform[b]", "transform[c]"]
    assert [kind(p.values) for p in answer] == ["float", "text", "unknown"]


def test_a_sparse_frame_column_is_made_dense() -> None:
    frame = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.0])})
    np.testing.assert_array_equal(parts("transform", frame)[0].values, [0.0, 1.0])


def test_answers_to_consecutive_batches_join() -> None:
    whole = join([parts("predict", np.array(["a"])), parts("predict", np.array(["bcd"]))])
    assert whole[0].values.tolist() == ["a", "bcd"]


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        (np.zeros(2), np.zeros((2, 1)), "shape"),
        (np.array([1, 2]), np.array(["1", "2"]), "text"),
        (np.array(["1.0", "2.0"]), np.array([1.0, 2.0]), "float"),
        ([np.eye(2), np.eye(2)], np.eye(2), "predict.1"),
    ],
)
def test_answers_of_another_layout_are_not_compared_but_said(
    expected: object, found: object, said: str
) -> None:
    problem = layout_differs(parts("predict", expected), parts("predict", found))
    assert problem is not None
    assert said in problem


def test_integers_may_answer_for_floats_of_the_same_value() -> None:
    assert layout_differs(parts("predict", np.array([1.0])), parts("predict", np.array([1]))) is None
    assert differ(np.array([1.0, 2.5]), np.array([1, 2])) == [False, True]
