"""What goes into an artifact beside the graph: recorded rows and the research stack's versions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.replay import compare
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Tensors, Vectors, anonymise, choose, count_rows, record, take
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks import SAMPLE, Report, check, families
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import stack
from onnxtwin.runtime_checks.tally import WITHHELD, Tally

COMPANY = 8
STACK = ("numpy", "pandas", "scikit-learn")

_NOT_RECORDED = "batches"
"""A family that repeats the sample's own rows."""


def record_vectors(
    session: Session, pipeline: Any, X: Any, *, rows_are: Literal["shuffled", "real"], rows: int, seed: int
) -> Vectors:
    """Rows of the sample and hostile rows made of them, with the pipeline's answers.

    A row on which the twin differs, and the pipeline itself does not stand by its answer (the check's
    third state), is left out and counted; any other difference stays in, for the self-test to find.

    Parameters
    ----------
    X : raw rows.
    rows_are : whether each column's values are permuted by themselves first.
    rows : of the sample; as many again, at most, are made in each family of cases.
    seed : of the choice and the permutations.
    """
    reference = Reference(pipeline, session.methods, session.signature)
    chosen = choose(X, rows, seed)
    if rows_are == "shuffled":
        chosen = anonymise(chosen, seed)

    def doubt(batch: Any, inputs: Tensors, outputs: Tensors) -> NDArray[np.bool_]:
        failing = compare(session, inputs, outputs).failing
        if not failing.any():
            return failing
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
        return np.zeros_like(failing) if wrong else failing

    with warnings.catch_warnings():
        # Hostile rows make pipelines warn about unknown categories and the like, once a batch.
        warnings.simplefilter("ignore")
        return record(
            session.signature,
            _batches(reference, session.signature, chosen, rows, seed),
            reference.call,
            rows_are=rows_are,
            seed=seed,
            doubt=doubt,
        )


def _batches(
    reference: Reference, signature: Signature, chosen: Any, rows: int, seed: int
) -> Iterator[tuple[str, Any]]:
    yield SAMPLE, chosen
    for name, generate in families().items():
        if name == _NOT_RECORDED:
            continue
        made = list(generate(reference, signature, chosen, np.random.default_rng(seed)))
        for batch in made:
            share = max(1, rows // len(made))
            yield name, take(batch, slice(0, min(share, count_rows(batch))))


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
