"""``onnxtwin vectors``: an artifact's recorded rows in the layout of ONNX' own backend tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from onnxtwin.cli.common import Debug, Reported, app, open_console


@app.command()
def vectors(
    artifact: Annotated[Path, typer.Argument(help="The artifact's folder.")],
    backend: Annotated[
        Path, typer.Option(help="A new folder: model.onnx, test_data_set_0/input_0.pb, output_0.pb, ...")
    ],
    debug: Debug = False,
) -> None:
    """Write the recorded rows as ONNX backend tests, which other tools replay without onnxtwin."""
    from onnxtwin.build.artifact import read
    from onnxtwin.build.backend import write_backend

    console = open_console()
    with Reported(debug):
        sets = write_backend(read(artifact), backend)
        for folder, (tag, rows) in sets.items():
            console.print(f"{folder}: {tag}, {rows:,} rows", highlight=False)
        console.print(f"wrote {escape(str(backend))}")
