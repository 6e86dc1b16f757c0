"""Whatever code asks of a traced array, it hears what it would of the real one, or a refusal by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from asking import differences
from numpy_questions import GROUPS, SUBJECTS
from parity import assert_twin_equal
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
OTHERS = RNG.normal(size=(40, 3)) * 3 + 1

BATCHES = {
    "float64": (X, OTHERS),
    "column-major": (np.asfortranarray(X), np.asfortranarray(OTHERS)),
    "float32": (X.astype(np.float32), OTHERS.astype(np.float32)),
    "int64": ((X * 9).astype(np.int64), (OTHERS * 9).astype(np.int64)),
    "bool": (X > 0, OTHERS > 0),
    "text": (np.where(X > 0, "up", "no"), np.where(OTHERS > 0, "no", "up")),
    "object": (np.where(X > 0, "up", "no").astype(object), np.where(OTHERS > 0, "no", "up").astype(object)),
}

# A scalar of numpy can have no weak reference; one that is traced cannot know when it is asked for one.
UNKNOWABLE = {"weakref"}


def asked(kind: str, subject: str, group: str) -> list[str]:
    questions = {name: q for name, q in GROUPS[group].items() if name not in UNKNOWABLE}
    return differences(questions, SUBJECTS[subject], *BATCHES[kind])


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("subject", ["matrix", "element", "buffer", "fitted", "masked"])
def test_a_float64_matrix_and_what_comes_of_it(subject: str, group: str) -> None:
    assert asked("float64", subject, group) == []


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    "subject", sorted(set(SUBJECTS) - {"matrix", "element", "buffer", "fitted", "masked"})
)
def test_everything_else_that_comes_of_a_float64_matrix(subject: str, group: str) -> None:
    assert asked("float64", subject, group) == []


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("subject", ["matrix", "element", "column"])
@pytest.mark.parametrize("kind", [kind for kind in BATCHES if kind != "float64"])
def test_matrices_of_other_types(kind: str, subject: str, group: str) -> None:
    assert asked(kind, subject, group) == []


def without_todense(X):
    if hasattr(X, "todense") or hasattr(X, "toarray") or hasattr(X, "tocsr"):
        return X
    return np.where(X == 0, np.nan, X)


def of_an_exact_type(X):
    return X * 2 if type(X) is np.ndarray and type(np.zeros(3)) is np.ndarray else X


def of_a_scalar(X):
    return X + 1 if np.isscalar(X[0, 0]) and isinstance(X[0].sum(), float) else X


def of_shared_memory(X):
    flat, copied = X.ravel(), np.array(X, order="F")
    copied[:, 0] = 7.0
    return X + (1 if np.shares_memory(flat, X) and not np.shares_memory(copied, X) else 0)


def of_a_scalar_that_is_no_view(X):
    X = X.copy()
    first = X[0, 0]
    first += 1
    return X


def of_a_match(X):
    match X[0, 0]:
        case float():
            return X * 3
        case _:
            return X


def of_an_import(X):
    from numpy import isscalar, ndarray

    return X - 1 if isinstance(X, ndarray) and not isscalar(X) else X


@pytest.mark.parametrize(
    "function",
    [
        without_todense,
        of_an_exact_type,
        of_a_scalar,
        of_shared_memory,
        of_a_scalar_that_is_no_view,
        of_a_match,
        of_an_import,
    ],
)
def test_a_branch_on_a_question_is_taken_as_on_real_rows(function: Callable[[Any], Any]) -> None:
    rows = X.copy()
    rows[3, 1] = 0.0
    assert_twin_equal(FunctionTransformer(function).fit(rows), rows)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda X: X * X.__array_interface__["version"], "__array_interface__"),
        (lambda X: X * np.from_dlpack(X).ndim, "dlpack"),
        (lambda X: X * len(repr(X)), "text"),
        (lambda X: X * len(f"{X[0, 0]:.1f}"), "text"),
        (lambda X: X * (hash(X[0, 0]) % 2), "hash"),
        (lambda X: X * {0.5: 1.0}.get(X[0, 0], 2.0), "hash"),
        (lambda X: X * memoryview(X[0, 0]).nbytes, "compiled code"),
        (lambda X: X * (X.base is None), r"\.base"),
        (lambda X: X * len(bytes(X)), "bytes"),
    ],
)
def test_a_question_that_only_rows_answer_is_refused_in_the_codes_own_words(
    function: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        export_graph(FunctionTransformer(function).fit(X), X)
    assert "lambda X" in str(caught.value)


def test_what_is_printed_or_logged_changes_no_answer() -> None:
    import logging

    def chatty(X):
        print(X, X[0, 0])  # noqa: T201 - as users write it
        logging.getLogger("a.pipeline").warning("rows: %s", X)
        return X * 2

    assert_twin_equal(FunctionTransformer(chatty).fit(X), X)


def test_a_class_of_classes_can_be_made_while_a_trace_runs() -> None:
    def classes(X):
        class Meta(type):
            pass

        made = Meta("Made", (), {})
        factor = 2.0 if isinstance(made, type) and type(made) is Meta and issubclass(Meta, type) else 3.0
        return X * (factor + (type("Other", (), {})().__class__.__name__ == "Other"))

    assert_twin_equal(FunctionTransformer(classes).fit(X), X)
