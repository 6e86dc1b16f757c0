"""What a sample of documents is inside of a trace: a list of texts that becomes a text array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.tensor import Tensor
from onnxtwin.exporters.trace import require_trace


class Documents:
    """A list of texts, one a row.

    ``isinstance(documents, list)`` holds; numpy makes a 1-D text array of it; a loop over it is refused.

    Parameters
    ----------
    value : the sample's documents.
    tensor : their graph side, 1-D text.
    """

    __slots__ = ("tensor", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: list[str], tensor: Tensor) -> None:
        self.value = value
        self.tensor = tensor

    @property  # type: ignore[misc] # the one of object is writable
    def __class__(self) -> type:
        return list

    def __onnxtwin_value__(self) -> list[str]:
        return self.value

    def __onnxtwin_array__(self) -> Array:
        return Array(np.array(self.value, dtype=object), self.tensor)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice) and index == slice(None):
            return Documents(self.value, self.tensor)
        raise require_trace().unsupported(
            "takes single documents out of the sample", "make an array of it: np.asarray(X)"
        )

    def __iter__(self) -> Iterator[Any]:
        raise require_trace().unsupported(
            "iterates over the documents",
            "use np.asarray(X), or register an exporter for the function with @onnxtwin.exports",
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.__onnxtwin_array__().__array__(dtype, copy)

    def copy(self) -> Documents:
        return Documents(self.value, self.tensor)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(list, name):
            raise AttributeError(f"'list' object has no attribute {name!r}")
        raise require_trace().unsupported(
            f"list.{name} on the documents", "make an array of it: np.asarray(X)"
        )
