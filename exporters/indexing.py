"""Reading from and writing to traced arrays by index, with numpy's meaning of every index it supports.

Choosing columns of a matrix costs no node; a mask that depends on the rows can be written through, and
read only to be written back (:class:`~onnxtwin.exporters.numpy.masked.Masked`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.array import Array, concrete, constant, elementwise, place, record
from onnxtwin.exporters.casting import astype
from onnxtwin.exporters.numpy.masked import Masked
from onnxtwin.exporters.tensor import Tensor, cast, ints, join
from onnxtwin.exporters.trace import require_trace

_FULL = slice(None)
_MAX, _MIN = 2**63 - 1, -(2**63) + 1


def _expanded(index: Any, ndim: int) -> list[Any]:
    """The index as one entry an axis (None entries extra), Ellipsis and missing axes written out."""
    entries = list(index) if type(index) is tuple else [index]
    entries = [np.asarray(e) if isinstance(e, (list, range)) else e for e in entries]
    entries = [e.value if isinstance(e, Array) and e.is_constant else e for e in entries]
    entries = [
        int(e)
        if type(e) is not Array
        and isinstance(e, (np.integer, np.ndarray))
        and np.ndim(e) == 0
        and e.dtype.kind in "iu"
        else e
        for e in entries
    ]
    used = sum(_consumed(e) for e in entries)
    at = next((i for i, e in enumerate(entries) if e is Ellipsis), None)
    fill = [_FULL] * (ndim - used)
    return entries + fill if at is None else entries[:at] + fill + entries[at + 1 :]


def _consumed(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    return np.ndim(concrete(entry)) if _is_mask(entry) else 1


def _is_mask(entry: Any) -> bool:
    return isinstance(entry, (np.ndarray, Array)) and entry.dtype.kind == "b"


def _is_array(entry: Any) -> bool:
    return isinstance(entry, (np.ndarray, Array))


def _is_full(entry: Any) -> bool:
    return isinstance(entry, slice) and entry == _FULL


def read(array: Array, index: Any) -> Any:
    """``array[index]``.

    Raises
    ------
    UnsupportedError
        Where the result's shape would depend on the rows' values, or an index has no operator.
    """
    entries = _expanded(index, array.ndim)
    masks = [e for e in entries if _is_mask(e) and type(e) is Array]
    if masks:
        return _chosen(array, entries, masks)
    # As in numpy, a single element is a scalar, and x[0, 0, ...] a view of one.
    boxed = any(e is Ellipsis for e in (index if type(index) is tuple else (index,)))
    place_of = tuple(concrete(e) for e in entries)
    real = array.value[(*place_of, ...) if boxed else place_of]
    if array.is_constant and not any(type(e) is Array for e in entries):
        if not isinstance(real, np.ndarray):
            return real
        result = Array(real, boxed=real.ndim == 0)
        if np.may_share_memory(real, array.value):
            result._view_of(array, lambda base: _lowered(base, entries, real), index=tuple(entries))
        return result
    real = np.asarray(real, None if isinstance(real, np.ndarray) else array.dtype)
    if array.is_constant:
        array = Array(array.value)
    result = Array(real, _lowered(array, entries, real), boxed=boxed)
    if (boxed or real.ndim) and not any(_is_array(e) for e in entries):
        result._view_of(array, lambda base: _lowered(base, entries, real), index=tuple(entries))
    return result


def _chosen(array: Array, entries: list[Any], masks: list[Array]) -> Masked:
    mask = masks[0]
    rest = [e for e in entries if e is not mask]
    if (
        len(masks) == 1
        and entries[0] is mask
        and any(not _is_full(e) for e in rest)
        and all(isinstance(e, (int, slice)) for e in rest)
    ):
        inner = read(array, (_FULL, *rest))
        return inner[mask]  # type: ignore[no-any-return]
    if len(masks) > 1 or any(not _is_full(e) for e in rest) or entries[0] is not mask:
        raise require_trace().unsupported(
            "chooses rows by their values together with another index",
            "use np.where(mask, a, b) on whole columns",
        )
    real = array.value[mask.value]
    wide = mask
    for _ in rest:
        wide = wide[..., None]
    return Masked(array, wide, real)


def _lowered(array: Array, entries: list[Any], real: np.ndarray) -> Tensor:
    """The tensor of ``array[entries]``; masks that depend on rows have been dealt with."""
    source = array.tensor
    entries = _without_const_masks(entries)
    if len(entries) == source.ndim == 2 and _is_full(entries[0]):
        column = entries[1]
        if isinstance(column, int):
            return source.pick(column % source.shape[1])
        if isinstance(column, slice):
            return source.select(range(*column.indices(source.shape[1])))
        if type(column) is not Array and isinstance(column, np.ndarray) and column.ndim == 1:
            return source.select([int(c) % source.shape[1] for c in column])
    if source.ndim == 1 and len(entries) == 2 and _is_full(entries[0]) and entries[1] is None:
        return join([source], source.shape[0], source.dtype)
    if all(_is_full(e) for e in entries):
        return source
    arrays = [e for e in entries if _is_array(e)]
    label = "index " + ",".join(_label(e) for e in entries)
    inputs = [source, *(e.tensor for e in arrays if type(e) is Array)]
    if not arrays:
        return place(label, real, _basic(source.flat, entries), inputs).tensor
    if len(arrays) == 1 and not any(e is None for e in entries):
        axis = next(i for i, e in enumerate(entries) if _is_array(e))
        if any(isinstance(e, int) for e in entries) and _split(entries):
            raise require_trace().unsupported("index arrays apart from each other", "index in two steps")
        picked = op.gather(source.flat, _positions(arrays[0]), axis=axis)
        width = np.ndim(concrete(arrays[0]))
        others = entries[:axis] + [_FULL] * width + entries[axis + 1 :]
        return place(label, real, _basic(picked, others), inputs).tensor
    if all(_is_array(e) or isinstance(e, int) for e in entries[: len(arrays)]) and all(
        _is_full(e) for e in entries[len(arrays) :]
    ):
        shape = np.broadcast_shapes(*(np.shape(concrete(e)) for e in arrays))
        stacked = [
            op.unsqueeze(op.expand(_positions(e), ints(*shape)), op.const(np.array([-1], np.int64)))
            for e in arrays
        ]
        where = stacked[0] if len(stacked) == 1 else op.concat(stacked, axis=-1)
        return place(label, real, op.gather_nd(source.flat, where), inputs).tensor
    raise require_trace().unsupported(
        f"index {label} is not supported on traced arrays", "index in two steps"
    )


def _split(entries: list[Any]) -> bool:
    advanced = [i for i, e in enumerate(entries) if _is_array(e) or isinstance(e, int)]
    return advanced != list(range(advanced[0], advanced[0] + len(advanced)))


def _without_const_masks(entries: list[Any]) -> list[Any]:
    result: list[Any] = []
    for e in entries:
        if _is_mask(e) and type(e) is not Array and isinstance(e, np.ndarray):
            result.extend(np.nonzero(e))
        else:
            result.append(e)
    return result


def _label(entry: Any) -> str:
    if isinstance(entry, slice):
        return ":" if _is_full(entry) else "slice"
    return type(entry).__name__ if _is_array(entry) else repr(entry) if entry is None else "int"


def _positions(index: Any) -> Var:
    if type(index) is Array:
        return cast(index.tensor.flat, np.dtype(np.int64))
    return require_trace().constant(np.asarray(index, np.int64))


def _basic(var: Var, entries: list[Any]) -> Var:
    """Integers, slices and new axes."""
    starts: list[int] = []
    ends: list[int] = []
    axes: list[int] = []
    steps: list[int] = []
    axis = 0
    dropped: list[tuple[int, int]] = []
    added: list[int] = []
    place_out = 0
    for e in entries:
        if e is None:
            added.append(place_out)
            place_out += 1
            continue
        if isinstance(e, int):
            dropped.append((axis, e))
        else:
            if isinstance(e, slice) and not _is_full(e):
                step = 1 if e.step is None else int(e.step)
                starts.append(int(e.start) if e.start is not None else (0 if step > 0 else _MAX))
                ends.append(int(e.stop) if e.stop is not None else (_MAX if step > 0 else _MIN))
                axes.append(axis)
                steps.append(step)
            place_out += 1
        axis += 1
    if starts:
        fixed = [op.const(np.array(x, np.int64)) for x in (axes, steps)]
        var = op.slice(var, ints(*starts), ints(*ends), fixed[0], fixed[1])
    for at, value in reversed(dropped):
        index = op.reshape(ints(value), op.const(np.array([], np.int64)))
        var = op.gather(var, index, axis=at)
    return op.unsqueeze(var, op.const(np.array(added, np.int64))) if added else var


# ---- writing -----------------------------------------------------------------------------------


def assign(array: Array, index: Any, value: Any) -> None:
    """``array[index] = value``, on the value side and in the graph."""
    fixed = array.is_constant and not any(
        type(e) is Array and not e.is_constant for e in (index if type(index) is tuple else [index])
    )
    if fixed and not isinstance(value, Masked) and constant(value).is_constant:
        array.value[concrete(index)] = concrete(value)
        _touch(array)
        return
    _settle_base(array)
    before = Array(array.value.copy(), array.tensor)
    array.value[concrete(index)] = concrete(value)
    after = _written(before, index, value, array.value)
    array._store(after)


def _settle_base(array: Array) -> None:
    """Bring a constant base into the graph before a view writes computed values through to it."""
    base = array._base
    while base is not None:
        if base._base is None and base._tensor is None:
            base._tensor = Array(base.value.copy()).tensor
        base = base._base


def _touch(array: Array) -> None:
    array._version += 1
    if array._base is not None:
        _touch(array._base)


def write(base: Array, index: Any, value: Array) -> None:
    """Graph side of ``base[index] = value`` where the value side has been written through a view."""
    before = Array(base.value, base.tensor)
    base._store(_written(before, index, value, base.value))


def _written(before: Array, index: Any, value: Any, real: np.ndarray) -> Tensor:
    entries = _expanded(index, before.ndim)
    if isinstance(value, Masked):
        value_full: Any = value._full
    else:
        value_full = None
        value = constant(value)
        if value.dtype != before.dtype and not (
            value.is_constant and value.ndim == 0 and value.dtype.kind in "OUT"
        ):
            value = astype(value, before.dtype)
    real = real.copy()
    masks = [e for e in entries if _is_mask(e)]
    if masks and (len(entries) == 1 or entries[0] is masks[0]):
        return _where_mask(before, entries, masks[0], value, value_full, real)
    if value_full is not None:
        raise require_trace().unsupported(
            "writes masked rows where no mask is given", "write them back under the same mask"
        )
    if all(_is_full(e) for e in entries):
        return _spread(value, real)
    if before.ndim == 2 and _is_full(entries[0]) and type(entries[1]) is not Array:
        return _columns(before, entries[1], value, real)
    if before.ndim == 2 and len(entries) == 2 and _is_row_range(entries[0]) and _is_array(entries[1]):
        width = before.shape[1]
        hit: Any = np.equal(np.arange(width)[None, :], np.reshape(constant(entries[1]), (-1, 1)))
        spread: Any = value if value.ndim == 0 else np.reshape(value, (-1, 1))
        return _where(hit, spread, before, real)
    axes = [i for i, e in enumerate(entries) if not _is_full(e)]
    if len(axes) == 1 and isinstance(entries[axes[0]], int):
        return _along(before, axes[0], entries[axes[0]], value, real)
    if not any(type(e) is Array for e in entries) and value.ndim == 0:
        hit_real = np.zeros(before.shape, bool)
        hit_real[tuple(entries)] = True
        return _where(constant(hit_real), value, before, real)
    raise require_trace().unsupported(
        "writes through an index that no operator expresses", "use np.where, np.select or column assignment"
    )


def _is_row_range(entry: Any) -> bool:
    return (
        type(entry) is not Array
        and isinstance(entry, np.ndarray)
        and entry.ndim == 1
        and np.array_equal(entry, np.arange(len(entry)))
    )


def _spread(value: Array, real: np.ndarray) -> Tensor:
    if value.shape == real.shape:
        return value.tensor
    return record("broadcast", real, lambda v: op.expand(v, ints(*real.shape)), value).tensor


def _where(mask: Array, value: Array, before: Array, real: np.ndarray) -> Tensor:
    from onnxtwin.exporters.numpy.choosing import choose

    return elementwise(
        "where",
        real,
        choose,
        [mask, value, before],
        [np.dtype(bool), before.tensor.dtype, before.tensor.dtype],
    ).tensor


def _where_mask(
    before: Array, entries: list[Any], mask: Any, value: Any, full: Any, real: np.ndarray
) -> Tensor:
    rest = entries[1:]
    mask = constant(mask)
    if rest and not all(_is_full(e) for e in rest):
        inner = (_FULL, *rest)
        column = read(before, inner)
        chosen = Array(column.value.copy(), column.tensor)
        chosen[mask] = value
        after = Array(before.value.copy(), before.tensor)
        after[inner] = chosen
        return after.tensor
    wide = mask
    for _ in rest:
        wide = wide[..., None]
    if full is not None:
        if (
            value._mask is not mask
            and value._mask.tensor is not wide.tensor
            and value._mask.tensor is not mask.tensor
        ):
            same = (
                value._mask.value.shape == wide.value.shape
                and value._mask.value.tolist() == wide.value.tolist()
            )
            if not same:
                raise require_trace().unsupported(
                    "writes rows chosen by one mask under another", "use np.where on whole columns"
                )
        if full.dtype != before.dtype:
            full = astype(full, before.dtype)
        return _where(wide, full, before, real)
    if value.size != 1 and not (mask.is_constant and value.shape == before.value[mask.value].shape):
        if value.ndim == 1 and before.ndim == 2 and value.shape[0] == before.shape[1]:
            return _where(wide, value, before, real)
        raise require_trace().unsupported(
            "writes as many values as a mask chooses rows", "use np.where(mask, values, x) on whole columns"
        )
    if value.size == 1:
        single: Any = np.reshape(value, ())
        return _where(wide, single, before, real)
    if mask.ndim == 1 and before.ndim == 1:
        raise require_trace().unsupported(
            "writes chosen rows one by one", "use np.where(mask, values, x) on whole columns"
        )
    raise require_trace().unsupported("writes through a constant mask", "assign the columns instead")


def _columns(before: Array, columns: Any, value: Array, real: np.ndarray) -> Tensor:
    rows, width = before.shape
    chosen = np.arange(width)[columns]
    source = before.tensor
    kind = source.dtype
    placed: dict[int, Tensor] = {}
    positions = np.atleast_1d(chosen).tolist()
    if value.ndim == 0:
        spread = _spread(value, np.broadcast_to(value.value, (rows,)))
        placed = dict.fromkeys(positions, spread)
    elif np.ndim(chosen) == 0:
        one: Any = value if value.ndim == 1 else np.reshape(value, (-1,))
        if one.shape != (rows,):
            target = np.broadcast_to(one.value, (rows,))
            one = Array(target.copy(), _spread(one, target))
        placed = {positions[0]: one.tensor}
    else:
        if value.shape != (rows, len(positions)):
            target = np.broadcast_to(value.value, (rows, len(positions)))
            value = Array(target.copy(), _spread(value, target))
        placed = {column: value.tensor.pick(i) for i, column in enumerate(positions)}
    parts: list[Tensor] = []
    run: list[int] = []
    for column in range(width):
        if column in placed:
            if run:
                parts.append(source.select(run))
                run = []
            parts.append(placed[column])
        else:
            run.append(column)
    if run:
        parts.append(source.select(run))
    return join(parts, rows, kind)


def _along(before: Array, axis: int, at: int, value: Array, real: np.ndarray) -> Tensor:
    """Replace one position of an axis: what is before it, the value, what is after it."""
    size = before.shape[axis]
    at %= size
    # As numpy: the value broadcasts to the shape without the axis, dimensions lining up from the last.
    missing = before.ndim - 1
    held = ((1,) * missing + value.shape)[value.ndim :]
    padded = (*held[:axis], 1, *held[axis:])
    shape = (*before.shape[:axis], 1, *before.shape[axis + 1 :])
    piece = record(
        "spread",
        np.broadcast_to(value.value.reshape(padded), shape),
        lambda v: op.expand(op.reshape(v, ints(*padded), allowzero=1), ints(*shape)),
        value,
    )
    zero, one = (op.const(np.array([i], np.int64)) for i in (axis, 1))
    parts: list[Var] = []
    source = before.tensor.flat
    if at > 0:
        parts.append(op.slice(source, ints(0), ints(at), zero, one))
    parts.append(piece.tensor.flat)
    if at < size - 1:
        parts.append(op.slice(source, ints(at + 1), ints(_MAX), zero, one))
    joined = parts[0] if len(parts) == 1 else op.concat(parts, axis=axis)
    return place("write", real, joined, [before.tensor, piece.tensor]).tensor
