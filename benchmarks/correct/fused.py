"""``a * b + c`` rounded once, of float64 and float32 arrays, without the processor's instruction.

The product is split into two numbers without error (Dekker 1971), the sum likewise (Knuth), and what is left
over is rounded to odd, so that the last rounding is the only one: Boldo and Melquiond, "Emulation of a FMA
and correctly rounded sums", IEEE Transactions on Computers 57 (2008).
"""

from __future__ import annotations

import numpy as np

SPLIT = 2.0**27 + 1.0
"""Splits 53 bits into 26 and 27 (Veltkamp)."""

LARGEST = 2.0**990
"""Numbers and products beyond cannot be split without overflow; below its inverse, not without loss."""


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``a + b`` rounded, and the error of that."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``a * b`` rounded, and the error of that."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _split(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high


def sum_to_odd(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a + b``; where it is inexact, that neighbour of the exact sum whose last bit is 1."""
    total, error = two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    return np.where((error != 0) & even, np.nextafter(total, np.copysign(np.inf, error)), total)


def fused_multiply_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """``a * b + c`` rounded once to the type of the operands; arrays that broadcast.

    Where ``a * b`` leaves the range of 2**-900 to 2**990 it is rounded twice.
    """
    kind = np.result_type(a, b, c)
    a, b, c = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (a, b, c)))
    with np.errstate(all="ignore"):
        if kind == np.float32:
            # The product of two float32 is a float64.
            return sum_to_odd(a * b, c).astype(np.float32)
        high, low = two_product(a, b)
        first, first_low = two_sum(c, low)
        second, second_low = two_sum(high, first)
        fused = second + sum_to_odd(first_low, second_low)
        sizes = np.abs(np.stack([a, b, high]))
        apt = (sizes.max(axis=0) < LARGEST) & (np.abs(high) > 1 / LARGEST) & (np.abs(c) < LARGEST)
        return np.asarray(np.where(apt, fused, a * b + c), dtype=kind)
