"""What correct programs may answer, recorded from a pipeline's own code, and what can be promised of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from onnxtwin.exporters import finish
from onnxtwin.exporters.analysis.batches import SINGLE
from onnxtwin.exporters.analysis.enclosure import Elementary, Enclosure, State, Texts
from onnxtwin.exporters.analysis.intervals import constant
from onnxtwin.exporters.recording import Recorded, record
from onnxtwin.exporters.signature import Signature


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


def export_arithmetic(
    estimator: Any, X: Any, *, methods: list[str] | str | None = None, known: Signature | None = None
) -> Arithmetic:
    """Trace a fitted pipeline's inference methods for bounds of what correct programs may answer.

    Parameters and errors are those of :func:`export_graph`; what is recorded is not proven.

    Parameters
    ----------
    known : the signature of an earlier export, if there is one: it spares questions to the pipeline.
    """
    recorded = record(estimator, X, methods, "columns", known)
    with recorded.trace.running():
        return arithmetic_of(estimator, recorded)


def arithmetic_of(estimator: Any, recorded: Recorded) -> Arithmetic:
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


def promised(estimator: Any, recorded: Recorded, signature: Signature) -> Signature:
    """What is promised where single precision was computed in: the widest bounds of the sample's answers.

    One promise holds for all outputs. Its absolute part is that of the output whose answers are smallest, so
    that scores in millions make no probability loose.
    """
    if not recorded.trace.singles:
        return signature
    states = arithmetic_of(estimator, recorded).of(recorded.sample.feeds(recorded.sample.second))
    ulps, scale = 0, np.inf
    for output in signature.outputs:
        state = states.get(output.name)
        if output.discrete or state is None or isinstance(state, Texts):
            continue
        bound = constant(state) if isinstance(state, np.ndarray) else state
        finite = np.isfinite(bound.hi - bound.lo)
        width, size = np.where(finite, bound.hi - bound.lo, 0.0), np.where(finite, bound.most(), 0.0)
        largest = float(size.max(initial=0.0))
        scale = min(scale, largest)
        if (width > signature.atol + signature.rtol * size).any():
            ulps = max(ulps, int(np.ceil((width / (SINGLE * np.maximum(size, largest))).max())))
    if not ulps:
        return signature
    return replace(signature, rtol=ulps * SINGLE, atol=ulps * SINGLE * scale, float32_ulps=ulps)
