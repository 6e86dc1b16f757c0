"""Names in the graphs inside of a node (the bodies of loops) and what they read of the graph around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs that a node holds as attributes."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def own_names(graph: onnx.GraphProto) -> list[str]:
    """Every name that the graph itself defines, in the order in which it does."""
    made = [name for node in graph.node for name in node.output if name]
    return [*(i.name for i in graph.input), *(t.name for t in graph.initializer), *made]


def rename_outer(graph: onnx.GraphProto, alias: Mapping[str, str]) -> None:
    """Let a graph inside of a node read other values of the graph around it, in place."""
    own = set(own_names(graph))
    _rename(graph, {name: new for name, new in alias.items() if name not in own})


def read_instead(node: onnx.NodeProto, alias: Mapping[str, str]) -> None:
    """Let a node, and the graphs inside of it, read other values, in place."""
    for i, name in enumerate(node.input):
        node.input[i] = alias.get(name, name)
    for inner in subgraphs(node):
        rename_outer(inner, alias)


def canonical(graph: onnx.GraphProto, level: int = 0) -> onnx.GraphProto:
    """A copy in which the names that it defines itself are numbers, and that bears no name of its own.

    Graphs that compute the same in the same order from the same values around them have equal copies.
    """
    copy = onnx.GraphProto()
    copy.CopyFrom(graph)
    for field in ("name", "doc_string", "value_info"):
        copy.ClearField(field)
    own = {name: f"\0{level}.{i}" for i, name in enumerate(own_names(graph))}
    for entry in (*copy.input, *copy.initializer):
        entry.name = own[entry.name]
    for node in copy.node:
        node.ClearField("name")
        for i, name in enumerate(node.output):
            node.output[i] = own.get(name, name)
    _rename(copy, own)
    for node in copy.node:
        for inner in subgraphs(node):
            inner.CopyFrom(canonical(inner, level + 1))
    return copy


def reads(node: onnx.NodeProto) -> set[str]:
    """Every name that a node reads, in the graphs inside of it too."""
    names = set(node.input)
    for graph in subgraphs(node):
        for inner in graph.node:
            names |= reads(inner)
        names |= {o.name for o in graph.output}
    return names


def _rename(graph: onnx.GraphProto, alias: Mapping[str, str]) -> None:
    for node in graph.node:
        read_instead(node, alias)
    for output in graph.output:
        output.name = alias.get(output.name, output.name)
