"""A graph's output tensors to what the pipeline's method returns, and the way back. numpy only.

pandas in, pandas out: a transformer that answers with a DataFrame does so here too if the rows came from
pandas, with their index; rows without pandas get the same values as an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.columns import TENSOR_DTYPES
from onnxtwin.build.frames import is_frame, is_series, to_frame, to_series
from onnxtwin.exporters.errors import DomainError, LimitError
from onnxtwin.exporters.signature import NAT, Condition, Output, Signature, is_missing

DOMAIN = "domain"
"""Name of the graph's own validity output."""


def outputs_of(signature: Signature, method: str) -> list[Output]:
    """The output tensors that answer a method, in the order of the list it returns."""
    found = [output for output in signature.outputs if output.method == method]
    return sorted(found, key=lambda output: output.index or 0)


def decode(specs: Sequence[Output], tensors: Sequence[NDArray[Any]], token: str, index: Any = None) -> Any:
    """What a method returns.

    Parameters
    ----------
    specs : the method's outputs, by :func:`outputs_of`.
    tensors : theirs, each ``[N]`` or ``[N, k]`` as onnxruntime returned it.
    token : how a missing string travels.
    index : the caller's pandas index, None if the rows did not come from pandas.

    Returns
    -------
    An array with the pipeline's own dtype, a list of them, a DataFrame or a Series.
    """
    typed = [_typed(spec, tensor, token) for spec, tensor in zip(specs, tensors, strict=True)]
    first = specs[0]
    if _in_pieces(first):
        if index is not None and first.container == "DataFrame":
            return to_frame(
                {_only(spec): values[:, 0] for spec, values in zip(specs, typed, strict=True)}, index
            )
        return np.concatenate([values.astype(object) for values in typed], axis=1)
    if first.index is not None:
        return typed
    (values,) = typed
    if index is None or first.container == "ndarray":
        return values
    if first.container == "DataFrame":
        names = first.columns or tuple(str(i) for i in range(values.shape[1]))
        return to_frame({name: values[:, i] for i, name in enumerate(names)}, index)
    return to_series(values.reshape(len(values)), first.columns[0] if first.columns else None, index)


def empty(output: Output) -> NDArray[Any]:
    """The tensor of an output for no row."""
    shape = tuple(0 if size is None else size for size in output.shape)
    return np.empty(shape, TENSOR_DTYPES[output.tensor])


def encode(signature: Signature, method: str, answer: Any) -> list[NDArray[Any]]:
    """The tensors, in the order of :func:`outputs_of`, that a right graph yields for a pipeline's answer.

    Raises
    ------
    ValueError
        If the answer is not of the form that the signature describes.
    """
    specs = outputs_of(signature, method)
    if _in_pieces(specs[0]):
        table = answer if is_frame(answer) else np.asarray(answer)
        answers = [_piece(table, position) for position in range(len(specs))]
    else:
        answers = [answer] if specs[0].index is None else list(answer)
    return [_encode_one(spec, one, signature) for spec, one in zip(specs, answers, strict=True)]


def check_domain(signature: Signature, valid: NDArray[np.bool_]) -> None:
    """Raise DomainError for the first row in which the pipeline would have raised on the way.

    Parameters
    ----------
    valid : the graph's ``domain`` output, bool ``[N, len(conditions)]``.

    Raises
    ------
    LimitError
        if a limit of the twin is among the row's reasons: behind it nothing else is known.
    """
    if valid.all():
        return
    row = int(np.argmin(valid.all(axis=1)))
    condition = failing_condition(signature, valid[row])
    count = int((~valid.all(axis=1)).sum())
    others = f" ({count} rows in all)" if count > 1 else ""
    error = LimitError if condition.limit else DomainError
    raise error(f"row {row} (counted from 0){others}, step {condition.step}: {condition.message}")


def failing_condition(signature: Signature, valid: NDArray[np.bool_]) -> Condition:
    """The condition to name where ``valid``, bool ``[len(conditions)]``, is False; limits first."""
    failed = [c for c, holds in zip(signature.conditions, valid.tolist(), strict=True) if not holds]
    return next((c for c in failed if c.limit), failed[0])


def _in_pieces(spec: Output) -> bool:
    """Whether a table with columns of several types came as one tensor ``[N, 1]`` a column.

    scikit-learn returns lists from ``predict_proba`` and its like only.
    """
    return spec.index is not None and (
        spec.container == "DataFrame" or spec.method in ("transform", "predict")
    )


def _only(spec: Output) -> str:
    return spec.columns[0] if spec.columns else str(spec.index)


def _typed(spec: Output, tensor: NDArray[Any], token: str) -> NDArray[Any]:
    dtype = spec.dtype
    if spec.tensor == "string":
        if dtype.startswith("<U") or dtype == "str":
            text = tensor.astype(np.str_)
            return text.astype(np.promote_types(text.dtype, dtype)) if dtype.startswith("<U") else text
        gone = tensor == token
        return np.where(gone, np.nan, tensor).astype(object) if gone.any() else tensor
    if dtype.startswith(("datetime64", "timedelta64")):
        return tensor.view(dtype.split(",")[0].rstrip("]") + "]")
    return tensor.astype(dtype, copy=False)


def _piece(table: Any, position: int) -> Any:
    column = table.iloc[:, position].to_numpy() if is_frame(table) else table[:, position]
    return column.reshape(-1, 1)


def _encode_one(spec: Output, answer: Any, signature: Signature) -> NDArray[Any]:
    if is_frame(answer) or is_series(answer):
        answer = answer.to_numpy()
    elif hasattr(answer, "toarray"):
        answer = answer.toarray()
    array = np.asarray(answer)
    wanted = (len(array), *spec.shape[1:])
    if array.shape != wanted:
        raise ValueError(f"{spec.name}: the pipeline answered with shape {array.shape}, expected {wanted}")
    if spec.tensor == "string":
        flat = [signature.missing_token if is_missing(v) else str(v) for v in array.reshape(-1).tolist()]
        return np.array(flat, dtype=object).reshape(array.shape)
    if array.dtype.kind in "mM":
        gone = np.isnat(array)
        ticks = array.astype(spec.dtype.split(",")[0].rstrip("]") + "]").view(np.int64)
        return np.where(gone, NAT, ticks)
    return array.astype(TENSOR_DTYPES[spec.tensor])
