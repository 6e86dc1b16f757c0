"""Raw rows of every form become the same feeds, and what does not fit is refused by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feeding import FLOAT, feeds, reader
from handmade import MIXED, ROW, documents, matrix

from onnxtwin.build.rows import RowReader
from onnxtwin.exporters.errors import DomainError, InputError
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT, Column, Input, Signature

DTYPES = {column.name: column.dtype for column in MIXED}
GONE = ROW | {"distance": None, "carrier": None, "left": None, "gate": None}


class TestForms:
    def expected(self) -> dict[str, list[Any]]:
        return {
            "distance": [1400.5],
            "seats": [180],
            "late": [True],
            "carrier": ["UA"],
            "left": [1357034400 * 10**6],
            "delay": [90],
            "gate": [7.0],
        }

    def test_a_list_of_dicts(self) -> None:
        assert feeds([ROW]) == self.expected()

    def test_a_dict_of_columns(self) -> None:
        assert feeds({name: [value] for name, value in ROW.items()}) == self.expected()

    def test_a_dataframe(self) -> None:
        frame = pd.DataFrame([ROW]).astype(DTYPES)
        assert feeds(frame) == self.expected()

    def test_a_dict_of_arrays_and_series(self) -> None:
        frame = pd.DataFrame([ROW]).astype(DTYPES)
        mixture = {name: frame[name] for name in frame} | {"distance": np.array([1400.5])}
        assert feeds(mixture) == self.expected()

    def test_every_missing_value_travels_as_the_signature_says(self) -> None:
        got = feeds([GONE])
        assert math.isnan(got["distance"][0])
        assert math.isnan(got["gate"][0])
        assert (got["carrier"], got["left"]) == ([MISSING_TOKEN], [NAT])

    def test_missing_values_of_a_dataframe_travel_alike(self) -> None:
        frame = pd.DataFrame([GONE]).astype(DTYPES)
        got = feeds(frame)
        assert math.isnan(got["distance"][0])
        assert math.isnan(got["gate"][0])
        assert (got["carrier"], got["left"]) == ([MISSING_TOKEN], [NAT])

    def test_columns_are_found_by_name_in_any_order(self) -> None:
        assert feeds([dict(reversed(ROW.items()))]) == self.expected()

    def test_integer_labels_are_found_as_text_and_as_integers(self) -> None:
        column = Column("3", 3, "float64", "float64", missing="nan")
        assert feeds([{"3": 1.0}, {3: 2.0}], column) == {"3": [1.0, 2.0]}
        assert feeds(pd.DataFrame({3: [1.0]}), column) == {"3": [1.0]}

    def test_no_rows_give_empty_feeds_of_the_right_dtypes(self) -> None:
        for nothing in ([], {name: [] for name in ROW}, pd.DataFrame([ROW]).astype(DTYPES).iloc[:0]):
            read = reader().read(nothing)
            assert read.rows == 0
            assert {name: (t.shape, t.dtype.name) for name, t in read.tensors.items()} == {
                "distance": ((0, 1), "float64"),
                "seats": ((0, 1), "int64"),
                "late": ((0, 1), "bool"),
                "carrier": ((0, 1), "object"),
                "left": ((0, 1), "int64"),
                "delay": ((0, 1), "int64"),
                "gate": ((0, 1), "float64"),
            }

    def test_the_index_of_a_dataframe_is_kept(self) -> None:
        frame = pd.DataFrame({"x": [1.0, 2.0]}, index=["p", "q"])
        assert list(reader(FLOAT).read(frame).index) == ["p", "q"]

    def test_rows_of_a_packed_layout_become_one_matrix_a_type(self) -> None:
        columns = tuple(Column(n, n, "float64", "float64", missing="nan") for n in "ab")
        signature = Signature(
            "DataFrame", "packed", columns, (Input("columns.float64", "float64", ("b", "a")),), ()
        )
        got = RowReader(signature).read([{"a": 1.0, "b": 2.0}]).tensors
        assert got["columns.float64"].tolist() == [[2.0, 1.0]]


class TestMatrices:
    def test_an_array_is_fed_as_it_is(self) -> None:
        signature = matrix(2, missing="nan", missing_allowed=True)[1]
        X = np.array([[1.0, np.nan], [np.inf, -0.0]])
        assert np.array_equal(RowReader(signature).read(X).tensors["X"], X, equal_nan=True)

    def test_lists_dicts_and_frames_give_the_same_matrix(self) -> None:
        rows = RowReader(matrix(2, missing="nan")[1])
        frame = pd.DataFrame([[1.0, 2.0]], columns=["p", "q"])
        for X in ([[1.0, 2.0]], [(1, 2)], [{"x0": 1.0, "x1": 2.0}], {"x0": [1.0], "x1": [2.0]}, frame):
            assert rows.read(X).tensors["X"].tolist() == [[1.0, 2.0]]

    def test_a_defect_is_named_by_row_and_column(self) -> None:
        rows = RowReader(matrix(3, missing="nan", finite=True)[1])
        X = np.zeros((4, 3))
        X[2, 1] = np.inf
        with pytest.raises(DomainError, match=r"column 1, row 2 \(counted from 0\): found inf"):
            rows.read(X)
        X[2, 1] = np.nan
        with pytest.raises(DomainError, match=r"column 1, row 2 .*must not be missing"):
            rows.read(X)

    @pytest.mark.parametrize("X", [np.zeros((2, 4)), [[1.0, 2.0, 3.0, 4.0]], pd.DataFrame(np.zeros((2, 4)))])
    def test_another_width_is_refused(self, X: Any) -> None:
        with pytest.raises(InputError, match="found 4 columns, expected 3: x0, x1, x2"):
            RowReader(matrix(3)[1]).read(X)

    def test_ragged_lists_are_refused_with_the_row(self) -> None:
        with pytest.raises(InputError, match="row 1: found 1 columns, expected 2"):
            RowReader(matrix(2)[1]).read([[1.0, 2.0], [1.0]])

    def test_a_flat_array_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"ndarray of shape \(3,\), expected a 2-D array"):
            RowReader(matrix(3)[1]).read(np.zeros(3))

    def test_a_single_precision_matrix_takes_no_doubles(self) -> None:
        rows = RowReader(matrix(2, tensor="float32", missing="nan")[1])
        assert rows.read(np.float32([[1, 2]])).tensors["X"].dtype == np.float32
        for X in (np.array([[0.5, 2.0]]), np.array([[0.1, 2.0]])):
            with pytest.raises(
                InputError, match=r"found dtype float64, expected float32.*X.astype\('float32'\)"
            ):
                rows.read(X)


class TestDocuments:
    @pytest.mark.parametrize("form", [list, tuple, np.array, pd.Series, lambda d: np.array(d, dtype=object)])
    def test_lists_arrays_and_series_of_text(self, form: Any) -> None:
        read = RowReader(documents()[1]).read(form(["über", "", "𝒳 z"]))
        assert read.tensors["X"].tolist() == [["über"], [""], ["𝒳 z"]]

    def test_a_single_text_is_refused(self) -> None:
        with pytest.raises(InputError, match="a list of one text"):
            RowReader(documents()[1]).read("one text")

    @pytest.mark.parametrize("X", [["a", None], ["a", float("nan")], ["a", 1]])
    def test_what_is_no_text_is_refused_with_the_row(self, X: list[Any]) -> None:
        with pytest.raises(InputError, match="row 1"):
            RowReader(documents()[1]).read(X)


class TestShape:
    def test_a_missing_key_is_named_with_its_row(self) -> None:
        with pytest.raises(InputError, match="row 1: column 'seats' is missing"):
            feeds([ROW, {k: v for k, v in ROW.items() if k != "seats"}])

    def test_a_missing_column_of_a_frame_is_named_with_what_there_is(self) -> None:
        with pytest.raises(InputError, match="column 'x' is missing; the rows have 'y'"):
            feeds(pd.DataFrame({"y": [1.0]}), FLOAT)

    def test_a_missing_column_of_a_dict_is_named_with_what_there_is(self) -> None:
        with pytest.raises(InputError, match="column 'x' is missing; the dict has 'y'"):
            feeds({"y": [1.0]}, FLOAT)

    def test_a_column_that_appears_twice_is_refused(self) -> None:
        with pytest.raises(InputError, match="column 'x' appears 2 times"):
            feeds(pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), FLOAT)

    @pytest.mark.parametrize(
        "X",
        [
            [{"x": 1.0, "extra": "?"}],
            {"x": [1.0], "extra": ["?"]},
            pd.DataFrame({"x": [1.0], "extra": ["?"]}),
        ],
    )
    def test_extra_columns_are_ignored_or_refused_as_the_pipeline_does(self, X: Any) -> None:
        assert feeds(X, FLOAT) == {"x": [1.0]}
        with pytest.raises(InputError, match="column 'extra' was not there when the model was fitted"):
            feeds(X, FLOAT, extra_columns="refused")

    def test_columns_of_different_length_are_refused(self) -> None:
        other = Column("y", "y", "float64", "float64", missing="nan")
        with pytest.raises(InputError, match="column 'y' has 1 rows, column 'x' has 2"):
            feeds({"x": [1.0, 2.0], "y": [1.0]}, FLOAT, other)

    def test_a_single_row_as_a_dict_is_refused_with_the_way_out(self) -> None:
        with pytest.raises(InputError, match="a single row goes in as a list of one dict"):
            feeds({"x": 1.0}, FLOAT)

    def test_a_single_row_as_a_series_is_refused_with_the_way_out(self) -> None:
        with pytest.raises(InputError, match=r"X.iloc\[\[0\]\]"):
            feeds(pd.Series({"x": 1.0}), FLOAT)

    def test_an_array_has_no_column_names(self) -> None:
        with pytest.raises(InputError, match="an array has no column names"):
            feeds(np.zeros((1, 1)), FLOAT)

    @pytest.mark.parametrize("X", [5, "x", None, {1.0}, [1.0], iter([])])
    def test_what_is_no_rows_is_refused(self, X: Any) -> None:
        with pytest.raises(InputError, match="expected a DataFrame, a list of dicts or a dict of columns"):
            feeds(X, FLOAT)

    def test_a_list_that_changes_its_mind_is_refused_at_the_row(self) -> None:
        with pytest.raises(InputError, match="row 1: found 5"):
            feeds([{"x": 1.0}, 5], FLOAT)
