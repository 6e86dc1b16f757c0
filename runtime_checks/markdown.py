"""The report as GitHub's Markdown, short enough for the summary page of a CI run."""

from __future__ import annotations

import re

from onnxtwin.runtime_checks.report import Report
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import Tally, Worst, worse
from onnxtwin.runtime_checks.wording import (
    SENTENCES,
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

LONG = 2000
"""Characters of a row or an error that are shown; the JSON report has it whole."""

SHOWN = 10
"""Graph decisions never reached, and problems, that are listed."""

_SIGN = {"equal": "✅", "unequal": "❌", "interrupted": "⚠️", "nothing compared": "⚠️"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>#!|~$&@])")


def summary(report: Report) -> str:
    """Verdict, a table per method and family, metrics, coverage, the worst row and where it begins."""
    blocks = [f"## {_SIGN[report.verdict]} onnxtwin: {report.verdict}", _lead(report)]
    problems = [*report.problems, *(f"{m.method}: {text}" for m in report.methods for text in m.problems)]
    blocks += [single] if (single := single_precision(report.tolerance)) else []
    blocks += ["\n".join(f"- {_inline(problem)}" for problem in problems[:SHOWN])] if problems else []
    if report.location:
        blocks.append(f"**First difference:** {_inline(report.location.text)}")
    if report.minimal:
        simplest = report.minimal
        blocks.append(
            f"**Simplest row that fails:** `{_code(simplest.output)}` is `{_code(source(simplest.found))}`, "
            f"the pipeline says `{_code(source(simplest.expected))}`\n\n{_row(simplest.row)}"
        )
    worst = None
    for method in report.methods:
        worst = worse(worst, method.worst)
    if worst is not None and worst.mismatch:
        blocks.append(_worst(worst))
    refusals = [(m.method, noted) for m in report.methods for noted in m.domain]
    if refusals:
        name, noted = refusals[0]
        blocks.append(f"**Refused by one side only**, {name}: {_inline(noted.text)}\n\n{_row(noted.row)}")
    beyond = limited(report)
    if beyond:
        name, noted = next((m.method, noted) for m in report.methods for noted in m.limited)
        blocks.append(f"**Refused by limits**: {beyond}. {_inline(noted.text)}\n\n{_row(noted.row)}")
    if report.methods:
        blocks.append(_tallies(report))
    if report.metrics:
        blocks.append(_metrics(report))
    if report.coverage is not None and report.coverage.kinds:
        blocks.append(_coverage(report))
    blocks += [f"Interrupted, not finished: {', '.join(report.unfinished)}"] if report.unfinished else []
    blocks += [f"Skipped {_inline(name)}: {_inline(reason)}" for name, reason in report.skipped.items()]
    return "\n\n".join(blocks) + "\n"


def _lead(report: Report) -> str:
    undecided = undetermined(report)
    parts = [
        f"{SENTENCES[report.verdict]} {report.rows:,} rows compared on {_inline(report.runtime)}",
        f"{undecided:,} undetermined" if undecided else "",
        f"one row takes {report.latency_us:,.1f} µs" if report.latency_us is not None else "",
    ]
    return ", ".join(part for part in parts if part) + "."


def _tallies(report: Report) -> str:
    head = "| method | rows | wrong | undetermined | refused | ulps | absolute | relative | bit-equal |"
    lines = [head, "| --- |" + " ---: |" * 8]
    for method in report.methods:
        lines.append(_tally(f"**{_inline(method.method)}**", method.total))
        lines += [_tally(_inline(family), tally) for family, tally in method.families.items()]
    return "\n".join(lines)


def _tally(name: str, tally: Tally) -> str:
    cells = [
        name,
        f"{tally.rows:,}",
        f"**{tally.wrong:,}**" if tally.wrong else "0",
        f"{tally.undetermined:,}",
        f"{tally.refused:,}",
        *(number(value) for value in (tally.ulps, tally.absolute, tally.relative)),
        "–" if tally.bit_equal is None else percent(tally.bit_equal),
    ]
    return f"| {' | '.join(cells)} |"


def _metrics(report: Report) -> str:
    lines = [
        f"| metric, on {report.metrics[0].rows:,} rows | research | twin | |",
        "| --- | ---: | ---: | --- |",
    ]
    for score in report.metrics:
        word = judged(score) if score.equal else f"**{judged(score)}**"
        lines.append(f"| {_inline(score.metric)} | {' | '.join(scored(score))} | {word} |")
    return "\n".join(lines)


def _coverage(report: Report) -> str:
    assert report.coverage is not None
    lines = ["| coverage of the graph | reached | of | share |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {_inline(kind.kind)} | {kind.reached:,} | {kind.total:,} | {percent(kind.share)} |"
        for kind in report.coverage.possible
    ]
    never = [f"- {_inline(text)}" for kind in report.coverage.kinds for text in kind.never]
    if never:
        more = [f"- and {len(never) - SHOWN:,} more"] if len(never) > SHOWN else []
        lines += [
            "",
            "<details><summary>Never reached</summary>",
            "",
            *never[:SHOWN],
            *more,
            "",
            "</details>",
        ]
    return "\n".join(lines)


def _worst(worst: Worst) -> str:
    return (
        f"**Worst row** ({_inline(worst.family)}): "
        f"`{_code(worst.output)}` is `{_code(source(worst.found))}`, "
        f"the pipeline says `{_code(source(worst.expected))}` ({number(worst.ulps)} ulps)\n\n"
        f"{_row(worst.row)}"
    )


def _row(row: object) -> str:
    text = row_source(row, LONG)
    # The fence has to be longer than any run of backticks in the row.
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}python\n{text}\n{fence}"


def _inline(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(shortened(text, LONG).split()))


def _code(text: str) -> str:
    return " ".join(shortened(text, LONG).replace("`", "'").replace("|", "¦").split())
