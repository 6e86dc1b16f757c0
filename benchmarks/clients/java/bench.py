"""The Java client beside bare tensors of onnxruntime's Java binding: flights, and a small model of iris.

    python benchmarks/clients/java/bench.py [--calls 20000] [--memory-calls 1000000] [--dry-run]

Both sides start from the same Java values and end with the answer as Java values: the client builds a row
and calls its method; the other side fills arrays, makes a tensor a column of them, runs and reads. One
intra-op thread. Fills the table in docs/benchmarks.md. Needs a JDK and Maven.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import onnxtwin
from onnxtwin.build import artifact as artifacts
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.java.answers import values
from onnxtwin.build.clients.java.project import SPELLING
from onnxtwin.build.clients.java.spelling import literal
from onnxtwin.build.clients.view import View, view
from onnxtwin.runtime_checks.toolchain import run_tool

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- java clients: begin -->", "<!-- java clients: end -->"
FLIGHTS = (ROOT / "artifacts/flights/arrives_late", ROOT / "artifacts/flights/arrival_delay")

MAKERS = {"float64": "doubles", "float32": "floats", "int64": "longs", "bool": "booleans", "string": "texts"}
CLASSPATH = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:build-classpath"


def iris(folder: Path) -> Path:
    """The artifact of a scaled logistic regression: so small a model that the call itself is what costs."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    return onnxtwin.export(pipeline, X).save(folder / "iris")


def feeds(seen: View) -> Iterator[str]:
    """A statement a column that feeds it with the value that the client's row has."""
    for field in seen.fields:
        value = seen.vectors.inputs[field.name][0, 0]
        shown = literal(value if field.tensor == "string" else value.item())
        shown = f"{shown}f" if field.tensor == "float32" else shown
        yield f"    feeds.put({literal(field.name)}, {MAKERS[field.tensor]}({shown}, shape));"


def measure(folder: Path, calls: int, memory_calls: int) -> list[list[float]]:
    """Microseconds of a row, rows a second, memory in MB after 100,000 calls and at the end: pairs."""
    with tempfile.TemporaryDirectory(prefix="onnxtwin-") as scratch:
        project = generate(folder, "java", Path(scratch) / "client")
        seen = view(artifacts.read(folder), SPELLING)
        method = seen.methods[-1]
        package = f"onnxtwin.{seen.type_name.lower()}"
        outputs = [method.outputs[0].name, *([seen.domain.name] if seen.domain else [])]
        source = (Path(__file__).parent / "Bench.java").read_text(encoding="utf-8")
        for word, text in {
            "__PACKAGE__": package,
            "__TYPE__": seen.type_name,
            "__METHOD__": method.identifier,
            "__OUTPUTS__": ", ".join(map(literal, outputs)),
            "__SETTERS__": "".join(values(seen)["setters"]),
            "__FEEDS__": "\n".join(feeds(seen)),
        }.items():
            source = source.replace(word, text)
        place = project / "src/test/java" / package.replace(".", "/") / "Bench.java"
        place.write_text(source, encoding="utf-8")
        run_tool(
            ["mvn", "--batch-mode", "--quiet", "test", CLASSPATH, "-Dmdep.outputFile=classpath"], project
        )
        classes = [
            "target/classes",
            "target/test-classes",
            (project / "classpath").read_text(encoding="utf-8").strip(),
        ]
        argv = ["java", "-cp", os.pathsep.join(classes), f"{package}.Bench", str(calls), str(memory_calls)]
        lines = run_tool(argv, project).strip().splitlines()[-3:]
    return [[float(number) for number in line.split()] for line in lines]


def main() -> None:
    """Measure, print, and update the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="of one row in a round; eleven rounds")
    parser.add_argument("--memory-calls", type=int, default=1_000_000)
    parser.add_argument("--dry-run", action="store_true", help="print only")
    arguments = parser.parse_args()
    memory_of = f"memory after 100,000 and {arguments.memory_calls:,} calls"
    head = "artifact | one row, bare | one row, client | client / bare | rows/s in 1,000s, bare | client"
    lines = [f"| {head} | client / bare | {memory_of} |", "| --- " * 8 + "|"]
    with tempfile.TemporaryDirectory(prefix="onnxtwin-") as scratch:
        for folder in (iris(Path(scratch)), *FLIGHTS):
            one, many, memory = measure(folder, arguments.calls, arguments.memory_calls)
            lines.append(
                f"| {folder.name} | {one[1]:.1f} µs | {one[0]:.1f} µs | {one[0] / one[1]:.2f} "
                f"| {many[1]:,.0f} | {many[0]:,.0f} | {many[1] / many[0]:.2f} "
                f"| {memory[0]:.0f} and {memory[1]:.0f} MB |"
            )
    text = "\n".join(lines)
    sys.stdout.write(f"{text}\n")
    if not arguments.dry_run:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
