"""What goes into an artifact beside the graph: recorded rows and the research stack's versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.replay import compare
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Tensors, Vectors, anonymise, choose, count_rows, record, take
from onnxtwin.exporters.quiet import quiet_calls
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks import SAMPLE, Report, check, families
from onnxtwin.runtime_checks.cases.registry import Form, Regrouped
from onnxtwin.runtime_checks.compare import Tolerance
from onnxtwin.runtime_checks.coverage.compact import compact
from onnxtwin.runtime_checks.coverage.instrument import Instrument, instrument
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import stack
from onnxtwin.runtime_checks.tally import WITHHELD, Tally
from onnxtwin.runtime_checks.verdict import Examiner

COMPANY = 8
STACK = ("numpy", "pandas", "scikit-learn")

ASTRAL = "astral text"
"""The tag of rows with characters outside the BMP, which some bindings corrupt; they are recorded last."""

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_UNSOUND = re.compile("[\x00\ud800-\udfff]")
"""NUL and lone surrogates, which no vector holds: hardly any binding carries them."""

EDGE = "boundary"
"""The family whose rows are sought where an answer changes."""

_NOT_RECORDED = ("batches", "forms")
"""Families that repeat the sample's own rows."""


def record_vectors(
    session: Session, pipeline: Any, X: Any, *, rows_are: Literal["shuffled", "real"], rows: int, seed: int
) -> Vectors:
    """Rows of the sample and hostile rows made of them, with the pipeline's answers.

    A row on which the pipeline itself does not stand by its answer (the check's third state) is left out and
    counted, because another runtime may rightly answer it otherwise; any other difference stays in, for the
    self-test to find.

    Parameters
    ----------
    X : raw rows.
    rows_are : whether each column's values are permuted by themselves first.
    rows : of the sample; as many again, of all families of cases together, are chosen so that they
        exercise as much of the graph as they can, and one of each batch of cases at least.
    seed : of the choice and the permutations.
    """
    reference = Reference(pipeline, session.methods, session.signature)
    reference.sample = X
    chosen = choose(X, rows, seed)
    if rows_are == "shuffled":
        chosen = anonymise(chosen, seed)
    graph = instrument(session, session.signature, chosen, session.model)

    promised = Tolerance(session.signature.rtol, session.signature.atol)
    examiner = Examiner(reference, promised)
    current = ""

    def batches() -> Iterator[tuple[str, Any]]:
        nonlocal current
        for tag, batch in _batches(reference, session.signature, chosen, rows, seed, graph):
            current = tag
            yield tag, batch

    def doubt(batch: Any, inputs: Tensors, outputs: Tensors) -> NDArray[np.bool_]:
        failing = compare(session, inputs, outputs).failing
        unsettled = np.zeros_like(failing)
        if current == EDGE:
            # What is answered alike here may not be in another runtime, which sums in another order.
            for method in session.methods:
                unsettled |= examiner.unsettled(method, batch)
        if not failing.any():
            return unsettled
        # The check asks whether an answer depends on a row's company, so a batch of others goes first.
        company = take(chosen, slice(0, COMPANY))
        report = check(
            session,
            pipeline,
            stack(company, take(batch, np.flatnonzero(failing))),
            signature=session.signature,
            cases=False,
            batch_size=count_rows(company),
        )
        wrong = any(method.total.wrong or method.problems for method in report.methods)
        return np.zeros_like(failing) if wrong else failing | unsettled

    with quiet_calls():  # hostile rows make pipelines warn of unknown categories and the like, once a batch
        return record(
            session.signature,
            batches(),
            reference.call,
            rows_are=rows_are,
            seed=seed,
            doubt=doubt,
        )


def _batches(
    reference: Reference,
    signature: Signature,
    chosen: Any,
    rows: int,
    seed: int,
    graph: Instrument | None,
) -> Iterator[tuple[str, Any]]:
    """The sample, then what was chosen of each family; rows that some bindings cannot carry come last."""
    yield SAMPLE, chosen
    made: list[tuple[str, Any]] = []
    for name, generate in families(True, graph).items():
        if name not in _NOT_RECORDED:
            batches = generate(reference, signature, chosen, np.random.default_rng(seed))
            made += [(name, batch) for batch in batches if not isinstance(batch, (Regrouped, Form))]
    kept = compact(graph, [batch for _, batch in made], rows, np.random.default_rng(seed))
    astral = []
    for (name, batch), index in zip(made, kept, strict=True):
        batch = take(batch, index)
        text = _texts(batch)
        plain = np.array([not _UNSOUND.search(t) and not _ASTRAL.search(t) for t in text], dtype=np.bool_)
        beyond = np.array([not _UNSOUND.search(t) and bool(_ASTRAL.search(t)) for t in text], dtype=np.bool_)
        if plain.any():
            yield name, take(batch, np.flatnonzero(plain))
        if beyond.any():
            astral.append(take(batch, np.flatnonzero(beyond)))
    yield from ((ASTRAL, batch) for batch in astral)


def _texts(batch: Any) -> list[str]:
    """All texts of each row, joined."""
    if hasattr(batch, "columns"):
        held = [batch.iloc[:, i] for i in range(batch.shape[1]) if batch.dtypes.iloc[i].kind == "O"]
        columns = [[v if isinstance(v, str) else "" for v in column] for column in held]
        return [" ".join(row) for row in zip(*columns, strict=True)] if columns else [""] * len(batch)
    if getattr(batch, "ndim", 1) == 2:
        if batch.dtype.kind not in "OUT":
            return [""] * len(batch)
        return [" ".join(v for v in row if isinstance(v, str)) for row in batch.tolist()]
    return [v if isinstance(v, str) else "" for v in list(batch)]


def without_rows(report: Report) -> Report:
    """The report without any row of the user's: what an artifact carries that carries no real row."""
    return replace(
        report,
        minimal=None,
        methods=[
            replace(
                method,
                families={name: _withheld(tally) for name, tally in method.families.items()},
                undetermined=[replace(noted, row=WITHHELD) for noted in method.undetermined],
                domain=[replace(noted, row=WITHHELD) for noted in method.domain],
                limited=[replace(noted, row=WITHHELD) for noted in method.limited],
            )
            for method in report.methods
        ],
    )


def _withheld(tally: Tally) -> Tally:
    return replace(tally, worst=None if tally.worst is None else replace(tally.worst, row=WITHHELD))


def research_versions(pipeline: Any) -> dict[str, str]:
    """Versions of numpy, pandas, scikit-learn, and of the libraries of the pipeline's classes."""
    modules = {type(part).__module__.partition(".")[0] for part in _parts(pipeline)}
    installed = metadata.packages_distributions()
    names = {name for module in modules for name in installed.get(module, ())} | set(STACK)
    return {name: metadata.version(name) for name in sorted(names - {"onnxtwin"})}


def _parts(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """The pipeline and every object with parameters within it."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from _parts(entry, seen)
    elif hasattr(value, "get_params") and not isinstance(value, type):
        yield value
        for entry in value.get_params(deep=False).values():
            yield from _parts(entry, seen)
