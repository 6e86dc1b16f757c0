"""Division, powers and sums as numpy does them, in int64 and float64; exact.

Integer kernels of onnxruntime end the process on a division by zero and lose integers beyond 2**53 in
sums, so both are guarded here.
"""

from __future__ import annotations

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.tensor import element_type

_HALF = 2**32


def _const(value: float, like: Var) -> Var:
    return op.const(np.asarray(value, dtype=element_type(like)))


def _is_float(var: Var) -> bool:
    return element_type(var).kind == "f"


def _safe_divisor(b: Var) -> Var:
    """Zero and minus one replaced by one: both can trap in an integer division."""
    trap = op.or_(op.equal(b, _const(0, b)), op.equal(b, _const(-1, b)))
    return op.where(trap, _const(1, b), b)


def _fixed(var: Var) -> np.ndarray | None:
    """The value of a graph constant, None where it is computed."""
    if var._op.op_type.identifier != "Constant":
        return None
    held = var._op.attrs.get_fields()["value"]
    return None if held is None else np.asarray(held.value)


def floor_divide(a: Var, b: Var) -> Var:
    """``np.floor_divide``: towards minus infinity; by zero, integers give 0, floats what ``a / b`` gives."""
    if _is_float(a):
        return _divmod(a, b)[0]
    fixed = _fixed(b)
    if fixed is not None and (fixed > 0).all():
        # The product is never further from zero than ``a``, so it cannot overflow.
        quotient = op.div(a, b)
        return op.sub(quotient, op.cast(op.greater(op.mul(quotient, b), a), to=np.int64))
    divisor = _safe_divisor(b)
    quotient = op.div(a, divisor)
    rest = op.sub(a, op.mul(quotient, divisor))
    down = op.and_(
        op.not_(op.equal(rest, _const(0, a))),
        op.not_(op.equal(op.less(rest, _const(0, a)), op.less(b, _const(0, b)))),
    )
    floored = op.sub(quotient, op.cast(down, to=np.int64))
    floored = op.where(op.equal(b, _const(-1, b)), op.neg(a), floored)
    return op.where(op.equal(b, _const(0, b)), _const(0, a), floored)


def remainder(a: Var, b: Var) -> Var:
    """``np.remainder``: the sign of the divisor; integers modulo zero give 0."""
    if _is_float(a):
        return _divmod(a, b)[1]
    fixed = _fixed(b)
    if fixed is not None and (fixed > 0).all():
        return op.mod(a, b)
    rest = op.sub(a, op.mul(floor_divide(a, b), b))
    return op.where(op.equal(b, _const(0, b)), _const(0, a), rest)


def fmod(a: Var, b: Var) -> Var:
    """``np.fmod``: the sign of the dividend; integers modulo zero give 0."""
    if _is_float(a):
        return op.mod(a, b, fmod=1)
    fixed = _fixed(b)
    divisor = b if fixed is not None and (fixed > 0).all() else _safe_divisor(b)
    return op.sub(a, op.mul(op.div(a, divisor), divisor))


def _divmod(a: Var, b: Var) -> tuple[Var, Var]:
    """``npy_divmod`` of numpy's ``npy_math_internal.h.src``, line by line."""
    zero, one = _const(0, a), _const(1, a)
    rest = op.mod(a, b, fmod=1)
    quotient = op.div(op.sub(a, rest), b)
    nonzero = op.not_(op.equal(rest, zero))
    adjust = op.and_(nonzero, op.not_(op.equal(op.less(b, zero), op.less(rest, zero))))
    signed_zero = op.where(
        op.less(op.where(op.equal(b, zero), op.reciprocal(b), b), zero), op.neg(zero), zero
    )
    rest = op.where(adjust, op.add(rest, b), op.where(nonzero, rest, signed_zero))
    quotient = op.where(adjust, op.sub(quotient, one), quotient)
    floored = op.floor(quotient)
    floored = op.where(op.greater(op.sub(quotient, floored), _const(0.5, a)), op.add(floored, one), floored)
    plain = op.div(a, b)
    floored = op.where(op.equal(quotient, zero), op.where(op.less(plain, zero), op.neg(zero), zero), floored)
    by_zero = op.equal(b, zero)
    return op.where(by_zero, plain, floored), op.where(by_zero, op.mod(a, b, fmod=1), rest)


