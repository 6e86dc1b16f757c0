"""One-ulp changes of a step's output: which way each number moves, and which numbers may.

A sum of many terms depends on the order of summation by more than one of its terms can say, so
besides all numbers up, all down and one column at a time there are random directions, and, where
the pipeline has scores, for each row the directions that move its decision furthest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from onnxtwin.runtime_checks.compare import BoolArray

Signs = npt.NDArray[np.int8]

FEW_COLUMNS = 16
"""Up to so many columns of a step's output are also changed one at a time."""

LOOSE_COLUMNS = 64
"""The same for the wider changes of what elementary functions computed."""

RANDOM = 8
"""Runs in which every number moves up or down at random (seeded, so that a verdict repeats)."""

PROBE = 2.0**-20
"""The relative change by which the direction of a column's influence on the scores is found."""


LOOSE = 2.0**-42
"""The relative error of a power in double: in ``x**y = exp(y log x)`` the product, up to 709, is spaced by
2**-43, and an ulp of it is a relative error of the result. numpy's elementary functions are not correctly
rounded; they differ between processors (its SIMD kernels) and between libraries."""


@dataclass(frozen=True)
class Change:
    """A change of a step's output.

    Attributes
    ----------
    signs : ``(rows, columns) -> int8`` array that broadcasts to ``[rows, columns]``: +1 moves a
        number up, -1 down, 0 leaves it.
    relative : the size of the move relative to the number; None for one ulp.
    text : how it is called in a reason.
    """

    signs: Callable[[int, int], Signs]
    relative: float | None = None
    text: str = "one ulp off"


def everywhere(sign: int) -> Change:
    """All numbers one way."""
    return Change(lambda rows, columns: np.full((1, 1), sign, dtype=np.int8))


def column(position: int, sign: int, relative: float | None = None) -> Change:
    """One column."""

    def signs(rows: int, columns: int) -> Signs:
        return np.where(np.arange(columns) == position, sign, 0).astype(np.int8)[None, :]

    return Change(signs, relative, f"one ulp off in column {position}")


def scattered(seed: int) -> Change:
    """Each number its own way."""

    def signs(rows: int, columns: int) -> Signs:
        return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), (rows, columns))

    return Change(signs)


def given(directions: Signs, sign: int) -> Change:
    """Directions found for just these rows and columns; a call with another shape is left alone."""

    def signs(rows: int, columns: int) -> Signs:
        return sign * directions if directions.shape == (rows, columns) else np.zeros((1, 1), dtype=np.int8)

    return Change(signs)


def stacked(several: Sequence[Change], rows: int) -> Change | None:
    """Changes of one size, each for its own copy of the rows; None if their sizes differ.

    An output that has not as many rows as all copies together is left alone.
    """
    if len({change.relative for change in several}) > 1:
        return None

    def signs(all_rows: int, columns: int) -> Signs:
        if all_rows != rows * len(several):
            return np.zeros((1, 1), dtype=np.int8)
        return np.vstack([np.broadcast_to(c.signs(rows, columns), (rows, columns)) for c in several])

    return Change(signs, several[0].relative)


def changes(width: int) -> Iterator[Change]:
    """The changes tried on every step, for an output of so many columns."""
    for sign in (1, -1):
        yield everywhere(sign)
    for seed in range(RANDOM if width > 1 else 0):
        yield scattered(seed)
    if 1 < width <= FEW_COLUMNS:
        for position in range(width):
            for sign in (1, -1):
                yield column(position, sign)


def loose_changes(width: int) -> Iterator[Change]:
    """Changes of what an elementary function computed, by as much as a power loses to rounding."""
    text = "off by what a power loses to rounding"
    for sign in (1, -1):
        yield replace(everywhere(sign), relative=LOOSE, text=text)
    for seed in range(RANDOM if width > 1 else 0):
        yield replace(scattered(seed), relative=LOOSE, text=text)
    for position in range(width if 1 < width <= LOOSE_COLUMNS else 0):
        for sign in (1, -1):
            yield replace(column(position, sign), relative=LOOSE, text=f"{text} in column {position}")


