"""The methods of a traced Series that treat each row by itself."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array, concrete, is_missing, is_traced
from onnxtwin.exporters.pandas import operators, tables
from onnxtwin.exporters.pandas.held import (
    held,
    missing_values,
    pick,
    plain,
    refuse,
    scalar,
)
from onnxtwin.exporters.pandas.operators import side_of

_NO = pd.api.extensions.no_default


def flexible(name: str, swapped: bool = False) -> Callable[..., Any]:
    """``Series.add`` and its kin, ``Series.radd`` if ``swapped``."""

    def method(self: Any, other: Any, level: Any = None, fill_value: Any = None, axis: Any = 0) -> Any:
        if level is not None:
            raise refuse(f"Series.{name} with level=", "leave the index as it is: a graph has none")
        left, right = self, other
        if fill_value is not None:
            left, right = _filled_pair(self, other, fill_value)
        return operators.binary(name, right, left) if swapped else operators.binary(name, left, right)

    return method


def _filled_pair(left: Any, right: Any, value: Any) -> tuple[Any, Any]:
    """Both operands, each filled where it alone is missing."""
    if not hasattr(type(right), "__onnxtwin_series__"):
        return left.fillna(value), right
    a, b = left.isna(), right.isna()
    return left.mask(a & ~b, value), right.mask(b & ~a, value)


def fillna(
    self: Any, value: Any = None, *, axis: Any = None, inplace: bool = False, limit: Any = None
) -> Any:
    """Constants, or another column row by row."""
    if limit is not None:
        raise refuse("fillna with limit=", "fill all missing values")
    if isinstance(value, dict) or isinstance(value, pd.Series) and not is_traced(value):
        raise refuse("fills by row label", "fill with a scalar or another column")
    with np.errstate(all="ignore"):
        real = self.value.fillna(concrete(value))
    side = side_of(value, self)
    if not is_traced(value):
        if (
            self.kind == "text"
            and not isinstance(value, str)
            or self.kind in ("number", "nullable")
            and isinstance(value, str)
        ):
            raise refuse(
                f"fills a column of {self.dtype} with {value!r}", "fill with a value of the column's own type"
            )
        side = scalar(value, self.value)
    if self.kind == "flags":
        side = Array(np.asarray(float(value))) if not is_traced(value) else side
    mask = missing_values(self.held)
    whole = not is_traced(value) or bool(getattr(value, "whole", False))
    array = (
        self.held if mask.is_constant and not mask.value.any() else pick(mask, side, self.held, held(real))
    )
    return settle(self, self.made(real, array, what="fillna", whole=whole), inplace)


def settle(self: Any, made: Any, inplace: bool) -> Any:
    """The result, or with ``inplace`` None and ``self`` changed."""
    if not inplace:
        return made
    overwrite(self, made)
    return None


def overwrite(self: Any, made: Any) -> None:
    """Make the column the one that was computed, for whoever else holds it."""
    self.value, self.held, self._whole = made.value, made.held, made._whole


def where(
    self: Any, cond: Any, other: Any = np.nan, *, inplace: bool = False, axis: Any = None, level: Any = None
) -> Any:
    return settle(self, _chosen(self, cond, other, keep=True), inplace)


def mask(
    self: Any, cond: Any, other: Any = np.nan, *, inplace: bool = False, axis: Any = None, level: Any = None
) -> Any:
    return settle(self, _chosen(self, cond, other, keep=False), inplace)


def _chosen(self: Any, cond: Any, other: Any, keep: bool) -> Any:
    cond = cond(self) if callable(cond) and not is_traced(cond) else cond
    other = other(self) if callable(other) and not is_traced(other) else other
    other = np.nan if other is _NO else other
    with np.errstate(all="ignore"):
        real = (self.value.where if keep else self.value.mask)(concrete(cond), concrete(other))
    condition = side_of(cond, self)
    if condition.dtype.kind != "b":
        raise refuse(
            f"Series.{'where' if keep else 'mask'} with a condition of {condition.dtype}",
            "give a condition of dtype bool",
        )
    real = _wide(self.value, other, real)
    side = side_of(other, self)
    own = self.held
    array = pick(condition, own, side, held(real)) if keep else pick(condition, side, own, held(real))
    whole = self.whole and (
        bool(getattr(other, "whole", False)) or not is_traced(other) and not bool(np.any(pd.isna(other)))
    )
    return self.made(real, array, what="where", whole=whole)


def _wide(before: pd.Series, other: Any, real: pd.Series) -> pd.Series:
    """pandas keeps a narrow dtype if no row of the batch needs the wide one; here it is wide always."""
    if not isinstance(before.dtype, np.dtype) or before.dtype.kind not in "iub":
        return real
    beside: Any = concrete(other)
    missing = np.ndim(beside) == 0 and is_missing(beside)
    kind: Any = np.dtype(np.float64) if missing else getattr(beside, "dtype", np.asarray(beside).dtype)
    if before.dtype.kind == "b" and getattr(kind, "kind", "O") != "b":
        raise refuse("puts numbers or missing values among booleans", "use astype('float64') first")
    if before.dtype.kind == "b" or real.dtype.kind not in "iuf":
        return real
    plain = type(beside) in (int, float) and not missing
    common: Any = np.result_type(before.dtype, beside if plain else kind)
    return real.astype(common)


def clip(
    self: Any, lower: Any = None, upper: Any = None, *, axis: Any = None, inplace: bool = False, **kwargs: Any
) -> Any:
    """Bounds that are missing do not bind; a missing value stays missing."""
    if kwargs:
        raise refuse(f"Series.clip with {sorted(kwargs)}", "call it with lower and upper")
    if self.kind not in ("number", "time", "nullable"):
        raise refuse(f"clips a column of {self.dtype}", "clip numbers")
    low, high = lower, upper
    scalars = all(b is None or np.ndim(concrete(b)) == 0 for b in (low, high))
    if scalars and low is not None and high is not None and not is_missing(low) and not is_missing(high):
        low, high = min(low, high), max(low, high)
    result = self
    for bound, beyond in ((low, operator.lt), (high, operator.gt)):
        if bound is None or np.ndim(concrete(bound)) == 0 and is_missing(bound):
            continue
        over = beyond(result, bound)
        if over.kind == "nullable":
            over = over.fillna(False).astype(bool)
        result = result.mask(over, bound)
    real = self.value.clip(concrete(lower), concrete(upper))
    if len(real) and not real.astype(result.value.dtype).equals(result.value):
        raise refuse("Series.clip with these bounds", "use np.where")
    return settle(self, result if result is not self else self.copy(), inplace)


def round(self: Any, decimals: int = 0, *args: Any, **kwargs: Any) -> Any:
    if self.kind not in ("number", "nullable"):
        raise refuse(f"rounds a column of {self.dtype}", "round numbers")
    real = self.value.round(decimals)
    array = self.held if self.value.dtype.kind == "b" else np.round(self.held, decimals)
    return self.made(real, array, what="round", whole=self.whole)


def isin(self: Any, values: Any) -> Any:
    plain(values, "isin")
    wanted = list(values)
    array = tables.flags_of(self, lambda s: s.isin(wanted), wanted, "isin")
    return self.made(self.value.isin(wanted), array, what="isin")


def between(self: Any, left: Any, right: Any, inclusive: str = "both") -> Any:
    low = operator.ge if inclusive in ("both", "left") else operator.gt
    high = operator.le if inclusive in ("both", "right") else operator.lt
    real = self.value.between(concrete(left), concrete(right), inclusive=inclusive)
    return self.made(real, (low(self, left) & high(self, right)).held, what="between")


def map(self: Any, arg: Any = None, na_action: Any = None, **kwargs: Any) -> Any:
    if kwargs or is_traced(arg) or not isinstance(arg, (dict, pd.Series)):
        raise refuse(
            "maps a column through a function, row by row",
            "map with a dict or a Series, or compute on whole columns",
        )
    keys = list(arg) if isinstance(arg, dict) else arg.index.tolist()
    if type(arg) is not dict and hasattr(arg, "__missing__"):
        raise refuse(
            f"maps through a {type(arg).__name__}, which makes up values for unknown keys",
            "map with a plain dict and fillna",
        )
    real, array = tables.mapped(self, lambda s: s.map(arg, na_action=na_action), keys, "map")
    return self.made(real, array, what="map")


def replace(
    self: Any, to_replace: Any = None, value: Any = _NO, *, inplace: bool = False, regex: Any = False
) -> Any:
    if regex is not False or is_traced(to_replace) or is_traced(value):
        raise refuse("Series.replace by pattern or with computed values", "use .str.replace, np.where or map")
    if value is _NO and not isinstance(to_replace, (dict, pd.Series)):
        raise refuse("Series.replace without a value", "give the values to put in")

    def method(s: pd.Series) -> pd.Series:
        return s.replace(to_replace) if value is _NO else s.replace(to_replace, value)

    keys = (
        list(to_replace)
        if isinstance(to_replace, (dict, list, tuple, np.ndarray))
        else to_replace.index.tolist()
        if isinstance(to_replace, pd.Series)
        else [to_replace]
    )
    real, array = tables.replaced(self, method, keys, "replace")
    return settle(self, self.made(real, array, what="replace"), inplace)


def combine_first(self: Any, other: Any) -> Any:
    if not hasattr(type(other), "__onnxtwin_series__"):
        raise refuse(
            "combine_first with a fixed column", "use fillna with a scalar or a column of the same rows"
        )
    return self.where(self.notna(), other)


def astype(self: Any, dtype: Any, copy: Any = None, errors: str = "raise") -> Any:
    """Conversions that pandas and the graph do alike; see :mod:`~onnxtwin.exporters.pandas.conversion`."""
    from onnxtwin.exporters.pandas.conversion import converted

    if errors != "raise":
        raise refuse("astype with errors='ignore'", "use pd.to_numeric(errors='coerce')")
    if isinstance(dtype, dict):
        dtype = dtype.get(self.name, self.dtype)
    return converted(self, dtype)


def infer_objects(self: Any, copy: Any = None) -> Any:
    real = self.value.infer_objects()
    if real.dtype != self.value.dtype:
        raise refuse("infer_objects: the dtype would depend on the rows", "use astype")
    return self.copy()


def keys(self: Any) -> Any:
    return self.index


METHODS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        fillna,
        where,
        mask,
        clip,
        round,
        isin,
        between,
        map,
        replace,
        combine_first,
        astype,
        infer_objects,
        keys,
    )
}
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    METHODS[_name] = flexible(_name)
    METHODS[f"r{_name}"] = flexible(_name, swapped=True)
for _name in operators.COMPARISONS:
    METHODS[_name] = flexible(_name)
METHODS |= {
    "div": METHODS["truediv"],
    "divide": METHODS["truediv"],
    "rdiv": METHODS["rtruediv"],
    "subtract": METHODS["sub"],
    "multiply": METHODS["mul"],
}
