"""Starts the runner in this folder, which answers a graph with Microsoft.ML.OnnxRuntime."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.process import ProcessSession
from onnxtwin.runtime_checks.toolchain import built, missing_tools, run_tool

OLDEST_SDK = 8
"""The runner is built for .NET 8 and runs on any later one."""

# No server of MSBuild's or of the compiler's stays behind.
BUILD = (
    "dotnet",
    "build",
    "--configuration=Release",
    "--output=app",
    "--nologo",
    "--verbosity=quiet",
    "-nodeReuse:false",
    "-p:UseSharedCompilation=false",
)


def absent() -> str | None:
    """Why .NET cannot run here, or None if it can."""
    reason = missing_tools("dotnet")
    if reason is not None:
        return reason
    listed = subprocess.run(["dotnet", "--list-sdks"], capture_output=True, text=True, check=False).stdout
    versions = re.findall(r"^(\d+)\.\S+", listed, flags=re.MULTILINE)
    if any(int(major) >= OLDEST_SDK for major in versions):
        return None
    return (
        f"no .NET SDK of version {OLDEST_SDK} or newer: dotnet --list-sdks names {listed.strip() or 'none'}"
    )


def open_session(model: bytes | str | Path, signature: Signature, threads: int = 1) -> ProcessSession:
    """A graph in Microsoft.ML.OnnxRuntime; the runner is built into the user's cache the first time.

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
    runner = built("csharp", Path(__file__).parent, build)

    def command(graph: Path, threads: int) -> Sequence[str]:
        return ["dotnet", str(runner / "app" / "Runner.dll"), str(graph), str(threads)]

    return ProcessSession(command, model, signature, threads)


def build(folder: Path) -> None:
    """Restore the packages that the project names and compile it, in the folder of its sources."""
    run_tool(BUILD, folder)
