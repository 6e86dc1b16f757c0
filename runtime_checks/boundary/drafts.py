"""Many rows at once, column by column as the graph is fed them, made from the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.build.columns import TENSOR_DTYPES
from onnxtwin.build.instants import parse_dtype
from onnxtwin.exporters.signature import NAT, Column, Signature, is_missing
from onnxtwin.runtime_checks.boundary.ordered import Order
from onnxtwin.runtime_checks.coverage.instrument import Feeds, Tensors
from onnxtwin.runtime_checks.rows import Rows, column_values, count, put, take

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drafts:
    """Rows not yet made.

    Attributes
    ----------
    base : int64 [N]: the user's row that each was made from.
    cells : one array [N] a column, as it travels to the graph.
    changed : bool [N, columns]: which cells are not the base row's own.
    """

    base: Ints
    cells: tuple[Array, ...]
    changed: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.base)

    def take(self, index: Any) -> Drafts:
        """The drafts at some positions."""
        return Drafts(self.base[index], tuple(cells[index] for cells in self.cells), self.changed[index])

    def put(self, rows: Any, column: int, values: Array) -> None:
        """Set one column's cells in some rows, in place."""
        self.cells[column][rows] = values
        self.changed[rows, column] = True

    def copy(self) -> Drafts:
        """A copy that can be changed."""
        return Drafts(self.base.copy(), tuple(cells.copy() for cells in self.cells), self.changed.copy())


def joined(parts: Sequence[Drafts]) -> Drafts:
    """Drafts of one origin, one behind the other."""
    return Drafts(
        np.concatenate([part.base for part in parts]),
        tuple(np.concatenate(cells) for cells in zip(*(part.cells for part in parts), strict=True)),
        np.concatenate([part.changed for part in parts]),
    )


