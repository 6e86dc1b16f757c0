"""Arithmetic, comparison and logic of traced columns, by kind of column; pandas itself gives the values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import times
from onnxtwin.exporters.array import Array, concrete, constant, elementwise
from onnxtwin.exporters.domain import require_true
from onnxtwin.exporters.pandas.categories import codes_array, limit_to_seen
from onnxtwin.exporters.pandas.held import adopt, held, kind_of, missing_values, refuse, rows_of, scalar
from onnxtwin.exporters.signature import MISSING_TOKEN

xp: Any = np
"""numpy, answered by traced arrays."""

UFUNCS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide,
    "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip
"""Name of the operator -> numpy's function."""

NAMES = {u: n for n, u in UFUNCS.items()} | {
    np.logical_and: "and",
    np.logical_or: "or",
    np.logical_xor: "xor",
}
LABELS = "pass index=df.index, or reset_index(drop=True) on all of it: pandas joins rows by their labels"
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
LOGIC = ("and", "or", "xor")

PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(operator, name + "_" if name in ("and", "or") else name) for name in UFUNCS
}


def binary(name: str, left: Any, right: Any) -> Any:
    """``left <operator> right`` where at least one side is a traced Series; NotImplemented for frames."""
    from onnxtwin.exporters.pandas.frame import DataFrame
    from onnxtwin.exporters.pandas.series import Series

    if type(left) is DataFrame or type(right) is DataFrame:
        return NotImplemented
    series: Series = left if type(left) is Series else right
    with np.errstate(all="ignore"):
        real = PYTHON[name](concrete(left), concrete(right))
    if not isinstance(real, pd.Series):
        raise refuse(
            f"{name} of a column and {type(right).__name__} gives {type(real).__name__}",
            "combine columns with columns or scalars",
        )
    if len(real) != len(series.value):
        raise refuse("combines columns whose rows have different labels", LABELS)
    sides = [side_of(left, series), side_of(right, series)]
    kinds = {_kind(left, sides[0], series), _kind(right, sides[1], series)} - {"scalar"}
    whole = _whole(left) and _whole(right)
    made, real = _computed(name, kinds, (left, right), sides, real, whole)
    return Series(
        real, adopt(real, made, f"{name} of columns"), whole=whole and name in ("add", *COMPARISONS)
    )


def _computed(
    name: str, kinds: set[str], operands: tuple[Any, Any], sides: list[Array], real: pd.Series, whole: bool
) -> tuple[Array, pd.Series]:
    """The answer's array, and pandas' answer in the dtype of every batch."""
    if "category" in kinds:
        return _category(name, operands, sides, real), real
    if "flags" in kinds:
        return _flags(name, sides), real
    if "nullable" in kinds:
        return _nullable(name, sides, real), real
    if kinds == {"text"}:
        _require_one_dtype(name, operands)
        return _text(name, sides, real), real
    if "text" in kinds:
        return _unlike(name, real), real
    if "time" in kinds:
        # A whole number of durations has no place for a missing one.
        real = real if whole or real.dtype.kind not in "iu" else real.astype("float64")
        return times.apply(UFUNCS[name], sides, held(real)), real
    return _number(name, sides, real)


def _require_one_dtype(name: str, operands: tuple[Any, Any]) -> None:
    dtypes = {type(o.value.dtype) for o in operands if hasattr(type(o), "__onnxtwin_series__")}
    if name == "add" and len(dtypes) > 1:
        raise refuse(
            "joins text of dtype object and of dtype str, for which pandas looks at the rows",
            "convert one with astype",
        )


def _whole(side: Any) -> bool:
    return bool(getattr(side, "whole", True))


def side_of(other: Any, like: Any) -> Any:
    """The held array of an operand."""
    if hasattr(type(other), "__onnxtwin_series__"):
        return other.held
    if isinstance(other, pd.Series):
        return Array(held(other))
    if isinstance(other, (np.ndarray, list, tuple)) and np.ndim(concrete(other)) > 0:
        if not rows_of(other, len(like.value)):
            raise refuse(
                "combines a column with values that are not one a row",
                "combine columns with columns or scalars",
            )
        made = constant(other)
        return Array(held(pd.Series(made.value))) if made.is_constant else made
    if isinstance(other, np.ndarray):
        return constant(other)  # a traced scalar
    return scalar(other, like.value)


