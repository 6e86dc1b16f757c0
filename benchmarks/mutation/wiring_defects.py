"""Defects of the wiring: columns, types, classes, branches, and the numbers of linear models."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import onnx
from onnx import TensorProto

from mutation.graphs import fresh
from mutation.site import Change, Replaced, Site, column_of, operator, set_input, swap_rows
from mutation.value_defects import is_imputation
from onnxtwin.exporters.analysis.graph import Graph, attribute

LIMIT_MOVE = 1e-3
"""Relative move of a clip limit and of a branch's constant."""

COEFFICIENT_MOVE = 1e-6
"""Relative move of a number that a step multiplies by, divides by, adds or subtracts."""

MOST = 30
"""Pairs that one list of columns or classes is drawn from."""


@operator
def columns_swapped(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """Two inputs of the graph, two parts of a table or two columns chosen from it change places."""
    types = graph.element_types
    pairs = [(a, b) for a, b in combinations(graph.inputs, 2) if types[a] == types[b]]
    for a, b in _some(pairs, rng):
        yield Site(
            "a column swapped",
            f"inputs {a!r} and {b!r}",
            _swap_tensors(a, b),
            0,
            swapped=((a, None), (b, None)),
        )
    for at, node in enumerate(graph.nodes):
        if node.op_type == "Concat" and attribute(node, "axis") == 1:
            both = [
                (a, b)
                for a, b in combinations(range(len(node.input)), 2)
                if node.input[a] != node.input[b] and types.get(node.input[a]) == types.get(node.input[b])
            ]
            for i, j in _some(both, rng):
                yield Site(
                    "a column swapped",
                    f"node {at} Concat, inputs {i} and {j}",
                    _swap_inputs(at, i, j),
                    at,
                    swapped=_parts(graph, node, i, j),
                )
        elif node.op_type == "Gather" and attribute(node, "axis") == 1 and node.input[1] in graph.constants:
            chosen = graph.constants[node.input[1]]
            if chosen.ndim == 1 and chosen.size > 1:
                for i, j in _some(list(combinations(range(chosen.size), 2)), rng):
                    if chosen[i] != chosen[j]:
                        yield Site(
                            "a column swapped",
                            f"node {at} Gather, columns {i} and {j}",
                            swap_rows(at, 1, i, j),
                            at,
                        )


def _some(pairs: list, rng: np.random.Generator) -> list:
    return [pairs[i] for i in rng.permutation(len(pairs))[:MOST]]


def _parts(graph: Graph, node: onnx.NodeProto, i: int, j: int) -> tuple[tuple[str, int | None], ...]:
    """The two columns of a Concat's answer that change places; none where its inputs are not all columns."""
    if all(graph.widths.get(name) == 1 for name in node.input):
        return (node.output[0], i), (node.output[0], j)
    return ()


def _swap_tensors(a: str, b: str) -> Change:
    other = {a: b, b: a}

    def change(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            for position, name in enumerate(node.input):
                node.input[position] = other.get(name, name)

    return change


def _swap_inputs(at: int, i: int, j: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        names = model.graph.node[at].input
        names[i], names[j] = names[j], names[i]

    return change


@operator
def casts_inserted(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """A float64 tensor that goes through float32 on its way to one reader."""
    for at, node in enumerate(graph.nodes):
        for position, name in enumerate(node.input):
            if graph.element_types.get(name) == TensorProto.DOUBLE and name not in graph.constants:
                yield Site(
                    "a cast to float32 inserted",
                    f"node {at} {node.op_type}, input {position}",
                    _cast(at, position),
                    at,
                    entry=position,
                )


def _cast(at: int, position: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[at]
        narrow, wide = fresh(model, "float32"), fresh(model, "float64")
        casts = [
            onnx.helper.make_node("Cast", [node.input[position]], [narrow], to=TensorProto.FLOAT),
            onnx.helper.make_node("Cast", [narrow], [wide], to=TensorProto.DOUBLE),
        ]
        node.input[position] = wide
        for offset, cast in enumerate(casts):
            model.graph.node.insert(at + offset, cast)

    return change


@operator
def classes_reordered(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """Two class labels, or the columns of two classes, change places."""
    for at, node in enumerate(graph.nodes):
        labels = graph.constants.get(node.input[0]) if node.op_type == "Gather" else None
        if labels is not None and labels.ndim == 1 and "predict" in node.output:
            for i, j in combinations(range(labels.size), 2):
                yield Site(
                    "a class order changed",
                    f"labels {labels[i]!r} and {labels[j]!r}",
                    swap_rows(at, 0, i, j),
                    at,
                )
    for entry in graph.model.graph.output:
        width = entry.type.tensor_type.shape.dim[-1].dim_value
        if entry.name in ("predict_proba", "decision_function") and width > 1:
            for i, j in combinations(range(width), 2):
                at = graph.producer[entry.name]
                yield Site(
                    "a class order changed",
                    f"{entry.name} columns {i} and {j}",
                    _swap_output(entry.name, i, j),
                    at,
                )


def _swap_output(name: str, i: int, j: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        width = next(o for o in graph.output if o.name == name).type.tensor_type.shape.dim[-1].dim_value
        order = np.arange(width)
        order[[i, j]] = j, i
        inner, indices = fresh(model, "unordered"), fresh(model, "order")
        for node in graph.node:
            for names in (node.input, node.output):
                for position, known in enumerate(names):
                    if known == name:
                        names[position] = inner
        graph.initializer.append(onnx.numpy_helper.from_array(order, indices))
        graph.node.append(onnx.helper.make_node("Gather", [inner, indices], [name], axis=1))

    return change


@operator
def clip_limits(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """A limit of Clip, Min or Max, or the value that stands in beyond a comparison, moved."""
    for at, node in enumerate(graph.nodes):
        if node.op_type in ("Min", "Max", "Clip"):
            places = [i for i, name in enumerate(node.input) if name in graph.constants]
        elif _clips(graph, node):
            places = [1]
        else:
            continue
        for position in places:
            constant = graph.constants[node.input[position]]
            for entry, value in enumerate(constant.ravel()):
                after = _relatively_moved(value, LIMIT_MOVE * rng.choice([-1, 1]))
                yield Site(
                    "a clip limit moved",
                    f"node {at} {node.op_type}, limit {entry}: {value!r} to {after!r}",
                    set_input(at, position, entry, after),
                    at,
                    entry=entry,
                    replaced=None
                    if node.op_type != "Where"
                    else Replaced(node.output[0], column_of(constant, entry), ((value, after),)),
                )


def _clips(graph: Graph, node: onnx.NodeProto) -> bool:
    """``Where(x < c, c, x)`` and the like."""
    if node.op_type != "Where" or node.input[1] not in graph.constants:
        return False
    asks = graph.node_of(node.input[0])
    return (
        asks is not None
        and asks.op_type in ("Less", "Greater", "LessOrEqual", "GreaterOrEqual")
        and (set(asks.input) == {node.input[1], node.input[2]})
    )


def _relatively_moved(value: np.generic, relative: float) -> np.generic:
    if isinstance(value, np.integer):
        return value + (1 if relative > 0 else -1)
    size = abs(value) if np.isfinite(value) and value != 0 else 1.0
    return type(value)(value + size * relative if np.isfinite(value) else 1.0)


@operator
def branches(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """The constant in one branch of a Where altered; the two branches exchanged."""
    for at, node in enumerate(graph.nodes):
        if node.op_type != "Where":
            continue
        yield Site("the branches of a condition exchanged", f"node {at}", _swap_inputs(at, 1, 2), at)
        if is_imputation(graph, node) or _clips(graph, node):
            continue
        for position in (1, 2):
            constant = graph.constants.get(node.input[position])
            if constant is None or constant.dtype.kind not in "fi":
                continue
            for entry, value in enumerate(constant.ravel()[:MOST]):
                after = _relatively_moved(value, LIMIT_MOVE)
                yield Site(
                    "a branch's leaf altered",
                    f"node {at} Where, constant {entry}: {value!r} to {after!r}",
                    set_input(at, position, entry, after),
                    at,
                    entry=entry,
                    replaced=Replaced(node.output[0], column_of(constant, entry), ((value, after),)),
                )


@operator
def coefficients(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """A number of a linear step changed by a millionth; an intercept or a mean lost."""
    for at, node in enumerate(graph.nodes):
        if node.op_type not in ("MatMul", "Gemm", "Mul", "Div", "Add", "Sub"):
            continue
        for position, name in enumerate(node.input):
            constant = graph.constants.get(name)
            if constant is None or constant.dtype.kind != "f":
                continue
            for entry in rng.permutation(constant.size)[:MOST]:
                value = constant.ravel()[entry]
                if value == 0 or not np.isfinite(value):
                    continue
                after = _relatively_moved(value, COEFFICIENT_MOVE * rng.choice([-1, 1]))
                yield Site(
                    "a coefficient changed by a millionth",
                    f"node {at} {node.op_type}, constant {entry}: {value!r} to {after!r}",
                    set_input(at, position, entry, after),
                    at,
                    entry=int(entry),
                )
                if node.op_type in ("Add", "Sub"):
                    yield Site(
                        "an intercept or a mean lost",
                        f"node {at} {node.op_type}, constant {entry}: {value!r} to 0",
                        set_input(at, position, entry, type(value)(0)),
                        at,
                        entry=int(entry),
                    )
