"""What every exporter's test asks: does the twin answer as the pipeline does, and refuse what it refuses?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from onnxtwin.build.session import Session
from onnxtwin.exporters import export_graph
from onnxtwin.exporters.array import is_missing
from onnxtwin.exporters.errors import DomainError

TOLERANCE = 1e-9
"""Relative and absolute tolerance of floats; everything else must be identical."""

SINGLE_TOLERANCE = 1e-5
"""The same where the pipeline itself answers in float32."""


def twin_of(
    estimator: Any, X: Any, methods: Sequence[str] | str | None = None, layout: str = "columns"
) -> Session:
    """The exported graph of a fitted estimator, loaded."""
    chosen = methods if methods is None or isinstance(methods, str) else list(methods)
    exported = export_graph(estimator, X, methods=chosen, layout=layout)
    return Session(exported.model.SerializeToString(), exported.signature)


def assert_twin_equal(
    estimator: Any,
    X_sample: Any,
    X_rows: Any = None,
    methods: Sequence[str] | str | None = None,
    layout: str = "columns",
) -> Session:
    """Export on ``X_sample``; on ``X_rows`` the twin must answer as the estimator does.

    Parameters
    ----------
    X_rows : rows that the estimator answers, hostile ones wanted; the sample itself by default.

    Returns
    -------
    Session
        The loaded twin, for what a test asks beyond equality.
    """
    session = twin_of(estimator, X_sample, methods, layout)
    assert_answers_equal(session, estimator, X_sample if X_rows is None else X_rows)
    return session


def assert_answers_equal(session: Session, estimator: Any, rows: Any) -> None:
    """The twin and the estimator agree on ``rows``: together, the first, the last, and none of them."""
    count = len(rows)
    for some in (rows, rows[:1], rows[count - 1 :]):
        answers = session.run(some)
        for method in session.methods:
            assert_equal(answers[method], getattr(estimator, method)(some), method)
    for method, none in session.run(rows[:0]).items():
        for part in none if isinstance(none, list) else [none]:
            assert len(part) == 0, method


def assert_both_refuse(
    session: Session, estimator: Any, rows: Any, error: type[Exception] = ValueError
) -> None:
    """Each of ``rows``, on its own, makes the estimator raise ``error`` and the twin a DomainError."""
    for position in range(len(rows)):
        row = rows[position : position + 1]
        for method in session.methods:
            with pytest.raises(error):
                getattr(estimator, method)(row)
            with pytest.raises(DomainError):
                session.run(row, [method])


def assert_equal(got: Any, expected: Any, what: str = "answer") -> None:
    """Same shape, dtype and values; missing equals missing, floats within the tolerance."""
    if isinstance(expected, (list, tuple)):
        assert len(got) == len(expected), f"{what}: {len(got)} arrays, expected {len(expected)}"
        for i, (one, other) in enumerate(zip(got, expected, strict=True)):
            assert_equal(one, other, f"{what}.{i}")
        return
    if hasattr(expected, "toarray"):
        expected = expected.toarray()
    if hasattr(expected, "iloc"):
        assert hasattr(got, "iloc"), f"{what}: {type(got).__name__}, expected {type(expected).__name__}"
        if expected.ndim == 2:
            assert [str(c) for c in got.columns] == [str(c) for c in expected.columns], what
            for name in range(expected.shape[1]):
                _assert_values(
                    got.iloc[:, name].to_numpy(), expected.iloc[:, name].to_numpy(), f"{what}[{name}]"
                )
            return
    _assert_values(np.asarray(got), np.asarray(expected), what)


def _assert_values(got: np.ndarray, expected: np.ndarray, what: str) -> None:
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    kinds = {"U": "O", "T": "O"}
    kind, wanted = (
        kinds.get(got.dtype.kind, got.dtype.kind),
        kinds.get(expected.dtype.kind, expected.dtype.kind),
    )
    assert kind == wanted, f"{what}: dtype {got.dtype}, expected {expected.dtype}"
    if wanted == "f":
        assert got.dtype == expected.dtype, f"{what}: dtype {got.dtype}, expected {expected.dtype}"
        limit = SINGLE_TOLERANCE if expected.dtype == np.float32 else TOLERANCE
        np.testing.assert_allclose(got, expected, rtol=limit, atol=limit, err_msg=what)
        return
    for position, (one, other) in enumerate(
        zip(got.reshape(-1).tolist(), expected.reshape(-1).tolist(), strict=True)
    ):
        same = is_missing(one) and is_missing(other) or one == other
        assert same, f"{what}, element {position}: {one!r}, expected {other!r}"