def _kind(other: Any, side: Array, series: Any) -> Any:
    if hasattr(type(other), "__onnxtwin_series__"):
        return other.kind
    if side.ndim == 0 and side.is_constant:
        value = side.value[()]
        if isinstance(value, str):
            return "category" if series.kind == "category" else "text"
        if value is None or side.value.dtype.kind == "O" and pd.isna(value):
            return "scalar"
        return "time" if side.value.dtype.kind in "mM" else "number"
    return kind_of(pd.Series(side.value), side)


def _number(name: str, sides: list[Array], real: pd.Series) -> tuple[Array, pd.Series]:
    right = sides[1]
    integers = all(s.dtype.kind in "iub" for s in sides)
    if name in ("floordiv", "mod") and integers and not (right.is_constant and np.all(right.value != 0)):
        return _by_zero(name, sides[0], right, real)
    return _promoted(name, sides, real), real


def _promoted(name: str, sides: list[Array], real: pd.Series) -> Any:
    """A scalar takes part as Python's or as numpy's own number, whichever gives pandas' dtype."""
    plain = [s.value[()].item() if s.is_constant and s.ndim == 0 else s for s in sides]
    with np.errstate(all="ignore"):
        answers = (PYTHON[name](*(concrete(s) for s in some)) for some in (plain, sides))
        as_pandas = [np.asarray(answer).dtype == real.dtype for answer in answers]
        return PYTHON[name](*(plain if as_pandas[0] or not as_pandas[1] else sides))


def _by_zero(name: str, left: Array, right: Array, real: pd.Series) -> tuple[Array, pd.Series]:
    """Whole numbers divided by a column: pandas answers floats where a divisor is 0; here floats always."""
    zero = xp.equal(right, 0)
    safe = xp.where(zero, 1, right)
    quotient = UFUNCS[name](left, safe).astype(np.float64)
    if name == "mod":
        instead: Any = np.nan
    else:
        instead = xp.where(xp.greater(left, 0), np.inf, xp.where(xp.less(left, 0), -np.inf, np.nan))
    return xp.where(zero, instead, quotient), real.astype("float64")


def _text(name: str, sides: list[Array], real: pd.Series) -> Array:
    for side in sides:
        if side.is_constant and any(v == MISSING_TOKEN for v in side.value.reshape(-1).tolist()):
            raise refuse(
                f"compares with {MISSING_TOKEN!r}, the token that stands for a missing text",
                "use another text",
            )
    missing = _any_missing(sides)
    if name in ("eq", "ne"):

        def compared(a: Var, b: Var, *gone: Var) -> Var:
            same = op.equal(a, b)
            same = op.and_(same, op.not_(gone[0])) if gone else same
            return same if name == "eq" else op.not_(same)

        # A constant is never the token, so that only two columns can be missing and alike.
        both = [missing] if missing is not None and not any(s.is_constant for s in sides) else []
        return elementwise(name, held(real), compared, [*sides, *both], [None] * (2 + len(both)))
    if name == "add":
        joined = [missing] if missing is not None else []

        def build(a: Var, b: Var, *gone: Var) -> Var:
            text = op.string_concat(a, b)
            return op.where(gone[0], op.const(np.array(MISSING_TOKEN)), text) if gone else text

        return elementwise("concat", held(real), build, [*sides, *joined], [None] * (2 + len(joined)))
    raise refuse(f"operator {name!r} on text is not supported", "compare with == or !=, join with +")


def _any_missing(sides: list[Array]) -> Any:
    columns = [missing_values(s) for s in sides if not s.is_constant]
    return None if not columns else columns[0] if len(columns) == 1 else xp.logical_or(*columns)


def _unlike(name: str, real: pd.Series) -> Array:
    """Text compared with numbers: never equal."""
    if name not in ("eq", "ne"):
        raise refuse(f"operator {name!r} between text and numbers", "convert one side first")
    return Array(held(real))


