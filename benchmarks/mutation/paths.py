"""Ways through the trees of one node: which splits and leaves a row can reach at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx

from mutation.values import Knowledge
from onnxtwin.exporters.analysis.graph import Array, attribute


@dataclass
class Span:
    """What a column still can hold on the way to a node: ``(low, high]``, and whether NaN."""

    low: float = -np.inf
    high: float = np.inf
    nan: bool = True


class Paths:
    """The splits above each split and leaf of a ``TreeEnsemble`` that asks ``x <= threshold`` everywhere."""

    def __init__(self, node: onnx.NodeProto, known: Knowledge) -> None:
        self._known, self._tensor = known, node.input[0]
        self._features = np.array(attribute(node, "nodes_featureids"))
        self._splits = np.asarray(attribute(node, "nodes_splits"), dtype=np.float64)
        tracks = attribute(node, "nodes_missing_value_tracks_true")
        self._nan_true = np.zeros(len(self._splits), bool) if tracks is None else np.array(tracks, bool)
        self._plain = not np.any(attribute(node, "nodes_modes"))
        self._above: dict[tuple[bool, int], tuple[int, bool]] = {}
        for side, name in ((True, "true"), (False, "false")):
            children, ends = attribute(node, f"nodes_{name}nodeids"), attribute(node, f"nodes_{name}leafs")
            for parent, (child, leaf) in enumerate(zip(children, ends, strict=True)):
                self._above[bool(leaf), int(child)] = parent, side

    def leaf_reachable(self, leaf: int) -> bool:
        """Whether some row may end there."""
        return not self._plain or self._possible(self._spans(True, leaf))

    def reachable_with(self, entry: int, value: float) -> bool:
        """Whether some row may come to a split with this value in the column that it asks for."""
        if not self._plain:
            return True
        spans = self._spans(False, entry)
        span = spans.pop(int(self._features[entry]), Span())
        met = span.nan if value != value else span.low < value <= span.high
        return met and self._possible(spans)

    def _possible(self, spans: dict[int, Span]) -> bool:
        for feature, span in spans.items():
            values = self._known.column(self._tensor, feature)
            if not (span.nan and values.nan) and not values.within(span.low, span.high):
                return False
        return True

    def _spans(self, leaf: bool, at: int) -> dict[int, Span]:
        spans: dict[int, Span] = {}
        for parent, true in self._way_up(leaf, at):
            span = spans.setdefault(int(self._features[parent]), Span())
            if true:
                span.high = min(span.high, self._splits[parent])
            else:
                span.low = max(span.low, self._splits[parent])
            span.nan &= bool(self._nan_true[parent]) == true
        return spans

    def _way_up(self, leaf: bool, at: int) -> Iterator[tuple[int, bool]]:
        place = self._above.get((leaf, at))
        while place is not None:
            yield place
            place = self._above.get((False, place[0]))

    def same_way(self, columns: list[int], right: Array, wrong: Array) -> bool:
        """Whether every split sends both values of each pair the same way, ``[pairs, len(columns)]``."""
        if not self._plain:
            return False
        for place, column in enumerate(columns):
            asked = self._features == column
            splits, nan_true = self._splits[asked], self._nan_true[asked]
            ways = [
                np.where(np.isnan(v)[:, None], nan_true, v[:, None] <= splits)
                for v in (right[:, place].astype(np.float64), wrong[:, place].astype(np.float64))
            ]
            if (ways[0] != ways[1]).any():
                return False
        return True
