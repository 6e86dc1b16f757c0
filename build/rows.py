"""Raw rows, in any form a caller holds them, to the feeds of a graph.

A DataFrame, a matrix or texts are what the pipeline itself would be given: they must be what the sample
was, or differ only in what the pipeline does not see (:mod:`onnxtwin.build.forms`). A list of dicts and a
dict of columns are nothing to a pipeline; they mean a DataFrame of the sample's dtypes. What is not there,
is of another type, or lies outside of what the pipeline accepts is an error that names the column, the row,
the value and what to do; nothing is guessed, cut off or rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.columns import TENSOR_DTYPES, Kind, show
from onnxtwin.build.forms import FORMS, SampleForm, shown, single
from onnxtwin.build.frames import is_frame, is_series, series_tensor
from onnxtwin.build.kinds import Text, kind_of
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Signature


@dataclass(frozen=True)
class Feeds:
    """What the graph is fed.

    Attributes
    ----------
    tensors : by input name, each ``[rows, k]`` with the dtype of the signature.
    rows : the row count N.
    index : the caller's pandas index; None if the rows did not come from pandas.
    """

    tensors: dict[str, NDArray[Any]]
    rows: int
    index: Any = None


class RowReader:
    """Turns raw rows into feeds; made once for a signature, safe to share between threads."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._kinds = [kind_of((column,), signature.missing_token) for column in signature.columns]
        self._names = [column.name for column in signature.columns]
        place = {name: i for i, name in enumerate(self._names)}
        self._inputs = [
            (spec.name, tuple(place[name] for name in spec.columns), TENSOR_DTYPES[spec.tensor])
            for spec in signature.inputs
        ]
        self._form = SampleForm(signature)
        self._single = all(len(places) == 1 for _, places, _ in self._inputs)
        self._uniform = self._whole_matrix_kind()

    def read(self, X: Any) -> Feeds:
        """Feeds of raw rows.

        Parameters
        ----------
        X : a DataFrame, a list of dicts or a dict of columns; where the model was exported with a matrix
            a 2-D array, and a list of lists or a DataFrame if the pipeline takes them as the same; where with
            texts a list, and a 1-D array or Series of str likewise.

        Raises
        ------
        InputError
            If a column is missing, of another type, or ragged, or in another place and the pipeline looks at
            the order of the columns.
        DomainError
            If a value lies outside of what the pipeline accepts.
        """
        if self.signature.container == "documents":
            return self._documents(X)
        if is_frame(X):
            return self._frame(X)
        if isinstance(X, np.ndarray):
            return self._matrix(X)
        if isinstance(X, Mapping):
            return self._columns(X)
        if isinstance(X, Sequence) and not isinstance(X, (str, bytes)):
            if not X:
                return self.empty()
            if isinstance(X[0], Mapping):
                return self._dicts(X)
            if isinstance(X[0], (list, tuple, np.ndarray)):
                return self._lists(X)
        raise self._unfit(X)

    def empty(self) -> Feeds:
        """Feeds of no row."""
        return Feeds({name: np.empty((0, len(places)), dtype) for name, places, dtype in self._inputs}, 0)

    def _dicts(self, rows: Sequence[Mapping[str, Any]]) -> Feeds:
        names = self._names
        try:
            columns = [[row[name] for row in rows] for name in names]
        except (KeyError, TypeError, IndexError):
            columns = self._dicts_carefully(rows)
        if self.signature.extra_columns == "refused":
            for position, row in enumerate(rows):
                if len(row) > len(names):
                    self._refuse_extra(row, f"row {position}: ")
        return self._feeds(
            [kind.from_values(values) for kind, values in zip(self._kinds, columns, strict=True)], len(rows)
        )

    def _dicts_carefully(self, rows: Sequence[Any]) -> list[list[Any]]:
        """The columns of rows that may be keyed by integer labels, with the first defect named."""
        columns: list[list[Any]] = [[] for _ in self._names]
        for position, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise InputError(f"row {position}: found {show(row)}, expected a dict like those before it")
            for values, column in zip(columns, self.signature.columns, strict=True):
                if column.name in row:
                    values.append(row[column.name])
                elif column.label in row:
                    values.append(row[column.label])
                else:
                    raise InputError(
                        f"row {position}: column {column.name!r} is missing; give it, if only as None"
                    )
        return columns

    def _columns(self, X: Mapping[Any, Any]) -> Feeds:
        tensors: list[NDArray[Any]] = []
        rows: int | None = None
        for kind in self._kinds:
            column = kind.column
            key = column.name if column.name in X else column.label
            if key not in X:
                present = ", ".join(map(repr, list(X)[:12]))
                raise InputError(f"column {column.name!r} is missing; the dict has {present}")
            tensor = self._one_column(X[key], kind)
            if rows is not None and len(tensor) != rows:
                raise InputError(
                    f"column {column.name!r} has {len(tensor)} rows, column {self._names[0]!r} has {rows}; "
                    "all columns must be of one length"
                )
            rows = len(tensor)
            tensors.append(tensor)
        self._refuse_extra(X, "")
        return self._feeds(tensors, rows or 0)

    def _one_column(self, values: Any, kind: Kind) -> NDArray[Any]:
        if is_series(values):
            return series_tensor(values, kind)
        if isinstance(values, np.ndarray) and values.ndim == 1:
            return _array_tensor(values, kind)
        if isinstance(values, (list, tuple)):
            return kind.from_values(list(values))
        raise InputError(
            f"column {kind.column.label!r}: found {show(values)}, expected a list, a 1-D array or a Series "
            "of its values; a single row goes in as a list of one dict"
        )

    def _frame(self, X: Any) -> Feeds:
        series = self._form.frame(X)
        tensors = [series_tensor(one, kind) for one, kind in zip(series, self._kinds, strict=True)]
        return self._feeds(tensors, len(X), X.index)

    def _matrix(self, X: NDArray[Any]) -> Feeds:
        if self.signature.container != "matrix" or X.ndim != 2:
            raise self._unfit(X)
        self._form.matrix(X)
        if self._uniform is not None:
            flat = self._uniform.from_array(np.ascontiguousarray(X).reshape(-1))
            return Feeds({self._inputs[0][0]: flat.reshape(X.shape)}, len(X))
        return self._feeds([_array_tensor(X[:, i], kind) for i, kind in enumerate(self._kinds)], len(X))

    def _lists(self, X: Sequence[Any]) -> Feeds:
        if self.signature.container != "matrix":
            raise self._unfit(X)
        for position, row in enumerate(X):
            if not isinstance(row, (list, tuple, np.ndarray)):
                raise InputError(f"row {position}: found {show(row)}, expected a list like those before it")
            self._form.width(len(row), f"row {position}: ")
        self._form.lists(X)
        columns = [[row[i] for row in X] for i in range(len(self._kinds))]
        return self._feeds(
            [kind.from_lists(values) for kind, values in zip(self._kinds, columns, strict=True)], len(X)
        )

    def _documents(self, X: Any) -> Feeds:
        (kind,) = self._kinds
        index = None
        if is_series(X):
            tensor, index = series_tensor(X, kind), X.index
        elif isinstance(X, np.ndarray) and X.ndim == 1:
            tensor = kind.from_array(X)
        elif isinstance(X, Sequence) and not isinstance(X, (str, bytes)):
            tensor = kind.from_values(list(X))
        else:
            raise self._unfit(X)
        self._form.documents(X)
        return self._feeds([tensor], len(tensor), index)

    def _feeds(self, tensors: list[NDArray[Any]], rows: int, index: Any = None) -> Feeds:
        if self._single:
            single = {name: tensors[places[0]].reshape(rows, 1) for name, places, _ in self._inputs}
            return Feeds(single, rows, index)
        feeds: dict[str, NDArray[Any]] = {}
        for name, places, dtype in self._inputs:
            matrix = np.empty((rows, len(places)), dtype)
            for i, place in enumerate(places):
                matrix[:, i] = tensors[place]
            feeds[name] = matrix
        return Feeds(feeds, rows, index)

    def _whole_matrix_kind(self) -> Kind | None:
        """One kind for a matrix whose columns are alike, so that it is converted in one go."""
        columns = self.signature.columns
        if self.signature.container != "matrix" or len(self._inputs) != 1:
            return None
        alike = {replace(column, name="", label="") for column in columns}
        if len(alike) > 1 or isinstance(self._kinds[0], Text):
            return None
        return kind_of(columns, self.signature.missing_token)

    def _refuse_extra(self, present: Any, where: str) -> None:
        if self.signature.extra_columns == "ignored" or len(present) <= len(self._names):
            return
        known: set[Any] = {key for column in self.signature.columns for key in (column.name, column.label)}
        extra = [key for key in present if key not in known]
        if extra:
            more = f" (and {len(extra) - 1} more)" if len(extra) > 1 else ""
            raise InputError(
                f"{where}column {extra[0]!r}{more} was not there when the model was fitted, "
                "and the pipeline refuses it: leave it out"
            )

    def _unfit(self, X: Any) -> InputError:
        return InputError(f"found {shown(X)}, expected {FORMS[self.signature.container]}{single(X)}")


def _array_tensor(array: NDArray[Any], kind: Kind) -> NDArray[Any]:
    if array.dtype == object and not isinstance(kind, Text):
        return kind.from_values(array.tolist())
    return kind.from_array(array)
