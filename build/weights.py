"""A graph's bytes on disk, and its weights beside it where one protobuf cannot hold them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from onnxtwin.exporters.errors import ArtifactError

if TYPE_CHECKING:
    import onnx

WEIGHTS = "model.onnx.data"
MODEL_LIMIT = 2**31 - 2**20
"""Protobuf's limit of 2 GiB, with room for what stands around the weights."""

_SMALL = 1024
_ALIGN = 4096
_FRAME = 8
"""Bytes of a part's own tag and length, at most."""


def fits(model: onnx.ModelProto, limit: int = MODEL_LIMIT) -> bool:
    """Whether the graph with its weights takes no more than so many bytes."""
    return _size(model) <= limit


def write_model(model: onnx.ModelProto, folder: Path, name: str, limit: int = MODEL_LIMIT) -> None:
    """Write the graph, deterministically; beyond ``limit`` bytes its weights go into ``model.onnx.data``.

    The model is unchanged afterwards.

    Raises
    ------
    ArtifactError
        If the graph without its initializers is still too large.
    """
    if fits(model, limit):
        (folder / name).write_bytes(model.SerializeToString(deterministic=True))
        return
    kept: list[tuple[onnx.TensorProto, bytes]] = []
    try:
        with (folder / WEIGHTS).open("wb") as stream:
            for tensor in model.graph.initializer:
                if len(tensor.raw_data) > _SMALL:
                    raw = tensor.raw_data
                    stream.write(b"\0" * (-stream.tell() % _ALIGN))
                    kept.append((tensor, raw))
                    _point(tensor, stream.tell(), len(raw))
                    stream.write(raw)
        if _size(model) > limit:
            raise ArtifactError(
                f"the graph takes more than {limit} bytes beside its weights, and a file of ONNX cannot hold "
                "it: make the model smaller (fewer trees, fewer leaves)"
            )
        (folder / name).write_bytes(model.SerializeToString(deterministic=True))
    finally:
        for tensor, raw in kept:
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            tensor.raw_data = raw


def _point(tensor: onnx.TensorProto, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in (("location", WEIGHTS), ("offset", str(offset)), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def _size(model: onnx.ModelProto) -> int:
    """The graph's bytes, part by part: of a whole beyond 2 GiB protobuf does not even tell the size."""
    graph = model.graph
    weights = sum(len(tensor.raw_data) or tensor.ByteSize() for tensor in graph.initializer)
    parts = (*graph.node, *graph.input, *graph.output, *model.functions)
    return int(weights + sum(part.ByteSize() + _FRAME for part in parts))
