"""A pipeline's inference methods, run on traced rows: what both runs record, before it is a graph."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import spox
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from spox import Var

from onnxtwin.exporters import finish
from onnxtwin.exporters.errors import OnnxTwinError, UnsupportedError
from onnxtwin.exporters.forms import rearranged
from onnxtwin.exporters.outputs import Answer, answers
from onnxtwin.exporters.quiet import quiet
from onnxtwin.exporters.sample import Sample, draw
from onnxtwin.exporters.scope import traced_copy
from onnxtwin.exporters.shadow import Shadow
from onnxtwin.exporters.signature import Signature
from onnxtwin.exporters.trace import Trace
from onnxtwin.exporters.tree_ensemble import DeferredTrees, deferred

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform")
"""The inference methods that a twin can answer, in the order of its outputs."""

_PLACED = re.compile(r":\d+: ")
"""A message's first line names a file and a line."""

LEAVES = {
    "builtins": "onnxtwin.exporters.stdlib",
    "numpy": "onnxtwin.exporters.numpy",
    "pandas": "onnxtwin.exporters.pandas.questions",
    "scipy": "onnxtwin.exporters.scipy",
    "sklearn": "onnxtwin.exporters.sklearn",
}
"""Library -> the package of its handlers and leaves, imported once the library is."""


@dataclass
class Traced:
    """Graph inputs, and per method what it answered."""

    inputs: dict[str, Var]
    answers: dict[str, list[Answer]]


@dataclass
class Recorded:
    """What the second run of the pipeline's code recorded."""

    sample: Sample
    names: list[str]
    trace: Trace
    traced: Traced
    trees: DeferredTrees
    by_name: bool


def record(
    estimator: Any, X: Any, methods: list[str] | str | None, layout: str, known: Signature | None = None
) -> Recorded:
    """The pipeline's code, traced on both samples."""
    load_leaves()
    _require_fitted(estimator)
    names = _methods(estimator, methods)
    sample = draw(estimator, X, names, layout, known)
    copied = traced_copy(estimator)
    with deferred():
        first, _ = _run(copied, sample, names, sample.first, None)
    with deferred() as trees:
        second, traced = _run(copied, sample, names, sample.second, first)
    by_name = sample.by_name
    if by_name is None:
        by_name = _takes_names(copied, sample, names, first, second, traced)
    return Recorded(sample, names, second, traced, trees, by_name)


def _takes_names(
    copied: Shadow, sample: Sample, names: list[str], first: Trace, second: Trace, traced: Traced
) -> bool:
    """Whether the code records the same where columns stand elsewhere and others stand beside them."""
    try:
        with deferred():
            third, again = _run(copied, sample, names, rearranged(sample.second), first)
        return _recorded(second, traced) == _recorded(third, again)
    except OnnxTwinError:
        return False


def _recorded(trace: Trace, traced: Traced) -> tuple[Any, ...]:
    """All that a run recorded, to be compared with another's."""
    with trace.running():
        given = [answer for entries in traced.answers.values() for answer in entries]
        results = {f"out_{i}": answer.array.tensor.flat for i, answer in enumerate(given)}
        demands = {f"cond_{i}": r.var for i, r in enumerate(trace.requirements)}
        model = finish.build(traced.inputs, results | demands)
    told = [(a.method, a.index, a.container, a.columns, a.array.dtype) for a in given]
    asked = [(r.message, r.step) for r in trace.requirements]
    graph = model.SerializeToString(deterministic=True)
    return graph, told, asked, trace.finite_columns, trace.column_values


def load_leaves() -> None:
    for library, package in LEAVES.items():
        if library in sys.modules:
            importlib.import_module(package)


def _require_fitted(estimator: Any) -> None:
    if isinstance(estimator, type):
        raise UnsupportedError(f"{estimator.__name__} is a class\n  way out: export a fitted instance")
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise UnsupportedError(
            f"the pipeline is not fitted: {error}\n  way out: call fit before exporting"
        ) from error
    except TypeError as error:
        raise UnsupportedError(
            f"{type(estimator).__name__} is not an estimator: {error}\n  way out: export a fitted estimator"
        ) from error


