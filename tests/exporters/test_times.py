"""numpy on arrays of datetime64 and timedelta64, as int64 ticks in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal, twin_of_feature

from onnxtwin.exporters.errors import UnsupportedError

Feature = Callable[[pd.DataFrame], Any]

ARRAYS: dict[str, Feature] = {
    "isnat": lambda d: np.isnat(d.t.to_numpy()),
    "differences": lambda d: (d.t.to_numpy() - d.u.to_numpy()) / np.timedelta64(1, "h"),
    "sums": lambda d: (d.u.to_numpy() + d.d.to_numpy()) > np.datetime64("2000-01-01"),
    "the later one": lambda d: np.maximum(d.t.to_numpy(), d.u.to_numpy()) > np.datetime64("2010-01-01"),
    "the earlier one, if any": lambda d: np.isnat(np.fmin(d.t.to_numpy(), d.u.to_numpy())),
    "comparison in another unit": lambda d: d.t.to_numpy() >= np.datetime64("2000-02-29T00", "h"),
    "equality": lambda d: np.not_equal(d.t.to_numpy(), d.u.to_numpy()),
    "the size of a duration": lambda d: np.abs(-d.d.to_numpy()) / np.timedelta64(1, "s"),
    "multiples": lambda d: (d.d.to_numpy() * 3) / np.timedelta64(1, "s"),
    "missing ones exchanged": lambda d: (
        np.where(np.isnat(d.d.to_numpy()), np.timedelta64(0, "us"), d.d.to_numpy()) / np.timedelta64(1, "s")
    ),
}


@pytest.mark.parametrize("feature", ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_times_are_computed_as_numpy_does(feature: Feature) -> None:
    assert_feature_equal(feature, "t", "u", "d")


@pytest.mark.parametrize(
    "feature",
    [
        lambda d: d.d.to_numpy() / 3,
        lambda d: d.d.to_numpy() % np.timedelta64(1, "h"),
        lambda d: d.t.to_numpy().astype("datetime64[M]"),
    ],
    ids=["a part", "a remainder", "months"],
)
def test_what_has_no_exact_form_in_ticks_is_refused(feature: Feature) -> None:
    with pytest.raises(UnsupportedError, match="way out: "):
        twin_of_feature(feature, "t", "d")