def int_power(a: Var, exponent: int) -> Var:
    """``a ** exponent`` in int64 by repeated squaring, wrapping around as numpy does; ``exponent >= 0``."""
    result: Var | None = None
    square = a
    while exponent:
        if exponent & 1:
            result = square if result is None else op.mul(result, square)
        exponent >>= 1
        if exponent:
            square = op.mul(square, square)
    return op.add(op.mul(a, _const(0, a)), _const(1, a)) if result is None else result


def int_sum(a: Var, axes: Var, *, keepdims: bool) -> Var:
    """Sum of int64 values, exact for up to 2**20 terms: high and low halves are summed apart."""
    half = _const(_HALF, a)
    high = floor_divide(a, half)
    low = op.sub(a, op.mul(high, half))
    # Below 2**53 a float64 sum is exact, and onnxruntime's int64 sum is not on every version.
    sums = [op.reduce_sum(op.cast(part, to=np.float64), axes, keepdims=int(keepdims)) for part in (high, low)]
    return op.add(op.mul(op.cast(sums[0], to=np.int64), half), op.cast(sums[1], to=np.int64))


def sign(a: Var) -> Var:
    """``np.sign``: NaN stays NaN."""
    if not _is_float(a):
        return op.sign(a)
    return op.where(op.isnan(a), a, op.sign(a))


def _is_transposed(v: Var) -> bool:
    return v._op.op_type.identifier == "Transpose" and _is_float(v)


def matmul(a: Var, b: Var) -> Var:
    """``np.matmul``: a vector on the right is a matrix of one column, by which zero rows can be multiplied.

    onnxruntime up to 1.31 stops at zero rows times a vector. Up to 1.25 it fuses a transpose and a product of
    doubles into a kernel that it lacks; Gemm has one.
    """
    rank = len(a.unwrap_tensor().shape or ())
    columns = len(b.unwrap_tensor().shape or ())
    if rank == columns == 2 and any(_is_transposed(v) for v in (a, b)):
        return op.gemm(a, b)
    if rank < 2 or columns != 1:
        return op.matmul(a, b)
    product = op.matmul(a, op.unsqueeze(b, _axes([1])))
    return op.squeeze(product, _axes([rank - 1]))


def einsum(terms: list[str], output: str, operands: list[Var]) -> Var:
    """``np.einsum``: products along the axes of all labels, summed over those that the output lacks.

    ONNX has the operator, but onnxruntime up to 1.24 kills its process where zero rows are contracted.

    Parameters
    ----------
    terms : the labels of each operand's axes, none of them twice in one operand.
    output : the labels of the result's axes.
    """
    if len(terms) == 2 and all(len(t) == 2 for t in (*terms, output)):
        left, right = terms
        if left[1] == right[0] and output == left[0] + right[1]:
            return matmul(*operands)
    summed = "".join(dict.fromkeys(label for term in terms for label in term if label not in output))
    labels = output + summed
    product: Var | None = None
    for term, operand in zip(terms, operands, strict=True):
        order = sorted(range(len(term)), key=lambda axis: labels.index(term[axis]))
        aligned = operand if order == sorted(order) else op.transpose(operand, perm=order)
        lacking = [axis for axis, label in enumerate(labels) if label not in term]
        aligned = op.unsqueeze(aligned, _axes(lacking)) if lacking else aligned
        product = aligned if product is None else op.mul(product, aligned)
    assert product is not None
    if not summed:
        return product
    axes = _axes(list(range(len(output), len(labels))))
    if product.unwrap_tensor().dtype == np.int64:
        return int_sum(product, axes, keepdims=False)
    return op.reduce_sum(product, axes, keepdims=0)


def _axes(axes: list[int]) -> Var:
    return op.const(np.array(axes, dtype=np.int64))
