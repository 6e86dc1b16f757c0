"""Arithmetic and comparison of datetime64 and timedelta64 arrays, as int64 ticks in the graph.

Units are converted without loss; where a conversion or a sum could leave int64, the rows on which it does are
outside of the domain, because pandas raises there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import datetimes
from onnxtwin.exporters.array import Array, elementwise
from onnxtwin.exporters.datetimes import TICKS, Unit
from onnxtwin.exporters.domain import require_true
from onnxtwin.exporters.signature import NAT
from onnxtwin.exporters.trace import require_trace

_COMPARISONS: dict[np.ufunc, str] = {
    np.equal: "equal", np.not_equal: "not_equal", np.less: "less", np.less_equal: "less_equal",
    np.greater: "greater", np.greater_equal: "greater_equal",
}  # fmt: skip
_PYTHON: dict[str, Callable[[int, int], bool]] = {
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
}  # fmt: skip
_LIMIT = 2**63 - 1


def unit_of(dtype: np.dtype) -> Unit:
    """The unit of a datetime64 or timedelta64 dtype.

    Raises
    ------
    UnsupportedError
        For units other than s, ms, us and ns.
    """
    unit, count = np.datetime_data(dtype)
    if unit not in TICKS or count != 1:
        raise require_trace().unsupported(f"computes in {dtype}", "use the units s, ms, us or ns")
    return unit


def apply(ufunc: np.ufunc, arrays: list[Array], real: Any) -> Array:
    """``ufunc(*arrays)`` where at least one array holds times; ``real`` is the sample's own answer.

    Raises
    ------
    UnsupportedError
        For a ufunc or a pair of types that has no exact form in int64.
    """
    answer = np.asarray(real)
    kinds = "".join(a.dtype.kind if a.dtype.kind in "mM" else "n" for a in arrays)
    name = ufunc.__name__
    if ufunc is np.isnat:
        return elementwise(name, answer, datetimes.is_missing, arrays, [None])
    if ufunc in _COMPARISONS and kinds in ("MM", "mm"):
        return _compare(_COMPARISONS[ufunc], arrays, answer)
    if (
        ufunc is np.subtract
        and kinds in ("MM", "Mm", "mm")
        or ufunc is np.add
        and kinds in ("Mm", "mM", "mm")
    ):
        return _sum(ufunc, arrays, answer)
    if ufunc in (np.negative, np.absolute) and kinds == "m":
        build = op.neg if ufunc is np.negative else op.abs
        return elementwise(name, answer, lambda x: _keeping(x, build), arrays, [None])
    if ufunc is np.positive:
        return arrays[0]
    if ufunc is np.divide and kinds == "mm":
        return _ratio(arrays, answer)
    if ufunc is np.floor_divide and kinds == "mm":
        return _whole_ratio(arrays, answer)
    if ufunc is np.multiply and kinds in ("mn", "nm") and all(a.dtype.kind in "miub" for a in arrays):
        return _product(arrays, answer)
    if ufunc in (np.maximum, np.minimum, np.fmax, np.fmin) and kinds in ("MM", "mm"):
        return _extreme(ufunc, arrays, answer)
    raise require_trace().unsupported(
        f"numpy.{name} of {' and '.join(str(a.dtype) for a in arrays)}",
        "use differences, comparisons, .dt and .dt.total_seconds()",
    )


def _keeping(x: Var, build: Callable[[Var], Var]) -> Var:
    return op.where(datetimes.is_missing(x), datetimes.const(NAT), build(x))


def to_unit(array: Array, real: np.ndarray) -> Array:
    """``array.astype(...)`` between units; ``real`` is the answer in the new one."""
    return _in_unit(array, unit_of(real.dtype), real)


def in_unit_of(array: Array, dtype: np.dtype) -> Array:
    """``array`` in the unit of ``dtype``; rows that it cannot hold are outside of the domain."""
    return _in_unit(array, unit_of(dtype))


def _in_unit(array: Array, unit: Unit, real: np.ndarray | None = None) -> Array:
    """An array in another unit; rows that a finer unit cannot hold are outside of the domain."""
    dtype = np.dtype(f"{array.dtype.kind}8[{unit}]")
    if array.is_constant:
        return Array(_constant_in(array.value, dtype))
    have = unit_of(array.dtype)
    if have == unit:
        return array
    values = array.value.astype(dtype) if real is None else real
    if TICKS[unit] > TICKS[have]:
        good = elementwise(
            "fits", np.ones(array.shape, bool), lambda x: datetimes.fits(x, have, unit), [array], [None]
        )
        require_true(good, f"a time cannot be told in {unit}")
    return elementwise(f"as_unit {unit}", values, lambda x: datetimes.as_unit(x, have, unit), [array], [None])


def _constant_in(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    converted = values.astype(dtype)
    if not np.array_equal(converted.astype(values.dtype), values, equal_nan=True):
        raise require_trace().unsupported(
            f"a constant time cannot be told exactly in {dtype}", "round it to the column's unit"
        )
    return converted


def _sum(ufunc: np.ufunc, arrays: list[Array], real: np.ndarray) -> Array:
    unit = unit_of(real.dtype)
    left, right = (_in_unit(a, unit) for a in arrays)
    subtract = ufunc is np.subtract
    made = elementwise(
        ufunc.__name__, real, datetimes.subtract if subtract else datetimes.add, [left, right], [None, None]
    )

    def inside(a: Var, b: Var, total: Var) -> Var:
        missing = op.or_(datetimes.is_missing(a), datetimes.is_missing(b))
        zero = datetimes.const(0)
        signs = [op.less(v, zero) for v in (a, b, total)]
        second = op.not_(signs[1]) if subtract else signs[1]
        turned = op.and_(op.not_(op.xor(signs[0], second)), op.xor(signs[0], signs[2]))
        return op.or_(missing, op.not_(op.or_(turned, datetimes.is_missing(total))))

    if not made.is_constant:
        good = elementwise(
            "no overflow", np.ones(made.shape, bool), inside, [left, right, made], [None, None, None]
        )
        require_true(good, f"a {'difference' if subtract else 'sum'} of times leaves int64 here")
    return made


def _compare(how: str, arrays: list[Array], real: np.ndarray) -> Array:
    left, right = arrays
    if left.is_constant and not right.is_constant:
        turned = {
            "less": "greater",
            "less_equal": "greater_equal",
            "greater": "less",
            "greater_equal": "less_equal",
        }
        return _compare(turned.get(how, how), [right, left], real)
    if right.is_constant and right.ndim == 0 and not left.is_constant:
        return _against(how, left, right.value, real)
    units = sorted((unit_of(a.dtype) for a in arrays if not a.is_constant), key=lambda u: TICKS[u])
    unit = units[-1] if units else "ns"
    sides = [_in_unit(a, unit) for a in arrays]
    return elementwise(how, real, lambda a, b: datetimes.compare(a, b, how), sides, [None, None])


def _against(how: str, column: Array, value: np.ndarray, real: np.ndarray) -> Array:
    """A column against one constant, which may be finer than the column's unit or beyond its range."""
    if np.isnat(value):
        return Array(np.full(column.shape, how == "not_equal"))
    have = TICKS[unit_of(column.dtype)]
    source, count = np.datetime_data(value.dtype)
    seconds = {"W": 604_800, "D": 86_400, "h": 3600, "m": 60}.get(source)
    ticks = int(value.astype(np.int64)) * count
    if seconds is not None:
        wanted, rest = ticks * seconds * have, 0
    else:
        wanted, rest = divmod(ticks * have, TICKS[cast(Unit, source)])
    if rest:
        if how in ("equal", "not_equal"):
            return _known(column, how == "not_equal", real)
        # x is whole: below c means at most its floor, above c means more than its floor.
        how = {
            "less": "less_equal",
            "less_equal": "less_equal",
            "greater": "greater",
            "greater_equal": "greater",
        }[how]
    if not -_LIMIT <= wanted <= _LIMIT:
        answer = how == "not_equal" if how not in _PYTHON else _PYTHON[how](0, wanted)
        return _known(column, answer, real)
    limit = np.int64(wanted)
    return elementwise(
        f"{how} constant", real, lambda x: datetimes.compare(x, op.const(limit), how), [column], [None]
    )


