"""numpy's and scipy.special's universal functions on traced arrays.

numpy resolves the loop (so promotion is numpy's own) and computes the value; a table says which graph
operators do the same in that loop's types.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import scipy.special
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import arithmetic, special
from onnxtwin.exporters.analysis.elementary import ELEMENTARY
from onnxtwin.exporters.array import Array, concrete, constant, elementwise, is_traced, to_bool
from onnxtwin.exporters.numpy.masked import masked_operand
from onnxtwin.exporters.tensor import STRING, cast, element_type
from onnxtwin.exporters.trace import require_trace

Build = Callable[..., Var]
BOOL = np.dtype(bool)
INT64 = np.dtype(np.int64)


def _const(value: Any, like: Var) -> Var:
    return op.const(np.asarray(value, dtype=element_type(like)))


def _is_bool(var: Var) -> bool:
    return element_type(var) == BOOL


def _is_float(var: Var) -> bool:
    return element_type(var).kind == "f"


def _by_kind(boolean: Build | None, integer: Build, floating: Build) -> Build:
    """One ufunc, three loops: bool, integer, float."""

    def build(*args: Var) -> Var:
        kind = element_type(args[0]).kind
        if kind == "b" and boolean is not None:
            return boolean(*args)
        return (floating if kind == "f" else integer)(*args)

    return build


def _logical(operator: Build) -> Build:
    return lambda *args: operator(*(to_bool(a) for a in args))


def _not_equal(a: Var, b: Var) -> Var:
    return op.not_(op.equal(a, b))


def _max(a: Var, b: Var) -> Var:
    return op.max([a, b])


def _min(a: Var, b: Var) -> Var:
    return op.min([a, b])


def _in_double(function: Build) -> Build:
    """float32 loops computed in double and rounded once: at least as exact as numpy's float32 loop."""

    def build(*args: Var) -> Var:
        kind = element_type(args[0])
        if kind == np.float64:
            return function(*args)
        return cast(function(*(op.cast(a, to=np.float64) for a in args)), kind)

    return build


def _isnan(a: Var) -> Var:
    return op.isnan(a) if _is_float(a) else _not_equal(a, a)


def _isinf(a: Var) -> Var:
    return op.isinf(a) if _is_float(a) else _not_equal(a, a)


def _isfinite(a: Var) -> Var:
    # x - x is 0 for finite x and NaN for infinities and NaN.
    return op.equal(op.sub(a, a), _const(0, a)) if _is_float(a) else op.equal(a, a)


def _square(a: Var) -> Var:
    return op.mul(a, a)


def _heaviside(a: Var, at_zero: Var) -> Var:
    zero, one = _const(0, a), _const(1, a)
    step = op.where(op.greater(a, zero), one, op.where(op.equal(a, zero), at_zero, zero))
    return op.where(op.isnan(a), a, step)


def _xlogy(a: Var, b: Var) -> Var:
    zero = _const(0, a)
    return op.where(op.and_(op.equal(a, zero), op.not_(op.isnan(b))), zero, op.mul(a, op.log(b)))


def _xlog1py(a: Var, b: Var) -> Var:
    zero = _const(0, a)
    return op.where(op.and_(op.equal(a, zero), op.not_(op.isnan(b))), zero, op.mul(a, special.log1p(b)))


def _scaled(factor: float) -> Build:
    return lambda a: op.mul(a, _const(factor, a))


