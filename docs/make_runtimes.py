"""Fills the tables of runtimes.md: the artifacts of the tests answered in every runtime, and hostile texts.

    python docs/make_runtimes.py [--dry-run] [RUNTIME ...]

Each artifact's recorded rows and 10,000 rows that its pipeline was not fitted on are answered in each
runtime and compared with the pipeline's answers. Needs the runtimes' tools.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from javascript import text_graph  # noqa: E402 - found on the path that the lines above extend

from artifacts import ARTIFACTS, sample  # noqa: E402 - after the path
from onnxtwin.build import artifact as artifacts  # noqa: E402 - after the path
from onnxtwin.build.replay import compare, replay  # noqa: E402 - after the path
from onnxtwin.exporters.errors import InputError  # noqa: E402 - after the path
from onnxtwin.runtime_checks.runtimes import Runtime, select  # noqa: E402 - after the path

PAGE = Path(__file__).with_name("runtimes.md")
ALL = ("python", "java", "csharp", "node", "browser")

TEXTS = {
    "empty": "",
    "é composed (NFC)": "é",
    "é decomposed (NFD)": "e\u0301",
    "right to left": "نعم",
    "emoji": "a😀b",
    "last code point": "\U0010ffff",
    "NUL inside": "a\0b",
    "NUL at the end": "a\0",
}


def equal(runtimes: list[Runtime]) -> Iterator[str]:
    """A row an artifact: held-out rows that differ, and the share equal to the last bit, by runtime."""
    names = [runtime.name for runtime in runtimes]
    yield f"| artifact | rows | undetermined | {' | '.join(names)} | worst difference |"
    yield "| --- | --- | --- | " + " | ".join("---" for _ in names) + " | --- |"
    for name in ARTIFACTS:
        held_out = sample(name)
        artifact = artifacts.read(held_out.folder)
        cells, worst = [], 0.0
        for runtime in runtimes:
            with runtime.open(artifact.path / artifacts.MODEL, artifact.signature) as session:
                recorded = replay(session, artifact.vectors)
                found = compare(session, held_out.inputs, held_out.outputs)
            wrong = int((found.failing & ~held_out.undetermined).sum())
            if not recorded.ok:
                sys.stderr.write(f"{name} in {runtime.name}: {recorded}\n")
            worst = max([worst, *(o.worst for o in found.outputs if o.worst is not None)])
            share = min(output.bit_equal for output in found.outputs)
            cells.append(f"{wrong} wrong, {share:.2%}")
            sys.stderr.write(f"{name} {runtime.name} {cells[-1]}\n")
        rows, doubtful = len(held_out.undetermined), int(held_out.undetermined.sum())
        yield f"| {name} | {rows:,} | {doubtful} | {' | '.join(cells)} | {worst:.1e} |"


def texts(runtimes: list[Runtime]) -> Iterator[str]:
    """A row a kind of text: whether a graph sees it and gives it back whole, by runtime."""
    yield f"| text | {' | '.join(runtime.name for runtime in runtimes)} |"
    yield "| --- | " + " | ".join("---" for _ in runtimes) + " |"
    sessions = [runtime.open(*text_graph()) for runtime in runtimes]
    for kind, text in TEXTS.items():
        yield f"| {kind} | {' | '.join(_carried(session, text) for session in sessions)} |"
    for session in sessions:
        session.close()


def _carried(session: Any, text: str) -> str:
    try:
        found = session.run_tensors({"text": np.array([[text]], dtype=object)})
    except InputError:
        return "refused"
    return "whole" if found["transform"].tolist() == [[text]] else "**corrupted**"


def versions(runtimes: list[Runtime]) -> Iterator[str]:
    """A row a runtime: what answered."""
    yield "| runtime | versions |"
    yield "| --- | --- |"
    for runtime in runtimes:
        with runtime.open(*text_graph()) as session:
            found = getattr(session, "versions", None)
        text = ", ".join(f"{k} {v}" for k, v in found.items()) if found else runtime.describe()
        yield f"| {runtime.name} | {text} |"


def main() -> None:
    """Measure, print, and update the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runtimes", nargs="*", default=ALL)
    parser.add_argument("--dry-run", action="store_true", help="print only")
    arguments = parser.parse_args()
    runtimes, skipped = select(arguments.runtimes)
    for name, reason in skipped.items():
        sys.stderr.write(f"{name} is left out: {reason}\n")
    for table in (versions, texts, equal):
        text = "\n".join(table(runtimes))
        sys.stdout.write(f"{text}\n\n")
        if not arguments.dry_run:
            page = PAGE.read_text(encoding="utf-8")
            begin, end = f"<!-- {table.__name__}: begin -->", f"<!-- {table.__name__}: end -->"
            before, after = page.split(begin)[0], page.split(end)[1]
            PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
