"""The check without a pipeline: an artifact's recorded rows and answers, replayed by a runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.build.answers import DOMAIN, decode, failing_condition, outputs_of
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Vectors
from onnxtwin.exporters.signature import NAT, Column, Output, Signature
from onnxtwin.runtime_checks.compare import (
    Part,
    Tolerance,
    Tolerances,
    demand_known,
    failing,
    layout_differs,
    parts,
    tolerance_of,
)
from onnxtwin.runtime_checks.environment import environment
from onnxtwin.runtime_checks.measure import measure
from onnxtwin.runtime_checks.report import MethodReport, Noted, Report


def check_recorded(
    session: Session,
    vectors: Vectors,
    runtime: str = "python",
    *,
    rtol: float | None = None,
    atol: float | None = None,
    tolerances: Tolerances | None = None,
) -> Report:
    """Compare a graph's answers with those that the pipeline gave when the artifact was built.

    Parameters
    ----------
    session : the graph, in whatever runtime.
    vectors : the artifact's; their tags are the report's families.
    runtime : named in the report.
    rtol, atol, tolerances : as in :func:`onnxtwin.runtime_checks.check`.

    Returns
    -------
    Report : ``report.ok`` is True only if rows were compared and all are equal.

    Raises
    ------
    CheckError : a tolerance is negative or of no output.
    """
    signature = session.signature
    methods = [MethodReport(method) for method in session.methods]
    tolerance = tolerance_of(rtol, atol, tolerances, session.methods, session.signature)
    report = Report(runtime, tolerance, methods, environment=environment(session, research=()))
    if not len(vectors):
        return report
    found = session.run_tensors(vectors.inputs)
    everything = np.arange(len(vectors))
    answers = [
        _answer(signature, outputs_of(signature, m), vectors.outputs, everything) for m in session.methods
    ]
    demand_known(tolerance, answers)
    for method in methods:
        specs = outputs_of(signature, method.method)
        tags = np.array(vectors.tags)
        for tag in dict.fromkeys(vectors.tags):
            rows = np.flatnonzero(tags == tag)
            sides = [_answer(signature, specs, held, rows) for held in (vectors.outputs, found)]
            _compare(method, tag, vectors, signature, rows, sides, report.tolerance)
            for output in outputs_of(signature, DOMAIN):
                _excluded(method, tag, vectors, signature, rows, found[output.name][rows])
    return report


def _answer(
    signature: Signature, specs: list[Output], held: dict[str, npt.NDArray[Any]], rows: npt.NDArray[Any]
) -> list[Part]:
    answer = decode(specs, [held[spec.name][rows] for spec in specs], signature.missing_token)
    return parts(specs[0].method, answer, labels=any(spec.discrete for spec in specs))


def _compare(
    method: MethodReport,
    tag: str,
    vectors: Vectors,
    signature: Signature,
    rows: npt.NDArray[Any],
    sides: list[list[Part]],
    tolerance: Tolerance,
) -> None:
    expected, found = sides
    tally = method.family(tag)
    tally.rows += len(rows)
    problem = layout_differs(expected, found)
    if problem is not None:
        tally.mismatched += len(rows)
        method.problems.append(problem)
        return
    wrong = np.zeros(len(rows), dtype=np.bool_)
    for e, f in zip(expected, found, strict=True):
        wrong |= failing(e, f, tolerance).any(axis=1)
    tally.mismatched += int(wrong.sum())
    measure(
        method,
        tag,
        expected,
        found,
        tolerance,
        mismatched=wrong,
        undetermined=np.zeros(len(rows), dtype=np.bool_),
        row=lambda i: _raw_row(vectors, signature, int(rows[i])),
        position=lambda i: int(rows[i]),
    )


def _excluded(
    method: MethodReport,
    tag: str,
    vectors: Vectors,
    signature: Signature,
    rows: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_],
) -> None:
    """Rows that the pipeline answered and the graph's own domain excludes."""
    for row in np.flatnonzero(~valid.all(axis=1)):
        condition = failing_condition(signature, valid[row])
        method.family(tag).refused_inside += 1
        place = int(rows[row])
        text = f"the twin refuses what the pipeline answered, step {condition.step}: {condition.message}"
        method.domain.append(Noted(_raw_row(vectors, signature, place), place, tag, text))


def _raw_row(vectors: Vectors, signature: Signature, row: int) -> Any:
    """A recorded row as one types it: a dict, or the text of a document."""
    cells: dict[str, Any] = {}
    for entry in signature.inputs:
        for place, name in enumerate(entry.columns):
            cells[name] = _cell(vectors.inputs[entry.name][row, place], signature.column(name), signature)
    return next(iter(cells.values())) if signature.container == "documents" else cells


def _cell(value: Any, column: Column, signature: Signature) -> Any:
    if column.tensor == "string":
        return None if value == signature.missing_token and column.missing == "token" else value
    value = value.item()
    if column.missing == "nat":
        return (
            None if value == NAT else np.array(value).astype(column.dtype.split(",")[0].rstrip("]") + "]")[()]
        )
    return None if value != value and column.missing == "nan" else value
