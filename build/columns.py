"""One raw column: from the values a caller holds to the tensor that travels. numpy only.

Each kind of column converts in two ways. *Values* are plain Python objects (a list of dicts, JSON): they
have no dtype of their own, so they are typed as the notebook typed the column, and ``None`` and NaN both
mean missing. *Arrays* come with a dtype that the pipeline would see: they are accepted only if the
pipeline's answer could not depend on the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from onnxtwin.exporters.errors import DomainError, InputError
from onnxtwin.exporters.signature import Column, is_missing

TENSOR_DTYPES: dict[str, np.dtype[Any]] = {
    "float64": np.dtype(np.float64),
    "float32": np.dtype(np.float32),
    "int64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
    "string": np.dtype(object),
}
"""What onnxruntime's Python binding takes for each element type of a signature."""


def show(value: Any) -> str:
    """A value as an error message shows it: short, with its type."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


class Kind:
    """How the values of a column (or of a matrix of equal columns, row after row) travel.

    Parameters
    ----------
    columns : the column; several, all alike but for their names, where a flattened matrix is converted.
    token : how a missing string travels.
    """

    wanted: str = ""

    def __init__(self, columns: Sequence[Column], token: str) -> None:
        self.columns = columns
        self.column = columns[0]
        self.token = token
        self.tensor = TENSOR_DTYPES[self.column.tensor]
        self.accepted = None
        if self.column.values is not None:
            self.accepted = frozenset(value for value in self.column.values if not is_missing(value))

    def from_values(self, values: list[Any]) -> NDArray[Any]:
        """Tensor ``[len(values)]`` of Python values, typed as the column is.

        Raises
        ------
        InputError
            If a value is of another type, or cannot be said exactly in the column's.
        DomainError
            If the pipeline would refuse the value.
        """
        raise NotImplementedError

    def from_lists(self, values: list[Any]) -> NDArray[Any]:
        """Tensor of one column of a list of lists, of which numpy makes a matrix for the pipeline.

        To numpy ``None`` and NaN are numbers, pandas' NA and NaT are not.
        """
        for position, value in enumerate(values):
            if type(value).__name__ in ("NAType", "NaTType"):
                self.refuse(position, value, "a missing value in a list of lists is None or NaN")
        return self.from_values(values)

    def from_array(self, array: NDArray[Any]) -> NDArray[Any]:
        """Tensor ``[len(array)]`` of a 1-D array with a dtype of its own; raises as :meth:`from_values`."""
        raise NotImplementedError

    def at(self, position: int) -> str:
        """The column and row of a position, as a message says it."""
        row, which = divmod(position, len(self.columns))
        return f"column {self.columns[which].label!r}, row {row} (counted from 0)"

    def refuse(self, position: int, value: Any, way_out: str, expected: str = "") -> NoReturn:
        """Raise InputError: the value is not of the column's type."""
        raise InputError(
            f"{self.at(position)}: found {show(value)}, expected {expected or self.wanted} "
            f"({self.column.dtype} when the model was fitted); {way_out}"
        )

    def outside(self, position: int, value: Any, demand: str, way_out: str) -> NoReturn:
        """Raise DomainError: the pipeline refuses the value."""
        raise DomainError(f"{self.at(position)}: found {show(value)}, but {demand}; {way_out}")

    def missing(self, position: int, value: Any) -> NoReturn:
        """Raise DomainError: this column must not be missing."""
        self.outside(position, value, "this column must not be missing", "give a value or leave the row out")

    def wrong_dtype(self, found: object) -> NoReturn:
        """Raise InputError: the whole array is of another type."""
        label, dtype = self.column.label, self.column.dtype
        target = repr(dtype) if isinstance(label, int) else f"{{{label!r}: {dtype!r}}}"
        raise InputError(
            f"column {label!r}: found dtype {found}, expected {dtype}; "
            f"convert it, for example X.astype({target})"
        )

    def check_accepted(self, values: list[Any] | NDArray[Any], exempt: Callable[[Any], bool]) -> None:
        """Demand that every value, unless exempt, is one of those that the pipeline accepts."""
        if self.accepted is None:
            return
        flat = values.tolist() if isinstance(values, np.ndarray) else values
        if set(flat) <= self.accepted:
            return
        for position, value in enumerate(flat):
            if value not in self.accepted and not exempt(value):
                known = sorted(self.accepted, key=repr)
                more = f" and {len(known) - 8} more" if known[8:] else ""
                self.outside(
                    position,
                    value,
                    f"the pipeline accepts only {', '.join(map(repr, known[:8]))}{more}",
                    "map it to one of these or leave the row out",
                )


def first(mask: NDArray[np.bool_]) -> int:
    """Position of the first True."""
    return int(np.argmax(mask))
