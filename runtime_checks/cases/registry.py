"""The register of case families, and what they all build on.

A family takes the pipeline (as :class:`Reference`, so that it can ask), the signature, the
user's rows and a seeded random generator, and yields chunks of rows. Each chunk is answered as
one batch. A family need not know what is accepted: rows that the pipeline refuses are counted as
outside its domain, and the twin has to refuse them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, take

Family = Callable[[Reference, Signature, Rows, np.random.Generator], Iterator[Rows]]

SAMPLE = "sample"
"""The user's own rows; not a registered family, because they are streamed and always checked."""

_FAMILIES: dict[str, Family] = {}


def family(name: str) -> Callable[[Family], Family]:
    """Register a generator of cases under the name that tags its rows in the report."""

    def register(function: Family) -> Family:
        _FAMILIES[name] = function
        return function

    return register


def families(cases: bool | Sequence[str] = True) -> dict[str, Family]:
    """The families asked for: all, none, or those named.

    Raises
    ------
    CheckError : a name is not registered.
    """
    if isinstance(cases, bool):
        return dict(_FAMILIES) if cases else {}
    names = [cases] if isinstance(cases, str) else list(cases)
    unknown = [name for name in names if name not in _FAMILIES and name != SAMPLE]
    if unknown:
        raise CheckError(f"no such family of cases: {unknown}; there are {[SAMPLE, *_FAMILIES]}")
    return {name: _FAMILIES[name] for name in names if name != SAMPLE}


def base_rows(X: Rows, size: int, rng: np.random.Generator) -> Rows:
    """Up to ``size`` distinct rows of the user's, in their order, to build cases from."""
    return take(X, np.sort(rng.permutation(count(X))[:size]))
