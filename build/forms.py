"""The form of rows: what a pipeline could refuse or answer otherwise although the values are the same.

A pipeline sees more than values: whether they come as a DataFrame or a matrix, in which order the columns
stand, and of which dtype they are. float32 is computed with in float32; ``.str.contains`` answers False for
a missing ``str`` and NaN for a missing ``object``; ``.cat.codes`` counts in the rows' own categories. A graph
sees none of this, so rows must come in the form that the sample had, or in one that makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.columns import show
from onnxtwin.build.frames import frame_column, is_frame, is_series
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import WHOLE_NUMBERS, Column, Signature

if TYPE_CHECKING:
    import pandas as pd

TEXTS = frozenset({"object", "str"})
"""Dtypes of text whose values scikit-learn's own estimators take alike, missing ones included."""

FORMS = {
    "DataFrame": "a DataFrame, a list of dicts or a dict of columns",
    "matrix": "a 2-D array, a list of lists, a DataFrame, a list of dicts or a dict of columns",
    "documents": "a list, a 1-D array or a Series of texts",
}

NAMED = 8
"""Columns or categories that a message names."""

_ARRAYS = (np.ndarray, np.memmap)
"""Other kinds of arrays mean something else: scikit-learn refuses ``np.matrix``, a mask would be lost."""


