"""From recorded outputs to the model file's content: built, verified, merged, named, deterministic bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import spox
from onnx import helper
from spox import Var

from onnxtwin.exporters import fold
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.merging import merge_equal
from onnxtwin.exporters.protect import keep_arithmetic
from onnxtwin.exporters.subgraphs import reads, rename_outer

IR_VERSION = 10
"""What onnxruntime 1.21 reads."""

OPSETS = {"": 20, "ai.onnx.ml": 5, "com.microsoft": 1}


def build(inputs: dict[str, Var], outputs: dict[str, Var]) -> onnx.ModelProto:
    """The spox graph as a model; trees are still placeholders, as copying millions of nodes takes seconds.

    Requires: every input is used or harmless. Ensures: IR and opsets of the oldest supported onnxruntime.
    """
    model = spox.build(inputs, outputs, drop_unused_inputs=False)
    model.ir_version = IR_VERSION
    for entry in model.opset_import:
        limit = OPSETS.get(entry.domain)
        if limit is not None and entry.version > limit:
            raise UnsupportedError(
                f"the graph needs opset {entry.version} of {entry.domain or 'ai.onnx'}, "
                "newer than onnxruntime 1.21 runs"
            )
    return model


def isolate(model: onnx.ModelProto, values: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Let every reader of a recorded value read its real value instead, in place.

    Requires: the outputs ``v0``, ``v1``, ... are identities of the recorded values. Ensures: each output
    answers what its operation makes of the real values of its inputs.

    Returns
    -------
    dict
        The additional inputs to feed.
    """
    graph = model.graph
    recorded = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Identity" and node.output[0].startswith("v")
    }
    feeds: dict[str, np.ndarray] = {}
    alias: dict[str, str] = {}
    for i, value in enumerate(values):
        source = recorded[f"v{i}"].input[0]
        if source not in alias:
            alias[source] = f"r{i}"
            feeds[f"r{i}"] = value
            kind = (
                helper.np_dtype_to_tensor_dtype(value.dtype)
                if value.dtype.kind != "U"
                else onnx.TensorProto.STRING
            )
            graph.input.append(helper.make_tensor_value_info(f"r{i}", kind, None))
    for node in graph.node:
        if node.output[0] in recorded:
            continue
        for i, name in enumerate(node.input):
            node.input[i] = alias.get(name, name)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                rename_outer(attribute.g, alias)
    return feeds


def join_conditions(graph: onnx.GraphProto, names: Sequence[str], joined: str) -> list[int]:
    """Replace the condition outputs ``names`` by one output ``joined``, in place; equal ones count once.

    Requires: equal nodes have been merged. Ensures: ``joined`` is bool ``[N, k]``; the answer says which
    conditions its columns are.
    """
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    kept = {sources.get(name, name): i for i, name in reversed(list(enumerate(names)))}
    positions = sorted(kept.values())
    chosen = [names[i] for i in positions]
    alone = len(chosen) == 1
    joining = (
        helper.make_node("Identity", chosen, [joined])
        if alone
        else helper.make_node("Concat", chosen, [joined], axis=1)
    )
    graph.node.append(joining)
    outputs = [o for o in graph.output if o.name not in names]
    del graph.output[:]
    graph.output.extend(outputs)
    graph.output.append(helper.make_tensor_value_info(joined, onnx.TensorProto.BOOL, ["N", len(positions)]))
    return positions


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    """A single-threaded session that answers the same bits on every call."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def evaluate(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The model's outputs on ``feeds``, in order."""
    return list(session(model).run(None, feeds))


