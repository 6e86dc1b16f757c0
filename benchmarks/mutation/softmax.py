"""What a softmax hides: a number that is subtracted from all of its scores cancels out."""

from __future__ import annotations

import onnx

from mutation.values import Knowledge
from onnxtwin.exporters.analysis.graph import Graph, attribute

LARGEST_SCORE = 1e5
"""Scores up to here leave 2e-11 as the rounding of a difference: a fifth of what is harmless."""


class Softmax:
    """The scores of ``exp(s - m) / sum(exp(s - m))``, and what stands for ``m``."""

    def __init__(self, graph: Graph, known: Knowledge) -> None:
        self._graph, self._known = graph, known

    def shift_cancels(self, node: onnx.NodeProto, entry: int) -> bool:
        """Whether a node's input is only subtracted from all scores of a softmax, which are small numbers.

        Requires: the defect changes it by less than its 2**-23rd part, as a cast to float32 does.
        """
        scores = self._shifted(node, entry)
        if scores is None:
            return False
        values = self._known.together(scores)
        return max(abs(values.low), abs(values.high)) <= LARGEST_SCORE

    def missing_anyhow(self, node: onnx.NodeProto) -> bool:
        """Whether a node's constant shifts the scores only where one is missing: the answers are NaN then."""
        if node.op_type != "Where" or node.input[1] not in self._graph.constants:
            return False
        scores = self._shifted(node, 1)
        name = node.input[0]
        for op_type in ("Cast", "ReduceMax", "Cast", "IsNaN"):
            asks = self._graph.node_of(name)
            if asks is None or asks.op_type != op_type:
                return False
            name = asks.input[0]
        return scores is not None and name == scores

    def _shifted(self, node: onnx.NodeProto, entry: int) -> str | None:
        """The scores that an input of a node is subtracted from, in a softmax and nowhere else."""
        while node.op_type != "Sub":
            moves = node.op_type in ("ReduceMax", "Unsqueeze") and entry == 0
            readers = self._graph.readers.get(node.output[0], [])
            if not (moves or (node.op_type == "Where" and entry > 0)) or len(readers) != 1:
                return None
            if node.output[0] in self._graph.outputs:
                return None
            reader = self._graph.nodes[readers[0]]
            if list(reader.input).count(node.output[0]) != 1:
                return None
            entry, node = list(reader.input).index(node.output[0]), reader
        if entry != 1 or self._known.widths.get(node.input[1]) != 1 or not self._divides(node.output[0]):
            return None
        return None if node.input[0] == node.input[1] else str(node.input[0])

    def _divides(self, shifted: str) -> bool:
        """Whether ``exp`` of the shifted scores is divided by its own sum and read by nothing else."""
        exp = self._only(shifted, ["Exp"])
        both = None if exp is None else self._only(exp[0].output[0], ["CumSum", "Div"])
        if exp is None or both is None or self._axis(both[0].input[1]) != 1:
            return False
        if attribute(both[0], "reverse") or attribute(both[0], "exclusive"):
            return False
        last = self._only(both[0].output[0], ["Gather"])
        if last is None or attribute(last[0], "axis") != 1 or self._axis(last[0].input[1]) != -1:
            return False
        wide = self._only(last[0].output[0], ["Unsqueeze"])
        quotient = None if wide is None else self._only(wide[0].output[0], ["Div"])
        if wide is None or quotient is None:
            return False
        return quotient == [both[1]] and list(both[1].input) == [exp[0].output[0], wide[0].output[0]]

    def _axis(self, name: str) -> int | None:
        constant = self._graph.constants.get(name)
        return None if constant is None or constant.size != 1 else int(constant.ravel()[0])

    def _only(self, tensor: str, op_types: list[str]) -> list[onnx.NodeProto] | None:
        """The readers of a tensor if they are exactly these."""
        readers = [self._graph.nodes[at] for at in self._graph.readers.get(tensor, [])]
        readers.sort(key=lambda node: node.op_type)
        if tensor in self._graph.outputs or [node.op_type for node in readers] != op_types:
            return None
        return readers
