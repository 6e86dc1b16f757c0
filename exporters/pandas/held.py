"""How a pandas column is held in a trace: one ndarray of the sample's values beside one graph tensor.

Text (``str``, ``string``, ``object``) is held as objects, missing as the token in the graph; nullable numbers
and numeric categories as float64 with NaN; times as int64 ticks, in UTC; text categories as text.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.array import Array, concrete, elementwise, encode, is_traced
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT
from onnxtwin.exporters.strings import Engine
from onnxtwin.exporters.tensor import STRING, graph_dtype
from onnxtwin.exporters.trace import agrees, require_trace

Kind = Literal["number", "text", "time", "nullable", "category", "flags"]


def is_nullable(dtype: Any) -> bool:
    """Whether ``dtype`` is one of pandas' nullable numbers or booleans."""
    return (
        isinstance(dtype, pd.api.extensions.ExtensionDtype)
        and hasattr(dtype, "numpy_dtype")
        and dtype.kind in "iufb"
    )


def held(series: pd.Series) -> np.ndarray:
    """The values of a real column as its traced array carries them, 1-D."""
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return np.asarray(series.astype(object if text_categories(dtype) else "float64"))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return np.asarray(series.dt.tz_convert("UTC").dt.tz_localize(None))
    if is_nullable(dtype):
        return series.to_numpy(dtype="float64", na_value=np.nan)
    if isinstance(dtype, pd.StringDtype):
        return series.to_numpy(dtype=object)
    if not isinstance(dtype, np.dtype):
        raise require_trace().unsupported(
            f"computes a column of dtype {dtype}", "use a numpy dtype, str, category or datetime64"
        )
    return series.to_numpy()


def text_categories(dtype: pd.CategoricalDtype) -> bool:
    """Whether a categorical holds text (else numbers, or intervals)."""
    return all(isinstance(c, str) for c in dtype.categories)


def kind_of(value: pd.Series, array: Array) -> Kind:
    """Which rules apply to a column."""
    dtype: Any = value.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if is_nullable(dtype):
        return "nullable"
    if isinstance(dtype, pd.StringDtype):
        return "text"
    if dtype.kind in "mM":
        return "time"
    if dtype.kind == "O":
        stored = graph_dtype(encode(array.value).dtype) if array.is_constant else array.tensor.dtype
        return "text" if stored == STRING else "flags"
    return "number"


def engine_of(value: pd.Series) -> Engine:
    """Whose text rules pandas follows for this column."""
    dtype: Any = value.dtype
    return "pyarrow" if getattr(dtype, "storage", "python") == "pyarrow" else "python"


def adopt(real: pd.Series, array: Array, what: str) -> Array:
    """``array`` in the form of the column ``real``, whose values it must have.

    Raises
    ------
    UnsupportedError
        If pandas computed something else than the array did.
    """
    values = held(real)
    if not _same(encode(values), encode(array.value)):
        raise require_trace().unsupported(
            f"pandas answers {what} unlike numpy on the same values",
            "compute it on .to_numpy(), or avoid the special values",
        )
    if array.is_constant:
        return Array(values)
    wanted = graph_dtype(values.dtype)
    if values.dtype.kind != "O" and array.tensor.dtype != wanted and wanted != STRING:
        array = array.astype(values.dtype)
    return Array(values, array.tensor)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """The same values; of floats, whose order of additions may differ, within the trace's own tolerance."""
    if a.shape != b.shape:
        return False
    if (a.dtype.kind == "U") != (b.dtype.kind == "U"):
        return a.size == 0
    floats = "f" in (a.dtype.kind, b.dtype.kind)
    return agrees(a.astype(float), b.astype(float)) if floats else bool(np.array_equal(a, b))


def missing_values(array: Array) -> Array:
    """Where a held column is missing; bool, 1-D."""
    if array.is_constant:
        return Array(np.asarray(pd.isna(array.value)))
    kind = array.tensor.dtype
    real = np.asarray(pd.isna(array.value))
    if kind == STRING:
        return elementwise(
            "isna", real, lambda x: op.equal(x, op.const(np.array(MISSING_TOKEN))), [array], [None]
        )
    if array.dtype.kind in "mM":
        return elementwise("isna", real, lambda x: op.equal(x, op.const(np.int64(NAT))), [array], [None])
    if kind.kind == "f":
        return elementwise("isna", real, op.isnan, [array], [None])
    return Array(np.zeros(len(real), bool))


