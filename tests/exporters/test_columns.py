"""Raw columns: every dtype that can travel, and the names and types that cannot."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_twin_equal, twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.columns import describe_frame
from onnxtwin.exporters.errors import SignatureError
from onnxtwin.exporters.signature import MISSING_TOKEN

NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float32", "float64"]
NULLABLE = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"]
TEXTS = ["a", "b", None, "", "é", "𝒳"]
MOMENTS = ["2020-01-01", "1969-12-31 23:59:59", None, "2000-02-29", "1999-12-31", "2030-06-01"]


def _moments(unit: str) -> pd.Series:
    return pd.Series(pd.to_datetime(MOMENTS, format="ISO8601")).astype(f"datetime64[{unit}]")


UNITS = ("s", "ms", "us", "ns")
COLUMNS: dict[str, Any] = {
    **{name: np.array([1, 2, 0, 4, 0, 3], dtype=name) for name in NUMBERS},
    **{name: pd.array([1, 2, None, 4, 0, 3], dtype=name) for name in NULLABLE},
    "bool": [True, False] * 3,
    "boolean": pd.array([True, False, None, True, True, False], dtype="boolean"),
    **{f"datetime64[{u}]": _moments(u) for u in UNITS},
    **{f"datetime64[{u}, UTC]": _moments(u).dt.tz_localize("UTC") for u in UNITS},
    **{f"datetime64[{u}, Europe/Berlin]": _moments(u).dt.tz_localize("Europe/Berlin") for u in UNITS},
    **{
        f"timedelta64[{u}]": pd.Series(pd.to_timedelta([1, 2, None, -3, 0, 5], unit="s")).astype(
            f"timedelta64[{u}]"
        )
        for u in UNITS
    },
    "str": pd.Series(TEXTS, dtype="str"),
    "object with None": pd.Series(TEXTS, dtype=object),
    "object with NaN": pd.Series([np.nan if t is None else t for t in TEXTS], dtype=object),
    "string": pd.Series(TEXTS, dtype="string"),
    "categories of text": pd.Categorical(["a", "b", None, "a", "a", "b"]),
    "categories of integers": pd.Categorical([1, 2, None, 1, 1, 2]),
    "categories of floats": pd.Categorical([1.5, 2, None, 1.5, 1.5, 2]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_every_dtype_reaches_the_graph(name: str) -> None:
    rows = pd.DataFrame({"x": COLUMNS[name]})
    assert_twin_equal(FunctionTransformer(lambda d: d.isna()).fit(rows), rows)


@pytest.mark.parametrize("name", [*NUMBERS, "bool", "str", "object with None", "categories of text"])
def test_a_column_passes_through_unchanged(name: str) -> None:
    rows = pd.DataFrame({"x": COLUMNS[name]})
    assert_twin_equal(FunctionTransformer(lambda d: d[["x"]]).fit(rows), rows)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (pd.Series([1, "a", None], dtype=object), r"holds 1 \(int\)"),
        (pd.Series([True, None], dtype=object), r"holds True \(bool\)"),
        (pd.Series([b"a"]), r"\(bytes\)"),
        (pd.Series([dt.date(2020, 1, 1)]), r"\(date\)"),
        (np.array([1], dtype="uint64"), "dtype uint64"),
        (np.array([1], dtype="float16"), "dtype float16"),
        (np.array([1j]), "dtype complex128"),
        (pd.period_range("2020-01", periods=1, freq="M"), r"dtype period\[M\]"),
        (pd.arrays.SparseArray([0, 1]), "dtype Sparse"),
        (pd.Categorical([True]), "categories of type bool"),
        (pd.Categorical(pd.to_datetime(["2020-01-01"])), "categories of type datetime64"),
        (pd.Series([MISSING_TOKEN]), "the token that stands for a missing value"),
        (pd.Series(["a", None, np.nan], dtype=object), "both None and NaN"),
    ],
)
def test_a_column_that_cannot_travel_is_named(values: Any, what: str) -> None:
    with pytest.raises(SignatureError, match=f"(?s)column 'x'.*{what}.*way out: "):
        describe_frame(pd.DataFrame({"x": values}))


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (["a", "a"], "two columns are named 'a'"),
        ([1, "1"], "two columns are named '1'"),
        (["a", ""], "column number 1 has no name"),
        ([("a", "b"), "c"], "named by a tuple"),
        ([True, "c"], "named by a bool"),
        ([1.5, "c"], "named by a float"),
    ],
)
def test_names_that_no_input_can_bear_are_refused(labels: list[Any], what: str) -> None:
    frame = pd.DataFrame([[1.0, 2.0]])
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    with pytest.raises(SignatureError, match=f"{what}(?s:.*)way out: "):
        describe_frame(frame)


def test_integer_names_become_their_text() -> None:
    rows = pd.DataFrame({0: [1.0, 2.0], 7: [3.0, np.nan]})
    exported = export_graph(FunctionTransformer(lambda d: d[0] + d[7].fillna(0)).fit(rows), rows)
    assert [(c.name, c.label) for c in exported.signature.columns] == [("0", 0), ("7", 7)]
    assert [i.name for i in exported.model.graph.input] == ["0", "7"]


def test_the_pipeline_says_where_a_value_may_be_missing() -> None:
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    signature = twin_of(FunctionTransformer(lambda d: d.a + d.b.astype(int)).fit(rows), rows).signature
    assert [c.missing_allowed for c in signature.columns] == [True, False]


def test_a_sample_without_rows_or_columns_is_refused() -> None:
    transformer = FunctionTransformer(lambda d: d)
    for empty in (pd.DataFrame({"a": []}), pd.DataFrame(index=[0, 1])):
        with pytest.raises(SignatureError, match="way out: "):
            export_graph(transformer.fit(empty), empty)
