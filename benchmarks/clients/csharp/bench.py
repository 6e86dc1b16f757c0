"""The C# client beside bare tensors of Microsoft.ML.OnnxRuntime: one row, batches of 1,000, memory.

Run from the repository's root: ``python benchmarks/clients/csharp/bench.py``; it prints a table and writes it
between the markers of ``docs/benchmarks.md``. Needs a .NET SDK. Client and bare calls take turns in one
process; each figure is a median.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import onnxtwin
from onnxtwin.build import artifact as artifacts
from onnxtwin.build import tensors
from onnxtwin.build.artifact import Artifact
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.csharp.project import SPELLING
from onnxtwin.build.clients.view import view

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- csharp clients: begin -->", "<!-- csharp clients: end -->"
BATCH = 1000
HEADER = (
    "| artifact | one row, bare | one row, client | client / bare | rows/s in 1,000s, bare | client "
    "| client / bare | bytes allocated a call | memory after {:,} and {:,} calls |"
)


def main() -> None:
    """Measure every artifact and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000, help="calls a figure")
    parser.add_argument("--memory", type=int, default=1_000_000, help="calls after which memory is read")
    given = parser.parse_args()
    header = HEADER.format(given.memory // 10, given.memory)
    lines = [header, "|" + " --- |" * (header.count("|") - 1)]
    with tempfile.TemporaryDirectory(prefix="onnxtwin-") as scratch:
        for folder in (
            ROOT / "artifacts" / "flights" / "arrives_late",
            ROOT / "artifacts" / "flights" / "arrival_delay",
            logistic_regression(Path(scratch)),
        ):
            found = measured(folder, Path(scratch), given.calls, given.memory)
            lines.append(row(folder.name, found))
            sys.stdout.write(lines[-1] + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def logistic_regression(scratch: Path) -> Path:
    """A small model on 13 numbers, where what is around onnxruntime shows."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    return onnxtwin.export(pipeline, X).save(scratch / "wine_logistic")


def row(name: str, found: dict[str, Any]) -> str:
    """A line of the table."""
    bare, typed = found["bareOne"], found["typedOne"]
    many, typed_many = (BATCH / found[key] * 1e6 for key in ("bareMany", "typedMany"))
    level = found["level"]
    return (
        f"| {name} | {bare:.0f} µs | {typed:.0f} µs | {typed / bare:.2f} | {many:,.0f} | {typed_many:,.0f} "
        f"| {many / typed_many:.2f} | {found['allocated']} | {level[0]:.0f} and {level[-1]:.0f} MB |"
    )


def measured(folder: Path, scratch: Path, calls: int, memory: int) -> dict[str, Any]:
    """What ``Bench.cs`` says of an artifact's client."""
    artifact = artifacts.read(folder)
    type_name = view(artifact, SPELLING).type_name
    project = generate(artifact, "csharp", scratch / f"{folder.name}-client")
    here = Path(__file__).parent
    code = here.joinpath("Bench.cs").read_text(encoding="utf-8")
    for word, name in {"CLIENT": f"{type_name}Client", "ROW": f"{type_name}Row", "TYPE": type_name}.items():
        code = code.replace(word, name)
    bench = project / "bench"
    bench.mkdir()
    (bench / "Bench.cs").write_text(code, encoding="utf-8")
    source = here.joinpath("Bench.csproj").read_text(encoding="utf-8")
    (bench / "Bench.csproj").write_text(source.replace("src\\*", "..\\src\\*"), encoding="utf-8")
    rows = scratch / "rows.json"
    rows.write_text(json.dumps(material(artifact)), encoding="utf-8")
    build = ["dotnet", "build", "-c", "Release", "-o", "app", "--nologo", "-v", "quiet", "-nodeReuse:false"]
    subprocess.run([*build, "-p:UseSharedCompilation=false"], cwd=bench, check=True, stdout=sys.stderr)
    done = subprocess.run(
        ["dotnet", "app/Bench.dll", rows, str(calls), str(memory)],
        cwd=bench,
        check=True,
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(done.stdout))


def material(artifact: Artifact) -> dict[str, Any]:
    """A thousand recorded rows, repeated as need be, as the graph's tensors."""
    tags = artifact.vectors.tags
    sample = [i for i in range(len(tags)) if tags[i] == "sample"]
    places = [sample[i % len(sample)] for i in range(BATCH)]
    return {
        "inputs": [tensors.to_json(name, array[places]) for name, array in artifact.vectors.inputs.items()],
        "outputs": [output.name for output in artifact.signature.outputs],
    }


if __name__ == "__main__":
    main()
