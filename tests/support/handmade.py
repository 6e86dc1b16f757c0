"""Small hand-made graphs with their signatures: what the engine yields, without the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import spox
import spox.opset.ai.onnx.v20 as op

from onnxtwin.exporters.signature import Column, Condition, Input, Output, Signature

NUMPY = {"float64": np.float64, "float32": np.float32, "int64": np.int64, "bool": np.bool_, "string": np.str_}

MIXED = (
    Column("distance", "distance", "float64", "float64", missing="nan", missing_allowed=True, finite=True),
    Column("seats", "seats", "int64", "int64"),
    Column("late", "late", "bool", "bool"),
    Column("carrier", "carrier", "str", "string", missing="token", missing_allowed=True),
    Column("left", "left", "datetime64[us, UTC]", "int64", missing="nat", missing_allowed=True),
    Column("delay", "delay", "timedelta64[s]", "int64", missing="nat"),
    Column("gate", "gate", "Int64", "float64", missing="nan", missing_allowed=True, exact_integer=True),
)
ROW = {
    "distance": 1400.5,
    "seats": 180,
    "late": True,
    "carrier": "UA",
    "left": "2013-01-01T10:00:00Z",
    "delay": np.timedelta64(90, "s"),
    "gate": 7,
}


def echo(columns: tuple[Column, ...], **changes: Any) -> tuple[bytes, Signature]:
    """A graph with one input a column that answers ``transform`` with a list: each column as it came."""
    variables = {c.name: spox.argument(spox.Tensor(NUMPY[c.tensor], ("N", 1))) for c in columns}
    axes = op.const(np.array([1], dtype=np.int64))
    outputs = {f"transform.{i}": op.squeeze(v, axes) for i, v in enumerate(variables.values())}
    signature = Signature(
        container="DataFrame",
        layout="columns",
        columns=columns,
        inputs=tuple(Input(c.name, c.tensor, (c.name,)) for c in columns),
        outputs=tuple(
            Output(f"transform.{i}", "transform", i, c.tensor, _dtype(c), (None,))
            for i, c in enumerate(columns)
        ),
        methods=("transform",),
        **changes,
    )
    return spox.build(variables, outputs).SerializeToString(), signature


def matrix(width: int, tensor: Any = "float64", **column: Any) -> tuple[bytes, Signature]:
    """A graph on one matrix ``X`` that answers ``transform`` with it."""
    X = spox.argument(spox.Tensor(NUMPY[tensor], ("N", width)))
    names = [f"x{i}" for i in range(width)]
    signature = Signature(
        container="matrix",
        layout="columns",
        columns=tuple(Column(n, i, tensor, tensor, **column) for i, n in enumerate(names)),
        inputs=(Input("X", tensor, tuple(names)),),
        outputs=(Output("transform", "transform", None, tensor, tensor, (None, width)),),
        methods=("transform",),
        types="by_value",
    )
    return spox.build({"X": X}, {"transform": op.identity(X)}).SerializeToString(), signature


def documents() -> tuple[bytes, Signature]:
    """A graph on a list of texts that answers ``transform`` with them."""
    X = spox.argument(spox.Tensor(np.str_, ("N", 1)))
    signature = Signature(
        container="documents",
        layout="columns",
        columns=(Column("X", 0, "str", "string"),),
        inputs=(Input("X", "string", ("X",)),),
        outputs=(Output("transform", "transform", None, "string", "object", (None, 1)),),
        methods=("transform",),
        types="by_value",
    )
    return spox.build({"X": X}, {"transform": op.identity(X)}).SerializeToString(), signature


def classifier() -> tuple[bytes, Signature]:
    """Two float columns ``a`` and ``b``; "yes" if a > b, with probabilities 1/4 and 3/4; a must be >= 0."""
    a, b = (spox.argument(spox.Tensor(np.float64, ("N", 1))) for _ in range(2))
    axes = op.const(np.array([1], dtype=np.int64))
    above = op.greater(a, b)
    label = op.squeeze(op.where(above, op.const(np.array("yes")), op.const(np.array("no"))), axes)
    yes = op.where(above, op.const(0.75), op.const(0.25))
    proba = op.concat([op.sub(op.const(1.0), yes), yes], axis=1)
    domain = op.greater_or_equal(a, op.const(0.0))
    labels = ("no", "yes")
    signature = Signature(
        container="DataFrame",
        layout="columns",
        columns=tuple(Column(n, n, "float64", "float64", missing="nan", finite=True) for n in "ab"),
        inputs=tuple(Input(n, "float64", (n,)) for n in "ab"),
        outputs=(
            Output("predict", "predict", None, "string", "<U3", (None,), labels=labels),
            Output("predict_proba", "predict_proba", None, "float64", "float64", (None, 2), labels=labels),
            Output("domain", "domain", None, "bool", "bool", (None, 1)),
        ),
        conditions=(Condition("negative values are refused", "scale"),),
        methods=("predict", "predict_proba"),
    )
    outputs = {"predict": label, "predict_proba": proba, "domain": domain}
    return spox.build({"a": a, "b": b}, outputs).SerializeToString(), signature


def _dtype(column: Column) -> str:
    return "object" if column.tensor == "string" else column.tensor
