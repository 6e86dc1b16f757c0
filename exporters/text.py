"""Text arrays: membership, and numbers read from text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, is_missing, once
from onnxtwin.exporters.domain import require_true
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
"""Blanks within an exponent, which pandas reads after a plus sign only."""


class _Column:
    """A text array and the questions asked of it."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.gone = np.array([is_missing(v) for v in array.value.reshape(-1).tolist()], bool).reshape(
            array.shape
        )

    def demand(self, build: Callable[[Var], Var], message: str, *, present: bool = False) -> None:
        """Demand ``build`` of each text; of a missing one only if ``present``."""

        def unless_missing(x: Var) -> Var:
            return build(x) if present else op.or_(build(x), op.equal(x, op.const(np.array(MISSING_TOKEN))))

        ok = ~self.gone if present else np.ones(self.array.shape, bool)
        require_true(elementwise("demand on text", ok, unless_missing, [self.array], [None]), message)


def to_number(array: Array, dtype: np.dtype, real: np.ndarray) -> Array:
    """Text as float64, float32 or int64, as Python's ``float`` and ``int`` read it.

    Rows whose text is no number are outside of the domain, and so are spellings that Python reads and the
    graph does not (underscores, other scripts' digits). A missing text is NaN, and no integer.

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
    column.demand(lambda x: read(x).certain, "text is a number in a spelling that is not followed here")
    column.demand(lambda x: read(x).valid, "text is not a number", present=whole)

    def build(x: Var) -> Var:
        if whole:
            return read(x).value
        return cast(op.where(read(x).valid, read(x).value, op.const(np.nan)), dtype)

    return elementwise(f"number {dtype}", real.astype(dtype), build, [array], [None])


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
    read = once(lookups.to_float)
    numeric = once(lambda x: op.regex_full_match(x, pattern=_NUMERIC))

    def certain(x: Var) -> Var:
        odd = op.regex_full_match(x, pattern=_ODD)
        return op.and_(op.not_(odd), op.or_(read(x).certain, op.not_(numeric(x))))

    column.demand(certain, "text is a number in a spelling that is not followed here")
    if not coerce:
        column.demand(
            lambda x: op.or_(numeric(x), op.equal(x, op.const(np.array("", np.str_)))), "text is not a number"
        )
    return elementwise(
        "to_numeric", real, lambda x: op.where(numeric(x), read(x).value, op.const(np.nan)), [array], [None]
    )
