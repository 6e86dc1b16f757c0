"""The results as the tables of ``docs/power.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mutation.run import EQUIVALENT, WITHIN_TOLERANCE, Result

HEADER = (
    "planted",
    "equivalent, proven",
    "within the tolerance, proven",
    "defects",
    "found by the check",
    "by the vectors alone",
    "by an ordinary test",
    "survive the check",
)


def page(results: list[Result]) -> str:
    """Both tables and the list of survivors, in Markdown."""
    used = [r for r in results if r.used]
    refuted = [r for r in results if r.refuted]
    summary = (
        f"{len(used)} mutants of {len({r.pipeline for r in used})} pipelines"
        f" (seed {_one({r.seed for r in used})}); {len(results) - len(used)} more did not load or run,"
        f" {sum(r.outcome == 'timed out' for r in used)} ran out of time, {len(refuted)} proofs were refuted."
    )
    lines = [
        summary,
        "",
        *_table("defect", used, lambda r: r.kind),
        "",
        *_table("pipeline", used, lambda r: r.pipeline),
        "",
        *_found_by(used),
        "",
        "What survives the check, unproven:",
        "",
        *(_survivors(used) or ["- nothing"]),
    ]
    return "\n".join(lines)


def _one(seeds: set[int]) -> str:
    return ", ".join(str(seed) for seed in sorted(seeds))


def _table(title: str, results: list[Result], of: Callable[[Result], str]) -> list[str]:
    groups = sorted({of(r) for r in results})
    lines = [f"| {title} | {' | '.join(HEADER)} |", f"| --- |{' ---: |' * len(HEADER)}"]
    lines += [_line(group, [r for r in results if of(r) == group]) for group in groups]
    return [*lines, _line("**all**", results)]


def _line(name: str, results: list[Result]) -> str:
    defects = [r for r in results if r.counts]

    def share(found: Iterable[bool]) -> str:
        number = sum(found)
        return f"{number} ({number / len(defects):.1%})" if defects else "–"

    cells = [
        str(len(results)),
        str(sum(r.proof == EQUIVALENT for r in results)),
        str(sum(r.proof == WITHIN_TOLERANCE for r in results)),
        str(len(defects)),
        share(r.check for r in defects),
        share(r.vectors for r in defects),
        share(r.ordinary for r in defects),
        str(sum(not r.check for r in defects)),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _found_by(results: list[Result]) -> list[str]:
    """Which family of cases was the first to show a defect; families run in this order."""
    found: dict[str, int] = {}
    for result in results:
        if result.check:
            found[result.family] = found.get(result.family, 0) + 1
    lines = ["| first seen in | defects |", "| --- | ---: |"]
    return lines + [
        f"| {family} | {number} |" for family, number in sorted(found.items(), key=lambda f: -f[1])
    ]


def _survivors(results: list[Result]) -> list[str]:
    found = [r for r in results if r.counts and not r.check]
    notes = {
        (True, False): ", though seen by the vectors",
        (False, True): ", though seen by an ordinary test",
    }
    return [
        f"- {r.pipeline}: {r.kind}, {r.where}{', timed out' if r.outcome == 'timed out' else ''}"
        f"{notes.get((r.vectors, r.ordinary), ', though seen by both others' if r.vectors else '')}"
        for r in sorted(found, key=lambda r: (r.pipeline, r.kind, r.where))
    ]
