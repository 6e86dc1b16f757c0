"""Bounds of what correct programs may answer: wide enough for each of them, and no wider than rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import spox
import spox.opset.ai.onnx.v20 as op
from numpy.typing import NDArray

from onnxtwin.exporters import finish, special
from onnxtwin.exporters.analysis.elementary import elementary, logsumexp
from onnxtwin.exporters.analysis.enclosure import Elementary, Enclosure, Texts, within
from onnxtwin.exporters.analysis.intervals import Interval, constant, made
from onnxtwin.exporters.analysis.sums import matrix_product, total

Matrix = NDArray[np.float64]
RNG = np.random.default_rng(0)


def enclosed(build: Callable[[Any], Any], X: Matrix, marks: dict[str, Elementary] | None = None) -> Any:
    """What is known of ``build``'s answer to the rows."""
    x = spox.argument(spox.Tensor(X.dtype, ("N", *X.shape[1:])))
    model = finish.build({"x": x}, {"y": build(x)})
    return Enclosure(model, marks or {}, {"y": "y"}).of({"x": X})["y"]


def const(value: Any) -> Any:
    return op.const(np.asarray(value))


WEIGHTS = RNG.normal(size=(5, 3)) * [1, 1e6, 1e-6]
ROWS = RNG.normal(size=(40, 5)) * 10.0 ** RNG.integers(-8, 8, (40, 5))


def orders(X: Matrix, W: Matrix) -> list[Matrix]:
    """The product, its terms added in several orders, in blocks, and exactly."""
    terms = X[:, :, None] * W[None]
    exact = (X[:, :, None].astype(np.longdouble) * W[None].astype(np.longdouble)).sum(axis=1)
    backwards = np.add.accumulate(terms[:, ::-1], axis=1)[:, -1]
    blocks = terms[:, :2].sum(axis=1) + (terms[:, 2:4].sum(axis=1) + terms[:, 4])
    return [X @ W, terms.sum(axis=1), backwards, blocks, exact.astype(np.float64)]


def test_a_product_holds_every_order_of_its_terms_and_little_more() -> None:
    state = enclosed(lambda x: op.matmul(x, const(WEIGHTS)), ROWS)
    for answer in orders(ROWS, WEIGHTS):
        assert within(state, answer).all()
    size = np.abs(ROWS) @ np.abs(WEIGHTS)
    assert ((state.hi - state.lo) <= 20 * np.finfo(float).eps * size).all()


def test_what_is_rounded_in_one_way_is_certain() -> None:
    def scaled(x: Any) -> Any:
        return op.sqrt(op.abs(op.div(op.sub(x, const(WEIGHTS[:, 0])), const(WEIGHTS[:, 1]))))

    state = enclosed(scaled, ROWS)
    assert isinstance(state, np.ndarray)
    np.testing.assert_array_equal(state, np.sqrt(np.abs((ROWS - WEIGHTS[:, 0]) / WEIGHTS[:, 1])))


def test_a_sum_of_whole_numbers_is_certain() -> None:
    state = enclosed(lambda x: op.matmul(op.round(x), const(np.ones((5, 1)))), np.abs(ROWS) % 1000)
    assert isinstance(state, np.ndarray)


def test_a_sign_is_open_where_rounding_decides_it_and_nowhere_else() -> None:
    X = np.array([[0.1, 0.2, -0.3], [0.1, 0.2, -0.3000001]])
    state = enclosed(lambda x: op.greater(op.matmul(x, const(np.ones((3, 1)))), const(0.0)), X)
    assert state.lo.ravel().tolist() == [0, 0]
    assert state.hi.ravel().tolist() == [1, 0]


def test_labels_of_an_open_decision_are_the_contenders_alone() -> None:
    labels = const(np.array(["a", "b", "c"]))
    W = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.5]])
    X = np.array([[0.1, 0.2, 0.3], [1.0, 0.1, 0.2], [-1.0, -2.0, 0.5]])

    def label(x: Any) -> Any:
        # Both first scores are the same sum: only rounding tells them apart.
        return op.gather(labels, op.arg_max(op.matmul(x, const(W)), axis=1, keepdims=False))

    state = enclosed(label, X)
    assert isinstance(state, Texts)
    assert [sorted(held) for held in state.sets] == [["a", "b"], ["a", "b"], ["c"]]
    assert within(state, np.array(["b", "a", "c"], object)).all()
    assert not within(state, np.array(["c", "c", "a"], object)).any()


def test_a_choice_behind_an_open_decision_may_be_either() -> None:
    def chosen(x: Any) -> Any:
        total = op.matmul(x, const(np.ones((3, 1))))
        return op.where(op.greater(total, const(0.0)), const(5.0), const(-5.0))

    state = enclosed(chosen, np.array([[0.1, 0.2, -0.3], [1.0, 1.0, 1.0]]))
    assert within(state, np.array([[-5.0], [5.0]])).all()
    assert not within(state, np.array([[-5.0], [-5.0]])).all()


