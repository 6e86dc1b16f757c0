"""What the cases exercised of a graph, as a report shows it. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LISTED = 50
"""Items that were never reached, named per kind; the count is always of all of them."""


@dataclass(frozen=True)
class Covered:
    """One kind of decision: how many outcomes the graph has, and how many some row took.

    Attributes
    ----------
    kind : ``tree branches``, ``missing values at tree nodes``, ``categories``, ``bins and limits``,
        ``conditional branches``.
    total : outcomes that a row can take. Those proven impossible are not among them.
    reached : of these, the outcomes that some row took.
    never : what was never reached, in the user's words (step, column, threshold or category); at
        most :data:`LISTED` of ``total - reached``.
    unreachable : outcomes proven impossible, as a branch that contradicts a split above it; counted apart.
    """

    kind: str
    total: int
    reached: int
    never: tuple[str, ...] = ()
    unreachable: int = 0

    @property
    def share(self) -> float:
        """Reached by total, 1.0 where there is nothing to reach."""
        return self.reached / self.total if self.total else 1.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "total": self.total,
            "reached": self.reached,
            "share": self.share,
            "unreachable": self.unreachable,
            "never": list(self.never),
        }


@dataclass(frozen=True)
class Coverage:
    """The coverage of one graph by the rows of one check.

    Attributes
    ----------
    kinds : those that the graph has, in a fixed order.
    rows : rows that were counted.
    skipped : rows of the check that were not counted, because there were more than the count is limited to.
    """

    kinds: tuple[Covered, ...] = field(default=())
    rows: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        """Outcomes of all kinds that a row can take."""
        return sum(kind.total for kind in self.kinds)

    @property
    def reached(self) -> int:
        """Outcomes of all kinds that some row took."""
        return sum(kind.reached for kind in self.kinds)

    @property
    def share(self) -> float:
        """Reached by total, 1.0 for a graph that decides nothing."""
        return self.reached / self.total if self.total else 1.0

    @property
    def possible(self) -> tuple[Covered, ...]:
        """The kinds of which a row can take an outcome at all."""
        return tuple(kind for kind in self.kinds if kind.total)

    def __getitem__(self, kind: str) -> Covered:
        """One kind.

        Raises
        ------
        KeyError : the graph has no decision of that kind.
        """
        for entry in self.kinds:
            if entry.kind == kind:
                return entry
        raise KeyError(f"{kind!r}; the kinds are {[entry.kind for entry in self.kinds]}")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "share": self.share,
            "total": self.total,
            "reached": self.reached,
            "rows": self.rows,
            "skipped": self.skipped,
            "kinds": [kind.to_json() for kind in self.kinds],
        }
