"""Power of the check: plants single defects in correct graphs and counts who finds them.

Run from the repository's root: ``python benchmarks/power.py``; it prints the tables and writes them between
the markers of ``docs/power.md``. Interrupted, it goes on where it was: results are kept in ``.mutation/``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mutation.pipelines import SOURCES
from mutation.run import run
from mutation.table import page

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "power.md"
RESULTS = ROOT / ".mutation"
BEGIN, END = "<!-- power: begin -->", "<!-- power: end -->"


def main() -> None:
    """Parse the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants-per-pipeline", type=int, default=85)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=180, help="time limit of one mutant")
    parser.add_argument("--pipelines", nargs="*", default=list(SOURCES), metavar="NAME")
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    parser.add_argument("--no-page", action="store_true", help="leave docs/power.md as it is")
    options = parser.parse_args()
    unknown = [name for name in options.pipelines if name not in SOURCES]
    if unknown:
        parser.error(f"no such pipeline: {unknown}; there are {list(SOURCES)}")
    path = RESULTS / f"results-{options.seed}.jsonl"
    if options.fresh:
        path.unlink(missing_ok=True)
    results = run(
        path,
        pipelines=options.pipelines,
        mutants=options.mutants_per_pipeline,
        seed=options.seed,
        processes=options.processes,
        seconds=options.seconds,
    )
    tables = page(results)
    print(tables)  # noqa: T201 - a command's output
    if not options.no_page:
        text = PAGE.read_text("utf-8")
        head, tail = text[: text.index(BEGIN)], text[text.index(END) :]
        PAGE.write_text(f"{head}{BEGIN}\n{tables}\n{tail}", "utf-8")


if __name__ == "__main__":
    main()
