"""The traced DataFrame: pandas' own frame of the sample beside one cell a column.

A cell is a held column, or a position in a matrix that nothing has taken apart yet, so that choosing and
joining columns costs no graph node until something needs a single column.

A frame's attributes are its columns, so nothing of ours may bear a name that a column could have: the frame
has two attributes with a prefix, and what works on them are functions of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.pandas.asked import Asked, other, told
from onnxtwin.exporters.pandas.held import adopt, held, is_nullable, refuse
from onnxtwin.exporters.pandas.rows import relabelled, row_index
from onnxtwin.exporters.pandas.series import Series
from onnxtwin.exporters.tensor import Tensor, join


@dataclass(frozen=True)
class Cell:
    """The graph side of one column.

    Attributes
    ----------
    source : a held 1-D array, or a matrix.
    position : the column's position in the matrix; None for a 1-D array.
    whole : as :attr:`Series.whole`.
    """

    source: Array
    position: int | None = None
    whole: bool = False

    @classmethod
    def of(cls, series: Series) -> Cell:
        return cls(series.held, None, series.whole)

    def series(self, value: pd.Series) -> Series:
        """The cell as a Series with the real values ``value``."""
        if self.position is None:
            return Series(value, self.source, whole=self.whole)
        values = held(value)
        constant = self.source.is_constant
        array = Array(values) if constant else Array(values, self.source.tensor.pick(self.position))
        return Series(value, adopt(value, array, "a column of a matrix"), whole=self.whole)


class DataFrame(Asked):
    """A table whose operations are recorded.

    Parameters
    ----------
    value : the sample's real frame, with the sample's own row labels.
    tensors : the graph side of each column, 1-D.

    Raises
    ------
    UnsupportedError
        From whatever would need the rows themselves, drops or reorders rows, or is not supported.
    """

    __slots__ = ("_twin_cells", "_twin_value")
    __array_priority__ = 4000
    __hash__ = None  # type: ignore[assignment]

    _twin_value: pd.DataFrame
    _twin_cells: list[Cell]

    def __init__(self, value: pd.DataFrame, tensors: Sequence[Tensor]) -> None:
        cells = [Cell(Array(held(value.iloc[:, i]), t)) for i, t in enumerate(tensors)]
        put(self, value, cells)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return told(pd.DataFrame)

    # ---- what the engine asks ----------------------------------------------------------------

    def __onnxtwin_value__(self) -> pd.DataFrame:
        return self._twin_value

    def __onnxtwin_columns__(self) -> list[Array]:
        return [series.__onnxtwin_array__() for series in columns_of(self)]

    def __onnxtwin_array__(self) -> Array:
        """The frame as a matrix; columns of different element types stay apart until something joins them."""
        real = _matrix(self._twin_value)
        cells = self._twin_cells
        if cells and all(cell.source.is_constant for cell in cells):
            return Array(real)
        parts: list[Tensor] = []
        for start, end, block in _runs(cells, real.dtype):
            if block is not None:
                parts.append(block.tensor.select([cell.position or 0 for cell in cells[start:end]]))
                continue
            array = column_at(self, start).held
            if real.dtype.kind != "O" and array.dtype != real.dtype:
                array = array.astype(real.dtype)
            parts.append(array.tensor)
        kinds = {part.dtype for part in parts}
        dtype = np.dtype(np.float64) if not kinds else kinds.pop() if len(kinds) == 1 else np.dtype("O")
        return Array(real, join(parts, len(real), dtype))

    # ---- numpy's protocols -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from onnxtwin.exporters.pandas.protocols import frame_ufunc

        return frame_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from onnxtwin.exporters.pandas.protocols import apply_function

        return apply_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.__onnxtwin_array__().__array__(dtype, copy)

    # ---- what would need the rows, and what does not -----------------------------------------

    def __bool__(self) -> bool:
        raise refuse(
            "branches on the values of a frame",
            "use np.where or a boolean mask instead of if, and, or, not",
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(self._twin_value.columns)

    def __contains__(self, key: Any) -> bool:
        return key in self._twin_value.columns

    def __len__(self) -> int:
        return len(self._twin_value)

    def __getattr__(self, name: str) -> Any:
        own = name in DataFrame.__slots__ or hasattr(pd.DataFrame, name)
        if not own and name in self._twin_value.columns:
            return self[name]
        raise other(self, name, pd.DataFrame)

    def __setattr__(self, name: str, new: Any) -> None:
        if name in DataFrame.__slots__:
            object.__setattr__(self, name, new)
        elif name == "columns":
            value = self._twin_value.copy()
            value.columns = concrete(new)
            self._twin_value = value
        elif name == "index":
            self._twin_value = relabelled(self._twin_value, new)
        elif name in self._twin_value.columns and not hasattr(pd.DataFrame, name):
            self[name] = new
        else:
            raise refuse(f"sets the attribute {name!r} of a frame", "assign a column: df['name'] = ...")

    def __copy__(self) -> DataFrame:
        return frame_of(self._twin_value.copy(), self._twin_cells)

    def __deepcopy__(self, memo: Any) -> DataFrame:
        return frame_of(self._twin_value.copy(), self._twin_cells)

    # ---- questions that need no graph --------------------------------------------------------

    @property
    def columns(self) -> pd.Index:
        return self._twin_value.columns

    @property
    def dtypes(self) -> pd.Series:
        return self._twin_value.dtypes

    @property
    def shape(self) -> tuple[int, int]:
        return self._twin_value.shape

    @property
    def ndim(self) -> int:
        return 2

    @property
    def size(self) -> int:
        return self._twin_value.size

    @property
    def empty(self) -> bool:
        return not self._twin_cells

    @property
    def index(self) -> Any:
        return row_index(self._twin_value.index)

    @property
    def axes(self) -> list[Any]:
        return [self.index, self.columns]

    @property
    def values(self) -> Array:
        return self.__onnxtwin_array__()

    @property
    def attrs(self) -> dict[Any, Any]:
        return self._twin_value.attrs

    # ---- columns -----------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if callable(key) and not is_traced(key):
            key = key(self)
        if is_traced(key) or _rows(key):
            raise refuse(
                "chooses rows of a frame: how many they are would depend on the rows",
                "use where, mask or np.where on whole columns; drop rows before the pipeline",
            )
        real = self._twin_value[key]
        if isinstance(real, pd.Series):
            return column_at(self, positions_of(self, lambda p: p[key])[0])
        return chosen_columns(self, positions_of(self, lambda p: p[key]), real)

    def __setitem__(self, key: Any, value: Any) -> None:
        from onnxtwin.exporters.pandas.writing import write_frame

        write_frame(self, key, value)

    def __delitem__(self, key: Any) -> None:
        if key not in self._twin_value.columns:
            raise KeyError(key)
        kept = positions_of(self, lambda p: p.drop(columns=[key]))
        put(self, self._twin_value.iloc[:, kept], [self._twin_cells[i] for i in kept])

    @property
    def loc(self) -> Any:
        from onnxtwin.exporters.pandas.writing import FrameLocator

        return FrameLocator(self, "loc")

    @property
    def iloc(self) -> Any:
        from onnxtwin.exporters.pandas.writing import FrameLocator

        return FrameLocator(self, "iloc")


def _rows(key: Any) -> bool:
    """Whether ``frame[key]`` chooses rows: a slice, or one truth a row."""
    if isinstance(key, slice):
        return key != slice(None)
    many = isinstance(key, (list, np.ndarray, pd.Series)) and len(key) > 0
    return many and all(isinstance(k, (bool, np.bool_)) for k in key)


def _matrix(value: pd.DataFrame) -> np.ndarray:
    """pandas' own matrix, except that nullable numbers are float64 with NaN and times are UTC."""
    special = (pd.CategoricalDtype, pd.DatetimeTZDtype)
    if not any(is_nullable(d) or isinstance(d, special) for d in value.dtypes):
        real = value.to_numpy()
        return real.copy(order="K") if real.flags.writeable else real
    plain = [held(value.iloc[:, i]) for i in range(value.shape[1])]
    return pd.concat([pd.Series(p, dtype=p.dtype) for p in plain], axis=1).to_numpy().copy(order="K")