def _methods(estimator: Any, methods: list[str] | str | None) -> list[str]:
    held = [m for m in METHODS if hasattr(estimator, m)]
    if methods is None:
        chosen = (
            [m for m in held if m in ("predict", "predict_proba")]
            or [m for m in held if m == "transform"]
            or held[:1]
        )
    elif methods == "all":
        chosen = held
    else:
        chosen = [methods] if isinstance(methods, str) else list(methods)
        unknown = [m for m in chosen if m not in METHODS or m not in held]
        if unknown:
            raise UnsupportedError(
                f"{type(estimator).__name__} has no inference method {unknown[0]!r}\n"
                f"  way out: choose among {held}"
            )
    if not chosen:
        raise UnsupportedError(
            f"{type(estimator).__name__} has no inference method\n"
            f"  way out: export an estimator with one of {list(METHODS)}"
        )
    return [m for m in METHODS if m in chosen]


def _run(
    copied: Shadow, sample: Sample, names: list[str], rows: Any, previous: Trace | None
) -> tuple[Trace, Traced]:
    """Run the methods once on traced rows."""
    trace = Trace(rows=len(rows), previous=previous, steps=copied.steps, see=copied.see)
    with trace.running():
        inputs = {
            f"in_{i}": spox.argument(
                spox.Tensor(
                    np.str_ if entry.tensor == "string" else np.dtype(entry.tensor), ("N", len(entry.columns))
                )
            )
            for i, entry in enumerate(sample.inputs)
        }
        trace.row_source = next(iter(inputs.values()), None)
        traced = sample.traced(rows, list(inputs.values()))
        found: dict[str, list[Answer]] = {}
        for name in names:
            answer = _called(getattr(copied.estimator, name), traced(), trace)
            found[name] = answers(name, answer)
            _require_rows(copied.estimator, name, found[name], len(rows), names)
        for entries in found.values():
            for entry in entries:
                assert entry.array.tensor.flat is not None
        trace.finish()
    return trace, Traced(inputs, found)


def _require_rows(estimator: Any, name: str, found: list[Answer], rows: int, names: list[str]) -> None:
    """An output has one entry a row: its first axis is the rows."""
    shapes = [entry.array.shape for entry in found if entry.array.shape[:1] != (rows,)]
    if shapes:
        told = ", ".join("rows" if size == rows else str(size) for size in shapes[0])
        others = [other for other in names if other != name]
        raise UnsupportedError(
            f"{type(estimator).__name__}.{name} answers an array of shape ({told}), whose first axis is not "
            f"the rows\n  way out: return one entry a row (for a VotingClassifier, flatten_transform=True)"
            + (f", or export methods={others}" if others else "")
        )


def _called(method: Any, X: Any, trace: Trace) -> Any:
    """Run the pipeline's code on traced rows; whatever it raises there, it does not raise on real ones."""
    try:
        with quiet():  # what the pipeline warns of, it has said when it was fitted
            answer = method(X)
        if trace.refusals:  # swallowed by code that went on with something else than on real rows
            raise trace.refusals[0]
        return answer
    except Exception as error:  # real rows were answered, so any error comes from tracing
        first = trace.refusals[0] if trace.refusals else error
        if isinstance(first, OnnxTwinError):
            if _PLACED.search(str(first).partition("\n")[0]):
                raise first from (None if first is error else error)
            # Functions on graph values know no trace: the place is added here.
            raise type(first)(f"{trace.place_of(first)}\n  {first}") from error
        place, said = trace.place_of(error), f"{type(error).__name__}: {error}".replace("'Array'", "the rows")
        way_out = place.way_out(
            "compute with numpy or pandas on whole columns, or register an exporter for the function with "
            "@onnxtwin.exports"
        )
        # What compiled code says to a package's own line means nothing to the user; it stays the cause.
        told = "" if place.package and not place.leaf else f" ({said})"
        raise UnsupportedError(
            f"{place}\n  calls code that cannot be traced{told}\n  way out: {way_out}"
        ) from error
