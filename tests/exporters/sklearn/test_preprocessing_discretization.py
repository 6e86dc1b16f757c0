"""KBinsDiscretizer: the bin of every value, edges included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.datasets import load_iris
from sklearn.preprocessing import KBinsDiscretizer

IRIS = load_iris().data


def hostile(bins: KBinsDiscretizer) -> np.ndarray:
    """Rows on every inner edge, one ulp to either side, and far away."""
    width = max(map(len, bins.bin_edges_))
    edges = np.array([np.resize(own, width) for own in bins.bin_edges_]).T
    far = np.array([[1e300, -1e300, 0.0, -0.0]])
    return np.vstack([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), far])


@pytest.mark.filterwarnings("ignore:The current default behavior")
@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_values_fall_into_the_pipelines_bins(encode: str, strategy: str) -> None:
    bins = KBinsDiscretizer(n_bins=[3, 5, 7, 2], encode=encode, strategy=strategy).fit(IRIS)
    assert_twin_equal(bins, IRIS, hostile(bins))


@pytest.mark.parametrize("encode", ["onehot", "ordinal"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_output_has_the_asked_dtype(encode: str, dtype: Any) -> None:
    bins = KBinsDiscretizer(encode=encode, strategy="uniform", dtype=dtype).fit(IRIS)
    assert_twin_equal(bins, IRIS, hostile(bins).clip(-1e30, 1e30))


def test_float32_rows_are_compared_with_float64_edges() -> None:
    bins = KBinsDiscretizer(encode="ordinal", strategy="uniform").fit(IRIS)
    assert_twin_equal(bins, IRIS.astype(np.float32), hostile(bins).clip(-1e30, 1e30).astype(np.float32))


@pytest.mark.filterwarnings("ignore:Feature 0 is constant")
def test_a_constant_column_has_one_bin() -> None:
    rows = np.ones((30, 1))
    bins = KBinsDiscretizer(strategy="uniform").fit(rows)
    assert_twin_equal(bins, rows, np.array([[-5.0], [1.0], [7.0]]))


def test_columns_of_a_frame_keep_their_names() -> None:
    frame = pd.DataFrame(IRIS, columns=list("abcd"))
    bins = (
        KBinsDiscretizer(encode="onehot-dense", strategy="uniform").set_output(transform="pandas").fit(frame)
    )
    assert_twin_equal(bins, frame)


def test_missing_and_infinite_values_are_outside_of_the_domain() -> None:
    bins = KBinsDiscretizer(strategy="uniform").fit(IRIS)
    rows = np.array([[np.nan, 1, 1, 1], [1, np.inf, 1, 1]])
    assert_both_refuse(twin_of(bins, IRIS), bins, rows)
