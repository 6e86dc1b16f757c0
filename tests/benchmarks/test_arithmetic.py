"""Another arithmetic, as right as the machine's: another order, fused products, functions one ulp off."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from correct.arithmetic import Arithmetic, computed_in, reordered
from correct.fused import fused_multiply_add
from running import ulps
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

RNG = np.random.default_rng(2)
LEFT, RIGHT = RNG.normal(size=(40, 13)), RNG.normal(size=(13, 5))
ORDERS = [
    Arithmetic(),
    Arithmetic(lanes=4),
    Arithmetic(lanes=8, reverse=True, fused=True),
    Arithmetic(lanes=3, fused=True),
    Arithmetic(lanes=16, reverse=True),
]
WAYS = {
    "a matrix product": lambda a, b: a @ b,
    "a product with a vector": lambda a, b: a @ b[:, 0],
    "a row times a matrix": lambda a, b: a[0] @ b,
    "np.dot": lambda a, b: np.dot(a, b),
    "dot": lambda a, b: a.dot(b),
    "a product from the right": lambda a, b: b.T @ a.T,
    "np.sum": lambda a, b: np.sum(a, axis=1),
    "sum over all": lambda a, b: a.sum(),
    "mean": lambda a, b: a.mean(axis=1, keepdims=True),
    "einsum": lambda a, b: np.einsum("ij,ij->i", a, a),
    "einsum of a product": lambda a, b: np.einsum("ij,jk->ik", a, b),
    "np.average": lambda a, b: np.average(a, axis=1, weights=np.arange(13.0)),
    "standard deviations": lambda a, b: a.std(axis=1),
    "in place": lambda a, b: np.add(a, 1.0, out=a.copy()).sum(axis=0),
}


def in_fractions(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> list[Fraction]:
    listed = zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
    return [Fraction(x) * Fraction(y) + Fraction(z) for x, y, z in listed]


def operands() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b = RNG.normal(size=4000), RNG.normal(size=4000) * 2.0 ** RNG.integers(-50, 50, 4000)
    near = -(a * b) * (1 + RNG.integers(-3, 4, 4000) * 2.0**-52)
    far = RNG.normal(size=4000) * 2.0 ** RNG.integers(-120, 120, 4000)
    return a, b, np.where(RNG.random(4000) < 0.5, near, far)


def test_a_fused_product_is_rounded_once() -> None:
    a, b, c = operands()
    exact = np.array([float(f) for f in in_fractions(a, b, c)])
    assert (a * b + c != exact).mean() > 0.2
    np.testing.assert_array_equal(fused_multiply_add(a, b, c), exact)


def test_a_fused_product_of_float32_is_rounded_once() -> None:
    a, b, c = (each.astype(np.float32) for each in operands())
    got = fused_multiply_add(a, b, c)
    assert got.dtype == np.float32
    for found, exact in zip(got.tolist(), in_fractions(a, b, c), strict=True):
        half = Fraction(float(np.spacing(np.abs(np.float32(found))))) / 2
        assert abs(Fraction(found) - exact) <= half


def test_fused_products_know_the_ends_of_the_range() -> None:
    ends = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324, 1.0])
    a, b, c = (each.reshape(-1) for each in np.meshgrid(ends, ends, ends))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fused_multiply_add(a, b, c), a * b + c)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_sums_in_another_order_are_the_same_to_rounding(way: str, order: Arithmetic) -> None:
    got, expected = WAYS[way](reordered(LEFT.copy(), order), RIGHT), WAYS[way](LEFT.copy(), RIGHT)
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12, atol=1e-13)
    assert order.used > 0


def test_orders_differ_from_each_other_in_last_bits() -> None:
    products = [np.asarray(reordered(LEFT, order) @ RIGHT) for order in ORDERS]
    for i, one in enumerate(products):
        for other in products[:i]:
            assert (one != other).any()


def test_lanes_are_summed_side_by_side() -> None:
    terms = np.array([1.0, 2.0**53, 1.0, -(2.0**53)])
    assert Arithmetic(lanes=1).sum(terms) == 0.0  # the ones are lost one by one
    assert Arithmetic(lanes=2).sum(terms) == 2.0


def test_functions_are_moved_by_one_ulp_and_equal_results_alike() -> None:
    x = np.concatenate([LEFT.reshape(-1)] * 2)
    got = np.asarray(np.exp(reordered(x, Arithmetic(functions=7))))
    assert 0 < ulps(got, np.exp(x)) <= 1
    np.testing.assert_array_equal(got[: LEFT.size], got[LEFT.size :])
    assert np.exp(reordered(np.zeros(1), Arithmetic(functions=7)))[0] == 1.0


@pytest.mark.parametrize(
    "model", [LogisticRegression(max_iter=300), MLPClassifier((6,), max_iter=30, random_state=0)]
)
def test_a_pipeline_answers_in_the_arithmetic_and_after_it_as_before(model: object) -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    before = pipeline.predict_proba(X)
    order = Arithmetic(lanes=4, reverse=True, fused=True)
    with computed_in(order):
        within = pipeline.predict_proba(X)
    assert order.used
    np.testing.assert_allclose(np.asarray(within), before, rtol=1e-10, atol=1e-12)
    assert (np.asarray(within) != before).any()
    np.testing.assert_array_equal(pipeline.predict_proba(X), before)


def test_a_tree_sums_nothing() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    order = Arithmetic(lanes=4)
    with computed_in(order):
        np.testing.assert_array_equal(tree.predict(X), tree.predict(X))
    assert not order.used
