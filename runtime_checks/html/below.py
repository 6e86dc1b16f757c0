"""The lower part of the page, for the engineer: counts, pictures, coverage, rows to reproduce."""

from __future__ import annotations

from html import escape
from typing import Any

from onnxtwin.runtime_checks.html.elements import Cell, details, listing, paragraph, table
from onnxtwin.runtime_checks.html.pictures import pictures
from onnxtwin.runtime_checks.report import MethodReport, Noted, Report
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import WITHHELD, Tally, Worst
from onnxtwin.runtime_checks.wording import number, percent, row_source, shortened, single_precision

ROWS = 5
"""Rows shown per reason, and reasons per list; the JSON report has the others."""

REASONS = 20

LONG_ROW = 4000
"""Characters of a row that are shown; the JSON report has it whole."""

LONG = 500
"""Characters of an error that are shown."""

_HEADINGS = (
    "",
    "rows",
    "mismatched",
    "undetermined",
    "refused",
    "domain",
    "ulps",
    "absolute",
    "relative",
    "bit-equal",
)

_WORDS = {
    "mismatched": "Both sides answer, and not alike. One such row makes the verdict unequal.",
    "undetermined": "The sides differ, but the pipeline itself answers otherwise when the row comes alone or "
    "in another batch, or when the output of one step is off by one unit in the last place.",
    "refused": "The pipeline raises; the twin has to refuse the row as well.",
    "domain": "Rows that only one side refuses. One such row makes the verdict unequal.",
    "ulps": "How many numbers that the computer can represent lie between the two answers; "
    "a few are the rounding of a sum in another order.",
    "absolute, relative": "The largest difference, and the largest in units of the pipeline's answer.",
    "bit-equal": "The share of the values compared that are equal to the last bit.",
}


def engineering(report: Report) -> list[str]:
    """The sections of the lower part."""
    lines = _wrong(report)
    lines += ['<section class="part"><h2>Method by method</h2>', _tolerance(report)]
    if report.methods:
        lines.append(_tallies(report.methods))
    words = "".join(f"<dt>{escape(word)}</dt><dd>{escape(said)}</dd>" for word, said in _WORDS.items())
    lines.append(details("What the columns say", [f'<dl class="words">{words}</dl>']))
    lines.append("</section>")
    for i, method in enumerate(report.methods):
        lines += _method(method, f"m{i}")
    lines += _coverage(report)
    lines += _environment(report)
    return lines


def _wrong(report: Report) -> list[str]:
    """Where it begins, and the simplest row to see it with."""
    lines = []
    if report.location:
        lines.append(f'<p class="problem">{escape(report.location.text)}</p>')
    if report.minimal:
        simplest = report.minimal
        needs = f" The fault needs the values of {', '.join(simplest.columns)}." if simplest.columns else ""
        lines += [
            "<h3>The simplest row that fails</h3>",
            _sides(simplest.output, simplest.expected, simplest.found),
            _row(simplest.row),
            paragraph(f"Shrunk from a row that failed.{needs}", "soft"),
        ]
    return ['<section class="part"><h2>Where it goes wrong</h2>', *lines, "</section>"] if lines else []


def _tolerance(report: Report) -> str:
    tolerance = report.tolerance
    own = "; ".join(
        f"{name}: {t.atol:g} + {t.rtol:g} · |pipeline|" + (" (equal bits)" if t.exact else "")
        for name, t in tolerance.outputs.items()
    )
    return paragraph(
        f"A float passes within {tolerance.atol:g} + {tolerance.rtol:g} · |pipeline|, all else must be equal."
        + (f" Of their own: {own}." if own else "")
        + (f" {single}" if (single := single_precision(tolerance)) else ""),
        "soft",
    )


def _tallies(methods: list[MethodReport]) -> str:
    rows, totals = [], []
    for method in methods:
        rows.append(_tally(method.method, method.total))
        totals.append(True)
        for name, tally in method.families.items():
            rows.append(_tally(name, tally))
            totals.append(False)
    return table(_HEADINGS, rows, "tallies", totals)


def _tally(name: str, tally: Tally) -> list[Cell]:
    domain = tally.answered_outside + tally.refused_inside
    return [
        Cell(name),
        Cell(f"{tally.rows:,}"),
        Cell(f"{tally.mismatched:,}", "wrong" if tally.mismatched else ""),
        Cell(f"{tally.undetermined:,}"),
        Cell(f"{tally.refused:,}"),
        Cell(f"{domain:,}", "wrong" if domain else ""),
        *(Cell(number(value)) for value in (tally.ulps, tally.absolute, tally.relative)),
        Cell("–" if tally.bit_equal is None else percent(tally.bit_equal)),
    ]


