from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bookings import bookings, made, pipeline
from fake_twins import check_fake

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks.cases import families, family, registry
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, edited

OURS = ["missing", "unknown", "crossed", "extreme", "search", "batches"]


@pytest.fixture
def rows() -> pd.DataFrame:
    return bookings()


@pytest.mark.parametrize("name", OURS)
def test_cases_keep_the_types_of_the_columns(name: str, rows: pd.DataFrame) -> None:
    chunks = made(name, rows)
    assert chunks
    for chunk in chunks:
        pd.testing.assert_series_equal(chunk.dtypes.drop("size"), rows.dtypes.drop("size"))
        assert list(chunk["size"].cat.categories[:3]) == [1, 2, 3]


@pytest.mark.parametrize("name", OURS)
def test_the_same_seed_makes_the_same_cases(name: str, rows: pd.DataFrame) -> None:
    for first, second in zip(made(name, rows, seed=7), made(name, rows, seed=7), strict=True):
        pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("name", ["missing", "crossed", "search", "batches"])
def test_another_seed_makes_other_cases(name: str, rows: pd.DataFrame) -> None:
    first, second = (pd.concat(made(name, rows, seed=seed)).astype(str) for seed in (1, 2))
    assert not first.reset_index(drop=True).equals(second.reset_index(drop=True))


def test_one_row_is_enough_to_make_cases_from(rows: pd.DataFrame) -> None:
    assert check_fake(pipeline(), rows[:1], "predict", sample=rows).ok


def test_cases_do_not_change_the_users_rows(rows: pd.DataFrame) -> None:
    before = rows.copy()
    check_fake(pipeline(), rows, "predict")
    pd.testing.assert_frame_equal(rows, before)


def test_a_family_of_ones_own_is_run_and_reported(
    rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_FAMILIES", {})

    @family("free of charge")
    def free(reference: Reference, signature: Any, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
        yield X.assign(price=0.0)

    report = check_fake(pipeline(), rows, "predict", rows=lambda X: X.assign(price=X["price"].clip(1)))
    assert report["predict"].families["free of charge"].mismatched == len(rows)
    assert report["predict"].families["sample"].mismatched == 0


def test_an_unknown_family_is_refused_by_name() -> None:
    with pytest.raises(CheckError, match=r"\['bounds'\]; there are \['sample', 'missing', 'unknown'"):
        families(["bounds"])


def test_cells_are_replaced_row_by_row_and_other_cells_kept(rows: pd.DataFrame) -> None:
    made_rows = edited(rows[:2], [{"price": 9.5}, {}, {"size": 7, "port": "Rio"}])
    assert made_rows["price"].tolist() == [9.5, rows["price"][1], rows["price"][0]]
    assert made_rows["port"].tolist() == ["São", "Cork", "Rio"]
    assert made_rows["size"].tolist() == [1, 2, 7]


def test_an_integer_that_no_double_holds_is_set_exactly(rows: pd.DataFrame) -> None:
    assert edited(rows[:1], [{"nights": 2**53 + 1}])["nights"].tolist() == [2**53 + 1]
    assert edited(np.array([[1, 2]]), [{1: 2**62 + 1}]).tolist() == [[1, 2**62 + 1]]


def test_a_longer_text_is_not_cut_off_by_the_width_of_an_array() -> None:
    assert edited(np.array([["a", "b"]]), [{1: "longer"}]).tolist() == [["a", "longer"]]
    assert edited(np.array(["a", "b"]), [{0: "longer"}, {}]).tolist() == ["longer", "b"]
