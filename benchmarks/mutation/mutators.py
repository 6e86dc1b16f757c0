"""Every place of a graph where a defect can be planted, by kind."""

from __future__ import annotations

import numpy as np
import onnx

from mutation import tree_defects, value_defects, wiring_defects
from mutation.site import OPERATORS, Site
from onnxtwin.exporters.analysis.graph import Graph

__all__ = ["draw", "sites", "tree_defects", "value_defects", "wiring_defects"]


def sites(model: onnx.ModelProto, seed: int) -> dict[str, list[Site]]:
    """Kind of defect → its sites in a graph, in an order drawn by the seed."""
    graph = Graph(model)
    rng = np.random.default_rng(seed)
    found: dict[str, list[Site]] = {}
    for list_sites in OPERATORS:
        for site in list_sites(graph, rng):
            found.setdefault(site.kind, []).append(site)
    return {kind: [entries[i] for i in rng.permutation(len(entries))] for kind, entries in found.items()}


def draw(model: onnx.ModelProto, number: int, seed: int) -> list[Site]:
    """Sites for so many mutants, as evenly over the kinds as the graph allows."""
    waiting = {kind: iter(entries) for kind, entries in sorted(sites(model, seed).items())}
    chosen: list[Site] = []
    while waiting and len(chosen) < number:
        for kind in list(waiting):
            site = next(waiting[kind], None)
            if site is None:
                del waiting[kind]
            elif len(chosen) < number:
                chosen.append(site)
    return chosen
