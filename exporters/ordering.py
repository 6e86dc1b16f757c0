"""Sorting by TopK, which up to 1.30 ends the process on no rows and up to 1.31 has no place for NaN."""

from __future__ import annotations

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import UnsupportedError


def sorted_values(x: Var, size: int, axis: int) -> Var:
    """``x`` without NaN sorted along an axis of ``size`` elements.

    Raises
    ------
    UnsupportedError
        if the rank of ``x`` is not known.
    """
    return _ascending(x, size, axis)[0]


def sorting_positions(x: Var, size: int, axis: int) -> Var:
    """``np.argsort(x, axis, kind="stable")`` along an axis of ``size`` elements, NaN last; int64.

    Raises
    ------
    UnsupportedError
        if the rank of ``x`` is not known.
    """
    if x.unwrap_tensor().dtype.kind != "f":
        return _ascending(x, size, axis)[1]
    missing = op.isnan(x)
    infinity = op.const(np.array(np.inf, dtype=x.unwrap_tensor().dtype))
    positions = _ascending(op.where(missing, infinity, x), size, axis)[1]
    # A second stable pass moves NaN behind the infinities in whose place it was sorted.
    flags = op.gather_elements(op.cast(missing, to=np.int64), positions, axis=axis)
    return op.gather_elements(positions, _ascending(flags, size, axis)[1], axis=axis)


def _ascending(x: Var, size: int, axis: int) -> tuple[Var, Var]:
    """Values and positions, stably; the first axis may be empty unless it is the one that is sorted."""
    tensor = x.unwrap_tensor()
    if tensor.shape is None:
        raise UnsupportedError("sorting needs a tensor of known rank; none was inferred")
    count = op.const(np.array([size], dtype=np.int64))
    if axis % len(tensor.shape) == 0:
        return op.top_k(x, count, axis=axis, largest=0)
    one, first, last = (op.const(np.array([n], dtype=np.int64)) for n in (1, 0, -1))
    row = op.expand(
        op.const(np.zeros((), dtype=tensor.dtype)), op.concat([one, op.shape(x, start=1)], axis=0)
    )
    found = op.top_k(op.concat([x, row], axis=0), count, axis=axis, largest=0)
    values, positions = (op.slice(part, first, last, first) for part in found)
    return values, positions
