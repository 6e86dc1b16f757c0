"""SimpleImputer and MissingIndicator: every strategy, every kind of missing value, every type of column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from onnxtwin.exporters.errors import UnsupportedError

NAN = np.nan
NUMBERS = np.array(
    [
        [1.5, NAN, -2.0, 3.0],
        [NAN, 0.25, -2.0, 4.0],
        [2.5, 0.25, NAN, 3.0],
        [1.5, 7.0, 8.0, -1.0],
        [9.0, 7.5, 1.0, 0.5],
    ]
    * 6
)
HOSTILE = np.array(
    [[NAN, NAN, NAN, 3.0], [-0.0, 1e308, -1e308, 5e-324], [NAN, 2.0, -2.0, NAN], [1.5, 0.25, 8.0, 3.0]]
)
COUNTS = np.array([[-1, 3, 2], [4, -1, 2], [4, 5, 2], [0, 5, 9]] * 6)
TEXT = np.array([["a", NAN, "x"], ["b", "q", "y"], ["a", "q", NAN], ["", "zé", "x"]] * 6, dtype=object)
TEXT_NONE = np.where(pd.isna(TEXT), None, TEXT)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant", np.nanmax])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("add_indicator", [False, True])
def test_numbers_are_filled_as_the_pipeline_fills_them(
    strategy: Any, dtype: Any, add_indicator: bool
) -> None:
    imputer = SimpleImputer(strategy=strategy, add_indicator=add_indicator).fit(NUMBERS.astype(dtype))
    rows = np.clip(HOSTILE, np.finfo(dtype).min, np.finfo(dtype).max).astype(dtype)
    assert_twin_equal(imputer, NUMBERS.astype(dtype), rows)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_an_integer_can_stand_for_missing(strategy: str) -> None:
    imputer = SimpleImputer(strategy=strategy, missing_values=-1, add_indicator=True).fit(COUNTS)
    assert_twin_equal(imputer, COUNTS, COUNTS * 2 + 1)


@pytest.mark.parametrize("fill_value", [-7.5, 0.0, 1e300])
def test_the_fill_value_is_the_pipelines(fill_value: float) -> None:
    imputer = SimpleImputer(strategy="constant", fill_value=fill_value).fit(NUMBERS)
    assert_twin_equal(imputer, NUMBERS, HOSTILE)


@pytest.mark.filterwarnings("ignore:Skipping features")
@pytest.mark.parametrize("keep_empty_features", [False, True])
@pytest.mark.parametrize("strategy", ["mean", "constant"])
def test_a_column_without_any_value_is_kept_or_dropped_as_fitted(
    strategy: str, keep_empty_features: bool
) -> None:
    empty = NUMBERS.copy()
    empty[:, 1] = NAN
    imputer = SimpleImputer(strategy=strategy, keep_empty_features=keep_empty_features, add_indicator=True)
    session = assert_twin_equal(imputer.fit(empty), empty, HOSTILE)
    assert session.signature.outputs[0].shape == (None, imputer.transform(empty).shape[1])


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize(
    ("rows", "missing_values"),
    [(TEXT, NAN), (TEXT_NONE, None), (TEXT_NONE, ""), (TEXT, pd.NA), (TEXT_NONE, pd.NA)],
)
def test_text_is_filled_where_the_pipeline_calls_it_missing(
    rows: Any, missing_values: Any, strategy: str
) -> None:
    imputer = SimpleImputer(strategy=strategy, missing_values=missing_values, fill_value="filled")
    assert_twin_equal(imputer.fit(rows), rows)


def test_none_is_not_missing_to_an_imputer_of_nan() -> None:
    imputer = SimpleImputer(strategy="most_frequent", missing_values=NAN).fit(TEXT_NONE)
    session = assert_twin_equal(imputer, TEXT_NONE)
    assert pd.isna(session.run(TEXT_NONE)["transform"][0, 1])


def test_text_may_be_filled_with_the_very_token_by_which_missing_text_travels() -> None:
    steps = SimpleImputer(strategy="constant", fill_value="__missing__"), OneHotEncoder()
    assert_twin_equal(make_pipeline(*steps).fit(TEXT), TEXT)


def test_pandas_columns_of_every_type_are_filled() -> None:
    frame = pd.DataFrame(
        {
            "carrier": pd.Series(["UA", NAN, "B6", "UA"] * 6, dtype="str"),
            "gate": pd.Series(["A1", NAN, NAN, "B2"] * 6, dtype=object),
            "distance": [1.5, NAN, 3.0, 4.0] * 6,
            "seats": [1, 2, 3, 2] * 6,
            "late": [True, False, True, True] * 6,
        }
    )
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=True).fit(frame)
    assert_twin_equal(imputer, frame)


def test_nullable_integers_are_filled() -> None:
    frame = pd.DataFrame(
        {"gate": pd.array([1, None, 3, 3] * 6, dtype="Int64"), "row": pd.array([1, 2] * 12, dtype="Int64")}
    )
    assert_twin_equal(SimpleImputer(strategy="median").fit(frame), frame)


def test_names_survive_set_output() -> None:
    frame = pd.DataFrame(NUMBERS, columns=["a", "b", "c", "d"])
    imputer = SimpleImputer(add_indicator=True).set_output(transform="pandas").fit(frame)
    assert_twin_equal(imputer, frame, pd.DataFrame(HOSTILE, columns=frame.columns))


def test_filling_in_place_shows_in_the_branches_that_follow() -> None:
    union = FeatureUnion([("filled", SimpleImputer(copy=False)), ("same", "passthrough")]).fit(NUMBERS.copy())
    twin = twin_of(union, NUMBERS.copy())
    expected = union.transform(HOSTILE.copy())
    np.testing.assert_array_equal(twin.run(HOSTILE.copy())["transform"], expected)
    assert not np.isnan(expected).any()


def test_indicators_reach_the_model() -> None:
    target = np.arange(len(NUMBERS)) % 2
    model = make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression()).fit(NUMBERS, target)
    assert_twin_equal(model, NUMBERS, np.clip(HOSTILE, -1e3, 1e3))


def test_numbers_filled_with_text_are_refused() -> None:
    frame = pd.DataFrame({"city": ["Oslo", NAN] * 12, "height": [1.5, NAN] * 12})
    imputer = SimpleImputer(strategy="constant", fill_value="unknown").fit(frame)
    with pytest.raises(UnsupportedError, match=r"fills numbers with 'unknown'\n.*ColumnTransformer"):
        twin_of(imputer, frame)


def test_a_column_of_both_none_and_nan_is_refused() -> None:
    rows = pd.DataFrame({"city": pd.Series(["Oslo", "Rome", NAN] * 8, dtype=object)})
    hide = FunctionTransformer(lambda X: X.where(X != "Rome", None))
    model = make_pipeline(hide, SimpleImputer(strategy="constant")).fit(rows)
    with pytest.raises(UnsupportedError, match="None and nan, of which only nan counts as missing"):
        twin_of(model, rows)


@pytest.mark.parametrize("features", ["missing-only", "all"])
@pytest.mark.parametrize("sparse", [True, False, "auto"])
def test_the_indicator_marks_what_is_missing(features: str, sparse: Any) -> None:
    indicator = MissingIndicator(features=features, sparse=sparse).fit(NUMBERS)
    assert_twin_equal(indicator, NUMBERS, HOSTILE[:2])


@pytest.mark.parametrize("missing_values", [NAN, None])
def test_the_indicator_knows_missing_text(missing_values: Any) -> None:
    rows = TEXT_NONE if missing_values is None else TEXT
    assert_twin_equal(MissingIndicator(missing_values=missing_values).fit(rows), rows)


def test_newly_missing_raw_columns_are_outside_of_the_domain() -> None:
    indicator = MissingIndicator(error_on_new=True).fit(NUMBERS)
    assert_both_refuse(twin_of(indicator, NUMBERS), indicator, HOSTILE[2:3])


def test_newly_missing_computed_columns_are_outside_of_the_domain() -> None:
    model = make_pipeline(FunctionTransformer(np.sqrt), MissingIndicator()).fit(np.abs(NUMBERS))
    rows = np.abs(NUMBERS[:1]).copy()
    rows[0, 3] = -1.0
    with np.errstate(invalid="ignore"):
        assert_both_refuse(twin_of(model, np.abs(NUMBERS)), model, rows)


def test_a_newly_seen_number_that_stands_for_missing_is_outside_of_the_domain() -> None:
    indicator = MissingIndicator(missing_values=-1).fit(COUNTS)
    assert_both_refuse(twin_of(indicator, COUNTS), indicator, np.array([[4, 5, -1]]))


def test_new_missing_values_pass_where_the_indicator_lets_them() -> None:
    indicator = MissingIndicator(error_on_new=False).fit(NUMBERS)
    assert_twin_equal(indicator, NUMBERS, HOSTILE)
