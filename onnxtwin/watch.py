"""Who is told what goes on while a gate works."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Advance = Callable[[int, int | None], None]
"""Called with the rows done and their number, None where that is not known."""


class Watch:
    """Keeps it to itself; a terminal shows it."""

    def doing(self, what: str) -> AbstractContextManager[Any]:
        """Something that may take a while."""
        return nullcontext()

    def rows(self) -> AbstractContextManager[Advance | None]:
        """A check, which calls what it is given."""
        return nullcontext()
