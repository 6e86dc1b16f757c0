"""What the commands share: the application, exit codes, common options, the terminal, errors."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from onnxtwin.exporters.errors import OnnxTwinError, UnequalError
from onnxtwin.watch import Watch, bar

if TYPE_CHECKING:
    from onnxtwin.runtime_checks import Report
    from onnxtwin.runtime_checks.progress import Advance

EQUAL, UNEQUAL, USAGE, COULD_NOT_RUN = 0, 1, 2, 3

app = typer.Typer(
    name="onnxtwin",
    help="A fitted pipeline as one ONNX graph, proven equal on your own rows. "
    "Exit codes: 0 equal, 1 unequal, 2 wrong usage, 3 could not run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


Recipe = Annotated[
    str, typer.Argument(help="path.py:function or package.module:function; it is code and runs as code.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")]
JunitFile = Annotated[Path | None, typer.Option("--junit", help="Write the report as JUnit XML.")]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", help="Write a summary in Markdown, for a CI server's page.")
]


def open_console() -> Console:
    """The terminal; where there is none (a CI log, a file), lines may be as long as a table is wide."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, 140))


@dataclass
class Files:
    """Where reports are written, None for nowhere. Markdown is one file, however many reports there are."""

    json: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    _begun: bool = False

    def write(self, report: Report, name: str | None = None) -> None:
        """Write a report in each form that is asked for; one of several has a name: ``report-java.xml``."""

        def put(file: Path | None, text: Callable[[], str]) -> None:
            if file is not None:
                own = file if name is None else file.with_stem(f"{file.stem}-{name}")
                own.write_text(text(), encoding="utf-8")

        put(self.json, lambda: json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n")
        put(self.html, report.to_html)
        put(self.junit, report.to_junit)
        if self.markdown is not None:
            self.note(report.to_markdown())

    def note(self, text: str) -> None:
        """Add to the Markdown, which the first note begins anew."""
        if self.markdown is not None:
            with self.markdown.open("a" if self._begun else "w", encoding="utf-8") as file:
                file.write(text.rstrip() + "\n\n")
            self._begun = True


class ConsoleWatch(Watch):
    """Shows in the terminal what goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def doing(self, what: str) -> AbstractContextManager[Any]:
        """See :meth:`Watch.doing`."""
        return self._console.status(escape(what))

    def rows(self) -> AbstractContextManager[Advance | None]:
        """See :meth:`Watch.rows`."""
        return bar(self._console)


def overall(codes: Sequence[int]) -> int:
    """The exit code of several checks: one that is unequal goes before one that could not run."""
    return UNEQUAL if UNEQUAL in codes else max(codes)


class Reported:
    """Ends a command with exit code 3 whatever goes wrong in it: only a verdict ends with 0 or 1.

    An error raised on purpose, and a file that cannot be read or written, is one message; anything else is
    a defect, here or in the pipeline, and shows its traceback.
    """

    def __init__(self, debug: bool) -> None:
        self._debug = debug

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, (typer.Exit, typer.BadParameter)):
            return
        if isinstance(error, SystemExit):  # rich ends so when nobody reads its output any more
            raise typer.Exit(COULD_NOT_RUN) from error
        console = Console(stderr=True)
        code = UNEQUAL if isinstance(error, UnequalError) else COULD_NOT_RUN
        if isinstance(error, KeyboardInterrupt):
            console.print("[bold red]interrupted[/]")
        elif isinstance(error, (OnnxTwinError, OSError)) and not self._debug:
            console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        else:
            traceback.print_exception(error)
        raise typer.Exit(code) from error
