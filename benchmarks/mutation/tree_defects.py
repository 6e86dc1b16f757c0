"""Defects of decision trees: thresholds, comparisons, the way of a NaN, leaves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto

from mutation.site import Affected, Replaced, Site, operator, set_entry
from onnxtwin.exporters.analysis.graph import Graph, attribute


def trees(graph: Graph) -> Iterator[tuple[int, onnx.NodeProto]]:
    """The tree ensembles with their positions."""
    return ((at, node) for at, node in enumerate(graph.nodes) if node.op_type == "TreeEnsemble")


def reads_float32(graph: Graph, name: str) -> bool:
    """Whether a double tensor holds only float32 values, because it was cast from them."""
    node = graph.node_of(name)
    return (
        node is not None
        and node.op_type == "Cast"
        and graph.element_types.get(node.input[0]) == TensorProto.FLOAT
    )


def step(value: float, up: bool, single: bool) -> tuple[float, float]:
    """A threshold moved by one representable value, and that value, which alone changes sides.

    ``x <= t`` changes for the first float32 (or float64) above `t` if it moves up, else for the last below.
    """
    if not single:
        moved = float(np.nextafter(value, np.inf if up else -np.inf))
        return moved, moved if up else value
    near = np.float32(value)
    below = near if float(near) <= value else np.nextafter(near, np.float32(-np.inf))
    if up:
        above = float(np.nextafter(below, np.float32(np.inf)))
        return above, above
    return float(np.nextafter(below, np.float32(-np.inf))), float(below)


@operator
def tree_thresholds(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """A threshold moved by one ulp of the type that the node reads; ``<`` for ``<=``."""
    for at, node in trees(graph):
        splits, features = attribute(node, "nodes_splits"), attribute(node, "nodes_featureids")
        single = reads_float32(graph, node.input[0])
        ups = rng.random(len(splits)) < 0.5
        for entry, split in enumerate(splits):
            if _is_stump(node, entry):
                continue
            feature = int(features[entry])
            after, between = step(float(split), bool(ups[entry]), single)
            yield Site(
                "threshold moved by one ulp",
                f"tree node {entry}, column {feature}: {split!r} to {after!r}",
                set_entry(at, "nodes_splits", entry, after),
                at,
                Affected(node.input[0], feature, (between,)),
                entry,
            )
            yield Site(
                "< or <= exchanged",
                f"tree node {entry}, column {feature}, at {split!r}",
                set_entry(at, "nodes_modes", entry, 1),
                at,
                Affected(node.input[0], feature, (float(split),)),
                entry,
            )


def _is_stump(node: onnx.NodeProto, entry: int) -> bool:
    """Whether this entry stands for a tree that is one leaf: both branches end in equal leaves."""
    weights = attribute(node, "leaf_weights")
    ends = [attribute(node, name)[entry] for name in ("nodes_trueleafs", "nodes_falseleafs")]
    if not all(ends):
        return False
    true, false = (attribute(node, name)[entry] for name in ("nodes_truenodeids", "nodes_falsenodeids"))
    return bool(weights[true] == weights[false])


@operator
def tree_missing(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """A NaN routed the other way."""
    for at, node in trees(graph):
        tracks = attribute(node, "nodes_missing_value_tracks_true")
        if tracks is None:
            continue
        features = attribute(node, "nodes_featureids")
        for entry, track in enumerate(tracks):
            if not _is_stump(node, entry):
                yield Site(
                    "NaN routed the other way",
                    f"tree node {entry}, column {features[entry]}",
                    set_entry(at, "nodes_missing_value_tracks_true", entry, 1 - track),
                    at,
                    Affected(node.input[0], int(features[entry]), (np.nan,)),
                    entry,
                )


@operator
def tree_leaves(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """A leaf that answers what another leaf of its tree answers, or, where all are equal, 1 more."""
    for at, node in trees(graph):
        weights, targets = attribute(node, "leaf_weights"), np.array(attribute(node, "leaf_targetids"))
        for entry, weight in enumerate(weights):
            others = weights[(targets == targets[entry]) & (weights != weight)]
            value = others[rng.integers(len(others))] if len(others) else weight + 1
            yield Site(
                "a branch's leaf altered",
                f"tree leaf {entry}: {weight!r} to {value!r}",
                set_entry(at, "leaf_weights", entry, value),
                at,
                entry=entry,
                replaced=Replaced(node.output[0], int(targets[entry]), ((weight, value),)),
            )
