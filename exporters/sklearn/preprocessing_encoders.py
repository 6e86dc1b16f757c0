"""``sklearn.preprocessing._encoders`` and ``_target_encoder``: one look-up a column.

The tables are filled by the encoders' own code: it is run once on each category and on an unknown one, so
that every rule about rare, dropped, unknown and missing categories is scikit-learn's.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder
from sklearn.utils.validation import validate_data

from onnxtwin.exporters.array import Array, concrete, constant
from onnxtwin.exporters.domain import require_finite
from onnxtwin.exporters.numpy.creation import asarray
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.sklearn.encode import look_up, require_known
from onnxtwin.exporters.trace import require_trace

HOOKS = ("_check_X", "_transform", "_map_infrequent_categories")

_OWN = {kind: inspect.unwrap(kind.transform) for kind in (OneHotEncoder, OrdinalEncoder, TargetEncoder)}
"""The methods as scikit-learn wrote them, without what a trace or ``set_output`` wraps around them."""


@exports(OneHotEncoder, "transform", hooks=HOOKS)
def one_hot_encoder_transform(self: Any, X: Any) -> Any:
    columns = _columns(self, X, strict=self.handle_unknown == "error")
    counts = self._n_features_outs
    starts = np.cumsum([0, *counts])
    # The encoder's own answer has at most one 1 for each feature of each row.
    answer = _answers(self, OneHotEncoder, sparse_output=True).tocoo()
    feature = np.searchsorted(starts, answer.col, side="right") - 1
    places = np.full((answer.shape[0], len(columns)), -1)
    places[answer.row, feature] = answer.col - starts[feature]
    hits = []
    for i, (column, categories) in enumerate(zip(columns, self.categories_, strict=True)):
        place = look_up(column, categories, places[: len(categories), i], places[-1, i])
        hits.append(np.equal(place[:, None], np.arange(counts[i])))
    return _typed(np.concatenate(hits, axis=1), self.dtype)


@exports(OrdinalEncoder, "transform", hooks=HOOKS)
def ordinal_encoder_transform(self: Any, X: Any) -> Any:
    columns = _columns(self, X, strict=self.handle_unknown == "error")
    answer = _answers(self, OrdinalEncoder)
    return _typed(np.stack(_encoded(self, columns, answer), axis=1), self.dtype)


@exports(TargetEncoder, "transform", hooks=(*HOOKS, "_transform_X_ordinal"))
def target_encoder_transform(self: Any, X: Any) -> Any:
    columns = _columns(self, X, strict=False)
    answer = _answers(self, TargetEncoder)
    if self.target_type_ != "multiclass":
        return np.stack(_encoded(self, columns, answer), axis=1)
    sizes = [len(categories) for categories in self.categories_]
    classes = len(self.classes_)
    blocks = [answer[[*range(size), -1], i * classes : (i + 1) * classes] for i, size in enumerate(sizes)]
    starts = np.cumsum([0, *(len(block) for block in blocks)])
    rows = [
        look_up(column, categories, start + np.arange(size), start + size)
        for column, categories, start, size in zip(columns, self.categories_, starts, sizes, strict=False)
    ]
    encoded = np.take(constant(np.concatenate(blocks)), np.stack(rows, axis=1), axis=0)
    return np.reshape(encoded, (encoded.shape[0], -1))


def _typed(encoded: Any, dtype: Any) -> Any:
    """``encoded`` in the encoder's dtype; integers of any size stay int64 in the graph, as raw ones do."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        return encoded.astype(dtype)
    wide = encoded.astype(np.int64)
    return Array(wide.value.astype(dtype), wide.tensor)


def _encoded(encoder: Any, columns: list[Array], answer: np.ndarray) -> list[Array]:
    """One look-up a column in a table of numbers, of which the last row is for unknown categories."""
    return [
        look_up(column, categories, answer[: len(categories), i], answer[-1, i])
        for i, (column, categories) in enumerate(zip(columns, encoder.categories_, strict=True))
    ]


def _columns(encoder: Any, X: Any, *, strict: bool) -> list[Array]:
    """The columns of ``X`` with the dtypes that the encoder's own ``_check_X`` gives them.

    Infinite floats and, if ``strict``, unknown categories are refused by the pipeline: they go to the domain.
    """
    rows = concrete(X)
    with require_trace().paused():
        checked, _, _ = encoder._check_X(rows, ensure_all_finite="allow-nan")
        validate_data(encoder, X=rows, reset=False, skip_check_array=True)
    whole = asarray(X)
    columns = [Array(np.asarray(real), whole.tensor.pick(i)) for i, real in enumerate(checked)]
    if strict:
        categories = [np.asarray(known) for known in encoder.categories_]
        names = getattr(encoder, "feature_names_in_", [f"column {i}" for i in range(len(columns))])
        require_known(columns, categories, names)
        return columns  # no category is infinite
    floats = [i for i, column in enumerate(columns) if column.dtype.kind == "f"]
    if floats:
        values = np.stack([columns[i].value for i in floats], axis=1)
        require_finite(Array(values, whole.tensor.select(floats)), allow_nan=True)
    return columns


def _answers(encoder: Any, kind: Any, **params: Any) -> Any:
    """What the encoder's own ``transform`` makes of category number ``i`` of every column in row ``i``.

    The last row is of unknown categories; a column with fewer categories repeats its last one.
    """
    sizes = np.array([len(categories) for categories in encoder.categories_])
    own = copy.copy(encoder)
    own._sklearn_output_config = {"transform": "default"}
    for name, value in params.items():
        setattr(own, name, value)

    def transform(
        X: Any, *args: Any, ignore_category_indices: Any = None, **kwargs: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = np.minimum(np.arange(sizes.max() + 1)[:, None], sizes - 1)
        known = np.ones(codes.shape, bool)
        codes[-1], known[-1] = 0, False
        own._map_infrequent_categories(codes, known, ignore_category_indices)
        return codes, known

    own._transform = transform
    with require_trace().paused():
        return _OWN[kind](own, None)
