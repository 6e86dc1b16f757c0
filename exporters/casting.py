"""``astype`` on traced arrays: numpy's conversions, or a refusal where no operator converts alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from spox import Var

from onnxtwin.exporters.array import Array, elementwise, to_bool
from onnxtwin.exporters.tensor import STRING, Tensor, cast
from onnxtwin.exporters.trace import require_trace


def astype(
    array: Array, dtype: Any, *, order: Any = "K", copy: bool = True, casting: str = "unsafe"
) -> Array:
    """``array.astype(dtype)``.

    Raises
    ------
    UnsupportedError
        For text that would be parsed as numbers in a spelling the graph reads differently, and for dtypes
        without kernels.
    """
    made = _converted(array, np.dtype(dtype), order, copy, casting)
    made._boxed = array._boxed
    return made


def _converted(array: Array, target: np.dtype, order: Any, copy: bool, casting: str) -> Array:
    trace = require_trace()
    if not np.can_cast(array.dtype, target, casting=casting):  # type: ignore[arg-type]
        raise TypeError(
            f"Cannot cast array data from {array.dtype!r} to {target!r} according to the rule {casting!r}"
        )
    with np.errstate(all="ignore"):
        real = array.value.astype(target, order=order, copy=copy)
    if real is array.value:
        return array
    if array.is_constant:
        return Array(real)
    held = array.tensor.dtype
    if target.kind == "O" or target.kind in "UT" and held == STRING:
        return Array(real, array.tensor)
    if held == target:
        return Array(real, array.tensor)
    if array.dtype.kind in "mM" or target.kind in "mM":
        if target.kind in "iu" and target.itemsize == 8:
            return Array(real, array.tensor)
        raise trace.unsupported(
            f"converts {array.dtype} to {target}", "use the .dt accessor or total_seconds()"
        )
    if held == STRING:
        from onnxtwin.exporters import text

        return text.to_number(array, target, real)
    if target.kind in "UT":
        raise trace.unsupported(
            f"formats numbers ({array.dtype}) as text", "map the numbers to texts with a dict"
        )
    if target.kind not in "bif" and target not in (np.dtype(np.uint8), np.dtype(np.uint32)):
        raise trace.unsupported(f"converts to {target}", "use float64, float32, int64 or bool")

    def build(x: Var) -> Var:
        if target.kind == "b":
            return to_bool(x)
        return cast(x, target)

    parts = array.tensor.parts
    if array.ndim == 2 and len(parts) > 1 and any(part.dtype != held for part in parts):
        return _by_parts(array, real, target)
    made = elementwise(f"astype {target}", real, build, [array], [None])
    made.tensor.integral = all(part.integral for part in parts)
    if held == np.float32 and target == np.float64:
        made.tensor.origin = array.tensor.origin  # the very same values
    return made


def _by_parts(array: Array, real: np.ndarray, target: np.dtype) -> Array:
    """A matrix whose parts differ in type: each part is converted, none is joined."""
    from onnxtwin.exporters.tensor import join

    converted: list[Tensor] = []
    start = 0
    for part in array.tensor.parts:
        width = 1 if part.ndim == 1 else part.shape[1]
        chosen = array.value[:, start] if part.ndim == 1 else array.value[:, start : start + width]
        converted.append(astype(Array(chosen, part), target).tensor)
        start += width
    return Array(real, join(converted, array.shape[0], target))
