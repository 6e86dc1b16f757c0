"""Missing values: each column alone, then all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature
from onnxtwin.runtime_checks.cases.registry import base_rows, family
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, set_column, take


def missing_value(column: Column) -> Any:
    """What a missing cell of this column is in the notebook."""
    if column.missing == "nat":
        return pd.NaT
    if column.missing == "token" and column.missing_value == "None":
        return None
    return np.nan


@family("missing")
def missing(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Each column missing alone, then all at once.

    Where the pipeline accepts a missing column, some twenty rows follow; where it refuses, two
    are enough to see that the twin refuses as well.
    """
    columns = [column for column in signature.columns if column.missing != "none"]
    base = base_rows(X, max(3, min(20, 2000 // max(1, len(columns)))), rng)
    everything = base
    for column in columns:
        rows = set_column(base, column.label, missing_value(column))
        everything = set_column(everything, column.label, missing_value(column))
        yield rows if reference.accepts(take(rows, [0])) else take(rows, slice(0, 2))
    if len(columns) > 1:
        yield everything if reference.accepts(take(everything, [0])) else take(everything, slice(0, 2))
