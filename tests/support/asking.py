"""Asks real objects and their traced counterparts the same questions.

An answer in a trace holds for every batch, so it must be the real one on two batches of other values; what
hangs on the values has to be refused, or recorded.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import spox
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.array import concrete, is_missing, is_traced
from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.exporters.questions import seen
from onnxtwin.exporters.recording import load_leaves
from onnxtwin.exporters.sample import draw
from onnxtwin.exporters.scope import traced_copy
from onnxtwin.exporters.trace import Trace


@dataclass(frozen=True)
class Asked:
    """One answer.

    Attributes
    ----------
    form : what is compared always: an error's type; of an array its class, dtype, shape and flags; of a frame
        or column its class, dtypes and names; else all.
    value : of arrays and numbers the values, compared on the batch of the trace.
    refused : the message of a refusal, whether the question's own code swallowed it or not.
    recorded : whether the answer is a traced value, which the graph computes anew for other rows.
    """

    form: Any
    value: Any = None
    refused: str = ""
    recorded: bool = False


def answer(question: Callable[[Any], Any], thing: Any, trace: Trace | None = None) -> Asked:
    """What a question answers; in a trace, where an error of the engine's own is a refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = question(thing() if callable(thing) else thing)
            described = _described(found)
        except OnnxTwinError as error:
            return Asked(None, refused=str(error))
        except Exception as error:  # noqa: BLE001 - any error is an answer
            described = Asked(type(error))
    if trace is not None and trace.refusals:
        return Asked(None, refused=str(trace.refusals[0]))
    return described


def _described(found: Any) -> Asked:
    traced = is_traced(found)
    tables = (pd.DataFrame, pd.Series, pd.Index, np.ndarray)
    if type(found) in (tuple, list) and (traced or any(isinstance(part, tables) for part in found)):
        parts = [_described(part) for part in found]
        return Asked([p.form for p in parts], [p.value for p in parts], recorded=traced)
    real = seen(found) if traced or isinstance(found, np.ndarray) else found
    if isinstance(real, np.ndarray):
        flags = real.flags
        form = (np.ndarray, real.dtype, real.shape, flags.c_contiguous, flags.f_contiguous, flags.writeable)
        return Asked(form, real.tolist(), recorded=traced)
    if isinstance(real, (pd.DataFrame, pd.Series, pd.Index)):
        table = real.to_frame() if isinstance(real, pd.Index) else pd.DataFrame(real)
        dtypes = [str(d) for d in table.dtypes]
        names = [repr(n) for n in (*table.columns, *table.index.names)]
        return Asked((type(real).__name__, dtypes, names, real.shape), table.to_dict("list"), recorded=traced)
    if isinstance(real, np.generic):
        return Asked((type(real), real.dtype), real.item(), recorded=traced)
    if callable(real):
        return Asked("a function")
    if type(real).__repr__ is object.__repr__:
        return Asked(type(real).__name__)
    text = re.sub(r"0x[0-9a-f]+|(?<='data': \()\d+", "address", repr(concrete(real)))
    return Asked((type(real).__name__, text), recorded=traced)


def differences(
    questions: Mapping[str, Callable[[Any], Any]],
    subject: Callable[[Any], Any],
    rows: Any,
    others: Any,
) -> list[str]:
    """The questions that a traced ``subject(rows)`` answers otherwise than a real one.

    Parameters
    ----------
    others : rows of other values and equal shape: an answer that differs there is none for every batch.
    """
    estimator = FunctionTransformer(subject).fit(rows)
    sample = draw(estimator, rows, ["transform"], "columns")
    batch = sample.first
    places = np.arange(len(batch)) % len(others)
    other = others.iloc[places] if isinstance(others, pd.DataFrame) else np.asarray(others[places], order="K")
    traced_answers = _traced(questions, subject, estimator, sample, batch)
    found: list[str] = []
    for name, question in questions.items():
        traced = traced_answers[name]
        if traced.refused:
            continue
        real = answer(question, lambda: subject(_again(batch)))
        changed = answer(question, lambda: subject(_again(other)))
        raised = isinstance(traced.form, type) and isinstance(real.form, type)
        if raised and issubclass(traced.form, real.form):
            continue
        if traced.form != real.form or not _same(traced.value, real.value):
            found.append(f"{name}: real {_short(real)}, traced {_short(traced)}")
        elif not traced.recorded and (real.form, repr(real.value)) != (changed.form, repr(changed.value)):
            found.append(f"{name}: hangs on the rows, and is answered: {_short(traced)}")
    return found


def _traced(
    questions: Mapping[str, Any], subject: Any, estimator: Any, sample: Any, batch: Any
) -> dict[str, Asked]:
    load_leaves()
    copied = traced_copy(estimator)
    trace = Trace(rows=len(batch), steps=copied.steps, see=copied.see)
    with trace.running():
        inputs = [
            spox.argument(
                spox.Tensor(np.str_ if e.tensor == "string" else np.dtype(e.tensor), ("N", len(e.columns)))
            )
            for e in sample.inputs
        ]
        trace.row_source = inputs[0]
        rows = sample.traced(batch, inputs)
        found: dict[str, Asked] = {}
        for name, question in questions.items():
            trace.refusals.clear()
            found[name] = answer(copied.see(question), lambda: copied.see(subject)(rows()), trace)
        return found


def _again(batch: Any) -> Any:
    return batch.copy(order="K") if isinstance(batch, np.ndarray) else batch.copy()


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and _same(list(a.values()), list(b.values()))
    if is_missing(a) or is_missing(b):
        return is_missing(a) and is_missing(b)
    return repr(a) == repr(b) or bool(a == b)


def _short(asked: Asked) -> str:
    text = str(asked.form if asked.value is None else (asked.form, asked.value))
    return text if len(text) < 160 else text[:160] + "..."