@pytest.mark.parametrize("largest", [True, False])
def test_the_largest_is_told_from_the_others(largest: bool) -> None:
    def is_extreme(x: Any) -> Any:
        scores = op.matmul(x, const(np.diag([1.0, 2.0, 3.0]) + 1e-3))
        axis = const(np.array([1]))
        best = op.reduce_max(scores, axis) if largest else op.reduce_min(scores, axis)
        return op.equal(scores, best)

    state = enclosed(is_extreme, np.array([[1.0, 2.0, 3.0]]))
    expected = [[False, False, True]] if largest else [[True, False, False]]
    np.testing.assert_array_equal(state if isinstance(state, np.ndarray) else state.lo == 1, expected)
    assert isinstance(state, np.ndarray)


def test_a_missing_number_stays_missing_whatever_the_order() -> None:
    X = np.array([[np.nan, 1.0, 2.0], [np.inf, 1.0, 2.0], [np.inf, -np.inf, 0.0]])
    state = enclosed(lambda x: op.matmul(x, const(np.ones((3, 1)))), X)
    assert within(state, np.array([[np.nan], [np.inf], [np.nan]])).all()
    assert not within(state, np.array([[1.0], [-np.inf], [0.0]])).any()


def test_an_overflow_leaves_every_answer_open() -> None:
    state = enclosed(
        lambda x: op.matmul(x, const(np.array([[2.0], [-2.0]]))), np.array([[1.797e308, 1.797e308]])
    )
    for answer in (np.nan, 0.0, np.inf):
        assert within(state, np.array([[answer]])).all()


def test_running_sums_hold_every_order() -> None:
    X = np.array([[1e16, 1.0, -1e16], [np.inf, -np.inf, 1.0], [np.nan, 1.0, 2.0], [1.0, 2.0, 4.0]])
    state = enclosed(lambda x: op.cumsum(x, const(np.int64(1))), X)
    assert within(state, np.cumsum(X, axis=1)).all()
    assert within(state.along(1, [2]), np.full((4, 1), 1.0))[0].all()  # 1e16 - 1e16 + 1
    assert (state.lo == state.hi)[3].all()  # whole numbers


def test_running_sums_that_overflow_leave_every_answer_open() -> None:
    def of_products(x: Any) -> Any:
        return op.cumsum(op.matmul(x, const(np.array([[2.0, 0.0], [-2.0, 1.0]]))), const(np.int64(1)))

    state = enclosed(of_products, np.array([[1.797e308, 1.797e308], [np.nan, 1.0], [0.1, 0.3]]))
    for answer in (np.nan, np.inf, 0.0):
        assert within(state, np.full((3, 2), answer))[0].all()
    assert within(state, np.full((3, 2), np.nan))[1].all()
    assert not within(state, np.zeros((3, 2)))[1:].any()


def test_single_precision_is_bounded_by_its_own_rounding() -> None:
    X, W = ROWS.astype(np.float32), WEIGHTS.astype(np.float32)
    state = enclosed(lambda x: op.matmul(x, const(W)), X)
    for answer in orders(X, W):
        assert within(state, answer).all()
    state = enclosed(lambda x: op.matmul(op.cast(x, to=np.float64), const(W.astype(np.float64))), X)
    assert not within(state, (X @ W).astype(np.float64)).all()