def _known(column: Array, answer: bool, real: np.ndarray) -> Array:
    """The same answer for every time; a missing one equals nothing."""

    def build(x: Var) -> Var:
        return op.not_(datetimes.is_missing(x))

    if not answer:
        return Array(np.zeros(column.shape, bool))
    if real.all():
        return Array(np.ones(column.shape, bool))
    return elementwise("known", real, build, [column], [None])


def _as_double(array: Array, unit: Unit) -> Array:
    """Ticks as float64, missing as NaN."""
    ticks = _in_unit(array, unit)
    values = np.where(np.isnat(ticks.value), np.nan, ticks.value.astype(np.int64).astype(np.float64))

    def build(x: Var) -> Var:
        return op.where(datetimes.is_missing(x), op.const(np.nan), op.cast(x, to=np.float64))

    return Array(values) if ticks.is_constant else elementwise("ticks", values, build, [ticks], [None])


def _common(arrays: list[Array]) -> Unit:
    """The finest unit among durations, in which numpy divides; constants in days and hours are seconds."""
    found = [np.datetime_data(a.dtype)[0] for a in arrays]
    units: list[Unit] = [u if u in TICKS else "s" for u in found]
    return max(units, key=lambda u: TICKS[u])


def _ratio(arrays: list[Array], real: np.ndarray) -> Array:
    """Duration by duration: both as float64, as numpy divides them."""
    unit = _common(arrays)
    dividend, divisor = (_as_double(a, unit) for a in arrays)
    return cast(Array, np.divide(dividend, divisor))


