"""What a method answered, as the graph's outputs: arrays, lists of arrays, frames, labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, constant, encode, is_traced
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.signature import MISSING_TOKEN, Container, Output
from onnxtwin.exporters.tensor import Tensor


@dataclass(frozen=True)
class Answer:
    """One output tensor of a method.

    Attributes
    ----------
    method, index : which method, and the position where it answers several tensors.
    array : the traced answer.
    container, columns : what the pipeline returned, and its columns' names.
    """

    method: str
    index: int | None
    array: Array
    container: Container = "ndarray"
    columns: tuple[str, ...] | None = None

    def output(self, estimator: Any, taken: set[str]) -> Output:
        """Its description; a name that a raw column bears is avoided."""
        suffix = "" if self.index is None else f".{self.index}"
        name = f"{self.method}{suffix}"
        while name in taken:
            name += ".output"
        tensor = self.array.tensor
        kind: Any = {"U": "string", "b": "bool", "i": "int64", "u": "int64"}.get(
            tensor.dtype.kind, tensor.dtype.name
        )
        shape = (None, *self.array.shape[1:])
        labels = _labels(estimator, self.method, self.index)
        return Output(
            name,
            self.method,
            self.index,
            kind,
            str(self.array.dtype),
            shape,
            labels,
            self.columns,
            self.container,
        )


def _labels(estimator: Any, method: str, index: int | None) -> tuple[Any, ...] | None:
    classes = getattr(estimator, "classes_", None)
    if classes is None or method not in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    ):
        return None
    if isinstance(classes, list):
        if index is None:
            return None
        classes = classes[index]
    return tuple(np.asarray(classes).tolist())


def answers(method: str, result: Any) -> list[Answer]:
    """The tensors of what a traced method returned.

    Raises
    ------
    UnsupportedError
        For a result that is not made of arrays or frames.
    """
    if hasattr(type(result), "__onnxtwin_columns__"):
        return _frame(method, result)
    if (
        isinstance(result, (list, tuple))
        and result
        and all(is_traced(r) or isinstance(r, np.ndarray) for r in result)
    ):
        return [_one(method, i, constant(r)) for i, r in enumerate(result)]
    if isinstance(result, np.ndarray) or is_traced(result):
        series = hasattr(type(result), "__onnxtwin_array__")
        array = result.__onnxtwin_array__() if series else constant(result)
        parts = {p.dtype for p in array.tensor.parts} if array.ndim == 2 else set()
        if len(parts) > 1:
            return [_one(method, i, array[:, i : i + 1]) for i in range(array.shape[1])]
        return [_one(method, None, array, "Series" if series else "ndarray")]
    raise UnsupportedError(
        f"{method} returns {type(result).__name__}\n  way out: return an array or a DataFrame"
    )


def _frame(method: str, frame: Any) -> list[Answer]:
    names = tuple(str(c) for c in frame.columns)
    columns: Sequence[Array] = frame.__onnxtwin_columns__()
    for name, column in zip(names, columns, strict=True):
        _refuse_times(f"{method}: column {name!r}", column)
    kinds = {c.tensor.dtype for c in columns}
    if len(kinds) == 1:
        return [_one(method, None, frame.__onnxtwin_array__(), "DataFrame", names)]
    return [_one(method, i, c[:, None], "DataFrame", (names[i],)) for i, c in enumerate(columns)]


def _one(
    method: str,
    index: int | None,
    array: Array,
    container: Container = "ndarray",
    columns: tuple[str, ...] | None = None,
) -> Answer:
    _refuse_times(method, array)
    tensor = array.tensor
    array = Array(array.value, tensor)
    dtype = tensor.dtype
    if dtype.kind in "iu" and dtype != np.int64:
        array = Array(array.value, array.astype(np.int64).tensor)
    elif dtype == np.dtype("O"):
        array = Array(array.value, Tensor(array.shape, dtype, flat=array.tensor.flat))
    return Answer(method, index, array, container, columns)


def _refuse_times(what: str, array: Array) -> None:
    if array.dtype.kind in "mM":
        raise UnsupportedError(
            f"{what} is {array.dtype}, for which few runtimes have a type\n"
            "  way out: return numbers: .dt fields, total_seconds()"
        )


def real_answers(method: str, result: Any, outputs: Sequence[Output]) -> list[np.ndarray]:
    """What the pipeline itself returned, in as many tensors as the graph has for it.

    A frame's dtypes may differ between batches (pandas keeps integers where nothing is missing), the graph's
    do not.
    """
    if hasattr(result, "toarray"):
        result = result.toarray()
    if isinstance(result, (list, tuple)):
        return [_held(np.asarray(r)) for r in result]
    columns: list[np.ndarray] | None = None
    if hasattr(result, "iloc") and result.ndim == 2:
        columns = [encode(result.iloc[:, i].to_numpy()) for i in range(result.shape[1])]
    elif np.asarray(result).dtype.kind == "O" and np.ndim(result) == 2:
        columns = [encode(column) for column in np.asarray(result).T]
    if columns is None:
        return [_as_text(_held(encode(np.asarray(result))), outputs[0])]
    held = [_held(column) for column in columns]
    if len(outputs) == 1:
        return [np.stack([_as_text(h, outputs[0]) for h in held], axis=1)]
    return [_as_text(h, output).reshape(-1, 1) for h, output in zip(held, outputs, strict=True)]


def _as_text(array: np.ndarray, output: Output) -> np.ndarray:
    """Text of which a batch has none at all, for which pandas gives a column of NaN."""
    blank = output.tensor == "string" and array.dtype.kind == "f" and bool(np.isnan(array).all())
    return np.full(array.shape, MISSING_TOKEN) if blank else array


def _held(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64) if array.dtype.kind in "iu" else array
