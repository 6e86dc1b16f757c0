"""The user's own rows in another form: other dtypes, containers, columns in another order, more or fewer.

A pipeline may refuse such rows, or answer them otherwise, although each value is the same. A twin must refuse
them too, or answer what the pipeline answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases.registry import Form, base_rows, family
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows

ROWS = 8
"""Rows of each form: a few show whether it is taken, and each form may cost a call of the pipeline."""

NARROW = "float64 as float32"

Change = Callable[[Any], Any]


@family("forms")
def forms(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Form]:
    """A few of the user's rows in each form that could be taken for the sample's."""
    base = base_rows(X, ROWS, rng)
    if isinstance(base, pd.DataFrame):
        changes = _of_frames(base)
    elif isinstance(base, np.ndarray) and base.ndim == 2:
        changes = _of_matrices(base)
    else:
        changes = {"a Series": pd.Series, "an array": np.array, "an array of objects": _objects}
    for what, change in changes.items():
        # Not every dtype says every value.
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            yield Form(change(base), what, narrow=what == NARROW)


def _of_frames(rows: pd.DataFrame) -> dict[str, Change]:
    labels = list(rows.columns)
    changes: dict[str, Change] = {
        "a column more": lambda X: X.assign(**{f"{labels[0]}_": X.iloc[:, 0]}),
        "a column less": lambda X: X[labels[:-1]],
        "a matrix": lambda X: X.to_numpy(),
    }
    if len(labels) > 1:
        changes["columns in another order"] = lambda X: X[labels[::-1]]
    kinds = {label: str(dtype) for label, dtype in rows.dtypes.items()}

    def add(what: str, change: Callable[[pd.Series], Any], *sources: str) -> None:
        """A form in which all columns of these dtypes are changed."""
        chosen = [label for label, kind in kinds.items() if kind in sources]
        if chosen:
            changes[what] = lambda X: _replaced(X, {label: change(X[label]) for label in chosen})

    add(NARROW, lambda x: x.astype("float32"), "float64")
    add("float32 as float64", lambda x: x.astype("float64"), "float32")
    add("float64 as int64", lambda x: _whole(x.to_numpy()).astype("int64"), "float64")
    add("whole numbers as float64", lambda x: x.astype("float64"), "int64", "int32")
    add("numbers as objects", lambda x: x.astype("object"), "float64", "float32", "int64", "int32", "bool")
    texts = ("str", "string", "object", "category")
    add("texts as objects, the first None", lambda x: _objects([None, *x[1:]]), *texts)
    add("texts as objects, the first NaN", lambda x: _objects([np.nan, *x[1:]]), *texts)
    add("texts as categories", lambda x: x.astype("category"), "str", "string", "object")
    add("categories in another order", lambda x: x.cat.set_categories(x.cat.categories[::-1]), "category")
    return changes


def _replaced(rows: pd.DataFrame, columns: dict[Any, Any]) -> pd.DataFrame:
    made = rows.copy()
    for label, values in columns.items():
        # Told its dtype, or pandas makes text of objects.
        made[label] = pd.Series(values, index=rows.index, dtype=values.dtype)
    return made


def _of_matrices(rows: np.ndarray) -> dict[str, Change]:
    changes: dict[str, Change] = {
        "a DataFrame": pd.DataFrame,
        "a DataFrame with its numbers in another order": lambda X: pd.DataFrame(X).iloc[:, ::-1],
        "a column less": lambda X: X[:, 1:],
        "an np.matrix": np.asmatrix,
        "lists": lambda X: X.tolist(),
        "objects": lambda X: X.astype(object),
        "objects, one of them pandas' NA": lambda X: _with(X, pd.NA),
        "objects, one of them NaT": lambda X: _with(X, pd.NaT),
        "objects, one of them None": lambda X: _with(X, None),
    }
    if rows.dtype.kind in "iuf":
        changes["as float64"] = lambda X: X.astype("float64")
        changes[NARROW if rows.dtype == np.float64 else "as float32"] = lambda X: X.astype("float32")
        changes["as int64"] = lambda X: _whole(X).astype("int64")
    return changes


def _whole(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.trunc(np.clip(np.nan_to_num(values), -(2.0**31), 2.0**31 - 1)))


def _with(rows: np.ndarray, value: Any) -> np.ndarray:
    made = rows.astype(object)
    made[0, 0] = value
    return made


def _objects(values: Any) -> np.ndarray:
    return np.array(values, dtype=object)