def undeclared_narrowings(outputs: Iterable[Var], declared: set[int]) -> int:
    """How many float64 -> float32 casts the outputs depend on that no code asked for.

    Parameters
    ----------
    declared : ``id`` of the variable info of each declared cast's result.
    """
    todo = [v._var_info for v in outputs]
    seen = {id(v) for v in todo}
    found = 0
    while todo:
        info = todo.pop()
        node = info._op
        inputs = list(node.inputs.get_var_infos().values())
        narrows = node.op_type.identifier == "Cast" and _is(info, np.float32) and _is(inputs[0], np.float64)
        found += narrows and id(info) not in declared
        fresh = [v for v in inputs if id(v) not in seen]
        seen.update(id(v) for v in fresh)
        todo.extend(fresh)
    return found


def _is(info: Any, dtype: Any) -> bool:
    return isinstance(info.type, spox.Tensor) and np.dtype(info.type.dtype) == dtype


def constants_to_initializers(graph: onnx.GraphProto) -> None:
    """Constant nodes become initializers, so that equal ones merge and sessions load them once."""
    kept = []
    for node in graph.node:
        value = next((a for a in node.attribute if a.name == "value"), None)
        if node.op_type == "Constant" and value is not None and node.domain == "":
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value.t)
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def drop_identities(graph: onnx.GraphProto) -> None:
    """Let the producer of a value bear an output's name itself, where an Identity stands between.

    Keeps the Identity where the value is an input, an initializer, or already an output.
    """
    fixed = {v.name for v in [*graph.input, *graph.initializer]} | {o.name for o in graph.output}
    producers = {name: node for node in graph.node for name in node.output}
    alias: dict[str, str] = {}
    kept: list[onnx.NodeProto] = []
    outputs = {o.name for o in graph.output}
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = alias.get(name, name)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                rename_outer(attribute.g, alias)
        if node.op_type != "Identity" or node.domain:
            kept.append(node)
            continue
        source, target = node.input[0], node.output[0]
        if target not in outputs:
            alias[target] = source
        elif source in fixed or source not in producers:
            kept.append(node)
        else:
            producer = producers[source]
            producer.output[list(producer.output).index(source)] = target
            alias[source] = target
            producers[target] = producer
            for other in kept:
                for i, name in enumerate(other.input):
                    if name == source:
                        other.input[i] = target
                for attribute in other.attribute:
                    if attribute.type == onnx.AttributeProto.GRAPH:
                        rename_outer(attribute.g, {source: target})
    del graph.node[:]
    graph.node.extend(kept)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove initializers and nodes that no output depends on."""
    needed = {o.name for o in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(reads(node))
    del graph.node[:]
    graph.node.extend(reversed(kept))
    initializers = [t for t in graph.initializer if t.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(initializers)


def rename(graph: onnx.GraphProto, public: dict[str, str]) -> None:
    """Give inputs and outputs their public names and everything else a number nobody can collide with.

    Ensures: names follow from the structure alone, so equal graphs have equal bytes.
    """
    taken = set(public.values())
    names = dict(public)
    count = 0

    def fresh() -> str:
        nonlocal count
        count += 1
        name = f"_{count}"
        while name in taken:
            count += 1
            name = f"_{count}"
        return name

    def visit(g: onnx.GraphProto) -> None:
        for value in [*g.input, *g.initializer]:
            if value.name not in names:
                names[value.name] = fresh()
        for node in g.node:
            for name in node.output:
                if name and name not in names:
                    names[name] = fresh()
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    visit(attribute.g)

    def apply(g: onnx.GraphProto) -> None:
        for value in [*g.input, *g.initializer, *g.output]:
            value.name = names.get(value.name, value.name)
        for i, node in enumerate(g.node):
            node.name = f"{node.op_type}_{i}"
            for field in (node.input, node.output):
                for k, name in enumerate(field):
                    if name:
                        field[k] = names.get(name, name)
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    apply(attribute.g)

    visit(graph)
    apply(graph)


def merge(model: onnx.ModelProto) -> None:
    """Compute what constants decide and merge what the methods share, in place."""
    constants_to_initializers(model.graph)
    fold.constants(model.graph, model.opset_import, evaluate)
    fold.choices(model.graph, lambda: _shapes(model))
    merge_equal(model.graph)


def _shapes(model: onnx.ModelProto) -> dict[str, fold.Shape]:
    """What onnx infers of shapes: a number a dimension, "N" for the rows, None where it is unknown."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    found: dict[str, fold.Shape] = {}
    for value in [*_inferred(copy).graph.value_info, *model.graph.input]:
        held = value.type.tensor_type
        if held.HasField("shape"):
            found[value.name] = tuple(
                d.dim_value if d.HasField("dim_value") else "N" if d.dim_param == "N" else None
                for d in held.shape.dim
            )
    return found


