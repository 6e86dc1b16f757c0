"""Text arrays: membership, and numbers read from text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, is_missing
from onnxtwin.exporters.domain import require_true
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.trace import require_trace


def isin(array: Array, values: Sequence[str]) -> Array:
    """Whether each text is one of ``values``; a missing text is none of them."""
    if MISSING_TOKEN in values:
        raise require_trace().unsupported(f"looks for {MISSING_TOKEN!r}, the token that stands for a missing text", "use another text")
    wanted = set(values)
    real = np.array([isinstance(v, str) and v in wanted for v in array.value.reshape(-1).tolist()], bool).reshape(array.shape)
    return elementwise("isin text", real, lambda x: lookups.isin(x, list(values)), [array], [None])


def _certain(array: Array, kind: str) -> Array:
    """Texts whose reading the graph decides as Python does; missing ones count as decided."""

    def build(x: Var) -> Var:
        parsed = lookups.to_float(x) if kind == "f" else lookups.to_int(x)
        return op.or_(parsed.certain, op.equal(x, op.const(np.array(MISSING_TOKEN))))

    return elementwise(f"certain {kind}", np.ones(array.shape, bool), build, [array], [None])


def _valid(array: Array, kind: str, real: np.ndarray) -> Array:
    def build(x: Var) -> Var:
        return (lookups.to_float(x) if kind == "f" else lookups.to_int(x)).valid

    return elementwise(f"valid {kind}", real, build, [array], [None])


def to_number(array: Array, dtype: np.dtype, real: np.ndarray, *, coerce: bool = False) -> Array:
    """Text as float64, float32 or integers, as Python's ``float`` and ``int`` read it.

    Parameters
    ----------
    real : the sample's own answer.
    coerce : text that is no number becomes NaN; else such rows are outside of the domain, as are missing ones
        for integers. Spellings that Python reads and the graph does not (underscores, other scripts' digits)
        are outside of the domain always.

    Raises
    ------
    UnsupportedError
        For other dtypes.
    """
    if dtype.kind not in "fiu" or dtype.kind in "iu" and coerce:
        raise require_trace().unsupported(f"reads {dtype} from text", "read float64 or int64")
    kind = "f" if dtype.kind == "f" else "i"
    if array.is_constant:
        return Array(real)
    present = np.array([not is_missing(v) for v in array.value.reshape(-1).tolist()], bool).reshape(array.shape)
    require_true(_certain(array, kind), "text is a number in a spelling that is not followed here")
    if coerce:
        readable = present & ~np.isnan(real.astype(float)) | np.array([str(v).strip().lower().lstrip("+-") == "nan" for v in array.value.reshape(-1)]).reshape(array.shape)
        valid = _valid(array, kind, readable & present)
    else:
        valid = _valid(array, kind, present)
        allowed = valid if kind == "i" else np.logical_or(valid, _is_token(array, ~present))
        require_true(allowed, "text is not a number")

    def build(x: Var) -> Var:
        parsed = lookups.to_float(x) if kind == "f" else lookups.to_int(x)
        if kind == "i":
            return op.cast(parsed.value, to=dtype)
        number = op.where(parsed.valid, parsed.value, op.const(np.nan))
        return number if dtype == np.float64 else op.cast(number, to=dtype)

    made = elementwise(f"number {dtype}", real.astype(dtype), build, [array], [None])
    if kind == "i" and dtype.itemsize < 8:
        raise require_trace().unsupported(f"reads {dtype} from text", "read int64 and convert it")
    return made


def _is_token(array: Array, real: np.ndarray) -> Array:
    return elementwise("is missing", real, lambda x: op.equal(x, op.const(np.array(MISSING_TOKEN))), [array], [None])
