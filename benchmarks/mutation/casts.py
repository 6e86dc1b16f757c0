"""Why a cast to float32 cannot show: the values are float32 already, or nothing asks for what it loses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto

from mutation.site import Site
from mutation.values import Knowledge, Values
from onnxtwin.exporters.analysis.graph import Graph, attribute

CAST = "a cast to float32 inserted"

MOVES_ONLY = (
    "Concat",
    "Gather",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Slice",
    "Identity",
    "Expand",
)
"""Operators that only move values about: they commute with a cast of every entry."""


class Casts:
    """Proofs about casts in one graph.

    Parameters
    ----------
    idle : whether nothing reads a column of a tensor.
    """

    def __init__(self, graph: Graph, known: Knowledge, idle: Callable[[str, int | None], bool]) -> None:
        self._graph, self._known, self._idle = graph, known, idle

    def idle(self, site: Site) -> str | None:
        """Why a cast cannot show; None if that is not proven."""
        if site.kind != CAST or site.entry is None:
            return None
        node = self._graph.nodes[site.node]
        tensor = node.input[site.entry]
        if all(_fits_float32(values) for values in self._known.columns.get(tensor, [Values()])):
            return "every value that it meets is a float32"
        if node.op_type == "Concat" and attribute(node, "axis") == 1:
            widths = [self._known.widths.get(name) or 0 for name in node.input]
            start = sum(widths[: site.entry])
            if all(self._idle(node.output[0], start + i) for i in range(widths[site.entry])):
                return "nothing reads the columns"
        moves = node.op_type in MOVES_ONLY or (node.op_type == "Where" and site.entry > 0)
        if node.op_type == "IsNaN" or (moves and self._ends_in_float32(node.output[0])):
            return "the values are cast to float32 further on, or only asked whether they are NaN"
        if self._one_beyond(node):
            return "the quotient of what float32 does not hold is the 1 that stands in for it"
        if node.op_type == "Cast" and attribute(node, "to") == TensorProto.FLOAT:
            return "the values are cast to float32 there anyhow"
        whole = self._known.together(tensor)
        if (
            whole.integer
            and self._known.widths.get(tensor) == 1
            and not self._told_apart(site.node, tensor, 0)
        ):
            return "of whole numbers beyond 2^24 no tree asks more than that"
        return None

    def _one_beyond(self, node: onnx.NodeProto) -> bool:
        """Whether the node asks if ``y = x + 1`` is infinite, to choose 1 for ``x / (y - 1)``, only.

        A cast makes numbers from 2**127 on infinite; there x + 1 is x, y - 1 is y, and the quotient is 1.
        """
        y, readers = node.input[0], self._graph.readers.get(node.output[0], [])
        added = self._graph.node_of(y)
        if node.op_type != "Equal" or not self._is(node.input[1], np.inf) or not readers:
            return False
        if added is None or added.op_type != "Add" or not self._is(added.input[1], 1.0):
            return False
        for at in readers:
            choice = self._graph.nodes[at]
            if choice.op_type != "Where" or choice.input[0] != node.output[0]:
                return False
            quotient = self._graph.node_of(choice.input[2])
            if quotient is None or quotient.op_type != "Div" or not self._is(choice.input[1], 1.0):
                return False
            less = self._graph.node_of(quotient.input[1])
            if less is None or less.op_type != "Sub" or quotient.input[0] != added.input[0]:
                return False
            if less.input[0] != y or not self._is(less.input[1], 1.0):
                return False
        return node.output[0] not in self._graph.outputs

    def _is(self, name: str, value: float) -> bool:
        constant = self._graph.constants.get(name)
        if constant is None or constant.size != 1 or constant.dtype.kind != "f":
            return False
        return float(constant.ravel()[0]) == value

    def _told_apart(self, at: int, tensor: str, column: int) -> bool:
        """Whether a node could tell a whole number beyond 2^24 from the float32 next to it.

        Rounding keeps the order and leaves 2^24 where it is, so a limit below it divides them alike.
        """
        node = self._graph.nodes[at]
        if node.op_type in ("IsNaN", "IsInf"):
            return False
        if node.op_type == "TreeEnsemble":
            asked = np.array(attribute(node, "nodes_featureids")) == column
            limits = np.abs(attribute(node, "nodes_splits"))[asked]
            return bool(np.any(attribute(node, "nodes_modes")) or not (limits < 2.0**24).all())
        places = self._places(node, tensor, column)
        if places is None or node.output[0] in self._graph.outputs:
            return True
        readers = self._graph.readers.get(node.output[0], [])
        return any(self._told_apart(reader, node.output[0], place) for reader in readers for place in places)

    def _places(self, node: onnx.NodeProto, tensor: str, column: int) -> list[int] | None:
        """Columns of a node's answer that are just this column; None where it does more than move columns."""
        if node.op_type not in ("Concat", "Gather") or attribute(node, "axis") != 1:
            return None
        if node.op_type == "Gather":
            chosen = self._graph.constants.get(node.input[1])
            if chosen is None or chosen.ndim != 1 or (chosen < 0).any():
                return None
            return np.flatnonzero(chosen == column).tolist()
        widths = [self._known.widths.get(name) for name in node.input]
        if None in widths:
            return None
        starts = np.cumsum([0, *(width or 0 for width in widths)])
        return [
            int(start) + column for start, name in zip(starts, node.input, strict=False) if name == tensor
        ]

    def _ends_in_float32(self, tensor: str) -> bool:
        if tensor in self._graph.outputs:
            return False
        for at in self._graph.readers.get(tensor, []):
            reader = self._graph.nodes[at]
            if reader.op_type == "IsNaN":
                continue
            if reader.op_type == "Cast" and attribute(reader, "to") == TensorProto.FLOAT:
                continue
            chosen = reader.op_type == "Where" and reader.input[0] != tensor
            if not (chosen or reader.op_type in MOVES_ONLY) or not self._ends_in_float32(reader.output[0]):
                return False
        return True


def _fits_float32(values: Values) -> bool:
    if values.single:
        return True
    return values.integer and max(abs(values.low), abs(values.high)) <= 2.0**24
