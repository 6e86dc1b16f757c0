"""``sklearn.utils._array_api``: the logarithm of a sum of exponentials, which is one elementary function."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _array_api

from onnxtwin.exporters.analysis.elementary import logsumexp as summed_exponentials
from onnxtwin.exporters.array import constant
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.trace import require_trace


@exports(_array_api, "_logsumexp")
def logsumexp(array: Any, axis: Any = None, xp: Any = None) -> Any:
    """Line by line; each difference to the largest entry is uncertain alone, their sum is not."""
    array = constant(array)
    if axis not in (1, -1) or array.ndim != 2:
        raise require_trace().unsupported("adds exponentials over several axes", "add them over axis 1")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    largest = np.max(array, axis=1, keepdims=True)
    is_largest = np.equal(array, largest)
    others = np.where(is_largest, -np.inf, array)
    ties = np.sum(is_largest.astype(array.dtype), axis=1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, np.zeros((), array.dtype))
    total = np.sum(np.exp(others - shift), axis=1, keepdims=True)
    total = np.where(np.equal(total, 0), total, total / ties)
    found: Any = np.log1p(total) + np.log(ties) + largest
    require_trace().compute(summed_exponentials, found.tensor.flat, (array.tensor.flat,))
    return np.squeeze(found, axis=1)
