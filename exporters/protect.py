"""Keeps arithmetic that onnxruntime would take for doing nothing.

Its rule ``NoopElimination`` (noop_elimination.cc; seen in 1.21 and 1.32) removes ``x + c`` and ``x - c`` if
``c`` is 0, and ``x * c`` and ``x / c`` if ``c`` is 1, after casting a double ``c`` to float: so it drops a
sum with 2.2e-308 and a product with 1.000000001, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

_NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}


def keep_arithmetic(graph: onnx.GraphProto) -> None:
    """Give such a constant the shape of the other operand, in place: then it is no constant of one element.

    Ensures: the same outputs by the operators' definitions.
    """
    _keep(graph, {})


def _keep(graph: onnx.GraphProto, outer: Mapping[str, onnx.TensorProto]) -> None:
    constants = {**outer, **{tensor.name: tensor for tensor in graph.initializer}}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _keep(attribute.g, constants)
            elif attribute.type == onnx.AttributeProto.TENSOR and node.op_type == "Constant":
                constants[node.output[0]] = attribute.t
        for place, name in enumerate(node.input) if node.op_type in _NEUTRAL and not node.domain else ():
            if name in constants and node.input[1 - place] not in constants and _taken(node, constants[name]):
                shape, spread = f"{node.output[0]}/shape", f"{node.output[0]}/constant"
                nodes.append(helper.make_node("Shape", [node.input[1 - place]], [shape]))
                nodes.append(helper.make_node("Expand", [name, shape], [spread]))
                node.input[place] = spread
        nodes.append(node)
    if len(nodes) > len(graph.node):
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies)


def _taken(node: onnx.NodeProto, constant: onnx.TensorProto) -> bool:
    """Whether the rule takes the constant for neutral, though it is not."""
    if constant.data_type != onnx.TensorProto.DOUBLE or int(np.prod(constant.dims)) != 1:
        return False
    value = numpy_helper.to_array(constant).item()
    neutral = _NEUTRAL[node.op_type]
    with np.errstate(over="ignore", under="ignore"):
        return value != neutral and float(np.float32(value)) == neutral
