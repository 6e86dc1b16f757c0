"""Warnings silenced in one thread.

``warnings.catch_warnings`` replaces the filters of the whole process: while it lasts, other threads' warnings
are lost as well, and where two threads' blocks overlap, the filters of one of them stay for good.
"""

from __future__ import annotations

import contextlib
import re
import sys
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


_lock = threading.Lock()
_blocks: list[contextlib.ExitStack] = []
"""One entry for each open block of :func:`quiet_calls`; the first holds the filters to restore."""


@contextlib.contextmanager
def quiet_calls() -> Iterator[None]:
    """Ignore all warnings of the process for the length of a ``with`` block, by one filter.

    For many calls of ensembles: scikit-learn hands every filter to every tree, in whatever thread it runs,
    and eleven filters cost as much as the trees. Blocks of several threads may overlap: the filters come back
    when the last of them ends.
    """
    own = getattr(sys.flags, "context_aware_warnings", False)  # then each thread has filters of its own
    stack = contextlib.ExitStack()
    with _lock:
        if own or not _blocks:
            stack.enter_context(warnings.catch_warnings())
            warnings.resetwarnings()
            warnings.simplefilter("ignore")
        _blocks.append(stack)
    try:
        yield
    finally:
        with _lock:
            if own:
                _blocks.remove(stack)
                stack.close()
            else:
                last = _blocks[0] if len(_blocks) == 1 else None
                _blocks.pop()
                if last is not None:
                    last.close()
