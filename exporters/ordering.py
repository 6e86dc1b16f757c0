"""Sorting by TopK, which ends the process on zero rows in onnxruntime up to 1.30."""

from __future__ import annotations

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import UnsupportedError


def ascending(x: Var, size: int, axis: int) -> tuple[Var, Var]:
    """``x`` sorted along an axis of ``size`` elements, and the positions that sort it (int64), stably.

    NaN sorts last. The first axis may have zero entries unless it is the
    one that is sorted.

    Raises
    ------
    UnsupportedError
        if the rank of ``x`` is not known.
    """
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
