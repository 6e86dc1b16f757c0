"""What looks labels up through ``sklearn.utils._encode``: LabelEncoder, alone and in a user's transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import LabelEncoder

LABELS = ["late", "on time", "cancelled", "late", "zé"]


def test_labels_become_their_positions() -> None:
    assert_twin_equal(LabelEncoder().fit(LABELS), LABELS, LABELS[::-1])


def test_an_unknown_label_is_outside_of_the_domain() -> None:
    encoder = LabelEncoder().fit(LABELS)
    assert_both_refuse(twin_of(encoder, LABELS), encoder, ["LATE", "", "late "])


class LabelColumns(BaseEstimator, TransformerMixin):
    """One LabelEncoder a column, as notebooks write it."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> LabelColumns:
        self.encoders_ = {name: LabelEncoder().fit(X[name]) for name in X.columns}
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        X = X.copy()
        for name, encoder in self.encoders_.items():
            X[name] = encoder.transform(X[name])
        return X


FRAME = pd.DataFrame(
    {
        "carrier": pd.Series(["UA", "B6", "AA", "UA"] * 6, dtype="str"),
        "hour": [6, 2**53 + 1, 23, 7] * 6,
        "distance": [1.5, -0.0, np.nan, 2.5] * 6,
        "late": [True, False, True, True] * 6,
    }
)


def test_a_label_encoder_a_column_is_looked_up() -> None:
    assert_twin_equal(LabelColumns().fit(FRAME), FRAME, FRAME[::-1].reset_index(drop=True))


@pytest.mark.parametrize(
    "unknown", [{"carrier": "ua"}, {"hour": 2**53}, {"distance": 7.0}, {"carrier": "", "hour": 0}]
)
def test_what_no_encoder_knows_is_outside_of_the_domain(unknown: dict[str, Any]) -> None:
    columns = LabelColumns().fit(FRAME)
    assert_both_refuse(twin_of(columns, FRAME), columns, FRAME[:1].assign(**unknown).astype(FRAME.dtypes))
