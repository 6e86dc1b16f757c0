"""Rows that come in batches, in memory or from files; and a sample of them that stays small."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks.metrics import targets
from onnxtwin.runtime_checks.rows import Rows, batches, check_rows, count, stack, take


class Stream(Protocol):
    """Raw rows that need not fit into memory, such as :func:`onnxtwin.build.tables.open_rows` gives."""

    @property
    def rows(self) -> int | None:
        """How many there are; None if that is known only at the end."""

    def batches(self, size: int) -> Iterator[tuple[Rows, Any]]:
        """Up to ``size`` rows at a time, as the pipeline takes them, each with its targets or None.

        Each call starts anew, with the same rows in the same order.
        """


class InMemory:
    """The stream of rows that are there already, with targets ``[N]`` or ``[N, k]`` or None."""

    def __init__(self, X: Rows, y: Any = None) -> None:
        check_rows(X)
        self._X = X
        self._y = None if y is None else targets(y, count(X))

    @property
    def rows(self) -> int:
        """How many there are."""
        return count(self._X)

    def batches(self, size: int) -> Iterator[tuple[Rows, Any]]:
        """See :meth:`Stream.batches`."""
        for start, rows in batches(self._X, size):
            yield rows, None if self._y is None else self._y[start : start + count(rows)]


def stream_of(X: Rows | Stream, y: Any = None) -> Stream:
    """Rows in memory as a stream; a stream as it is.

    Raises
    ------
    CheckError : ``X`` is neither, or there is not one target a row.
    """
    # Asked of the type: a DataFrame may have a column that is called `batches`.
    if not callable(getattr(type(X), "batches", None)):
        return InMemory(X, y)
    if y is not None:
        raise CheckError("a stream brings its targets along; give y for rows in memory only")
    stream: Stream = X
    return stream


def head(stream: Stream, size: int) -> Rows:
    """The first rows.

    Raises
    ------
    CheckError : there is none.
    """
    for rows, _ in stream.batches(size):
        return rows
    raise CheckError("there is no row to compare: the data are empty")


class Reservoir:
    """A uniform sample of a stream, without replacement, in the stream's order.

    Which rows it holds depends on the seed and the stream, not on the sizes of the batches: each row draws
    a number when it comes by, and the lowest stay.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._rng = np.random.default_rng(seed)
        self._keys: list[npt.NDArray[np.float64]] = []
        self._rows: list[Rows] = []
        self._bar = np.inf

    def add(self, X: Rows) -> None:
        """Let a batch come by."""
        keys = self._rng.random(count(X))
        staying = keys <= min(self._bar, _bar(keys, self._size))
        if staying.any():
            self._keys.append(keys[staying])
            self._rows.append(take(X, staying))
        if sum(map(len, self._keys)) > 2 * self._size:
            self._prune()

    def rows(self) -> Rows:
        """The sample, at most ``size`` rows; None if none came by."""
        self._prune()
        return reduce(stack, self._rows) if self._rows else None

    def _prune(self) -> None:
        if not self._keys:
            return
        self._bar = _bar(np.concatenate(self._keys), self._size)
        masks = [keys <= self._bar for keys in self._keys]
        kept = [(k[m], take(rows, m)) for k, rows, m in zip(self._keys, self._rows, masks, strict=True)]
        self._keys = [keys for keys, _ in kept if len(keys)]
        self._rows = [rows for keys, rows in kept if len(keys)]


def _bar(keys: npt.NDArray[np.float64], size: int) -> float:
    """The highest of the ``size`` lowest numbers; infinite if there are no more than that."""
    return float(np.partition(keys, size - 1)[size - 1]) if len(keys) > size else np.inf