def _whole_ratio(arrays: list[Array], real: np.ndarray) -> Array:
    """Duration // duration: int64, or with a missing one float64."""
    unit = _common(arrays)
    left, right = (_in_unit(a, unit) for a in arrays)
    if not right.is_constant or not np.all(right.value.astype(np.int64) > 0):
        raise require_trace().unsupported(
            "durations // a duration that is computed or not positive", "divide with / and use np.floor"
        )
    step = int(right.value.astype(np.int64))

    def build(x: Var) -> Var:
        whole = datetimes.floor_div(op.where(datetimes.is_missing(x), datetimes.const(0), x), step)
        if real.dtype.kind != "f":
            return whole
        return op.where(datetimes.is_missing(x), op.const(np.nan), op.cast(whole, to=np.float64))

    return elementwise("whole ratio", real, build, [left], [None])


def _product(arrays: list[Array], real: np.ndarray) -> Array:
    """Duration times whole number; numpy wraps around and pandas raises where it leaves int64."""
    duration, factor = arrays if arrays[0].dtype.kind == "m" else arrays[::-1]
    duration = _in_unit(duration, unit_of(real.dtype))

    def build(x: Var, n: Var) -> Var:
        return op.where(datetimes.is_missing(x), datetimes.const(NAT), op.mul(x, n))

    def inside(x: Var, n: Var) -> Var:
        product = op.mul(op.cast(x, to=np.float64), op.cast(n, to=np.float64))
        return op.or_(datetimes.is_missing(x), op.less(op.abs(product), op.const(2.0**62)))

    int64 = np.dtype(np.int64)
    made = elementwise("duration times", real, build, [duration, factor], [None, int64])
    if not made.is_constant:
        good = elementwise(
            "no overflow", np.ones(made.shape, bool), inside, [duration, factor], [None, int64]
        )
        require_true(good, "a multiple of a duration leaves int64 here")
    return made


def _extreme(ufunc: np.ufunc, arrays: list[Array], real: np.ndarray) -> Array:
    """NaT is the smallest int64: it wins in maximum and minimum, and loses in fmax and fmin."""
    left, right = (_in_unit(a, unit_of(real.dtype)) for a in arrays)
    larger = ufunc in (np.maximum, np.fmax)

    def build(a: Var, b: Var) -> Var:
        chosen = op.where(op.greater(a, b) if larger else op.less(a, b), a, b)
        if ufunc in (np.maximum, np.minimum):
            return op.where(
                op.or_(datetimes.is_missing(a), datetimes.is_missing(b)), datetimes.const(NAT), chosen
            )
        return op.where(datetimes.is_missing(a), b, op.where(datetimes.is_missing(b), a, chosen))

    return elementwise(ufunc.__name__, real, build, [left, right], [None, None])
