"""Re-run a fitted pipeline with one step's output changed, or observed, without touching the pipeline.

The pipeline is copied as a skeleton: estimators and the containers between them are new objects,
everything else (arrays, trees) is shared. On the skeleton each step's method is wrapped; at most
one wrapper changes what its step returns.
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
from onnxtwin.runtime_checks.nudge import Change, nudge

_STEP_METHODS = ("transform", "predict", "predict_proba", "decision_function")

_INNER_METHODS = {
    # What these classes compute on: the answers of a model inside of them, not of a transformer.
    "_CalibratedClassifier": ("decision_function", "predict_proba"),
    "TransformedTargetRegressor": ("predict",),
}

_ARITHMETIC = {
    "Binarizer", "KBinsDiscretizer", "KNNImputer", "MaxAbsScaler", "MinMaxScaler", "MissingIndicator",
    "OneHotEncoder", "OrdinalEncoder", "RobustScaler", "SimpleImputer", "StandardScaler", "TargetEncoder",
}  # fmt: skip
"""Classes whose every operation IEEE 754 rounds correctly: two programs differ by their order alone."""

_TRANSPARENT = {"steps", "transformers_", "transformers", "transformer_list", "named_estimators_"}
"""Attributes that hold named steps: a path says the step's name and leaves the attribute out."""


@dataclass
class Hook:
    """One method of one step of the skeleton; it only passes on unless ``change`` is set.

    ``loose`` says that the step may compute more than sums, differences, products and quotients.
    ``changed`` says after a run whether there was anything to change, ``width`` how many columns
    the output had. Where ``trace`` is a list, every result is appended to it with its hook.
    """

    path: str
    method: str
    change: Change | None = None
    changed: bool = False
    width: int = 0
    trace: list[tuple[Hook, Any]] | None = None
    given: Any = None
    loose: bool = False

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """``original``, whose result is changed while this hook has a change."""

        def hooked(X: Any, *args: Any, **kwargs: Any) -> Any:
            self.given = X
            result = original(X, *args, **kwargs)
            self.given = None
            if self.trace is not None:
                self.trace.append((self, result))
            if self.change is None:
                return result
            self.width = max(self.width, 1 if np.ndim(result) < 2 else result.shape[1])
            result, changed = nudge(result, X, self.change)
            self.changed = self.changed or changed
            return result

        return hooked

    def wrap_input(self, original: Callable[..., Any], outer: Hook | None) -> Callable[..., Any]:
        """``original``, to which the estimator around it hands what it computed itself, changed likewise.

        Parameters
        ----------
        outer : the hook of that estimator, which knows what it was given, and so what it only passes on.
        """

        def hooked(X: Any, *args: Any, **kwargs: Any) -> Any:
            if self.change is not None:
                self.width = max(self.width, 1 if np.ndim(X) < 2 else X.shape[1])
                X, changed = nudge(X, outer.given if outer is not None else None, self.change)
                self.changed = self.changed or changed
            return original(X, *args, **kwargs)

        return hooked

    def run(self, change: Change, call: Callable[[], Any]) -> tuple[Any, bool]:
        """What ``call`` gives while this hook makes the change, and whether there was anything to change."""
        self.change, self.changed = change, False
        try:
            return call(), self.changed
        finally:
            self.change = None


@dataclass
class Skeleton:
    """A copy of the pipeline whose steps can be changed or observed one at a time."""

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
            hook = Hook(path, name, loose=type(value).__name__ not in _ARITHMETIC)
            vars(twin)[name] = hook.wrap(getattr(twin, name))
            hooks.append(hook)
    if owner is not None:
        _hook_inputs(twin, path, hooks)
    return twin


def _hook_inputs(twin: Any, path: str, hooks: list[Hook]) -> None:
    """Hook what a transformer computes and hands to a transformer inside of it, as PowerTransformer does.

    Where that one subtracts a mean, a rounding before it weighs more than any behind it. A container's
    parts get what other steps returned, which is hooked there.
    """
    if not hasattr(twin, "transform") or any(hasattr(twin, name) for name in _TRANSPARENT):
        return
    for name, inner in vars(twin).items():
        if _is_estimator(inner) and "transform" in vars(inner):
            own = next((hook for hook in hooks if hook.path == path), None)
            loose = type(twin).__name__ not in _ARITHMETIC
            hook = Hook(f"the input of {_join(path, name.rstrip('_'))}", "transform", loose=loose)
            vars(inner)["transform"] = hook.wrap_input(vars(inner)["transform"], own)
            hooks.append(hook)


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