def _category(name: str, operands: tuple[Any, Any], sides: list[Array], real: pd.Series) -> Any:
    if name not in COMPARISONS:
        raise refuse(
            f"operator {name!r} on categories is not supported", "use .astype(str) or .cat.codes first"
        )
    if name in ("eq", "ne"):
        texts = {s.value.dtype.kind == "O" for s in sides}
        if texts == {True}:
            return _text(name, sides, real)
        return _unlike(name, real) if True in texts else UFUNCS[name](*sides)
    kinds = [getattr(o, "kind", "") if hasattr(type(o), "__onnxtwin_series__") else "" for o in operands]
    dtype = operands[kinds.index("category")].dtype
    for side in sides:
        limit_to_seen(side, dtype)
    codes = [codes_array(s, dtype) for s in sides]
    known = xp.logical_and(xp.not_equal(codes[0], -1), xp.not_equal(codes[1], -1))
    return xp.logical_and(UFUNCS[name](*codes), known)


def _flags(name: str, sides: list[Array]) -> Any:
    """Objects that are True, False or missing: equality only, pandas' logic on them depends on the batch."""
    if name not in ("eq", "ne"):
        raise refuse(
            f"operator {name!r} on an object column of booleans with missing values",
            "use fillna(False).astype(bool) first",
        )
    return UFUNCS[name](*(_as_float(s) for s in sides))


def _as_float(side: Array) -> Array:
    """A held column of objects as its float64 graph value, missing as NaN."""
    if side.value.dtype.kind != "O":
        return side
    values = np.array([np.nan if pd.isna(v) else float(v) for v in side.value.reshape(-1)]).reshape(
        side.shape
    )
    return Array(values) if side.is_constant else Array(values, side.tensor)


def _nullable(name: str, sides: list[Array], real: pd.Series) -> Any:
    """Nullable numbers: NaN stands for pandas.NA, which every operation but Kleene logic hands on."""
    sides = [
        Array(s.value.astype(np.float64), None if s.is_constant else s.astype(np.float64).tensor)
        for s in sides
    ]
    if name in COMPARISONS:
        gone = xp.logical_or(xp.isnan(sides[0]), xp.isnan(sides[1]))
        return xp.where(gone, np.nan, UFUNCS[name](*sides).astype(np.float64))
    if name in ("and", "or") and str(real.dtype) == "boolean":
        return _kleene(name, *sides)
    if name not in ("add", "sub", "mul", "truediv"):
        raise refuse(f"operator {name!r} on nullable numbers", "use astype('float64') first")
    if str(real.dtype) not in ("Float64", "Int64"):
        raise refuse(f"computes in {real.dtype}", "use Int64 or Float64")
    made = UFUNCS[name](*sides)
    if str(real.dtype) == "Int64":
        # The graph holds nullable integers as float64, which is exact up to 2**53 only.
        require_true(
            xp.logical_not(xp.greater(xp.abs(made), 2.0**53)), "a nullable integer exceeds 2**53 here"
        )
    return made


def _kleene(name: str, a: Array, b: Array) -> Any:
    settled = 0.0 if name == "and" else 1.0
    decided = xp.logical_or(xp.equal(a, settled), xp.equal(b, settled))
    gone = xp.logical_or(xp.isnan(a), xp.isnan(b))
    return xp.where(decided, settled, xp.where(gone, np.nan, 1.0 - settled))


def unary(name: str, series: Any) -> Any:
    """``-x``, ``+x``, ``~x``, ``abs(x)``."""
    from onnxtwin.exporters.pandas.series import Series

    function: Any = {"neg": operator.neg, "pos": operator.pos, "invert": operator.invert, "abs": abs}[name]
    real = function(series.value)
    if name == "pos":
        return series.copy()
    if series.kind == "nullable" and name != "invert":
        made = {"neg": np.negative, "abs": np.abs}[name](series.held)
    elif str(series.value.dtype) == "boolean":
        made = xp.subtract(1.0, series.held)
    elif series.kind == "time" and series.value.dtype.kind == "m":
        made = times.apply({"neg": np.negative, "abs": np.absolute}[name], [series.held], held(real))
    elif series.kind == "number":
        made = {"neg": np.negative, "invert": np.invert, "abs": np.abs}[name](series.held)
    else:
        raise refuse(
            f"operator {name!r} on a column of {series.value.dtype}", "use fillna and astype(bool) first"
        )
    return Series(real, adopt(real, made, name), whole=series.whole)
