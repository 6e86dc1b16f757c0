"""Every question that code asks of a traced frame, column or index is answered as pandas' own, or refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from asking import differences
from features import assert_feature_equal, needs_str_dtype, sample, twin_of_feature
from pandas_parts_questions import COLUMN, FRAME, LABELS, parts
from pandas_questions import ANY, TABLE, asked, asked_of_names, names_held

from onnxtwin.exporters.errors import UnsupportedError

Feature = Callable[[pd.DataFrame], Any]


def others() -> pd.DataFrame:
    """Rows of other values, under labels of another kind."""
    rows = sample().iloc[::-1]
    rows["f"], rows["i"] = rows["f"] + 3, rows["i"] * 5
    rows["s"] = rows["s"].str.upper()
    rows.index = pd.date_range("2000-01-01", periods=len(rows), name="when")
    return rows


FRAMES = asked(names_held, parts, *ANY, *TABLE, *FRAME)
COLUMNS = asked(names_held, *ANY, *TABLE, *COLUMN)

SUBJECTS: dict[str, tuple[Feature, dict[str, Any]]] = {
    "a frame of all kinds": (lambda d: d, FRAMES),
    "a frame of floats": (lambda d: d[["f", "g"]], FRAMES),
    "the row labels": (lambda d: d.index, asked(*ANY, *LABELS) | asked_of_names()),
    "floats": (lambda d: d["f"], COLUMNS),
    "integers": (lambda d: d["i"], COLUMNS),
    "booleans": (lambda d: d["b"], COLUMNS),
    "text of pandas": (lambda d: d["s"], COLUMNS),
    "text as objects": (lambda d: d["o"], COLUMNS),
    "times": (lambda d: d["t"], COLUMNS),
    "times in a zone": (lambda d: d["z"], COLUMNS),
    "durations": (lambda d: d["d"], COLUMNS),
    "categories": (lambda d: d["k"], COLUMNS),
    "nullable integers": (lambda d: d["I"], COLUMNS),
    "nullable booleans": (lambda d: d["B"], COLUMNS),
}


@needs_str_dtype
@pytest.mark.parametrize(("subject", "questions"), SUBJECTS.values(), ids=SUBJECTS)
def test_a_traced_object_answers_as_the_real_one_or_refuses(
    subject: Feature, questions: dict[str, Any]
) -> None:
    found = differences(questions, subject, sample(), others())
    assert not found, "\n".join(found)


@functools.singledispatch
def doubled(x: Any) -> Any:
    raise TypeError(type(x))


@doubled.register
def _(x: pd.DataFrame) -> Any:
    return x * 2


@doubled.register
def _(x: pd.Series) -> Any:
    return x * 2


BY_CLASS = {pd.DataFrame: 2.0, pd.Series: 3.0}


def added_in_place(d: pd.DataFrame) -> pd.DataFrame:
    same = d = d.copy()
    same += 1
    return d


def column_multiplied_in_place(d: pd.DataFrame) -> pd.DataFrame:
    column = d["f"]
    same = column
    same *= 3
    return pd.concat([column, d["f"].rename("kept")], axis=1)


def shared_then_written(d: pd.DataFrame) -> pd.DataFrame:
    values = d.to_numpy(copy=True)
    frame = pd.DataFrame(values, columns=d.columns, copy=False)
    values[:] = 0.0
    return frame


ANSWERED: dict[str, Feature] = {
    "the class of a frame": lambda d: d * (2 if type(d) is pd.DataFrame else 3),
    "the class of a column": lambda d: d.f * (2 if type(d.f) is pd.Series else 3),
    "the class as an attribute": lambda d: d * (2 if d.__class__ is pd.DataFrame else 3),
    "the class as a key": lambda d: d * BY_CLASS[type(d)],
    "a subclass": lambda d: d * (2 if issubclass(type(d), pd.DataFrame) else 3),
    "functools.singledispatch": lambda d: doubled(d),
    "singledispatch of a column": lambda d: doubled(d.f),
    "round": lambda d: round(d, 1),
    "round of a column": lambda d: round(d.f),
    "divmod": lambda d: divmod(d.f, 3)[0] - divmod(7, d.f)[1],
    "divmod by a frame": lambda d: divmod(d, 2.0)[1],
    "a plus sign": lambda d: +d,
    "a product with weights": lambda d: d @ np.array([0.5, -2.0]),
    "a product with a matrix": lambda d: d.dot(np.array([[0.5, 1.0], [-2.0, 0.0]])),
    "a product aligned by name": lambda d: d @ pd.Series({"g": 1.0, "f": 2.0}),
    "addition in place": added_in_place,
    "a column in place": column_multiplied_in_place,
    "a method of the class": lambda d: pd.DataFrame.fillna(d, 0.0) + pd.DataFrame.abs(d),
    "a method of the column's class": lambda d: pd.Series.clip(d.f, 0, 1),
    "what polars and scipy have": lambda d: d * (3 if hasattr(d, "todense") or hasattr(d, "lazy") else 2),
    "what only the trace has": lambda d: d.f * (3 if hasattr(d.f, "held") or "held" in dir(d.f) else 2),
    "labels made on the way": lambda d: d * isinstance(d.reset_index(drop=True).index, pd.RangeIndex),
}


@pytest.mark.parametrize("feature", ANSWERED.values(), ids=ANSWERED)
def test_a_feature_that_asks_is_exported_as_pandas_answers(feature: Feature) -> None:
    assert_feature_equal(feature, "f", "g")


REFUSED: dict[str, tuple[Feature, str]] = {
    "the labels' class": (
        lambda d: d * isinstance(d.index, pd.RangeIndex),
        "which class the row labels have",
    ),
    "the labels' type": (lambda d: d * (type(d.index) is pd.Index), "which class the row labels have"),
    "the labels' attributes": (
        lambda d: d * hasattr(d.index, "levels"),
        "whether the row labels have 'levels'",
    ),
    "the labels' name": (lambda d: d * (d.index.name is None), "the name of the row labels"),
    "the default labels": (lambda d: d * d.index.equals(pd.RangeIndex(len(d))), "compares the row labels"),
    "text of a frame": (lambda d: d * len(f"{d}"), "writes computed values as text"),
    "text of a column": (lambda d: d * len(repr(d.f)), "writes computed values as text"),
    "an interchange protocol": (lambda d: d * len(d.__dataframe__().column_names()), "for __dataframe__"),
    "an internal": (lambda d: d * len(d._mgr.blocks), "for _mgr"),
    "a hash": (lambda d: d * pd.util.hash_pandas_object(d).max(), "hash_pandas_object"),
    "an attribute of one's own": (lambda d: setattr(d.f, "unit", "m") or d, "sets the attribute 'unit'"),
    "shared memory": (lambda d: shared_then_written(d), "read-only"),
    "a swallowed failure": (lambda d: _or(d.f, lambda: d.f.case_when([(d.g > 0, 1.0)])), "Series.case_when"),
}


def _or(fallback: Any, attempt: Callable[[], Any]) -> Any:
    try:
        return attempt()
    except Exception:  # noqa: BLE001 - as users write it
        return fallback


@pytest.mark.parametrize(("feature", "what"), REFUSED.values(), ids=REFUSED)
def test_a_question_that_no_batch_answers_for_all_is_refused_by_name(feature: Feature, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s){what}.*way out: "):
        twin_of_feature(feature, "f", "g")


@needs_str_dtype
@pytest.mark.parametrize("column", ["s", "k", "I", "B"])
def test_the_extension_array_of_a_column_is_refused(column: str) -> None:
    with pytest.raises(UnsupportedError, match=r"extension array \(\.values\)"):
        twin_of_feature(lambda d: pd.isna(d[column].values), column)
