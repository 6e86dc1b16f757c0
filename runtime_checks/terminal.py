"""The report as a person reads it in a terminal. The only module here that needs rich."""

from __future__ import annotations

import io

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onnxtwin.runtime_checks.report import MethodReport, Report
from onnxtwin.runtime_checks.rows import source

_COLOUR = {"equal": "green", "unequal": "red", "nothing compared": "yellow"}

SHOWN = 3
"""Undetermined and domain rows printed per method; the JSON report lists the others."""

LONG = 300
"""Characters of an error that are printed: onnxruntime's carry whole C++ signatures."""


def render(report: Report, console: Console | None = None) -> None:
    """Print the verdict, a row per method, and what a reader needs to reproduce a failure."""
    console = console or Console()
    console.print(_table(report))
    shown: set[str] = set()
    for method in report.methods:
        for line in _details(method, shown):
            console.print(line, soft_wrap=True, highlight=False)
    if report.location:
        console.print(
            f"[bold]first difference[/] {escape(report.location.text)}", soft_wrap=True, highlight=False
        )
    for problem in report.problems:
        console.print(f"[red]{escape(problem)}[/]", soft_wrap=True, highlight=False)
    for runtime, reason in report.skipped.items():
        console.print(
            f"[yellow]skipped {escape(runtime)}[/]: {escape(reason)}", soft_wrap=True, highlight=False
        )
    colour = _COLOUR[report.verdict]
    undetermined = max((m.total.undetermined for m in report.methods), default=0)
    tail = f", {undetermined:,} undetermined" if undetermined else ""
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
        total = method.total
        share = total.bit_equal
        table.add_row(
            escape(method.method),
            f"{total.rows:,}",
            _red(total.mismatched),
            f"{total.undetermined:,}",
            f"{total.refused:,}",
            _red(total.answered_outside + total.refused_inside),
            number(total.ulps),
            number(total.absolute),
            number(total.relative),
            "-" if share is None else percent(share),
        )
    return table


def _details(method: MethodReport, shown: set[str]) -> list[str]:
    """Lines about one method; rows ``shown`` with an earlier method are not repeated."""
    name = escape(method.method)
    lines = [
        f"{name}: "
        + " · ".join(f"{escape(family)} {tally.rows:,}" for family, tally in method.families.items())
    ]
    lines += [f"[red]{name}: {escape(problem)}[/]" for problem in method.problems]
    worst = method.worst
    if worst:
        label = "[red]mismatch[/]" if worst.mismatch else "worst row within tolerance"
        place = f" (row {worst.position})" if worst.position is not None else ""
        lines.append(
            f"{name}: {label} in {escape(worst.family)}{place}: "
            f"{escape(worst.output)} is {escape(source(worst.found))}, "
            f"the pipeline says {escape(source(worst.expected))}; row {escape(source(worst.row))}"
        )
    for title, listed in (("domain", method.domain), ("undetermined", method.undetermined)):
        texts = [
            f"{title} ({escape(noted.family)}): {escape(_short(noted.text))}; row {escape(source(noted.row))}"
            for noted in listed
        ]
        fresh = [text for text in texts if text not in shown]
        shown.update(fresh)
        lines += [f"{name}: {text}" for text in fresh[:SHOWN]]
        if len(fresh) > SHOWN:
            lines.append(f"{name}: {title}: {len(fresh) - SHOWN:,} more in the JSON report")
    return lines


def _short(message: str) -> str:
    return message if len(message) <= LONG else message[:LONG] + " ..."


def _red(count: int) -> str:
    return f"[bold red]{count:,}[/]" if count else "0"


def number(value: float) -> str:
    """A worst error: 0, a whole number of ulps below a million, or three digits."""
    if value == int(value) and value < 1e6 if value < float("inf") else False:
        return f"{int(value):,}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share, never rounded up to 100 %."""
    return "100 %" if share == 1 else f"{int(share * 10000) / 100:.2f} %"
