"""The report as one static page: opens offline, no script, light and dark."""

from __future__ import annotations

from html import escape

from onnxtwin.runtime_checks.report import MethodReport, Noted, Report
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import Tally
from onnxtwin.runtime_checks.wording import number, percent

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 span { border-radius: .4rem; padding: .1rem .6rem; color: #fff; }
.equal { background: #1a7f37; } .unequal { background: #b42318; } .nothing { background: #8a6100; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
tr.family td:first-child { padding-left: 1.8rem; }
tr.method td { font-weight: 600; }
td.wrong { color: #fff; background: #b42318; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .6rem; }
"""

_SENTENCE = {
    "equal": "On every row compared, the twin gives the answer that the pipeline gives.",
    "unequal": "The twin does not give the answers that the pipeline gives. Do not put it into production.",
    "nothing compared": "No row was compared, so nothing is known.",
}

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

LISTED = 20
"""Rows shown per list; the JSON report has the others."""


def page(report: Report) -> str:
    """The whole HTML document."""
    colour = report.verdict.split()[0]
    tolerance = (
        f"floats within {report.tolerance.atol:g} + {report.tolerance.rtol:g} · |pipeline|, all else equal"
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>onnxtwin: {report.verdict}</title><style>{_STYLE}</style></head><body>",
        f'<h1>Verdict <span class="{colour}">{report.verdict}</span></h1>',
        (
            f"<p>{_SENTENCE[report.verdict]} {report.rows:,} rows compared on {escape(report.runtime)}; "
            f"{tolerance}.</p>"
        ),
    ]
    parts += [f"<p><strong>{escape(problem)}</strong></p>" for problem in report.problems]
    if report.location:
        parts.append(f"<p>First difference: {escape(report.location.text)}</p>")
    parts += [
        "<table><thead><tr>" + "".join(f"<th>{name}</th>" for name in _HEADINGS) + "</tr></thead><tbody>",
        *(line for method in report.methods for line in _rows(method)),
        "</tbody></table>",
        (
            "<p>Undetermined: the pipeline itself changes its answer to that row when asked for it alone, or "
            "when one step is off by one unit in the last place. Refused: the pipeline raises. "
            "Domain: rows that only one side refuses. "
            "Errors are the worst over the rows compared; ulps count representable numbers.</p>"
        ),
        *(_details(method) for method in report.methods),
    ]
    parts += [f"<p>Skipped {escape(name)}: {escape(reason)}</p>" for name, reason in report.skipped.items()]
    return "\n".join([*parts, "</body></html>", ""])


def _rows(method: MethodReport) -> list[str]:
    families = [_row("family", name, tally) for name, tally in method.families.items()]
    return [_row("method", method.method, method.total), *families]


def _row(kind: str, name: str, tally: Tally) -> str:
    share = "-" if tally.bit_equal is None else percent(tally.bit_equal)
    domain = tally.answered_outside + tally.refused_inside
    cells = [
        f"<td>{escape(name)}</td>",
        f"<td>{tally.rows:,}</td>",
        _count(tally.mismatched),
        f"<td>{tally.undetermined:,}</td>",
        f"<td>{tally.refused:,}</td>",
        _count(domain),
        *(f"<td>{number(value)}</td>" for value in (tally.ulps, tally.absolute, tally.relative)),
        f"<td>{share}</td>",
    ]
    return f'<tr class="{kind}">' + "".join(cells) + "</tr>"


def _count(value: int) -> str:
    return f'<td class="wrong">{value:,}</td>' if value else "<td>0</td>"


def _details(method: MethodReport) -> str:
    lines = [f"<h2>{escape(method.method)}</h2>"]
    lines += [f"<p><strong>{escape(problem)}</strong></p>" for problem in method.problems]
    worst = method.worst
    if worst:
        title = "Worst mismatch" if worst.mismatch else "Worst row, within tolerance"
        lines.append(
            f"<p>{title} ({escape(worst.family)}): {escape(worst.output)}, the pipeline says "
            f"<code>{escape(source(worst.expected))}</code>, "
            f"the twin <code>{escape(source(worst.found))}</code>, "
            f"{number(worst.ulps)} ulps.</p><pre>{escape(source(worst.row))}</pre>"
        )
    else:
        lines.append("<p>Every compared value is equal to the last bit.</p>" if method.total.cells else "")
    lines += _listed("Rows that only one side refuses", method.domain)
    lines += _listed("Undetermined rows", method.undetermined)
    return "\n".join(lines)


def _listed(title: str, noted: list[Noted]) -> list[str]:
    if not noted:
        return []
    items = [f"<li>{escape(n.text)}<pre>{escape(source(n.row))}</pre></li>" for n in noted[:LISTED]]
    more = f"<p>{len(noted) - LISTED:,} more in the JSON report.</p>" if len(noted) > LISTED else ""
    return [f"<h3>{title}</h3><ul>", *items, f"</ul>{more}"]
