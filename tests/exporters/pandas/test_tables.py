"""``map``, ``replace`` and ``isin``: look-ups answer as pandas does, for keys that no sample held, too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal, needs_str_dtype, twin_of_feature

from onnxtwin.exporters.errors import UnsupportedError

Feature = Callable[[pd.DataFrame], Any]
NAN = np.nan

MAPPED: dict[str, tuple[Feature, str]] = {
    "text to integers": (lambda d: d.s.map({"ab": 1, "": 2}), "s"),
    "text to floats, one missing": (lambda d: d.o.map({"p": 1.5, "q": NAN}), "o"),
    "text to text": (lambda d: d.s.map({"ab": "X"}), "s"),
    "text to booleans": (lambda d: d.s.map({"ab": True, "": False}).fillna(False).astype(bool), "s"),
    "a missing key": (lambda d: d.s.map({"ab": 1, NAN: 9}), "s"),
    "a fitted column": (lambda d: d.s.map(pd.Series({"ab": 5, "": 7})), "s"),
    "missing values ignored": (lambda d: d.s.map({"ab": 1, NAN: 2}, na_action="ignore"), "s"),
    "no key at all": (lambda d: d.s.map({}).isna(), "s"),
    "keys of another type": (lambda d: d.s.map({1: 2, "ab": 3}), "s"),
    "booleans": (lambda d: d.b.map({True: 1, False: 0}), "b"),
    "integers": (lambda d: d.i.map({1: 10.5, 2: 3, 2**40: 4}), "i"),
    "floats, both zeros": (lambda d: d.f.map({0.0: 1, 1.5: 2, np.inf: 3}), "f"),
    "categories of text": (lambda d: d.k.map({"lo": 0, "mid": 1, "hi": 2}).astype(float), "k"),
    "categories joined": (lambda d: d.k.map({"lo": "a", "mid": "b", "hi": "a"}), "k"),
    "categories of numbers": (lambda d: d.n.map({1: 10, 2: 20, 3: 30}).astype(float), "n"),
    "nullable integers": (lambda d: d.I.map({1: 5, 3: 7}).astype(float), "I"),
    "then filled": (lambda d: d.s.map({"ab": 1}).fillna(0).astype(int), "s"),
}


@pytest.mark.filterwarnings("ignore:'bool' is not supported as a fill value")
@pytest.mark.parametrize(("feature", "column"), MAPPED.values(), ids=MAPPED)
def test_a_dict_maps_a_column(feature: Feature, column: str) -> None:
    assert_feature_equal(feature, column)


@pytest.mark.parametrize("table", [Counter(a=1), defaultdict(int, a=1)])
def test_a_dict_that_makes_up_values_is_refused(table: Any) -> None:
    with pytest.raises(UnsupportedError, match="makes up values"):
        twin_of_feature(lambda d: d.s.map(table), "s")


@needs_str_dtype
def test_a_missing_key_that_pandas_finds_beside_others_only_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="alone and beside others"):
        twin_of_feature(lambda d: d.o.map({"p": 1, None: 9}), "o")


REPLACED: dict[str, tuple[Feature, str]] = {
    "a number": (lambda d: d.f.replace(0, 9), "f"),
    "infinities": (lambda d: d.f.replace([np.inf, -np.inf], NAN), "f"),
    "missing values": (lambda d: d.f.replace(NAN, 0), "f"),
    "two numbers, exchanged": (lambda d: d.f.replace([0, 1.5], [1.5, 0]), "f"),
    "integers by dict": (lambda d: d.i.replace({1: 10, 2: 20}), "i"),
    "an integer with nothing": (lambda d: d.i.replace(1, NAN), "i"),
    "an integer that no row has": (lambda d: d.i.replace(-999, NAN), "i"),
    "text": (lambda d: d.s.replace("ab", "X"), "s"),
    "text by dict": (lambda d: d.s.replace({"ab": "X", "": "Y"}), "s"),
    "texts by lists": (lambda d: d.s.replace(["ab", ""], ["u", "v"]), "s"),
    "text with nothing": (lambda d: d.s.replace("", NAN), "s"),
    "missing text": (lambda d: d.s.replace(NAN, "gone"), "s"),
    "objects": (lambda d: d.o.replace({"p": "w"}), "o"),
    "a frame": (lambda d: d.replace([np.inf, -np.inf], NAN), "f"),
    "a frame by column": (lambda d: d.replace({"f": {0.0: 9.0}}), "f"),
    "a frame by column with one value": (lambda d: d.replace({"f": 0.0}, 3.0), "f"),
}


@pytest.mark.parametrize(("feature", "column"), REPLACED.values(), ids=REPLACED)
def test_values_are_replaced(feature: Feature, column: str) -> None:
    assert_feature_equal(feature, column)


MEMBERS: dict[str, tuple[Feature, str]] = {
    "floats, a missing one": (lambda d: d.f.isin([0, 1.5, NAN]), "f"),
    "integers": (lambda d: d.i.isin([1, 2.0, 3.5]), "i"),
    "a range": (lambda d: d.i.isin(range(2, 100, 3)), "i"),
    "text": (lambda d: d.s.isin(["ab", "nope"]), "s"),
    "many texts": (lambda d: d.s.isin({"ab", "", "q", "w", "e", "r"}), "s"),
    "missing text": (lambda d: d.s.isin(["ab", None]), "s"),
    "missing objects": (lambda d: d.o.isin(["p", NAN]), "o"),
    "booleans": (lambda d: d.b.isin([True]), "b"),
    "categories": (lambda d: d.k.isin(["lo", "x"]), "k"),
    "nullable integers": (lambda d: d.I.isin([1, 3]).astype(float), "I"),
    "a frame": (lambda d: d.isin([0, 1.5]), "f"),
    "a frame by column": (lambda d: d.isin({"f": [0.0]}), "f"),
}


@pytest.mark.parametrize(("feature", "column"), MEMBERS.values(), ids=MEMBERS)
def test_membership_is_pandas_own(feature: Feature, column: str) -> None:
    assert_feature_equal(feature, column)
