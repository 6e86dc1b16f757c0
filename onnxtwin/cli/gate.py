"""``onnxtwin gate``: every artifact of a project, for a CI job that stays red while one is unequal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onnxtwin.cli.common import (
    COULD_NOT_RUN,
    ConsoleWatch,
    Debug,
    Files,
    MarkdownFile,
    Reported,
    app,
    open_console,
    overall,
)
from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.settings import Plan, plans, read_settings

if TYPE_CHECKING:
    from onnxtwin.runtime_checks import Report


@app.command()
def gate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Artifacts, or folders that hold some. Default: those of onnxtwin.toml."),
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(help="A folder for the reports: HTML, JSON, JUnit XML.")
    ] = None,
    markdown_file: MarkdownFile = None,
    debug: Debug = False,
) -> None:
    """Check all artifacts: replay their recorded rows, and compare with the recipes that onnxtwin.toml names.

    The settings are onnxtwin.toml, or [tool.onnxtwin] in pyproject.toml, here or above. Their recipes are
    code and run as code.
    """
    console = open_console()
    outcomes: list[tuple[str, str, int]] = []
    with Reported(debug):
        chosen = plans(paths or [], read_settings())
        if reports is not None:
            reports.mkdir(parents=True, exist_ok=True)
        summary = Files(markdown=markdown_file)
        summary.note("## onnxtwin")
        for plan in chosen:
            for what, report in _reports(plan, console, debug):
                name = f"{plan.artifact} {what}"
                console.rule(escape(name))
                if isinstance(report, str):
                    console.print(f"[bold red]error:[/] {escape(report)}", soft_wrap=True, highlight=False)
                    summary.note(f"### {name}\n\ncould not run: {report}")
                    outcomes.append((name, "could not run", COULD_NOT_RUN))
                    continue
                report.render(console)
                summary.note(f"### {name}\n\n{report.to_markdown()}")
                if reports is not None:
                    _files(reports, plan.artifact, what).write(report)
                outcomes.append((name, report.verdict, report.exit_code))
    console.print(_table(outcomes))
    raise typer.Exit(overall([code for _, _, code in outcomes]))


def _reports(plan: Plan, console: Console, debug: bool) -> Iterator[tuple[str, Report | str]]:
    """What is checked and its report, or the error that kept it from being carried out."""
    from onnxtwin.gate import Gate
    from onnxtwin.runtime_checks import select

    work = Gate(plan, ConsoleWatch(console))
    try:
        runtimes, skipped = select(plan.runtimes)
    except OnnxTwinError as error:
        if debug:
            raise
        yield "", str(error)
        return
    steps = [("recorded rows", work.replay), *([("recipe", work.compare)] if plan.recipe else [])]
    for name, step in steps:
        for runtime in runtimes:
            what = f"{name}, {runtime.name}"
            try:
                report = step(runtime)
            except (OnnxTwinError, OSError) as error:
                if debug:
                    raise
                yield what, str(error)
                continue
            report.skipped.update(skipped)
            yield what, report


def _files(folder: Path, artifact: Path, what: str) -> Files:
    """Where one report goes: ``artifacts-flights-recorded-rows-python.html`` and so on."""
    parts = [part.strip("/\\:") for part in artifact.parts if part not in ("..", ".")]
    name = "-".join([*(part for part in parts if part), what.replace(", ", "-").replace(" ", "-")])
    return Files(folder / f"{name}.json", folder / f"{name}.html", folder / f"{name}.xml")


def _table(outcomes: list[tuple[str, str, int]]) -> Table:
    table = Table("artifact", "verdict")
    for name, verdict, code in outcomes:
        colour = "red" if code else "green"
        table.add_row(escape(name), f"[{colour}]{verdict}[/]")
    return table
