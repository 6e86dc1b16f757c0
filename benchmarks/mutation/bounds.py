"""How far a small change of one column can move the answers, bounded operator by operator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from mutation.flow import Flow, Kind
from mutation.paths import Paths
from mutation.values import Knowledge
from onnxtwin.exporters.analysis.graph import DOMAIN_OUTPUT, Array, Graph, attribute

Delta = NDArray[np.float64]
"""Largest change of each column of a tensor; one entry where its columns are not told apart."""


class Bounds:
    """Bounds of what differs between two runs that differ in one column of one tensor.

    Attributes
    ----------
    largest : bound of the change of any answer; None where there is none, or a choice might fall otherwise.
    """

    def __init__(
        self,
        graph: Graph,
        known: Knowledge,
        flow: Flow,
        right: Mapping[str, Array],
        wrong: Mapping[str, Array],
        link: float | None,
    ) -> None:
        self._graph, self._known, self._flow = graph, known, flow
        self._right, self._wrong, self._link = right, wrong, link
        self._deltas: dict[str, Delta] = {}
        self._linked = 0.0
        self.largest = self._answers()

    def _answers(self) -> float | None:
        for name in self._right:
            delta = self._measured(name)
            if delta is None:
                return None
            self._deltas[name] = delta
        for at, node in enumerate(self._graph.nodes):
            kinds = {kind for name in node.output for kind in self._flow.kinds[name]}
            if Kind.MIXED not in kinds and node.op_type != "Concat":
                continue
            given = [self._deltas.get(name) for name in node.input]
            if all(delta is None or not delta.any() for delta in given):
                continue
            delta = self._through(node, given)
            if delta is None:
                if self._link is None or at not in self._graph.live:
                    return None
                self._linked = max(self._linked, *(float(d.max()) for d in given if d is not None))
                continue
            for name in node.output:
                self._deltas[name] = np.maximum(delta, self._deltas[name]) if name in self._deltas else delta
        if self._deltas.get(DOMAIN_OUTPUT, np.zeros(1)).any():
            return None
        outputs = [float(self._deltas[name].max()) for name in self._graph.outputs if name in self._deltas]
        return max([*outputs, self._linked * (self._link or 0.0)])

    def _measured(self, name: str) -> Delta | None:
        a, b = self._right[name], self._wrong[name]
        columns = self._flow.pure(name)
        width = self._known.widths.get(name) or 1
        delta = np.zeros(width)
        for column in columns:
            x, y = (side.reshape(len(side), -1)[:, column] for side in (a, b))
            if x.dtype.kind != "f":
                if (x != y).any():
                    return None
                continue
            with np.errstate(invalid="ignore"):
                gap = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
            if not np.isfinite(gap).all():
                return None
            delta[column] = gap.max(initial=0.0)
        return delta

    def _through(self, node: onnx.NodeProto, given: list[Delta | None]) -> Delta | None:
        zero = np.zeros(1)
        deltas = [zero if delta is None else delta for delta in given]
        width = self._known.widths.get(node.output[0])
        if node.op_type == "Concat" and attribute(node, "axis") == 1:
            return np.concatenate(
                [
                    np.broadcast_to(d, self._known.widths.get(name) or 1)
                    for d, name in zip(deltas, node.input, strict=True)
                ]
            )
        if node.op_type in ("Squeeze", "Unsqueeze", "Reshape", "Transpose", "Identity", "Gather"):
            return np.full(width or 1, deltas[0].max())
        if node.op_type == "Cast" and attribute(node, "to") == TensorProto.DOUBLE:
            return deltas[0]
        if node.op_type in ("Add", "Sub"):
            return deltas[0] + deltas[1]
        if node.op_type == "CumSum":
            return np.full(width or 1, deltas[0].sum() if len(deltas[0]) > 1 else deltas[0][0] * 10_000)
        if node.op_type == "TreeEnsemble":
            return zero if self._same_leaves(node) else None
        constant = self._constant(node.input[1]) if len(node.input) > 1 else None
        if constant is None:
            return None
        if node.op_type == "Mul":
            return deltas[0] * np.abs(constant).ravel()
        if node.op_type == "Div":
            return deltas[0] / np.abs(constant).ravel()
        if node.op_type == "MatMul" and len(deltas[0]) == len(constant):
            return np.asarray(deltas[0] @ np.abs(constant))
        return None

    def _constant(self, name: str) -> Array | None:
        node = self._graph.node_of(name)
        if node is not None and node.op_type == "Unsqueeze":
            own, axes = (self._graph.constants.get(given) for given in node.input)
            return None if own is None or axes is None else np.expand_dims(own, tuple(axes.ravel().tolist()))
        return self._graph.constants.get(name)

    def _same_leaves(self, node: onnx.NodeProto) -> bool:
        name = node.input[0]
        if Kind.MIXED in self._flow.kinds[name] or name not in self._right:
            return False
        columns = self._flow.pure(name)
        return Paths(node, self._known).same_way(
            columns, self._right[name][:, columns], self._wrong[name][:, columns]
        )
