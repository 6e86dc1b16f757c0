"""The TypeScript client beside bare tensors of onnxruntime-node: one row, batches of 1,000, memory.

Run from the repository's root: ``python benchmarks/clients/node/bench.py``; it prints a table and writes it
between the markers of ``docs/benchmarks.md``. Needs Node and npm. Client and bare calls take turns in one
process; each figure is a median.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.artifact import Artifact
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.typescript.project import SPELLING
from onnxtwin.build.clients.view import Field, View, view
from onnxtwin.build.tensors import DATATYPES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- node clients: begin -->", "<!-- node clients: end -->"
ARTIFACTS = ("arrives_late", "arrival_delay")
REMEMBERED = "arrival_delay"
"""The artifact whose client is called a million times."""
BATCH = 1000
HEADER = (
    "| artifact | one row, bare | one row, client | client / bare | rows/s in 1,000s, bare | client "
    "| client / bare | memory after 100,000 and 1,000,000 calls |"
)


def main() -> None:
    """Measure every artifact and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000, help="calls a figure")
    parser.add_argument("--memory", type=int, default=1_000_000, help="calls after which memory is read")
    given = parser.parse_args()
    lines = [HEADER, "|" + " --- |" * (HEADER.count("|") - 1)]
    for name in ARTIFACTS:
        lines.append(row(name, measured(name, given.calls, given.memory if name == REMEMBERED else 0)))
        sys.stdout.write(lines[-1] + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def row(name: str, found: dict[str, Any]) -> str:
    """A line of the table."""
    bare, typed = found["bareOne"], found["typedOne"]
    many, typed_many = (found["many"] / found[key] * 1e6 for key in ("bareMany", "typedMany"))
    level = " and ".join(f"{found['level'][i]:.0f}" for i in (0, -1)) + " MB" if found["level"] else ""
    return (
        f"| {name} | {bare:.0f} µs | {typed:.0f} µs | {typed / bare:.2f} | {many:,.0f} | {typed_many:,.0f} "
        f"| {many / typed_many:.2f} | {level} |"
    )


def measured(name: str, calls: int, memory: int) -> dict[str, Any]:
    """What ``bench.mjs`` says of an artifact's client."""
    artifact = artifacts.read(ROOT / "artifacts" / "flights" / name)
    seen = view(artifact, SPELLING)
    with tempfile.TemporaryDirectory(prefix="onnxtwin-") as scratch:
        folder = generate(artifact, "typescript", Path(scratch) / "client")
        environ = {**os.environ, "ONNXRUNTIME_NODE_INSTALL": "skip"}
        for command in (["npm", "install", "--no-audit", "--no-fund", "--silent"], ["npm", "run", "build"]):
            subprocess.run(command, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
        rows = Path(scratch) / "rows.json"
        rows.write_text(json.dumps(material(artifact, seen)), encoding="utf-8")
        script = Path(__file__).with_name("bench.mjs")
        done = subprocess.run(
            ["node", "--expose-gc", script, folder, seen.type_name, rows, str(calls), str(memory)],
            check=True,
            stdout=subprocess.PIPE,
        )
    return dict(json.loads(done.stdout))


def material(artifact: Artifact, seen: View) -> dict[str, Any]:
    """A thousand recorded rows, repeated as need be: typed, and as the graph's tensors."""
    recorded = artifact.vectors.inputs
    count = len(artifact.vectors)
    sample = [i for i in range(count) if artifact.vectors.tags[i] == "sample"]
    places = [sample[i % len(sample)] for i in range(BATCH)]
    columns = {field.identifier: [cell(field, seen, recorded, i) for i in places] for field in seen.fields}
    return {
        "rows": [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)],
        "inputs": [
            {
                "name": entry.name,
                "datatype": DATATYPES[entry.tensor],
                "data": [plain(recorded[entry.name][i, 0]) for i in places],
            }
            for entry in seen.inputs
        ],
        "outputs": [output.name for output in seen.signature.outputs],
    }


def cell(field: Field, seen: View, recorded: dict[str, Any], row: int) -> Any:
    """A recorded value as the client takes it; the flights hold numbers and texts."""
    value = plain(recorded[seen.inputs[field.input].name][row, field.place])
    return None if value == seen.token else value


def plain(value: Any) -> Any:
    """A cell as JSON says it, NaN as null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value


if __name__ == "__main__":
    main()
