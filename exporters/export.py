"""``export_graph``: a fitted pipeline and a sample become one ONNX graph with its signature."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import spox
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from spox import Var

from onnxtwin.exporters import finish
from onnxtwin.exporters.analysis.batches import SINGLE
from onnxtwin.exporters.analysis.enclosure import Elementary, Enclosure, State, Texts, within
from onnxtwin.exporters.analysis.intervals import Interval
from onnxtwin.exporters.errors import OnnxTwinError, RecordingError, UnsupportedError
from onnxtwin.exporters.forms import rearranged
from onnxtwin.exporters.outputs import Answer, answers, real_answers
from onnxtwin.exporters.quiet import quiet
from onnxtwin.exporters.sample import Sample, draw
from onnxtwin.exporters.scope import traced_copy
from onnxtwin.exporters.shadow import Shadow
from onnxtwin.exporters.signature import Condition, Output, Signature
from onnxtwin.exporters.trace import Trace, differing, verify
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


@dataclass(frozen=True)
class Exported:
    """An exported graph and what it takes and gives.

    Attributes
    ----------
    model : opset 20 and ai.onnx.ml 5, IR 10; inputs and outputs as ``signature`` says.
    signature : raw columns, inputs, outputs, domain.
    """

    model: onnx.ModelProto
    signature: Signature


def export_graph(
    estimator: Any, X: Any, *, methods: list[str] | str | None = None, layout: str = "columns"
) -> Exported:
    """Trace a fitted pipeline's inference methods and write them as one graph.

    Parameters
    ----------
    estimator : fitted scikit-learn-compatible estimator, usually a Pipeline.
    X : raw rows, a DataFrame, a 2-D or 1-D ndarray, or a list or Series of str; at least one row. It gives
        the signature and the traced sample; none of its rows reaches the graph.
    methods : None for what production calls (``predict``, and ``predict_proba`` where there is one;
        ``transform`` for a transformer), a list of names, or "all".
    layout : "columns" (an input a raw column) or "packed" (a matrix an element type).

    Returns
    -------
    Exported

    Raises
    ------
    UnsupportedError
        For what a graph cannot say exactly, naming step, file, line and a way out.
    SignatureError
        For a sample that does not describe raw columns.
    RecordingError
        If the graph does not answer what the pipeline answers on the sample.
    """
    if layout not in ("columns", "packed"):
        raise UnsupportedError(f"layout {layout!r} is unknown\n  way out: 'columns' or 'packed'")
    recorded = _record(estimator, X, methods, layout)
    with recorded.trace.running():
        return _finish(estimator, recorded)


def export_arithmetic(
    estimator: Any, X: Any, *, methods: list[str] | str | None = None, known: Signature | None = None
) -> Arithmetic:
    """Trace a fitted pipeline's inference methods for bounds of what correct programs may answer.

    Parameters and errors are those of :func:`export_graph`; what is recorded is not proven.

    Parameters
    ----------
    known : the signature of an earlier export, if there is one: it spares questions to the pipeline.
    """
    recorded = _record(estimator, X, methods, "columns", known)
    with recorded.trace.running():
        return _arithmetic(estimator, recorded)


@dataclass(frozen=True)
class Arithmetic:
    """What correct programs may answer, recorded from a pipeline's own code.

    Attributes
    ----------
    signature : of the raw rows; its outputs are those of ``enclosure``.
    """

    enclosure: Enclosure
    signature: Signature

    def of(self, feeds: Sequence[np.ndarray]) -> dict[str, State | None]:
        """Per output what may be answered; None where that is not known.

        Parameters
        ----------
        feeds : the input tensors, in the order of the signature's inputs.
        """
        return self.enclosure.of({f"in_{i}": value for i, value in enumerate(feeds)})


def _record(
    estimator: Any, X: Any, methods: list[str] | str | None, layout: str, known: Signature | None = None
) -> _Recorded:
    """The pipeline's code, traced on both samples."""
    _load_leaves()
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
    return _Recorded(sample, names, second, traced, trees, by_name)


