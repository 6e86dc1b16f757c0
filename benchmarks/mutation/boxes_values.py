"""Which values never come to one column of one tensor, by boxes of the rows that it is computed from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from mutation.boxes import Boxes, Search
from mutation.boxes_pairs import NotFollowedError, Pair, State
from mutation.cutting import Tensors
from onnxtwin.exporters.analysis.graph import DOMAIN_OUTPUT, Array, Graph, reads
from onnxtwin.exporters.signature import Signature


class Arrivals:
    """What comes to one tensor of a graph, in rows that the graph's domain lets through."""

    def __init__(self, graph: Graph, signature: Signature, row: Tensors, tensor: str) -> None:
        self._tensor = tensor
        above = Graph(_above(graph, tensor))
        boxes = Boxes(above, signature, row)
        try:
            self._search: _Arriving | None = _Arriving(boxes, boxes.pair(above.model), tensor)
        except NotFollowedError:
            self._search = None

    def never(self, column: int, value: float) -> bool:
        """Whether a value (NaN is one) is proven to come to a column in no row; False if it is not."""
        if self._search is None or self._tensor not in self._search.root:
            return False
        return self._search.never(column, value)


class _Arriving(Search):
    """A search whose boxes are settled where a value cannot come to a column."""

    def __init__(self, boxes: Boxes, pair: Pair, tensor: str) -> None:
        super().__init__(boxes, pair, None)
        self._tensor, self._column, self._value = tensor, 0, 0.0

    def never(self, column: int, value: float) -> bool:
        """Whether no row brings the value."""
        self._column, self._value = column, value
        if not self._open(self.root, 1).any():
            return True
        return any(self._covered(places) for places in self._cuts())

    def _above(self) -> list[str]:
        waiting, found = [self._tensor], list[str]()
        while waiting:
            name = waiting.pop(0)
            node = self._graph.node_of(name)
            given = [] if node is None else [n for n in reads(node) if n in self.root and n not in found]
            found += given
            waiting += given
        return [name for name in dict.fromkeys(found) if name not in self._pair.constants]

    def _open(self, states: Mapping[str, State], boxes: int) -> Array:
        held = states[self._tensor].right
        if held.bag or held.lo.ndim != 2 or held.lo.shape[1] <= self._column:
            return np.ones(boxes, bool)
        low, high, nan = (
            np.broadcast_to(a, held.lo.shape)[:, self._column] for a in (held.lo, held.hi, held.nan)
        )
        met = nan if self._value != self._value else (low <= self._value) & (self._value <= high)
        domain = states.get(DOMAIN_OUTPUT)
        if domain is not None:
            never = (domain.right.hi <= 0).reshape(len(domain.right.hi), -1).any(1)
            met = met & ~never
        return np.array(np.broadcast_to(met, boxes))


def _above(graph: Graph, tensor: str) -> onnx.ModelProto:
    """The part of a model that a tensor and the domain are computed by."""
    model = graph.copy()
    wanted = [tensor, *(name for name in graph.outputs if name == DOMAIN_OUTPUT)]
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        at = graph.producer.get(waiting.pop())
        if at is not None and at not in found:
            found.add(at)
            waiting += reads(graph.nodes[at])
    nodes = [model.graph.node[at] for at in sorted(found)]
    kept = onnx.ModelProto()
    kept.CopyFrom(model)
    del kept.graph.node[:], kept.graph.output[:]
    kept.graph.node.extend(nodes)
    kept.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, graph.element_types[name], None) for name in wanted
    )
    return kept
