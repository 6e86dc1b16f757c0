"""A model's main graph, indexed: constants by name, who makes and who reads a tensor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

Array = NDArray[Any]

DOMAIN_OUTPUT = "domain"

ELEMENTS = {
    "tensor(double)": TensorProto.DOUBLE,
    "tensor(float)": TensorProto.FLOAT,
    "tensor(int64)": TensorProto.INT64,
    "tensor(int32)": TensorProto.INT32,
    "tensor(uint8)": TensorProto.UINT8,
    "tensor(int8)": TensorProto.INT8,
    "tensor(bool)": TensorProto.BOOL,
    "tensor(string)": TensorProto.STRING,
}


class Graph:
    """The main graph of a model, indexed. Subgraphs (loop bodies) are left as they are.

    Parameters
    ----------
    model : is not changed; :meth:`copy` gives one to change.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.nodes = list(model.graph.node)

    @cached_property
    def constants(self) -> dict[str, Array]:
        """Initializers, by name."""
        return {entry.name: numpy_helper.to_array(entry) for entry in self.model.graph.initializer}

    @cached_property
    def producer(self) -> dict[str, int]:
        """Tensor → position of the node that makes it."""
        return {name: at for at, node in enumerate(self.nodes) for name in node.output}

    @cached_property
    def readers(self) -> dict[str, list[int]]:
        """Tensor → positions of the nodes that read it, directly or in a subgraph."""
        readers: dict[str, list[int]] = {}
        for at, node in enumerate(self.nodes):
            for name in set(reads(node)):
                readers.setdefault(name, []).append(at)
        return readers

    @cached_property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs."""
        return [entry.name for entry in self.model.graph.input]

    @cached_property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs."""
        return [entry.name for entry in self.model.graph.output]

    @cached_property
    def _described(self) -> list[Any]:
        """What onnxruntime knows of every tensor (onnx' own inference dies of some loops)."""
        model = self.copy()
        named = {*self.outputs, *self.constants}
        made = (name for node in self.nodes for name in node.output if name and name not in named)
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in made)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        return [*session.get_inputs(), *session.get_outputs()]

    @cached_property
    def element_types(self) -> dict[str, int]:
        """Tensor → ONNX element type."""
        return {entry.name: ELEMENTS[entry.type] for entry in self._described if entry.type in ELEMENTS}

    @cached_property
    def widths(self) -> dict[str, int | None]:
        """Tensor → number of columns, 1 for a vector of rows; None where it has no such shape."""
        widths: dict[str, int | None] = {}
        for entry in self._described:
            shape = entry.shape
            two = len(shape) == 2 and isinstance(shape[1], int) and shape[1] > 0
            widths[entry.name] = shape[1] if two else 1 if len(shape) == 1 else None
        for name, constant in self.constants.items():
            flat = constant.size == 1 or constant.shape[-1] == constant.size
            widths[name] = constant.size if flat else None
        return widths

    @cached_property
    def live(self) -> set[int]:
        """Positions of the nodes that an answer depends on (not those that only judge the domain)."""
        wanted = [name for name in self.outputs if name != DOMAIN_OUTPUT]
        found: set[int] = set()
        while wanted:
            at = self.producer.get(wanted.pop())
            if at is not None and at not in found:
                found.add(at)
                wanted += reads(self.nodes[at])
        return found

    def node_of(self, name: str) -> onnx.NodeProto | None:
        """The node that makes this tensor."""
        at = self.producer.get(name)
        return None if at is None else self.nodes[at]

    def copy(self) -> onnx.ModelProto:
        """A model to change."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        return model


def reads(node: onnx.NodeProto) -> Iterator[str]:
    """Every tensor that a node reads, also in its subgraphs."""
    yield from (name for name in node.input if name)
    for entry in node.attribute:
        for graph in [entry.g] if entry.type == onnx.AttributeProto.GRAPH else list(entry.graphs):
            for inner in graph.node:
                yield from reads(inner)


def attribute(node: onnx.NodeProto, name: str) -> Any:
    """An attribute's value (a tensor as an array), None where the node has none of this name."""
    for entry in node.attribute:
        if entry.name == name:
            value = onnx.helper.get_attribute_value(entry)
            return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
    return None
