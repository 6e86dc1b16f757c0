"""What of the rows' form a pipeline tells apart is found out when it is exported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from onnxtwin.build.contract import to_contract, to_signature
from onnxtwin.exporters import export_graph
from onnxtwin.exporters.forms import rearranged, same_answers, sources
from onnxtwin.exporters.signature import Signature, is_missing

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3))
NAMED = pd.DataFrame(X, columns=["a", "b", "c"])
MIXED = NAMED.assign(word=RNG.choice(["red", "green"], 40), kind=pd.Categorical(RNG.choice(list("xy"), 40)))


def signature(estimator: Any, rows: Any) -> Signature:
    return export_graph(estimator.fit(rows, X[:, 0]), rows).signature


def first(function: Any) -> Any:
    return make_pipeline(FunctionTransformer(function), LinearRegression())


def summed(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"sum": frame["a"] + frame["b"]})


def subset(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["b", "a"]] * 2


def assigned(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(product=frame["a"] * frame["b"])


def scaled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame * 2


def third(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:, [2]]


def numeric(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.select_dtypes("number")


def total(frame: pd.DataFrame) -> Any:
    return frame.sum(axis=1).to_numpy().reshape(-1, 1)


def asked(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"a": frame["a"] * (2 if frame.columns[0] == "a" else 3)})


class TestColumns:
    @pytest.mark.parametrize(
        "estimator",
        [
            first(summed),
            first(subset),
            make_pipeline(
                FunctionTransformer(assigned),
                make_column_transformer((StandardScaler(), ["a", "product"])),
                LinearRegression(),
            ),
            make_union(FunctionTransformer(summed), FunctionTransformer(subset)),
            make_column_transformer((StandardScaler(), ["a", "b"])),
            make_column_transformer((StandardScaler(), [0, 2])),
            make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number"))),
        ],
    )
    def test_code_that_goes_by_name_takes_any_order_and_company(self, estimator: Any) -> None:
        assert signature(estimator, NAMED).extra_columns == "ignored"

    @pytest.mark.parametrize("function", [scaled, third, numeric, total, asked, assigned])
    def test_code_that_looks_at_places_or_at_all_columns_takes_the_samples_order(self, function: Any) -> None:
        assert signature(first(function), NAMED).extra_columns == "refused"

    def test_estimators_that_compare_names_take_the_samples_order(self) -> None:
        assert (
            signature(make_pipeline(StandardScaler(), LinearRegression()), NAMED).extra_columns == "refused"
        )

    def test_numbers_as_names_are_places_to_scikit_learn(self) -> None:
        frame = pd.DataFrame(X)
        for estimator in (LinearRegression(), make_column_transformer((StandardScaler(), [0, 2]))):
            assert signature(estimator, frame).extra_columns == "refused"

    @pytest.mark.parametrize("frame", [NAMED, MIXED, pd.DataFrame(X), NAMED[["a", "b"]], NAMED[["a"]]])
    def test_every_column_of_a_rearranged_frame_stands_elsewhere(self, frame: pd.DataFrame) -> None:
        labels, made = frame.columns.tolist(), rearranged(frame)
        names = made.columns.tolist()
        assert len(set(names)) == len(names) > len(labels)
        for place, label in enumerate(labels):
            assert names.index(label) != place
            assert names.index(label) - len(names) != place - len(labels)
        for held, source in zip(names, sources(labels), strict=True):
            assert made[held].equals(frame[source].rename(held))


class RefusedError(Exception):
    """An error of the user's own."""


def strict(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.columns.tolist() != ["a", "b", "c"]:
        raise RefusedError("not the columns that were fitted")
    return frame


class TestQuestions:
    def test_a_pipeline_may_refuse_with_an_error_of_its_own(self) -> None:
        told = signature(
            make_pipeline(FunctionTransformer(strict), StandardScaler(), LinearRegression()), NAMED
        )
        assert told.extra_columns == "refused"
        assert not any(column.missing_allowed for column in told.columns)

    @pytest.mark.parametrize("answer", [3, {"a": 1}, [1.5, 2.5], "text", None])
    def test_answers_of_any_type_are_compared(self, answer: Any) -> None:
        assert same_answers([answer], [answer]) == (type(answer) in (int, list, str))
        assert not same_answers([answer], [4])


class TestTypes:
    @pytest.mark.parametrize(
        ("estimator", "rows"),
        [
            (make_pipeline(StandardScaler(), LinearRegression()), X),
            (make_pipeline(MinMaxScaler(), LinearRegression()), NAMED),
            (first(np.cbrt), X),
            (TransformedTargetRegressor(LinearRegression(), func=np.cbrt, inverse_func=np.sinh), X),
            (make_column_transformer((OneHotEncoder(), ["word", "kind"]), (StandardScaler(), ["a"])), MIXED),
        ],
    )
    def test_scikit_learns_own_code_goes_by_value(self, estimator: Any, rows: Any) -> None:
        assert signature(estimator, rows).types == "by_value"

    @pytest.mark.parametrize(
        ("estimator", "rows"),
        [
            (first(summed), NAMED),
            (first(np.square), X),  # int64 overflows
            (first(np.reciprocal), X + 9),  # of whole numbers it is 0
            (LinearRegression(), X.astype(np.float32)),
            (FunctionTransformer(), X),  # answers with the rows' own type
        ],
    )
    def test_other_code_may_look_at_types(self, estimator: Any, rows: Any) -> None:
        assert signature(estimator, rows).types == "exact"

    def test_the_contract_says_so_and_an_older_one_says_nothing(self) -> None:
        told = signature(make_pipeline(StandardScaler(), LinearRegression()), X)
        contract = to_contract(told, opsets={"ai.onnx": 20}, ir_version=10, versions={})
        assert to_signature(contract) == told
        del contract["rows"]["types"]
        assert to_signature(contract) == replace(told, types="exact")

    def test_a_matrix_of_text_cannot_be_missing(self) -> None:
        words = MIXED[["word"]].to_numpy(dtype="U")
        (column,) = signature(make_pipeline(OneHotEncoder(), LinearRegression()), words).columns
        assert (column.dtype, column.missing) == ("str", "none")


@pytest.mark.parametrize(
    "value",
    [
        *[None, float("nan"), np.float16("nan"), np.float32("nan"), np.longdouble("nan"), pd.NA, pd.NaT],
        *[np.datetime64("NaT"), np.timedelta64("NaT", "s")],
    ],
)
def test_every_missing_value_is_missing_to_all(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", "nan", False, np.float32(0), np.datetime64("2020"), b"", []])
def test_no_other_value_is_missing(value: Any) -> None:
    assert not is_missing(value)
