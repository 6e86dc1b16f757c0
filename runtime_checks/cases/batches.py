"""Batches of the user's own rows: of every size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases.registry import base_rows, family
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count, take


@family("batches")
def batches(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """No row, one row, two rows, many: a graph must not have learnt the sample's row count."""
    base = base_rows(X, 257, rng)
    yield take(base, slice(0, 0))
    for position in range(min(5, count(base))):
        yield take(base, [position])
    if count(base) > 1:
        yield take(base, slice(0, 2))
    # An odd number, and each row repeated: neither a power of two nor the sample's own count.
    yield take(base, np.repeat(np.arange(count(base)), 3))