def _arithmetic(estimator: Any, recorded: _Recorded) -> Arithmetic:
    """The graph with all elementary functions told, for bounds."""
    sample, trace, traced = recorded.sample, recorded.trace, recorded.traced
    taken = {entry.name for entry in sample.inputs}
    given = [answer for name in recorded.names for answer in traced.answers[name]]
    outputs = tuple(answer.output(estimator, taken) for answer in given)
    told = {output.name: answer.array.tensor.flat for output, answer in zip(outputs, given, strict=True)}
    for i, mark in enumerate(trace.elementary):
        told[f"mark_{i}"] = mark.var
        told |= {f"mark_{i}_{j}": operand for j, operand in enumerate(mark.operands)}
    model = finish.build(traced.inputs, {f"out_{i}": var for i, var in enumerate(told.values())})
    recorded.trees.patch(model)
    inner = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity"}
    place = {name: inner[f"out_{i}"] for i, name in enumerate(told)}
    marks = {
        place[f"mark_{i}"]: Elementary(
            mark.function, tuple(place[f"mark_{i}_{j}"] for j in range(len(mark.operands)))
        )
        for i, mark in enumerate(trace.elementary)
    }
    enclosure = Enclosure(model, marks, {output.name: f"out_{i}" for i, output in enumerate(outputs)})
    signature = sample.signature(outputs, (), trace, tuple(recorded.names), recorded.by_name)
    return Arithmetic(enclosure, signature)


def _takes_names(
    copied: Shadow, sample: Sample, names: list[str], first: Trace, second: Trace, traced: _Traced
) -> bool:
    """Whether the code records the same where columns stand elsewhere and others stand beside them."""
    try:
        with deferred():
            third, again = _run(copied, sample, names, rearranged(sample.second), first)
        return _recorded(second, traced) == _recorded(third, again)
    except OnnxTwinError:
        return False


def _recorded(trace: Trace, traced: _Traced) -> tuple[Any, ...]:
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


def _load_leaves() -> None:
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


@dataclass
class _Traced:
    inputs: dict[str, Var]
    answers: dict[str, list[Answer]]


@dataclass
class _Recorded:
    """What the second run of the pipeline's code recorded."""

    sample: Sample
    names: list[str]
    trace: Trace
    traced: _Traced
    trees: DeferredTrees
    by_name: bool


def _run(
    copied: Shadow, sample: Sample, names: list[str], rows: Any, previous: Trace | None
) -> tuple[Trace, _Traced]:
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
    return trace, _Traced(inputs, found)


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
        raise UnsupportedError(
            f"{place}\n  calls code that cannot be traced ({said})\n  way out: {way_out}"
        ) from error


def _finish(estimator: Any, recorded: _Recorded) -> Exported:
    sample, names, trace = recorded.sample, recorded.names, recorded.trace
    traced, trees = recorded.traced, recorded.trees
    feeds = {f"in_{i}": value for i, value in enumerate(sample.feeds(sample.second))}

    def answered(variables: list[Var], real: list[np.ndarray]) -> list[np.ndarray]:
        if not variables:
            return []
        model = finish.build(traced.inputs, {f"v{i}": v for i, v in enumerate(variables)})
        trees.patch(model)
        return finish.evaluate(model, feeds | finish.isolate(model, real))

    verify(trace, answered)
    taken = {entry.name for entry in sample.inputs}
    outputs: list[Output] = []
    variables: dict[str, Var] = {}
    for name in names:
        for answer in traced.answers[name]:
            output = answer.output(estimator, taken)
            outputs.append(output)
            variables[output.name] = answer.array.tensor.flat
    demands = {f"cond_{i}": r.var for i, r in enumerate(trace.requirements)}
    if finish.undeclared_narrowings([*variables.values(), *demands.values()], trace.narrowed):
        raise RecordingError(
            "a float64 value is narrowed to float32 although the pipeline computes in float64\n"
            "  way out: report it; nothing was exported"
        )
    results = {f"out_{i}": v for i, v in enumerate(variables.values())}
    model = finish.build(traced.inputs, results | demands)
    finish.merge(model)
    public = {f"in_{i}": entry.name for i, entry in enumerate(sample.inputs)} | {
        f"out_{i}": name for i, name in enumerate(variables)
    }
    conditions: tuple[Condition, ...] = ()
    if demands:
        kept = finish.join_conditions(model.graph, list(demands), "cond")
        chosen = [trace.requirements[i] for i in kept]
        conditions = tuple(Condition(r.message, r.step, r.limit, r.columns) for r in chosen)
        public["cond"] = "domain" if "domain" not in taken else "domain.output"
        outputs.append(Output(public["cond"], "domain", None, "bool", "bool", (None, len(conditions))))
    order = [o.name for o in outputs]
    model = finish.finish(model, public, order, f"answers {', '.join(names)} of {type(estimator).__name__}")
    finish.refuse_unsafe(model)
    trees.patch(model)
    signature = sample.signature(tuple(outputs), conditions, trace, tuple(names), recorded.by_name)
    exported = Exported(model, signature)
    with trace.paused():
        _prove(estimator, recorded, exported)
        return replace(exported, signature=_promised(estimator, recorded, signature))


