"""Twins with known defects: the pipeline itself, changed on the way in or on the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.errors import DomainError, is_refusal
from onnxtwin.exporters.signature import Column, Input, Output, Signature
from onnxtwin.runtime_checks import Report, check

Answers = dict[str, Any]


class FakeTwin:
    """Answers and refuses as the pipeline does, but for what ``rows`` and ``answers`` change."""

    def __init__(
        self,
        pipeline: Any,
        sample: Any,
        *methods: str,
        rows: Callable[[Any], Any] = lambda X: X,
        answers: Callable[[Any, Answers], Answers] = lambda X, found: found,
    ) -> None:
        self.pipeline = pipeline
        self.sample = sample
        self.methods = methods
        self.rows = rows
        self.answers = answers

    def run(self, X: Any) -> Answers:
        if len(X) == 0:
            # As a twin does: zero rows are answered with zero rows.
            return self.answers(X, {name: answer[:0] for name, answer in self.run(self.sample[:1]).items()})
        try:
            rows = self.rows(X.copy())
            found = {method: np.array(getattr(self.pipeline, method)(rows)) for method in self.methods}
        except Exception as error:
            if not is_refusal(error):
                raise
            raise DomainError(str(error)) from error
        return self.answers(X, found)


def signature_of(X: Any, *methods: str) -> Signature:
    """The raw columns of a sample, as an exporter would describe them."""
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    columns = tuple(_column(frame[label], label) for label in frame.columns)
    return Signature(
        container="DataFrame" if isinstance(X, pd.DataFrame) else "matrix",
        layout="columns",
        columns=columns,
        inputs=tuple(Input(c.name, c.tensor, (c.name,)) for c in columns),
        outputs=tuple(Output(m, m, None, "float64", "float64", (None,)) for m in methods),
        methods=methods,
    )


def _column(values: pd.Series, label: Any) -> Column:
    name, dtype = str(label), str(values.dtype)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return Column(name, label, dtype, "string", "token", categories=tuple(values.cat.categories))
    whole, instant = ("int64", "none"), ("int64", "nat")
    tensors = {"f": ("float64", "nan"), "i": whole, "u": whole, "M": instant, "m": instant}
    tensor, missing = tensors.get(values.dtype.kind, ("string", "token"))
    return Column(name, label, dtype, tensor, missing)  # type: ignore[arg-type]


def check_fake(
    pipeline: Any,
    X: Any,
    *methods: str,
    rows: Callable[[Any], Any] = lambda X: X,
    answers: Callable[[Any, Answers], Answers] = lambda X, found: found,
    sample: Any = None,
    **options: Any,
) -> Report:
    """Check a fake twin of the pipeline on ``X``; ``sample`` describes the columns (default: ``X``)."""
    sample = X if sample is None else sample
    twin = FakeTwin(pipeline, sample, *methods, rows=rows, answers=answers)
    return check(twin, pipeline, X, signature=signature_of(sample, *methods), **options)
