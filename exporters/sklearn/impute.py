"""``sklearn.impute``: missing values replaced by fitted ones, and where they were."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.utils import _mask
from sklearn.utils._missing import is_pandas_na, is_scalar_nan

from onnxtwin.exporters.array import Array, is_missing
from onnxtwin.exporters.domain import require_true
from onnxtwin.exporters.missing import by_parts
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.sklearn.mask import get_mask, mask_of_part
from onnxtwin.exporters.tensor import STRING
from onnxtwin.exporters.trace import require_trace


@exports(
    SimpleImputer, "transform", hooks=("_validate_input", "_transform_indicator", "_concatenate_indicator")
)
def simple_imputer_transform(self: Any, X: Any) -> Any:
    X = self._validate_input(X, in_fit=False)
    missing = get_mask(X, self.missing_values)
    indicator = self._transform_indicator(missing)
    statistics = np.asarray(self.statistics_)
    if not self.keep_empty_features:
        kept = np.flatnonzero(~_mask._get_mask(statistics, np.nan))
        if len(kept) < X.shape[1]:
            X, missing, statistics = X[:, kept], missing[:, kept], statistics[kept]
    # The pipeline fills X itself: with copy=False whoever else holds it sees the filled values.
    X[...] = _filled(X, missing, statistics, self.missing_values)
    return self._concatenate_indicator(X, indicator)


def _filled(X: Array, missing: Array, statistics: np.ndarray, missing_values: Any) -> Any:
    if X.dtype.kind != "O":
        return X if missing.is_constant else np.where(missing, statistics.astype(X.dtype), X)

    def fill(columns: slice, part: Array) -> Any:
        mask = mask_of_part(part, missing_values)
        values = statistics[columns].tolist()
        if mask.is_constant or all(is_missing(v) for v in values):
            return part
        text = part.tensor.dtype == STRING
        if text != all(isinstance(v, str) for v in values):
            raise require_trace().unsupported(
                f"fills {'text' if text else 'numbers'} with {values[0]!r}",
                "impute text and numbers in separate columns of a ColumnTransformer",
            )
        fixed = (
            np.array(values)
            if text
            else np.array(values, np.result_type(np.array(values), part.tensor.dtype))
        )
        return np.where(mask, fixed if part.ndim == 2 else fixed[0], part)

    return by_parts(X, object, fill)


@exports(MissingIndicator, "transform", hooks=("_validate_input", "_get_missing_features_info"))
def missing_indicator_transform(self: Any, X: Any) -> Any:
    if self._precomputed:
        mask = X
    else:
        X = self._validate_input(X, in_fit=False)
        mask = get_mask(X, self.missing_values)
    if self.features != "missing-only":
        return mask
    known = np.asarray(self.features_)
    if self.error_on_new:
        _require_known(self, X, mask, np.setdiff1d(np.arange(self._n_features), known))
    return mask[:, known] if len(known) < self._n_features else mask


def _require_known(self: Any, X: Any, mask: Array, others: np.ndarray) -> None:
    """Features that had no missing value when fitting must have none now."""
    if is_scalar_nan(self.missing_values) or self.missing_values is None or is_pandas_na(self.missing_values):
        # Whether a raw column may be missing is in the signature already: the pipeline was asked.
        others = np.array([i for i in others if X.tensor.origin[i] is None], int)
    if len(others):
        none = np.logical_not(np.any(mask[:, others], axis=1))
        require_true(none, f"missing values in features {others.tolist()}, which had none when fitting")
