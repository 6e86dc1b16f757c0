"""The values of a raw column in their order, one whole number for each: neighbours are one apart."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

Order = Literal["double", "single", "whole"]
"""Doubles; doubles that are float32 values; whole numbers, as float64 or int64."""


def keys(values: npt.NDArray[Any], order: Order) -> Ints:
    """The place of each value: int64, as ordered as the values; NaN has none that means anything.

    IEEE 754 numbers of one sign are ordered as their bit patterns read as integers; those of negative
    numbers run the other way.
    """
    if order == "whole":
        return values.astype(np.int64)
    if order == "single":
        bits = np.ascontiguousarray(values, np.float32).view(np.int32).astype(np.int64)
        return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    bits = np.ascontiguousarray(values, np.float64).view(np.int64)
    return np.where(bits < 0, -(bits & np.int64(0x7FFFFFFFFFFFFFFF)), bits)


def values(places: Ints, order: Order, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values at these places; the inverse of :func:`keys`."""
    if order == "whole":
        return places.astype(dtype)
    magnitude = np.abs(places)
    if order == "single":
        found: npt.NDArray[Any] = magnitude.astype(np.int32).view(np.float32)
    else:
        found = np.ascontiguousarray(magnitude).view(np.float64)
    return np.where(places < 0, -found, found).astype(dtype)


def middle(low: Ints, high: Ints) -> Ints:
    """Half way, rounded down, without overflow."""
    return np.asarray((low & high) + ((low ^ high) >> 1), dtype=np.int64)


def adjacent(low: Ints, high: Ints) -> npt.NDArray[np.bool_]:
    """Whether nothing lies between; exact also where the difference overflows int64."""
    low, high = np.minimum(low, high), np.maximum(low, high)
    return np.asarray((high == low) | (high == low + 1), dtype=np.bool_)
