"""Fitted arrays as the traced code sees them: real ndarrays that can also be indexed by traced values."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, is_traced
from onnxtwin.exporters.trace import require_trace


class Fixed(np.ndarray):
    """An ndarray whose ``[...]`` and ``take`` accept traced indices: ``classes_[np.argmax(p, axis=1)]``.

    Asked for anything else it is the array that it is a view of.
    """

    __slots__ = ()

    @property  # type: ignore[misc] # the one of object is writable
    def __class__(self) -> type:
        return np.ndarray

    def _viewed(self) -> np.ndarray | None:
        """The array that the fitted object holds; None for a view or a result of such an array."""
        held = super().base
        same = type(held) is np.ndarray and (held.ctypes.data, held.strides, held.shape) == (
            self.ctypes.data,
            self.strides,
            self.shape,
        )
        return held if same else None

    @property
    def base(self) -> Any:
        held = self._viewed()
        return super().base if held is None else held.base

    @property
    def flags(self) -> Any:
        held = self._viewed()
        return super().flags if held is None else held.flags

    def __sizeof__(self) -> int:
        held = self._viewed()
        size = super().__sizeof__() if held is None else held.__sizeof__()
        return size - 16  # which sys.getsizeof adds for what the collector tracks

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)

    def __getitem__(self, index: Any) -> Any:
        if type(index) is Array or type(index) is tuple and any(type(i) is Array for i in index):
            from onnxtwin.exporters.indexing import read

            return read(Array(self.view(np.ndarray)), index)
        return super().__getitem__(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if is_traced(value) or is_traced(index):
            raise require_trace().unsupported(
                "writes computed values into an array made outside of the trace",
                "make the array with np.zeros or np.empty inside the method",
            )
        super().__setitem__(index, value)

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
        if is_traced(indices):
            return np.take(Array(self.view(np.ndarray)), indices, axis=axis, mode=mode)
        return super().take(indices, axis=axis, out=out, mode=mode)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        # numpy hands scalars back for 0-d results of plain arrays; a subclass has to say so itself.
        if array.ndim == 0:
            return array[()]
        return super().__array_wrap__(array, context, return_scalar)


def fixed(value: Any) -> Any:
    """An exact ndarray as :class:`Fixed` (same memory); everything else as it is."""
    return value.view(Fixed) if type(value) is np.ndarray and value.dtype.names is None else value
