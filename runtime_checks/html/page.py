"""The page as a whole, and its upper part, for the reader from the business side."""

from __future__ import annotations

from html import escape
from pathlib import Path

from onnxtwin.runtime_checks.html.below import engineering
from onnxtwin.runtime_checks.html.elements import Cell, paragraph, table
from onnxtwin.runtime_checks.report import Report
from onnxtwin.runtime_checks.wording import (
    METRICS,
    SENTENCES,
    bit_equal,
    judged,
    limited,
    own_rows,
    percent,
    scored,
    undetermined,
)

_SIGN = {"equal": "✓", "unequal": "✗", "interrupted": "?", "nothing compared": "?"}

# The browser itself keeps the page's promise: no script, nothing from anywhere else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(report: Report) -> str:
    """The whole HTML document."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    body = [
        "<main>",
        _hero(report),
        _cards(report),
        *_meaning(report),
        *_metrics(report),
        *engineering(report),
        "</main>",
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_SIGN[report.verdict]} {escape(report.verdict)}: onnxtwin report</title>",
            f"<style>\n{style}</style></head><body>",
            *body,
            "</body></html>",
            "",
        ]
    )


def _hero(report: Report) -> str:
    kind = report.verdict.split()[0]
    return (
        f'<header class="hero {kind}">'
        f'<p class="eyebrow">Research pipeline against its twin on {escape(report.runtime)}</p>'
        f'<h1><span class="sign" aria-hidden="true">{_SIGN[report.verdict]}</span>'
        f"{escape(report.verdict.capitalize())}</h1>"
        f'<p class="lead">{SENTENCES[report.verdict]}</p></header>'
    )


def _cards(report: Report) -> str:
    own = own_rows(report)
    wrong = max((method.total.wrong for method in report.methods), default=0)
    same = bit_equal(report)
    cards = [
        _card(f"{own:,}", "sample rows compared"),
        _card(f"{max(0, report.rows - own):,}", "awkward rows made from them"),
        _card(f"{wrong:,}", "rows answered otherwise", "bad" if wrong else ""),
    ]
    if undecided := undetermined(report):
        cards.append(_card(f"{undecided:,}", "undetermined", "open"))
    if beyond := max((method.total.limited for method in report.methods), default=0):
        cards.append(_card(f"{beyond:,}", "refused by declared limits", "open"))
    if same is not None:
        cards.append(_card(percent(same), "of the values equal to the last bit"))
    if report.coverage is not None and report.coverage.total:
        cards.append(_card(percent(report.coverage.share), "of the graph's decisions exercised"))
    if report.latency_us is not None:
        cards.append(_card(f"{report.latency_us:,.0f} µs", "for one row (median)"))
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _card(value: str, label: str, kind: str = "") -> str:
    return f'<div class="card {kind}"><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>'


def _meaning(report: Report) -> list[str]:
    lines = ["<h2>What this means</h2>"]
    if report.verdict == "equal":
        lines.append(paragraph(_agreement(report)))
    elif report.verdict == "unequal":
        wrong = max((method.total.wrong for method in report.methods), default=0)
        count = f"{wrong:,} rows came out otherwise. " if wrong else ""
        lines.append(
            paragraph(
                f"{count}Do not put this twin into production: its decisions are not those that research "
                "approved. Hand this page to the engineer who built it."
            )
        )
    elif report.verdict == "interrupted":
        lines.append(
            paragraph(
                f"Somebody ended the check before {', '.join(report.unfinished)} was finished. Let it "
                "run to its end before you decide anything on it."
            )
        )
    else:
        lines.append(
            paragraph("Check the twin on rows that the pipeline answers before you decide anything on it.")
        )
    if undecided := undetermined(report):
        lines.append(
            paragraph(
                f"On {undecided:,} rows the research pipeline does not stand by its own answer: it changes "
                "with the rows that come along, or when a number on the way is off in its last digit. Nobody "
                "can say who is right there. These rows are listed below and count neither way."
            )
        )
    if beyond := limited(report):
        lines.append(
            paragraph(
                f"{beyond}. These texts are spelled in a way that the twin does not follow; it raises an "
                "error and never guesses. The rows are listed below, and the contract says what is read."
            )
        )
    problems = [*report.problems, *(f"{m.method}: {text}" for m in report.methods for text in m.problems)]
    lines += [f'<p class="problem">{escape(problem)}</p>' for problem in problems]
    return lines


def _agreement(report: Report) -> str:
    own, made = own_rows(report), report.rows - own_rows(report)
    whose = f"{own:,} of the sample" + (f", and {made:,} made from them to be awkward" if made else "")
    awkward = " (missing values, unknown categories, extreme numbers and the like)" if made else ""
    close = report.tolerance
    billionth = close.rtol == close.atol == 1e-9 and not close.outputs
    single = close.float32_ulps is not None
    within = "a billionth" if billionth else "single precision" if single else "the tolerance that was set"
    undecided = undetermined(report)
    all_of_them = f"but for {undecided:,} rows, of which below, all of them" if undecided else "all of them"
    return (
        f"Research pipeline and twin were asked for the same {report.rows:,} rows: {whose}{awkward}. "
        f"Labels had to be identical and numbers the same to within {within}, and {all_of_them} are. "
        "A service that runs this twin decides as the research notebook does."
    )


def _metrics(report: Report) -> list[str]:
    if not report.metrics:
        return []
    rows = []
    for score in report.metrics:
        note = f"<small>{escape(METRICS[score.metric])}</small>" if score.metric in METRICS else ""
        research, twin = scored(score)
        sign, kind = ("✓", "yes") if score.equal else ("✗", "no")
        rows.append(
            [
                Cell(f"{escape(score.metric.replace('_', ' '))}{note}", html=True),
                Cell(research),
                Cell(twin),
                Cell(f"{sign} {judged(score)}", kind),
            ]
        )
    return [
        "<h2>In the notebook's own terms</h2>",
        paragraph(
            "The metrics of the research notebook, computed from either side's answers to the same "
            f"{report.metrics[0].rows:,} rows."
        ),
        table(["", "research", "twin", ""], rows, "metrics"),
    ]
