"""The finished graph against the pipeline itself, on the rows of the sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from onnxtwin.exporters import finish
from onnxtwin.exporters.analysis.enclosure import State, Texts, within
from onnxtwin.exporters.bounding import Arithmetic, arithmetic_of
from onnxtwin.exporters.errors import RecordingError
from onnxtwin.exporters.outputs import real_answers
from onnxtwin.exporters.recording import Recorded
from onnxtwin.exporters.signature import Output, Signature
from onnxtwin.exporters.trace import differing


def prove(estimator: Any, recorded: Recorded, model: onnx.ModelProto, signature: Signature) -> None:
    """The finished graph against the pipeline itself, on both samples, on one row, and on none.

    Every operation has been verified alone. Where the two differ in the end, both
    answers must lie within the bounds of the pipeline's own arithmetic.
    """
    sample = recorded.sample
    run = finish.session(model)
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
                if _differing(answer, real).any():
                    differing_outputs.append((output, answer, real))
        if differing_outputs:
            arithmetic = arithmetic or arithmetic_of(estimator, recorded)
            states = arithmetic.of(feeds)
            for output, answer, real in differing_outputs:
                _require_undetermined(output, answer, real, states[output.name])
    empty = {e.name: f[:0] for e, f in zip(sample.inputs, sample.feeds(sample.first), strict=True)}
    for output, none in zip(signature.outputs, run.run(names, empty), strict=True):
        if len(none) != 0:
            raise RecordingError(
                f"{output.name}: the graph answers {len(none)} rows for zero rows\n"
                "  way out: report it; nothing was exported"
            )


def _differing(answer: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Where two answers differ by more than 1e-9, in whatever precision they are."""
    if answer.dtype.kind == real.dtype.kind == "f":
        answer, real = answer.astype(np.float64), real.astype(np.float64)
    return differing(answer, real)


def _require_undetermined(output: Output, answer: np.ndarray, real: np.ndarray, state: State | None) -> None:
    """Both answers must lie within the bounds wherever they differ."""
    wrong = _differing(answer, real)
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