def nudge(result: Any, given: Any, change: Change) -> tuple[Any, bool]:
    """``result`` with its computed numbers changed, and whether there were any.

    Integers (codes, counts, indicators) stay: they are exact, and a code moved below its integer
    would be truncated to another one. Values that the step only passed through stay as well: no
    arithmetic made them, so no runtime can legitimately differ there.

    Parameters
    ----------
    result : what the step returned: ndarray, DataFrame or sparse matrix; others are returned as they are.
    given : what the step was given.
    """
    if isinstance(result, pd.DataFrame):
        return _nudge_frame(result, given, change)
    if _is_sparse(result):
        return _nudge_sparse(result, given, change)
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f" or not result.size:
        return result, False
    matrix = result.reshape(len(result), -1)
    moved, changed = _move(matrix, _computed(matrix, given), change.signs(*matrix.shape), change.relative)
    return moved.reshape(result.shape), changed


def _nudge_frame(result: pd.DataFrame, given: Any, change: Change) -> tuple[Any, bool]:
    floats = [i for i, dtype in enumerate(result.dtypes) if dtype.kind == "f"]
    if not floats or not len(result):
        return result, False
    matrix = np.column_stack([result.iloc[:, i].to_numpy(np.float64, na_value=np.nan) for i in floats])
    signs = np.broadcast_to(change.signs(*result.shape), result.shape)[:, floats]
    moved, changed = _move(matrix, _computed(matrix, given), signs, change.relative)
    nudged = result.copy()
    for position, i in enumerate(floats):
        column = pd.Series(moved[:, position], index=result.index, dtype=result.dtypes.iloc[i])
        nudged.isetitem(i, column)
    return nudged, changed


def _nudge_sparse(result: Any, given: Any, change: Change) -> tuple[Any, bool]:
    if result.dtype.kind != "f":
        return result, False
    nudged = result.tocsr(copy=True)
    # Where a step keeps the pattern of zeros, its input's entries line up with its own.
    source = given.tocsr().data if _is_sparse(given) and given.nnz == nudged.nnz else None
    rows = np.repeat(np.arange(nudged.shape[0]), np.diff(nudged.indptr))
    signs = np.broadcast_to(change.signs(*nudged.shape), nudged.shape)[rows, nudged.indices]
    data = nudged.data[:, None]
    moved, changed = _move(data, _computed(data, source), signs[:, None], change.relative)
    nudged.data = moved[:, 0]
    return nudged, changed


def _computed(matrix: npt.NDArray[Any], given: Any) -> BoolArray:
    # Beyond 2**mantissa every float is whole, and none of them is exact for that.
    whole = (matrix == np.rint(matrix)) & (np.abs(matrix) < 2.0 ** (np.finfo(matrix.dtype).nmant + 1))
    computed = np.isfinite(matrix) & ~whole
    for column in _float_columns(given, len(matrix)):
        computed &= matrix != column[:, None]
    return np.asarray(computed, dtype=np.bool_)


def _move(
    matrix: npt.NDArray[Any], computed: BoolArray, signs: Signs, relative: float | None
) -> tuple[npt.NDArray[Any], bool]:
    moving = computed & (signs != 0)
    with np.errstate(over="ignore", under="ignore"):
        if relative is None:
            moved = np.nextafter(matrix, np.where(signs > 0, np.inf, -np.inf).astype(matrix.dtype))
        else:
            moved = (matrix + signs * np.abs(matrix) * relative).astype(matrix.dtype)
    return np.where(moving, moved, matrix), bool(moving.any())


def _float_columns(given: Any, rows: int) -> Iterator[npt.NDArray[Any]]:
    if isinstance(given, pd.DataFrame):
        for i, dtype in enumerate(given.dtypes):
            if dtype.kind == "f" and len(given) == rows:
                yield given.iloc[:, i].to_numpy(np.float64, na_value=np.nan)
    elif isinstance(given, np.ndarray) and given.dtype.kind == "f" and given.size and len(given) == rows:
        yield from given.reshape(rows, -1).T


def _is_sparse(value: Any) -> bool:
    return bool(sparse.issparse(value))
