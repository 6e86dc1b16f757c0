"""Re-run a fitted pipeline with one step's output changed by one ulp, without touching the pipeline.

The pipeline is copied as a skeleton: estimators and the containers between them are new objects,
everything else (arrays, trees) is shared. On the skeleton each step's method is wrapped; at most
one wrapper changes what its step returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.utils import Bunch

from onnxtwin.runtime_checks.compare import BoolArray

_STEP_METHODS = ("transform", "predict", "predict_proba", "decision_function")

_INNER_METHODS = {
    # What these classes compute on: the answers of a model inside of them, not of a transformer.
    "_CalibratedClassifier": ("decision_function", "predict_proba"),
    "TransformedTargetRegressor": ("predict",),
}

_TRANSPARENT = {"steps", "transformers_", "transformers", "transformer_list", "named_steps"}
"""Attributes that hold named steps: a path says the step's name and leaves the attribute out."""

FEW_COLUMNS = 16
"""Up to so many columns of a step's output are also changed one at a time."""


@dataclass(frozen=True)
class Change:
    """Towards which infinity a step's output moves by one ulp, and which column (None: all)."""

    direction: float
    column: int | None = None


@dataclass
class Hook:
    """One method of one step of the skeleton; inactive unless ``change`` is set.

    ``changed`` says after a run whether there was anything to change, ``width`` how many columns
    the output had. Where ``trace`` is a list, every result is appended to it with its hook.
    """

    path: str
    method: str
    change: Change | None = None
    changed: bool = False
    width: int = 0
    trace: list[tuple[Hook, Any]] | None = None

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """``original``, whose result is changed while this hook is active."""

        def hooked(X: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(X, *args, **kwargs)
            if self.trace is not None:
                self.trace.append((self, result))
            if self.change is None:
                return result
            self.width = max(self.width, 1 if np.ndim(result) < 2 else result.shape[1])
            result, changed = nudge(result, X, self.change)
            self.changed = self.changed or changed
            return result

        return hooked


@dataclass
class Skeleton:
    """A copy of the pipeline whose steps can be nudged one at a time."""

    pipeline: Any
    hooks: list[Hook] = field(default_factory=list)

    @classmethod
    def of(cls, pipeline: Any) -> Skeleton:
        """Copy the estimators of ``pipeline`` (not their arrays) and wrap the steps within."""
        hooks: list[Hook] = []
        root = _copy(pipeline, "", {}, hooks, owner=None)
        return cls(root, hooks)

    def traced(self, method: str, X: Any) -> list[tuple[Hook, Any]]:
        """What each step returned while ``method`` answered ``X``, in the order they finished."""
        trace: list[tuple[Hook, Any]] = []
        for hook in self.hooks:
            hook.trace = trace
        try:
            getattr(self.pipeline, method)(X)
        finally:
            for hook in self.hooks:
                hook.trace = None
        return trace


def _is_estimator(value: Any) -> bool:
    return (
        not isinstance(value, type)
        and hasattr(value, "__dict__")
        and any(hasattr(type(value), name) for name in _STEP_METHODS)
        and not isinstance(value, np.ndarray | pd.DataFrame | pd.Series)
    )


def _copy(value: Any, path: str, seen: dict[int, Any], hooks: list[Hook], owner: str | None) -> Any:
    if id(value) in seen:
        return seen[id(value)]
    if type(value) in (list, tuple):
        copied = [
            _copy(entry, _entry_path(value, i, path), seen, hooks, owner) for i, entry in enumerate(value)
        ]
        return copied if isinstance(value, list) else tuple(copied)
    if type(value) in (dict, Bunch):
        return type(value)({k: _copy(v, _join(path, str(k)), seen, hooks, owner) for k, v in value.items()})
    if not _is_estimator(value):
        return value
    twin = object.__new__(type(value))
    seen[id(value)] = twin
    for name, attribute in vars(value).items():
        inner = path if name in _TRANSPARENT else _join(path, name.rstrip("_"))
        vars(twin)[name] = _copy(attribute, inner, seen, hooks, owner=type(value).__name__)
    # The root's output is the answer itself, and what a nested pipeline transforms is its last step's output.
    if owner is not None:
        for name in (*_INNER_METHODS.get(owner, ()), "transform"):
            if hasattr(twin, name) and not (name == "transform" and hasattr(value, "steps")):
                hook = Hook(path, name)
                vars(twin)[name] = hook.wrap(getattr(twin, name))
                hooks.append(hook)
    return twin


def _entry_path(container: Any, index: int, path: str) -> str:
    """A list of ``(name, estimator, ...)`` is named by the names, another list by positions."""
    if isinstance(container, tuple) and container and isinstance(container[0], str):
        return _join(path, container[0])
    if isinstance(container, list) and not isinstance(container[index], tuple):
        return f"{path}[{index}]"
    return path


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def nudge(result: Any, given: Any, change: Change) -> tuple[Any, bool]:
    """``result`` with its computed numbers moved by one ulp, and whether there were any.

    Integers (codes, counts, indicators) stay: they are exact, and a code moved below its integer
    would be truncated to another one. Values that the step only passed through stay as well: no
    arithmetic made them, so no runtime can legitimately differ there.
    """
    if isinstance(result, pd.DataFrame):
        columns = [name for name in range(result.shape[1]) if result.dtypes.iloc[name].kind == "f"]
        matrix = (
            np.column_stack([result.iloc[:, i].to_numpy(np.float64, na_value=np.nan) for i in columns])
            if columns
            else None
        )
        if matrix is None:
            return result, False
        which = [change.column in (None, name) for name in columns]
        moved = _moved(matrix, given, change) & np.array(which)
        nudged = result.copy()
        for position, name in enumerate(columns):
            nudged.isetitem(
                name,
                pd.Series(
                    _step(matrix, moved, change)[:, position],
                    index=result.index,
                    dtype=result.dtypes.iloc[name],
                ),
            )
        return nudged, bool(moved.any())
    if _is_sparse(result):
        if result.dtype.kind != "f":
            return result, False
        nudged = result.tocsr(copy=True)
        moved = _moved(nudged.data[:, None], _sparse_source(given, nudged), change)[:, 0]
        moved &= True if change.column is None else nudged.indices == change.column
        nudged.data = _step(nudged.data, moved, change)
        return nudged, bool(moved.any())
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f":
        return result, False
    matrix = result.reshape(len(result), -1) if result.size else result.reshape(len(result), 0)
    moved = _moved(matrix, given, change)
    if change.column is not None:
        moved &= np.arange(matrix.shape[1]) == change.column
    return _step(matrix, moved, change).reshape(result.shape), bool(moved.any())


def _moved(matrix: npt.NDArray[Any], given: Any, change: Change) -> BoolArray:
    computed = np.isfinite(matrix) & (matrix != np.rint(matrix))
    for column in _float_columns(given, len(matrix)):
        computed &= matrix != column[:, None]
    return np.asarray(computed, dtype=np.bool_)


def _step(matrix: npt.NDArray[Any], moved: BoolArray, change: Change) -> npt.NDArray[Any]:
    with np.errstate(over="ignore", under="ignore"):
        return np.where(moved, np.nextafter(matrix, matrix.dtype.type(change.direction)), matrix)


def _float_columns(given: Any, rows: int) -> Iterator[npt.NDArray[Any]]:
    if isinstance(given, pd.DataFrame):
        for i in range(given.shape[1]):
            if given.dtypes.iloc[i].kind == "f":
                yield given.iloc[:, i].to_numpy(np.float64, na_value=np.nan)
    elif isinstance(given, np.ndarray) and given.dtype.kind == "f" and len(given) == rows:
        yield from given.reshape(rows, -1).T if given.size else ()


def _sparse_source(given: Any, nudged: Any) -> Any:
    """The entries that a sparse result may have been copied from, if they line up with its own."""
    if _is_sparse(given) and given.nnz == nudged.nnz:
        return given.tocsr().data
    return None


def _is_sparse(value: Any) -> bool:
    return bool(sparse.issparse(value))


def changes(hook: Hook, run: Callable[[], Any]) -> Iterator[tuple[Change, Any]]:
    """Run with each change of this hook in turn; stops at once where there is nothing to change."""
    for direction in (np.inf, -np.inf):
        result = _active(hook, Change(direction), run)
        if not hook.changed:
            return
        yield Change(direction), result
    if 1 < hook.width <= FEW_COLUMNS:
        for column in range(hook.width):
            for direction in (np.inf, -np.inf):
                result = _active(hook, Change(direction, column), run)
                if hook.changed:
                    yield Change(direction, column), result


def _active(hook: Hook, change: Change, run: Callable[[], Any]) -> Any:
    hook.change, hook.changed = change, False
    try:
        return run()
    finally:
        hook.change = None
