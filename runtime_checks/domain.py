"""Rows that only one side refuses: the twin's fault, or does the pipeline not know itself?

A pipeline may answer a row alone and refuse it in company: ``pd.to_datetime`` takes the layout of
its first text and refuses other layouts after it. Such a row is undetermined, whatever the twin does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onnxtwin.runtime_checks.cases.registry import Form
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.report import LISTED, MethodReport, Noted
from onnxtwin.runtime_checks.rows import Rows, count, stack, take, typed_row
from onnxtwin.runtime_checks.verdict import ENOUGH

IN_COMPANY = "the pipeline answers this row or refuses it, depending on the rows that it comes with"


MOST_LIMITED = 0.05
"""The share of the user's own rows that declared limits may refuse; a twin that refuses more is red."""


def beyond_limits(reports: Iterable[MethodReport], family: str) -> str | None:
    """What is wrong where limits of the twin refuse too many rows of ``family``, or None."""
    tally = next((report.families[family] for report in reports if family in report.families), None)
    if tally is None or tally.limited_share <= MOST_LIMITED:
        return None
    answered = tally.rows + tally.refused_inside + tally.limited
    return (
        f"limits that the contract declares refuse {tally.limited:,} of the {answered:,} rows handed in that "
        f"the pipeline answers, more than {MOST_LIMITED:.0%}: spell their texts alike before the pipeline"
    )


class DomainAudit:
    """Counts and lists the rows on whose refusal the two sides disagree.

    ``company`` is a row that both sides answer; without one, every disagreement is determined.
    """

    def __init__(self, reference: Reference, reports: Iterable[MethodReport]) -> None:
        self.company: Rows | None = None
        self._reference = reference
        self._reports = list(reports)
        self._determined = 0

    def answered_outside(
        self, family: str, X: Rows, errors: Mapping[int, str], positions: Mapping[int, int | None]
    ) -> None:
        """Rows of ``X`` that the pipeline refuses with these errors, and the twin answers."""
        for row, error in errors.items():
            text = f"the twin answers, the pipeline raises {error}"
            self._count(family, "answered_outside", X, row, positions[row], text)

    def taken(self, family: str, case: Form, error: str) -> None:
        """Rows in another form that the pipeline refuses with this error, and the twin answers."""
        text = f"{case.what}: the twin answers, the pipeline raises {error}"
        for report in self._reports:
            report.family(family).answered_outside += count(case.rows)
            if len(report.domain) < LISTED:
                report.domain.append(Noted(typed_row(case.rows, 0), None, family, text))

    def refused_inside(
        self,
        family: str,
        X: Rows,
        errors: Mapping[int, str],
        positions: Mapping[int, int | None],
        limited: frozenset[int] = frozenset(),
    ) -> None:
        """Rows of ``X`` that the pipeline answers, and the twin refuses with these errors.

        Those in ``limited`` are beyond a limit that the contract declares: counted, and not wrong.
        """
        for row, error in errors.items():
            text = f"the pipeline answers, the twin raises {error}"
            if row in limited:
                self._list_limited(family, X, row, positions[row], text)
            else:
                self._count(family, "refused_inside", X, row, positions[row], text)

    def _list_limited(self, family: str, X: Rows, row: int, position: int | None, text: str) -> None:
        for report in self._reports:
            report.family(family).limited += 1
            if len(report.limited) < LISTED:
                report.limited.append(Noted(typed_row(X, row), position, family, text))

    def _count(self, family: str, kind: str, X: Rows, row: int, position: int | None, text: str) -> None:
        undetermined = self._undetermined(take(X, [row]), answered=kind == "refused_inside")
        for report in self._reports:
            tally = report.family(family)
            name = "undetermined" if undetermined else kind
            setattr(tally, name, getattr(tally, name) + 1)
            listed = report.undetermined if undetermined else report.domain
            if len(listed) < LISTED:
                listed.append(
                    Noted(typed_row(X, row), position, family, IN_COMPANY if undetermined else text)
                )

    def _undetermined(self, row: Rows, answered: bool) -> bool:
        if self.company is None or self._determined >= ENOUGH:
            return False
        batches = (row, stack(self.company, row), stack(row, self.company))
        undetermined = any(self._reference.accepts(batch) != answered for batch in batches)
        self._determined += not undetermined
        return undetermined
