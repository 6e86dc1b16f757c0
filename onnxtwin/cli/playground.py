"""``onnxtwin playground``: an artifact as a page that runs it in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from onnxtwin.cli.common import Debug, Reported, app, open_console


@app.command()
def playground(
    artifact: Annotated[Path, typer.Argument(help="The artifact's folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The page's folder.")],
    title: Annotated[
        str | None, typer.Option(help="The page's heading. Default: the artifact's folder name.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a static page that answers in the browser as one types; for people who do not write code."""
    from onnxtwin.build.playground import write_playground
    from onnxtwin.runtime_checks.browser import onnxruntime_web

    console = open_console()
    with Reported(debug):
        with console.status("fetching onnxruntime-web, the first time"):
            files = onnxruntime_web()
        folder = write_playground(artifact, output, files, title=title)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        where = escape(str(folder))
        console.print(
            f"wrote {where} ({size / 1e6:.1f} MB); any static web server serves it:\n"
            f"python -m http.server --bind 127.0.0.1 --directory {where}"
        )
