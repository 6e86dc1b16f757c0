"""Tensors become what the pipeline returns, and the pipeline's answers become those tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from onnxtwin.build.answers import decode, empty, encode
from onnxtwin.exporters.signature import MISSING_TOKEN, Output, Signature

TENSORS = {
    "float64": np.float64,
    "float32": np.float32,
    "int64": np.int64,
    "bool": np.bool_,
    "string": object,
}


def signature(*outputs: Output) -> Signature:
    return Signature("DataFrame", "columns", (), (), outputs, methods=(outputs[0].method,))


def one(tensor: Any, dtype: str, shape: tuple[int | None, ...] = (None,), **more: Any) -> Output:
    return Output("predict", "predict", None, tensor, dtype, shape, **more)


CASES = {
    "text labels": (one("string", "<U3"), np.array(["yes", "no"])),
    "object labels": (one("string", "object"), np.array(["yes", "no"], dtype=object)),
    "bool labels": (one("bool", "bool"), np.array([True, False])),
    "int32 labels": (one("int64", "int32"), np.array([1, 2], dtype=np.int32)),
    "uint8 labels": (one("int64", "uint8"), np.array([1, 255], dtype=np.uint8)),
    "object integers": (one("int64", "object"), np.array([1, 2], dtype=object)),
    "float numbers": (one("float64", "float64"), np.array([0.1, np.nan])),
    "float32 numbers": (one("float32", "float32"), np.array([0.1, np.inf], dtype=np.float32)),
    "instants": (one("int64", "datetime64[us]"), np.array(["2013-01-01", "NaT"], dtype="datetime64[us]")),
    "durations": (one("int64", "timedelta64[s]"), np.array([5, -5], dtype="timedelta64[s]")),
    "a matrix": (one("float64", "float64", (None, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])),
    "a matrix of no rows": (one("float64", "float64", (None, 2)), np.empty((0, 2))),
    "no labels": (one("string", "<U3"), np.array([], dtype="<U3")),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_encoded_is_decoded_to_the_same_array(case: str) -> None:
    output, answer = CASES[case]
    (tensor,) = encode(signature(output), "predict", answer)
    assert tensor.dtype == TENSORS[output.tensor]
    decoded = decode([output], [tensor], MISSING_TOKEN)
    assert decoded.dtype == answer.dtype
    np.testing.assert_array_equal(decoded, answer)


def test_a_missing_text_travels_as_the_token_and_comes_back_as_nan() -> None:
    output = one("string", "object")
    (tensor,) = encode(signature(output), "predict", np.array(["a", None, math.nan], dtype=object))
    assert tensor.tolist() == ["a", MISSING_TOKEN, MISSING_TOKEN]
    decoded = decode([output], [tensor], MISSING_TOKEN)
    assert decoded[0] == "a"
    assert math.isnan(decoded[1])


def test_a_text_longer_than_the_dtype_is_not_cut() -> None:
    assert decode([one("string", "<U2")], [np.array(["abcdef"], dtype=object)], MISSING_TOKEN).tolist() == [
        "abcdef"
    ]


def test_probabilities_of_several_outputs_are_a_list_in_order() -> None:
    specs = [
        Output(f"predict_proba.{i}", "predict_proba", i, "float64", "float64", (None, i + 2))
        for i in range(3)
    ]
    answer = [np.full((1, i + 2), float(i)) for i in range(3)]
    tensors = encode(signature(*reversed(specs)), "predict_proba", answer)
    decoded = decode(specs, tensors, MISSING_TOKEN)
    assert [array.shape for array in decoded] == [(1, 2), (1, 3), (1, 4)]


def test_a_sparse_answer_is_encoded_densely() -> None:
    from scipy.sparse import csr_matrix

    output = one("float64", "float64", (None, 2))
    (tensor,) = encode(signature(output), "predict", csr_matrix([[0.0, 1.0]]))
    assert tensor.tolist() == [[0.0, 1.0]]


def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 3\), expected \(1, 2\)"):
        encode(signature(one("float64", "float64", (None, 2))), "predict", np.zeros((1, 3)))


class TestFrames:
    FRAME = Output(
        "transform",
        "transform",
        None,
        "float64",
        "float64",
        (None, 2),
        columns=("p", "q"),
        container="DataFrame",
    )
    PIECES = (
        Output("transform.0", "transform", 0, "float64", "float64", (None, 1), None, ("p",), "DataFrame"),
        Output("transform.1", "transform", 1, "string", "object", (None, 1), None, ("q",), "DataFrame"),
    )

    def test_pandas_in_pandas_out_with_the_callers_index(self) -> None:
        expected = pd.DataFrame([[1.0, 2.0]], columns=["p", "q"], index=["here"])
        tensors = encode(signature(self.FRAME), "transform", expected)
        pd.testing.assert_frame_equal(decode([self.FRAME], tensors, MISSING_TOKEN, expected.index), expected)

    def test_rows_without_pandas_get_the_same_values_as_an_array(self) -> None:
        got = decode([self.FRAME], [np.array([[1.0, 2.0]])], MISSING_TOKEN)
        assert isinstance(got, np.ndarray)
        assert got.tolist() == [[1.0, 2.0]]

    def test_columns_of_several_types_are_put_together(self) -> None:
        expected = pd.DataFrame({"p": [1.0, 2.0], "q": np.array(["a", "b"], dtype=object)}, index=[7, 9])
        tensors = encode(signature(*self.PIECES), "transform", expected)
        assert [tensor.shape for tensor in tensors] == [(2, 1), (2, 1)]
        got = decode(self.PIECES, tensors, MISSING_TOKEN, expected.index)
        pd.testing.assert_frame_equal(got, expected, check_dtype=False)
        assert decode(self.PIECES, tensors, MISSING_TOKEN).tolist() == [[1.0, "a"], [2.0, "b"]]

    def test_a_series_keeps_its_name_and_index(self) -> None:
        spec = Output("predict", "predict", None, "float64", "float64", (None,), None, ("late",), "Series")
        expected = pd.Series([0.5], name="late", index=[3])
        tensors = encode(signature(spec), "predict", expected)
        pd.testing.assert_series_equal(decode([spec], tensors, MISSING_TOKEN, expected.index), expected)


def test_the_empty_tensor_of_an_output_has_its_width() -> None:
    assert empty(one("string", "<U3")).shape == (0,)
    assert empty(one("float32", "float32", (None, 4))).shape == (0, 4)
