"""Missing values in traced matrices of any type: which kind they are, and where they are.

A matrix may be joined from parts of several element types (numbers beside text); what is done part by part
here joins nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op

from onnxtwin.exporters.array import Array, elementwise
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.tensor import STRING, Tensor, join
from onnxtwin.exporters.trace import require_trace

ANY = frozenset({"nan", "None", "NA"})
"""Every kind of missing value that a matrix of objects may hold."""


def kinds_of_missing(values: np.ndarray) -> frozenset[str]:
    """Which of NaN, None and pandas.NA may stand in ``values``, as told by the sample.

    NaN where the sample holds none: it is what pandas and numpy put in by themselves.
    """
    if values.dtype.kind != "O":
        return frozenset({"nan"})
    found = {kind for value in values.reshape(-1) if (kind := _kind(value)) is not None}
    return frozenset(found) or frozenset({"nan"})


def _kind(value: Any) -> str | None:
    if value is None:
        return "None"
    if type(value).__name__ == "NAType":
        return "NA"
    return "nan" if isinstance(value, (float, np.floating)) and value != value else None


def where_missing(column: Array, kinds: Collection[str] = ANY) -> Any:
    """Where a column or block of one element type holds a missing value of one of ``kinds``; bool.

    Raises
    ------
    UnsupportedError
        If a column holds missing values of these and of other kinds, which the graph cannot tell apart.
    """
    flags = (
        np.array([_flagged(column.value[..., i], kinds) for i in range(column.shape[-1])])
        if column.ndim == 2
        else None
    )
    alone = _flagged(column.value, kinds) if flags is None else bool(flags.any())
    held = column.value.dtype if column.is_constant else column.tensor.dtype
    real = np.array([_kind(v) is not None for v in column.value.reshape(-1)], bool).reshape(column.shape)
    if not alone or held.kind not in "fUO":
        return Array(np.zeros(column.shape, bool))
    if held == STRING:
        found = elementwise(
            "is missing", real, lambda x: op.equal(x, op.const(np.array(MISSING_TOKEN))), [column], [None]
        )
    else:
        found = elementwise("is missing", real, op.isnan, [column], [None])
    return found if flags is None or flags.all() else np.logical_and(found, flags)


def _flagged(values: np.ndarray, kinds: Collection[str]) -> bool:
    present = kinds_of_missing(values)
    if present <= set(kinds):
        return True
    if present & set(kinds):
        raise require_trace().unsupported(
            f"a column holds {' and '.join(sorted(present))}, "
            f"of which only {' and '.join(sorted(kinds))} counts as missing here",
            "use one kind of missing value: series.fillna(np.nan)",
        )
    return False


def parts_of(matrix: Array) -> list[tuple[slice, Array]]:
    """The pieces of a 2-D array that share an element type: which columns, and a 1-D column or 2-D block."""
    if matrix.is_constant:
        return [(slice(0, matrix.shape[1]), matrix)]
    found: list[tuple[slice, Array]] = []
    start = 0
    for part in matrix.tensor.parts:
        stop = start + (1 if part.ndim == 1 else part.shape[1])
        value = matrix.value[:, start] if part.ndim == 1 else matrix.value[:, start:stop]
        found.append((slice(start, stop), Array(value, part)))
        start = stop
    return found


def by_parts(matrix: Array, dtype: Any, function: Callable[[slice, Array], Any]) -> Array:
    """``function(columns, part)`` for each part of a 2-D array, joined again as ``dtype``."""
    made = [function(columns, part) for columns, part in parts_of(matrix)]
    if not made:
        return Array(np.zeros(matrix.shape, dtype))
    real = np.empty(matrix.shape, dtype)
    tensors: list[Tensor] = []
    for (columns, _), piece in zip(parts_of(matrix), made, strict=True):
        real[:, columns] = piece.value.reshape(len(real), -1)
        tensors.append(piece.tensor)
    if all(piece.is_constant for piece in made):
        return Array(real)
    mixed = len({t.dtype for t in tensors}) > 1
    return Array(real, join(tensors, len(real), np.dtype("O") if mixed else tensors[0].dtype))
