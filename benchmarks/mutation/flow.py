"""Where a changed value can be seen: the columns that are functions of one tensor's column alone."""

from __future__ import annotations

from enum import IntEnum

import onnx

from mutation.values import Knowledge
from onnxtwin.exporters.analysis.graph import Graph, attribute, reads

ENTRYWISE = {
    *("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mod", "Where", "And", "Or", "Not", "Neg", "Abs"),
    *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "IsNaN", "IsInf", "Cast", "Exp", "Log"),
    *("Sqrt", "Floor", "Ceil", "Round", "Sin", "Cos", "Reciprocal", "Clip", "LabelEncoder", "Identity"),
}
"""Operators whose answer in a column depends on that column of each input (or on its only column)."""


class Kind(IntEnum):
    """What a column depends on."""

    CONSTANT = 0
    APART = 1
    """Not on the cut column, but on the row."""
    PURE = 2
    """On the cut column, and on nothing else of the row."""
    MIXED = 3


class Flow:
    """Each column of each tensor, seen from one column of one tensor.

    Every operator works row by row, so what happens in other rows is of no account.

    Parameters
    ----------
    cut : the tensor that is taken as given; ``column`` of it (all of it where the column is None).
    """

    def __init__(self, graph: Graph, known: Knowledge, cut: str, column: int | None) -> None:
        self._graph, self._known = graph, known
        self.kinds: dict[str, list[Kind]] = {name: [Kind.CONSTANT] for name in graph.constants}
        self.kinds.update({name: [Kind.APART] for name in graph.inputs})
        self.seen: list[tuple[int, str, list[int]]] = []
        """Node, input and its pure columns, where they meet something else of the row."""
        self._set_cut(cut, column)
        for at, node in enumerate(graph.nodes):
            for name in node.output:
                if name != cut:
                    self.kinds[name] = self._of_node(at, node, name)

    def _set_cut(self, cut: str, column: int | None) -> None:
        width = self._known.widths.get(cut) or 1
        pure = [Kind.PURE if column is None or i == column else Kind.APART for i in range(width)]
        self.kinds[cut] = pure

    def pure(self, name: str) -> list[int]:
        """Columns of a tensor that depend on the cut column alone."""
        return [i for i, kind in enumerate(self.kinds.get(name, [])) if kind == Kind.PURE]

    def _of_node(self, at: int, node: onnx.NodeProto, name: str) -> list[Kind]:
        width = self._known.widths.get(name)
        given = [self._spread(tensor) for tensor in reads(node)]
        if node.op_type == "Concat" and attribute(node, "axis") == 1 and width is not None:
            joined = [kind for columns in given for kind in columns]
            if len(joined) == width:
                return joined
        if node.op_type == "Gather" and attribute(node, "axis") == 1:
            chosen = self._graph.constants.get(node.input[1])
            if chosen is not None and len(given[0]) == self._known.widths.get(node.input[0]):
                return [given[0][int(place)] for place in chosen.ravel()]
        if node.op_type in ENTRYWISE and width is not None and all(len(c) in (1, width) for c in given):
            spread = [columns * width if len(columns) == 1 else columns for columns in given]
            found = [_together(list(kinds)) for kinds in zip(*spread, strict=True)]
        else:
            found = [_together([kind for columns in given for kind in columns])] * (width or 1)
        if Kind.MIXED in found:
            for tensor in dict.fromkeys(reads(node)):
                columns = self.pure(tensor)
                if columns:
                    self.seen.append((at, tensor, columns))
        return found

    def _spread(self, tensor: str) -> list[Kind]:
        kinds = self.kinds.get(tensor, [Kind.CONSTANT])
        width = self._known.widths.get(tensor) or 1
        return kinds * width if len(kinds) == 1 and kinds[0] != Kind.CONSTANT else kinds


def _together(kinds: list[Kind]) -> Kind:
    if Kind.MIXED in kinds or (Kind.PURE in kinds and Kind.APART in kinds):
        return Kind.MIXED
    return max(kinds, default=Kind.CONSTANT)
