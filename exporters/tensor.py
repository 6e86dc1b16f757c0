"""The graph side of a traced value: immutable, lazily joined, cheap to select columns from.

A raw column reaches the graph as ``[N, 1]`` and is one-dimensional in pandas. A tensor keeps either
form and makes the other when asked, so that a frame's columns are joined into a matrix by one Concat
and never reshaped on the way. A matrix may be a list of parts that nothing has joined yet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Tensor as SpoxTensor
from spox import Var

from onnxtwin.exporters.trace import require_trace

STRING = np.dtype("U")

MIXED = np.dtype("O")
"""The element type of a matrix whose parts differ in theirs; no graph value until one type is chosen."""


def graph_dtype(dtype: np.dtype) -> np.dtype:
    """Element type in the graph of a numpy dtype: text for objects, int64 ticks for times."""
    if dtype.kind in "OUT":
        return STRING
    if dtype.kind in "mM":
        return np.dtype(np.int64)
    return dtype


def ints(*values: int) -> Var:
    """A 1-D int64 graph constant; a value that follows the row count becomes an expression of ``N``."""
    return require_trace().constant(np.array(values, np.int64))


def cast(var: Var, dtype: np.dtype) -> Var:
    """``var`` as ``dtype``; narrowing to float32 counts as declared: the pipeline's code asked for it."""
    if element_type(var) == dtype:
        return var
    if dtype.kind in "iu" and dtype not in (np.dtype(np.int32), np.dtype(np.int64)):
        return _wrapped(cast(var, np.dtype(np.int64)), dtype)
    result = op.cast(var, to=dtype)
    if dtype == np.float32:
        trace = require_trace()
        trace.narrowed.add(id(result._var_info))
        trace.keep.append(result)
    return result


def _wrapped(var: Var, dtype: np.dtype) -> Var:
    """int64 values as ``dtype`` would hold them; they stay int64, which alone has a kernel everywhere."""
    least, size = np.iinfo(dtype).min, 2 ** (8 * dtype.itemsize)
    if size > 2**32:
        raise require_trace().unsupported(f"computes in {dtype}", "use int64")
    low = op.const(np.int64(least))
    return op.add(op.mod(op.sub(var, low), op.const(np.int64(size))), low)


def element_type(var: Var) -> np.dtype:
    """numpy dtype of a graph value (``U`` for text)."""
    kind = var.unwrap_tensor()
    assert isinstance(kind, SpoxTensor)
    dtype = np.dtype(kind.dtype)
    return STRING if dtype.kind in "OU" else dtype


