"""Bounds of every scikit-learn estimator's answers: what the estimator itself answers lies within."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimators import fitted, names

from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.exporters.quiet import quiet
from onnxtwin.runtime_checks.enclosures import Enclosures
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import count, take

pytestmark = pytest.mark.long

METHODS = (
    "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform",
)  # fmt: skip


def widened(X: Any) -> Any:
    """The rows, and some that are far from them, beside each other, and missing nothing."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind != "f":
        return X
    rng = np.random.default_rng(0)
    far = X[rng.integers(len(X), size=40)] * rng.choice([0.0, 1e-3, 10.0, 1e4], (40, X.shape[1]))
    mixed = np.column_stack([rng.permutation(column) for column in X.T])
    return np.concatenate([X, mixed, far.astype(X.dtype)])


@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize("name", names())
def test_what_an_estimator_answers_lies_within_its_bounds(name: str, single: bool) -> None:
    estimator, X = fitted(name, single)
    refused = []
    for method in [m for m in METHODS if hasattr(estimator, m)]:
        reference = Reference(estimator, [method], None)
        try:
            enclosures = Enclosures(estimator, [method], X)
        except OnnxTwinError as error:
            refused.append(str(error))
            continue
        with quiet():
            asked = reference.ask(widened(X))
        rows = take(widened(X), asked.accepted)
        bounds = enclosures.of(method, rows)
        assert bounds is not None, method
        start = 0
        for part in bounds:
            held = part.holds([p.rows(slice(start, start + part.rows)) for p in asked.methods[method]])
            start += part.rows
            assert held is not None, f"{method} is not followed"
            assert held.all(), (method, np.argwhere(~held)[:5].tolist())
        assert start == count(rows)
    if refused:  # the reason is the first line of the refusal
        pytest.skip(refused[0].splitlines()[0])