class Origin:
    """The user's rows that drafts are made from, and the way from drafts to feeds and to rows.

    Parameters
    ----------
    signature : the twin's.
    X : rows that the pipeline answers.
    feeds : raw rows → the graph's inputs; None where there is no graph.

    Raises
    ------
    InputError : the twin refuses one of the rows.
    """

    def __init__(self, signature: Signature, X: Rows, feeds: Feeds | None) -> None:
        self.signature = signature
        self.columns = signature.columns
        self.X = X
        fed = {} if feeds is None else feeds(X)
        place = {column.name: i for i, column in enumerate(self.columns)}
        self._inputs = [
            (name, [place[column] for column in entry.columns], fed[name].dtype)
            for entry in signature.inputs
            if (name := entry.name) in fed
        ]
        given = {
            position: fed[name][:, at]
            for name, positions, _ in self._inputs
            for at, position in enumerate(positions)
        }
        cells = [self._cells(column, given.get(i)) for i, column in enumerate(self.columns)]
        changed = np.zeros((count(X), len(cells)), np.bool_)
        self.drafts = Drafts(np.arange(count(X)), tuple(cells), changed)

    def _cells(self, column: Column, given: Array | None) -> Array:
        if given is not None and given.dtype == TENSOR_DTYPES[column.tensor]:
            return given.copy()
        values = column_values(self.X, column.label)
        if column.tensor == "string":
            token = self.signature.missing_token
            return np.array([token if is_missing(v) else str(v) for v in values], dtype=object)
        if values.dtype.kind in "Mm":
            return values.astype(np.int64).to_numpy()
        if column.tensor == "float64":
            return np.array(values.to_numpy(np.float64, na_value=np.nan))
        return values.to_numpy().astype(TENSOR_DTYPES[column.tensor])

    def order(self, position: int) -> Order | None:
        """How the values of a column are ordered; None for text, categories, booleans and listed values."""
        column = self.columns[position]
        if column.categories is not None or column.values is not None or column.tensor in ("string", "bool"):
            return None
        if column.dtype in ("boolean", "category"):
            return None
        if column.tensor == "int64" or column.dtype.startswith(("Int", "UInt")):
            return "whole"
        return "single" if column.dtype.lower() == "float32" or column.tensor == "float32" else "double"

    def missing(self, position: int) -> Any:
        """How a missing value of the column travels; None where it cannot be missing."""
        column = self.columns[position]
        if column.missing == "none" or not column.missing_allowed:
            return None
        return {"nan": np.nan, "nat": NAT, "token": self.signature.missing_token}[column.missing]

    def feeds(self, drafts: Drafts) -> Tensors:
        """The graph's inputs."""
        with np.errstate(over="ignore", invalid="ignore"):
            return {
                name: np.column_stack([drafts.cells[p].astype(dtype, copy=False) for p in positions])
                for name, positions, dtype in self._inputs
            }

    def rows(self, drafts: Drafts) -> Rows:
        """The drafts as the user would hand them over."""
        X = take(self.X, drafts.base)
        changed = [p for p in range(len(self.columns)) if drafts.changed[:, p].any()]
        if isinstance(X, pd.DataFrame):
            X = self._with_numbers(X, {p: drafts.cells[p] for p in changed if self._plain(p)})
            changed = [p for p in changed if not self._plain(p)]
        for position in changed:
            column, at = self.columns[position], np.flatnonzero(drafts.changed[:, position])
            X = put(X, column.label, at, self._given(X, column, drafts.cells[position][at]))
        return X

    def _plain(self, position: int) -> bool:
        """Whether a column of the DataFrame travels as it is: its cells need not be set one by one."""
        dtype = self.X[self.columns[position].label].dtype
        return isinstance(dtype, np.dtype) and dtype.kind == "f"

    def _with_numbers(self, X: pd.DataFrame, cells: dict[int, Array]) -> pd.DataFrame:
        if not cells:
            return X
        # One frame of all columns at once: setting them one after the other costs more than an answer.
        given: dict[Any, Array] = {}
        for position, own in cells.items():
            label = self.columns[position].label
            dtype: Any = X[label].dtype
            given[label] = own.astype(dtype)
        held = {label: given.get(label, X[label]) for label in X.columns}
        made = pd.DataFrame(held, index=X.index)
        made.columns = X.columns
        return made

    def _given(self, X: Rows, column: Column, cells: Array) -> Any:
        """The cells as the user would type them."""
        old = column_values(X, column.label)
        if old.dtype.kind in "Mm" and parse_dtype(column.dtype) is not None:
            return _instants(np.ascontiguousarray(cells, np.int64), old)
        if isinstance(old.dtype, np.dtype) and old.dtype.kind in "fiub":
            with np.errstate(over="ignore"):
                return cells.astype(old.dtype)
        return self._raw(column, cells, old)

    def _raw(self, column: Column, cells: Array, old: pd.Series) -> Array:
        raw = np.empty(len(cells), dtype=object)
        token = self.signature.missing_token
        gone = None if column.missing_value == "None" else np.nan
        whole = column.dtype.startswith(("Int", "UInt", "int", "uint"))
        for i, cell in enumerate(cells.tolist()):
            if isinstance(cell, str):
                raw[i] = gone if column.missing == "token" and cell == token else cell
            elif isinstance(cell, float) and cell != cell:
                raw[i] = pd.NA if isinstance(old.dtype, pd.api.extensions.ExtensionDtype) else np.nan
            elif column.dtype == "boolean":
                raw[i] = bool(cell)
            else:
                raw[i] = int(cell) if whole else cell
        return raw


def _instants(ticks: Ints, like: pd.Series) -> pd.Series:
    """Ticks of the column's own unit as its own type, whatever its zone."""
    zone = getattr(like.dtype, "tz", None)
    unit = getattr(like.dtype, "unit", None) or str(like.to_numpy().dtype).partition("[")[2].rstrip("]")
    letter = "m" if like.dtype.kind == "m" else "M"
    bare = pd.Series(ticks.view(f"{letter}8[{unit}]"))
    return bare.dt.tz_localize("UTC").dt.tz_convert(zone) if zone is not None else bare
