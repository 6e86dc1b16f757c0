"""A place where one defect can be planted in a graph, and how a defect is planted there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from mutation.graphs import set_attribute, set_constant
from onnxtwin.exporters.analysis.graph import Array, Graph, attribute

Change = Callable[[onnx.ModelProto], None]


@dataclass(frozen=True)
class Affected:
    """When a defect can show at all: only in rows where a tensor's column has one of these values.

    Attributes
    ----------
    tensor : name of the tensor, as it is before the defect takes effect.
    column : of the tensor; None for any.
    values : the values, NaN among them.
    """

    tensor: str
    column: int | None
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Replaced:
    """What a defect does: where it shows, a column of a tensor holds another value than it should.

    Attributes
    ----------
    pairs : right and wrong value.
    """

    tensor: str
    column: int | None
    pairs: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Site:
    """A place for one defect.

    Attributes
    ----------
    kind : of defect.
    where : the place and what is done there, for a person.
    change : plants it, in place.
    affected : when it can show, where that is known.
    replaced : what it does, where that is known.
    swapped : columns of tensors that change places.
    node : position of the changed node; ``entry`` of it: tree node or leaf.
    """

    kind: str
    where: str
    change: Change
    node: int
    affected: Affected | None = None
    entry: int | None = None
    swapped: tuple[tuple[str, int | None], ...] = ()
    replaced: Replaced | None = None


Operator = Callable[[Graph, np.random.Generator], Iterator[Site]]
OPERATORS: list[Operator] = []


def operator(function: Operator) -> Operator:
    """Register a mutation operator."""
    OPERATORS.append(function)
    return function


def plant(model: onnx.ModelProto, site: Site) -> onnx.ModelProto:
    """A copy of the model with the one defect."""
    mutant = onnx.ModelProto()
    mutant.CopyFrom(model)
    site.change(mutant)
    return mutant


def set_entry(at: int, name: str, entry: int, value: Any) -> Change:
    """One entry of a node's attribute gets another value."""

    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[at]
        values = attribute(node, name)
        changed = values.copy() if isinstance(values, np.ndarray) else list(values)
        changed[entry] = value
        set_attribute(node, name, changed)

    return change


def set_input(at: int, position: int, entry: int, value: Any) -> Change:
    """One entry of a constant gets another value, for this node alone."""

    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[at]
        constant = Graph(model).constants[node.input[position]].copy()
        constant.ravel()[entry] = value
        set_constant(model, node, position, constant)

    return change


def swap_rows(at: int, position: int, a: int, b: int) -> Change:
    """Two entries (or rows) of a constant change places, for this node alone."""

    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[at]
        constant = Graph(model).constants[node.input[position]].copy()
        constant[[a, b]] = constant[[b, a]]
        set_constant(model, node, position, constant)

    return change


def moved(value: Any, up: bool) -> Any:
    """The next representable value; of an integer the next one."""
    if isinstance(value, np.integer):
        return value + (1 if up else -1)
    return np.nextafter(value, type(value)(np.inf if up else -np.inf))


def column_of(constant: Array, entry: int) -> int | None:
    """The column that a constant's entry meets; None where the shape leaves it open."""
    if constant.ndim == 1 and constant.size > 1:
        return entry
    return 0 if constant.size == 1 else None
