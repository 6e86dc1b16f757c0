"""Hostile values of many columns, asked about together: a call of the pipeline costs more than its rows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from onnxtwin.runtime_checks.cases.registry import BATCH_ROWS, Edit
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, edited, take

REFUSED_SHOWN = 3
"""Rows that show a refusal, where the pipeline refuses a column's hostile values one and all."""

REFUSALS = 64
"""Rows that are expected to be refused, at most: each costs a call on either side."""

PROBES = 5
"""Values of a column that are asked about first."""


def together(
    reference: Reference, base: Rows, edits: Mapping[Any, Sequence[Edit]]
) -> Iterator[tuple[Rows | None, list[Any]]]:
    """Rows of as many columns at once as the pipeline answers; a column that it refuses by itself.

    Each batch begins with a row of the user's: a pipeline may take the format of a date from it.

    Parameters
    ----------
    edits : by column's label; those of one column stay in one batch.

    Yields
    ------
    Rows that the pipeline answers, and their columns; None for a column, one of whose rows it refuses.
    """
    waiting: list[Any] = []
    rows = 0
    for label, of_column in edits.items():
        if waiting and rows + len(of_column) > BATCH_ROWS:
            yield from _halved(reference, base, edits, waiting)
            waiting, rows = [], 0
        waiting.append(label)
        rows += len(of_column)
    if waiting:
        yield from _halved(reference, base, edits, waiting)


def _halved(
    reference: Reference, base: Rows, edits: Mapping[Any, Sequence[Edit]], labels: list[Any]
) -> Iterator[tuple[Rows | None, list[Any]]]:
    rows = edited(base, [{}, *(edit for label in labels for edit in edits[label])])
    if reference.accepts(rows):
        yield rows, labels
    elif len(labels) == 1:
        yield None, labels
    else:
        half = len(labels) // 2
        yield from _halved(reference, base, edits, labels[:half])
        yield from _halved(reference, base, edits, labels[half:])


def refused(
    reference: Reference, base: Rows, edits: Sequence[Edit], rng: np.random.Generator
) -> Iterator[tuple[Rows, list[Edit]]]:
    """Rows that the pipeline most likely refuses, each asked alone; and the edits that it answers after all.

    Of many edits some are chosen.
    """
    chosen = [edits[i] for i in np.sort(rng.permutation(len(edits))[:REFUSALS])]
    if chosen:
        rows = edited(base, chosen)
        accepted = reference.ask(rows, apart=np.ones(len(chosen), dtype=np.bool_)).accepted
        yield rows, [edit for edit, answered in zip(chosen, accepted, strict=True) if answered]


def admitted(reference: Reference, base: Rows, label: Any, values: Sequence[Any]) -> list[Any]:
    """Of values that the pipeline does not answer together: as many as its refusals allow.

    Asked are five values, evenly spread. If all are refused, three show it; if most are, a quarter.
    """
    probes = [values[i] for i in np.linspace(0, len(values) - 1, PROBES).astype(int)]
    accepted = sum(reference.accepts(edited(take(base, [0]), [{label: value}])) for value in probes)
    if not accepted:
        return list(values[:REFUSED_SHOWN])
    return list(values if 2 * accepted > PROBES else values[: len(values) // 4])


def reach(reference: Reference, base: Rows, label: Any, runs: Sequence[Sequence[Any]]) -> list[int]:
    """How many values of each run the pipeline answers, from the first on."""

    def answers(values: Sequence[Any]) -> bool:
        return reference.accepts(edited(base, [{}, *({label: value} for value in values)]))

    if answers([value for run in runs for value in run]):
        return [len(run) for run in runs]

    def limit(run: Sequence[Any]) -> int:
        return bisect_left(range(1, len(run) + 1), True, key=lambda n: not answers(run[:n]))

    return [limit(run) for run in runs]
