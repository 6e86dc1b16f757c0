"""Questions about a graph that need no rows: its constants, and which raw columns a value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

SAME_PLACE = {
    "Abs", "Binarizer", "Cast", "CategoryMapper", "Ceil", "Clip", "Cos", "Exp", "Floor", "Identity",
    "Imputer", "IsInf", "IsNaN", "LabelEncoder", "Log", "Neg", "Not", "Reciprocal", "RegexFullMatch",
    "Reshape", "Round", "Scaler", "Sigmoid", "Sign", "Sin", "Sqrt", "Squeeze", "StringNormalizer",
    "Tanh", "Unsqueeze",
}  # fmt: skip
"""Operators whose place ``[row, i]`` depends on the place ``[row, i]`` of their first input alone."""

TOGETHER = {
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mod",
    "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor", "StringConcat", "BitShift",
}  # fmt: skip
"""Operators that join their inputs place by place."""


class View:
    """One graph, its outputs ``ignored`` left out, together with all that only they need.

    Parameters
    ----------
    model : the graph.
    columns : graph input → the raw columns that it carries, in order.
    ignored : outputs that do not count.
    """

    def __init__(
        self, model: onnx.ModelProto, columns: Mapping[str, Sequence[str]], ignored: Iterable[str] = ()
    ) -> None:
        graph = model.graph
        self.model = model
        self.columns = {name: tuple(listed) for name, listed in columns.items()}
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}
        self._constants: dict[str, Any] = {}
        self.outputs = [value.name for value in graph.output if value.name not in set(ignored)]
        self.producer = {name: node for node in graph.node for name in node.output if name}
        self.nodes = self._live(graph)
        self.widths: dict[str, int] = {}
        self._sources: dict[tuple[str, int | None], frozenset[str]] = {}

    def _live(self, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
        needed = set(self.outputs)
        live: list[onnx.NodeProto] = []
        for node in reversed(graph.node):
            if needed.intersection(node.output):
                live.append(node)
                needed.update(reads(node))
        return live[::-1]

    def constant(self, name: str) -> Any:
        """The value of a constant, None for what is computed; text as an object array of str."""
        if name not in self._constants:
            self._constants[name] = self._constant(name)
        return self._constants[name]

    def _constant(self, name: str) -> Any:
        tensor = self._initializers.get(name)
        node = self.producer.get(name)
        if tensor is None and node is not None and node.op_type == "Constant":
            attribute = node.attribute[0]
            if attribute.name != "value":
                return np.asarray(onnx.helper.get_attribute_value(attribute))
            tensor = attribute.t
        if tensor is None:
            return None
        if tensor.data_type == onnx.TensorProto.STRING:
            texts = [text.decode() for text in tensor.string_data]
            return np.array(texts, dtype=object).reshape(tuple(tensor.dims))
        return numpy_helper.to_array(tensor)

    def after_trees(self, kinds: Iterable[str]) -> set[str]:
        """The values that depend on the answer of a node of these kinds."""
        behind: set[str] = set()
        for node in self.nodes:
            if node.op_type in kinds or behind.intersection(reads(node)):
                behind.update(node.output)
        return behind

    def sources(self, name: str, place: int | None = None) -> frozenset[str]:
        """The raw columns that a value may depend on, or one place of its rows.

        ``widths`` tells how many places the rows of a value have; without it, all columns of all
        inputs count.
        """
        key = (name, place)
        if key not in self._sources:
            self._sources[key] = frozenset()  # a graph has no cycles; this only bounds a broken one
            self._sources[key] = self._find(name, place)
        return self._sources[key]

    def raw(self, name: str, place: int) -> str | None:
        """The raw column that stands unchanged (but for its type) at a place of a value, if one does."""
        while name not in self.columns:
            node = self.producer.get(name)
            if node is None:
                return None
            step = self._unchanged(node, name, place)
            if step is None:
                return None
            name, place = step
        listed = self.columns[name]
        return listed[place] if place < len(listed) else None

    def _unchanged(self, node: onnx.NodeProto, name: str, place: int) -> tuple[str, int] | None:
        if node.op_type in ("Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape"):
            return (node.input[0], place) if self._width(node.input[0]) == self.widths.get(name) else None
        if node.op_type == "Concat":
            for given in node.input:
                width = self._width(given)
                if width is None or place < width:
                    return None if width is None else (given, place)
                place -= width
        if node.op_type == "Gather" and next((a.i for a in node.attribute if a.name == "axis"), 0) == 1:
            chosen = self.constant(node.input[1])
            if chosen is not None and place < np.size(chosen):
                return node.input[0], int(np.ravel(chosen)[place])
        return None

    def _find(self, name: str, place: int | None) -> frozenset[str]:
        if name in self.columns:
            listed = self.columns[name]
            return frozenset(listed if place is None or place >= len(listed) else [listed[place]])
        node = self.producer.get(name)
        if node is None:
            return frozenset()
        if place is not None:
            found = self._at(node, name, place)
            if found is not None:
                return found
        return frozenset().union(*(self.sources(given) for given in reads(node)))

    def _at(self, node: onnx.NodeProto, name: str, place: int) -> frozenset[str] | None:
        width = self.widths.get(name)
        if node.op_type in SAME_PLACE and self._width(node.input[0]) == width:
            return self.sources(node.input[0], place)
        if node.op_type in TOGETHER:
            parts = [self.sources(given, self._aligned(given, width, place)) for given in node.input]
            return frozenset().union(*parts)
        if node.op_type == "Concat":
            return self._of_concat(node, place)
        if node.op_type == "Gather" and self.constant(node.input[0]) is not None:
            own = self._width(node.input[1])
            return self.sources(node.input[1], place * own // width) if own and width else None
        if node.op_type == "Gather" and self.constant(node.input[1]) is not None:
            chosen = np.ravel(self.constant(node.input[1]))
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            given = self._width(node.input[0])
            if axis == 1 and given is not None and place < len(chosen):
                return self.sources(node.input[0], int(chosen[place]) % given)
        return None

    def _of_concat(self, node: onnx.NodeProto, place: int) -> frozenset[str] | None:
        for given in node.input:
            width = self._width(given)
            if width is None:
                return None
            if place < width:
                return self.sources(given, place)
            place -= width
        return None

    def _width(self, name: str) -> int | None:
        return len(self.columns[name]) if name in self.columns else self.widths.get(name)

    def _aligned(self, name: str, width: int | None, place: int) -> int | None:
        own = self._width(name)
        return place if own == width else 0 if own == 1 else None


def reads(node: onnx.NodeProto) -> set[str]:
    """The values that a node and its subgraphs read."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            names |= {output.name for output in attribute.g.output}
            for inner in attribute.g.node:
                names |= reads(inner)
    return names