class SampleForm:
    """The sample's form, and which other forms the pipeline takes as the same.

    Parameters
    ----------
    signature : its ``container``, ``extra_columns`` and ``types`` say what the pipeline tells apart.
    """

    def __init__(self, signature: Signature) -> None:
        self._columns = signature.columns
        self._labels = [column.label for column in signature.columns]
        self._container = signature.container
        self._matrix = signature.container == "matrix"
        self._by_name = signature.extra_columns == "ignored"
        self._by_value = signature.types == "by_value"
        self._alike = [_alike(column, self._by_value) for column in signature.columns]
        self._known: list[set[Any]] = [set() for _ in signature.columns]
        self._lists = [None if c.categories is None else list(c.categories) for c in signature.columns]

    def demand(self, X: Any) -> None:
        """Demand of rows that they are to the pipeline what the sample was, whatever their values.

        Parameters
        ----------
        X : a DataFrame, a 2-D array, or texts.

        Raises
        ------
        InputError
            If the pipeline could tell their form from the sample's.
        """
        array = isinstance(X, np.ndarray) and X.ndim == 2
        table = is_frame(X) or array
        if table and self._container == "documents" or array and self._container == "DataFrame":
            raise InputError(f"found {shown(X)}, expected {FORMS[self._container]}{single(X)}")
        if is_frame(X):
            self.frame(X)
        elif array:
            self.matrix(X)
        elif self._container == "documents":
            self.documents(X)

    def frame(self, X: pd.DataFrame) -> list[pd.Series[Any]]:
        """The columns of a DataFrame in the signature's order.

        Raises
        ------
        InputError
            If the pipeline could tell this frame from one like the sample.
        """
        series: list[pd.Series[Any]]
        if self._matrix:
            if not self._by_value:
                raise InputError(
                    f"found a DataFrame of shape {X.shape}, expected a matrix: the pipeline was exported "
                    "with one and holds code that may tell the two apart: X.to_numpy()"
                )
            self.width(X.shape[1])
            series = [X.iloc[:, i] for i in range(X.shape[1])]
        elif self._by_name:
            series = [frame_column(X, label) for label in self._labels]
        else:
            if X.columns.tolist() != self._labels:
                raise self._other_columns(X.columns.tolist())
            series = [X[label] for label in self._labels]
        wrong = [
            i
            for i, one in enumerate(series)
            if one.dtype not in self._known[i] and not self._fits(i, one.dtype)
        ]
        if wrong:
            raise self._other_types(wrong, [series[i].dtype for i in wrong])
        return series

    def matrix(self, X: NDArray[Any]) -> None:
        """Demand that a 2-D array is of the sample's kind, width and dtype; raises as :meth:`frame`."""
        if type(X) not in _ARRAYS:
            raise InputError(
                f"found a {type(X).__name__} of shape {X.shape}, expected an ndarray: numpy.asarray(X)"
            )
        self.width(X.shape[1])
        if X.dtype not in self._known[0] and not self._fits(0, X.dtype):
            raise self._other_types(list(range(X.shape[1])), [X.dtype])

    def lists(self, X: Sequence[Any]) -> None:
        """Demand that lists are to the pipeline what the sample's matrix was; raises as :meth:`frame`."""
        dtype = np.asarray(X).dtype if self._by_value else None
        # numpy makes objects of numbers only where something is missing.
        if dtype is None or dtype.kind != "O" and _name(dtype) not in self._alike[0]:
            found = "a list of lists" if dtype is None else f"a list of lists, which numpy reads as {dtype}"
            raise InputError(f"found {found}, expected a matrix: numpy.array(X, dtype={self._dtype()!r})")

    def documents(self, X: Any) -> None:
        """Demand that texts come as the sample's list did, or that it makes no difference."""
        if not self._by_value and type(X) is not list:
            raise InputError(
                f"found a {type(X).__name__}, expected a list of texts: the pipeline holds code that may "
                f"tell the two apart: {'list(X)' if isinstance(X, tuple) else 'X.tolist()'}"
            )

    def width(self, found: int, where: str = "") -> None:
        """Demand as many columns as the signature has."""
        if found != len(self._columns):
            names = ", ".join(column.name for column in self._columns[:12])
            more = f" and {len(self._columns) - 12} more" if len(self._columns) > 12 else ""
            raise InputError(f"{where}found {found} columns, expected {len(self._columns)}: {names}{more}")

    def _fits(self, place: int, dtype: Any) -> bool:
        if _name(dtype) not in self._alike[place]:
            return False
        own = self._lists[place]
        if own is None or self._by_value:
            self._known[place].add(dtype)
            return True
        # pandas calls two lists of the same categories equal whatever their order, so none is remembered.
        ordered = self._columns[place].ordered
        return dtype.categories[: len(own)].tolist() == own and bool(dtype.ordered) == ordered

    def _dtype(self) -> str:
        return self._columns[0].dtype

    def _other_columns(self, found: list[Any]) -> InputError:
        """The first way in which a frame's columns are not the sample's."""
        lacking = [label for label in self._labels if label not in found]
        if lacking:
            more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
            present = ", ".join(map(repr, found[:12])) + (" and more" if len(found) > 12 else "")
            return InputError(
                f"column {lacking[0]!r} is missing{more}; the rows have {present}: "
                "add it, with missing values if it has none"
            )
        known = set(self._labels)
        extra = [label for label in found if label not in known]
        if extra:
            more = f" (and {len(extra) - 1} more)" if len(extra) > 1 else ""
            return InputError(
                f"column {extra[0]!r}{more} was not there when the model was fitted, "
                "and the pipeline refuses it: leave it out"
            )
        twice = next((label for label in self._labels if found.count(label) > 1), None)
        if twice is not None:
            return InputError(f"column {twice!r} appears {found.count(twice)} times; keep one of them")
        place = next(i for i, label in enumerate(self._labels) if found[i] != label)
        return InputError(
            f"column {found[place]!r} stands where {self._labels[place]!r} was when the model was exported, "
            f"and the pipeline looks at the order of the columns: X[{_listed(self._labels)}]"
        )

    def _other_types(self, wrong: list[int], found: list[Any]) -> InputError:
        """The columns whose dtype the pipeline could tell from the sample's."""
        first, dtype = self._columns[wrong[0]], found[0]
        more = f" (and {len(wrong) - 1} more columns)" if len(wrong) > 1 and not self._matrix else ""
        if first.categories is not None and _name(dtype) == first.dtype:
            own = _listed(first.categories)
            return InputError(
                f"column {first.label!r}{more}: found other categories than {own}, or in another order, and "
                "the pipeline holds code that may look at them; list these first, and new ones after them: "
                f"X[{first.label!r}].cat.set_categories({own}, ordered={first.ordered})"
            )
        if self._matrix:
            target = repr(first.dtype)
        else:
            casts = [f"{self._columns[i].label!r}: {self._columns[i].dtype!r}" for i in wrong[:NAMED]]
            target = "{" + ", ".join(casts) + (", ..." if wrong[NAMED:] else "") + "}"
        return InputError(
            f"column {first.label!r}{more}: found dtype {dtype}, expected {first.dtype}: the pipeline may "
            f"answer otherwise; convert it, for example X.astype({target}), or export with rows of this dtype"
        )


def _alike(column: Column, by_value: bool) -> frozenset[str]:
    """Names of the dtypes that are the same to the pipeline."""
    own = frozenset({column.dtype})
    if by_value:
        own |= next((group for group in (WHOLE_NUMBERS, TEXTS) if column.dtype in group), own)
    return own


def _name(dtype: Any) -> str:
    return "str" if isinstance(dtype, np.dtype) and dtype.kind == "U" else str(dtype)


def _listed(values: Sequence[Any]) -> str:
    return "[" + ", ".join(map(repr, values[:NAMED])) + (", ...]" if values[NAMED:] else "]")


def single(X: Any) -> str:
    """The way out for one row that was handed over where rows are wanted, or nothing."""
    if is_series(X) or isinstance(X, np.ndarray) and X.ndim == 1:
        return "; a single row goes in as a list of one dict, or as X.iloc[[0]]"
    if isinstance(X, str):
        return "; a single text goes in as a list of one text"
    return "; an array has no column names: pd.DataFrame(X, columns=...)" if isinstance(X, np.ndarray) else ""


def shown(X: Any) -> str:
    """What was handed over, as a message says it."""
    return f"{type(X).__name__} of shape {X.shape}" if hasattr(X, "shape") else show(X)
