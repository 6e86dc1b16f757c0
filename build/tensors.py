"""Tensors in the terms of the Open Inference Protocol, with the exact bits beside the numbers.

``{"name", "datatype", "shape", "data"}`` as the protocol has them (``data`` flat, row by row), and in
``parameters.bits`` each float's and each int64's bits as hexadecimal digits, the most significant first:
a JSON reader that rounds loses nothing.
https://github.com/open-inference/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.canonical import scalar

DATATYPES = {"float64": "FP64", "float32": "FP32", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
"""The protocol's name of each element type; BYTES holds text in UTF-8."""

ONNX_TYPES = {
    "float64": "tensor(double)",
    "float32": "tensor(float)",
    "int64": "tensor(int64)",
    "bool": "tensor(bool)",
    "string": "tensor(string)",
}
"""The name that onnxruntime gives each element type, in every language."""

TENSORS = {datatype: tensor for tensor, datatype in DATATYPES.items()}

_BITS: dict[str, tuple[Any, int]] = {
    "FP64": (np.uint64, 16),
    "FP32": (np.uint32, 8),
    "INT64": (np.uint64, 16),
}
_NUMPY: dict[str, Any] = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64}


def to_json(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """A tensor of dtype float64, float32, int64, bool or object (text), of any shape, as JSON values."""
    datatype = DATATYPES["string" if array.dtype == object else array.dtype.name]
    flat = np.ascontiguousarray(array).reshape(-1)
    entry: dict[str, Any] = {
        "name": name,
        "datatype": datatype,
        "shape": list(array.shape),
        "data": [scalar(value) for value in flat.tolist()],
    }
    if datatype in _BITS:
        unsigned, digits = _BITS[datatype]
        entry["parameters"] = {"bits": [f"{value:0{digits}x}" for value in flat.view(unsigned).tolist()]}
    return entry


def from_json(entry: dict[str, Any]) -> NDArray[Any]:
    """The tensor that :func:`to_json` wrote, to the last bit.

    Raises
    ------
    KeyError, ValueError
        If the entry is not such a tensor.
    """
    datatype, shape = entry["datatype"], tuple(entry["shape"])
    if datatype in _BITS:
        unsigned, _ = _BITS[datatype]
        bits = np.array([int(text, 16) for text in entry["parameters"]["bits"]], dtype=unsigned)
        values: NDArray[Any] = bits.view(_NUMPY[datatype])
        return values.reshape(shape)
    return np.array(entry["data"], dtype=np.bool_ if datatype == "BOOL" else object).reshape(shape)