_ELEMENTWISE: dict[np.ufunc, Build] = {
    np.add: _by_kind(op.or_, op.add, op.add),
    np.subtract: op.sub,
    np.multiply: _by_kind(op.and_, op.mul, op.mul),
    np.divide: op.div,
    np.floor_divide: arithmetic.floor_divide,
    np.remainder: arithmetic.remainder,
    np.fmod: arithmetic.fmod,
    np.negative: op.neg,
    np.positive: op.identity,
    np.absolute: _by_kind(op.identity, op.abs, op.abs),
    np.fabs: op.abs,
    np.power: _in_double(op.pow),
    np.float_power: op.pow,
    np.square: _square,
    np.reciprocal: op.reciprocal,
    np.sqrt: op.sqrt,
    np.cbrt: _in_double(special.cbrt),
    np.exp: op.exp,
    np.exp2: _in_double(special.exp2),
    np.expm1: _in_double(special.expm1),
    np.log: op.log,
    np.log2: _in_double(special.log2),
    np.log10: _in_double(special.log10),
    np.log1p: _in_double(special.log1p),
    np.logaddexp: _in_double(special.logaddexp),
    np.sin: _in_double(special.sin),
    np.cos: _in_double(special.cos),
    np.tan: _in_double(special.tan),
    np.arcsin: _in_double(special.arcsin),
    np.arccos: _in_double(special.arccos),
    np.arctan: _in_double(special.arctan),
    np.arctan2: _in_double(special.arctan2),
    np.sinh: _in_double(special.sinh),
    np.cosh: _in_double(special.cosh),
    np.tanh: _in_double(special.tanh),
    np.arcsinh: _in_double(special.arcsinh),
    np.arccosh: _in_double(special.arccosh),
    np.arctanh: _in_double(special.arctanh),
    np.hypot: _in_double(special.hypot),
    np.deg2rad: _scaled(np.pi / 180),
    np.radians: _scaled(np.pi / 180),
    np.rad2deg: _scaled(180 / np.pi),
    np.degrees: _scaled(180 / np.pi),
    np.floor: _by_kind(None, op.identity, op.floor),
    np.ceil: _by_kind(None, op.identity, op.ceil),
    np.trunc: _by_kind(None, op.identity, special.trunc),
    np.rint: op.round,
    np.sign: arithmetic.sign,
    np.heaviside: _heaviside,
    np.maximum: _by_kind(op.or_, _max, _max),
    np.minimum: _by_kind(op.and_, _min, _min),
    np.fmax: _by_kind(op.or_, _max, _in_double(special.fmax)),
    np.fmin: _by_kind(op.and_, _min, _in_double(special.fmin)),
    np.equal: op.equal,
    np.not_equal: _not_equal,
    np.less: op.less,
    np.less_equal: op.less_or_equal,
    np.greater: op.greater,
    np.greater_equal: op.greater_or_equal,
    np.logical_and: _logical(op.and_),
    np.logical_or: _logical(op.or_),
    np.logical_xor: _logical(op.xor),
    np.logical_not: _logical(op.not_),
    np.bitwise_and: _by_kind(op.and_, op.bitwise_and, op.bitwise_and),
    np.bitwise_or: _by_kind(op.or_, op.bitwise_or, op.bitwise_or),
    np.bitwise_xor: _by_kind(op.xor, op.bitwise_xor, op.bitwise_xor),
    np.invert: _by_kind(op.not_, op.bitwise_not, op.bitwise_not),
    np.isnan: _isnan,
    np.isinf: _isinf,
    np.isfinite: _isfinite,
    np.signbit: _in_double(special.signbit),
    np.copysign: _in_double(special.copysign),
    scipy.special.expit: _in_double(special.expit),
    scipy.special.logit: _in_double(special.logit),
    scipy.special.log_expit: _in_double(special.log_expit),
    scipy.special.erf: _in_double(special.erf),
    scipy.special.erfc: _in_double(special.erfc),
    scipy.special.ndtr: _in_double(special.ndtr),
    scipy.special.xlogy: _xlogy,
    scipy.special.xlog1py: _xlog1py,
    scipy.special.expm1: _in_double(special.expm1),
    scipy.special.log1p: _in_double(special.log1p),
    scipy.special.exp2: _in_double(special.exp2),
    scipy.special.cbrt: _in_double(special.cbrt),
    np.matmul: arithmetic.matmul,
}

_COMPOSED: dict[np.ufunc, Callable[..., Any]] = {}


def composed(ufunc: np.ufunc) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register numpy code, over traced arrays, as what ``ufunc`` does."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _COMPOSED[ufunc] = function
        return function

    return register


