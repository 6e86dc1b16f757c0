"""``sklearn.utils.validation``: conversions are recorded, demands on values go to the domain."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _array_api, validation

from onnxtwin.exporters.array import Array, concrete, constant
from onnxtwin.exporters.domain import require_finite, require_non_negative
from onnxtwin.exporters.numpy.creation import asarray
from onnxtwin.exporters.registry import exports

_check_array = validation.check_array


@exports(validation, "check_array", verified=False)
def check_array(
    array: Any,
    accept_sparse: Any = False,
    *,
    ensure_all_finite: Any = True,
    ensure_non_negative: bool = False,
    copy: bool = False,
    **params: Any,
) -> Any:
    """The matrix that scikit-learn makes of ``array``, with its dtype; sparse means dense here."""
    real = _check_array(
        concrete(array),
        accept_sparse,
        ensure_all_finite=ensure_all_finite,
        ensure_non_negative=ensure_non_negative,
        copy=copy,
        **params,
    )
    made = source = asarray(array)
    if made.dtype != real.dtype:
        made = made.astype(real.dtype)
    elif copy or made is array and params.get("force_writeable") and not array.value.flags.writeable:
        made = made.copy()
    if made.shape != real.shape:
        made = np.reshape(made, real.shape)
    if accept_sparse and type(array) is Array and made is not array:
        made._sparse = array._sparse
    if ensure_all_finite:
        require_finite(made, allow_nan=ensure_all_finite == "allow-nan", source=source)
    if ensure_non_negative:
        require_non_negative(made)
    return made


@exports(validation, "_assert_all_finite", verified=False)
def _assert_all_finite(X: Any, allow_nan: bool = False, **kwargs: Any) -> None:
    require_finite(constant(asarray(X)), allow_nan=allow_nan)


@exports(validation, "assert_all_finite", verified=False)
def assert_all_finite(X: Any, *, allow_nan: bool = False, **kwargs: Any) -> None:
    require_finite(constant(asarray(X)), allow_nan=allow_nan)


@exports(validation, "check_non_negative", verified=False)
def check_non_negative(X: Any, whom: str) -> None:
    require_non_negative(constant(asarray(X)))


@exports(_array_api, "move_to", verified=False)
def move_to(*arrays: Any, xp: Any, device: Any) -> Any:
    """The arrays as they are: all are NumPy's, and its memory is the only device."""
    return arrays[0] if len(arrays) == 1 else arrays
