"""What a check costs: beside an export, beside the pipeline's own predictions, and its memory.

Ten common pipelines, each in a process of its own with one thread: processor time of an export (the second:
the first also imports), of the check with all its cases, and of a thorough one.

Both flights recipes, all 336,776 flights repeated to 300,000 and 3,000,000 rows. The check runs without
generated cases, whose number does not grow with the rows. Times are taken in turn within one process and the
shortest of each counts; processor time (all threads) stands beside, which other work on the machine disturbs
less. Memory is the peak of a process of its own, which streams the rows from a Parquet file.

    python benchmarks/cost.py [--only common] [--rounds 3] [--dry-run]
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pandas as pd
import sklearn
from common_pipelines import COMMON

import onnxtwin
from onnxtwin.build.recipe import importable, run_recipe
from onnxtwin.build.tables import open_rows

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PARTS = ("common", "cost")
"""Each between its own marks of the page."""

BUDGET = 5.0
"""Seconds, or exports if these take longer, that the check of a common pipeline may take."""

RECIPES = ("arrives_late", "arrival_delay")
ROWS, MANY = 300_000, 3_000_000


def recipe(name: str) -> str:
    """The recipe's name for ``onnxtwin build``."""
    return f"{ROOT / 'examples' / 'flights' / 'recipes.py'}:{name}"


def repeated(X: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The flights over and over, to so many rows."""
    return pd.concat([X] * (rows // len(X) + 1), ignore_index=True).iloc[:rows]


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - processor


def cost(name: str, rounds: int) -> str:
    """One row of the table of times."""
    material = run_recipe(recipe(name))
    twin = onnxtwin.export(material.pipeline, material.X)
    X = repeated(material.X, ROWS)

    def predictions() -> None:
        for method in twin.methods:
            getattr(material.pipeline, method)(X)

    def checked() -> None:
        report = twin.check(X, cases=False)
        if not report.ok or report.rows != ROWS:
            raise SystemExit(str(report))

    own, checks = [], []
    for _ in range(rounds):
        own.append(timed(predictions))
        checks.append(timed(checked))
    cells = [name, " + ".join(twin.methods)]
    for column in (0, 1):
        ours, theirs = (min(times[column] for times in side) for side in (checks, own))
        cells += [f"{theirs:.1f} s", f"{ours:.1f} s", f"{ours / theirs:.2f}"]
    return "| " + " | ".join(cells) + " |"


def memory(name: str, folder: Path) -> str:
    """One row of the table of memory."""
    material = run_recipe(recipe(name))
    twin = onnxtwin.export(material.pipeline, material.X)
    twin.save(folder / name)
    # Fitting again would take more memory than any check, and hide it.
    with (folder / f"{name}.pickle").open("wb") as stored:
        pickle.dump(material.pipeline, stored)
    peaks = []
    for rows in (ROWS, MANY):
        file = folder / f"{name}-{rows}.parquet"
        repeated(material.X, rows).to_parquet(file, index=False)
        command = [sys.executable, __file__, "--peak", name, str(folder / name), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(float(done.stdout))
        file.unlink()
    return f"| {name} | {peaks[0]:,.0f} MB | {peaks[1]:,.0f} MB | {peaks[1] / peaks[0]:.2f} |"


def peak(name: str, artifact: str, file: str) -> None:
    """Check an artifact on a file, and print the peak memory of this process in MB."""
    with (Path(artifact).parent / f"{name}.pickle").open("rb") as stored:
        pipeline = pickle.load(stored)
    twin = onnxtwin.load(artifact)
    report = twin.check(open_rows(file, twin.signature), pipeline=pipeline, cases=False)
    if not report.ok:
        raise SystemExit(str(report))
    # Not ru_maxrss: a child inherits that of the process which started it.
    (peaked,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("utf-8"), re.MULTILINE)
    sys.stdout.write(f"{int(peaked) / 1024}\n")


def common(name: str, thorough: bool) -> str:
    """One row of the table of common pipelines."""
    command = [sys.executable, __file__, "--one", name, *(["--thorough"] if thorough else [])]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    exported, usual = found["export"], found["check"]
    kept = "yes" if usual <= BUDGET * max(1.0, exported) else "no"
    cells = [f"{exported:.2f} s", f"{usual:.1f} s", f"{usual / exported:.1f}", kept, f"{found['rows']:,}"]
    cells += [f"{found['thorough']:.1f} s", f"{found['more']:,}"] if thorough else ["", ""]
    return f"| {name} | {' | '.join(cells)} | {found['verdict']} |"


def one(name: str, thorough: bool) -> None:
    """Export and check one common pipeline in this process, and print what it took."""
    pipeline, X = COMMON[name]()
    onnxtwin.export(pipeline, X)
    _, exported = timed(lambda: onnxtwin.export(pipeline, X))
    twin = onnxtwin.export(pipeline, X)
    twin.check(X[:50], cases=False)  # imports
    reports: list[Any] = []
    _, usual = timed(lambda: reports.append(twin.check(X)))
    found = {"export": exported, "check": usual, "rows": reports[0].rows, "verdict": reports[0].verdict}
    if thorough:
        _, longer = timed(lambda: reports.append(twin.check(X, thorough=True)))
        found |= {"thorough": longer, "more": reports[1].rows}
    sys.stdout.write(json.dumps(found))


def common_part(thorough: bool) -> list[str]:
    """The table of common pipelines."""
    return [
        f"scikit-learn {sklearn.__version__}, onnxruntime {ort.__version__}; processor time on one core.",
        "",
        "| pipeline | export | check | ratio | within budget | rows | thorough | rows | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(common(name, thorough) for name in COMMON),
    ]


def cost_part(rounds: int) -> list[str]:
    """The tables of the flights."""
    lines = [
        f"scikit-learn {sklearn.__version__}, onnxruntime {ort.__version__}; {ROWS:,} flights.",
        "",
        "| recipe | methods | pipeline, clock | check | ratio | pipeline, processor | check | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(cost(name, rounds) for name in RECIPES),
        "",
        f"| recipe | peak memory, {ROWS:,} rows | {MANY:,} rows | ratio |",
        "| --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        return lines + [memory(name, Path(folder)) for name in RECIPES]


def main() -> None:
    """Measure, print, and update the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="measurements, of which the shortest counts")
    parser.add_argument("--dry-run", action="store_true", help="print only")
    parser.add_argument("--only", choices=PARTS, help="one part of it")
    parser.add_argument("--no-thorough", action="store_true", help="leave thorough checks out")
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--thorough", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.peak:
        with importable(recipe(arguments.peak[0])):
            peak(*arguments.peak)
        return
    if arguments.one:
        one(arguments.one, arguments.thorough)
        return
    for part in PARTS if arguments.only is None else [arguments.only]:
        lines = common_part(not arguments.no_thorough) if part == "common" else cost_part(arguments.rounds)
        text = "\n".join(lines)
        sys.stdout.write(f"{text}\n")
        if not arguments.dry_run:
            begin, end = (f"<!-- {part}: {edge} -->" for edge in ("begin", "end"))
            page = PAGE.read_text(encoding="utf-8")
            before, after = page.split(begin)[0], page.split(end)[1]
            PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
