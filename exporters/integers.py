"""int64 results that onnxruntime's own kernels round: sums, powers, numpy's ``round``.

From 1.28 on onnxruntime sums int64 in float64 (ReduceSum, ReduceMean, ReduceProd, Einsum), in all versions it
computes integer powers so. Products and MatMul are exact everywhere. Overflow wraps, as in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import UnsupportedError


def _int(value: int) -> Var:
    return op.const(np.int64(value))


def _ints(*values: int) -> Var:
    return op.const(np.array(values, dtype=np.int64))


def sum_int64(x: Var, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Var:
    """``np.sum`` of an int64 tensor, exact and wrapping, as products with a vector of ones.

    ``axis=None`` sums everything to a scalar. The rank must be known.

    Raises
    ------
    UnsupportedError
        if the rank of ``x`` is not known.
    """
    shape = x.unwrap_tensor().shape
    if shape is None:
        raise UnsupportedError("an int64 sum needs a tensor of known rank; none was inferred")
    rank = len(shape)
    wanted = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = sorted({a % rank for a in wanted})
    if len(axes) == rank:
        total = _sum_last(op.reshape(x, _ints(-1)), 1)
        return op.reshape(total, _ints(*[1] * rank)) if keepdims else total
    order = [a for a in range(rank) if a not in axes] + axes
    moved = x if order == list(range(rank)) else op.transpose(x, perm=order)
    for remaining in range(rank, rank - len(axes), -1):
        moved = _sum_last(moved, remaining)
    return op.unsqueeze(moved, _ints(*axes)) if keepdims else moved


def _sum_last(x: Var, rank: int) -> Var:
    """The sum over the last axis, through two dimensions: 1.21 multiplies no stack of zero matrices."""
    ones = op.expand(_ints(1), op.concat([op.shape(x, start=-1), _ints(1)], axis=0))
    column = op.matmul(op.flatten(x, axis=rank - 1), ones)
    return op.reshape(column, op.shape(x, end=-1), allowzero=1)


def integer_power(x: Var, exponent: Var) -> Var:
    """``np.power`` of int64 tensors, exact and wrapping; a negative exponent, which numpy refuses, gives 1.

    Repeated squaring over all 63 bits of the exponent, some 300 nodes: an exponent known at export is
    cheaper by ``arithmetic.int_power``.
    """
    rest = op.max([exponent, _int(0)])
    result, base = op.add(op.mul(rest, _int(0)), _int(1)), x
    for _ in range(63):
        odd = op.equal(op.mod(rest, _int(2)), _int(1))
        result = op.mul(result, op.where(odd, base, _int(1)))
        base, rest = op.mul(base, base), op.div(rest, _int(2))
    return result


def round_int64(x: Var, decimals: int) -> Var:
    """``np.round`` of int64: itself, or for negative ``decimals`` through float64 as numpy does."""
    if decimals >= 0:
        return x
    scale = op.const(np.float64(10.0**-decimals))
    return op.cast(op.mul(op.round(op.div(op.cast(x, to=np.float64), scale)), scale), to=np.int64)
