"""The numbers that a fitted pipeline has learnt about its raw columns: thresholds, edges, knots, limits.

They are taken from the estimators, not from the graph, so that a graph that lost one is still asked there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

Floats = npt.NDArray[np.float64]

MOST = 2_000
"""Numbers kept of a column; a forest has more."""


def fitted_numbers(pipeline: Any, labels: Sequence[Any]) -> dict[Any, Floats]:
    """The fitted numbers of each raw column, ascending, at most :data:`MOST` of each.

    Which column a number belongs to is told by ``feature_names_in_``, by the columns that a
    ColumnTransformer hands on, or, where an estimator has as many features as those around it, by place.
    A number that is ascribed to the wrong column is only one more number to try.
    """
    found: dict[Any, list[Floats]] = {label: [] for label in labels}
    for label, numbers in _walk(pipeline, list(labels), set()):
        if label in found:
            found[label].append(np.ravel(np.asarray(numbers, np.float64)))
    result = {}
    for label, parts in found.items():
        numbers = np.unique(np.concatenate([np.zeros(0), *parts]))
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers) > MOST:
            numbers = numbers[np.linspace(0, len(numbers) - 1, MOST).astype(np.int64)]
        result[label] = numbers
    return result


def _walk(value: Any, names: list[Any], seen: set[int]) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, list | tuple):
        for entry in value:
            yield from _walk(entry, _handed_on(value, names), seen)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _walk(entry, names, seen)
    elif isinstance(value, BaseEstimator) and not isinstance(value, type) and id(value) not in seen:
        seen.add(id(value))
        own = _names(value, names)
        for name, attribute in vars(value).items():
            yield from _numbers(attribute, own)
            if name != "transformers":
                yield from _walk(attribute, own, seen)


def _handed_on(entry: Sequence[Any], names: list[Any]) -> list[Any]:
    """What a ColumnTransformer's ``(name, transformer, columns)`` hands on: labels, or places."""
    if isinstance(entry, tuple) and len(entry) == 3 and isinstance(entry[2], list | np.ndarray | str):
        chosen: list[Any] = [entry[2]] if isinstance(entry[2], str) else list(entry[2])
        places = all(isinstance(c, int | np.integer) and not isinstance(c, bool) for c in chosen)
        if places and all(0 <= c < len(names) for c in chosen) and not set(chosen) <= set(names):
            return [names[c] for c in chosen]
        return chosen
    return names


def _names(estimator: BaseEstimator, names: list[Any]) -> list[Any]:
    own = getattr(estimator, "feature_names_in_", None)
    if own is not None:
        return list(own)
    width = getattr(estimator, "n_features_in_", None)
    return names if width is None or width == len(names) else []


def _numbers(attribute: Any, names: list[Any]) -> Iterator[tuple[Any, Any]]:
    """The numbers that one attribute holds for each feature."""
    width = len(names)
    if isinstance(attribute, float):
        yield from ((name, [attribute]) for name in names)
    elif isinstance(attribute, np.ndarray) and attribute.dtype.kind in "fiu" and attribute.ndim in (1, 2):
        axis = attribute.ndim - 1 if attribute.shape[-1] == width else 0
        if attribute.shape[axis] == width:
            yield from zip(names, np.moveaxis(attribute, axis, 0), strict=True)
    elif isinstance(attribute, np.ndarray | list) and len(attribute) == width and width:
        yield from ((name, entry) for name, entry in zip(names, map(_plain, attribute), strict=True))
    elif isinstance(attribute, Mapping):
        yield from ((name, [v]) for name, v in attribute.items() if isinstance(v, float | np.floating))
    if hasattr(attribute, "threshold") and hasattr(attribute, "children_left"):
        yield from _thresholds(attribute.feature, attribute.threshold, attribute.children_left >= 0, names)
    elif isinstance(attribute, list | tuple):
        for entry in attribute:
            nodes = [getattr(p, "nodes", None) for p in entry] if isinstance(entry, list) else []
            for table in nodes:
                if isinstance(table, np.ndarray) and "num_threshold" in (table.dtype.names or ()):
                    inner = table["is_leaf"] == 0
                    yield from _thresholds(table["feature_idx"], table["num_threshold"], inner, names)


def _plain(entry: Any) -> Any:
    """Knots of a spline, edges of bins; nothing where an entry holds no numbers."""
    knots = getattr(entry, "t", entry)
    if isinstance(knots, np.ndarray) and knots.dtype.kind in "fiu":
        return knots
    return [entry] if isinstance(entry, float | np.floating) else []


def _thresholds(feature: Any, threshold: Any, inner: Any, names: list[Any]) -> Iterator[tuple[Any, Any]]:
    for position in np.unique(feature[inner]).tolist():
        if 0 <= position < len(names):
            yield names[position], threshold[inner & (feature == position)]
