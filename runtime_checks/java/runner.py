"""Builds the Maven project beside it, and starts it: a graph answered by onnxruntime's Java binding."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.process import ProcessSession
from onnxtwin.runtime_checks.toolchain import built, missing_tools, run_tool

PACKAGE = "onnxtwin.runner"
BUILD = ("mvn", "--batch-mode", "--quiet", "package")

# One request at a time needs no parallel collector, and a small machine has other runtimes beside this one.
JVM = ("-XX:+UseSerialGC", "-Dfile.encoding=UTF-8")


def absent() -> str | None:
    """Why Java cannot run here, or None if it can; a JDK is needed, a JRE cannot build the runner."""
    return missing_tools("java", "javac", "mvn")


def open_session(model: bytes | str | Path, signature: Signature, threads: int = 1) -> ProcessSession:
    """A graph in onnxruntime's Java binding; the runner is built into the user's cache the first time.

    Parameters
    ----------
    model : the serialised graph or its path.
    signature : what the graph takes and gives.
    threads : intra-op threads of onnxruntime.

    Raises
    ------
    CheckError : the runner cannot be built.
    OnnxTwinError : onnxruntime cannot load the graph.
    """
    # The templates' engine is needed here only, not where a runtime is chosen.
    from onnxtwin.build.clients.java import native_texts

    texts = native_texts(PACKAGE)

    def build(folder: Path) -> None:
        (folder / "src/main/java" / Path(*PACKAGE.split(".")) / "NativeTexts.java").write_text(
            texts, encoding="utf-8"
        )
        run_tool(BUILD, folder)

    runner = built("java", Path(__file__).parent, build, key=texts)
    classes = os.pathsep.join([str(runner / "target" / "runner.jar"), str(runner / "target" / "lib" / "*")])

    def command(graph: Path, threads: int) -> Sequence[str]:
        return ["java", *JVM, "-cp", classes, f"{PACKAGE}.Main", str(graph), str(threads)]

    return ProcessSession(command, model, signature, threads)
