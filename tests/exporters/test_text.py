"""Text arrays: membership, and numbers read from text as Python reads them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal, twin_of_feature
from parity import twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import DomainError, UnsupportedError
from onnxtwin.exporters.signature import MISSING_TOKEN

NUMBERS = pd.DataFrame({"x": ["1", "-2", "30"]})


def test_membership_of_texts() -> None:
    assert_feature_equal(lambda d: np.isin(d.s.to_numpy(), ["ab", "", "İstanbul"]), "s")


def test_the_missing_token_is_no_text_to_look_for() -> None:
    with pytest.raises(UnsupportedError, match="stands for a missing text"):
        twin_of_feature(lambda d: np.isin(d.s.to_numpy(), [MISSING_TOKEN]), "s")


@pytest.mark.parametrize("text", ["7", " 7 ", "+7", "-0", "9223372036854775807", "-9223372036854775808"])
def test_whole_numbers_are_read_exactly(text: str) -> None:
    twin = twin_of(FunctionTransformer(lambda d: d.x.astype("int64")).fit(NUMBERS), NUMBERS)
    assert twin.run(pd.DataFrame({"x": [text]}))["transform"].tolist() == [int(text)]


@pytest.mark.parametrize("text", ["7.0", "", "x", "1e3", "9223372036854775808"])
def test_what_is_no_whole_number_is_outside_of_the_domain(text: str) -> None:
    twin = twin_of(FunctionTransformer(lambda d: d.x.astype("int64")).fit(NUMBERS), NUMBERS)
    with pytest.raises(DomainError):
        twin.run(pd.DataFrame({"x": [text]}))


@pytest.mark.parametrize("text", ["0.1", "1e-3", ".5", "5.", "Infinity", "-nan", "12345678901234567890"])
def test_floats_are_read_correctly_rounded(text: str) -> None:
    twin = twin_of(FunctionTransformer(lambda d: d.x.astype(float)).fit(NUMBERS), NUMBERS)
    answer = twin.run(pd.DataFrame({"x": [text]}))["transform"]
    np.testing.assert_array_equal(np.asarray(answer), [float(text)])


def test_other_integers_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="read float64 or int64"):
        twin_of(FunctionTransformer(lambda d: d.x.astype("int32")).fit(NUMBERS), NUMBERS)
