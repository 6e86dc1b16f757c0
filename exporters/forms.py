"""What of the rows' form a pipeline tells apart: the names and order of columns, dtypes, containers.

A graph sees values only. Where the pipeline looks at more, a twin must demand the sample's own form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.signature import WHOLE_NUMBERS, Column, is_missing

Types = Literal["exact", "by_value"]

_PER_DOCUMENT = ("tokenizer", "preprocessor", "analyzer")
"""Functions of the user's that scikit-learn's text vectorizers call with one text at a time."""


def rearranged(frame: Any) -> Any:
    """The frame with every column in another place, from either end, beside others that no fit has seen.

    The new ones are like those that they are made of: named almost alike, of the same dtype and values, so
    that code which chooses columns by a pattern or by type chooses them as well.
    """
    labels = frame.columns.tolist()
    chosen = frame[sources(labels)]
    names = chosen.columns.tolist()
    for place in range(len(names)):
        if not 2 <= place < 2 + len(labels):
            names[place] = _beside(names[place], [*labels, *names], -1 if place < 2 else 1)
    return chosen.set_axis(names, axis=1)


def sources(labels: Sequence[Any]) -> list[Any]:
    """Of which column each column of a :func:`rearranged` frame holds the values."""
    first, last = labels[0], labels[-1]
    # With one more behind two columns, the first of them would stand where it did, from the end.
    behind = [first, last] if len(labels) == 2 else [first]
    return [last, first, *labels[1:], first, *behind]


def _beside(label: Any, labels: Sequence[Any], side: int) -> Any:
    if isinstance(label, str):
        while label in labels:
            label = f"_{label}" if side < 0 else f"{label}_"
        return label
    numbers = [other for other in labels if not isinstance(other, str)]
    return max(numbers) + 1 if side > 0 else min(numbers) - 1


def takes_names(estimator: Any) -> bool | None:
    """Whether the first step takes columns by name and ignores others; None where only a trace can tell."""
    first = estimator
    while hasattr(first, "steps") and first.steps:
        first = first.steps[0][1]
    if isinstance(first, ColumnTransformer) and type(first).__module__.startswith("sklearn."):
        # Chosen by position where the names are no texts.
        return hasattr(first, "feature_names_in_")
    return None


def types_of(
    estimator: Any, columns: Sequence[Column], rows: Any, answer: Callable[[Any], list[Any] | None]
) -> Types:
    """Whether the pipeline answers equal values alike, whatever their types.

    Only scikit-learn's own code is known to; and it is asked, with the sample in other types.

    Parameters
    ----------
    rows : some of the sample's.
    answer : the pipeline's answers to rows, one array a method, or None if it refuses them.
    """
    # A sum in single precision depends on how a matrix or frame lies in memory.
    single = isinstance(rows, np.ndarray) and rows.dtype == np.float32
    if single or not _library_only(estimator, ""):
        return "exact"
    for one, other in _pairs(columns, rows):
        answers, others = answer(one), answer(other)
        if answers is None or others is None or not same_answers(answers, others):
            return "exact"
    return "by_value"


def _library_only(value: Any, name: str) -> bool:
    """Whether no code but scikit-learn's own, or numpy's on float64, sees the rows."""
    if isinstance(value, type):
        return True
    if hasattr(value, "get_params"):
        if not type(value).__module__.startswith("sklearn."):
            return False
        held = value.get_params(deep=False)
        if isinstance(value, FunctionTransformer) and _computes_in_float64(held["func"]):
            held = held | {"func": None}
        if isinstance(value, TransformedTargetRegressor):
            held = held | {"func": None, "inverse_func": None}
        return all(_library_only(entry, key) for key, entry in held.items())
    if isinstance(value, Mapping):
        return all(_library_only(entry, name) for entry in value.values())
    if isinstance(value, (list, tuple)):
        return all(_library_only(entry, name) for entry in value)
    # A ColumnTransformer has asked its column selectors when it was fitted.
    return not callable(value) or name in (*_PER_DOCUMENT, "transformers")


def _computes_in_float64(function: Any) -> bool:
    """Whether it is a ufunc with no loop for integers, for which numpy makes float64 of them."""
    return isinstance(function, np.ufunc) and not any(
        kind in "?bBhHiIlLqQ" for types in function.types for kind in types
    )


def _pairs(columns: Sequence[Column], rows: Any) -> Iterator[tuple[Any, Any]]:
    """The sample's rows, or whole numbers made of them, twice: as typed, and as other types say the same."""
    if isinstance(rows, list):
        import pandas as pd

        yield rows, pd.Series(rows)
    elif isinstance(rows, np.ndarray):
        import pandas as pd

        whole = rows
        if columns[0].dtype in WHOLE_NUMBERS:
            whole = _whole(rows).astype(columns[0].dtype)
            yield whole, whole.astype(_other(columns[0].dtype))
        yield whole, pd.DataFrame(whole)
        yield whole, whole.tolist()
    else:
        one, other = rows.copy(), rows.copy()
        for column in columns:
            label, dtype = column.label, column.dtype
            if dtype in WHOLE_NUMBERS:
                one[label] = _whole(rows[label].to_numpy()).astype(dtype)
                other[label] = one[label].astype(_other(dtype))
            elif dtype in ("str", "object") and column.missing_value == "nan":
                other[label] = rows[label].astype("object" if dtype == "str" else "str")
            elif dtype == "category":
                listed = rows[label].cat.categories[::-1]
                other[label] = rows[label].cat.set_categories(listed)
        yield one, other


def _whole(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.trunc(np.clip(np.nan_to_num(values), -(2.0**31), 2.0**31 - 1)))


def _other(dtype: str) -> str:
    return "int64" if dtype == "float64" else "float64"


def same_answers(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether a pipeline's answers, one a method, are equal: containers, dtypes, floats to within 1e-9."""
    return all(_same(a, b) for a, b in zip(some, others, strict=True))


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and same_answers(a, b)
    if hasattr(a, "iloc") and a.ndim == 2:
        names = a.columns.tolist() == b.columns.tolist()
        return names and all(_same(a.iloc[:, i], b.iloc[:, i]) for i in range(a.shape[1]))
    if hasattr(a, "toarray"):
        a, b = a.toarray(), b.toarray()
    if not isinstance(a, np.ndarray) and not hasattr(a, "iloc"):
        return bool(type(a) in (bool, int, float, str) and a == b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    one, other = np.asarray(a), np.asarray(b)
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True))
    pairs = zip(one.reshape(-1).tolist(), other.reshape(-1).tolist(), strict=True)
    return all(is_missing(x) if is_missing(y) else not is_missing(x) and bool(x == y) for x, y in pairs)
