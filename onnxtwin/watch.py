"""Who is told what goes on while a gate works, and how a check shows how far it is."""

from __future__ import annotations

import builtins
import contextlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from onnxtwin.runtime_checks.progress import Advance, Step


class Watch:
    """Keeps it to itself; a terminal shows it."""

    def doing(self, what: str) -> AbstractContextManager[Any]:
        """Something that may take a while."""
        return nullcontext()

    def rows(self) -> AbstractContextManager[Advance | None]:
        """A check, which calls what it is given."""
        return nullcontext()


@contextlib.contextmanager
def bar(console: Console) -> Iterator[Advance]:
    """A bar over the work of a check: which family runs, and how long is left. Gone when done."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        TextColumn("checking: {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("sample", total=None)

        def advance(step: Step) -> None:
            rows = f"{step.done:,}" if step.total is None else f"{step.done:,} of {step.total:,}"
            what = f"{step.what}, {rows} rows" if step.what == "sample" else step.what
            total = None if step.share is None else 1.0
            shown.update(task, description=what, completed=step.share or 0.0, total=total)

        yield advance


def for_a_person() -> AbstractContextManager[Advance | None]:
    """A bar on the standard error where a person types: at a prompt in a terminal, or in a notebook."""
    notebook = hasattr(builtins, "__IPYTHON__")
    prompt = hasattr(sys, "ps1") and sys.stderr is not None and sys.stderr.isatty()
    if not notebook and not prompt:
        return nullcontext()
    from rich.console import Console

    console = Console(stderr=True)
    return bar(console) if console.is_terminal or console.is_jupyter else nullcontext()
