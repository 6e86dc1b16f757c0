"""``onnxtwin show``: an artifact's contract, for a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from onnxtwin.cli.common import Debug, Reported, app, open_console


@app.command()
def show(
    artifact: Annotated[Path, typer.Argument(help="The artifact's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print contract.json as it is.")] = False,
    debug: Debug = False,
) -> None:
    """Show an artifact's contract, for a person."""
    from onnxtwin.build.artifact import read
    from onnxtwin.show import render

    console = open_console()
    with Reported(debug):
        found = read(artifact)
        if as_json:
            typer.echo(json.dumps(found.contract, indent=2, ensure_ascii=False))
        else:
            render(found, console)
