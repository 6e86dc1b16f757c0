"""Computes at export what no row can change: operators on constants, and choices that are already made.

Code that guards against values which a parameter might have (a divisor of zero, a table without an end)
records the guard whatever the parameter is. Here it disappears: the graph holds only what some row needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnxtwin.exporters.subgraphs import read_instead

Shape = tuple[int | str | None, ...]
"""A number a dimension, a symbol where it is known to be the same dimension as others, None where unknown."""

# Operators that answer the same bits on every machine; a sum or an exponential follows the processor.
_EXACT = frozenset(
    {"Abs", "Add", "And", "Concat", "Div", "Equal", "Gather", "Greater", "GreaterOrEqual", "IsNaN", "Less"}
    | {"LessOrEqual", "Max", "Min", "Mul", "Neg", "Not", "Or", "Reciprocal", "Reshape", "Slice", "Squeeze"}
    | {"Sub", "Transpose", "Unsqueeze", "Where", "Xor"}
)

_LIMIT = 4096
"""Elements: a larger constant is left to the runtime, which computes it when it loads the graph."""

_NUMBERS = (onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64, onnx.TensorProto.BOOL, onnx.TensorProto.INT32)


def constants(
    graph: onnx.GraphProto, opsets: Iterable[onnx.OperatorSetIdProto], run: Callable[..., list[np.ndarray]]
) -> None:
    """Replace what small constants alone decide by its value, in place.

    Requires: nodes in topological order, constants as initializers. Ensures: the same outputs; nodes
    with subgraphs and graph outputs are kept as they are.

    Parameters
    ----------
    run : answers the outputs of a model without inputs, as the runtime computes them.
    """
    held = {
        t.name: t for t in graph.initializer if t.data_type in _NUMBERS and int(np.prod(t.dims)) <= _LIMIT
    }
    outputs = {o.name for o in graph.output}
    known = set(held)
    chosen: list[onnx.NodeProto] = []
    for node in graph.node:
        exact = node.op_type in _EXACT and not node.domain and node.output[0] not in outputs
        if exact and all(name in known for name in node.input if name) and _no_trap(node, held):
            chosen.append(node)
            known.update(node.output)
    if not chosen:
        return
    names = [node.output[0] for node in chosen]
    wanted = [onnx.ValueInfoProto(name=name) for name in names]
    read = {name for node in chosen for name in node.input} & set(held)
    alone = helper.make_graph(chosen, "constants", [], wanted, [held[name] for name in sorted(read)])
    values = run(helper.make_model(alone, opset_imports=list(opsets), ir_version=10), {})
    folded = {
        name: numpy_helper.from_array(np.asarray(value), name)
        for name, value in zip(names, values, strict=True)
        if value.size <= _LIMIT
    }
    kept = [node for node in graph.node if node.output[0] not in folded]
    _replace(graph, kept)
    graph.initializer.extend(folded.values())


def _no_trap(node: onnx.NodeProto, held: dict[str, onnx.TensorProto]) -> bool:
    """An integer division ends the process at zero, and at the least integer by -1."""
    if node.op_type != "Div":
        return True
    divisor = held.get(node.input[1])
    if divisor is None:
        return False
    value = numpy_helper.to_array(divisor)
    return value.dtype.kind == "f" or not np.isin(value, (0, -1)).any()


def choices(graph: onnx.GraphProto, shapes: Callable[[], dict[str, Shape]]) -> None:
    """Let a ``Where`` whose condition is constant be the branch that it takes, in place.

    Requires: nodes in topological order. Ensures: the same outputs, of the same shapes: the branch is taken
    only if the shapes of condition and other branch are known not to widen it.

    Parameters
    ----------
    shapes : the known shapes of values by name; asked only if some condition is constant.
    """
    held = {t.name: t for t in graph.initializer}
    outputs = {o.name for o in graph.output}
    decided = [n for n in graph.node if n.op_type == "Where" and not n.domain and n.input[0] in held]
    if not decided:
        return
    known = shapes() | {name: tuple(t.dims) for name, t in held.items()}
    alias: dict[str, str] = {}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        read_instead(node, alias)
        taken = _taken(node, held, known) if node in decided else None
        if taken is None:
            kept.append(node)
        elif node.output[0] in outputs:
            kept.append(helper.make_node("Identity", [taken], [node.output[0]]))
        else:
            alias[node.output[0]] = taken
    _replace(graph, kept)


def _taken(node: onnx.NodeProto, held: dict[str, onnx.TensorProto], known: dict[str, Shape]) -> str | None:
    condition = numpy_helper.to_array(held[node.input[0]])
    if not condition.size or condition.any() != condition.all():
        return None
    branch, other = (1, 2) if condition.all() else (2, 1)
    shape = known.get(node.input[branch])
    name: str = node.input[branch]
    return name if all(_fits(known.get(node.input[i]), shape) for i in (0, other)) else None


def _fits(shape: Shape | None, into: Shape | None) -> bool:
    """Whether a value of ``shape`` broadcasts to ``into`` without widening it."""
    if shape == ():
        return True
    if shape is None or into is None or len(shape) > len(into):
        return False
    aligned = into[len(into) - len(shape) :]
    return all(a == 1 or a is not None and a == b for a, b in zip(shape, aligned, strict=True))


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
