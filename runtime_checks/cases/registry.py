"""The register of case families, and what they all build on.

A family takes the pipeline (as :class:`Reference`, so that it can ask), the signature, the
user's rows and a seeded random generator, and yields chunks of rows. Each chunk is answered as
one batch. A family need not know what is accepted: rows that the pipeline refuses are counted as
outside its domain, and the twin has to refuse them too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, edited, take

if TYPE_CHECKING:
    from onnxtwin.runtime_checks.coverage.instrument import Instrument


@dataclass(frozen=True)
class Regrouped:
    """A batch of rows that other batches of the family hold too: the answers to a row must agree.

    Attributes
    ----------
    base : the rows that all batches of the family are taken from.
    source : ``[N]``, which row of ``base`` each row of the batch is.
    """

    base: Rows
    source: npt.NDArray[np.int64]

    @property
    def rows(self) -> Rows:
        """The batch."""
        return take(self.base, self.source)


@dataclass(frozen=True)
class Form:
    """Rows in another form than the sample's, which a twin may refuse although the pipeline answers them.

    Attributes
    ----------
    rows : a few rows, all in that form.
    what : what is other.
    narrow : whether the pipeline computes in single precision on them, whose rounding excuses no twin that
        answers in double precision.
    """

    rows: Any
    what: str
    narrow: bool = False


Family = Callable[[Reference, Signature, Rows, np.random.Generator], Iterator[Rows | Regrouped | Form]]

if TYPE_CHECKING:
    GraphFamily = Callable[..., Iterator[Rows]]
    """A family whose keyword ``graph`` is the twin's graph opened for observation, or None."""

SAMPLE = "sample"
"""The user's own rows; not a registered family, because they are streamed and always checked."""

_FAMILIES: dict[str, Family] = {}
_OF_GRAPH: dict[str, GraphFamily] = {}


def family(name: str) -> Callable[[Family], Family]:
    """Register a generator of cases under the name that tags its rows in the report."""

    def register(function: Family) -> Family:
        _FAMILIES[name] = function
        return function

    return register


def graph_family(name: str) -> Callable[[GraphFamily], GraphFamily]:
    """Register a generator that also looks at the graph, None if there is none, and may be ``thorough``."""

    def register(function: GraphFamily) -> GraphFamily:
        _FAMILIES[name] = partial(function, graph=None)
        _OF_GRAPH[name] = function
        return function

    return register


def families(
    cases: bool | Sequence[str] = True, graph: Instrument | None = None, thorough: bool = False
) -> dict[str, Family]:
    """The families asked for: all, none, or those named.

    Parameters
    ----------
    graph : the twin's, opened for observation, for the families that look at it.
    thorough : whether these make more rows than usual.

    Raises
    ------
    CheckError : a name is not registered.
    """
    known = dict(_FAMILIES)
    if graph is not None or thorough:
        known.update(
            {name: partial(function, graph=graph, thorough=thorough) for name, function in _OF_GRAPH.items()}
        )
    if isinstance(cases, bool):
        return known if cases else {}
    names = [cases] if isinstance(cases, str) else list(cases)
    unknown = [name for name in names if name not in known and name != SAMPLE]
    if unknown:
        raise CheckError(f"no such family of cases: {unknown}; there are {[SAMPLE, *known]}")
    return {name: known[name] for name in names if name != SAMPLE}


CELLS = 2**21
"""Cells of one batch of cases, at most: a table of 20,000 columns gets batches of 100 rows."""

BATCH_ROWS = 512
"""Rows of one batch of cases, at most."""

Edit = Mapping[Any, Any]
"""Label → value: the cells of one row that a case changes."""


def base_rows(X: Rows, size: int, rng: np.random.Generator) -> Rows:
    """Up to ``size`` distinct rows of the user's, in their order, to build cases from."""
    return take(X, np.sort(rng.permutation(count(X))[:size]))


def made(base: Rows, edits: Sequence[Edit]) -> Iterator[Rows]:
    """The rows that the edits make of ``base``, in batches of bounded size."""
    width = base.shape[1] if getattr(base, "ndim", 1) == 2 else 1
    size = max(1, min(BATCH_ROWS, CELLS // max(1, width)))
    for start in range(0, len(edits), size):
        # Each batch starts with another row of the base, as if they were made in one go.
        turned = np.roll(np.arange(count(base)), -start)
        yield edited(take(base, turned), edits[start : start + size])


THOROUGH = 4
"""Times that a thorough check makes the rows of a family, each time from other rows of the user's."""


def generated(
    name: str,
    generate: Family,
    reference: Reference,
    signature: Signature,
    X: Rows,
    seed: int,
    thorough: bool = False,
) -> Iterator[Rows | Regrouped | Form]:
    """The batches of a family, the same for the same seed whichever other families run."""
    for turn in range(THOROUGH if thorough else 1):
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), *([turn] if turn else [])])
        yield from generate(reference, signature, X, rng)
