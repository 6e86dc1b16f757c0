"""numpy code, as users write it, is recorded with numpy's own meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from parity import assert_answers_equal, assert_twin_equal, twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(7)
X = RNG.normal(scale=3.0, size=(40, 5))
HOSTILE = np.vstack(
    [
        X,
        [[0.0, -0.0, 1.0, -1.0, 0.5]],
        [[1e300, -1e300, 1e-300, 5e-324, 1e9]],
        [[np.nan, 1.0, np.nan, 2.0, 3.0]],
        [[np.inf, -np.inf, 1.0, np.inf, 0.0]],
        [[2.5, 3.5, -2.5, 0.5, 1.5]],
    ]
)
TABLE = np.array([10.0, 20.0, 30.0, 40.0, 50.0])


def transformer(function: Callable[[Any], Any]) -> FunctionTransformer:
    return FunctionTransformer(function).fit(X)


def in_place_arithmetic(X):
    X = X.copy()
    X += 1.0
    X *= X
    X[:, 0] -= 3.0
    return X


def column_view_writes_through(X):
    X = X.copy()
    column = X[:, 2]
    column += 10.0
    return X


def base_write_is_seen_by_an_earlier_view(X):
    X = X.copy()
    column = X[:, 2]
    X[:, 2] = X[:, 0]
    return np.column_stack([column, X[:, 2]])


def masked_assignment(X):
    X = X.copy()
    X[X > 1.0] = 1.0
    X[np.isnan(X)] = -7.0
    return X


def masked_assignment_of_one_column(X):
    X = X.copy()
    X[X[:, 1] < 0, 3] = 99.0
    return X


def masked_rows(X):
    X = X.copy()
    X[X[:, 0] > 0] = 0.0
    return X


def function_of_masked_values(X):
    out = np.zeros_like(X)
    mask = X > 0
    out[mask] = np.sqrt(X[mask]) + 1.0
    out[~mask] = -X[~mask] * 2
    return out


def buffer_filled_by_columns(X):
    out = np.empty((X.shape[0], 3))
    for k in range(3):
        out[:, k] = X[:, k] * k
    return out


def buffer_accumulated_by_columns(X):
    out = np.zeros((X.shape[0], 2))
    for k in range(4):
        out[:, k % 2] -= X[:, k]
    return out


def fancy_columns(X):
    return X[:, [3, 0, 0]]


def fancy_column_assignment(X):
    X = X.copy()
    X[:, [0, 2]] = X[:, [2, 0]]
    return X


def row_of_a_transposed_buffer(X):
    out = np.zeros((3, X.shape[0]))
    out[1] = X[:, 0]
    out[-1] = 2.0
    return out.T


def matrix_of_a_stacked_buffer(X):
    out = np.zeros((2, X.shape[0], 2))
    out[0] = X[:, :2]
    out[1] = X[:, 2:3]
    return np.hstack([out[0], out[1]])


def last_position_of_a_stacked_buffer(X):
    out = np.ones((2, X.shape[0], 2))
    out[:, :, 1] = X[:, 0]
    return np.hstack([out[0], out[1]])


def negative_steps(X):
    return X[:, ::-2]


def table_lookup(X):
    position = np.clip(np.abs(np.nan_to_num(X[:, 0])), 0, 4).astype(int)
    return TABLE[position].reshape(-1, 1)


def rows_and_computed_columns(X):
    best = np.argmax(np.nan_to_num(X), axis=1)
    return X[np.arange(X.shape[0]), best][:, None]


def write_at_computed_columns(X):
    best = np.argmin(np.nan_to_num(X), axis=1)
    out = np.zeros(X.shape)
    out[np.arange(len(X)), best] = 1.0
    return out


def out_argument(X):
    out = np.zeros_like(X)
    np.divide(1.0, X, out=out, where=np.abs(X) > 0.5)
    return out


def functions_with_out(X):
    first, second = np.zeros(X.shape), np.zeros(X.shape[0])
    np.round(X, 1, out=first)
    np.sum(X[:, :2], axis=1, out=second)
    X[:, :2].max(axis=1, out=second)
    return np.column_stack([first, second])


def rounding(X):
    return np.column_stack(
        [np.floor(X[:, 0]), np.ceil(X[:, 1]), np.rint(X[:, 2]), np.trunc(X[:, 3]), np.round(X[:, 4], 1)]
    )


def integer_arithmetic(X):
    n = np.clip(np.nan_to_num(X, posinf=9, neginf=-9), -100, 100).astype(np.int64)
    return np.column_stack([n[:, 0] // 3, n[:, 1] % 3, n[:, 2] * n[:, 3], n[:, 4] ** 2])


def python_modulo(X):
    return np.column_stack([X[:, 0] % 2.5, X[:, 1] // 0.7, np.fmod(X[:, 2], 2.0)])


def extremes(X):
    return np.column_stack(
        [np.maximum(X[:, 0], X[:, 1]), np.minimum(X[:, 2], 0), np.fmax(X[:, 0], X[:, 2]), np.fmin(X[:, 3], 1)]
    )


def reductions(X):
    return np.column_stack(
        [X.sum(axis=1), X.mean(axis=1), X.max(axis=1), X.min(axis=1), X.std(axis=1), X.prod(axis=1)]
    )


def nan_reductions(X):
    return np.column_stack(
        [np.nansum(X, axis=1), np.nanmean(X, axis=1), np.nanmax(X, axis=1), np.nanmin(X, axis=1)]
    )


def order_statistics(X):
    return np.column_stack([np.sort(X, axis=1)[:, 1], np.median(X, axis=1)])


def counting(X):
    return np.column_stack(
        [np.sum(X > 0, axis=1), np.isnan(X).any(axis=1), (X == X).all(axis=1), np.count_nonzero(X, axis=1)]
    )


def binning(X):
    return np.column_stack(
        [
            np.digitize(X[:, 0], [-1.0, 0.0, 1.0]),
            np.searchsorted(TABLE, X[:, 1]),
            np.searchsorted(TABLE, X[:, 2], side="right"),
        ]
    )


def interpolation(X):
    return np.interp(X[:, 0], [-2.0, 0.0, 1.0, 5.0], [1.0, 3.0, -1.0, 4.0]).reshape(-1, 1)


def choices(X):
    return np.select([X > 1, X > 0], [X, -X], default=0.25)


def nested_where(X):
    return np.where(np.isnan(X), 0.0, np.where(X < 0, X * 2, X / 3))


def logic(X):
    return ((X > 0) & (X < 2) | ~(X == X) ^ (X > 1)).astype(float)


def products(X):
    X = np.nan_to_num(X, posinf=1.0, neginf=-1.0)
    return X @ np.arange(10.0).reshape(5, 2) + np.dot(X, np.ones(5))[:, None]


def outer_of_columns(X):
    return X[:, :, None][:, 0] * X


def stacking(X):
    return np.hstack([X[:, :1], np.ones((len(X), 1)), np.c_[X[:, 1], X[:, 2]], np.tile(X[:, [3]], 2)])


def shapes(X):
    return X.T.reshape(5, -1).transpose()[:, ::-1]


def repeated_and_flipped(X):
    return np.flip(np.repeat(X, 2, axis=1), axis=1)


def single_precision(X):
    x = X.astype(np.float32)
    return x * np.float32(0.1) + x


def promotion(X):
    flag = X[:, 0] > 0
    return np.column_stack(
        [flag + 1, flag * 0.5, (flag.astype(np.int64) + 2) / 4, flag.astype(np.float32) * 2]
    )


def cumulative(X):
    return np.cumsum(X, axis=1)


def differences(X):
    return np.diff(X, axis=1)


def powers(X):
    return np.column_stack(
        [X[:, 0] ** 2, X[:, 1] ** 3, np.abs(X[:, 2]) ** 0.5, X[:, 3] ** -1.0, np.power(2.0, X[:, 4])]
    )


def transcendental(X):
    return np.column_stack(
        [
            np.exp(X[:, 0]),
            np.log(np.abs(X[:, 1])),
            np.log1p(np.abs(X[:, 2])),
            np.tanh(X[:, 3]),
            np.expm1(X[:, 4]),
        ]
    )


def trigonometry(X):
    x = np.clip(X, -1000, 1000)
    return np.column_stack(
        [np.sin(x[:, 0]), np.cos(x[:, 1]), np.arctan2(x[:, 2], x[:, 3]), np.arcsin(np.clip(x[:, 4], -1, 1))]
    )


def comparison_with_integers(X):
    return (X >= 1).astype(int) + (X != 0)


def where_of_texts_equals(X):
    size = np.where(X[:, 0] > 0, "large", "small")
    return (size == "large").astype(float).reshape(-1, 1)


FUNCTIONS = [
    value
    for value in list(globals().values())
    if callable(value)
    and getattr(value, "__module__", None) == __name__
    and value is not transformer
    and getattr(value, "__name__", "test").startswith("test") is False
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numpy_code_answers_as_numpy_does(function: Callable[[Any], Any]) -> None:
    assert_twin_equal(transformer(function), X, HOSTILE)


def test_the_user_array_is_not_touched() -> None:
    before = X.copy()
    twin_of(transformer(lambda X: in_place_arithmetic(X)), X)
    np.testing.assert_array_equal(X, before)


def test_row_count_becomes_symbolic() -> None:
    estimator = transformer(
        lambda X: np.column_stack([np.arange(len(X)), np.full(len(X), 2.0), X[:, 0] * len(X)])
    )
    session = twin_of(estimator, X)
    assert_answers_equal(session, estimator, np.vstack([X, X, X]))


def refuses(function: Callable[[Any], Any]) -> str:
    with pytest.raises(UnsupportedError) as caught:
        twin_of(transformer(function), X)
    return str(caught.value)


def test_a_branch_on_data_is_refused_at_its_line() -> None:
    def branch(X):
        if X[0, 0] > 0:
            return X
        return -X

    message = refuses(branch)
    assert "if X[0, 0] > 0:" in message
    assert "test_array.py" in message
    assert "np.where" in message


def test_iteration_over_rows_is_refused() -> None:
    assert "iterates over the rows" in refuses(lambda X: np.array([row.sum() for row in X]))


def test_indexing_row_by_row_is_refused() -> None:
    def by_index(X):
        out = np.zeros(len(X))
        for i in range(len(X)):
            out[i] = X[i, 0] * 2
        return out

    assert "rows" in refuses(by_index)


def test_randomness_is_refused() -> None:
    def noisy(X):
        return X + np.random.normal(size=X.shape)  # noqa: NPY002 - as users write it

    assert "random" in refuses(noisy)


def test_a_result_whose_size_depends_on_the_rows_is_refused() -> None:
    assert "mask" in refuses(lambda X: X[X[:, 0] > 0])


def test_an_untraced_function_is_refused_by_name() -> None:
    assert "unique" in refuses(lambda X: np.unique(X, axis=0))


def test_python_scalars_of_rows_are_refused() -> None:
    assert "float" in refuses(lambda X: X * float(X[0, 0]))


def test_compiled_code_is_refused() -> None:
    from scipy.spatial.distance import cdist

    assert "cdist" in refuses(lambda X: cdist(X, X[:1]))


def test_a_branch_that_only_raises_becomes_the_domain() -> None:
    def guarded(X):
        if (X[:, 0] > 1e6).any():
            raise ValueError("too large")
        return X + 1

    session = twin_of(transformer(guarded), X)
    assert [c.message for c in session.signature.conditions] == [
        "the pipeline raises where (X[:, 0] > 1e6).any()"
    ]


def test_numpy_is_itself_again_after_an_export() -> None:
    twin_of(transformer(reductions), X)
    assert globals()["np"] is np
    assert type(np.zeros(2)) is np.ndarray
