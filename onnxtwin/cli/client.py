"""``onnxtwin client``: an artifact as a typed class of another language."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from onnxtwin.cli.common import Debug, Reported, app, open_console


class Language(StrEnum):
    """What a client is written in."""

    java = "java"
    csharp = "csharp"
    typescript = "typescript"
    python = "python"


@app.command()
def client(
    artifact: Annotated[Path, typer.Argument(help="The artifact's folder.")],
    language: Annotated[Language, typer.Option(help="What the client is written in.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The project's folder.")],
    name: Annotated[
        str | None, typer.Option(help="Of the client's class. Default: the artifact's folder name.")
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(help="Java package, C# namespace, npm or Python package. Default: made of the name."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a typed client: a small project that holds the artifact and answers by one call."""
    from onnxtwin.build.clients import generate

    console = open_console()
    with Reported(debug):
        folder = generate(artifact, language.value, output, name=name, package=package)
        console.print(
            f"wrote a {language.value} client to {escape(str(folder))}; its README.md says the rest"
        )
