"""What users type after an option, taken apart; what is no such thing is wrong usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

Target = Annotated[str | None, typer.Option(help="The column of --data that holds the targets, for metrics.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="accuracy, log_loss, mse, r2, a scorer of scikit-learn's, or path.py:function; repeatable. "
        "Default: what fits the pipeline.",
    ),
]
Runtimes = Annotated[
    list[str] | None,
    typer.Option("--runtime", help="Where the graph is run: python, java, csharp, ...; repeatable."),
]
CasesOption = Annotated[
    list[str] | None, typer.Option("--cases", help="A family of hostile rows; repeatable. Default: all.")
]
NoCases = Annotated[bool, typer.Option("--no-cases", help="Compare the rows as they are, no hostile ones.")]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Make hostile rows several times over: for a nightly run.")
]
Rtol = Annotated[
    float | None, typer.Option(min=0, help="Relative tolerance of floats.", show_default="as promised")
]
Atol = Annotated[
    float | None, typer.Option(min=0, help="Absolute tolerance of floats.", show_default="as promised")
]
TolerancesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerance", help="OUTPUT=RTOL,ATOL of one output, such as predict_proba=1e-6,0; repeatable."
    ),
]


def families(names: Sequence[str] | None, none: bool) -> bool | tuple[str, ...]:
    """Which cases are made, of ``--cases`` and ``--no-cases``."""
    if none and names:
        raise typer.BadParameter("say --cases or --no-cases, not both", param_hint="--no-cases")
    return tuple(names) if names else not none


def tolerances(given: Sequence[str] | None) -> dict[str, float | tuple[float, float]]:
    """``OUTPUT=RTOL,ATOL``, or ``OUTPUT=BOTH``, by output."""
    found: dict[str, float | tuple[float, float]] = {}
    for text in given or ():
        output, _, numbers = text.rpartition("=")
        try:
            values = [float(number) for number in numbers.split(",")]
        except ValueError:
            values = []
        if not output or len(values) not in (1, 2) or not all(value >= 0 for value in values):
            raise typer.BadParameter(
                f"{text!r} is no OUTPUT=RTOL,ATOL of numbers from zero on", param_hint="--tolerance"
            )
        found[output] = (values[0], values[-1])
    return found


def mapping(given: Sequence[str] | None, option: str, form: str) -> dict[str, list[str]]:
    """``NAME=VALUE[,VALUE]``, by name."""
    found: dict[str, list[str]] = {}
    for text in given or ():
        name, equals, values = text.partition("=")
        if not (name and equals and values):
            raise typer.BadParameter(f"{text!r} is no {form}", param_hint=option)
        found[name] = values.split(",")
    return found
