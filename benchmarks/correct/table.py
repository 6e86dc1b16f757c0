"""The results as the section of ``docs/power.md``."""

from __future__ import annotations

from collections import Counter

from scipy.stats import beta

from correct.run import ORDINARY, REFUSED, Result

CONFIDENCE = 0.95

SHOWN = 300
"""Letters of a row on the page; the results hold all."""


def interval(found: int, of: int) -> tuple[float, float]:
    """The exact confidence interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if not found else float(beta.ppf(tail, found, of - found + 1))
    high = 1.0 if found == of else float(beta.ppf(1 - tail, found + 1, of - found))
    return low, high


def share(found: int, of: int) -> str:
    """``3 of 500 (0.6%; 95% confidence: 0.1% to 1.7%)``."""
    if not of:
        return "0 of 0"
    low, high = interval(found, of)
    return f"{found} of {of} ({found / of:.1%}; 95% confidence: {low:.2%} to {high:.2%})"


def page(results: list[Result]) -> str:
    """Both rates, a table of the recipes, and each alarm, in Markdown."""
    checked = [r for r in results if r.checked]
    other = [r for r in checked if r.arithmetic]
    counts = Counter(r.outcome for r in results if not r.checked)
    left_out = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "none"
    rows, undecided = sum(r.compared for r in checked), sum(r.undetermined for r in checked)
    seconds = [r.check_seconds for r in checked]
    seeds = ", ".join(map(str, sorted({r.seed for r in results})))
    recipes = len({r.recipe for r in results if r.recipe})
    here = share(sum(r.red(True) for r in checked), len(checked))
    there = share(sum(r.red(False) for r in other), len(other))
    lines = [
        f"{len(checked)} pipelines (seed {seeds}) of {recipes} recipes; left out: {left_out}.",
        "",
        "| the pipeline's own answers | called unequal |",
        "| --- | --- |",
        f"| as this machine computes them | {here} |",
        f"| summed in another order | {there} |",
        "",
        f"{rows:,} answers were compared, {undecided:,} undetermined ({undecided / (rows or 1):.3%}).",
        f"Processor time of a check: median {_median(seconds):.1f} s, at most {max(seconds or [0]):.1f} s.",
        "",
        *_recipes(results),
        "",
        "Alarms:",
        "",
        *(_alarms(checked) or ["- none"]),
    ]
    failures = [r for r in results if not r.checked and r.outcome not in (REFUSED, "not fitted")]
    if failures:
        lines += ["", "Without a verdict:", ""]
        lines += [f"- {r.number}, {r.outcome}: `{r.pipeline}`: {r.note}" for r in failures]
    return "\n".join(lines)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def _recipes(results: list[Result]) -> list[str]:
    lines = [
        "| recipe | checked | in another order | called unequal | refused at export |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(r.recipe for r in results if r.recipe):
        some = [r for r in results if r.recipe == name]
        checked = [r for r in some if r.checked]
        red, refused = sum(bool(r.alarms) for r in checked), sum(r.outcome == REFUSED for r in some)
        other = sum(bool(r.arithmetic) for r in checked)
        lines.append(f"| {name} | {len(checked)} | {other} | {red} | {refused} |")
    return lines


def _alarms(results: list[Result]) -> list[str]:
    lines = []
    for result in results:
        for alarm in result.alarms[:4]:
            where = f"{alarm.family}, {alarm.rows} rows" if alarm.family else "no row"
            reference = "" if alarm.arithmetic == ORDINARY else f"; {alarm.arithmetic}"
            row = alarm.row if len(alarm.row) <= SHOWN else f"{alarm.row[:SHOWN]}..."
            lines.append(f"- {result.seed}/{result.number}, `{result.pipeline}`, {where}: `{row}`{reference}")
    return lines
