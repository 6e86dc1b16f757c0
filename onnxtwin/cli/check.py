"""``onnxtwin check``: does an artifact give the pipeline's answers?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from onnxtwin.cli.common import (
    UNEQUAL,
    Debug,
    HtmlFile,
    JsonFile,
    JunitFile,
    Reported,
    app,
    open_console,
    progress,
    tell,
)

if TYPE_CHECKING:
    from onnxtwin.runtime_checks import Report


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
    console = open_console()
    with Reported(debug):
        reports = list(_reports(console, artifact, data, recipe, runtime or ["python"], seed))
        for report in reports:
            several = len(reports) > 1
            files = [_named(file, report, several) for file in (json_file, html_file, junit_file)]
            tell(console, report, *files)
    codes = [report.exit_code for report in reports]
    raise typer.Exit(UNEQUAL if UNEQUAL in codes else max(codes))


def _reports(
    console: Console, folder: Path, data: Path | None, recipe: str | None, names: list[str], seed: int
) -> Iterator[Report]:
    from onnxtwin.build.artifact import MODEL, read
    from onnxtwin.build.recipe import importable, run_recipe
    from onnxtwin.build.tables import open_rows
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
        X = material.X if data is None else open_rows(data, artifact.signature)
        for runtime in runtimes:
            answers = runtime.open(artifact.path / MODEL, artifact.signature)
            with progress(console) as advance:
                report = check_rows(
                    answers,
                    material.pipeline,
                    X,
                    y=material.y if data is None else None,
                    signature=artifact.signature,
                    seed=seed,
                    progress=advance,
                    runtime=runtime.describe(),
                )
            report.skipped.update(skipped)
            yield report


def _named(file: Path | None, report: Report, several: bool) -> Path | None:
    """The file of one runtime's report: ``report.xml``, or ``report-java.xml`` where there are several."""
    if file is None or not several:
        return file
    return file.with_stem(f"{file.stem}-{report.runtime.partition(',')[0]}")
