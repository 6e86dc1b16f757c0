"""The command line: ``onnxtwin build``, ``onnxtwin check``, ``onnxtwin show``.

Exit codes: 0 equal, 1 unequal, 2 wrong usage, 3 could not run.
"""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from onnxtwin.exporters.errors import OnnxTwinError, UnequalError
from onnxtwin.twin import RECORDED_ROWS, export

if TYPE_CHECKING:
    from onnxtwin.runtime_checks import Report

EQUAL, UNEQUAL, USAGE, COULD_NOT_RUN = 0, 1, 2, 3

app = typer.Typer(
    name="onnxtwin",
    help="A fitted pipeline as one ONNX graph, proven equal on your own rows. "
    "Exit codes: 0 equal, 1 unequal, 2 wrong usage, 3 could not run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class RowsAre(StrEnum):
    """What the recorded rows are."""

    shuffled = "shuffled"
    real = "real"


class Layout(StrEnum):
    """How the raw columns reach the graph."""

    columns = "columns"
    packed = "packed"


Recipe = Annotated[
    str, typer.Argument(help="path.py:function or package.module:function; it is code and runs as code.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")]
JunitFile = Annotated[Path | None, typer.Option("--junit", help="Write the report as JUnit XML.")]


@app.command()
def build(
    recipe: Recipe,
    output: Annotated[Path, typer.Option("-o", "--output", help="The artifact's folder.")],
    methods: Annotated[
        str | None,
        typer.Option(
            help="Methods to export, separated by commas, or 'all'. Default: what production calls."
        ),
    ] = None,
    layout: Annotated[
        Layout, typer.Option(help="One input a raw column, or one a data type (packed).")
    ] = Layout.columns,
    vectors: Annotated[
        RowsAre, typer.Option(help="Record rows whose columns are shuffled, or real rows.")
    ] = RowsAre.shuffled,
    rows: Annotated[int, typer.Option(min=1, help="Rows of the sample to record.")] = RECORDED_ROWS,
    seed: Annotated[int, typer.Option(min=0, help="Of the recorded rows and of the hostile ones.")] = 0,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    junit_file: JunitFile = None,
    debug: Debug = False,
) -> None:
    """Export a recipe's pipeline, check it, and write the artifact; nothing is written if it is unequal."""
    from onnxtwin.build.recipe import importable, run_recipe

    console = _console()
    with _Reported(debug), importable(recipe):
        with console.status(f"running {escape(recipe)}"):
            material = run_recipe(recipe)
        with console.status("exporting"):
            chosen = (
                [name.strip() for name in methods.split(",")] if methods and methods != "all" else methods
            )
            twin = export(material.pipeline, material.X, methods=chosen, layout=layout.value)
        with _progress(console) as advance:
            report = twin.check(material.X, seed=seed, progress=advance)
        _tell(console, report, json_file, html_file, junit_file)
        if not report.ok:
            console.print(f"[red]nothing was written to {escape(str(output))}[/]")
            raise typer.Exit(report.exit_code)
        with console.status("recording rows"):
            folder = twin.save(output, vectors=vectors.value, rows=rows, seed=seed)
        size = sum(file.stat().st_size for file in folder.iterdir())
        console.print(f"wrote {escape(str(output))} ({size / 1e6:.1f} MB)")


@app.command()
def check(
    artifact: Annotated[Path, typer.Argument(help="The artifact's folder.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Raw rows, .parquet or .csv, to compare with the recipe's pipeline on."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Compare with this recipe's pipeline, not with the recorded answers.")
    ] = None,
    runtime: Annotated[list[str] | None, typer.Option(help="Where to run the graph; repeatable.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the hostile rows.")] = 0,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    junit_file: JunitFile = None,
    debug: Debug = False,
) -> None:
    """Check an artifact: replay its recorded rows, or compare with a recipe's pipeline on your rows."""
    if data is not None and recipe is None:
        raise typer.BadParameter(
            "--data needs --recipe: rows alone have no right answers", param_hint="--data"
        )
    console = _console()
    with _Reported(debug):
        reports = list(_reports(console, artifact, data, recipe, runtime or ["python"], seed))
        for report in reports:
            several = len(reports) > 1
            files = [_named(file, report, several) for file in (json_file, html_file, junit_file)]
            _tell(console, report, *files)
    codes = [report.exit_code for report in reports]
    raise typer.Exit(UNEQUAL if UNEQUAL in codes else max(codes))


@app.command()
def show(
    artifact: Annotated[Path, typer.Argument(help="The artifact's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print contract.json as it is.")] = False,
    debug: Debug = False,
) -> None:
    """Show an artifact's contract, for a person."""
    from onnxtwin.build.artifact import read
    from onnxtwin.show import render

    console = _console()
    with _Reported(debug):
        found = read(artifact)
        if as_json:
            typer.echo(json.dumps(found.contract, indent=2, ensure_ascii=False))
        else:
            render(found, console)


def main() -> None:
    """Run the command line; what ``onnxtwin`` on the shell calls."""
    app()


def _console() -> Console:
    """The terminal; where there is none (a CI log, a file), lines may be as long as a table is wide."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, 140))


def _reports(
    console: Console, folder: Path, data: Path | None, recipe: str | None, names: list[str], seed: int
) -> Iterator[Report]:
    from onnxtwin.build.artifact import MODEL, read
    from onnxtwin.build.recipe import importable, run_recipe
    from onnxtwin.build.tables import read_rows
    from onnxtwin.exporters.errors import CheckError
    from onnxtwin.runtime_checks import check as check_rows
    from onnxtwin.runtime_checks import select
    from onnxtwin.runtime_checks.recorded import check_recorded

    artifact = read(folder)
    runtimes, skipped = select(names)
    if recipe is None:
        for runtime in runtimes:
            if runtime.name != "python":
                raise CheckError(f"{runtime.name} cannot replay recorded rows; compare with --recipe")
            report = check_recorded(artifact.session(), artifact.vectors, runtime.describe())
            report.skipped.update(skipped)
            yield report
        return
    with importable(recipe):
        with console.status(f"running {escape(recipe)}"):
            material = run_recipe(recipe)
        X = material.X if data is None else read_rows(data, artifact.signature)
        for runtime in runtimes:
            answers = runtime.open(artifact.path / MODEL, artifact.signature)
            with _progress(console) as advance:
                report = check_rows(
                    answers,
                    material.pipeline,
                    X,
                    signature=artifact.signature,
                    seed=seed,
                    progress=advance,
                    runtime=runtime.describe(),
                )
            report.skipped.update(skipped)
            yield report


def _tell(
    console: Console, report: Report, json_file: Path | None, html_file: Path | None, junit_file: Path | None
) -> None:
    """Print a report and write the files asked for."""
    report.render(console)
    if json_file is not None:
        json_file.write_text(
            json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if html_file is not None:
        html_file.write_text(report.to_html(), encoding="utf-8")
    if junit_file is not None:
        junit_file.write_text(report.to_junit(), encoding="utf-8")


def _named(file: Path | None, report: Report, several: bool) -> Path | None:
    """The file of one runtime's report: ``report.xml``, or ``report-java.xml`` where there are several."""
    if file is None or not several:
        return file
    return file.with_stem(f"{file.stem}-{report.runtime.partition(',')[0]}")


class _Reported:
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


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar over the rows checked, gone when done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        TextColumn("checking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
