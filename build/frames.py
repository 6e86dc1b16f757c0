"""pandas on the way in and out of a twin.

pandas is imported only inside functions: a caller who hands no pandas object never pays for it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from onnxtwin.build.columns import Kind
from onnxtwin.build.kinds import Instant, Text
from onnxtwin.build.numbers import EXACT
from onnxtwin.exporters.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def is_frame(value: Any) -> TypeGuard[pd.DataFrame]:
    """Whether the value is a pandas DataFrame (it cannot be one while pandas is not imported)."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_series(value: Any) -> TypeGuard[pd.Series[Any]]:
    """Whether the value is a pandas Series."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series)


def series_tensor(series: pd.Series[Any], kind: Kind) -> NDArray[Any]:
    """Tensor ``[len(series)]`` of one pandas column.

    Raises
    ------
    InputError
        If the column's dtype is not the signature's and the pipeline could answer differently.
    DomainError
        If the pipeline refuses a value.
    """
    zone = getattr(series.dtype, "tz", None)
    if zone is not None:
        if not isinstance(kind, Instant):
            kind.wrong_dtype(series.dtype)
        return kind.from_array(series.dt.tz_convert(None).to_numpy(), zone=str(zone))
    array = _array(series, kind)
    if array.dtype == object and not isinstance(kind, Text):
        typed_as_text = array.dtype == series.dtype or series.dtype.name in ("str", "string")
        if typed_as_text and kind.column.dtype != "object":
            kind.wrong_dtype(series.dtype)
        return kind.from_values(array.tolist())
    return kind.from_array(array)


def _array(series: pd.Series[Any], kind: Kind) -> NDArray[Any]:
    """The column as numpy has it: nullable integers and booleans with a gap as float64 with NaN."""
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return series.to_numpy()
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(series, kind)
    if isinstance(dtype, pd.StringDtype):
        return series.to_numpy(dtype=object)
    if isinstance(dtype, pd.SparseDtype):
        return np.asarray(series)
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    if numpy_dtype is None or isinstance(dtype, pd.ArrowDtype):
        kind.wrong_dtype(dtype)
    gone = series.isna().to_numpy()
    if numpy_dtype.kind == "f":
        return series.to_numpy(dtype=numpy_dtype, na_value=np.nan)
    array: NDArray[Any] = series.to_numpy(dtype=numpy_dtype, na_value=numpy_dtype.type(0))
    if not gone.any():
        return array
    if numpy_dtype.kind == "b":
        flags = array.astype(object)
        flags[gone] = None
        return flags
    inexact = (array > EXACT) | (array < -EXACT)
    if inexact.any():
        position = int(np.argmax(inexact))
        kind.refuse(
            position, array[position], "beside missing values it travels as float64: keep it within ±2**53"
        )
    return np.where(gone, np.nan, array.astype(np.float64))


def _categorical(series: pd.Series[Any], kind: Kind) -> NDArray[Any]:
    """The values behind the codes; which categories the frame's own dtype lists does not matter."""
    categories = series.cat.categories.to_series().reset_index(drop=True)
    codes = series.cat.codes.to_numpy()
    gone = codes < 0
    known = _array(categories, kind)
    if known.dtype.kind == "O":
        own = None if kind.column.missing_value == "None" else np.nan
        return np.append(known.astype(object), np.array([own], dtype=object))[codes]
    if not gone.any():
        return known[codes]
    if known.dtype.kind in "mM":
        return np.append(known, np.array(["NaT"], dtype=known.dtype))[codes]
    if known.dtype.kind == "b":
        return np.append(known.astype(object), np.array([None], dtype=object))[codes]
    return np.append(known.astype(np.float64), np.nan)[codes]


def frame_column(frame: pd.DataFrame, label: str | int) -> pd.Series[Any]:
    """One column by its label.

    Raises
    ------
    InputError
        If it is absent or there are several.
    """
    import pandas as pd

    try:
        column: Any = frame[label]
    except KeyError:
        present = ", ".join(repr(c) for c in list(frame.columns)[:12])
        raise InputError(
            f"column {label!r} is missing; the rows have {present}"
            f"{' and more' if frame.shape[1] > 12 else ''}: add it, with missing values if it has none"
        ) from None
    if isinstance(column, pd.DataFrame):
        raise InputError(f"column {label!r} appears {column.shape[1]} times; keep one of them")
    series: pd.Series[Any] = column
    return series


def to_frame(columns: dict[str, NDArray[Any]], index: Any) -> Any:
    """A transformer's DataFrame ``[N, k]``, of its columns each ``[N]``, with the caller's own index."""
    import pandas as pd

    return pd.DataFrame(columns, index=index)


def to_series(values: NDArray[Any], name: str | None, index: Any) -> Any:
    """A method's Series ``[N]`` with the caller's own index."""
    import pandas as pd

    return pd.Series(values, name=name, index=index)
