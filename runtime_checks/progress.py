"""How far a check is: which family of rows it answers, and what share of the work lies behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

HEAVY = {"boundary": 5.0, "extreme": 2.0}
"""What a family costs, of those that cost more than the others."""

ROWS = 10_000
"""The user's rows that cost as much as a family."""


@dataclass(frozen=True)
class Step:
    """What is told of a check while it goes on.

    Attributes
    ----------
    what : the family whose rows are answered; first the user's own, ``sample``.
    done, total : the user's rows answered, and how many there are; None if that is not known.
    share : of the whole work, what is done, from 0 to 1, by what families usually cost; None if that is
        not known.
    """

    what: str
    done: int
    total: int | None
    share: float | None


Advance = Callable[[Step], None]


class Tracker:
    """Tells each step, and remembers which families are done.

    Parameters
    ----------
    families : of which rows are answered, the sample first, in their order.
    total : the user's rows; None if that is not known.
    """

    def __init__(self, families: Sequence[str], total: int | None, tell: Advance | None) -> None:
        self.left = list(families)
        self._total = total
        self._tell = tell
        self._rows = 0
        of_rows = 1.0 if total is None else max(1.0, total / ROWS)
        self._weights = {name: HEAVY.get(name, 1.0) for name in families} | {families[0]: of_rows}
        self._sum = sum(self._weights.values())

    def rows(self, done: int) -> None:
        """So many of the user's rows are answered."""
        self._rows = done
        part = None if self._total is None else self._weights[self.left[0]] * done / max(1, self._total)
        self._say(part)

    def begins(self, family: str) -> None:
        """A family begins, and with it all those before it are done."""
        del self.left[: self.left.index(family)]
        self._say(self._sum - sum(self._weights[name] for name in self.left))

    def ends(self) -> None:
        """All families are done."""
        self.left = []

    def _say(self, part: float | None) -> None:
        if self._tell is not None:
            share = None if part is None else min(1.0, part / self._sum)
            self._tell(Step(self.left[0], self._rows, self._total, share))
