"""The Python client beside bare tensors of onnxruntime: one row, batches of 1,000, memory.

Run from the repository's root: ``python benchmarks/clients/python/bench.py``; it prints a table and writes it
between the markers of ``docs/benchmarks.md``. Client and bare calls take turns in one process; each figure is
a median.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime as ort

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.artifact import Artifact
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.python.project import SPELLING
from onnxtwin.build.clients.view import View, view

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- python clients: begin -->", "<!-- python clients: end -->"
ARTIFACTS = ("arrives_late", "arrival_delay")
BATCH = 1000
HEADER = (
    "| artifact | one row, bare | one row, client | client / bare | rows/s in 1,000s, bare | client "
    "| client / bare | memory after {:,} and {:,} calls |"
)


def main() -> None:
    """Measure every artifact and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000, help="calls a figure")
    parser.add_argument("--memory", type=int, default=1_000_000, help="calls after which memory is read")
    given = parser.parse_args()
    header = HEADER.format(given.memory // 10, given.memory)
    lines = [header, "|" + " --- |" * (header.count("|") - 1)]
    for name in ARTIFACTS:
        lines.append(measured(name, given.calls, given.memory))
        sys.stdout.write(lines[-1] + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def measured(name: str, calls: int, memory: int) -> str:
    """A line of the table."""
    artifact = artifacts.read(ROOT / "artifacts" / "flights" / name)
    seen = view(artifact, SPELLING)
    with tempfile.TemporaryDirectory(prefix="onnxtwin-") as scratch:
        folder = generate(artifact, "python", Path(scratch) / "client")
        sys.path.insert(0, str(folder / "src"))
        package = importlib.import_module(f"{name}_client")
        sys.path.pop(0)
        model = getattr(package, seen.type_name)()
        model.self_test().raise_if_failed()
    columns = columns_of(artifact)
    rows = typed(getattr(package, f"{seen.type_name}Row"), seen, columns)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(artifact.file(artifacts.MODEL), options)
    names = [output.name for output in artifact.signature.outputs]
    dtypes = {name: array.dtype for name, array in artifact.vectors.inputs.items()}

    def bare(start: int, stop: int) -> Any:
        feeds = {
            name: np.array(values[start:stop], dtype=dtypes[name]).reshape(-1, 1)
            for name, values in columns.items()
        }
        return [answer.tolist() for answer in session.run(names, feeds)]

    one = in_turn(calls, lambda i: bare(i % BATCH, i % BATCH + 1), lambda i: model.predict(rows[i % BATCH]))
    many = in_turn(max(10, calls // 200), lambda _: bare(0, BATCH), lambda _: model.predict_many(rows))
    level = []
    for first, last in ((0, memory // 10), (memory // 10, memory)):
        for i in range(first, last):
            model.predict(rows[i % BATCH])
        level.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    rates = [BATCH / microseconds * 1e6 for microseconds in many]
    return (
        f"| {name} | {one[0]:.0f} µs | {one[1]:.0f} µs | {one[1] / one[0]:.2f} | {rates[0]:,.0f} "
        f"| {rates[1]:,.0f} | {rates[0] / rates[1]:.2f} | {level[0]:.0f} and {level[1]:.0f} MB |"
    )


def columns_of(artifact: Artifact) -> dict[str, list[Any]]:
    """A thousand recorded rows, repeated as need be, as plain values by input."""
    tags = artifact.vectors.tags
    sample = [i for i in range(len(tags)) if tags[i] == "sample"]
    places = [sample[i % len(sample)] for i in range(BATCH)]
    return {name: array[places, 0].tolist() for name, array in artifact.vectors.inputs.items()}


def typed(row: Callable[..., Any], seen: View, columns: dict[str, list[Any]]) -> list[Any]:
    """The same as the client's rows; the flights hold numbers and texts."""
    names = [field.identifier for field in seen.fields]
    values = [
        [None if v == seen.token or v != v else v for v in columns[field.name]] for field in seen.fields
    ]
    return [row(**dict(zip(names, one, strict=True))) for one in zip(*values, strict=True)]


def in_turn(calls: int, *actions: Callable[[int], Any]) -> list[float]:
    """Median microseconds of each action; they take turns, so that all see the same machine."""
    times: list[list[float]] = [[] for _ in actions]
    for call in range(-calls // 4, calls):
        for action, kept in zip(actions, times, strict=True):
            start = time.perf_counter()
            action(call + calls)
            if call >= 0:
                kept.append((time.perf_counter() - start) * 1e6)
    return [median(kept) for kept in times]


if __name__ == "__main__":
    main()
