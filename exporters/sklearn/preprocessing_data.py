"""``sklearn.preprocessing._data``: what would be a loop over columns, on all columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import PowerTransformer

from onnxtwin.exporters.registry import call, exports


@exports(PowerTransformer, "transform", hooks=("_check_input",))
def power_transformer_transform(self: Any, X: Any) -> Any:
    X = self._check_input(X, in_fit=False, check_positive=True, check_shape=True)
    power = _yeo_johnson if self.method == "yeo-johnson" else _box_cox
    # A float64 lambda makes scipy go on in float64; the column it is written to keeps its own precision.
    X = power(X, np.asarray(self.lambdas_, np.float64)).astype(X.dtype)
    return call(self._scaler, "transform", X) if self.standardize else X


def _yeo_johnson(X: Any, lambdas: Any) -> Any:
    """``scipy.stats.yeojohnson`` a column: both branches are one expression in ``log1p(abs(x))``."""
    eps = np.finfo(np.float64).eps
    positive = X >= 0
    # lambda (or 2 - lambda below zero) that scipy takes for zero, where the power becomes a logarithm.
    up = np.where(np.abs(lambdas) < eps, 0.0, lambdas)
    down = np.where(np.abs(lambdas - 2) > eps, 2 - lambdas, 0.0)
    power = np.where(positive, up, down)
    log = np.log1p(np.abs(X)).astype(np.float64)
    size = np.expm1(power * log) / power
    if (up == 0).any() or (down == 0).any():
        size = np.where(power == 0, log, size)
    return np.where(positive, size, -size)


def _box_cox(X: Any, lambdas: Any) -> Any:
    """``scipy.special.boxcox`` a column: log where lambda is zero, the far branch beyond exp's range."""
    log = np.log(X.astype(np.float64))
    zero = np.abs(lambdas) < 1e-19
    safe = np.where(zero, 1.0, lambdas)
    exponent = safe * log
    far = np.sign(safe) * np.exp(exponent - np.log(np.abs(safe))) - 1 / safe
    size = np.where(exponent >= 709.78, far, np.expm1(exponent) / safe)
    return np.where(zero, log, size) if zero.any() else size
