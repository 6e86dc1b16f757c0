"""``sklearn.metrics.pairwise``: the nearest of few fitted points, which compiled code finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import pairwise

from onnxtwin.exporters.array import constant
from onnxtwin.exporters.domain import require_finite
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.trace import require_trace


@exports(pairwise, "pairwise_distances_argmin")
def pairwise_distances_argmin(
    X: Any, Y: Any, *, axis: int = 1, metric: Any = "euclidean", metric_kwargs: Any = None
) -> Any:
    """Which row of ``Y`` is nearest, as ``EuclideanArgKmin64`` computes it: squared, by one product."""
    X, Y = constant(X), constant(Y)
    compiled = pairwise.ArgKmin.is_usable_for(X.value, Y.value, metric) and X.dtype == np.float64
    if metric != "euclidean" or metric_kwargs or axis != 1 or not Y.is_constant or not compiled:
        raise require_trace().unsupported(
            f"asks compiled code for the nearest points (metric={metric!r})",
            "register an exporter for the method that calls it with @onnxtwin.exports",
        )
    require_finite(X, allow_nan=False)
    products = np.matmul(np.multiply(X, -2.0), np.transpose(Y))
    lengths = np.sum(np.square(X), axis=1)[:, None]
    squared = np.add(np.add(lengths, products), np.sum(np.square(Y), axis=1))
    return np.argmin(np.maximum(squared, 0.0), axis=1)