def _method(method: MethodReport, name: str) -> list[str]:
    lines = [f'<section class="part"><h2><code>{escape(method.method)}</code></h2>']
    lines += [f'<p class="problem">{escape(problem)}</p>' for problem in method.problems]
    lines += pictures(method, name)
    worst = [tally.worst for tally in method.families.values() if tally.worst is not None]
    worst.sort(key=lambda w: (not w.mismatch, -w.excess))
    if worst:
        lines.append("<h3>Worst row of each family</h3>")
        lines += [_worst(row, opened=i == 0) for i, row in enumerate(worst)]
    elif method.total.cells:
        lines.append(paragraph("Every value compared is equal to the last bit."))
    total = method.total
    lines += _listed(
        "Rows that only one side refuses", method.domain, total.answered_outside + total.refused_inside
    )
    lines += _listed("Rows beyond a limit that the contract declares", method.limited, total.limited)
    lines += _listed("Undetermined rows", method.undetermined, total.undetermined)
    return [*lines, "</section>"]


def _worst(worst: Worst, *, opened: bool) -> str:
    state = "mismatch" if worst.mismatch else "within tolerance"
    place = f", row {worst.position:,}" if worst.position is not None else ""
    sides = _sides(worst.output, worst.expected, worst.found, _apart(worst))
    return details(f"{worst.family}: {state}{place}", [sides, _row(worst.row)], opened=opened)


def _sides(output: str, expected: Any, found: Any, apart: str = "") -> str:
    """What the two say of one output."""
    sides = [
        ("output", f"<code>{escape(output)}</code>"),
        ("research", f"<code>{escape(shortened(source(expected), LONG))}</code>"),
        ("twin", f"<code>{escape(shortened(source(found), LONG))}</code>"),
        ("apart", escape(apart)),
    ]
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in sides if value)
    return f'<dl class="sides">{shown}</dl>'


def _apart(worst: Worst) -> str:
    if worst.ulps == float("inf"):
        return "no distance: at least one of them is no finite number"
    return f"{number(worst.ulps)} ulps, {number(worst.absolute)} absolute, {number(worst.relative)} relative"


def _row(row: object) -> str:
    """A row that one click selects, to be pasted into a notebook."""
    if row == WITHHELD:
        return paragraph(f"Row {WITHHELD}.", "soft")
    return f"<pre>{escape(row_source(row, LONG_ROW))}</pre>"


def _listed(title: str, noted: list[Noted], count: int) -> list[str]:
    """Rows by family and reason, the most frequent first."""
    if not noted:
        return []
    groups: dict[tuple[str, str], list[Noted]] = {}
    for entry in noted:
        groups.setdefault((entry.family, entry.text), []).append(entry)
    lines = [f"<h3>{escape(title)}: {count:,}</h3>"]
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    for (family, text), entries in ordered[:REASONS]:
        rows = list(dict.fromkeys(_row(entry.row) for entry in entries))
        more = (
            [paragraph(f"{len(rows) - ROWS:,} more in the JSON report.", "soft")] if len(rows) > ROWS else []
        )
        rows_word = "row" if len(entries) == 1 else "rows"
        head = f"{family}, {len(entries):,} {rows_word}: {shortened(text, LONG)}"
        lines.append(details(head, [*rows[:ROWS], *more]))
    if len(ordered) > REASONS or len(noted) < count:
        lines.append(paragraph("Further ones are counted above and listed in the JSON report.", "soft"))
    return lines


def _coverage(report: Report) -> list[str]:
    coverage = report.coverage
    if coverage is None or not coverage.kinds:
        return []
    rows = []
    for kind in coverage.kinds:
        bar = f'<span class="bar"><span style="width:{100 * kind.share:.1f}%"></span></span>'
        rows.append(
            [
                Cell(kind.kind),
                Cell(bar, html=True),
                Cell(percent(kind.share)),
                Cell(f"{kind.reached:,}"),
                Cell(f"{kind.total:,}"),
                Cell(f"{kind.unreachable:,}"),
            ]
        )
    skipped = f", {coverage.skipped:,} more were not counted" if coverage.skipped else ""
    lines = [
        '<section class="part"><h2>Coverage of the graph</h2>',
        paragraph(
            f"Which of the decisions that the graph can take some row of this check did take "
            f"({coverage.rows:,} rows counted{skipped})."
        ),
        table(["", "", "share", "reached", "of", "impossible"], rows, "coverage"),
    ]
    for kind in coverage.kinds:
        if kind.never:
            missed = kind.total - kind.reached
            more = (
                [paragraph(f"{missed - len(kind.never):,} more.", "soft")] if missed > len(kind.never) else []
            )
            lines.append(details(f"{kind.kind}: {missed:,} never reached", [listing(kind.never), *more]))
    return [*lines, "</section>"]


def _environment(report: Report) -> list[str]:
    known = {"runtime": report.runtime, **report.environment}
    if report.latency_us is not None:
        known["one row (median)"] = f"{report.latency_us:,.1f} µs"
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in known.items())
    lines = ['<section class="part"><h2>Environment</h2>', f'<dl class="sides">{shown}</dl>']
    lines += [paragraph(f"Skipped {name}: {reason}") for name, reason in report.skipped.items()]
    return [*lines, "</section>"]
