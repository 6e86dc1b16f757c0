"""``sklearn.preprocessing._discretization``: the bins of all columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import KBinsDiscretizer
from sklearn.utils.validation import validate_data

from onnxtwin.exporters.registry import exports, traced


@exports(KBinsDiscretizer, "transform")
def k_bins_discretizer_transform(self: Any, X: Any) -> Any:
    dtype = (np.float64, np.float32) if self.dtype is None else self.dtype
    X = traced(validate_data)(self, X, copy=True, dtype=dtype, reset=False)
    inner = [edges[1:-1] for edges in self.bin_edges_]
    # Edges at infinity, which no finite value reaches, give every column as many as the longest has.
    edges = np.full((len(inner), max(map(len, inner))), np.inf)
    for row, own in zip(edges, inner, strict=True):
        row[: len(own)] = own
    reached = np.greater_equal(X[:, :, None], edges).astype(X.dtype)
    bins = np.sum(reached, axis=2)
    if self.encode == "ordinal":
        return bins
    column = np.repeat(np.arange(len(inner)), self.n_bins_)
    code = np.concatenate([np.arange(n) for n in self.n_bins_]).astype(X.dtype)
    return np.equal(bins[:, column], code).astype(X.dtype)
