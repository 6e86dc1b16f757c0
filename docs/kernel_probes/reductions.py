"""Operators that reduce an axis, and products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special

from kernel_probes.probe import FLOATS, NUMBERS, TYPES, Probe, ints, truncated

_AXIS = ints(1)
_NEAR = {"double": 2e3, "float": 2e4}
"""Ulps that another order of summation may cost."""


def _matrix(kind: str) -> npt.NDArray[Any]:
    """Forty rows of seven; integers so large that float64 cannot hold their sums."""
    rng = np.random.default_rng(3)
    if kind in FLOATS:
        return rng.normal(size=(40, 7)).astype(TYPES[kind][1])
    top = 2**60 if kind == "int64" else 2**27
    return rng.integers(-top, top, (40, 7)).astype(TYPES[kind][1])


def _with_nan(kind: str) -> npt.NDArray[Any]:
    x = _matrix(kind)
    if kind not in FLOATS:
        return x
    odd = [[np.nan, 1, 2, 3, 4, 5, 6], [9, np.nan, 2, 3, np.nan, 1, np.inf], [np.inf] * 7]
    return np.concatenate([x, np.array(odd, dtype=x.dtype)])


def probes() -> Iterator[Probe]:
    """Sums, extremes, orders and products of every number type; norms of the floats."""
    for kind in NUMBERS:
        yield from _sums(kind)
        yield from _extremes(kind)
        yield from _products(kind)
    for kind in FLOATS:
        yield from _norms(kind)


def _sums(kind: str) -> Iterator[Probe]:
    x, near = _with_nan(kind), _NEAR.get(kind, 0.0)
    summed = x.sum(axis=1, keepdims=True, dtype=x.dtype)
    none = ([x[:0], _AXIS], [summed[:0]])
    yield Probe("ReduceSum", [x, _AXIS], [summed], ulps=near, key=kind, empty=none)
    flat = ([x[:0], ints(-1)], [summed[:0, 0]])
    dropped: dict[str, Any] = {"attributes": {"keepdims": 0}, "key": kind, "empty": flat}
    yield Probe("ReduceSum", [x, ints(-1)], [summed[:, 0]], ulps=near, **dropped)
    yield Probe("Einsum", [x], [summed[:, 0]], attributes={"equation": "ij->i"}, ulps=near, key=kind)
    mean = summed / 7 if kind in FLOATS else truncated(summed, np.full_like(summed, 7))
    yield Probe("ReduceMean", [x, _AXIS], [mean.astype(x.dtype)], ulps=near, key=kind, empty=none)
    plain, last = _matrix(kind), np.asarray(1, dtype=np.int64)
    running = plain.cumsum(axis=1, dtype=plain.dtype)
    yield Probe(
        "CumSum", [plain, last], [running], ulps=near, key=kind, empty=([plain[:0], last], [plain[:0]])
    )
    # Odd, so that no power of two hides a product beyond 2**53.
    bits, count = (19, 3) if kind == "int64" else (9, 2)
    factors = np.random.default_rng(8).integers(1, 2**bits, (9, count)).astype(x.dtype) * 2 + 1
    product = factors.prod(axis=1, keepdims=True, dtype=x.dtype)
    yield Probe("ReduceProd", [factors, _AXIS], [product], ulps=16, key=kind)


def _extremes(kind: str) -> Iterator[Probe]:
    x, plain = _with_nan(kind), _matrix(kind)
    for op, f in (("ReduceMax", np.max), ("ReduceMin", np.min)):
        dropped: dict[str, Any] = {"attributes": {"keepdims": 0}, "key": kind}
        flat = ([x[:0], ints(-1)], [x[:0, 0]])
        yield Probe(op, [x, ints(-1)], [f(x, axis=1)], **dropped, empty=flat)
        none = ([x[:0], _AXIS], [x[:0, :1]])
        yield Probe(op, [x, _AXIS], [f(x, axis=1, keepdims=True)], key=kind, empty=none)
    for op, g in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
        for part, note in ((x, "not the first NaN, as numpy"), (plain, "")):
            yield Probe(
                op,
                [part],
                [g(part, axis=1)[:, None]],
                attributes={"axis": 1},
                key=kind,
                note=note,
                empty=([part[:0]], [np.zeros((0, 1), np.int64)]),
            )
    if kind in FLOATS:
        least, three = {"axis": 1, "largest": 0}, np.argsort(x, axis=1, kind="stable")[:, :3]
        lowest = np.take_along_axis(x, three, axis=1)
        note = "NaN is out of order"
        yield Probe("TopK", [x, ints(3)], [lowest, three], attributes=least, key=kind, note=note)
    order = np.argsort(-plain, axis=1, kind="stable")[:, :3]
    top = np.take_along_axis(plain, order, axis=1)
    yield Probe(
        "TopK", [plain, ints(3)], [top, order], key=kind, empty=([plain[:0], ints(3)], [top[:0], order[:0]])
    )


def _products(kind: str) -> Iterator[Probe]:
    x = np.clip(_matrix(kind), -(2**20), 2**20).astype(TYPES[kind][1])
    w = np.random.default_rng(9).integers(-9, 9, (7, 4)).astype(x.dtype)
    for op in ("MatMul", "Gemm"):
        yield Probe(op, [x, w], [x @ w], ulps=1e6, key=kind, empty=([x[:0], w], [x[:0] @ w]))
    vector = w[:, 0]
    yield Probe(
        "MatMul", [x, vector], [x @ vector], ulps=1e6, key=kind, empty=([x[:0], vector], [x[:0] @ vector])
    )
    stack = x.reshape(8, 5, 7)
    nothing = ([stack[:0], w], [stack[:0] @ w])
    yield Probe("MatMul", [stack, w], [stack @ w], ulps=1e6, key=kind, empty=nothing)
    if kind == "int64":
        large, one = _matrix(kind) // 8, np.ones((7, 1), np.int64)
        yield Probe(
            "MatMul", [large, one], [large @ one], key=kind, empty=([large[:0], one], [large[:0] @ one])
        )


def _norms(kind: str) -> Iterator[Probe]:
    x = _matrix(kind)
    squares = (x * x).sum(axis=1, keepdims=True)
    for op, answer in (
        ("ReduceL2", np.sqrt(squares)),
        ("ReduceL1", np.abs(x).sum(axis=1, keepdims=True)),
        ("ReduceSumSquare", squares),
        ("ReduceLogSumExp", scipy.special.logsumexp(x, axis=1, keepdims=True)),
    ):
        yield Probe(op, [x, _AXIS], [answer], ulps=64, key=kind)
    square = x[:4, :4]
    yield Probe("Det", [square], [np.asarray(np.linalg.det(square), dtype=x.dtype)], ulps=256, key=kind)
    y = x[:6] + 1
    distance = ((x[:, None, :].astype(np.float64) - y) ** 2).sum(axis=2).astype(x.dtype)
    how = {"metric": "sqeuclidean"}
    yield Probe("CDist", [x, y], [distance], domain="com.microsoft", attributes=how, ulps=1e4, key=kind)
