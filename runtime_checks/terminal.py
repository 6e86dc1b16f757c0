"""The report as a person reads it in a terminal. The only module here that needs rich."""

from __future__ import annotations

import io

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onnxtwin.runtime_checks.report import MethodReport, Report
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import Tally
from onnxtwin.runtime_checks.wording import (
    judged,
    limited,
    number,
    percent,
    row_source,
    scored,
    shortened,
    single_precision,
    undetermined,
)

_COLOUR = {"equal": "green", "unequal": "red", "interrupted": "yellow", "nothing compared": "yellow"}

SHOWN = 3
"""Undetermined and domain rows printed per method, and graph decisions never reached per kind."""

LONG = 300
"""Characters of an error that are printed: onnxruntime's carry whole C++ signatures."""

LONG_ROW = 2000
"""Characters of a row that are printed; the JSON report has it whole."""


def render(report: Report, console: Console | None = None) -> None:
    """Print the verdict, a row per method and family, and what a reader needs to reproduce a failure."""
    console = console or Console()
    console.print(_table(report))
    if report.metrics:
        console.print(_metrics(report))
    if report.coverage is not None and report.coverage.kinds:
        console.print(_coverage(report))
    shown: set[str] = set()
    lines = [line for method in report.methods for line in _details(method, shown)]
    if report.location:
        lines.append(f"[bold]first difference[/] {escape(report.location.text)}")
    if report.minimal:
        lines.append(f"[bold]simplest row that fails[/] {escape(shortened(report.minimal.text, 2000))}")
    lines += [single] if (single := single_precision(report.tolerance)) else []
    lines += [f"[red]{escape(problem)}[/]" for problem in report.problems]
    lines += [
        f"[red]metric {escape(score.metric)}: the twin's is {score.twin!r}, "
        f"the pipeline's {score.pipeline!r}[/]"
        for score in report.metrics
        if not score.equal
    ]
    lines += [
        f"[yellow]skipped {escape(name)}[/]: {escape(reason)}" for name, reason in report.skipped.items()
    ]
    if report.unfinished:
        lines.append(f"[yellow]interrupted[/], not finished: {escape(', '.join(report.unfinished))}")
    if report.latency_us is not None:
        lines.append(f"one row takes {report.latency_us:,.1f} µs (median)")
    refused = limited(report)
    lines += [f"[yellow]{refused}[/]"] if refused else []
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)
    colour = _COLOUR[report.verdict]
    undecided = undetermined(report)
    tail = f", {undecided:,} undetermined" if undecided else ""
    console.print(f"[bold {colour}]{report.verdict}[/]: {report.rows:,} rows compared{tail}", highlight=False)


def text(report: Report) -> str:
    """The same without colour, 120 characters wide."""
    stream = io.StringIO()
    render(report, Console(file=stream, width=120, color_system=None, force_terminal=False))
    return stream.getvalue()


def _table(report: Report) -> Table:
    table = Table(title=f"{escape(report.runtime)} against the pipeline", title_justify="left")
    table.add_column("method")
    columns = ["rows", "mismatched", "undetermined", "refused", "domain", "ulps", "absolute", "relative"]
    for name in (*columns, "bit-equal"):
        table.add_column(name, justify="right")
    for method in report.methods:
        table.add_row(escape(method.method), *_cells(method.total), style="bold")
        for family, tally in method.families.items():
            table.add_row(f"  {escape(family)}", *_cells(tally))
    return table


def _cells(tally: Tally) -> list[str]:
    return [
        f"{tally.rows:,}",
        _red(tally.mismatched),
        f"{tally.undetermined:,}",
        f"{tally.refused:,}",
        _red(tally.answered_outside + tally.refused_inside),
        number(tally.ulps),
        number(tally.absolute),
        number(tally.relative),
        "-" if tally.bit_equal is None else percent(tally.bit_equal),
    ]


def _metrics(report: Report) -> Table:
    table = Table(title=f"metrics on {report.metrics[0].rows:,} rows", title_justify="left")
    table.add_column("metric")
    for name in ("pipeline", "twin", ""):
        table.add_column(name, justify="right")
    for score in report.metrics:
        word = judged(score)
        table.add_row(escape(score.metric), *scored(score), word if score.equal else f"[bold red]{word}[/]")
    return table


def _coverage(report: Report) -> Table:
    assert report.coverage is not None
    table = Table(title="coverage of the graph", title_justify="left")
    table.add_column("decisions")
    for name in ("reached", "of", "share"):
        table.add_column(name, justify="right")
    table.add_column("never reached")
    for kind in report.coverage.possible:
        missed = kind.total - kind.reached
        named = "; ".join(escape(shortened(name, LONG)) for name in kind.never[:SHOWN])
        left = missed - len(kind.never[:SHOWN])
        more = f"; {left:,} more" if left else ""
        table.add_row(
            escape(kind.kind), f"{kind.reached:,}", f"{kind.total:,}", percent(kind.share), named + more
        )
    return table


def _details(method: MethodReport, shown: set[str]) -> list[str]:
    """Lines about one method; rows ``shown`` with an earlier method are not repeated."""
    name = escape(method.method)
    lines = [f"[red]{name}: {escape(problem)}[/]" for problem in method.problems]
    worst = method.worst
    if worst:
        label = "[red]mismatch[/]" if worst.mismatch else "worst row within tolerance"
        place = f" (row {worst.position})" if worst.position is not None else ""
        lines.append(
            f"{name}: {label} in {escape(worst.family)}{place}: "
            f"{escape(worst.output)} is {escape(source(worst.found))}, "
            f"the pipeline says {escape(source(worst.expected))}; "
            f"row {escape(row_source(worst.row, LONG_ROW))}"
        )
    for title, listed in (
        ("domain", method.domain),
        ("beyond a limit", method.limited),
        ("undetermined", method.undetermined),
    ):
        texts = [
            f"{title} ({escape(noted.family)}): {escape(shortened(noted.text, LONG))}; "
            f"row {escape(row_source(noted.row, LONG_ROW))}"
            for noted in listed
        ]
        fresh = [text for text in texts if text not in shown]
        shown.update(fresh)
        lines += [f"{name}: {text}" for text in fresh[:SHOWN]]
        if len(fresh) > SHOWN:
            lines.append(f"{name}: {title}: {len(fresh) - SHOWN:,} more in the JSON report")
    return lines


def _red(count: int) -> str:
    return f"[bold red]{count:,}[/]" if count else "0"
