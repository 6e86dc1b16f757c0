"""Each function of float64 is as close to the exact value as its docstring says.

The last places of NumPy's own answers hang on the machine (glibc's cbrt is three ulps off), so the exact
value is what NumPy and SciPy answer in extended precision, rounded to float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from running import run, ulps

from onnxtwin.exporters import special

RNG = np.random.default_rng(1)
EDGES = np.array(
    [
        0.0,
        -0.0,
        np.nan,
        np.inf,
        -np.inf,
        5e-324,
        -5e-324,
        1e308,
        -1e308,
        1e154,
        1e-154,
        1,
        -1,
        0.5,
        -0.5,
        # where a rounding tie, a branch of logit, or the range of exp, sinh and erfc ends
        1.5,
        2.5,
        0.3,
        0.65,
        2.0**28,
        709.78,
        710.2,
        710.47,
        711.0,
        -745.2,
        -746.0,
        26.5,
        -5.9,
    ]
)
VALUES = np.concatenate(
    [
        EDGES,
        RNG.normal(size=4000),
        RNG.uniform(-1, 1, 4000),
        RNG.normal(size=2000) * 30,
        RNG.uniform(-750, 750, 2000),
        RNG.uniform(-1e5, 1e5, 2000),
        10.0 ** RNG.uniform(-320, 308, 2000),
        -(10.0 ** RNG.uniform(-320, 308, 2000)),
        np.arange(-500, 500) * (np.pi / 2),
        1 - 10.0 ** RNG.uniform(-17, 0, 1000),
        10.0 ** np.arange(-20, 23),
        2.0 ** np.arange(-1074, 1000, 7),
    ]
)
PARTNERS = RNG.permutation(VALUES)

EXTENDED = np.finfo(np.longdouble).nmant > 60
LIBRARY = 0 if EXTENDED else 4
"""Ulps that the reference itself may be off: up to four where there is no extended precision."""


def exact(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    wide = [a.astype(np.longdouble) if EXTENDED else a for a in arrays]
    return np.asarray(function(*wide)).astype(np.float64)


def libm_erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf)(x)  # within one ulp; scipy's is not


UNARY: dict[str, tuple[Callable[..., Any], float]] = {
    "sin": (np.sin, 4),
    "arctan": (np.arctan, 3),
    "arcsin": (np.arcsin, 4),
    "arccos": (np.arccos, 4),
    "sinh": (np.sinh, 6),
    "cosh": (np.cosh, 5),
    "tanh": (np.tanh, 8),
    "arcsinh": (np.arcsinh, 5),
    "arccosh": (np.arccosh, 5),
    "arctanh": (np.arctanh, 5),
    "log1p": (np.log1p, 4),
    "expm1": (np.expm1, 4),
    "log2": (np.log2, 3),
    "log10": (np.log10, 3),
    "exp2": (np.exp2, 1),
    "cbrt": (np.cbrt, 2),
    "erf": (libm_erf, 4),
    "logit": (scipy.special.logit, 5),
    "log_expit": (scipy.special.log_expit, 4),
    "softplus": (lambda x: np.logaddexp(0, x), 4),
    "trunc": (np.trunc, 0),
    "rint": (np.rint, 0),
}
BINARY: dict[str, tuple[Callable[..., Any], float]] = {
    "arctan2": (np.arctan2, 4),
    "hypot": (np.hypot, 2),
    "copysign": (np.copysign, 0),
    "fmax": (np.fmax, 0),
    "fmin": (np.fmin, 0),
}


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_number_keeps_its_bound(name: str) -> None:
    reference, bound = UNARY[name]
    assert ulps(run(getattr(special, name), VALUES), exact(reference, VALUES)) <= bound + LIBRARY * (
        bound > 0
    )


@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_numbers_keeps_its_bound(name: str) -> None:
    reference, bound = BINARY[name]
    x = np.concatenate([np.repeat(EDGES, len(EDGES)), VALUES])
    y = np.concatenate([np.tile(EDGES, len(EDGES)), PARTNERS])
    y[np.isnan(y)] = np.nan  # of one sign: a NaN's is out of reach
    assert ulps(run(getattr(special, name), x, y), exact(reference, x, y)) <= bound + LIBRARY * (bound > 0)


@pytest.mark.parametrize(("name", "bound"), [("cos", 4), ("tan", 6)])
def test_cosine_and_tangent_keep_their_bound_up_to_a_million(name: str, bound: float) -> None:
    x = VALUES[~(np.abs(VALUES) > 1e6) | np.isinf(VALUES)]
    assert ulps(run(getattr(special, name), x), exact(getattr(np, name), x)) <= bound + LIBRARY


def test_the_cosine_of_huge_numbers_is_right_absolutely() -> None:
    x = VALUES[np.isfinite(VALUES)]
    np.testing.assert_allclose(run(special.cos, x), np.cos(x), rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", ["erfc", "ndtr", "expit"])
def test_a_tail_keeps_its_bound_down_to_subnormal_results(name: str) -> None:
    # libm's erfc is within one ulp, scipy's is not; the least results scipy takes for zero.
    reference = np.vectorize(math.erfc) if name == "erfc" else getattr(scipy.special, name)
    expected = exact(reference, VALUES) if name == "expit" else reference(VALUES)
    got = run(getattr(special, name), VALUES)
    normal = ~(expected < 1e-290)
    bound = {"erfc": 8, "ndtr": 1e-13 / np.finfo(float).eps, "expit": 4}[name]
    assert ulps(got[normal], expected[normal]) <= bound
    np.testing.assert_allclose(got[~normal], expected[~normal], rtol=0, atol=1e-289)


def test_the_logarithm_of_a_sum_is_right_to_a_few_ulps_of_its_operands() -> None:
    expected, got = np.logaddexp(VALUES, PARTNERS), run(special.logaddexp, VALUES, PARTNERS)
    finite = np.isfinite(VALUES) & np.isfinite(PARTNERS)
    np.testing.assert_array_equal(got[~finite], expected[~finite])
    scale = np.spacing(np.maximum(np.maximum(np.abs(VALUES), np.abs(PARTNERS)), 1.0))
    assert (np.abs(got - expected) / scale)[finite].max() <= 4


def test_the_logarithm_of_the_sum_of_a_row_knows_infinities() -> None:
    x = RNG.normal(size=(300, 4)) * 50
    x[:5] = [[-np.inf] * 4, [np.inf] * 4, [np.inf, 0, 0, 0], [-np.inf, 0, 0, 0], [np.nan, 0, 0, 0]]
    got = run(lambda v: special.logsumexp(v, 1), x)
    np.testing.assert_allclose(got, scipy.special.logsumexp(x, axis=1), rtol=1e-14, atol=1e-14)
    kept = run(lambda v: special.logsumexp(v, 1, keepdims=True), x)
    np.testing.assert_array_equal(kept[:, 0], got)


@pytest.mark.parametrize("power", [2, 10])
def test_a_logarithm_is_exact_at_powers_of_its_base(power: int) -> None:
    exponents = np.arange(-300, 300) if power == 2 else np.arange(0, 23)
    name = f"log{power}"
    np.testing.assert_array_equal(run(getattr(special, name), float(power) ** exponents), exponents)


@pytest.mark.parametrize("decimals", [-2, -1, 0, 1, 2, 5, 15])
def test_decimals_are_rounded_as_numpy_rounds_them(decimals: int) -> None:
    halves = np.concatenate([RNG.integers(-1000, 1000, 2000) * 0.05, RNG.normal(size=2000) * 100, EDGES])
    got = run(lambda v: special.round_decimals(v, decimals), halves)
    np.testing.assert_array_equal(got, np.round(halves, decimals))


def test_finite_numbers_are_told_from_the_others() -> None:
    np.testing.assert_array_equal(run(special.is_finite, VALUES), np.isfinite(VALUES))


def test_the_sign_bit_of_both_zeros_is_seen() -> None:
    x = VALUES[~np.isnan(VALUES)]
    np.testing.assert_array_equal(run(special.signbit, x), np.signbit(x))


@pytest.mark.parametrize("name", ["sin", "erf", "arctan", "log1p", "cbrt"])
def test_no_rows_give_no_rows(name: str) -> None:
    assert run(getattr(special, name), np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("axis", [1, -1])
def test_no_rows_have_no_logarithm_of_their_sum(axis: int) -> None:
    assert run(lambda v: special.logsumexp(v, axis), np.zeros((0, 3))).shape == (0,)