class Tensor:
    """A graph value with the sample's shape.

    Parameters
    ----------
    shape : shape on the sample, the row count included.
    dtype : element type in the graph.
    flat : the value in its own shape.
    column : of a 1-D value, its form ``[N, 1]``.
    parts : of a 2-D value, the not yet joined parts: 1-D columns and 2-D blocks.
    origin : of a raw column, or a matrix of raw columns, their names; None where a value was computed.
    integral : whether the values are integers whatever the type: finite, and never NaN.
    """

    __slots__ = (
        "__weakref__",
        "_column",
        "_flat",
        "_parts",
        "_picked",
        "dtype",
        "integral",
        "origin",
        "shape",
    )

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        *,
        flat: Var | None = None,
        column: Var | None = None,
        parts: Sequence[Tensor] | None = None,
        origin: tuple[str | None, ...] | None = None,
        integral: bool = False,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self._flat = flat
        self._column = column
        self.integral = integral or dtype.kind in "biu"
        self._parts = tuple(parts) if parts is not None else None
        self._picked: dict[tuple[int, ...], Tensor] = {}
        width = 1 if len(shape) == 1 else shape[1] if len(shape) == 2 else 0
        self.origin: tuple[str | None, ...] = origin if origin is not None else (None,) * width
        require_trace().register(self)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def flat(self) -> Var:
        """The value in its own shape."""
        if self._flat is None:
            if self._column is not None:
                self._flat = op.squeeze(self._column, op.const(np.array([1], np.int64)))
            else:
                assert self._parts is not None
                if not self._parts:
                    empty = op.const(np.zeros((1, 0), self.dtype))
                    self._flat = op.expand(empty, ints(*self.shape))
                    return self._flat
                if self.dtype == MIXED:
                    raise require_trace().unsupported(
                        "makes one matrix of columns of different types",
                        "encode the texts first, or choose the columns of one type",
                    )
                pieces = [part.column if part.ndim == 1 else part.flat for part in self._parts]
                self._flat = pieces[0] if len(pieces) == 1 else op.concat(pieces, axis=1)
        return self._flat

    @property
    def column(self) -> Var:
        """A 1-D value as ``[N, 1]``."""
        assert self.ndim == 1
        if self._column is None:
            self._column = op.unsqueeze(self.flat, op.const(np.array([1], np.int64)))
        return self._column

    @property
    def has_column(self) -> bool:
        """Whether the form ``[N, 1]`` costs nothing."""
        return self._column is not None

    @property
    def any_form(self) -> Var:
        """Whichever form stands already."""
        return self._column if self._flat is None and self._column is not None else self.flat

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """What a 2-D value is joined from: itself, if it is in one piece."""
        return self._parts if self._parts is not None else (self,)

    def pick(self, column: int) -> Tensor:
        """Column ``column`` of a 2-D value as a 1-D tensor."""
        part, offset = self._locate(column)
        if part.ndim == 1:
            return part
        if (offset,) not in part._picked:
            index = op.const(np.array([offset], np.int64))
            chosen = part.flat if part.shape[1] == 1 else op.gather(part.flat, index, axis=1)
            origin = (part.origin[offset],)
            part._picked[offset,] = Tensor(
                (self.shape[0],), part.dtype, column=chosen, origin=origin, integral=part.integral
            )
        return part._picked[offset,]

    def select(self, columns: Sequence[int]) -> Tensor:
        """Columns of a 2-D value, in the given order, as a 2-D tensor; whole parts cost no node."""
        if list(columns) == list(range(self.shape[1])):
            return self
        chosen: list[Tensor] = []
        run: list[int] = []
        source: Tensor | None = None
        for column in [*columns, None]:
            part, offset = (None, 0) if column is None else self._locate(column)
            if part is not None and part is source and part.ndim == 2:
                run.append(offset)
                continue
            if source is not None:
                chosen.append(source if source.ndim == 1 else source._gather(run))
            source, run = part, [offset]
        return join(chosen, self.shape[0], self.dtype)

    def _gather(self, columns: list[int]) -> Tensor:
        """Columns of one block."""
        if columns == list(range(self.shape[1])):
            return self
        index = op.const(np.array(columns, np.int64))
        origin = tuple(self.origin[c] for c in columns)
        chosen = op.gather(self.flat, index, axis=1)
        return Tensor(
            (self.shape[0], len(columns)), self.dtype, flat=chosen, origin=origin, integral=self.integral
        )

    def _locate(self, column: int) -> tuple[Tensor, int]:
        for part in self.parts:
            width = 1 if part.ndim == 1 else part.shape[1]
            if column < width:
                return part, column
            column -= width
        raise IndexError(column)


def join(parts: Sequence[Tensor], rows: int, dtype: np.dtype) -> Tensor:
    """Columns and blocks side by side as one 2-D tensor; nothing is recorded until it is used."""
    flat: list[Tensor] = []
    for part in parts:
        flat.extend(part.parts if part.ndim == 2 else (part,))
    if len(flat) == 1 and flat[0].ndim == 2:
        return flat[0]
    kinds = {part.dtype for part in flat}
    dtype = kinds.pop() if len(kinds) == 1 else MIXED if kinds else dtype
    origin = tuple(name for part in flat for name in part.origin)
    return Tensor((rows, len(origin)), dtype, parts=flat, origin=origin)
