"""What correct programs may answer to raw rows, cell by cell: the pipeline's own arithmetic, with bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.build.answers import outputs_of
from onnxtwin.build.rows import RowReader
from onnxtwin.exporters.analysis.enclosure import ROWS, State, Texts, within
from onnxtwin.exporters.bounding import export_arithmetic
from onnxtwin.exporters.errors import is_refusal
from onnxtwin.exporters.signature import Output, Signature, is_missing
from onnxtwin.runtime_checks.compare import Answer, BoolArray, Tolerance
from onnxtwin.runtime_checks.rows import Rows, count, take

SAMPLED = 500
"""Rows that a pipeline's code is traced on, at most."""


class Enclosures:
    """Bounds of a pipeline's answers, traced from its code once.

    Parameters
    ----------
    X : raw rows that the pipeline answers.
    signature : the twin's, if it is known.

    Raises
    ------
    OnnxTwinError
        If the pipeline's code cannot be traced.
    """

    def __init__(
        self, pipeline: Any, methods: Sequence[str], X: Rows, signature: Signature | None = None
    ) -> None:
        rows = take(X, slice(0, SAMPLED))
        self._arithmetic = export_arithmetic(pipeline, rows, methods=list(methods), known=signature)
        self._reader = RowReader(self._arithmetic.signature)

    def of(self, method: str, X: Rows) -> list[Bounds] | None:
        """Bounds of the answers to some rows, one a part of the rows; None where the rows cannot be read."""
        outputs = outputs_of(self._arithmetic.signature, method)
        token, found = self._arithmetic.signature.missing_token, []
        for start in range(0, count(X), ROWS):
            rows = take(X, slice(start, start + ROWS))
            try:
                feeds = self._reader.read(rows).tensors
            except (
                Exception
            ) as error:  # a hostile row that cannot be read has no bounds, so nothing excuses it
                if not is_refusal(error):
                    raise
                return None
            states = self._arithmetic.of([feeds[entry.name] for entry in self._arithmetic.signature.inputs])
            found.append(Bounds(outputs, [states[o.name] for o in outputs], token, count(rows)))
        return found


class Bounds:
    """What may be answered to some rows by one method.

    Parameters
    ----------
    states : per output what is known of it, None where nothing is.
    token : how a missing text travels.
    """

    def __init__(
        self, outputs: Sequence[Output], states: Sequence[State | None], token: str, rows: int
    ) -> None:
        self._parts = list(zip(outputs, (_flat(state, rows) for state in states), strict=True))
        self._token = token
        self.rows = rows

    def holds(self, answer: Answer) -> BoolArray | None:
        """``[rows, cells]``: which cells of an answer may be answered so; None if it has other cells."""
        columns = [part.matrix[:, i] for part in answer for i in range(part.matrix.shape[1])]
        found, start = [], 0
        for output, state in self._parts:
            width = 1 if state is None else np.shape(_shaped(state))[1]
            if state is None:
                return None
            chosen = columns[start : start + width]
            start += width
            try:
                held = [_tensor(column, output, self._token) for column in chosen]
                values = np.stack(held, axis=1) if held else np.empty((self.rows, 0))
            except (TypeError, ValueError):
                return None
            if values.shape != np.shape(_shaped(state)):
                return None
            found.append(within(state, values))
        return np.concatenate(found, axis=1) if start == len(columns) else None

    def open(self, tolerance: Tolerance) -> BoolArray:
        """``[rows]``: where answers that differ by more than the tolerance may be given."""
        found = np.zeros(self.rows, dtype=np.bool_)
        for output, state in self._parts:
            if isinstance(state, Texts):
                found |= np.array([[len(held) > 1 for held in row] for row in state.sets]).any(axis=1)
            elif state is not None and not isinstance(state, np.ndarray):
                lo, hi = state.lo.astype(np.float64), state.hi.astype(np.float64)
                limit = 0.0 if output.discrete else tolerance.of(output.name).limit(lo)
                with np.errstate(invalid="ignore"):
                    found |= ((hi - lo > limit) | state.nan & ~state.none).any(axis=1)
        return found


def _shaped(state: State) -> npt.NDArray[Any]:
    return state.sets if isinstance(state, Texts) else state if isinstance(state, np.ndarray) else state.lo


def _flat(state: State | None, rows: int) -> State | None:
    """What is known of a tensor as ``[rows, cells]``."""
    if state is None:
        return None
    if isinstance(state, Texts):
        return Texts(state.sets.reshape(rows, -1))
    if isinstance(state, np.ndarray):
        return state.reshape(rows, -1)
    return state.map(lambda a: a.reshape(rows, -1))


def _tensor(column: npt.NDArray[Any], output: Output, token: str) -> npt.NDArray[Any]:
    """One column of an answer as the graph's element type."""
    if output.tensor == "string":
        held = [token if is_missing(value) else str(value) for value in column.tolist()]
        found = np.empty(len(held), dtype=object)
        found[:] = held
        return found
    if output.dtype.startswith(("datetime64", "timedelta64")):
        return column.astype(output.dtype.split(",")[0].rstrip("]") + "]").view(np.int64)
    return column.astype(output.tensor)
