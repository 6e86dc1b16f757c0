"""Runs a graph from the middle: a tensor is given instead of computed, and any others are read."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
import onnxruntime as ort

from onnxtwin.exporters.analysis.graph import Array, Graph

Tensors = Mapping[str, Array]


def run_cut(
    model: onnx.ModelProto, graph: Graph, cut: str | None, feeds: Mapping[str, Array], wanted: list[str]
) -> Tensors | None:
    """Any tensors of a graph, with one of them given instead of computed; None where it does not run."""
    if not wanted:
        return {}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if cut is not None and cut not in graph.inputs:
        for node in copy.graph.node:
            for position, name in enumerate(node.output):
                if name == cut:
                    node.output[position] = f"{cut}_uncut"
        copy.graph.input.append(onnx.helper.make_tensor_value_info(cut, graph.element_types[cut], None))
    del copy.graph.output[:]
    for name in dict.fromkeys(wanted):
        copy.graph.output.append(onnx.helper.make_tensor_value_info(name, graph.element_types[name], None))
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(copy.SerializeToString(), options, providers=["CPUExecutionProvider"])
        taken = {entry.name for entry in session.get_inputs()}
        names = list(dict.fromkeys(wanted))
        given = {name: tensor for name, tensor in feeds.items() if name in taken}
        return dict(zip(names, session.run(names, given), strict=True))
    except _RUNTIME_ERRORS:
        return None


_RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    error
    for name in ("Fail", "InvalidArgument", "InvalidGraph", "NotImplemented", "RuntimeException")
    if isinstance(error := getattr(ort.capi.onnxruntime_pybind11_state, name, None), type)
)
