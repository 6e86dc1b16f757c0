"""Warnings silenced in one thread.

``warnings.catch_warnings`` replaces the filters of the whole process: while it lasts, other threads' warnings
are lost as well, and where two threads' blocks overlap, the filters of one of them stay for good.
"""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any


class _InThread:
    """What a filter asks for a match, in the place of a regular expression.

    To who hands filters on to workers (scikit-learn does), it is an expression that matches nothing.
    """

    pattern = "(?!)"

    def __reduce__(self) -> Any:
        return re.compile, (self.pattern,)

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.active = True

    def match(self, text: str) -> bool:
        return self.active and threading.get_ident() == self.thread


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Ignore the warnings of this thread for the length of a ``with`` block."""
    asked = _InThread()
    entry: Any = ("ignore", asked, Warning, None, 0)
    filters: Any = warnings.filters
    filters.insert(0, entry)
    try:
        yield
    finally:
        asked.active = False  # a copy of the filters that another thread made meanwhile may live on
        with contextlib.suppress(ValueError):
            filters.remove(entry)
