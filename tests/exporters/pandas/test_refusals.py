"""What a graph cannot say is refused by its name, with the line and a way out; nothing is exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import needs_str_dtype, twin_of_feature

from onnxtwin.exporters.errors import UnsupportedError

Feature = Callable[[pd.DataFrame], Any]

LOOPS: dict[str, tuple[Feature, str]] = {
    "rows": (lambda d: [row.f for _, row in d.iterrows()], "DataFrame.iterrows"),
    "tuples": (lambda d: list(d.itertuples()), "DataFrame.itertuples"),
    "values": (lambda d: np.array([x * 2 for x in d["f"]]), "iterates over the rows"),
    "a function of a row": (lambda d: d.apply(lambda r: r.f, axis=1), "DataFrame.apply row by row"),
    "a function of a value": (lambda d: d.f.apply(lambda x: x + 1), "Series.apply"),
    "a mapped function": (lambda d: d.s.map(lambda x: x), "maps a column through a function"),
    "a list": (lambda d: pd.Series(d.f.tolist()), "Series.tolist"),
    "a dict": (lambda d: d.to_dict(), "DataFrame.to_dict"),
    "compiled code": (lambda d: np.vectorize(lambda x: x)(d.f), "asks for the values of the rows"),
}


@pytest.mark.parametrize(("feature", "what"), LOOPS.values(), ids=LOOPS)
def test_loops_over_the_rows_are_refused(feature: Feature, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s){what}.*way out: .*whole"):
        twin_of_feature(feature, "f", "s")


BATCHES: dict[str, tuple[Feature, str]] = {
    "the mean of a column": (lambda d: d.f - d.f.mean(), "Series.mean"),
    "numpy's mean of a column": (lambda d: d.f - np.mean(d.f), "Series.mean"),
    "the mean of a frame": (lambda d: d - d.mean(), "DataFrame.mean"),
    "groups": (lambda d: d.groupby("i").f.transform("mean"), "DataFrame.groupby"),
    "the row before": (lambda d: d.f.shift(), "Series.shift"),
    "a window": (lambda d: d.f.rolling(2).mean(), "Series.rolling"),
    "ranks": (lambda d: d.f.rank(), "Series.rank"),
    "running sums": (lambda d: np.cumsum(d.f), "Series.cumsum"),
    "the last value": (lambda d: d.ffill(), "DataFrame.ffill"),
    "counts": (lambda d: d.i.map(d.i.value_counts()), "Series.value_counts"),
    "quantiles": (lambda d: pd.qcut(d.f, 2, labels=False), "pandas.qcut"),
    "duplicates": (lambda d: d.duplicated(), "DataFrame.duplicated"),
}


@pytest.mark.parametrize(("feature", "what"), BATCHES.values(), ids=BATCHES)
def test_what_depends_on_the_other_rows_is_refused(feature: Feature, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s){what}.*way out: .*when fitting"):
        twin_of_feature(feature, "f", "i")


ROWS: dict[str, tuple[Feature, str]] = {
    "a mask": (lambda d: d[d.f > 0], "chooses rows of a frame"),
    "a mask of a column": (lambda d: d.f[d.f > 0], "chooses rows of a column"),
    "loc": (lambda d: d.loc[d.f > 0, "f"], "chooses rows of a frame"),
    "iloc": (lambda d: d.iloc[:3], "chooses rows of a frame"),
    "one value": (lambda d: d.f - d.f.iloc[0], "chooses rows of a column"),
    "the complete ones": (lambda d: d.dropna(), "DataFrame.dropna"),
    "the first ones": (lambda d: d.head(), "DataFrame.head"),
    "in another order": (lambda d: d.sort_values("f"), "DataFrame.sort_values"),
    "a query": (lambda d: d.query("f > 0"), "DataFrame.query"),
    "stacked": (lambda d: pd.concat([d, d]), "pandas.concat stacks rows"),
    "joined by key": (lambda d: d.merge(pd.DataFrame({"i": [1]}), on="i"), "DataFrame.merge"),
    "another table": (lambda d: pd.merge(d, pd.DataFrame({"i": [1]})), "pandas.merge"),
}


@pytest.mark.parametrize(("feature", "what"), ROWS.values(), ids=ROWS)
def test_other_rows_than_those_given_are_refused(feature: Feature, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s){what}.*way out: "):
        twin_of_feature(feature, "f", "i")


LABELS: dict[str, tuple[Feature, str]] = {
    "as values": (lambda d: d.assign(n=d.index), "reads the row labels"),
    "as an array": (lambda d: d.index.values, "reads the row labels"),
    "as a column": (lambda d: d.reset_index(), "row labels into a column"),
    "made of a column": (lambda d: d.set_index("i"), "DataFrame.set_index"),
    "forgotten by an array": (lambda d: d.assign(g=pd.Series(d.f.to_numpy())), "other labels"),
    "forgotten by one side": (lambda d: d.f.reset_index(drop=True) + d.i, "different labels"),
    "forgotten in a concat": (
        lambda d: pd.concat([d, pd.DataFrame(d[["f"]].to_numpy(), columns=["g"])], axis=1),
        "different labels",
    ),
}


@pytest.mark.parametrize(("feature", "what"), LABELS.values(), ids=LABELS)
def test_row_labels_are_no_data(feature: Feature, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s){what}.*way out: "):
        twin_of_feature(feature, "f", "i")


OTHERS: dict[str, tuple[Feature, str]] = {
    "a branch": (lambda d: d.f if (d.f > 0).all() else -d.f, "branches on the values of the rows"),
    "columns made of values": (lambda d: pd.get_dummies(d.s), "pandas.get_dummies"),
    "categories made of values": (lambda d: d.s.astype("category").cat.codes, "categories from the rows"),
    "an unknown text method": (lambda d: d.s.str.title(), "Series.str.title"),
    "an unknown time method": (lambda d: d.t.dt.strftime("%Y"), "Series.dt.strftime"),
    "the order of texts": (lambda d: d.s < "m", "operator 'lt' on text"),
    "texts made of floats": (lambda d: d.f.astype(str), "formats numbers"),
    "a pattern to replace": (lambda d: d.s.replace("a.", "x", regex=True), "replace by pattern"),
    "chance": (lambda d: d.f + np.random.default_rng().random(len(d)), "differs between samples"),
    "intervals": (lambda d: pd.cut(d.f, [0, 1, 2]), "into intervals"),
    "floats among booleans": (lambda d: d.b.where(d.f > 0), "among booleans"),
    "objects as conditions": (lambda d: np.where(d.o.str.contains("p"), 1, 0), "booleans with missing"),
}


@pytest.mark.parametrize(("feature", "what"), OTHERS.values(), ids=OTHERS)
def test_what_has_no_exact_form_is_refused(feature: Feature, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s){what}.*way out: "):
        twin_of_feature(feature, "f", "s", "o", "t", "b")


@needs_str_dtype
def test_text_of_two_dtypes_is_not_joined() -> None:
    with pytest.raises(UnsupportedError, match="dtype object and of dtype str"):
        twin_of_feature(lambda d: d.s + d.o, "s", "o")


def test_a_refusal_names_the_line_of_the_feature() -> None:
    def feature(d: pd.DataFrame) -> pd.DataFrame:
        d = d.copy()
        d["mean"] = d["f"].mean()
        return d

    with pytest.raises(
        UnsupportedError, match=r"test_refusals\.py:\d+: d\[\"mean\"\] = d\[\"f\"\]\.mean\(\)"
    ):
        twin_of_feature(feature, "f")
