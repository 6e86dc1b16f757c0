"""Bounds of elementary functions, which no two libraries compute to the same bit.

An elementary function is known to a few ulps: the graph's own compositions are within 4 of numpy's and
scipy's (``docs/kernels.md``), and other libraries within as many. Where rounding cannot matter, at 0 and 1
and where the answer is whole, every library is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import scipy.special

from onnxtwin.exporters.analysis.graph import Array
from onnxtwin.exporters.analysis.intervals import EPS, Interval, made, to_single

ULPS = 8
"""By how many ulps two correct programs may differ in an elementary function."""

LOOSE: dict[Any, int] = {scipy.special.erfc: 512, scipy.special.ndtr: 512}
"""The same of functions that scipy itself knows to a relative 1e-13 only, in their tails."""

_SMALLEST = 2.0 * float(np.finfo(np.float64).tiny)
_SMALLEST_SINGLE = 2.0 * float(np.finfo(np.float32).tiny)

Function = Callable[..., Any]

MONOTONE: frozenset[Any] = frozenset({
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.cbrt, np.arctan, np.arcsin, np.arccos,
    np.sinh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.logaddexp, np.power, np.float_power,
    scipy.special.expit, scipy.special.logit, scipy.special.log_expit, scipy.special.erf, scipy.special.erfc,
    scipy.special.ndtr, scipy.special.expm1, scipy.special.log1p, scipy.special.exp2, scipy.special.cbrt,
    scipy.special.xlogy, scipy.special.xlog1py,
})  # fmt: skip
"""Functions whose extremes over a box stand in its corners.

A power of a negative base is NaN in some corner, unless the exponent is whole: then it turns at 0.
"""

DOMAINS: dict[Any, tuple[float, float]] = {
    **dict.fromkeys((np.log, np.log2, np.log10), (0.0, np.inf)),
    **dict.fromkeys((np.log1p, scipy.special.log1p), (-1.0, np.inf)),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctanh), (-1.0, 1.0)),
    np.arccosh: (1.0, np.inf),
    scipy.special.logit: (0.0, 1.0),
}
"""Where a function of one number is defined; it is NaN elsewhere."""

RANGES: dict[Any, tuple[float, float]] = {
    **dict.fromkeys((np.exp, np.exp2, scipy.special.exp2, np.hypot), (0.0, np.inf)),
    **dict.fromkeys((np.expm1, scipy.special.expm1), (-1.0, np.inf)),
    **dict.fromkeys((scipy.special.expit, scipy.special.ndtr), (0.0, 1.0)),
    **dict.fromkeys((np.sin, np.cos, np.tanh, scipy.special.erf), (-1.0, 1.0)),
    scipy.special.erfc: (0.0, 2.0),
    scipy.special.log_expit: (-np.inf, 0.0),
    np.cosh: (1.0, np.inf),
}
"""What no library's answer goes beyond."""

EVEN: frozenset[Any] = frozenset({np.cosh, np.hypot})
"""Functions that fall before 0 and rise behind it, in each of their arguments."""

WAVES: frozenset[Any] = frozenset({np.sin, np.cos})
"""Functions that change by no more than their argument does."""


def logsumexp(x: Any) -> Any:
    """The logarithm of the sum of exponentials over the last axis, ``[N, k]`` → ``[N, 1]``."""
    return scipy.special.logsumexp(x, axis=-1, keepdims=True)


ELEMENTARY = MONOTONE | EVEN | WAVES | {np.tan, np.arctan2}
"""All functions whose bounds are known."""


def elementary(function: Function, operands: Sequence[Interval], *, single: bool = False) -> Interval:
    """Bounds of ``function(*operands)`` over all libraries.

    Parameters
    ----------
    single : whether the function is computed in float32.
    """
    wide = [_double(v) for v in operands]
    if function is logsumexp:
        return _summed(wide[0], float(np.finfo(np.float32).eps) if single else EPS)
    shape = np.broadcast_shapes(*(v.lo.shape for v in wide))
    wide = [v.wide(shape) for v in wide]
    none = np.logical_or.reduce([v.none for v in wide])
    nan = np.logical_or.reduce([v.nan & ~v.none for v in wide])
    low, high = DOMAINS.get(function, (-np.inf, np.inf))
    outside = none & False
    if function in DOMAINS:
        outside = ~none & ((wide[0].lo < low) | (wide[0].hi > high))
        none = none | ~none & ((wide[0].hi < low) | (wide[0].lo > high))
        wide = [replace(wide[0], lo=np.clip(wide[0].lo, low, high), hi=np.clip(wide[0].hi, low, high))]
    lo, hi, unsure = _extremes(function, wide)
    eps = float(np.finfo(np.float32).eps) if single else EPS
    smallest = _SMALLEST_SINGLE if single else _SMALLEST
    ulps = LOOSE.get(function, ULPS)
    points = np.logical_and.reduce([v.lo == v.hi for v in wide])
    sure = points & _certain(function, [v.lo for v in wide], lo)
    with np.errstate(invalid="ignore", over="ignore"):
        room = [
            np.where(sure | ~np.isfinite(end), 0.0, ulps * eps * np.abs(end) + smallest) for end in (lo, hi)
        ]
        least, most = RANGES.get(function, (-np.inf, np.inf))
        lo, hi = np.maximum(lo - room[0], least), np.minimum(hi + room[1], most)
    # A point in which every library answers NaN.
    never = none | (points & unsure)
    found = made(np.where(unsure, -np.inf, lo), np.where(unsure, np.inf, hi), nan | unsure | never | outside)
    ends = np.where(never, np.inf, found.lo), np.where(never, -np.inf, found.hi)
    found = Interval(*ends, found.nan, np.where(sure & _whole(lo), 1.0, 0.0), np.zeros(shape, bool))
    return to_single(found) if single else found


