"""``Series.astype``: conversions that pandas and the graph do alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.array import Array, elementwise
from onnxtwin.exporters.domain import require_true
from onnxtwin.exporters.pandas.categories import fix_categories
from onnxtwin.exporters.pandas.held import held, is_nullable, missing_values, refuse, text_categories

xp: Any = np
"""numpy, answered by traced arrays."""


def converted(self: Any, dtype: Any) -> Any:
    """``self.astype(dtype)``."""
    target: Any = pd.api.types.pandas_dtype(dtype)
    if target == self.value.dtype and not isinstance(target, pd.CategoricalDtype):
        return self.copy()
    real = _converted_really(self, target)
    if isinstance(target, pd.CategoricalDtype):
        return _categorical(self, target, real)
    if target.kind in "mM" or self.kind == "time":
        return _time(self, target, real)
    if target == np.dtype(object) or target.kind == "U" or isinstance(target, pd.StringDtype):
        return _text(self, target, real)
    if self.kind == "category":
        return _from_category(self, target, real)
    return _number(self, target, real)


def _converted_really(self: Any, target: Any) -> pd.Series:
    with np.errstate(all="ignore"):
        return self.value.astype(target)  # type: ignore[no-any-return]


def _require_present(self: Any, what: str) -> None:
    """pandas raises where a missing value has no place in the new dtype."""
    if self.whole:
        return
    gone = missing_values(self.held)
    if not gone.is_constant:
        require_true(xp.logical_not(gone), f"a missing value cannot become {what}")


def _number(self: Any, target: Any, real: pd.Series) -> Any:
    if self.kind == "text":
        if is_nullable(target):
            # pyarrow reads a column of str, by rules of its own ("0x10" is 16, " 1" is an error).
            raise refuse(f"reads {target} from text", "read float64 or int64, and convert that")
        return self.made(real, _parsed(self, target, held(real)), what="astype")
    if is_nullable(target):
        return self.made(real, _nullable(self, target), what="astype", whole=self.whole)
    if self.kind == "nullable" and target.kind in "iub" or self.kind == "flags" and target.kind in "iu":
        _require_present(self, str(target))
    array = _as_float(self.held) if self.kind in ("nullable", "flags") else self.held
    if self.kind == "flags" and target.kind == "b":
        array = _truths(self.value, array)
    if target.kind in "iu" and array.dtype.kind == "f" and not array.is_constant:
        return self.made(real, _integer(array, target), what="astype", whole=True)
    return self.made(real, array.astype(target), what="astype", whole=self.whole)


def _truths(value: pd.Series, array: Array) -> Any:
    """Objects as Python judges them: None is false, NaN is true."""
    gone = value[value.isna()].tolist()
    return xp.where(xp.isnan(array), float(bool(gone[0]) if gone else True), array)


def _as_float(array: Array) -> Array:
    values = np.array([np.nan if pd.isna(v) else float(v) for v in array.value.tolist()])
    if array.is_constant:
        return Array(values)
    return Array(values, array.tensor) if array.tensor.dtype == np.float64 else array.astype(np.float64)


def _nullable(self: Any, target: Any) -> Any:
    """float64 with NaN, of values that pandas can tell in the nullable dtype and the graph in float64."""
    values, kind = _as_float(self.held), target.numpy_dtype
    if kind.kind == "f":
        return values if kind.itemsize == 8 else values.astype(np.float32).astype(np.float64)
    if kind.kind == "b":
        truths = xp.logical_or(xp.equal(values, 0.0), xp.equal(values, 1.0))
        require_true(
            xp.logical_or(xp.isnan(values), truths), "only 0, 1 and missing values can become boolean"
        )
        return values
    limits = np.iinfo(kind)
    low, high = max(float(limits.min), -(2.0**53)), min(float(limits.max), 2.0**53)
    inside = xp.logical_and(xp.greater_equal(values, low), xp.less_equal(values, high))
    whole = xp.logical_and(xp.equal(values, xp.trunc(values)), inside)
    require_true(
        xp.logical_or(xp.isnan(values), whole), f"only whole numbers within {target} can become {target}"
    )
    return values


def _integer(values: Array, kind: np.dtype) -> Any:
    """Floats truncated; pandas refuses missing and infinite ones, and wraps around where the dtype ends."""
    require_true(xp.isfinite(values), f"a missing or infinite value cannot become {kind}")
    limits = np.iinfo(kind)
    long = kind.itemsize == 8
    above = xp.greater_equal(values, float(limits.min)) if long else xp.greater(values, limits.min - 1.0)
    inside = xp.logical_and(above, xp.less(values, limits.max + 1.0))
    require_true(inside, f"a value beyond {kind} cannot become {kind}")
    return xp.where(inside, values, 0.0).astype(kind)


def _parsed(self: Any, kind: np.dtype, real: np.ndarray) -> Array:
    from onnxtwin.exporters import text

    if kind.kind == "b":
        raise refuse("turns text into booleans", "compare it with the text that means True")
    return text.to_number(self.held, kind, real)


def _text(self: Any, target: Any, real: pd.Series) -> Any:
    if self.kind == "text" or self.kind == "category" and text_categories(self.value.dtype):
        spelled = getattr(target, "kind", "") == "U" and not self.whole
        if spelled or bool(real.isna().sum() != self.value.isna().sum()):
            raise refuse(
                f"astype({target}) turns missing values into the text 'nan'",
                "fillna first, or keep dtype str",
            )
        return self.made(real, self.held, what="astype", whole=self.whole)
    if target == np.dtype(object):
        return self.made(real, self.held, what="astype", whole=self.whole)
    if self.kind == "number" and self.value.dtype.kind in "iu":
        from onnxtwin.exporters import lookups

        return self.made(
            real,
            elementwise("astype str", held(real), lookups.from_int, [self.held], [np.dtype(np.int64)]),
            what="astype",
            whole=True,
        )
    if self.kind == "number" and self.value.dtype.kind == "b":

        def spelled(x: Var) -> Var:
            return op.where(x, op.const(np.array("True")), op.const(np.array("False")))

        return self.made(
            real,
            elementwise("astype str", held(real), spelled, [self.held], [None]),
            what="astype",
            whole=True,
        )
    raise refuse(
        f"formats numbers ({self.dtype}) as text", "use integers, or map the numbers to texts with a dict"
    )


def _categorical(self: Any, target: pd.CategoricalDtype, real: pd.Series) -> Any:
    if target.categories is None:
        if self.kind == "category":
            return self.copy()
        raise refuse(
            "astype('category') takes the categories from the rows",
            "give pd.CategoricalDtype(categories) fixed when fitting",
        )
    from onnxtwin.exporters.pandas import tables

    if self.kind not in ("text", "number", "category"):
        raise refuse(f"makes categories of a column of {self.dtype}", "make them of text or numbers")
    table = {k: k for k in tables.keys_for(self, target.categories.tolist()).tolist()}
    if self.kind == "number":
        table = {k: float(v) for k, v in table.items()}
    return fix_categories(
        self.made(
            real, tables.lookup(self, table, np.nan, np.nan, held(real), "astype category"), what="astype"
        )
    )


def _from_category(self: Any, target: Any, real: pd.Series) -> Any:
    if text_categories(self.value.dtype):
        raise refuse("turns categories of text into numbers", "map them with a dict, or use .cat.codes")
    as_float = type(self)(
        pd.Series(held(self.value), index=self.value.index, name=self.name), self.held, whole=self.whole
    )
    made = as_float if target == np.float64 else converted(as_float, target)
    return self.made(real, made.held, what="astype", whole=self.whole)


def _time(self: Any, target: Any, real: pd.Series) -> Any:
    from onnxtwin.exporters import times

    if self.kind != "time":
        raise refuse(f"astype({target}) of a column of {self.dtype}", "use pd.to_datetime")
    if getattr(target, "kind", "") in "iu":
        _require_present(self, str(target))
        return self.made(real, self.held.astype(np.int64), what="astype", whole=True)
    if getattr(target, "kind", "") not in "mM" or target.kind != self.value.dtype.kind:
        raise refuse(f"astype({target}) of a column of {self.dtype}", "use the .dt accessor")
    return self.made(real, times.to_unit(self.held, held(real)), what="astype", whole=self.whole)
