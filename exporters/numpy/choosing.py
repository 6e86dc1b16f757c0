"""Functions that choose values: by a condition, by position, by membership."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.array import Array, concrete, constant, elementwise, record, to_bool
from onnxtwin.exporters.numpy.dispatch import implements
from onnxtwin.exporters.numpy.shapes import ravel
from onnxtwin.exporters.tensor import STRING, cast, element_type, graph_dtype
from onnxtwin.exporters.trace import require_trace


def choose(mask: Var, yes: Var, no: Var) -> Var:
    """``Where`` in any element type: bool has no kernel everywhere, and goes by logic."""
    if element_type(yes) == np.bool_:
        return op.or_(op.and_(mask, yes), op.and_(op.not_(mask), no))
    return op.where(mask, yes, no)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    if not choices:
        raise require_trace().unsupported(
            "numpy.where(condition) asks which rows hold", "use numpy.where(condition, a, b)"
        )
    arrays = [constant(condition), *(constant(c) for c in choices)]
    real = np.where(*(a.value for a in arrays[:1]), *(concrete(c) for c in choices))
    text = real.dtype.kind in "OUT" and any(is_text(a) for a in arrays[1:])
    if text and not all(is_text(a) for a in arrays[1:]):
        raise require_trace().unsupported(
            "numpy.where chooses between text and numbers", "give both choices one type"
        )
    held = STRING if text else arrays[1].tensor.dtype if real.dtype.kind == "O" else graph_dtype(real.dtype)
    wide = np.dtype(np.int64) if held.kind in "iu" else held

    def build(m: Var, a: Var, b: Var) -> Var:
        chosen = choose(to_bool(m), a, b)
        return chosen if held == STRING else cast(chosen, held)

    made = elementwise("where", real, build, arrays, [None, wide, wide])
    made._boxed = True
    return made


def is_text(array: Array) -> bool:
    if not array.is_constant:
        return array.tensor.dtype == STRING
    return (
        array.dtype.kind in "UT"
        or array.dtype.kind == "O"
        and all(isinstance(x, str) or x is None or x != x for x in array.value.reshape(-1))
    )


@implements(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    real = np.select([concrete(c) for c in condlist], [concrete(c) for c in choicelist], concrete(default))
    dtype = real.dtype
    result: Any = np.asarray(default).astype(dtype) if dtype.kind not in "U" else default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    if type(result) is Array and result.dtype == dtype and result.shape == real.shape:
        return Array(real, None if result.is_constant else result.tensor, boxed=True)
    return result


@implements(np.clip, method="clip")
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    dtype: Any = None,
    **kwargs: Any,
) -> Any:
    if kwargs:
        raise require_trace().unsupported(f"numpy.clip with {sorted(kwargs)}", "call it without them")
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    result = a
    if low is not None:
        result = np.maximum(result, low, dtype=dtype)
    if high is not None:
        result = np.minimum(result, high, dtype=dtype)
    if out is not None:
        out[...] = result
        return out
    return result if result is not a else a.copy()


@implements(np.take, method="take")
def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise") -> Any:
    a = constant(a)
    if axis is None:
        a, axis = ravel(a), 0
    index = constant(indices)
    index = index.astype(np.int64) if index.dtype.kind == "b" else index
    if mode == "clip":
        index = clip(index, 0, a.shape[axis] - 1)
    elif mode != "raise":
        raise require_trace().unsupported(
            f"numpy.take with mode={mode!r} is not supported", "use mode='raise' or 'clip'"
        )
    real = np.asarray(np.take(a.value, index.value, axis=axis, mode=mode))
    before = (slice(None),) * (axis % a.ndim)
    made = a[(*before, index if not index.is_constant else index.value)]
    return made if type(made) is not Array else Array(real, None if made.is_constant else made.tensor)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int = -1) -> Any:
    a, index = constant(arr), constant(indices)
    real = np.take_along_axis(a.value, index.value, axis)
    return record(
        f"take_along_axis {axis}",
        real,
        lambda v, i: op.gather_elements(v, cast(i, np.dtype(np.int64)), axis=axis),
        a,
        index,
    )


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    x, tests = constant(element), constant(test_elements)
    if not tests.is_constant:
        raise require_trace().unsupported("numpy.isin against computed values", "compare with == and any")
    values = np.unique(tests.value) if tests.dtype.kind != "O" else tests.value
    if x.ndim != 1 and x.ndim != 0:
        hit = np.equal(x[..., None], values).any(axis=-1)
    elif is_text(x):
        from onnxtwin.exporters import text

        hit = text.isin(x, [str(v) for v in values])
    else:
        hit = np.equal(np.reshape(x, (-1, 1)), values).any(axis=1)
    return np.logical_not(hit) if invert else hit


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if not copy and type(x) is Array and x._is_scalar:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    limits = np.finfo(x.dtype) if x.dtype.kind == "f" else None
    if limits is None:
        return x.copy() if copy else x
    result = np.where(np.isnan(x), x.dtype.type(nan), x)
    result = np.where(
        np.logical_and(np.isinf(x), np.greater(x, 0)),
        x.dtype.type(limits.max if posinf is None else posinf),
        result,
    )
    result = np.where(
        np.logical_and(np.isinf(x), np.less(x, 0)),
        x.dtype.type(limits.min if neginf is None else neginf),
        result,
    )
    if not copy:
        x[...] = result
        return x if x.ndim else x[()]
    if type(result) is Array:
        result._boxed = False  # as numpy: of no dimension, a scalar
    return result


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, dst)


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    if np.ndim(concrete(values)) != 0 and np.shape(concrete(values)) != a.shape:
        raise require_trace().unsupported("numpy.putmask repeats its values", "use np.where")
    a[...] = np.where(mask, values, a)


@implements(np.around, method="round")
def around(a: Any, decimals: int = 0, out: Any = None) -> Any:
    from onnxtwin.exporters import special

    if a.dtype.kind == "b":
        np.around(a.value, decimals)  # numpy refuses it
    if a.dtype.kind in "iub" and decimals >= 0:
        return a.copy()
    real = np.around(a.value, decimals)
    return elementwise(
        f"round {decimals}",
        real,
        lambda v: cast(special.round_decimals(op.cast(v, to=np.float64), decimals), real.dtype),
        [constant(a)],
        [None],
    )


implements(np.round)(around)
implements(np.fix)(lambda x, out=None: np.trunc(x))
