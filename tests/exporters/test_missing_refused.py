"""A pipeline refuses a missing value with whatever error its author chose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import SignatureError
from onnxtwin.exporters.export import export_graph
from onnxtwin.runtime_checks.reference import Reference


class MustBeKnownError(Exception):
    """A class of the user's own."""


ERRORS = [AssertionError, RuntimeError, ZeroDivisionError, StopIteration, MustBeKnownError, LookupError]


class Demands:
    """A function that refuses a missing ``age``, and no other column."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __call__(self, X: Any) -> Any:
        if X["age"].isna().any():
            raise self.error("age must be known")
        return X * 2


def _frame() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["age", "fare"])


@pytest.mark.parametrize("error", ERRORS)
def test_a_column_that_the_pipeline_refuses_as_missing_must_not_be_missing(error: Any) -> None:
    frame = _frame()
    columns = export_graph(FunctionTransformer(Demands(error)).fit(frame), frame).signature.columns
    assert {c.name: c.missing_allowed for c in columns} == {"age": False, "fare": True}


@pytest.mark.parametrize("error", ERRORS)
def test_a_check_counts_the_row_as_refused(error: Any) -> None:
    frame = _frame()
    reference = Reference(FunctionTransformer(Demands(error)).fit(frame), ["transform"], None)
    frame.loc[3, "age"] = np.nan
    answers = reference.ask(frame)
    assert np.flatnonzero(~answers.accepted).tolist() == [3]
    assert answers.refusals[3] == f"{error.__name__}: age must be known"


def test_a_refused_sample_is_told_with_the_pipelines_own_words() -> None:
    frame = _frame()
    pipeline = FunctionTransformer(Demands(MustBeKnownError)).fit(frame)
    with pytest.raises(
        SignatureError, match=r"refuses the sample: MustBeKnownError: age must be known\n  way out: "
    ):
        export_graph(pipeline, frame.assign(age=np.nan))


@pytest.mark.parametrize("error", [MemoryError, OSError, KeyboardInterrupt])
def test_lack_of_memory_failing_input_and_an_interrupt_refuse_no_row(error: Any) -> None:
    frame = _frame()
    pipeline = FunctionTransformer(Demands(error)).fit(frame)
    with pytest.raises(error):
        export_graph(pipeline, frame)
    frame.loc[3, "age"] = np.nan
    with pytest.raises(error):
        Reference(pipeline, ["transform"], None).ask(frame)
