"""``sklearn.utils._mask``: where a matrix holds the value that stands for "missing"."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _mask
from sklearn.utils._missing import is_pandas_na, is_scalar_nan

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.missing import ANY, by_parts, where_missing
from onnxtwin.exporters.numpy.creation import asarray
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.tensor import STRING


@exports(_mask, "_get_mask")
def get_mask(X: Any, value_to_mask: Any) -> Any:
    X = asarray(X)
    if X.dtype.kind == "O":
        return by_parts(X, bool, lambda _, part: mask_of_part(part, value_to_mask))
    return mask_of_part(X, value_to_mask)


def mask_of_part(part: Array, value: Any) -> Any:
    """Where an array of one element type holds ``value``; text never equals a number."""
    if is_pandas_na(value):
        return where_missing(part, ANY)
    if is_scalar_nan(value):
        return where_missing(part, {"nan"})
    if value is None:
        return where_missing(part, {"None"})
    if (part.tensor.dtype == STRING) != isinstance(value, str):
        return Array(np.zeros(part.shape, bool))
    return np.equal(part, value)
