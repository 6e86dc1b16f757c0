"""Operators that only move entries about: run once on the entries' positions, they move bounds likewise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from onnxtwin.exporters.analysis.graph import Array, attribute

_MOVED: dict[str, Callable[[int], tuple[int, ...]]] = {
    **dict.fromkeys(
        (
            "Compress", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "Reshape",
            "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
        ),
        lambda count: (0,),
    ),
    "Concat": lambda count: tuple(range(count)),
    "ScatterElements": lambda count: (0, 2),
    "ScatterND": lambda count: (0, 2),
}  # fmt: skip
"""Operator → which of its inputs are entries that it moves; the others say where to."""

_OPSETS = [helper.make_opsetid("", 20)]


def moved_inputs(node: onnx.NodeProto) -> tuple[int, ...] | None:
    """Which inputs of a node are moved about; None where the operator computes something."""
    if node.op_type not in _MOVED or attribute(node, "reduction") not in (None, b"none"):
        return None
    return _MOVED[node.op_type](len(node.input))


class Moves:
    """What the moving operators of one graph do with positions."""

    def __init__(self) -> None:
        self._sessions: dict[int, ort.InferenceSession] = {}

    def positions(
        self, node: onnx.NodeProto, shapes: Sequence[tuple[int, ...]], others: dict[int, Array]
    ) -> list[Array]:
        """Where each entry of each output comes from.

        Parameters
        ----------
        shapes : of the inputs that are moved, in their order.
        others : position of each other input → its value.

        Returns
        -------
        list
            Per output positions in the moved inputs, each flattened, one behind the other.
        """
        places = moved_inputs(node)
        assert places is not None
        feeds, start = {f"i{at}": value for at, value in others.items()}, 0
        for at, shape in zip(places, shapes, strict=True):
            size = int(np.prod(shape))
            feeds[f"i{at}"] = np.arange(start, start + size, dtype=np.int64).reshape(shape)
            start += size
        if id(node) not in self._sessions:
            self._sessions[id(node)] = _alone(node, {at: feeds[f"i{at}"] for at in (*places, *others)})
        return list(self._sessions[id(node)].run(None, feeds))


def _alone(node: onnx.NodeProto, given: dict[int, Array]) -> ort.InferenceSession:
    """A session of just this node, whatever the shapes of its inputs."""
    inputs = [
        helper.make_tensor_value_info(
            f"i{at}", helper.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim
        )
        for at, value in sorted(given.items())
    ]
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    del copy.input[:], copy.output[:]
    copy.input.extend(f"i{at}" if at in given else "" for at in range(len(node.input)))
    copy.output.extend(f"o{at}" for at in range(len(node.output)))
    outputs = [helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in copy.output]
    graph = helper.make_graph([copy], "moves", inputs, outputs)
    model = helper.make_model(graph, opset_imports=_OPSETS, ir_version=10)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
