"""Products of vectors and matrices, as ``numpy.einsum`` and ``numpy.matmul`` name them."""

from __future__ import annotations

import numpy as np
import pytest
from parity import assert_twin_equal, twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(30, 4))
SQUARE, WIDE = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 3))
BLOCKS = RNG.normal(size=(4, 2, 3))

EQUATIONS = {
    "the squared length of each row": lambda X: np.einsum("ij,ij->i", X, X)[:, None],
    "a matrix product": lambda X: np.einsum("ij,jk->ik", X, WIDE),
    "a product with a transposed matrix": lambda X: np.einsum("ij,kj->ik", X, WIDE.T),
    "a quadratic form": lambda X: np.einsum("ij,jk,ik->i", X, SQUARE, X)[:, None],
    "all products of two features": lambda X: np.einsum("ij,ik->ijk", X, X).reshape(len(X), -1),
    "a vector on the right": lambda X: np.einsum("ij,j->i", X, SQUARE[0])[:, None],
    "blocks": lambda X: np.einsum("ij,jkl->ikl", X, BLOCKS).reshape(len(X), 6),
    "an axis moved": lambda X: np.einsum("ij->ji", X).T,
    "no arrow": lambda X: np.einsum("ij,jk", X, WIDE),
    "integers beyond 2**53": lambda X: np.einsum("ij,ij->i", X.astype(np.int64), np.full(X.shape, 2**57 + 1))[
        :, None
    ],
}


@pytest.mark.parametrize("function", EQUATIONS.values(), ids=EQUATIONS.keys())
def test_einsum_answers_as_numpy_does_for_any_number_of_rows(function):
    assert_twin_equal(FunctionTransformer(function).fit(X), X)


def test_a_transposed_matrix_is_multiplied_for_any_number_of_rows():
    assert_twin_equal(FunctionTransformer(lambda X: (WIDE.T @ X.T).T).fit(X), X)


def test_a_diagonal_is_refused():
    function = FunctionTransformer(lambda X: X * np.einsum("ii->i", X[:4, :4]).sum()).fit(X)
    with pytest.raises(UnsupportedError):
        twin_of(function, X)


def test_a_graph_has_no_einsum_which_old_runtimes_die_of():
    twin = twin_of(FunctionTransformer(EQUATIONS["a quadratic form"]).fit(X), X)
    assert b"Einsum" not in twin._model
