"""Operators that act on each element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.special

from kernel_probes.probe import ALL, FLOATS, NUMBERS, TYPES, Probe, grid, truncated, values

Function = Callable[..., Any]


def _unary(op: str, f: Function, kinds: Sequence[str], ulps: float = 0.0, **more: Any) -> Iterator[Probe]:
    for kind in kinds:
        x = values(kind)
        none = ([x[:0]], [np.asarray(f(x[:0]))])
        yield Probe(op, [x], [np.asarray(f(x))], ulps=ulps, key=kind, empty=none, **more)


def _binary(op: str, f: Function, kinds: Sequence[str], ulps: float = 0.0, **more: Any) -> Iterator[Probe]:
    for kind in kinds:
        x = values(kind)
        y = np.roll(x, 3)
        if op in ("Div", "Mod") and kind not in FLOATS:  # 0 and -1 may end the process
            y = np.where(np.isin(y, (0, -1)), np.asarray(5, dtype=y.dtype), y)
        column, row = x[:, None], y[None, :20]
        none = ([column[:0], row], [np.asarray(f(column[:0], row))])
        yield Probe(op, [column, row], [np.asarray(f(column, row))], ulps=ulps, key=kind, empty=none, **more)


_ROUNDED = {
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.rint,
    "Sqrt": np.sqrt,
    "Reciprocal": np.reciprocal,
}
_TRANSCENDENTAL: dict[str, Function] = {
    "Exp": np.exp,
    "Log": np.log,
    "Sin": np.sin,
    "Cos": np.cos,
    "Tan": np.tan,
    "Asin": np.arcsin,
    "Acos": np.arccos,
    "Atan": np.arctan,
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Asinh": np.arcsinh,
    "Acosh": np.arccosh,
    "Atanh": np.arctanh,
    "Tanh": np.tanh,
    "Erf": scipy.special.erf,
    "Sigmoid": scipy.special.expit,
    "Softplus": lambda x: np.logaddexp(x.dtype.type(0), x),
}
_NOTES = {
    ("Sin", "double"): "thousands of ulps near multiples of pi, 3 ulps within pi/4",
    ("Sigmoid", "float"): "0 or 1 where the answer is within 1e-8 of it",
}
_COMPARISONS = {
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
}
_LOGIC = {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}
_BITS = {"BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor}


def probes() -> Iterator[Probe]:
    """Unary, binary and the few of more inputs."""
    yield from _unary("Abs", np.abs, NUMBERS)
    yield from _unary("Neg", np.negative, NUMBERS)
    yield from _unary("Sign", np.sign, NUMBERS)
    yield from _unary("IsNaN", np.isnan, FLOATS)
    yield from _unary("IsInf", np.isinf, FLOATS)
    yield from _unary("Not", np.logical_not, ("bool",))
    yield from _unary("Relu", lambda x: np.maximum(x, 0).astype(x.dtype), FLOATS)
    for op, f in _ROUNDED.items():
        yield from _unary(op, f, FLOATS)
    for op, f in _TRANSCENDENTAL.items():
        for kind in FLOATS:
            yield from _unary(op, f, [kind], 64, note=_NOTES.get((op, kind), ""))
    yield from _binary("Add", np.add, NUMBERS)
    yield from _binary("Sub", np.subtract, NUMBERS)
    yield from _binary("Mul", np.multiply, NUMBERS)
    yield from _binary("Div", np.divide, FLOATS)
    yield from _binary("Div", truncated, ("int64", "int32"))
    yield from _binary("Mod", np.remainder, ("int64", "int32"))
    yield from _binary("Mod", np.fmod, FLOATS, attributes={"fmod": 1})
    yield from _binary("Pow", np.power, FLOATS, 4)
    yield from _integer_powers()
    yield from _binary("Max", np.maximum, NUMBERS)
    yield from _binary("Min", np.minimum, NUMBERS)
    yield from _binary("Equal", np.equal, ALL)
    for op, f in _COMPARISONS.items():
        yield from _binary(op, f, NUMBERS)
    yield from _binary("Less", np.less, ("string",))
    for op, f in _LOGIC.items():
        yield from _binary(op, f, ("bool",))
    for op, f in _BITS.items():
        yield from _binary(op, f, ("int64", "int32"))
    yield from _chosen()
    yield from _softmaxes()


def _integer_powers() -> Iterator[Probe]:
    for kind, top in (("int64", 20), ("int32", 10)):
        dtype = TYPES[kind][1]
        base, power = np.arange(-9, 10).astype(dtype)[:, None], np.arange(top).astype(dtype)
        yield Probe("Pow", [base, power], [np.power(base, power)], key=kind)


def _chosen() -> Iterator[Probe]:
    for kind in (*ALL, "uint8"):
        x, y = grid(kind), grid(kind)[::-1].copy()
        chosen = np.arange(len(x))[:, None] % 2 == 0
        none = ([chosen[:0], x[:0], y[:0]], [x[:0]])
        yield Probe("Where", [chosen, x, y], [np.where(chosen, x, y)], key=kind, empty=none)
    for kind in NUMBERS:
        x, dtype = values(kind), TYPES[kind][1]
        low, high = np.asarray(-3, dtype=dtype), np.asarray(40 if kind == "float" else 2**24 + 1, dtype=dtype)
        yield Probe(
            "Clip", [x, low, high], [np.clip(x, low, high)], key=kind, empty=([x[:0], low, high], [x[:0]])
        )


def _softmaxes() -> Iterator[Probe]:
    for kind in FLOATS:
        x = np.random.default_rng(1).normal(size=(50, 5)).astype(TYPES[kind][1]) * 20
        none = ([x[:0]], [x[:0]])
        soft, logarithm = scipy.special.softmax(x, axis=1), scipy.special.log_softmax(x, axis=1)
        yield Probe("Softmax", [x], [soft], ulps=24, key=kind, empty=none)
        yield Probe("LogSoftmax", [x], [logarithm], ulps=64, scale=1.0, key=kind, empty=none)
        yield Probe("Sum", [x, x, x], [x + x + x], key=kind)
        yield Probe("Mean", [x, x], [(x + x) / 2], key=kind)
