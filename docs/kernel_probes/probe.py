"""One probe, and the hostile values of each element type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import AttributeProto, ModelProto, TensorProto, helper

Arrays = Sequence[npt.NDArray[Any]]
TYPES: dict[str, tuple[int, Any]] = {
    "double": (TensorProto.DOUBLE, np.float64),
    "float": (TensorProto.FLOAT, np.float32),
    "int64": (TensorProto.INT64, np.int64),
    "int32": (TensorProto.INT32, np.int32),
    "bool": (TensorProto.BOOL, np.bool_),
    "string": (TensorProto.STRING, np.object_),
    "int16": (TensorProto.INT16, np.int16),
    "int8": (TensorProto.INT8, np.int8),
    "uint8": (TensorProto.UINT8, np.uint8),
}
FLOATS = ("double", "float")
NUMBERS = (*FLOATS, "int64", "int32")
ALL = (*NUMBERS, "bool", "string")
SMALL = ("int16", "int8", "uint8")


def type_name(array: npt.NDArray[Any]) -> str:
    """The ONNX name of an array's element type; object arrays hold text."""
    return next(name for name, (_, dtype) in TYPES.items() if array.dtype == dtype)


@dataclass
class Probe:
    """One node to run.

    Attributes
    ----------
    op, domain, attributes : the node.
    inputs : its inputs; an array of an empty shape is a scalar.
    expected : its outputs as numpy has them.
    ulps : how far a float may be off and still count as right, in ulps of the answer or of ``scale``.
    scale : the least magnitude that ``ulps`` refers to.
    note : text for the table if the answer is wrong but no reason to refuse the operator.
    key : the element types that choose the kernel, as ``kernels.unsafe`` looks them up.
    empty : the same with zero rows, reported apart; None where that has no meaning.
    captured : further graph inputs, which the node's subgraphs read as ``c0 ...``.
    ml : version of the operator set ``ai.onnx.ml``.
    """

    op: str
    inputs: Arrays
    expected: Arrays
    domain: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    ulps: float = 0.0
    scale: float = 0.0
    note: str = ""
    key: str = ""
    empty: tuple[Arrays, Arrays] | None = None
    captured: Arrays = ()
    ml: int = 5

    def feeds(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """The graph's inputs by name."""
        held = {f"x{i}": a for i, a in enumerate(inputs)}
        return held | {f"c{i}": a for i, a in enumerate(self.captured)}

    def model(self, inputs: Arrays) -> ModelProto:
        """The node as a model with inputs ``x0 ...`` of free shape and outputs ``y0 ...``."""
        results = [f"y{i}" for i in range(len(self.expected))]
        node = helper.make_node(self.op, [f"x{i}" for i in range(len(inputs))], results, domain=self.domain)
        for name, value in self.attributes.items():
            known = isinstance(value, AttributeProto)
            node.attribute.append(value if known else helper.make_attribute(name, value))

        def info(name: str, array: npt.NDArray[Any], shape: list[None] | None) -> Any:
            return helper.make_tensor_value_info(name, TYPES[type_name(array)][0], shape)

        graph = helper.make_graph(
            [node],
            "probe",
            [info(n, a, [None] * a.ndim) for n, a in self.feeds(inputs).items()],
            [info(n, a, None) for n, a in zip(results, self.expected, strict=True)],
        )
        opsets = [("", 20), ("ai.onnx.ml", self.ml), ("com.microsoft", 1)]
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid(*o) for o in opsets], ir_version=10
        )


_TEXTS = ["", "a", "B", "é", "Σς", "\U0001f600x", "a\nb", "a\0b", " a ", "nan", "a,b,,c", "ÀÉ", "10", "a"]


def values(kind: str) -> npt.NDArray[Any]:
    """Hostile values of an element type, one vector."""
    rng = np.random.default_rng(7)
    dtype = TYPES[kind][1]
    if kind in FLOATS:
        edge = [0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, np.nan, np.inf, -np.inf, 1 / 3, 1e-40, 2**24 + 1]
        double = [1e308, -1e308, 5e-324, 2**53 + 2, 1e-300, 1e300]
        wide = double if kind == "double" else [1e38, -1e38, 1e-45]
        spread = [rng.normal(size=400), rng.normal(size=200) * 30, rng.uniform(-50, 50, 200)]
        return np.concatenate([np.array([*edge, *wide]), *spread]).astype(dtype)
    if kind == "bool":
        return rng.integers(0, 2, 40).astype(dtype)
    if kind == "string":
        return np.array(_TEXTS, dtype=dtype)
    limits = np.iinfo(dtype)
    near = [0, 1, 2, 3, 7, limits.max - 1, limits.min, limits.max // 2 + 1]
    far = [-1, -7, 2**24 + 1, -(2**24) - 1, 2**53 + 1, -(2**53) - 1]
    edge = near + [n for n in far if limits.min <= n <= limits.max]
    return np.concatenate(
        [np.array(edge, dtype=dtype), rng.integers(limits.min, limits.max, 100, dtype=dtype)]
    )


def grid(kind: str) -> npt.NDArray[Any]:
    """Those values as a matrix of three columns."""
    v = values(kind)
    return v[: len(v) // 3 * 3].reshape(-1, 3)


def ints(*numbers: int) -> npt.NDArray[Any]:
    """An int64 vector."""
    return np.array(numbers, dtype=np.int64)


def truncated(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Integer division toward zero."""
    quotient = x // y
    return np.asarray(quotient + ((x % y != 0) & ((x < 0) != (y < 0))), dtype=x.dtype)