with np.errstate(invalid="ignore"):
    _ROOTS = bool(np.isnan(np.power(np.array([-np.inf]), 0.5))[0])
"""Whether ``numpy.power(x, 0.5)`` is ``sqrt(x)`` (2.3 and newer), which differs for -inf and -0.0."""


def _takes_root(ufunc: np.ufunc, arrays: list[Array]) -> bool:
    if ufunc is not np.power or not _ROOTS:
        return False
    base, exponent = arrays
    return (
        base.dtype.kind == "f"
        and exponent.is_constant
        and exponent.size == 1
        and bool(np.all(exponent.value == 0.5))
    )


_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``Array.__array_ufunc__`` answers."""
    if any(is_traced(x) and type(x) is not Array for x in inputs):
        return NotImplemented
    trace = require_trace()
    if method == "reduce" and ufunc in _REDUCTIONS:
        kwargs.setdefault("axis", 0)
        return _REDUCTIONS[ufunc](
            inputs[0], **{k: v for k, v in kwargs.items() if v is not None or k == "axis"}
        )
    if method == "accumulate" and ufunc is np.add:
        return np.cumsum(inputs[0], **kwargs)
    if method == "outer":
        a, b = constant(inputs[0]), constant(inputs[1])
        return ufunc(np.reshape(a, a.shape + (1,) * b.ndim), b, **kwargs)
    if method != "__call__":
        raise trace.unsupported(f"numpy.{ufunc.__name__}.{method} is not supported", "use the plain function")
    if ufunc not in _ELEMENTWISE and ufunc not in _COMPOSED and ufunc is not np.isnat:
        raise trace.unsupported(
            f"{ufunc.__name__} has no graph for it",
            "register an exporter for the function that calls it with @onnxtwin.exports",
        )
    out = kwargs.pop("out", None)
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    casting = kwargs.pop("casting", "same_kind")
    kwargs.pop("order", None), kwargs.pop("subok", None)
    if kwargs:
        raise trace.unsupported(
            f"numpy.{ufunc.__name__} with {sorted(kwargs)} is not supported", "call it without them"
        )
    result = call(ufunc, inputs, dtype)
    if out is None:
        if where is not True:
            raise trace.unsupported(
                f"numpy.{ufunc.__name__} with where= and no out= leaves values undefined", "pass out="
            )
        return result
    target = out[0]
    if type(target) is Array and target._is_scalar:
        raise TypeError("return arrays must be of ArrayType")
    if not np.can_cast(concrete(result).dtype, concrete(target).dtype, casting):
        raise TypeError(f"Cannot cast ufunc {ufunc.__name__!r} output")
    if type(target) is not Array:
        raise trace.unsupported(
            "writes computed values into an array made outside of the trace",
            "make the array inside the method",
        )
    target[...] = result if where is True else np.where(where, result, target)
    return target


def call(ufunc: np.ufunc, inputs: tuple[Any, ...], dtype: Any = None) -> Any:
    """``ufunc(*inputs)`` in the loop that numpy chooses (or ``dtype``, as numpy's own argument).

    Returns
    -------
    Array, or Masked where an operand stands for rows chosen by a mask.
    """
    trace = require_trace()
    with np.errstate(all="ignore"):
        real = ufunc(*(concrete(x) for x in inputs), **({} if dtype is None else {"dtype": dtype}))
    masked = masked_operand(inputs)
    if masked is not None:
        return masked.apply(ufunc, inputs, real)
    arrays = [constant(x) for x in inputs]
    if all(a.is_constant for a in arrays):
        return Array(np.asarray(real))
    if _takes_root(ufunc, arrays):
        return call(np.sqrt, inputs[:1], dtype)
    if ufunc is np.power and np.asarray(real).dtype.kind in "iu":
        exponent = arrays[1]
        if not exponent.is_constant or exponent.size != 1:
            raise trace.unsupported(
                "raises integers to a computed or varying power", "convert the base to float64 first"
            )
        power = int(exponent.value.reshape(-1)[0])
        return compute(f"power {power}", lambda a: arithmetic.int_power(a, power), real, arrays[:1], [INT64])
    if ufunc in _COMPOSED:
        return _COMPOSED[ufunc](*inputs)
    kinds = [a.dtype.kind if a.is_constant else a.tensor.dtype.kind for a in arrays]
    if any(kind in "OUT" for kind in kinds):
        return _on_text(ufunc, arrays, real)
    if any(a.dtype.kind in "mM" for a in arrays):
        return _on_times(ufunc, arrays, real)
    if ufunc is np.matmul:
        loop = [np.result_type(*(a.dtype for a in arrays))] * 2
    else:
        asked = tuple(
            type(x) if type(x) in (int, float) else a.dtype for x, a in zip(inputs, arrays, strict=True)
        )
        if any(a.dtype.kind == "O" for a in arrays):
            asked = tuple(a.dtype if a.is_constant else a.tensor.dtype for a in arrays)
        if dtype is None:
            resolved = ufunc.resolve_dtypes((*asked, None))
        else:
            signature: Any = (*(None for _ in inputs), np.dtype(dtype))
            resolved = ufunc.resolve_dtypes((*asked, None), signature=signature)
        loop = list(resolved[: len(inputs)])
    if np.asarray(real).dtype == np.float32:
        trace.singles.append(trace.place())
    made = compute(ufunc.__name__, _noted(ufunc), real, arrays, loop)
    if ufunc is np.matmul:
        a, b = (np.abs(array.value.astype(np.float64)) for array in arrays)
        with np.errstate(all="ignore"):
            trace.added(a.shape[-1], np.matmul(a, b))
    return made


def _noted(ufunc: np.ufunc) -> Build:
    """The operators of a ufunc; of an elementary function it is noted what they compute."""
    build = _ELEMENTWISE[ufunc]
    if ufunc not in ELEMENTARY:
        return build
    return lambda *args: require_trace().compute(ufunc, build(*args), args)


def compute(what: str, build: Build, real: Any, arrays: list[Array], loop: list[np.dtype]) -> Array:
    """Record ``build`` in the loop's types; small integers are computed in int64, which every kernel has."""
    trace = require_trace()
    for dtype in loop:
        if dtype in (np.dtype(np.uint64), np.dtype(np.float16), np.dtype(np.longdouble)) or dtype.kind in "c":
            raise trace.unsupported(f"computes in {dtype}", "use float64 or int64")
    wide = [INT64 if d.kind in "iu" else d for d in loop]
    target = np.asarray(real).dtype

    def wrapped(*args: Var) -> Var:
        result = build(*args)
        return result if target.kind in "OmM" else cast(result, target)

    return elementwise(what, real, wrapped, arrays, wide)


def _on_text(ufunc: np.ufunc, arrays: list[Array], real: Any) -> Array:
    table: dict[np.ufunc, Build] = {np.equal: op.equal, np.not_equal: _not_equal, np.add: op.string_concat}
    if ufunc in (np.equal, np.not_equal):
        kinds = {
            "U"
            if a.is_constant and a.dtype.kind in "OUT" or not a.is_constant and a.tensor.dtype == STRING
            else "n"
            for a in arrays
        }
        if kinds == {"U", "n"}:
            raise require_trace().unsupported("compares text with numbers", "convert one side first")
    if ufunc not in table:
        raise require_trace().unsupported(
            f"numpy.{ufunc.__name__} on text is not supported", "compare with == or !=, join with +"
        )
    return elementwise(ufunc.__name__, real, table[ufunc], arrays, [STRING] * len(arrays))


def _on_times(ufunc: np.ufunc, arrays: list[Array], real: Any) -> Array:
    from onnxtwin.exporters import times

    return times.apply(ufunc, arrays, real)


def all_of(parts: list[Var]) -> Var:
    """Conjunction of bool graph values."""
    return reduce(op.and_, parts)
