"""Operators that hold a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper

from kernel_probes.probe import ALL, TYPES, Probe, grid


def probes() -> Iterator[Probe]:
    """Both branches of If; Loop with a value that grows; Scan with a state."""
    for kind in ALL:
        yield from _of(kind)


def _of(kind: str) -> Iterator[Probe]:
    x = grid(kind)

    def info(name: str, element: int = TYPES[kind][0], shape: list[int] | None = None) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, element, shape)

    node = helper.make_node
    for chosen in (True, False):
        branches: dict[str, Any] = {
            f"{name}_branch": helper.make_graph([node(inner, ["c0"], ["out"])], name, [], [info("out")])
            for name, inner in (("then", "Identity"), ("else", "Transpose"))
        }
        answer = x if chosen else x.T.copy()
        yield Probe("If", [np.asarray(chosen)], [answer], attributes=branches, key=kind, captured=[x])
    body = helper.make_graph(
        [node("Identity", ["c"], ["d"]), node("Concat", ["held", "held"], ["grown"], axis=0)],
        "body",
        [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("held")],
        [info("d", TensorProto.BOOL, []), info("grown")],
    )
    twice = [np.asarray(2, np.int64), np.asarray(True), x]
    yield Probe("Loop", twice, [np.concatenate([x] * 4)], attributes={"body": body}, key=kind)
    step = helper.make_graph(
        [node("Identity", ["row"], ["state_out"]), node("Identity", ["state"], ["before"])],
        "step",
        [info("state"), info("row")],
        [info("state_out"), info("before")],
    )
    how = {"body": step, "num_scan_inputs": 1}
    yield Probe("Scan", [x[0], x[1:]], [x[-1], x[:-1]], attributes=how, key=kind)
