"""Batches of the user's own rows: of every size, and the same rows in other company."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases.registry import Regrouped, base_rows, family
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, count

MANY = 257
"""Rows of the large batches: neither a power of two nor, as a rule, the sample's own count."""

ALONE = 4
"""Rows that are answered in a batch of one."""


@family("batches")
def batches(
    reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator
) -> Iterator[Regrouped]:
    """No row, one, two, many; the many reversed, shuffled and repeated."""
    base = base_rows(X, MANY, rng)
    n = count(base)
    everyone = np.arange(n)
    groups = [everyone, everyone[:0], *([i] for i in range(min(ALONE, n))), everyone[:2], everyone[::-1]]
    groups += [rng.permutation(n), rng.permutation(np.repeat(everyone, 3)), np.repeat(everyone[:1], MANY)]
    for group in groups:
        yield Regrouped(base, np.asarray(group, dtype=np.int64))
