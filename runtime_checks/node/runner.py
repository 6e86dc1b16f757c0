"""Starts ``runner.mjs``, which answers a graph with onnxruntime-node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.process import ProcessSession
from onnxtwin.runtime_checks.toolchain import built, missing_tools, run_tool

# No install script is needed: the one of onnxruntime-node fetches CUDA, its CPU library is in the package.
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def absent() -> str | None:
    """Why Node cannot run here, or None if it can."""
    return missing_tools("node", "npm")


def open_session(model: bytes | str | Path, signature: Signature, threads: int = 1) -> ProcessSession:
    """A graph in onnxruntime-node; its packages are installed into the user's cache the first time.

    Parameters
    ----------
    model : the serialised graph or its path.
    signature : what the graph takes and gives.
    threads : intra-op threads of onnxruntime.

    Raises
    ------
    CheckError : the packages cannot be installed.
    OnnxTwinError : onnxruntime-node cannot load the graph.
    """
    runner = built("node", Path(__file__).parent, install)

    def command(graph: Path, threads: int) -> Sequence[str]:
        return ["node", str(runner / "runner.mjs"), str(graph), str(threads)]

    return ProcessSession(command, model, signature, threads)


def install(folder: Path) -> None:
    """Install exactly the packages that ``package-lock.json`` names into a folder."""
    run_tool(INSTALL, folder)