def finish(
    model: onnx.ModelProto, public: dict[str, str], order: Sequence[str], description: str
) -> onnx.ModelProto:
    """The exported model: named, ordered, with metadata and without anything of this machine."""
    graph = model.graph
    drop_identities(graph)
    drop_unused(graph)
    keep_arithmetic(graph)
    outputs = {public.get(o.name, o.name): o for o in graph.output}
    ordered = [outputs[name] for name in order]
    copies = [onnx.ValueInfoProto.FromString(o.SerializeToString()) for o in ordered]
    del graph.output[:]
    graph.output.extend(copies)
    del graph.value_info[:]
    rename(graph, public)
    for value in [*graph.input, *graph.output]:
        shape = value.type.tensor_type.shape
        if len(shape.dim):
            shape.dim[0].Clear()
            shape.dim[0].dim_param = "N"
    graph.name = "onnxtwin"
    model.producer_name, model.producer_version = "onnxtwin", ""
    model.doc_string = description
    imports = {i.domain: i.version for i in model.opset_import if i.domain in _domains(graph) | {""}} or {
        "": OPSETS[""]
    }
    del model.opset_import[:]
    for domain, version in sorted(imports.items()):
        model.opset_import.append(helper.make_opsetid(domain, version))
    return model


def _domains(graph: onnx.GraphProto) -> set[str]:
    found = {node.domain for node in graph.node}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found |= _domains(attribute.g)
    return {"" if d == "ai.onnx" else d for d in found}


def refuse_unsafe(model: onnx.ModelProto) -> None:
    """Refuse an operator that a supported onnxruntime lacks or answers wrongly for its element types."""
    from onnxtwin.exporters import kernels

    inferred = _inferred(model)
    del model.graph.value_info[:]
    types = {
        v.name: v.type.tensor_type.elem_type
        for v in [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]
    }
    types.update({t.name: t.data_type for t in inferred.graph.initializer})
    for node in inferred.graph.node:
        held = [_type_name(types.get(name, 0)) for name in node.input]
        given = [_type_name(types.get(name, 0)) for name in node.output]
        problem = kernels.unsafe(node.domain, node.op_type, held, given)
        if problem:
            raise UnsupportedError(
                f"operator {node.op_type} of {held} is unsafe: {problem}\n"
                "  way out: report it; nothing was exported"
            )


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with what onnx infers of types and shapes, which it cannot do beyond 2 GB."""
    _type_tokens(model.graph)  # onnx knows no type for these, and LabelEncoder's inference crashes on none
    if model.ByteSize() >= 2**31:
        return model
    return onnx.shape_inference.infer_shapes(model, data_prop=False)


def _type_tokens(graph: onnx.GraphProto) -> None:
    """Declare the outputs of com.microsoft operators, all of which are matrices of text."""
    for node in graph.node:
        if node.domain == "com.microsoft":
            graph.value_info.append(
                helper.make_tensor_value_info(node.output[0], onnx.TensorProto.STRING, [None, None])
            )
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _type_tokens(attribute.g)


def _type_name(elem_type: int) -> str:
    return onnx.TensorProto.DataType.Name(elem_type).lower() if elem_type else ""


def to_bytes(model: onnx.ModelProto) -> bytes:
    """Deterministic serialisation."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content