def _runs(cells: Sequence[Cell], dtype: np.dtype) -> Iterator[tuple[int, int, Array | None]]:
    """Neighbouring columns of one matrix together, all others alone."""
    start = 0
    while start < len(cells):
        cell, end = cells[start], start + 1
        apart = cell.position is None or cell.source.is_constant
        if apart or dtype.kind != "O" and cell.source.dtype != dtype:
            yield start, end, None
        else:
            while end < len(cells) and cells[end].source is cell.source:
                end += 1
            yield start, end, cell.source
        start = end


def put(frame: DataFrame, value: pd.DataFrame, cells: Sequence[Cell]) -> None:
    """Give ``frame`` another real value and other cells, in place."""
    frame._twin_value = value
    frame._twin_cells = list(cells)


def frame_of(value: pd.DataFrame, cells: Sequence[Cell]) -> DataFrame:
    """A frame from its real value and its cells."""
    made = object.__new__(DataFrame)
    put(made, value, cells)
    return made


def frame_of_matrix(value: pd.DataFrame, matrix: Array) -> DataFrame:
    """A frame over a 2-D array; ``value`` is pandas' own."""
    return frame_of(value, [Cell(matrix, i) for i in range(value.shape[1])])


def frame_of_columns(columns: Sequence[Series], like: pd.DataFrame) -> DataFrame:
    """A frame of columns in order, named as those of ``like``."""
    if not columns:
        return frame_of(like.iloc[:, :0], [])
    real = pd.concat([series.value for series in columns], axis=1)
    real.columns = like.columns
    return frame_of(real, [Cell.of(series) for series in columns])


def column_at(frame: DataFrame, position: int) -> Series:
    """Column ``position`` as a Series."""
    return frame._twin_cells[position].series(frame._twin_value.iloc[:, position])


def columns_of(frame: DataFrame) -> list[Series]:
    """All columns as Series."""
    return [column_at(frame, i) for i in range(len(frame._twin_cells))]


def chosen_columns(frame: DataFrame, kept: Sequence[int], value: pd.DataFrame) -> DataFrame:
    """A frame of the columns at ``kept``, whose real value pandas has computed."""
    return frame_of(value, [frame._twin_cells[i] for i in kept])


def positions_of(frame: DataFrame, choose: Callable[[pd.DataFrame], Any]) -> list[int]:
    """The positions of the columns that pandas itself chooses, asked of a frame of positions."""
    width = len(frame._twin_cells)
    found = choose(pd.DataFrame(np.arange(width)[None, :], columns=frame._twin_value.columns))
    row = found.iloc[0].tolist() if isinstance(found, pd.DataFrame) else np.ravel(found).tolist()
    return [int(i) for i in row]


def is_matrix(frame: DataFrame) -> bool:
    """Whether all columns, two at least, have one numpy number dtype."""
    dtypes = set(frame._twin_value.dtypes)
    only = next(iter(dtypes), None)
    numbers = isinstance(only, np.dtype) and only.kind in "iufb"
    return len(frame._twin_cells) > 1 and len(dtypes) == 1 and numbers


def each(frame: DataFrame, function: Callable[[Series], Any]) -> DataFrame:
    """The frame with every column passed through ``function``."""
    return frame_of_columns([function(series) for series in columns_of(frame)], frame._twin_value)
