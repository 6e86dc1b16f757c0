"""Twins with known defects: the pipeline itself, changed on the way in or on the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.errors import DomainError
from onnxtwin.exporters.signature import Column, Input, Output, Signature
from onnxtwin.runtime_checks.reference import REFUSES

Answers = dict[str, Any]


class FakeTwin:
    """Answers as the pipeline does, and refuses what it refuses, but for two hooks.

    ``rows`` changes what comes in, ``answers`` what goes out.
    """

    def __init__(
        self,
        pipeline: Any,
        *methods: str,
        rows: Callable[[Any], Any] = lambda X: X,
        answers: Callable[[Any, Answers], Answers] = lambda X, found: found,
    ) -> None:
        self.pipeline = pipeline
        self.methods = methods
        self.rows = rows
        self.answers = answers
        self.one_row = None

    def run(self, X: Any) -> Answers:
        if len(X) == 0:
            # As a twin does: zero rows are answered with zero rows.
            filled = self.run(self.one_row)
            return self.answers(X, {method: answer[:0] for method, answer in filled.items()})
        try:
            found = {m: np.array(getattr(self.pipeline, m)(self.rows(X.copy()))) for m in self.methods}
        except REFUSES as error:
            raise DomainError(str(error)) from error
        return self.answers(X, found)


def signature_of(X: Any, *methods: str, conditions: Any = ()) -> Signature:
    """The raw columns of a sample, as an exporter would describe them."""
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    columns = tuple(_column(frame[label], label) for label in frame.columns)
    return Signature(
        container="DataFrame" if isinstance(X, pd.DataFrame) else "matrix",
        layout="columns",
        columns=columns,
        inputs=tuple(Input(c.name, c.tensor, (c.name,)) for c in columns),
        outputs=tuple(Output(m, m, None, "float64", "float64", (None,)) for m in methods),
        conditions=conditions,
        methods=methods,
    )


def _column(values: pd.Series, label: Any) -> Column:
    dtype = str(values.dtype)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return Column(str(label), label, dtype, "string", "token", categories=tuple(values.cat.categories))
    if values.dtype.kind == "f":
        return Column(str(label), label, dtype, "float64", "nan")
    if values.dtype.kind == "i":
        return Column(str(label), label, dtype, "int64")
    if values.dtype.kind == "M":
        return Column(str(label), label, dtype, "int64", "nat")
    return Column(str(label), label, dtype, "string", "token")


def fake(pipeline: Any, X: Any, *methods: str, **changes: Any) -> tuple[FakeTwin, Signature]:
    """A twin and its signature."""
    twin = FakeTwin(pipeline, *methods, **changes)
    twin.one_row = X[:1]
    return twin, signature_of(X, *methods)
