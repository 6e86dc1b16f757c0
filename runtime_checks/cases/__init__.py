"""Hostile rows, made from the user's own: each *family* is one registered generator function.

One module a family; importing it registers it, and the check runs them in that order.
"""

from onnxtwin.runtime_checks.cases import (  # noqa: I001 - the order of the report
    missing,
    unknown,
    crossed,
    boundary,
    extreme,
    search,
    batches,
    forms,
)
from onnxtwin.runtime_checks.cases.missing import missing_value
from onnxtwin.runtime_checks.cases.registry import (
    SAMPLE,
    Family,
    Form,
    Regrouped,
    base_rows,
    families,
    family,
)
from onnxtwin.runtime_checks.cases.unknown import unseen_texts, unseen_values

__all__ = [
    "SAMPLE",
    "Family",
    "Form",
    "Regrouped",
    "base_rows",
    "batches",
    "boundary",
    "crossed",
    "extreme",
    "families",
    "family",
    "forms",
    "missing",
    "missing_value",
    "search",
    "unknown",
    "unseen_texts",
    "unseen_values",
]
