"""The recorded rows as a Java class reads them fastest: bytes, big-endian, no JSON."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.clients.view import View
from onnxtwin.build.tensors import DATATYPES

RECORDED = "recorded.bin"

_NUMBERS = {"float64": ">f8", "float32": ">f4", "int64": ">i8", "bool": "|b1"}
_LENGTH = struct.Struct(">i")


@dataclass(frozen=True)
class Recorded:
    """The file's bytes and what it is recognised by."""

    data: bytes

    @property
    def sha256(self) -> str:
        """Hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self.data).hexdigest()


def recorded(view: View) -> Recorded:
    """The recorded rows: their number, then inputs and outputs, each a count and tensors.

    A tensor is its name, its datatype, the number of its dimensions, these, and its values; a text is the
    number of its UTF-8 bytes (int32) and these.
    """
    vectors = view.vectors
    parts = [_LENGTH.pack(len(vectors))]
    for tensors in (vectors.inputs, {o.name: vectors.outputs[o.name] for o in view.outputs}):
        parts += _tensors(tensors)
    return Recorded(b"".join(parts))


def _tensors(tensors: Mapping[str, NDArray[Any]]) -> list[bytes]:
    parts = [_LENGTH.pack(len(tensors))]
    for name, array in tensors.items():
        kind = "string" if array.dtype == object else array.dtype.name
        parts += [_text(name), _text(DATATYPES[kind]), _LENGTH.pack(array.ndim)]
        parts += [_LENGTH.pack(size) for size in array.shape]
        if kind == "string":
            parts += [_text(text) for text in array.reshape(-1).tolist()]
        else:
            parts.append(np.ascontiguousarray(array).astype(_NUMBERS[kind]).tobytes())
    return parts


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
