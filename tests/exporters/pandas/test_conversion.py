"""``astype``, ``to_numeric`` and ``cut``: what a conversion refuses is outside of the twin's domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import assert_feature_equal, hostile, needs_str_dtype, twin_of_feature
from parity import twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import DomainError, LimitError, UnsupportedError

Feature = Callable[[pd.DataFrame], Any]

CONVERTED: dict[str, Feature] = {
    "floats to integers": lambda d: d.f.fillna(0).clip(-1e9, 1e9).astype(int),
    "integers to floats": lambda d: d.i.astype(float),
    "booleans to integers": lambda d: d.b.astype(int),
    "floats to booleans": lambda d: d.f.astype(bool),
    "floats to single precision": lambda d: d.g.clip(-9, 9).astype("float32"),
    "integers to text": lambda d: d.i.astype(str),
    "booleans to text": lambda d: d.b.astype(str),
    "floats to nullable integers": lambda d: d.g.clip(-9, 9).round().astype("Int64").astype("float64"),
    "floats to nullable single precision": lambda d: (
        (d.g.clip(-9, 9) / 3).astype("Float32").astype("float64")
    ),
    "floats to 8 bits": lambda d: d.g.fillna(0).clip(-128.9, 127.9).astype("int8"),
    "a frame by column": lambda d: d[["i", "b"]].astype({"i": float, "b": int}),
    "a frame of floats": lambda d: d[["f", "g"]].clip(-9, 9).astype("float32"),
    "a mixed frame": lambda d: d[["f", "i", "b"]].astype("float64"),
}


@pytest.mark.parametrize("feature", CONVERTED.values(), ids=CONVERTED)
def test_numbers_are_converted(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g", "i", "b")


@needs_str_dtype
def test_text_keeps_its_missing_values_in_every_dtype() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {"a": d.s.astype(object), "b": d.o.astype("str").str.upper(), "c": d.k.astype(str)}
        )

    assert_feature_equal(feature, "s", "o", "k")


def test_text_becomes_numbers_as_python_reads_them() -> None:
    assert_feature_equal(lambda d: d.num.astype(float), "num")


def test_text_becomes_numbers_as_to_numeric_reads_them() -> None:
    rows = pd.DataFrame(
        {
            "num": [
                "",
                " 1",
                "1 ",
                ".5",
                "-1.",
                "+2e3",
                "Infinity",
                " inf",
                "1_0",
                "0x10",
                "x",
                None,
                "1e",
                "--1",
            ]
        }
    )
    assert_feature_equal(lambda d: pd.to_numeric(d.num, errors="coerce"), "num", rows=rows)
    assert_feature_equal(lambda d: pd.to_numeric(d.num), "num", rows=rows)


def test_a_spelling_of_a_number_that_is_not_followed_is_a_declared_limit() -> None:
    twin = twin_of_feature(lambda d: d.num.astype(float), "num")
    with pytest.raises(LimitError, match="'num': the text is a number of a size"):
        twin.run(pd.DataFrame({"num": ["5e-324"]}))
    (limit,) = (c for c in twin.signature.conditions if c.limit)
    assert limit.columns == ("num",)


def test_a_missing_number_has_no_integer() -> None:
    rows = pd.DataFrame({"x": [1.0, -2.0, 3.5]})
    transformer = FunctionTransformer(lambda d: d.x.astype(int)).fit(rows)
    twin = twin_of(transformer, rows)
    assert twin.run(pd.DataFrame({"x": [-2.9]}))["transform"].tolist() == [-2]
    for bad in (np.nan, np.inf, 1e300):
        with pytest.raises(DomainError):
            twin.run(pd.DataFrame({"x": [bad]}))


CUT: dict[str, Feature] = {
    "numbers of bins": lambda d: pd.cut(d.f, [-1, 0, 2, 8], labels=False),
    "labels": lambda d: pd.cut(d.f, [-np.inf, 0, 2, np.inf], labels=["lo", "mid", "hi"]),
    "number labels, the lowest included": lambda d: pd.cut(
        d.i, [0, 2, 5], labels=[10, 20], include_lowest=True
    ),
    "closed on the left": lambda d: pd.cut(d.g, [0, 1, 2], right=False, labels=False),
    "codes": lambda d: pd.cut(d.f, [-1, 0, 2, 8], labels=["a", "b", "c"]).cat.codes,
}


@pytest.mark.parametrize("feature", CUT.values(), ids=CUT)
def test_numbers_are_cut_at_fixed_edges(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g", "i")


CATEGORIES: dict[str, Feature] = {
    "codes": lambda d: pd.DataFrame({"a": d.k.cat.codes, "b": d.n.cat.codes}),
    "equality": lambda d: pd.DataFrame({"a": d.k == "lo", "b": d.k != "lo", "c": d.n == 2}),
    "order": lambda d: pd.DataFrame({"a": d.k >= "mid", "b": d.k < "hi"}),
    "their text": lambda d: d.k.astype(object).str.upper(),
    "their numbers": lambda d: d.n.astype(float),
    "other names": lambda d: d.k.cat.rename_categories({"lo": "L"}).astype(object),
    "fewer of them": lambda d: d.k.cat.set_categories(["hi"]).cat.codes,
    "made of text": lambda d: d.s.astype(pd.CategoricalDtype(["ab", ""])).cat.codes,
    "made of integers": lambda d: d.i.astype(pd.CategoricalDtype([3, 1, 2])).cat.codes,
    "raw": lambda d: d[["k"]],
}


@pytest.mark.filterwarnings("ignore:Constructing a Categorical")
@pytest.mark.parametrize("feature", CATEGORIES.values(), ids=CATEGORIES)
def test_categories_are_pandas_own(feature: Feature) -> None:
    assert_feature_equal(feature, "k", "n", "s", "i")


NULLABLE: dict[str, Feature] = {
    "sums": lambda d: (d.I + 1).astype("float64"),
    "products": lambda d: (d.F * 2).astype("float64"),
    "of integers": lambda d: (d.I * 3 - d.I).astype("float64"),
    "quotients": lambda d: (d.I / 2 + d.F / d.I).astype("float64"),
    "with plain floats": lambda d: (d.I + d.f).astype("float64"),
    "comparison": lambda d: (d.I > 1).fillna(False).astype(float),
    "negation": lambda d: (-d.I + d.F.abs()).astype("float64"),
    "not": lambda d: (~d.B).astype("float64"),
    "and": lambda d: (d.B & (d.I > 0)).astype("float64"),
    "or": lambda d: (d.B | (d.I > 0)).astype("float64"),
    "clip": lambda d: d.I.clip(0, 5).astype("float64"),
    "raw": lambda d: d[["I", "F"]],
}


@pytest.mark.parametrize("feature", NULLABLE.values(), ids=NULLABLE)
def test_nullable_numbers_hand_on_what_is_missing(feature: Feature) -> None:
    assert_feature_equal(feature, "I", "F", "B", "f")


def test_a_nullable_integer_beyond_what_the_graph_holds_is_refused() -> None:
    twin = twin_of_feature(lambda d: (d.I * d.I).astype("float64"), "I")
    rows = hostile()[["I"]].assign(I=pd.array([2**40] * 8, dtype="Int64"))
    with pytest.raises(DomainError, match=r"2\*\*53"):
        twin.run(rows)


SIZES = ["S", "M", "L"]
OF_ROWS: dict[str, Feature] = {
    "codes": lambda d: d.k.cat.codes,
    "codes of the same dtype": lambda d: d.k.astype("category").cat.codes,
    "codes of a filled column": lambda d: d.k.fillna("S").cat.codes,
    "codes of a chosen column": lambda d: d.k.where(d.a > 0, "M").cat.codes,
    "codes with one more": lambda d: d.k.cat.add_categories(["Q"]).cat.codes,
    "order": lambda d: d.k.cat.as_ordered() >= "M",
    "other names": lambda d: d.k.cat.rename_categories({"S": "s"}).astype(object) == "s",
}


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_category_that_the_sample_does_not_list_has_no_fixed_code(name: str) -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"x": OF_ROWS[name](d).astype(float), "a": d.a})

    rows = pd.DataFrame({"k": pd.Categorical([*SIZES, None] * 5, SIZES), "a": np.arange(20.0)})
    twin = twin_of(FunctionTransformer(feature).fit(rows), rows)
    assert np.array_equal(twin.run(rows)["transform"], feature(rows).to_numpy())
    unseen = pd.DataFrame({"k": pd.Categorical(["S", "Z"], [*SIZES, "Z"]), "a": [1.0, 2.0]})
    with pytest.raises(LimitError, match="not seen"):
        twin.run(unseen)


def test_a_category_that_fixed_ones_lack_is_missing() -> None:
    rows = pd.DataFrame({"k": pd.Categorical([*SIZES, None] * 5, SIZES)})

    def feature(d: pd.DataFrame) -> pd.DataFrame:
        fixed = d.k.cat.set_categories(["M", "S"])
        return pd.DataFrame({"x": fixed.cat.codes / len(fixed.cat.categories)})

    twin = twin_of(FunctionTransformer(feature).fit(rows), rows)
    assert not twin.signature.conditions
    unseen = pd.DataFrame({"k": pd.Categorical(["S", "Z"], [*SIZES, "Z"])})
    assert np.array_equal(twin.run(unseen)["transform"], feature(unseen).to_numpy())


def test_the_list_of_categories_that_rows_bring_is_refused() -> None:
    rows = pd.DataFrame({"k": pd.Categorical(SIZES * 5, SIZES)})
    transformer = FunctionTransformer(lambda d: pd.DataFrame({"x": d.k.cat.codes / len(d.k.cat.categories)}))
    with pytest.raises(UnsupportedError, match=r"cat\.categories are those that the rows bring"):
        twin_of(transformer.fit(rows), rows)
