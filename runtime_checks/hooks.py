"""Re-run a fitted pipeline with its steps observed, without touching the pipeline.

The pipeline is copied as a skeleton: estimators and the containers between them are new objects,
everything else (arrays, trees) is shared. On the skeleton each step's method is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from onnxtwin.exporters.code import copyable

_STEP_METHODS = ("transform", "predict", "predict_proba", "decision_function")

_INNER_METHODS = {
    # What these classes compute on: the answers of a model inside of them, not of a transformer.
    "_CalibratedClassifier": ("decision_function", "predict_proba"),
    "TransformedTargetRegressor": ("predict",),
}

_TRANSPARENT = {"steps", "transformers_", "transformers", "transformer_list", "named_estimators_"}
"""Attributes that hold named steps: a path says the step's name and leaves the attribute out."""


@dataclass
class Hook:
    """One method of one step of the skeleton; where ``trace`` is a list, each result is added to it."""

    path: str
    method: str
    trace: list[tuple[Hook, Any]] | None = None

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """``original``, whose result is noted."""

        def hooked(X: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(X, *args, **kwargs)
            if self.trace is not None:
                self.trace.append((self, result))
            return result

        return hooked


@dataclass
class Skeleton:
    """A copy of the pipeline whose steps can be observed."""

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
        and copyable(type(value))
        and (isinstance(value, BaseEstimator) or any(hasattr(type(value), name) for name in _STEP_METHODS))
        and not isinstance(value, np.ndarray | pd.DataFrame | pd.Series)
    )


def _copy(value: Any, path: str, seen: dict[int, Any], hooks: list[Hook], owner: str | None) -> Any:
    if type(value) in (list, tuple):
        copied = [
            _copy(entry, _entry_path(value, i, path), seen, hooks, owner) for i, entry in enumerate(value)
        ]
        return copied if isinstance(value, list) else tuple(copied)
    if type(value) in (dict, Bunch):
        entries = {k: _copy(v, _join(path, str(k)), seen, hooks, owner) for k, v in value.items()}
        return Bunch(**entries) if isinstance(value, Bunch) else entries
    if not _is_estimator(value):
        return value
    if id(value) not in seen:
        seen[id(value)] = _copy_estimator(value, path, seen, hooks)
    twin = seen[id(value)]
    # The root's output is the answer itself, and a nested pipeline's is its last step's.
    passed_on = () if hasattr(value, "steps") else ("transform",)
    for name in (*_INNER_METHODS.get(owner or "", ()), *passed_on) if owner is not None else ():
        if name not in vars(twin) and hasattr(twin, name):
            hook = Hook(path, name)
            vars(twin)[name] = hook.wrap(getattr(twin, name))
            hooks.append(hook)
    return twin


def _copy_estimator(value: Any, path: str, seen: dict[int, Any], hooks: list[Hook]) -> Any:
    twin = object.__new__(type(value))
    seen[id(value)] = twin
    # By name first, where a meta-estimator holds its estimators twice: the first path found is told.
    for name, attribute in sorted(vars(value).items(), key=lambda item: not item[0].startswith("named_")):
        inner = path if name in _TRANSPARENT else _join(path, name.rstrip("_"))
        vars(twin)[name] = _copy(attribute, inner, seen, hooks, owner=type(value).__name__)
    if "n_jobs" in vars(twin):
        # In another process a hook would work on a copy of itself, and nobody would see.
        twin.n_jobs = None
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
