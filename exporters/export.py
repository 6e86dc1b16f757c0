"""``export_graph``: a fitted pipeline and a sample become one ONNX graph with its signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from spox import Var

from onnxtwin.exporters import finish
from onnxtwin.exporters.bounding import promised
from onnxtwin.exporters.errors import RecordingError, UnsupportedError
from onnxtwin.exporters.proof import prove
from onnxtwin.exporters.recording import Recorded, record
from onnxtwin.exporters.signature import Condition, Output, Signature
from onnxtwin.exporters.trace import verify


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
    recorded = record(estimator, X, methods, layout)
    with recorded.trace.running():
        return _finish(estimator, recorded)


def _finish(estimator: Any, recorded: Recorded) -> Exported:
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
    with trace.paused():
        prove(estimator, recorded, model, signature)
        return Exported(model, promised(estimator, recorded, signature))
