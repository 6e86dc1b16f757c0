"""The functions and classes of the pandas module as traced code sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, constant, is_traced
from onnxtwin.exporters.pandas.asked import function_guarded, unbound
from onnxtwin.exporters.pandas.frame import Cell, DataFrame, frame_of, frame_of_matrix
from onnxtwin.exporters.pandas.held import held, missing_values, refuse
from onnxtwin.exporters.pandas.operators import LABELS
from onnxtwin.exporters.pandas.refusals import way_out
from onnxtwin.exporters.pandas.series import Series
from onnxtwin.exporters.pandas.writing import as_column

# Their overloads know no argument that is handed on.
_CONCAT: Any = pd.concat
_TO_NUMERIC: Any = pd.to_numeric


def _index(labels: Any, rows: int | None) -> None:
    if labels is None or hasattr(type(labels), "__onnxtwin_value__"):
        return
    if rows is not None and isinstance(labels, pd.RangeIndex) and labels.equals(pd.RangeIndex(rows)):
        return
    raise refuse("gives the rows labels of its own", "pass index=df.index, or none")


def make_series(
    data: Any = None, index: Any = None, dtype: Any = None, name: Any = None, copy: Any = None, **kwargs: Any
) -> Any:
    """``pandas.Series(...)``: traced where the data or the index are."""
    if not is_traced(data) and not is_traced(index):
        return pd.Series(data, index, dtype, name, copy, **kwargs)
    _index(index, None if index is None else len(index))
    if isinstance(data, (list, tuple)):
        raise refuse("makes a column from a list of computed values", "keep columns as columns")
    real = pd.Series(concrete(data), concrete(index), None, name, copy)
    cell = as_column(data, real)
    column = Series(real, cell.source, whole=cell.whole)
    return column if dtype is None else column.astype(dtype)


def make_frame(
    data: Any = None, index: Any = None, columns: Any = None, dtype: Any = None, copy: Any = None
) -> Any:
    """``pandas.DataFrame(...)``: traced where the data or the index are."""
    if not is_traced(data) and not is_traced(index):
        return pd.DataFrame(data, index, columns, dtype, copy)
    _index(index, None if index is None else len(index))
    if type(data) is DataFrame:
        made = data.copy() if columns is None else data.reindex(columns=columns)
    elif isinstance(data, dict):
        made = _from_dict(data, index, columns)
    elif type(data) is Series:
        real = pd.DataFrame(data.value, columns=columns)
        if real.shape[1] != 1 or len(real) != len(data):
            raise refuse("makes a frame from a column under another name", "use to_frame(name)")
        made = frame_of(real, [Cell.of(data)])
    elif isinstance(data, np.ndarray):
        matrix = constant(data)
        if copy is False:
            # The frame would follow what is written into the array: such writes are refused.
            matrix._value.flags.writeable = False
        matrix = matrix.copy() if matrix.ndim == 2 else matrix[:, None].copy()
        made = frame_of_matrix(pd.DataFrame(concrete(data), concrete(index), columns), matrix)
    elif data is None:
        made = frame_of(pd.DataFrame(None, concrete(index), columns), [])
        if columns is not None and len(columns):
            raise refuse("makes a frame of empty columns", "assign the columns one by one")
    else:
        raise refuse(
            f"makes a frame from a {type(data).__name__} of computed values", "use a dict of columns"
        )
    return made if dtype is None else made.astype(dtype)


def _from_dict(data: dict[Any, Any], index: Any, columns: Any) -> DataFrame:
    if any(type(v) is DataFrame for v in data.values()):
        raise refuse("makes a frame from a dict of frames", "use pd.concat with axis=1")
    arrays = {k: concrete(v) for k, v in data.items()}
    lengths = {len(v) for v in data.values() if is_traced(v) and np.ndim(concrete(v)) == 1}
    labels = concrete(index) if index is not None else None
    real = pd.DataFrame(arrays, index=labels if labels is not None or lengths else None, columns=columns)
    if lengths and len(real) not in lengths:
        raise refuse("makes a frame of columns whose rows have different labels", LABELS)
    cells = [
        as_column(data[label], real[label]) if label in data else Cell(Array(held(real[label])))
        for label in real.columns
    ]
    return frame_of(real, cells)


def concat(
    objs: Any,
    *,
    axis: Any = 0,
    join: str = "outer",
    ignore_index: bool = False,
    keys: Any = None,
    **kwargs: Any,
) -> Any:
    """``pandas.concat`` of columns side by side."""
    if not is_traced(list(objs.values()) if isinstance(objs, dict) else list(objs)):
        return _CONCAT(objs, axis=axis, join=join, ignore_index=ignore_index, keys=keys, **kwargs)
    if axis not in (1, "columns"):
        raise refuse("pandas.concat stacks rows", "concatenate columns (axis=1) only")
    if isinstance(objs, dict):
        keys, objs = list(objs) if keys is None else keys, list(objs.values())
    items = [o for o in objs if o is not None]
    rows = {len(o) for o in items}
    if len(rows) > 1:
        raise refuse("pandas.concat of tables of different row counts", "concatenate tables of the same rows")
    real = _CONCAT(
        [concrete(o) for o in items], axis=1, join=join, ignore_index=ignore_index, keys=keys, **kwargs
    )
    if len(real) not in rows:
        raise refuse("pandas.concat of tables whose rows have different labels", LABELS)
    cells: list[Cell] = []
    for item in items:
        if type(item) is DataFrame:
            cells.extend(item._twin_cells)
        elif type(item) is Series:
            cells.append(Cell.of(item))
        else:
            frame = item.to_frame() if isinstance(item, pd.Series) else item
            cells.extend(Cell(Array(held(frame.iloc[:, i]))) for i in range(frame.shape[1]))
    return frame_of(real, cells)


def _missing(negate: bool) -> Callable[[Any], Any]:
    def test(obj: Any) -> Any:
        if not is_traced(obj):
            return pd.notna(obj) if negate else pd.isna(obj)
        if type(obj) is Array:
            found = np.isnan(obj) if obj.dtype.kind == "f" else missing_values(obj)
            return np.logical_not(found) if negate else found
        if not hasattr(type(obj), "__onnxtwin_array__"):
            raise refuse(
                "asks rows chosen by a mask for missing values",
                "use np.where(mask, f(x), x) on whole columns",
            )
        return obj.notna() if negate else obj.isna()

    return test


def to_numeric(arg: Any, errors: str = "raise", downcast: Any = None, **kwargs: Any) -> Any:
    """``pandas.to_numeric`` of numbers; of text that must be numbers."""
    if not is_traced(arg):
        return _TO_NUMERIC(arg, errors=errors, downcast=downcast, **kwargs)
    if downcast is not None or kwargs or type(arg) is not Series:
        raise refuse("pandas.to_numeric with downcast=", "use astype")
    if arg.kind in ("number", "nullable"):
        return arg.copy()
    if arg.kind != "text":
        raise refuse(f"pandas.to_numeric of a column of {arg.dtype}", "use astype")
    from onnxtwin.exporters import text

    real = pd.to_numeric(arg.value, errors=errors).astype("float64")  # type: ignore[call-overload]
    return arg.made(real, text.to_numeric(arg.held, held(real), coerce=errors == "coerce"), what="to_numeric")


def _refused(name: str) -> Callable[..., Any]:
    real = getattr(pd, name)

    def run(*args: Any, **kwargs: Any) -> Any:
        if is_traced(args) or is_traced(kwargs):
            raise refuse(f"pandas.{name} is not supported in a traced method", way_out(name))
        return real(*args, **kwargs)

    return run


class _Face(type):
    """A class of pandas as traced code sees it: whatever is asked of it holds as of pandas' own."""

    real: type
    make: Callable[..., Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.make(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass.real if isinstance(subclass, _Face) else subclass, cls.real)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.real

    def __hash__(cls) -> int:
        return hash(cls.real)

    def __repr__(cls) -> str:
        return repr(cls.real)

    def __getattr__(cls, name: str) -> Any:
        return unbound(cls.real, name)


def _face(real: type, make: Callable[..., Any]) -> type:
    return _Face(real.__name__, (), {"real": real, "make": staticmethod(make), "__module__": real.__module__})


def _cut(*args: Any, **kwargs: Any) -> Any:
    from onnxtwin.exporters.pandas.cut import cut

    return cut(*args, **kwargs)


def _to_datetime(*args: Any, **kwargs: Any) -> Any:
    from onnxtwin.exporters.pandas.to_datetime import to_datetime

    return to_datetime(*args, **kwargs)


_REFUSED = [
    "merge",
    "merge_asof",
    "merge_ordered",
    "get_dummies",
    "from_dummies",
    "qcut",
    "crosstab",
    "pivot",
    "pivot_table",
    "melt",
    "wide_to_long",
    "unique",
    "factorize",
    "to_timedelta",
    "lreshape",
    "date_range",
    "eval",
    "array",
]

PANDAS: dict[str, Any] = {
    "DataFrame": _face(pd.DataFrame, make_frame),
    "Series": _face(pd.Series, make_series),
    "concat": concat,
    "isna": _missing(False),
    "isnull": _missing(False),
    "notna": _missing(True),
    "notnull": _missing(True),
    "to_numeric": to_numeric,
    "to_datetime": _to_datetime,
    "cut": _cut,
    **{name: _refused(name) for name in _REFUSED},
}
PANDAS |= {
    name: function_guarded(f"pandas.{name}", getattr(pd, name), function)
    for name, function in PANDAS.items()
    if not isinstance(function, type)
}
"""Name in the pandas module -> what traced code sees."""
