"""Equal parts of a graph are computed once: nodes that do the same to the same, and equal constants."""

from __future__ import annotations

import hashlib

import onnx

from onnxtwin.exporters.subgraphs import canonical, read_instead


def merge_equal(graph: onnx.GraphProto) -> None:
    """Merge nodes that compute the same from the same, and initializers with the same content, in place.

    Requires: nodes in topological order. Ensures: the same outputs; two methods of a pipeline share their
    preprocessing. Loops are equal if their bodies are, whatever the values in them are called.
    """
    alias: dict[str, str] = {}
    contents: dict[bytes, str] = {}
    kept_initializers: list[onnx.TensorProto] = []
    for tensor in graph.initializer:
        key = hashlib.sha256(_content(tensor)).digest()
        if key in contents:
            alias[tensor.name] = contents[key]
        else:
            contents[key] = tensor.name
            kept_initializers.append(tensor)
    outputs = {o.name for o in graph.output}
    known: dict[bytes, onnx.NodeProto] = {}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        read_instead(node, alias)
        key = _node_key(node)
        same = known.get(key)
        if same is None or any(name in outputs for name in node.output):
            known.setdefault(key, node)
            kept.append(node)
            continue
        alias.update(zip(node.output, same.output, strict=True))
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(kept_initializers)


def _content(tensor: onnx.TensorProto) -> bytes:
    copy = onnx.TensorProto()
    copy.CopyFrom(tensor)
    copy.ClearField("name")
    content: bytes = copy.SerializeToString(deterministic=True)
    return content


def _node_key(node: onnx.NodeProto) -> bytes:
    digest = hashlib.sha256(f"{node.domain}\0{node.op_type}\0{len(node.output)}\0".encode())
    digest.update("\0".join(node.input).encode())
    for attribute in sorted(node.attribute, key=lambda a: a.name):
        if attribute.type == onnx.AttributeProto.GRAPH:
            digest.update(f"{attribute.name}\0".encode())
            digest.update(canonical(attribute.g).SerializeToString(deterministic=True))
        else:
            digest.update(attribute.SerializeToString(deterministic=True))
    return digest.digest()
