"""The traced DataFrame: pandas' own frame of the sample beside one cell a column.

A cell is a held column, or a position in a matrix that nothing has taken apart yet, so that choosing and
joining columns costs no graph node until something needs a single column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.pandas.held import adopt, held, is_nullable, refuse
from onnxtwin.exporters.pandas.refusals import way_out
from onnxtwin.exporters.pandas.rows import RowIndex, relabelled
from onnxtwin.exporters.pandas.series import Series
from onnxtwin.exporters.tensor import Tensor, join


@dataclass(frozen=True)
class Cell:
    """The graph side of one column: a held 1-D array, or column ``position`` of a 2-D one."""

    source: Array
    position: int | None = None
    whole: bool = False

    @classmethod
    def of(cls, column: Series) -> Cell:
        return cls(column.array, None, column.whole)

    def column(self, value: pd.Series) -> Series:
        """The cell as a Series with the real values ``value``."""
        if self.position is None:
            return Series(value, self.source, whole=self.whole)
        values = held(value)
        array = Array(values) if self.source.is_constant else Array(values, self.source.tensor.pick(self.position))
        return Series(value, adopt(value, array, "a column of a matrix"), whole=self.whole)


class DataFrame:
    """A table whose operations are recorded.

    Parameters
    ----------
    value : the sample's real frame; its index is the sample's.
    tensors : the graph side of each column, 1-D.
    """

    __slots__ = ("cells", "value")
    __array_priority__ = 4000
    __onnxtwin_frame__ = True
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: pd.DataFrame, tensors: Sequence[Tensor]) -> None:
        self.value = value
        self.cells = [Cell(Array(held(value.iloc[:, i]), t)) for i, t in enumerate(tensors)]

    @classmethod
    def of(cls, value: pd.DataFrame, cells: Sequence[Cell]) -> DataFrame:
        """A frame from its real value and its cells."""
        made = cls(value.iloc[:, :0], [])
        made.value, made.cells = value, list(cells)
        return made

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # type: ignore[override]
        return pd.DataFrame

    # ---- what the engine asks ----------------------------------------------------------------

    def __onnxtwin_value__(self) -> pd.DataFrame:
        return self.value

    def __onnxtwin_columns__(self) -> list[Array]:
        return [self.column(i).__onnxtwin_array__() for i in range(len(self.cells))]

    def __onnxtwin_array__(self) -> Array:
        """The frame as a matrix; columns of different element types stay apart until something joins them."""
        real = self._matrix()
        if all(cell.source.is_constant for cell in self.cells) and self.cells:
            return Array(real)
        parts: list[Tensor] = []
        for start, end, block in self._runs(real.dtype):
            if block is not None:
                parts.append(block.tensor.select([c.position for c in self.cells[start:end]]))  # type: ignore[misc]
                continue
            column = self.column(start)
            array = column.array
            if real.dtype.kind != "O" and array.dtype != real.dtype:
                array = array.astype(real.dtype)
            parts.append(array.tensor)
        kinds = {part.dtype for part in parts}
        dtype = parts[0].dtype if len(kinds) == 1 else np.dtype("O")
        return Array(real, join(parts, len(real), dtype if parts else np.dtype(np.float64)))

    def _matrix(self) -> np.ndarray:
        """pandas' own matrix, except that nullable numbers are float64 with NaN and times are UTC."""
        dtypes = list(self.value.dtypes)
        if not any(is_nullable(d) or isinstance(d, (pd.CategoricalDtype, pd.DatetimeTZDtype)) for d in dtypes):
            return self.value.to_numpy().copy()
        columns = [pd.Series(held(self.value.iloc[:, i]), dtype=held(self.value.iloc[:, i]).dtype) for i in range(len(dtypes))]
        return pd.concat(columns, axis=1).to_numpy().copy()

    def _runs(self, dtype: np.dtype) -> Iterator[tuple[int, int, Array | None]]:
        """Neighbouring columns of one matrix together, all others alone."""
        start = 0
        while start < len(self.cells):
            cell = self.cells[start]
            end = start + 1
            if cell.position is None or cell.source.is_constant or dtype.kind != "O" and cell.source.dtype != dtype:
                yield start, end, None
            else:
                while end < len(self.cells) and self.cells[end].source is cell.source:
                    end += 1
                yield start, end, cell.source
            start = end

    def column(self, position: int) -> Series:
        """Column ``position`` as a Series."""
        return self.cells[position].column(self.value.iloc[:, position])

    def chosen(self, positions: Sequence[int], value: pd.DataFrame) -> DataFrame:
        """A frame of some columns, whose real value pandas has computed."""
        return DataFrame.of(value, [self.cells[i] for i in positions])

    def positions(self, choose: Callable[[pd.DataFrame], Any]) -> list[int]:
        """The positions of the columns that pandas itself chooses, asked of a frame of positions."""
        probe = pd.DataFrame([range(len(self.cells))], columns=self.value.columns)
        found = choose(probe)
        if isinstance(found, pd.DataFrame):
            return [int(i) for i in found.iloc[0].tolist()]
        return [int(i) for i in np.atleast_1d(np.asarray(found)).reshape(-1)]

    def each(self, function: Callable[[Series], Any], *, block: Callable[[Array], Any] | None = None, real: pd.DataFrame | None = None) -> DataFrame:
        """The frame with every column passed through ``function``; in one go where all share one number dtype."""
        if block is not None and real is not None and self.is_matrix():
            matrix = block(self.__onnxtwin_array__())
            return DataFrame.from_matrix(real, matrix)
        columns = [function(self.column(i)) for i in range(len(self.cells))]
        return from_columns(columns, self.value)

    def is_matrix(self) -> bool:
        """Whether all columns have one numpy number dtype."""
        dtypes = set(self.value.dtypes)
        return len(self.cells) > 1 and len(dtypes) == 1 and isinstance(next(iter(dtypes)), np.dtype) and next(iter(dtypes)).kind in "iufb"

    @classmethod
    def from_matrix(cls, real: pd.DataFrame, matrix: Array) -> DataFrame:
        """A frame over a 2-D array; ``real`` is pandas' own."""
        return cls.of(real, [Cell(matrix, i) for i in range(real.shape[1])])

    # ---- numpy's protocols -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from onnxtwin.exporters.pandas.protocols import frame_ufunc

        return frame_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from onnxtwin.exporters.pandas.protocols import apply_function

        return apply_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.__onnxtwin_array__().__array__(dtype, copy)

    # ---- what would need the rows ------------------------------------------------------------

    def __bool__(self) -> bool:
        raise refuse("branches on the values of a frame", "use np.where or a boolean mask instead of if, and, or, not")

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value.columns)

    def __contains__(self, key: Any) -> bool:
        return key in self.value.columns

    def __len__(self) -> int:
        return len(self.value)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name not in ("cells", "value") and name in self.value.columns:
            return self[name]
        if name.startswith("__") or name in ("cells", "value") or not hasattr(self.value, name):
            raise AttributeError(f"'DataFrame' object has no attribute {name!r}")
        raise refuse(f"DataFrame.{name} is not supported in a traced method", way_out(name))

    def __setattr__(self, name: str, new: Any) -> None:
        if name in ("cells", "value"):
            object.__setattr__(self, name, new)
        elif name == "columns":
            value = self.value.copy()
            value.columns = concrete(new)
            self.value = value
        elif name == "index":
            self.value = relabelled(self.value, new)
        elif name in self.value.columns:
            self[name] = new
        else:
            raise refuse(f"sets the attribute {name!r} of a frame", "assign a column: df['name'] = ...")

    def __repr__(self) -> str:
        return f"<traced DataFrame of {list(self.value.columns)}>"

    def __copy__(self) -> DataFrame:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> DataFrame:
        return self.copy()

    # ---- questions that need no graph --------------------------------------------------------

    @property
    def columns(self) -> pd.Index:
        return self.value.columns

    @property
    def dtypes(self) -> pd.Series:
        return self.value.dtypes

    @property
    def shape(self) -> tuple[int, int]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return 2

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def empty(self) -> bool:
        return not self.cells

    @property
    def index(self) -> Any:
        return RowIndex(self.value.index)

    @property
    def axes(self) -> list[Any]:
        return [self.index, self.columns]

    @property
    def values(self) -> Array:
        return self.__onnxtwin_array__()

    @property
    def attrs(self) -> dict[Any, Any]:
        return self.value.attrs

    def to_numpy(self, dtype: Any = None, copy: bool = False, na_value: Any = None) -> Array:
        frame = self if na_value is None else self.fillna(na_value)
        array: Array = frame.__onnxtwin_array__()
        return array if dtype is None or np.dtype(dtype) == array.dtype else array.astype(dtype)

    def keys(self) -> pd.Index:
        return self.value.columns

    # ---- columns -----------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if callable(key) and not is_traced(key):
            key = key(self)
        if is_traced(key):
            raise refuse("chooses rows of a frame: how many they are would depend on the rows", "use where, mask or np.where on whole columns")
        if isinstance(key, slice) and key != slice(None) or isinstance(key, (list, np.ndarray, pd.Series)) and len(key) and all(isinstance(k, (bool, np.bool_)) for k in key):
            raise refuse("chooses rows of a frame by position or mask", "do it before the pipeline")
        real = self.value[key]
        if isinstance(real, pd.Series):
            return self.column(self.positions(lambda p: p[key])[0])
        return self.chosen(self.positions(lambda p: p[key]), real)

    def __setitem__(self, key: Any, value: Any) -> None:
        from onnxtwin.exporters.pandas.writing import write_frame

        write_frame(self, key, value)

    def __delitem__(self, key: Any) -> None:
        kept = self.positions(lambda p: p.drop(columns=[key]))
        if key not in self.value.columns:
            raise KeyError(key)
        self.value, self.cells = self.value.iloc[:, kept], [self.cells[i] for i in kept]

    @property
    def loc(self) -> Any:
        from onnxtwin.exporters.pandas.writing import FrameLocator

        return FrameLocator(self, "loc")

    @property
    def iloc(self) -> Any:
        from onnxtwin.exporters.pandas.writing import FrameLocator

        return FrameLocator(self, "iloc")


def from_columns(columns: Sequence[Series], like: pd.DataFrame) -> DataFrame:
    """A frame of columns in order, named as those of ``like``."""
    if not columns:
        return DataFrame.of(like.iloc[:, :0], [])
    real = pd.concat([c.value for c in columns], axis=1)
    real.columns = like.columns
    return DataFrame.of(real, [Cell.of(c) for c in columns])
