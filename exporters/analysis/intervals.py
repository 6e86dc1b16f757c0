"""Bounds of a tensor's entries over many boxes of rows at once, and how operators carry them on.

Kernels round correctly but for the ones named at their place, and rounding keeps the order: the rounded bound
of an operation is the bound of its rounded results. Whatever is not known stays without bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from onnxtwin.exporters.analysis.graph import Array

EPS = float(np.finfo(np.float64).eps)
LARGEST_INT = np.iinfo(np.int64).max
SMALLEST_INT = np.iinfo(np.int64).min
FINEST = 2.0**-20
"""The smallest grain that is looked for."""

WHOLE_IN_SINGLE = 2.0**24
WHOLE_IN_DOUBLE = 2.0**53


@dataclass(frozen=True)
class Interval:
    """What the entries of a tensor can hold in each box.

    Attributes
    ----------
    lo, hi : ``[boxes, *row]``, int64 for whole types and truth values, else float64; ``lo > hi``: no
        number at all. Constants, and what no box decides, have 1 for ``boxes``, or no such axis.
    nan : whether an entry may be NaN.
    grain : a power of two that each number is a multiple of (1: whole numbers), 0 where there is none.
    single : whether each number is a float32.
    fixed : a constant, without an axis of boxes.
    bag : the tensor's shape is not known: ``[boxes]``, bounds of all its entries.
    """

    lo: Array
    hi: Array
    nan: Array
    grain: Array
    single: Array
    bag: bool = False
    fixed: bool = False

    @property
    def is_int(self) -> bool:
        """Whether the tensor is of a whole type."""
        return self.lo.dtype.kind == "i"

    @property
    def none(self) -> Array:
        """Where no number is possible."""
        return self.lo > self.hi

    @property
    def point(self) -> Array:
        """Where one value is possible, and that one is not NaN."""
        return np.asarray((self.lo == self.hi) & ~self.nan)

    @classmethod
    def of(cls, arrays: Iterable[Array], *, bag: bool = False) -> Interval:
        """From ``lo``, ``hi``, ``nan``, ``grain`` and ``single``, in this order."""
        lo, hi, nan, grain, single = arrays
        return cls(lo, hi, nan, grain, single, bag)

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array, Array]:
        """``lo``, ``hi``, ``nan``, ``grain`` and ``single``."""
        return self.lo, self.hi, self.nan, self.grain, self.single

    def map(self, function: Callable[[Array], Array]) -> Interval:
        """The same move of every array."""
        return Interval.of((function(array) for array in self.arrays), bag=self.bag)

    def at(self, index: Any) -> Interval:
        """Some entries."""
        return self.map(lambda array: array[index])

    def along(self, axis: int, places: Any) -> Interval:
        """The entries at some places of an axis."""
        return self.map(lambda array: np.take(array, places, axis))

    def wide(self, shape: tuple[int, ...]) -> Interval:
        """The same broadcast to a shape."""
        return self.map(lambda array: np.broadcast_to(array, shape))

    def most(self) -> Array:
        """Largest magnitude, infinite where there is no bound, 0 where there is no number."""
        most = np.maximum(np.abs(self.lo.astype(np.float64)), np.abs(self.hi.astype(np.float64)))
        return np.where(self.none, 0.0, most)

    def fits_single(self) -> Array:
        """Where a cast to float32 changes nothing (NaN stays NaN)."""
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = (self.lo == self.hi) & (self.lo.astype(np.float32) == self.lo)
        few_digits = (self.grain > 0) & (self.most() <= WHOLE_IN_SINGLE * self.grain)
        return np.asarray(self.single | self.none | narrow | few_digits)


def made(lo: Any, hi: Any, nan: Any = False, grain: Any = 0.0, single: Any = False) -> Interval:
    """An interval of arrays of one shape; bounds that are NaN become none at all."""
    lo, hi = np.broadcast_arrays(lo, hi)
    if lo.dtype.kind == "f":
        lo, hi = np.where(np.isnan(lo), -np.inf, lo), np.where(np.isnan(hi), np.inf, hi)
    grain = 1.0 if lo.dtype.kind == "i" else grain
    kinds = ((nan, bool), (grain, np.float64), (single, bool))
    others = [np.broadcast_to(np.asarray(v, kind), lo.shape) for v, kind in kinds]
    return Interval.of([lo, hi, *others])


def constant(value: Array) -> Interval:
    """Just this, without an axis of boxes."""
    return replace(_constant(value), fixed=value.dtype.kind in "fiub")


def _constant(value: Array) -> Interval:
    if value.dtype.kind in "iub":
        whole = value.astype(np.int64)
        return made(whole, whole)
    if value.dtype.kind != "f":
        return replace(anything((1,), whole=False), bag=True)
    wide = value.astype(np.float64)
    missing = np.isnan(wide)
    lo, hi = np.where(missing, np.inf, wide), np.where(missing, -np.inf, wide)
    with np.errstate(over="ignore", invalid="ignore"):
        single = wide.astype(np.float32) == wide
    grain = np.zeros(wide.shape)
    for power in (FINEST, 2.0**-10, 2.0**-4, 2.0**-2, 0.5, 1.0):
        grain = np.where(np.isfinite(wide) & (wide / power == np.rint(wide / power)), power, grain)
    return Interval(lo, hi, missing, np.where(missing, 1.0, grain), single | missing)


def anything(shape: tuple[int, ...], *, whole: bool) -> Interval:
    """No bounds: of a whole type, or of numbers that may be missing."""
    if whole:
        return made(np.full(shape, SMALLEST_INT), np.full(shape, LARGEST_INT))
    return made(np.full(shape, -np.inf), np.full(shape, np.inf), True)


def truth(can_be_true: Array, can_be_false: Array) -> Interval:
    """A condition with these outcomes."""
    can_be_true, can_be_false = np.broadcast_arrays(can_be_true, can_be_false)
    return made((~can_be_false).astype(np.int64), can_be_true.astype(np.int64))


def hull(a: Interval, b: Interval) -> Interval:
    """What either can hold."""
    kept = a.none & b.none
    lo, hi = np.minimum(a.lo, b.lo), np.maximum(a.hi, b.hi)
    grains = [np.where(v.none, np.inf, v.grain) for v in (a, b)]
    grain = np.where(kept, 1.0, np.minimum(*grains))
    joined = made(lo, hi, a.nan | b.nan, grain, (a.single | a.none) & (b.single | b.none))
    if kept.any() and not joined.is_int:
        joined = replace(joined, lo=np.where(kept, np.inf, joined.lo), hi=np.where(kept, -np.inf, joined.hi))
    return joined


def choose(where: Array, a: Interval, b: Interval) -> Interval:
    """``a`` in some places, ``b`` in the others."""
    if a.is_int != b.is_int:
        a, b = (made(v.lo.astype(np.float64), v.hi.astype(np.float64), v.nan, v.grain) for v in (a, b))
    shape = np.broadcast_shapes(where.shape, a.lo.shape, b.lo.shape)
    pairs = zip(a.arrays, b.arrays, strict=True)
    return Interval.of(np.broadcast_to(np.where(where, x, y), shape) for x, y in pairs)


def as_bag(interval: Interval) -> Interval:
    """Bounds of all entries together."""
    if interval.bag or interval.lo.ndim < 1:
        return replace(interval.map(np.atleast_1d), bag=True)
    if interval.fixed:
        interval = interval.map(lambda a: a.reshape(1, -1))
    axes = tuple(range(1, interval.lo.ndim))
    lo, hi = interval.lo.min(axis=axes), interval.hi.max(axis=axes)
    return Interval(
        lo,
        hi,
        np.asarray(interval.nan.any(axis=axes)),
        interval.grain.min(axis=axes),
        np.asarray(interval.single.all(axis=axes)),
        True,
    )


def _numbers(lo: Array, hi: Array, invalid: Array, operands: Sequence[Interval], grain: Any) -> Interval:
    """The result of an arithmetic operator: NaN from NaN, and no number where an operand has none."""
    nan, none = invalid, np.zeros((), bool)
    for operand in operands:
        nan, none = nan | operand.nan, none | operand.none
    # Rounding keeps a multiple of a power of two one, as far as float64 goes.
    found = made(lo, hi, nan | none, np.where((np.abs(lo) < np.inf) & (np.abs(hi) < np.inf), grain, 0.0))
    if not none.any():
        return found
    return replace(found, lo=np.where(none, np.inf, found.lo), hi=np.where(none, -np.inf, found.hi))


def guarded(lo: Array, hi: Array, overflows: Array) -> Interval:
    """Whole numbers, without bounds where one does not fit 64 bits."""
    return made(np.where(overflows, SMALLEST_INT, lo), np.where(overflows, LARGEST_INT, hi))


def _sum_overflows(a: Array, b: Array) -> Array:
    total = a + b
    return np.asarray(((a ^ total) & (b ^ total)) < 0)


def _product_overflows(a: Array, b: Array) -> Array:
    edge = (a == SMALLEST_INT) | (b == SMALLEST_INT)
    product = a * b
    wrong = product // np.where((b == 0) | edge, 1, b) != a
    return np.asarray((edge & (a != 0) & (b != 0)) | ((b != 0) & ~edge & wrong))


def add(a: Interval, b: Interval) -> Interval:
    """``a + b``."""
    if a.is_int:
        return guarded(a.lo + b.lo, a.hi + b.hi, _sum_overflows(a.lo, b.lo) | _sum_overflows(a.hi, b.hi))
    invalid = ((a.hi == np.inf) & (b.lo == -np.inf)) | ((a.lo == -np.inf) & (b.hi == np.inf))
    with np.errstate(all="ignore"):
        return _numbers(a.lo + b.lo, a.hi + b.hi, invalid, (a, b), np.minimum(a.grain, b.grain))


def negative(a: Interval) -> Interval:
    """``-a``."""
    if a.is_int:
        return guarded(-a.hi, -a.lo, a.lo == SMALLEST_INT)
    return replace(a, lo=-a.hi, hi=-a.lo)


def subtract(a: Interval, b: Interval) -> Interval:
    """``a - b``."""
    return add(a, negative(b))


def absolute(a: Interval) -> Interval:
    """``|a|``."""
    if a.is_int:
        wide = a.lo == SMALLEST_INT
        a = replace(a, lo=np.where(wide, -LARGEST_INT, a.lo))
    across = (a.lo <= 0) & (a.hi >= 0)
    low, high = np.abs(a.lo), np.abs(a.hi)
    lo = np.where(across, np.zeros_like(low), np.minimum(low, high))
    return choose(a.none, a, replace(a, lo=lo, hi=np.maximum(low, high)))


def multiply(a: Interval, b: Interval) -> Interval:
    """``a * b``."""
    if a.is_int:
        exact = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
        wide = reduce(np.logical_or, (_product_overflows(x, y) for x, y in _corners(a, b)))
        return guarded(_least(exact), _most(exact), wide)
    with np.errstate(all="ignore"):
        corners = [np.nan_to_num(x * y, nan=0.0, posinf=np.inf, neginf=-np.inf) for x, y in _corners(a, b)]
    invalid = (_has_zero(a) & _has_infinity(b)) | (_has_zero(b) & _has_infinity(a))
    grain = np.where(a.grain * b.grain >= FINEST, a.grain * b.grain, 0.0)
    return _numbers(_least(corners), _most(corners), invalid, (a, b), grain)


def divide(a: Interval, b: Interval) -> Interval:
    """``a / b``; of whole types truncated towards 0, as the operator ``Div`` has it."""
    if a.is_int:
        bad = (b.lo <= 0) & (b.hi >= 0)
        divisors = [np.where(bad, 1, end) for end in (b.lo, b.hi)]
        exact = [_truncated(x, y) for x in (a.lo, a.hi) for y in divisors]
        edge = (a.lo == SMALLEST_INT) & (b.lo <= -1) & (b.hi >= -1)
        return guarded(_least(exact), _most(exact), bad | edge)
    by_zero = _has_zero(b)
    with np.errstate(all="ignore"):
        corners = [np.nan_to_num(x / y, nan=0.0, posinf=np.inf, neginf=-np.inf) for x, y in _corners(a, b)]
    invalid = (_has_zero(a) & by_zero) | (_has_infinity(a) & _has_infinity(b))
    lo, hi = (
        np.where(by_zero, end, found) for end, found in ((-np.inf, _least(corners)), (np.inf, _most(corners)))
    )
    return _numbers(lo, hi, invalid, (a, b), 0.0)


def _truncated(a: Array, b: Array) -> Array:
    quotient = a // b
    return np.asarray(quotient + ((a != quotient * b) & ((a < 0) != (b < 0))))


def modulo(a: Interval, b: Interval) -> Interval:
    """The remainder that has the divisor's sign, of whole types."""
    one = (b.lo == b.hi) & (b.lo > 0)
    divisor = np.where(one, b.lo, 1)
    together = (a.lo // divisor) == (a.hi // divisor)
    lo = np.where(together, a.lo % divisor, 0)
    hi = np.where(together, a.hi % divisor, divisor - 1)
    return made(np.where(one, lo, SMALLEST_INT), np.where(one, hi, LARGEST_INT))


def extreme(function: Callable[..., Array], a: Interval, b: Interval) -> Interval:
    """``Max`` or ``Min``; beside NaN, whichever way the kernel takes it."""
    lo, hi = function(a.lo, b.lo), function(a.hi, b.hi)
    unsure = a.nan | b.nan | a.none | b.none
    lo = np.where(unsure, np.minimum(a.lo, b.lo), lo)
    hi = np.where(unsure, np.maximum(a.hi, b.hi), hi)
    return made(lo, hi, a.nan | b.nan, np.minimum(a.grain, b.grain), a.single & b.single)


def monotone(
    function: Callable[[Array], Array], a: Interval, *, ulps: int = 0, grain: float = 0.0
) -> Interval:
    """A function that never falls; ``ulps``: by which its kernel may be wrong; ``grain``: of its answers."""
    with np.errstate(all="ignore"):
        lo, hi = function(a.lo), function(a.hi)
    with np.errstate(invalid="ignore"):
        lo, hi = lo - ulps * EPS * np.abs(lo), hi + ulps * EPS * np.abs(hi)
    return choose(a.none, a, made(lo, hi, a.nan, grain))


OVERFLOWS = 709.8
"""From here on ``exp`` is infinite: it exceeds the largest double from 709.7827 on."""


def exponential(a: Interval) -> Interval:
    """``exp(a)``: the kernel is wrong by an ulp or so, but never on the other side of 1 = exp(0)."""
    found = monotone(np.exp, a, ulps=4)
    lo, hi = np.maximum(found.lo, 0.0), found.hi + np.finfo(np.float64).tiny
    lo = np.where(a.lo >= OVERFLOWS, np.inf, lo)
    lo, hi = np.where(a.lo >= 0, np.maximum(lo, 1.0), lo), np.where(a.hi <= 0, np.minimum(hi, 1.0), hi)
    return choose(a.none, found, replace(found, lo=lo, hi=hi, grain=np.zeros_like(found.grain)))


def square_root(a: Interval) -> Interval:
    """``sqrt(a)``, NaN below 0."""
    found = monotone(np.sqrt, replace(a, lo=np.where(a.none, a.lo, np.maximum(a.lo, 0.0))))
    return replace(found, nan=a.nan | (a.lo < 0) & ~a.none)


def sign(a: Interval) -> Interval:
    """``sign(a)``."""
    if a.is_int:
        return made(np.sign(a.lo), np.sign(a.hi))
    return monotone(np.sign, a, grain=1.0)


def logarithm(a: Interval) -> Interval:
    """``log(a)``, NaN below 0."""
    with np.errstate(all="ignore"):
        lo, hi = (np.log(np.maximum(end, 0.0)) for end in (a.lo, a.hi))
    with np.errstate(invalid="ignore"):
        lo, hi = lo - 4 * EPS * np.abs(lo) - 4e-308, hi + 4 * EPS * np.abs(hi) + 4e-308
    return choose(a.none, a, made(lo, hi, a.nan | (a.lo < 0)))


def compare(op_type: str, a: Interval, b: Interval) -> Interval:
    """``Less`` and the like; whatever is compared with NaN, the outcome is false."""
    if op_type.startswith("Greater"):
        return compare(op_type.replace("Greater", "Less"), b, a)
    some, missing = ~a.none & ~b.none, a.nan | b.nan
    if op_type == "Equal":
        return truth(
            some & (a.lo <= b.hi) & (b.lo <= a.hi),
            missing | ~((a.lo == a.hi) & (b.lo == b.hi) & (a.lo == b.lo)),
        )
    if op_type == "Less":
        return truth(some & (a.lo < b.hi), missing | (some & (a.hi >= b.lo)))
    return truth(some & (a.lo <= b.hi), missing | (some & (a.hi > b.lo)))


def narrowed(op_type: str, a: Interval, b: Interval, outcome: bool) -> Interval:
    """What ``a`` can be where its comparison with ``b`` has this outcome."""
    if not outcome and op_type == "Equal":
        return a
    if op_type == "Equal":
        lo, hi = np.maximum(a.lo, b.lo), np.minimum(a.hi, b.hi)
        return replace(a, lo=lo, hi=hi, nan=a.nan & False)
    less = op_type.startswith("Less") == outcome
    strict = op_type.endswith("OrEqual") != outcome
    # A comparison that is false may be so because one side is NaN: then it says nothing of the other.
    blind = (b.nan | b.none) & (not outcome)
    if less:
        end = _next(b.hi, -1) if strict else b.hi
        a = replace(a, hi=np.where(blind, a.hi, np.minimum(a.hi, end)), lo=a.lo + np.zeros_like(end))
    else:
        end = _next(b.lo, 1) if strict else b.lo
        a = replace(a, lo=np.where(blind, a.lo, np.maximum(a.lo, end)), hi=a.hi + np.zeros_like(end))
    return made(a.lo, a.hi, a.nan & (not outcome), a.grain, a.single)


def _next(value: Array, way: int) -> Array:
    if value.dtype.kind == "i":
        return value + way
    return np.asarray(np.nextafter(value, way * np.inf))


def to_single(a: Interval) -> Interval:
    """A cast to float32."""
    with np.errstate(over="ignore"):
        lo, hi = (end.astype(np.float32).astype(np.float64) for end in (a.lo, a.hi))
    return made(lo, hi, a.nan, np.where((np.abs(lo) < np.inf) & (np.abs(hi) < np.inf), a.grain, 0.0), True)


def to_double(a: Interval) -> Interval:
    """A cast to float64."""
    if not a.is_int:
        return a
    return made(a.lo.astype(np.float64), a.hi.astype(np.float64), False, 1.0)


def to_whole(a: Interval, bits: int) -> Interval:
    """A cast to a whole type of so many bits; nothing is known of what does not fit."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if a.is_int:
        fits = (a.lo >= low) & (a.hi <= high)
        return made(np.where(fits, a.lo, low), np.where(fits, a.hi, high))
    fits = ~a.nan & ~a.none & (a.most() < 2.0 ** min(bits - 1, 62))
    ends = [np.trunc(np.where(fits, end, 0.0)).astype(np.int64) for end in (a.lo, a.hi)]
    return made(np.where(fits, ends[0], low), np.where(fits, ends[1], high))


def to_truth(a: Interval) -> Interval:
    """A cast to bool."""
    return truth(a.nan | (a.lo < 0) | (a.hi > 0), (a.lo <= 0) & (a.hi >= 0))


def is_infinite(a: Interval) -> Interval:
    """``IsInf``."""
    always = (a.lo == a.hi) & np.isinf(a.lo) & ~a.nan
    return truth(_has_infinity(a), ~always)


def is_missing(a: Interval) -> Interval:
    """``IsNaN``."""
    return truth(a.nan, ~a.none)


def _corners(a: Interval, b: Interval) -> list[tuple[Array, Array]]:
    return [(x, y) for x in (a.lo, a.hi) for y in (b.lo, b.hi)]


def _least(values: Sequence[Array]) -> Array:
    return np.asarray(np.minimum.reduce(np.broadcast_arrays(*values)))


def _most(values: Sequence[Array]) -> Array:
    return np.asarray(np.maximum.reduce(np.broadcast_arrays(*values)))


def _has_zero(a: Interval) -> Array:
    return (a.lo <= 0) & (a.hi >= 0)


def _has_infinity(a: Interval) -> Array:
    return np.asarray(~a.none & ((a.lo == -np.inf) | (a.hi == np.inf)))
