"""``onnxtwin build``: a recipe's pipeline becomes an artifact, if its twin is equal."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from onnxtwin.cli.common import (
    Debug,
    Files,
    HtmlFile,
    JsonFile,
    JunitFile,
    MarkdownFile,
    Recipe,
    Reported,
    app,
    open_console,
)
from onnxtwin.cli.options import Thorough
from onnxtwin.twin import RECORDED_ROWS, export
from onnxtwin.watch import bar


class RowsAre(StrEnum):
    """What the recorded rows are."""

    shuffled = "shuffled"
    real = "real"


class Layout(StrEnum):
    """How the raw columns reach the graph."""

    columns = "columns"
    packed = "packed"


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
    thorough: Thorough = False,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    junit_file: JunitFile = None,
    markdown_file: MarkdownFile = None,
    debug: Debug = False,
) -> None:
    """Export a recipe's pipeline, check it, and write the artifact; nothing is written if it is unequal."""
    from onnxtwin.build.recipe import importable, run_recipe

    console = open_console()
    with Reported(debug), importable(recipe):
        with console.status(f"running {escape(recipe)}"):
            material = run_recipe(recipe)
        with console.status("exporting"):
            chosen = (
                [name.strip() for name in methods.split(",")] if methods and methods != "all" else methods
            )
            twin = export(material.pipeline, material.X, methods=chosen, layout=layout.value)
        with bar(console) as advance:
            report = twin.check(material.X, y=material.y, seed=seed, thorough=thorough, progress=advance)
        report.render(console)
        Files(json_file, html_file, junit_file, markdown_file).write(report)
        if not report.ok:
            console.print(f"[red]nothing was written to {escape(str(output))}[/]")
            raise typer.Exit(report.exit_code)
        with console.status("recording rows"):
            folder = twin.save(output, vectors=vectors.value, rows=rows, seed=seed)
        size = sum(file.stat().st_size for file in folder.iterdir())
        console.print(f"wrote {escape(str(output))} ({size / 1e6:.1f} MB)")
