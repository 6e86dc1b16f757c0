"""Rows next to each other, one representable step apart, between which a decision changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.boundary.answers import answer_pairs
from onnxtwin.runtime_checks.boundary.drafts import Array, Drafts, Ints, Origin, joined
from onnxtwin.runtime_checks.boundary.fitted import fitted_numbers
from onnxtwin.runtime_checks.boundary.neighbours import category_rows, far_rows, far_together, fitted_rows
from onnxtwin.runtime_checks.boundary.nodes import NodeSearch
from onnxtwin.runtime_checks.boundary.pools import pools
from onnxtwin.runtime_checks.boundary.tables import BASES, Oracle, tables, together
from onnxtwin.runtime_checks.boundary.thresholds import solved, switch_pairs
from onnxtwin.runtime_checks.boundary.turning import turning_pairs
from onnxtwin.runtime_checks.cases.registry import graph_family
from onnxtwin.runtime_checks.coverage.instrument import Instrument
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, take

BUDGET = 36_000
THOROUGH = 150_000
"""Rows of the family at most, usually and in a thorough check."""

SEEDS = 1_000
"""The user's rows that the search starts from."""

SHARE = 5_000
"""Rows at most for the switches (bins, limits, conditions), for categories, and for fitted numbers."""

FAR = 3_000
"""Rows at most with numbers beyond the user's own, in one column, and as many in several together."""

TOLD_APART = 10_000
"""Distinct tests of trees on one raw column whose neighbours are computed beforehand."""

CHUNK = 4_000
"""Rows of one batch, about."""


@graph_family("boundary")
def boundary(
    reference: Reference,
    signature: Signature,
    X: Rows,
    rng: np.random.Generator,
    graph: Instrument | None,
    thorough: bool = False,
) -> Iterator[Rows]:
    """Both sides of each place where an answer changes, as many as :data:`BUDGET` rows hold.

    In this order: where the pipeline's own answer changes along a raw column, found by bisection; the
    graph's switches; each category; the numbers that the pipeline has learnt about its raw columns; numbers
    beyond the user's; each node of each tree, from the roots down: both sides of its threshold, and missing.
    """
    if signature.container == "documents":
        return
    origin = _origin(reference, signature, X, rng, graph)
    if origin is None:
        return
    left, waiting = THOROUGH if thorough else BUDGET, origin.drafts.take(slice(0, 0))
    for part in _parts(reference, origin, rng, graph):
        waiting = joined([waiting, part.take(slice(0, left))])
        left -= min(left, len(part))
        if len(waiting) >= CHUNK:
            yield origin.rows(waiting)
            waiting = waiting.take(slice(0, 0))
        if not left:
            break
    if len(waiting):
        yield origin.rows(waiting)


def _origin(
    reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator, graph: Instrument | None
) -> Origin | None:
    """Rows that the pipeline and the graph's inputs accept; None if there are none."""
    rows = take(X, np.sort(rng.permutation(count(X))[:SEEDS]))
    rows = take(rows, reference.ask(rows).accepted)
    if not count(rows):
        return None
    try:
        return Origin(signature, rows, graph.feeds if graph else None)
    except InputError:
        # Rows that the pipeline answers and the twin refuses: the sample itself shows that.
        return None


def _parts(
    reference: Reference, origin: Origin, rng: np.random.Generator, graph: Instrument | None
) -> Iterator[Drafts]:
    yield answer_pairs(reference, origin, rng)
    fitted = fitted_numbers(reference.pipeline, [column.label for column in origin.columns])
    yield turning_pairs(reference, origin, fitted, rng.spawn(1)[0])
    lookups = graph.decisions.lookups if graph else ()
    listed = _accepted(reference, origin, pools(origin, lookups, fitted))
    bases = origin.drafts.take(np.sort(rng.permutation(len(origin.drafts))[:BASES]))
    found = None
    if graph is not None and len(graph.early.tensors):
        oracle = Oracle(graph, origin)
        found = tables(oracle, listed, bases)
        yield switch_pairs(oracle, found, bases, SHARE)
    yield category_rows(origin, listed, rng, SHARE)
    yield fitted_rows(origin, fitted, rng, SHARE)
    yield far_rows(origin, listed, rng, FAR)
    if graph is None or found is None or not oracle.matrices:
        return
    yield far_together(origin, listed, together(found), rng, FAR)
    known = solved(oracle, found, bases, TOLD_APART)
    searches = [
        NodeSearch(oracle, forest, found, known, origin.drafts, rng) for forest in oracle.decisions.forests
    ]
    for search in searches:
        yield from search.levels()
    for search in searches:
        yield from search.effects()


def _accepted(reference: Reference, origin: Origin, listed: list[Array]) -> list[Array]:
    """The values without those which the pipeline refuses, each tried in one row of the user's.

    Of many numbers only the outermost are tried: what lies between numbers that are accepted is left in.
    """
    base = origin.drafts.take([0])
    tried: list[tuple[int, Ints]] = []
    parts = []
    for column, values in enumerate(listed):
        ends = np.r_[0:4, len(values) - 4 : len(values)] if origin.order(column) else np.arange(len(values))
        at = np.unique(ends[(ends >= 0) & (ends < len(values))])
        drafts = base.take(np.zeros(len(at), np.int64))
        drafts.put(slice(None), column, values[at])
        tried.append((column, at))
        parts.append(drafts)
    accepted = reference.ask(origin.rows(joined(parts))).accepted
    kept = list(listed)
    start = 0
    for column, at in tried:
        refused = at[~accepted[start : start + len(at)]]
        kept[column] = np.delete(listed[column], refused)
        start += len(at)
    return kept
