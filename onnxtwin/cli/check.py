"""``onnxtwin check``: does an artifact, or anybody's graph, give the pipeline's answers?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onnxtwin.cli.common import (
    ConsoleWatch,
    Debug,
    Files,
    HtmlFile,
    JsonFile,
    JunitFile,
    MarkdownFile,
    Reported,
    app,
    open_console,
    overall,
)
from onnxtwin.cli.options import (
    Atol,
    CasesOption,
    Metrics,
    NoCases,
    Rtol,
    Runtimes,
    Target,
    Thorough,
    TolerancesOption,
    families,
    mapping,
    tolerances,
)
from onnxtwin.settings import Plan
from onnxtwin.watch import Watch

if TYPE_CHECKING:
    from onnxtwin.exporters.signature import Signature
    from onnxtwin.runtime_checks import Report

_PANEL = "A graph that somebody else exported"


@app.command()
def check(
    artifact: Annotated[Path | None, typer.Argument(help="The artifact's folder.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Compare with this recipe's pipeline, not with the recorded answers.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Raw rows: .parquet, .csv, a folder of .parquet files; repeatable."),
    ] = None,
    target: Target = None,
    metric: Metrics = None,
    runtime: Runtimes = None,
    cases: CasesOption = None,
    no_cases: NoCases = False,
    rtol: Rtol = None,
    atol: Atol = None,
    tolerance: TolerancesOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the hostile rows.")] = 0,
    thorough: Thorough = False,
    model: Annotated[
        Path | None, typer.Option(help="Judge this graph instead of an artifact.", rich_help_panel=_PANEL)
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            help="NAME=COLUMN[,COLUMN] where an input is not named as its column; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            help="METHOD=NAME[,NAME] where an output is not named as usual; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    missing_text: Annotated[
        str | None,
        typer.Option(
            help="What a missing text becomes. Default: nan, as astype(str) makes it.", rich_help_panel=_PANEL
        ),
    ] = None,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    junit_file: JunitFile = None,
    markdown_file: MarkdownFile = None,
    debug: Debug = False,
) -> None:
    """Check an artifact: replay its recorded rows, or compare with a recipe's pipeline on your rows.

    With --model, judge a graph that somebody else exported. A recipe is code and runs as code.
    """
    _demand(
        {
            "--data": bool(data),
            "--target": target is not None,
            "--metric": bool(metric),
            "--cases": bool(cases),
            "--no-cases": no_cases,
            "--thorough": thorough,
            "--model": model is not None,
        },
        recipe is not None,
        "--recipe: rows alone have no right answers",
    )
    _demand({"--target": target is not None}, bool(data), "--data")
    foreign = {"--input": bool(inputs), "--output": bool(outputs), "--missing-text": missing_text is not None}
    _demand(foreign, model is not None, "--model")
    if (artifact is None) == (model is None):
        raise typer.BadParameter("give the folder of an artifact, or --model", param_hint="ARTIFACT")
    if model is not None and runtime not in (None, [], ["python"]):
        raise typer.BadParameter("a graph is judged in Python only", param_hint="--runtime")
    plan = Plan(
        artifact or Path(),
        recipe,
        tuple(data or ()),
        target,
        tuple(metric or ()),
        tuple(runtime or ("python",)),
        families(cases, no_cases),
        seed,
        rtol,
        atol,
        tolerances(tolerance),
        thorough,
    )
    console = open_console()
    files = Files(json_file, html_file, junit_file, markdown_file)
    codes = []
    with Reported(debug):
        watch = ConsoleWatch(console)
        if model is None:
            reports = _artifact(plan, watch)
        else:
            renamed = {
                "inputs": mapping(inputs, "--input", "NAME=COLUMN"),
                "outputs": mapping(outputs, "--output", "METHOD=NAME"),
            }
            reports = _model(model, plan, watch, renamed, "nan" if missing_text is None else missing_text)
        several = len(plan.runtimes) > 1
        for name, report in reports:
            report.render(console)
            codes.append(report.exit_code)
            files.write(report, name if several else None)
            if report.unfinished:
                break
    raise typer.Exit(overall(codes))


def _demand(given: dict[str, bool], there: bool, needed: str) -> None:
    """Options that are of no effect without another are wrong usage."""
    for option in (option for option, used in given.items() if used and not there):
        raise typer.BadParameter(f"{option} needs {needed}", param_hint=option)


def _artifact(plan: Plan, watch: Watch) -> Iterator[tuple[str, Report]]:
    from onnxtwin.gate import Gate
    from onnxtwin.runtime_checks import select

    runtimes, skipped = select(plan.runtimes)
    gate = Gate(plan, watch)
    for runtime in runtimes:
        report = gate.replay(runtime) if plan.recipe is None else gate.compare(runtime)
        report.skipped.update(skipped)
        yield runtime.name, report


def _model(
    model: Path, plan: Plan, watch: Watch, renamed: dict[str, Any], missing_text: str
) -> Iterator[tuple[str, Report]]:
    from onnxtwin.build.recipe import importable
    from onnxtwin.gate import Gate, metrics_of, rows_of
    from onnxtwin.runtime_checks import check_model
    from onnxtwin.runtime_checks.foreign import raw_signature

    assert plan.recipe is not None
    material = Gate(plan, watch).material
    signature = raw_signature(material.X)
    with importable(plan.recipe), watch.rows() as advance:
        report = check_model(
            model,
            material.pipeline,
            rows_of(plan, material, signature),
            inputs=_labelled(renamed["inputs"], signature),
            outputs=renamed["outputs"] or None,
            missing_text=missing_text,
            rtol=plan.rtol,
            atol=plan.atol,
            tolerances=plan.tolerances,
            metrics=metrics_of(plan),
            cases=plan.cases,
            seed=plan.seed,
            thorough=plan.thorough,
            progress=advance,
        )
    yield "python", report


def _labelled(inputs: dict[str, list[str]], signature: Signature) -> dict[str, list[Any]]:
    """Columns by their labels, which need not be texts."""
    by_text: dict[str, Any] = {column.name: column.label for column in signature.columns}
    return {name: [by_text.get(text, text) for text in texts] for name, texts in inputs.items()}