def pick(mask: Array, yes: Array, no: Array, real: np.ndarray) -> Array:
    """``where(mask, yes, no)`` of held columns or scalars, with ``real`` as pandas' own answer."""
    from onnxtwin.exporters import times
    from onnxtwin.exporters.numpy.choosing import choose

    if real.dtype.kind in "mM":
        yes, no = times.in_unit_of(yes, real.dtype), times.in_unit_of(no, real.dtype)
    stored = graph_dtype(encode(real).dtype) if real.dtype.kind == "O" else graph_dtype(real.dtype)
    for side in (yes, no):
        if not side.is_constant and real.dtype.kind == "O":
            stored = side.tensor.dtype
    wide = np.dtype(np.int64) if stored.kind in "iu" else stored

    def build(m: Var, a: Var, b: Var) -> Var:
        from onnxtwin.exporters.tensor import cast

        return cast(choose(m, a, b), stored) if stored != STRING else choose(m, a, b)

    return elementwise("where", real, build, [mask, yes, no], [np.dtype(bool), wide, wide])


def scalar(value: Any, like: pd.Series) -> Array:
    """A Python scalar as a held constant beside the column ``like``; times keep their own unit."""
    dtype: Any = like.dtype
    if getattr(dtype, "kind", "") in "mM" and not isinstance(dtype, pd.CategoricalDtype):
        made = _time_scalar(value, dtype)
        if made is not None:
            return Array(np.asarray(made))
    if isinstance(value, (datetime, timedelta, np.datetime64, np.timedelta64)):
        raise refuse(f"combines a column of {dtype} with {value!r}", "make the column a timestamp first")
    if isinstance(value, str) or pd.isna(value) and kind_is_text(dtype):
        return Array(np.array(value, dtype=object))
    if pd.isna(value):
        return Array(np.array(np.nan))
    return Array(np.asarray(value))


def _time_scalar(value: Any, dtype: Any) -> Any:
    """A timestamp or duration, as pandas reads it beside a column of ``dtype``; None if it is neither."""
    if pd.isna(value):
        return np.array("NaT", dtype=f"{dtype.kind}8[{np.datetime_data(getattr(dtype, 'base', dtype))[0]}]")
    if (
        isinstance(value, (timedelta, np.timedelta64, pd.offsets.Tick))
        or dtype.kind == "m"
        and isinstance(value, str)
    ):
        return pd.Timedelta(value).to_timedelta64()
    if isinstance(value, (datetime, np.datetime64, str)):
        moment = pd.Timestamp(value)
        zone = getattr(dtype, "tz", None)
        if moment.tzinfo is None and zone is not None and isinstance(value, str):
            moment = moment.tz_localize(zone)
        return (
            moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo is not None else moment
        ).to_datetime64()
    return None


def kind_is_text(dtype: Any) -> bool:
    """Whether a column of that dtype holds text (an ``object`` column is taken to)."""
    if isinstance(dtype, pd.CategoricalDtype):
        return text_categories(dtype)
    return isinstance(dtype, pd.StringDtype) or getattr(dtype, "kind", "") == "O" and not is_nullable(dtype)


def refuse(what: str, way_out: str) -> Exception:
    """The error that says where the code is, what it did and what to do instead."""
    return require_trace().unsupported(what, way_out)


def plain(value: Any, what: str) -> Any:
    """``value`` if nothing in it is traced."""
    if is_traced(value):
        raise refuse(f"{what} with a computed value", "use values fixed when fitting")
    return value


def rows_of(other: Any, rows: int) -> bool:
    """Whether ``other`` has one entry a row."""
    real = concrete(other)
    return isinstance(real, (np.ndarray, pd.Series, list, tuple)) and np.ndim(real) == 1 and len(real) == rows
