"""Functions of float64 that some supported onnxruntime has no right double kernel for.

Everything is composed from operators that exist for double in onnxruntime 1.21 to 1.32 and are right there:
Exp (2 ulps), Log (1 ulp), Pow (1 ulp), Sqrt, Round, Mod(fmod=1) (exact), and Sin, which is within 3 ulps
up to pi/4 and beyond 1e5 but loses thousands of ulps near the multiples of pi between. Error bounds below
were measured against numpy and scipy on 100,000 values and more, NaN, infinities, zeros and subnormals
included. A result of zero may have lost its sign (onnxruntime's Where returns 0.0 for -0.0), and where scipy
flushes a subnormal result to zero, the graph may return it. All take and return float64 of any shape and
broadcast.
"""

from __future__ import annotations

import math

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.special_tables import ARCTAN, ERF

_INF = math.inf


def const(value: float) -> Var:
    """A float64 scalar."""
    return op.const(np.float64(value))


def _ints(*values: int) -> Var:
    return op.const(np.array(values, dtype=np.int64))


def polynomial(x: Var, coefficients: tuple[float, ...]) -> Var:
    """Horner's scheme, coefficients by ascending power."""
    result = const(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        result = op.add(op.mul(result, x), const(coefficient))
    return result


def is_finite(x: Var) -> Var:
    """``np.isfinite``; bool."""
    return op.equal(op.sub(x, x), const(0.0))


def signbit(x: Var) -> Var:
    """``np.signbit``, except that a NaN counts as positive: its sign is out of a graph's reach."""
    return op.less(op.where(op.equal(x, const(0.0)), op.reciprocal(x), x), const(0.0))


def copysign(x: Var, y: Var) -> Var:
    """``np.copysign``, exact; a NaN ``y`` counts as positive."""
    # A product, because the Where kernel turns -0.0 into 0.0.
    return op.mul(op.abs(x), op.where(signbit(y), const(-1.0), const(1.0)))


def trunc(x: Var) -> Var:
    """``np.trunc``, exact."""
    return op.where(op.less(x, const(0.0)), op.ceil(x), op.floor(x))


def rint(x: Var) -> Var:
    """``np.rint``, halves to even, exact."""
    return op.round(x)


def round_decimals(x: Var, decimals: int) -> Var:
    """``np.round(x, decimals)``, exact: scaled, rounded to even, scaled back, as numpy does."""
    if decimals == 0:
        return op.round(x)
    scale = const(10.0 ** abs(decimals))
    if decimals > 0:
        return op.div(op.round(op.mul(x, scale)), scale)
    return op.mul(op.round(op.div(x, scale)), scale)


def fmax(x: Var, y: Var) -> Var:
    """``np.fmax``, exact: the other one where one is NaN (``op.max`` is ``np.maximum``)."""
    return op.where(op.isnan(x), y, op.where(op.isnan(y), x, op.max([x, y])))


def fmin(x: Var, y: Var) -> Var:
    """``np.fmin``, exact: the other one where one is NaN (``op.min`` is ``np.minimum``)."""
    return op.where(op.isnan(x), y, op.where(op.isnan(y), x, op.min([x, y])))


def expm1(x: Var) -> Var:
    """``np.expm1`` within 4 ulps (Kahan's quotient of ``exp(x) - 1`` and ``log(exp(x))``)."""
    u = op.exp(x)
    d = op.sub(u, const(1.0))
    inner = op.mul(d, op.div(x, op.log(u)))
    # u is 0 or infinite where the quotient is 0 / 0, and 1 where x is below one ulp.
    outer = op.or_(op.equal(d, const(-1.0)), op.equal(u, const(_INF)))
    return op.where(op.equal(u, const(1.0)), x, op.where(outer, d, inner))


def log1p(x: Var) -> Var:
    """``np.log1p`` within 4 ulps (Kahan's ``log(1 + x)`` times what rounding ``1 + x`` lost)."""
    u = op.add(x, const(1.0))
    lost = op.div(x, op.sub(u, const(1.0)))
    inner = op.mul(op.log(u), op.where(op.equal(u, const(_INF)), const(1.0), lost))
    return op.where(op.equal(u, const(1.0)), x, inner)


def log2(x: Var) -> Var:
    """``np.log2`` within 3 ulps, exact for powers of two."""
    return _log(x, 2.0)


def log10(x: Var) -> Var:
    """``np.log10`` within 3 ulps, exact for powers of ten that float64 holds."""
    return _log(x, 10.0)


def _log(x: Var, base: float) -> Var:
    y = op.mul(op.log(x), const(1.0 / math.log(base)))
    whole = op.round(y)
    return op.where(op.equal(op.pow(const(base), whole), x), whole, y)


def exp2(x: Var) -> Var:
    """``np.exp2`` within 1 ulp."""
    return op.pow(const(2.0), x)


def cbrt(x: Var) -> Var:
    """The cube root within 2 ulps (``np.cbrt`` is up to 4 off, by the libm): Pow, then one Newton step."""
    a = op.abs(x)
    y = op.pow(a, const(1.0 / 3.0))
    y = op.sub(y, op.div(op.sub(y, op.div(a, op.mul(y, y))), const(3.0)))
    plain = op.or_(op.equal(x, const(0.0)), op.equal(a, const(_INF)))
    return op.where(plain, x, op.where(op.less(x, const(0.0)), op.neg(y), y))


def hypot(x: Var, y: Var) -> Var:
    """``np.hypot`` within 2 ulps, scaled by a power of two where squares would leave the range."""
    big = op.max([op.abs(x), op.abs(y)])
    small = op.where(op.less(big, const(1e-140)), const(2.0**600), const(1.0))
    scale = op.where(op.greater(big, const(1e140)), const(2.0**-600), small)
    a, b = op.mul(x, scale), op.mul(y, scale)
    root = op.div(op.sqrt(op.add(op.mul(a, a), op.mul(b, b))), scale)
    infinite = op.or_(op.equal(op.abs(x), const(_INF)), op.equal(op.abs(y), const(_INF)))
    return op.where(infinite, const(_INF), root)


# pi / 2 in parts of 33 bits, so that a multiple below 2**20 of each of the first three is exact.
_HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
_REDUCED = 2.0**20
_PI_2_LOW = 6.123233995736766e-17
"""pi / 2 - float(pi / 2)."""


def _sin_cos(x: Var) -> tuple[Var, Var, Var]:
    """Sine and cosine of x less the nearest multiple of pi / 2, and that multiple's number."""
    number = op.round(op.mul(x, const(2.0 / math.pi)))
    rest = x
    for part in _HALF_PI:
        rest = op.sub(rest, op.mul(number, const(part)))
    half = op.sin(op.mul(rest, const(0.5)))
    cosine = op.sub(const(1.0), op.mul(const(2.0), op.mul(half, half)))
    return op.sin(rest), cosine, number


def _modulo(number: Var, modulus: float) -> Var:
    return op.sub(number, op.mul(const(modulus), op.floor(op.div(number, const(modulus)))))


def _is_odd(number: Var) -> Var:
    return op.equal(_modulo(number, 2.0), const(1.0))


def sin(x: Var) -> Var:
    """``np.sin`` within 4 ulps for every x (Cody and Waite's reduction up to 1.6e6, the kernel beyond)."""
    s, c, number = _sin_cos(x)
    value = op.where(_is_odd(number), c, s)
    value = op.where(op.greater_or_equal(_modulo(number, 4.0), const(2.0)), op.neg(value), value)
    return op.where(op.less(op.abs(x), const(_REDUCED)), value, op.sin(x))


def cos(x: Var) -> Var:
    """``np.cos`` within 4 ulps up to 1e6; beyond within 1e-15 absolutely (``1 - 2 sin(x / 2)**2``)."""
    s, c, number = _sin_cos(x)
    value = op.where(_is_odd(number), s, c)
    turned = _modulo(op.add(number, const(1.0)), 4.0)
    value = op.where(op.greater_or_equal(turned, const(2.0)), op.neg(value), value)
    return op.where(op.less(op.abs(x), const(_REDUCED)), value, _far_cos(x))


def _far_cos(x: Var) -> Var:
    half = op.sin(op.mul(x, const(0.5)))
    return op.sub(const(1.0), op.mul(const(2.0), op.mul(half, half)))


def tan(x: Var) -> Var:
    """``np.tan`` within 6 ulps up to 1e6; beyond, the quotient of :func:`sin` and :func:`cos`."""
    s, c, number = _sin_cos(x)
    near = op.where(_is_odd(number), op.neg(op.div(c, s)), op.div(s, c))
    return op.where(op.less(op.abs(x), const(_REDUCED)), near, op.div(op.sin(x), _far_cos(x)))


_TAN_PI_8 = math.tan(math.pi / 8)


def _arctan_unit(t: Var) -> Var:
    """Arctangent of t in [0, 1]: from tan(pi / 8) on, pi / 4 plus that of (t - 1) / (t + 1)."""
    upper = op.greater(t, const(_TAN_PI_8))
    u = op.where(upper, op.div(op.sub(t, const(1.0)), op.add(t, const(1.0))), t)
    z = op.mul(u, u)
    high = math.tan(math.pi / 8) ** 2
    rest = op.mul(op.mul(u, z), polynomial(op.sub(op.mul(z, const(2.0 / high)), const(1.0)), ARCTAN[0]))
    # arctan(u) = u - rest; the low part of pi / 4 joins before the high one.
    low = op.sub(op.sub(const(_PI_2_LOW / 2), rest), op.neg(u))
    return op.where(upper, op.add(const(math.pi / 4), low), op.sub(u, rest))


def arctan(x: Var) -> Var:
    """``np.arctan`` within 3 ulps."""
    a = op.abs(x)
    steep = op.greater(a, const(1.0))
    angle = _arctan_unit(op.where(steep, op.reciprocal(a), a))
    angle = op.where(steep, op.sub(const(math.pi / 2), op.sub(angle, const(_PI_2_LOW))), angle)
    return op.where(op.less(x, const(0.0)), op.neg(angle), angle)


def arctan2(y: Var, x: Var) -> Var:
    """``np.arctan2`` within 4 ulps, zeros of either sign and infinities as numpy."""
    a, b = op.abs(y), op.abs(x)
    steep = op.greater(a, b)
    low, high = op.min([a, b]), op.max([a, b])
    ratio = op.where(op.equal(low, high), const(1.0), op.div(low, high))
    angle = _arctan_unit(op.where(op.equal(high, const(0.0)), const(0.0), ratio))
    angle = op.where(steep, op.sub(const(math.pi / 2), op.sub(angle, const(_PI_2_LOW))), angle)
    angle = op.where(signbit(x), op.sub(const(math.pi), op.sub(angle, const(2 * _PI_2_LOW))), angle)
    angle = op.where(op.or_(op.isnan(x), op.isnan(y)), const(math.nan), angle)
    return copysign(angle, y)


def arcsin(x: Var) -> Var:
    """``np.arcsin`` within 4 ulps; NaN outside [-1, 1]."""
    return arctan2(x, op.sqrt(op.mul(op.sub(const(1.0), x), op.add(const(1.0), x))))


def arccos(x: Var) -> Var:
    """``np.arccos`` within 4 ulps; NaN outside [-1, 1]."""
    half = arctan2(op.sqrt(op.sub(const(1.0), x)), op.sqrt(op.add(const(1.0), x)))
    return op.mul(const(2.0), half)


def sinh(x: Var) -> Var:
    """``np.sinh`` within 6 ulps."""
    e = expm1(x)
    near = op.mul(const(0.5), op.add(e, op.div(e, op.add(e, const(1.0)))))
    a = op.abs(x)
    half, inverse = _half_exp(a)
    far = op.sub(half, inverse)
    far = op.where(op.less(x, const(0.0)), op.neg(far), far)
    return op.where(op.less(a, const(1.0)), near, far)


def cosh(x: Var) -> Var:
    """``np.cosh`` within 5 ulps."""
    half, inverse = _half_exp(op.abs(x))
    return op.add(half, inverse)


def _half_exp(a: Var) -> tuple[Var, Var]:
    """``exp(a) / 2`` without overflow below log(2 * max), and ``exp(-a) / 2``; a is not negative."""
    root = op.exp(op.mul(a, const(0.5)))
    large = op.mul(op.mul(const(0.5), root), root)
    half = op.where(op.greater(a, const(709.0)), large, op.mul(const(0.5), op.exp(a)))
    return half, op.mul(const(0.5), op.exp(op.neg(a)))


def tanh(x: Var) -> Var:
    """``np.tanh`` within 8 ulps: onnxruntime's own kernel."""
    return op.tanh(x)


def arcsinh(x: Var) -> Var:
    """``np.arcsinh`` within 5 ulps."""
    a = op.abs(x)
    square = op.mul(a, a)
    near = log1p(op.add(a, op.div(square, op.add(const(1.0), op.sqrt(op.add(square, const(1.0)))))))
    far = op.add(op.log(a), const(math.log(2.0)))
    value = op.where(op.greater(a, const(2.0**28)), far, near)
    return op.where(op.less(x, const(0.0)), op.neg(value), value)


def arccosh(x: Var) -> Var:
    """``np.arccosh`` within 5 ulps; NaN below 1."""
    t = op.sub(x, const(1.0))
    near = log1p(op.add(t, op.sqrt(op.mul(t, op.add(t, const(2.0))))))
    value = op.where(op.greater(x, const(2.0**28)), op.add(op.log(x), const(math.log(2.0))), near)
    return op.where(op.less(x, const(1.0)), const(math.nan), value)


def arctanh(x: Var) -> Var:
    """``np.arctanh`` within 5 ulps; NaN outside [-1, 1]."""
    a = op.abs(x)
    twice = op.add(a, a)
    value = op.mul(const(0.5), log1p(op.add(twice, op.div(op.mul(twice, a), op.sub(const(1.0), a)))))
    value = op.where(op.equal(a, const(1.0)), const(_INF), value)
    value = op.where(op.greater(a, const(1.0)), const(math.nan), value)
    return op.where(op.less(x, const(0.0)), op.neg(value), value)


def expit(x: Var) -> Var:
    """``scipy.special.expit`` within 4 ulps (the Sigmoid kernel is 0 below -37)."""
    e = op.exp(op.neg(op.abs(x)))
    return op.div(op.where(op.less(x, const(0.0)), e, const(1.0)), op.add(const(1.0), e))


def logit(p: Var) -> Var:
    """``scipy.special.logit`` within 5 ulps; NaN outside [0, 1]."""
    s = op.mul(const(2.0), op.sub(p, const(0.5)))
    middle = op.sub(log1p(s), log1p(op.neg(s)))
    outer = op.log(op.div(p, op.sub(const(1.0), p)))
    outside = op.or_(op.less(p, const(0.3)), op.greater(p, const(0.65)))
    return op.where(outside, outer, middle)


def logaddexp(x: Var, y: Var) -> Var:
    """``np.logaddexp``: within 4 ulps of the larger of result and operands."""
    high, low = op.max([x, y]), op.min([x, y])
    distance = op.where(op.equal(high, low), const(0.0), op.sub(low, high))
    return op.add(high, log1p(op.exp(distance)))


def softplus(x: Var) -> Var:
    """``np.logaddexp(0, x)`` within 4 ulps."""
    return op.add(op.max([x, const(0.0)]), log1p(op.exp(op.neg(op.abs(x)))))


def log_expit(x: Var) -> Var:
    """``scipy.special.log_expit`` within 4 ulps: ``-softplus(-x)``."""
    return op.sub(op.min([x, const(0.0)]), log1p(op.exp(op.neg(op.abs(x)))))


def logsumexp(x: Var, axis: int, *, keepdims: bool = False) -> Var:
    """``scipy.special.logsumexp`` over one axis: within 8 ulps of the larger of result and operands."""
    rank = len(x.unwrap_tensor().shape or ())
    axes = _ints(axis % rank if rank else axis)  # of zero rows, 1.31 and older reduce no negative axis
    peak = op.reduce_max(x, axes, keepdims=1)
    shift = op.where(is_finite(peak), peak, const(0.0))
    total = op.reduce_sum(op.exp(op.sub(x, shift)), axes, keepdims=1)
    result = op.add(op.log(total), shift)
    return result if keepdims else op.squeeze(result, axes)


def _piecewise(v: Var, row: Var, table: tuple[tuple[float, ...], ...]) -> Var:
    """The polynomial in row ``row`` (int64) of a table of 16 coefficients at ``v``, by Estrin's scheme."""
    coefficients = op.gather(op.const(np.array(table)), row, axis=0)
    power = op.unsqueeze(v, _ints(-1))
    width = len(table[0])
    while width > 1:
        even = op.slice(coefficients, _ints(0), _ints(width), _ints(-1), _ints(2))
        odd = op.slice(coefficients, _ints(1), _ints(width), _ints(-1), _ints(2))
        coefficients = op.add(even, op.mul(odd, power))
        width //= 2
        if width > 1:
            power = op.mul(power, power)
    return op.squeeze(coefficients, _ints(-1))


_TAIL_LOW, _TAIL_WIDTH = 1 / 30, (2 / 5 - 1 / 30) / 4
_TAIL_END = 27.5
"""erfc is 0 from 26.55 on (its least subnormal is passed at 27.23)."""


def _erf_parts(x: Var, boundary: float) -> tuple[Var, Var, Var]:
    """``erf(x)`` where |x| < boundary, ``erfc(|x|)`` elsewhere, and which of the two it is."""
    a = op.min([op.abs(x), const(_TAIL_END)])
    square = op.mul(a, a)
    near = op.less(a, const(boundary))
    scaled = op.reciprocal(op.add(a, const(2.0)))
    piece = op.div(op.sub(scaled, const(_TAIL_LOW)), const(_TAIL_WIDTH))
    number = op.max([op.min([op.floor(piece), const(3.0)]), const(0.0)])
    inner = op.sub(op.mul(op.sub(piece, number), const(2.0)), const(1.0))
    known = op.not_(op.isnan(x))
    row = op.where(op.or_(near, op.not_(known)), const(0.0), op.add(number, const(1.0)))
    v = op.where(near, op.sub(op.mul(square, const(2.0)), const(1.0)), inner)
    value = _piecewise(v, op.cast(op.where(known, row, const(0.0)), to=np.int64), ERF)
    # exp(-a * a), with a split in two so that the product that counts is exact.
    split = op.mul(a, const(2.0**27 + 1))
    high = op.sub(split, op.sub(split, a))
    gauss = op.mul(op.exp(op.neg(op.mul(high, high))), op.exp(op.mul(op.sub(high, a), op.add(high, a))))
    return op.mul(x, value), op.mul(gauss, op.mul(scaled, value)), near


def erf(x: Var) -> Var:
    """``scipy.special.erf`` within 4 ulps."""
    near, tail, is_near = _erf_parts(x, 1.0)
    far = op.sub(const(1.0), tail)
    return op.where(is_near, near, op.where(op.less(x, const(0.0)), op.neg(far), far))


def erfc(x: Var) -> Var:
    """The complementary error function within 8 ulps; ``scipy.special.erfc`` is hundreds off in its tail."""
    near, tail, is_near = _erf_parts(x, 0.5)
    far = op.where(op.less(x, const(0.0)), op.sub(const(2.0), tail), tail)
    return op.where(is_near, op.sub(const(1.0), near), far)


def ndtr(x: Var) -> Var:
    """``scipy.special.ndtr``, the normal distribution function, within 1e-13 relatively."""
    return op.mul(const(0.5), erfc(op.mul(x, const(-math.sqrt(0.5)))))
