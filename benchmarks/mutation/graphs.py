"""Changes of a graph: another attribute, another constant, a name that is free."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from onnxtwin.exporters.analysis.graph import Array


def set_attribute(node: onnx.NodeProto, name: str, value: Any) -> None:
    """Give a node another value of an attribute; an array stays a tensor, a list a list."""
    for position, entry in enumerate(node.attribute):
        if entry.name == name:
            del node.attribute[position]
            break
    if isinstance(value, np.ndarray):
        value = numpy_helper.from_array(value, name)
    node.attribute.append(onnx.helper.make_attribute(name, value))


def set_constant(model: onnx.ModelProto, node: onnx.NodeProto, position: int, value: Array) -> None:
    """Let this node alone read another constant; others that share the old one keep it."""
    name = fresh(model, "changed")
    model.graph.initializer.append(numpy_helper.from_array(value, name))
    node.input[position] = name


def fresh(model: onnx.ModelProto, stem: str) -> str:
    """A tensor name that the model does not use."""
    taken = {entry.name for entry in model.graph.initializer}
    taken |= {name for node in model.graph.node for name in node.output}
    number = 0
    while f"mutation_{stem}_{number}" in taken:
        number += 1
    return f"mutation_{stem}_{number}"