def _promised(estimator: Any, recorded: _Recorded, signature: Signature) -> Signature:
    """What is promised where single precision was computed in: the widest bounds of the sample's answers."""
    if not recorded.trace.singles:
        return signature
    states = _arithmetic(estimator, recorded).of(recorded.sample.feeds(recorded.sample.second))
    bounds = [s for o in signature.outputs if not o.discrete and isinstance(s := states[o.name], Interval)]
    sizes = [np.where(np.isfinite(b.hi - b.lo), b.most(), 0.0) for b in bounds]
    largest = max((float(size.max(initial=0.0)) for size in sizes), default=0.0)
    ulps = 0
    for bound, size in zip(bounds, sizes, strict=True):
        width = np.where(np.isfinite(bound.hi - bound.lo), bound.hi - bound.lo, 0.0)
        if (width > signature.atol + signature.rtol * size).any():
            ulps = max(ulps, int(np.ceil((width / (SINGLE * np.maximum(size, largest))).max())))
    if not ulps:
        return signature
    return replace(signature, rtol=ulps * SINGLE, atol=ulps * SINGLE * largest, float32_ulps=ulps)


def _require_undetermined(output: Output, answer: np.ndarray, real: np.ndarray, state: State | None) -> None:
    """Both answers must lie within the bounds wherever they differ."""
    wrong = differing(answer, real)
    if state is not None:
        wrong &= ~(_among(state, answer) & _among(state, real))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(np.atleast_1d(wrong))[0])
        raise RecordingError(
            "the finished graph does not answer what the pipeline answers, "
            f"on {int(np.atleast_1d(wrong).reshape(len(wrong), -1).any(axis=1).sum())} of {len(wrong)} rows: "
            f"{output.name}{list(at)} is {answer[at]!r}, the pipeline says {real[at]!r}\n"
            "  way out: report it; nothing was exported"
        )


def _among(state: State, answer: np.ndarray) -> np.ndarray:
    """Which entries of an answer correct programs may give."""
    if isinstance(state, np.ndarray):
        held: State = state.reshape(answer.shape)
    elif isinstance(state, Texts):
        held = Texts(state.sets.reshape(answer.shape))
    else:
        held = state.map(lambda array: array.reshape(answer.shape))
    return within(held, answer)


def _prove(estimator: Any, recorded: _Recorded, exported: Exported) -> None:
    """The finished graph against the pipeline itself, on both samples, on one row, and on none.

    Every operation has been verified alone. Where the two differ in the end, both
    answers must lie within the bounds of the pipeline's own arithmetic.
    """
    sample, signature = recorded.sample, exported.signature
    run = finish.session(exported.model)
    names = [o.name for o in signature.outputs]
    arithmetic: Arithmetic | None = None
    for rows in (sample.second, sample.first, sample.second[:1]):
        feeds = sample.feeds(rows)
        got = dict(
            zip(
                names,
                run.run(names, dict(zip((e.name for e in sample.inputs), feeds, strict=True))),
                strict=True,
            )
        )
        differing_outputs: list[tuple[Output, np.ndarray, np.ndarray]] = []
        for output in signature.outputs:
            if output.method == "domain" and not got[output.name].all():
                raise RecordingError(
                    "the graph's domain excludes rows that the pipeline answers\n"
                    "  way out: report it; nothing was exported"
                )
        for method in signature.methods:
            held = [o for o in signature.outputs if o.method == method]
            for output, real in zip(
                held, real_answers(method, getattr(estimator, method)(rows), held), strict=True
            ):
                answer = got[output.name]
                answer = answer.reshape(real.shape) if answer.size == real.size else answer
                if answer.shape != real.shape:
                    raise RecordingError(
                        f"{output.name} has shape {answer.shape}, the pipeline answers {real.shape}\n"
                        "  way out: report it; nothing was exported"
                    )
                if differing(answer, real).any():
                    differing_outputs.append((output, answer, real))
        if differing_outputs:
            arithmetic = arithmetic or _arithmetic(estimator, recorded)
            states = arithmetic.of(feeds)
            for output, answer, real in differing_outputs:
                _require_undetermined(output, answer, real, states[output.name])
    empty = {e.name: f[:0] for e, f in zip(sample.inputs, sample.feeds(sample.first), strict=True)}
    for output, none in zip(exported.signature.outputs, run.run(names, empty), strict=True):
        if len(none) != 0:
            raise RecordingError(
                f"{output.name}: the graph answers {len(none)} rows for zero rows\n"
                "  way out: report it; nothing was exported"
            )
