"""Alarms: how many correct pipelines the check calls unequal.

Run from the repository's root: ``python benchmarks/alarms.py``; it draws pipelines, exports and checks each,
prints the share called unequal with every alarm, and writes both between the markers of ``docs/power.md``.
Interrupted, it goes on where it was: results are kept in ``.mutation/`` while the project's code is the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from correct.run import run, state
from correct.table import page

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "power.md"
RESULTS = ROOT / ".mutation"
BEGIN, END = "<!-- alarms: begin -->", "<!-- alarms: end -->"


def main() -> None:
    """Parse the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=560, help="drawn; some are refused at export")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=120, help="of the processor, the limit of a pipeline")
    parser.add_argument("--only", nargs="*", type=int, metavar="NUMBER", help="check these; leaves the page")
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    parser.add_argument("--no-page", action="store_true", help="leave docs/power.md as it is")
    options = parser.parse_args()
    path = RESULTS / f"alarms-{options.seed}-{state()}.jsonl"
    if options.fresh:
        path.unlink(missing_ok=True)
    numbers = options.only if options.only is not None else list(range(options.pipelines))
    results = run(path, seed=options.seed, numbers=numbers, workers=options.workers, seconds=options.seconds)
    tables = page(results)
    print(tables)  # noqa: T201 - a command's output
    if not options.no_page and options.only is None:
        text = PAGE.read_text("utf-8")
        head, tail = text[: text.index(BEGIN)], text[text.index(END) :]
        PAGE.write_text(f"{head}{BEGIN}\n{tables}\n{tail}", "utf-8")


if __name__ == "__main__":
    main()
