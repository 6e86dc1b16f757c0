"""The traced Series: pandas' own column of the sample beside its held array.

Whatever is not here is refused by name: nothing is ever computed from the sample alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.pandas import asked, operators
from onnxtwin.exporters.pandas.asked import Asked, other, told
from onnxtwin.exporters.pandas.held import Kind, adopt, kind_of, missing_values, refuse
from onnxtwin.exporters.pandas.rows import relabelled, row_index
from onnxtwin.exporters.places import within_engine


def _ours(name: str, what: str) -> Any:
    """An attribute that a real column has not, and that only the engine's own code sees."""

    def read(self: Any) -> Any:
        if not within_engine():
            raise other(self, name.removeprefix("_"), pd.Series)
        return getattr(self, name)

    def write(self: Any, new: Any) -> None:
        setattr(self, name, new)

    return property(read, write, doc=what)


class Series(Asked):
    """A column whose operations are recorded.

    Parameters
    ----------
    value : the sample's real column.
    held : its held values (see :mod:`~onnxtwin.exporters.pandas.held`) with the graph side.
    whole : whether no row that the pipeline accepts is missing here, so that pandas keeps integer dtypes.

    Raises
    ------
    UnsupportedError
        From whatever would need the rows themselves, drops or reorders rows, or is not supported.
    """

    __slots__ = ("_held", "_real", "_whole")
    __array_priority__ = 3000
    __onnxtwin_series__ = True
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: pd.Series, held: Array, *, whole: bool = False) -> None:
        self._real = value
        self._held = held
        self._whole = whole

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return told(pd.Series)

    # ---- what the engine asks ----------------------------------------------------------------

    def __onnxtwin_value__(self) -> pd.Series:
        return self._real

    def __onnxtwin_array__(self) -> Array:
        # pandas hands out its own memory, which nobody may write into, or a new array.
        writeable = self.value.iloc[:1].to_numpy().flags.writeable
        real = self.held.value.copy() if writeable else self.held.value.view()
        real.flags.writeable = writeable
        return Array(real, None if self.held.is_constant else self.held.tensor)

    value: Any = _ours("_real", "The sample's real column.")
    held: Any = _ours("_held", "The held values with the graph side.")

    @property
    def kind(self) -> Kind:
        """Which rules apply to this column."""
        if not within_engine():
            raise other(self, "kind", pd.Series)
        return kind_of(self.value, self.held)

    @property
    def whole(self) -> bool:
        """Whether it is never missing. A sample has a missing row for each raw column that may be."""
        if not within_engine():
            raise other(self, "whole", pd.Series)
        if self.value.dtype.kind in "iub" and isinstance(self.value.dtype, np.dtype):
            return True
        raw = not self.held.is_constant and self.held.tensor.origin[0] is not None
        if raw or self.held.is_constant:
            return not bool(self.value.isna().any())
        return self._whole and not bool(self.value.isna().any())

    @property
    def made(self) -> Callable[..., Series]:
        """Make a column from pandas' own answer and the array recorded for it."""
        if not within_engine():
            raise other(self, "made", pd.Series)
        return self._made

    def _made(self, real: pd.Series, array: Array, *, what: str, whole: bool = False) -> Series:
        return Series(real, adopt(real, array, what), whole=whole)

    # ---- numpy's protocols -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from onnxtwin.exporters.pandas.protocols import series_ufunc

        return series_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from onnxtwin.exporters.pandas.protocols import apply_function

        return apply_function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.__onnxtwin_array__().__array__(dtype, copy)

    # ---- what would need the rows ------------------------------------------------------------

    def __bool__(self) -> bool:
        raise refuse(
            "branches on the values of a column",
            "use np.where, Series.where or a boolean mask instead of if, and, or, not",
        )

    def __iter__(self) -> Iterator[Any]:
        raise refuse("iterates over the rows", "compute on whole columns instead of looping over rows")

    def __contains__(self, item: Any) -> bool:
        raise refuse("asks whether the index holds a label", "use isin on the column")

    def __len__(self) -> int:
        return len(self.value)

    def __getattr__(self, name: str) -> Any:
        raise other(self, name, pd.Series)

    def __setattr__(self, name: str, new: Any) -> None:
        if name not in ("index", "name", "value", "held", *Series.__slots__):
            raise refuse(
                f"sets the attribute {name!r} of a column", "assign to the column itself: s[:] = ..."
            )
        object.__setattr__(self, name, new)

    def __copy__(self) -> Series:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Series:
        return self.copy()

    # ---- questions that need no graph --------------------------------------------------------

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    dtypes = dtype

    @property
    def shape(self) -> tuple[int]:
        return (len(self.value),)

    @property
    def ndim(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return int(self.value.size)

    @property
    def empty(self) -> bool:
        return False

    @property
    def index(self) -> Any:
        return row_index(self.value.index)

    @index.setter
    def index(self, labels: Any) -> None:
        self.value = relabelled(self.value, labels)

    @property
    def name(self) -> Any:
        return self.value.name

    @name.setter
    def name(self, label: Any) -> None:
        self.value = self.value.rename(label)

    @property
    def values(self) -> Array:
        if not isinstance(self.value.values, np.ndarray):
            raise refuse(
                f"takes the extension array (.values) of a column of {self.dtype}", "use .to_numpy()"
            )
        array = self.__onnxtwin_array__()
        array._value.flags.writeable &= self.value.iloc[:1].values.flags.writeable
        return array

    def to_numpy(self, dtype: Any = None, copy: bool = False, na_value: Any = None) -> Array:
        if dtype is None and isinstance(self.dtype, pd.DatetimeTZDtype):
            raise refuse(
                f"takes an array of Timestamps (to_numpy) out of a column of {self.dtype}", "use .values"
            )
        column = self if na_value is None else self.fillna(na_value)
        array = column.__onnxtwin_array__()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy or na_value is not None else array

    @property
    def T(self) -> Series:
        return self

    def copy(self, deep: bool = True) -> Series:
        held = Array(self.held.value.copy(), None if self.held.is_constant else self.held.tensor)
        return Series(self.value.copy(), held if deep else self.held, whole=self._whole)

    def rename(self, index: Any = None, **kwargs: Any) -> Series:
        if kwargs or not (index is None or isinstance(index, (str, int, tuple))):
            raise refuse("Series.rename of row labels", "rename the column by a single name")
        return Series(self.value.rename(index), self.held, whole=self._whole)

    def to_frame(self, name: Any = pd.api.extensions.no_default) -> Any:
        from onnxtwin.exporters.pandas.frame import Cell, frame_of

        return frame_of(self.value.to_frame(name), [Cell.of(self)])

    def reset_index(
        self, level: Any = None, *, drop: bool = False, name: Any = None, inplace: bool = False
    ) -> Any:
        if not drop or level is not None or inplace:
            raise refuse(
                "turns the row labels into a column",
                "reset_index(drop=True), or leave the index: a graph has none",
            )
        return Series(self.value.reset_index(drop=True), self.held, whole=self._whole)

    def pipe(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        return func(self, *args, **kwargs)

    def squeeze(self, axis: Any = None) -> Series:
        return self

    # ---- operators ---------------------------------------------------------------------------

    def __neg__(self) -> Series:
        return operators.unary("neg", self)  # type: ignore[no-any-return]

    def __pos__(self) -> Series:
        return operators.unary("pos", self)  # type: ignore[no-any-return]

    def __invert__(self) -> Series:
        return operators.unary("invert", self)  # type: ignore[no-any-return]

    def __abs__(self) -> Series:
        return operators.unary("abs", self)  # type: ignore[no-any-return]

    abs = __abs__
    __divmod__ = asked.both
    __rdivmod__ = asked.both_swapped

    def __matmul__(self, value: Any) -> Any:
        raise refuse(
            "multiplies a column with another (@), which adds over the rows",
            "compute it when fitting and keep it on self",
        )

    dot = __rmatmul__ = __matmul__

    def __round__(self, decimals: int = 0) -> Any:
        return self.round(decimals)

    # ---- choosing rows -----------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if key is Ellipsis or isinstance(key, slice) and key == slice(None):
            return self.copy()
        raise refuse(
            "chooses rows of a column: how many they are would depend on the rows",
            "use where, mask or np.where on the whole column",
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        from onnxtwin.exporters.pandas.writing import write_series

        write_series(self, key, value)

    @property
    def loc(self) -> Any:
        from onnxtwin.exporters.pandas.writing import SeriesLocator

        return SeriesLocator(self, "loc")

    @property
    def iloc(self) -> Any:
        from onnxtwin.exporters.pandas.writing import SeriesLocator

        return SeriesLocator(self, "iloc")

    # ---- accessors ---------------------------------------------------------------------------

    @property
    def str(self) -> Any:
        from onnxtwin.exporters.pandas.text_accessor import TextMethods

        _ = self.value.str
        return TextMethods(self)

    @property
    def dt(self) -> Any:
        from onnxtwin.exporters.pandas.time_accessor import time_methods

        _ = self.value.dt
        return time_methods(self)

    @property
    def cat(self) -> Any:
        from onnxtwin.exporters.pandas.categories import CategoryMethods

        _ = self.value.cat
        return CategoryMethods(self)

    # ---- whole columns as conditions ---------------------------------------------------------

    def any(self, *, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Any:
        """Of use in ``if mask.any(): raise ...`` only: one row's answer must not depend on the others."""
        return self._truth("any")

    def all(self, *, axis: Any = 0, skipna: bool = True, **kwargs: Any) -> Any:
        return self._truth("all")

    def _truth(self, name: Any) -> Any:
        if self.held.dtype.kind != "b":
            raise refuse(f"Series.{name} of a column of {self.dtype}", "compare it first")
        return getattr(np, name)(self.held)

    # ---- missing values ----------------------------------------------------------------------

    def isna(self) -> Series:
        return self.made(self.value.isna(), missing_values(self.held), what="isna")

    isnull = isna

    def notna(self) -> Series:
        return ~self.isna()

    notnull = notna


def install() -> None:
    """Give the traced column its operators and the methods that other modules define."""
    from onnxtwin.exporters.pandas import elementwise

    for name in operators.UFUNCS:
        swapped = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}

        def forward(self: Any, other: Any, name: str = name) -> Any:
            return operators.binary(name, self, other)

        setattr(Series, f"__{name}__", forward)
        if name not in swapped:

            def backward(self: Any, other: Any, name: str = name) -> Any:
                return operators.binary(name, other, self)

            setattr(Series, f"__r{name}__", backward)
    for name, function in elementwise.METHODS.items():
        setattr(Series, name, function)
    for name in asked.IN_PLACE:
        setattr(Series, f"__i{name}__", asked.in_place(name, elementwise.overwrite))
    asked.guarded(Series)