FUNCTIONS: dict[str, tuple[Any, Any, tuple[float, float]]] = {
    "exp": (np.exp, op.exp, (-50, 50)),
    "expm1": (np.expm1, special.expm1, (-5, 5)),
    "log": (np.log, op.log, (1e-9, 1e9)),
    "log1p": (np.log1p, special.log1p, (-0.9, 9)),
    "log10": (np.log10, special.log10, (1e-9, 1e9)),
    "cbrt": (np.cbrt, special.cbrt, (-1e9, 1e9)),
    "sin": (np.sin, special.sin, (-20, 20)),
    "cos": (np.cos, special.cos, (-20, 20)),
    "tan": (np.tan, special.tan, (-1.5, 1.5)),
    "arctan": (np.arctan, special.arctan, (-9, 9)),
    "arcsin": (np.arcsin, special.arcsin, (-1, 1)),
    "arccos": (np.arccos, special.arccos, (-1, 1)),
    "sinh": (np.sinh, special.sinh, (-9, 9)),
    "cosh": (np.cosh, special.cosh, (-9, 9)),
    "tanh": (np.tanh, special.tanh, (-9, 9)),
    "expit": (scipy.special.expit, special.expit, (-40, 40)),
    "log_expit": (scipy.special.log_expit, special.log_expit, (-40, 40)),
    "logit": (scipy.special.logit, special.logit, (1e-6, 1 - 1e-6)),
    "erf": (scipy.special.erf, special.erf, (-6, 6)),
    "ndtr": (scipy.special.ndtr, special.ndtr, (-8, 8)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_elementary_function_holds_numpys_answer_and_the_graphs(name: str) -> None:
    function, composed, (low, high) = FUNCTIONS[name]
    X = RNG.uniform(low, high, (4000, 1))
    x = spox.argument(spox.Tensor(np.float64, ("N", 1)))
    model = finish.build({"x": x}, {"y": composed(x)})
    made_by = {node.output[0]: node for node in model.graph.node}["y"].input[0]
    enclosure = Enclosure(model, {made_by: Elementary(function, ("x",))}, {"y": "y"})
    state = enclosure.of({"x": X})["y"]
    assert isinstance(state, Interval)
    assert within(state, function(X)).all()
    assert within(state, finish.evaluate(model, {"x": X})[0]).all()
    widest = 2200 if name == "ndtr" else 40
    assert ((state.hi - state.lo) <= widest * np.spacing(np.abs(function(X)))).all()


@pytest.mark.parametrize("name", [*FUNCTIONS, "hypot", "arctan2", "power", "logaddexp", "xlogy"])
def test_a_function_of_bounds_holds_its_values_at_all_points_between(name: str) -> None:
    pairs = {
        "hypot": (np.hypot, (-3, 3)),
        "arctan2": (np.arctan2, (-3, 3)),
        "power": (np.power, (0.1, 3)),
        "logaddexp": (np.logaddexp, (-3, 3)),
        "xlogy": (scipy.special.xlogy, (0.1, 3)),
    }
    function, count = (pairs[name][0], 2) if name in pairs else (FUNCTIONS[name][0], 1)
    low, high = pairs[name][1] if name in pairs else FUNCTIONS[name][2]
    ends = [np.sort(RNG.uniform(low, high, (2, 300)) * [[1.0], [1.0]], axis=0) for _ in range(count)]
    bounds = [made(lo, np.minimum(lo + (hi - lo) * RNG.random(300) ** 4, high)) for lo, hi in ends]
    found = elementary(function, bounds)
    for _ in range(50):
        points = [b.lo + RNG.random(300) * (b.hi - b.lo) for b in bounds]
        assert within(found, function(*points)).all()


@pytest.mark.parametrize(
    ("function", "x"), [(np.exp, 0.0), (np.log, 1.0), (np.sin, 0.0), (np.tanh, 0.0), (np.sqrt, 1.0)]
)
def test_what_every_library_knows_is_certain(function: Any, x: float) -> None:
    found = elementary(function, [constant(np.array([x]))])
    assert found.lo == found.hi == function(x)


def test_the_end_of_a_domain_leaves_the_other_end_bounded() -> None:
    found = elementary(np.log, [made(np.array([-1e-17, -2.0]), np.array([0.5, -1.0]))])
    assert found.lo[0] == -np.inf
    assert found.hi[0] == pytest.approx(np.log(0.5), abs=1e-14)
    assert found.nan.all()
    assert found.none[1]  # nothing but NaN


def test_no_bound_goes_beyond_what_a_function_answers() -> None:
    far = made(np.array([-800.0, 40.0]), np.array([-799.0, 41.0]))
    found = elementary(scipy.special.expit, [far])
    assert (found.lo >= 0).all()
    assert (found.hi <= 1).all()
    assert (elementary(np.exp, [far]).lo >= 0).all()


def test_the_logarithm_of_a_sum_of_exponentials_is_as_wide_as_what_goes_in() -> None:
    x = RNG.normal(size=(50, 4)) * 1e4
    found = elementary(logsumexp, [made(x - 1e-9, x + 1e-9)])
    assert within(found, logsumexp(x)).all()
    assert ((found.hi - found.lo) < 3e-9).all()


def test_sums_over_any_axis_hold_every_order() -> None:
    x = RNG.normal(size=(6, 7, 8)) * 10.0 ** RNG.integers(-8, 8, (6, 7, 8))
    for axis in range(3):
        found = total(constant(x), axis)
        for order in (x, np.flip(x, axis), np.sort(x, axis)):
            assert within(found, np.add.accumulate(order, axis).take([-1], axis)).all()


def test_a_product_of_two_bounds_holds_all_products() -> None:
    a, b = RNG.normal(size=(10, 4)), RNG.normal(size=(4, 3))
    room = np.abs(RNG.normal(size=(10, 4))) * 1e-3
    found = matrix_product(made(a - room, a + room), made(b - 1e-3, b + 1e-3))
    for _ in range(200):
        left = a + RNG.uniform(-1, 1, a.shape) * room
        assert within(found, left @ (b + RNG.uniform(-1e-3, 1e-3, b.shape))).all()
