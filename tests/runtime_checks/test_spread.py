"""What the pictures are drawn from stays small, and does not depend on how rows were cut into batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtwin.runtime_checks.compare import Part, Tolerance, errors, failing
from onnxtwin.runtime_checks.spread import LABELS, PAIRS, WRONG, Sample, Spread


def cut(rows: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, rows, size))


def sampled(size: int, rows: int = 9_000) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(rows, 3))
    sample = Sample()
    for batch in cut(rows, size):
        sample.add(values[batch], values[batch] * 2)
    return sample.pairs[np.lexsort(sample.pairs.T)]


def test_a_sample_is_the_same_however_the_rows_were_cut() -> None:
    whole = sampled(9_000)
    assert len(whole) == PAIRS
    np.testing.assert_array_equal(sampled(777), whole)
    np.testing.assert_array_equal(sampled(PAIRS), whole)


def test_a_sample_pairs_the_two_sides_of_one_cell() -> None:
    pairs = sampled(500)
    np.testing.assert_array_equal(pairs[:, 1], pairs[:, 0] * 2)


def test_a_sample_holds_every_row_until_there_are_too_many() -> None:
    assert len(sampled(100, rows=250)) == 250


def test_late_rows_are_as_likely_as_early_ones() -> None:
    rows = 20 * PAIRS
    sample = Sample()
    order = np.arange(rows, dtype=float).reshape(-1, 1)
    for batch in cut(rows, 1000):
        sample.add(order[batch], order[batch])
    late = int((sample.pairs[:, 0] >= rows / 2).sum())
    # Of 2,000 fair draws: 1,000, with a standard deviation of 22.
    assert 850 < late < 1150


def spread(expected: np.ndarray, found: np.ndarray, name: str = "predict", discrete: bool = False) -> Spread:
    e, f = Part(name, expected, discrete), Part(name, found, discrete)
    wrong = failing(e, f, Tolerance()).any(axis=1)
    made = Spread(name)
    keep = np.ones(len(expected), dtype=np.bool_)
    made.add(e, f, errors(e, f, Tolerance()), own=True, mismatched=wrong, keep=keep)
    return made


def test_answers_beyond_the_tolerance_are_kept_apart() -> None:
    expected = np.array([1.0, 2.0, 3.0])
    found = np.array([1.0, 2.5, np.nan])
    kept = spread(expected, found)
    assert kept.wrong[0] == (2.0, 2.5)
    assert np.isnan(kept.wrong[1][1])
    assert kept.excess == np.inf


def test_so_many_wrong_answers_are_enough() -> None:
    assert len(spread(np.zeros(1000), np.ones(1000)).wrong) == WRONG


def test_labels_are_counted_by_the_two_sides() -> None:
    expected, found = np.array(["a", "b", "b", "b"]), np.array(["a", "b", "a", "b"])
    assert spread(expected, found, discrete=True).labels == {
        ("'a'", "'a'"): 1,
        ("'b'", "'a'"): 1,
        ("'b'", "'b'"): 2,
    }


def test_a_missing_label_is_a_label() -> None:
    labels = np.array([np.nan, 1.0, np.nan])
    counted = spread(labels, labels, discrete=True).labels
    assert counted == {('float("nan")', 'float("nan")'): 2, ("1.0", "1.0"): 1}


def test_too_many_labels_are_no_table() -> None:
    few, many = np.arange(LABELS), np.arange(LABELS + 1)
    assert len(spread(few, few, discrete=True).labels or {}) == LABELS
    assert spread(many, many, discrete=True).labels is None


def test_what_a_transformer_passes_on_is_not_listed_as_labels() -> None:
    names = np.array(["Smith", "Jones"])
    assert spread(names, names, name="transform[name]").labels is None