def _summed(x: Interval, eps: float) -> Interval:
    """:data:`logsumexp` rises with every entry; it is off by some ulps of itself and of the largest entry."""
    none, nan = x.none.any(-1, keepdims=True), (x.nan & ~x.none).any(-1, keepdims=True)
    with np.errstate(all="ignore"):
        ends = [np.asarray(logsumexp(end)) for end in (x.lo, x.hi)]
        tops = [np.abs(end.max(-1, keepdims=True)) for end in (x.lo, x.hi)]
        room = [
            np.where(
                np.isfinite(end),
                ULPS * eps * (np.abs(end) + np.where(np.isfinite(top), top, 0.0) + x.lo.shape[-1]),
                0.0,
            )
            for end, top in zip(ends, tops, strict=True)
        ]
        lo, hi = ends[0] - room[0], ends[1] + room[1]
    found = made(lo, hi, nan | none, 0.0, False)
    return Interval(
        np.where(none, np.inf, found.lo),
        np.where(none, -np.inf, found.hi),
        found.nan,
        found.grain,
        found.single,
    )


def _extremes(function: Function, operands: Sequence[Interval]) -> tuple[Array, Array, Array]:
    """The least and the largest value, as numpy or scipy compute it, and where that is not known."""
    with np.errstate(all="ignore"):
        corners = [
            np.asarray(function(*corner), np.float64) for corner in product(*((v.lo, v.hi) for v in operands))
        ]
        if function in WAVES:
            width = operands[0].hi - operands[0].lo
            return (
                np.maximum(corners[0] - width, -1.0),
                np.minimum(corners[0] + width, 1.0),
                np.isnan(corners[0]) | np.isnan(width),
            )
        least, most = np.minimum.reduce(corners), np.maximum.reduce(corners)
        unsure = np.isnan(least) | np.isnan(most)
        across = [(v.lo < 0) & (v.hi > 0) for v in operands]
        if function in EVEN:
            nearest = [
                np.where(a, 0.0, np.minimum(np.abs(v.lo), np.abs(v.hi)))
                for a, v in zip(across, operands, strict=True)
            ]
            least = np.asarray(function(*nearest), np.float64)
        elif function is np.tan:
            unsure |= np.floor(operands[0].lo / np.pi + 0.5) != np.floor(operands[0].hi / np.pi + 0.5)
        elif function is np.arctan2:
            # Behind the origin the angle jumps by a whole turn.
            jumps = (
                (operands[0].lo <= 0)
                & (operands[0].hi >= 0)
                & (operands[1].lo <= 0)
                & (operands[0].lo != operands[0].hi)
            )
            least, most = np.where(jumps, -np.pi, least), np.where(jumps, np.pi, most)
        elif function in (np.power, np.float_power):
            unsure |= across[0] & ~((operands[1].lo == operands[1].hi) & (operands[1].lo > 0))
            least = np.where(across[0], np.minimum(least, 0.0), least)
    return least, most, unsure


def _certain(function: Function, values: Sequence[Array], answer: Array) -> Array:
    """Where each argument is 0 or 1 and the answer whole, or a power is the number itself."""
    simple = np.logical_and.reduce([(v == 0) | (np.abs(v) == 1) for v in values])
    sure = simple & _whole(answer)
    if function in (np.power, np.float_power):
        sure |= (values[1] == 1) | (values[1] == 0)
    return np.asarray(sure)


def _whole(value: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isinf(value) | (np.rint(value) == value) & (np.abs(value) < 2.0**53))


def _double(value: Interval) -> Interval:
    if not value.is_int:
        return value
    return made(value.lo.astype(np.float64), value.hi.astype(np.float64), False, 1.0)
