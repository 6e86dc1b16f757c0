"""Text arrays: membership, and numbers read from text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, is_missing, once
from onnxtwin.exporters.domain import limit_to, require_true
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.tensor import cast
from onnxtwin.exporters.trace import require_trace


def isin(array: Array, values: Sequence[str]) -> Array:
    """Whether each text is one of ``values``; a missing text is none of them."""
    if MISSING_TOKEN in values:
        raise require_trace().unsupported(
            f"looks for {MISSING_TOKEN!r}, the token that stands for a missing text", "use another text"
        )
    wanted = set(values)
    real = np.array(
        [isinstance(v, str) and v in wanted for v in array.value.reshape(-1).tolist()], bool
    ).reshape(array.shape)
    return elementwise("isin text", real, lambda x: lookups.isin(x, list(values)), [array], [None])


_NUMERIC = r"[\t-\r ]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[\t-\r ]*|[+-]?(?i:inf(?:inity)?)"
"""What ``pandas.to_numeric`` reads, as an RE2 pattern (pandas' ``floatify`` and ``xstrtod``)."""

_ODD = r"(?s:.*[eE][\t-\r ].*)"
"""Blanks within an exponent, which some versions of pandas read after a plus sign only."""

_LONG = rf"[\t-\r ]*[+-]?0*(?:{'|'.join(lookups.beyond(2**53))})[\t-\r ]*|[+-]?[0-9]{{100,}}"
"""Integers that float64 cannot tell apart: where a batch holds no other numbers, pandas computes in int64."""

_SIZES = f"the text is a number of a size that the twin does not read; it reads {lookups.SIZES_READ}"


@cache
def _reads_odd() -> bool:
    """Whether the installed pandas reads a blank within an exponent."""
    return bool(pd.to_numeric(pd.Series(["1e+ 5"], dtype=object), errors="coerce").notna().all())


class _Column:
    """A text array and the questions asked of it."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.gone = np.array([is_missing(v) for v in array.value.reshape(-1).tolist()], bool).reshape(
            array.shape
        )

    def demand(self, build: Callable[[Var], Var], message: str, *, present: bool = False) -> None:
        """Demand ``build`` of each text; of a missing one only if ``present``."""
        require_true(self._holds(build, present), message)

    def limit(self, build: Callable[[Var], Var], message: str) -> None:
        """Declare that texts for which ``build`` is False are not followed."""
        limit_to(self._holds(build, False), message, self.array)

    def _holds(self, build: Callable[[Var], Var], present: bool) -> Array:
        def unless_missing(x: Var) -> Var:
            return build(x) if present else op.or_(build(x), op.equal(x, op.const(np.array(MISSING_TOKEN))))

        ok = ~self.gone if present else np.ones(self.array.shape, bool)
        return elementwise("demand on text", ok, unless_missing, [self.array], [None])


def to_number(array: Array, dtype: np.dtype, real: np.ndarray) -> Array:
    """Text as float64, float32 or int64, as Python's ``float`` and ``int`` read it.

    Rows whose text is no number are outside of the domain. Some sizes at the ends of the range of float64 are
    beyond a declared limit. A missing text is NaN, and no integer.

    Parameters
    ----------
    real : the sample's own answer.

    Raises
    ------
    UnsupportedError
        For other dtypes.
    """
    whole = dtype == np.int64
    if not whole and dtype.kind != "f":
        raise require_trace().unsupported(f"reads {dtype} from text", "read float64 or int64 and convert it")
    if array.is_constant:
        return Array(real)
    column = _Column(array)
    read = once(lookups.to_int if whole else lookups.to_float)
    if not whole:
        column.limit(lambda x: _certain(read(x)), _SIZES)
    column.demand(lambda x: read(x).valid, "text is not a number", present=whole)

    def build(x: Var) -> Var:
        return read(x).value if whole else cast(read(x).value, dtype)

    return elementwise(f"number {dtype}", real.astype(dtype), build, [array], [None])


def _certain(read: lookups.Parsed) -> Var:
    assert read.certain is not None
    return read.certain


def to_numeric(array: Array, real: np.ndarray, *, coerce: bool) -> Array:
    """Text as float64, as ``pandas.to_numeric`` reads it; the empty text and a missing one are NaN.

    Parameters
    ----------
    real : the sample's own answer, float64.
    coerce : text that is no number becomes NaN; else such rows are outside of the domain.
    """
    if array.is_constant:
        return Array(real)
    column = _Column(array)
    read = once(lambda x: lookups.to_float(x, _NUMERIC))

    def followed(x: Var) -> Var:
        odd = op.regex_full_match(x, pattern=f"{_LONG}|{_ODD}" if _reads_odd() else _LONG)
        return op.and_(op.not_(odd), _certain(read(x)))

    column.limit(followed, f"{_SIZES}, and of whole numbers those up to {2**53}")
    if not coerce:
        column.demand(
            lambda x: op.or_(read(x).valid, op.equal(x, op.const(np.array("", np.str_)))),
            "text is not a number",
        )
    return elementwise("to_numeric", real, lambda x: read(x).value, [array], [None])
