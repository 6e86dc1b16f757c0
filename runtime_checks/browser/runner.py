"""Starts ``runner.mjs``, which answers a graph with onnxruntime-web in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.node.runner import install
from onnxtwin.runtime_checks.process import ProcessSession
from onnxtwin.runtime_checks.toolchain import built, missing_tools

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names of the browser on the PATH, the first found is taken."""

SHARED = ("codec.mjs", "pipe.mjs")
"""Of the node runner's files those that this one uses as well."""


def chromium() -> str | None:
    """Path of the browser, or None."""
    return next((path for name in CHROMIUM if (path := shutil.which(name)) is not None), None)


def absent() -> str | None:
    """Why no browser can run here, or None if one can."""
    reasons = [missing_tools("node", "npm"), None if chromium() else missing_tools("chromium")]
    return "; ".join(reason for reason in reasons if reason) or None


def open_session(model: bytes | str | Path, signature: Signature, threads: int = 1) -> ProcessSession:
    """A graph in onnxruntime-web; its packages are installed into the user's cache the first time.

    Parameters
    ----------
    model : the serialised graph or its path.
    signature : what the graph takes and gives.
    threads : intra-op threads of onnxruntime.

    Raises
    ------
    CheckError : the packages cannot be installed.
    OnnxTwinError : Chromium cannot be started, or onnxruntime-web cannot load the graph.
    """
    runner = installed()

    def command(graph: Path, threads: int) -> Sequence[str]:
        return ["node", str(runner / "runner.mjs"), str(graph), str(threads), str(chromium())]

    return ProcessSession(command, model, signature, threads)


def installed() -> Path:
    """The folder in which onnxruntime-web and playwright-core are installed, with this runner's files."""
    shared = {name: (Path(__file__).parents[1] / "node" / name).read_text("utf-8") for name in SHARED}

    def build(folder: Path) -> None:
        for name, text in shared.items():
            (folder / name).write_text(text, encoding="utf-8")
        install(folder)

    return built("browser", Path(__file__).parent, build, key="".join(shared.values()))


def onnxruntime_web() -> Path:
    """The folder with the files of onnxruntime-web that a page loads.

    Raises
    ------
    CheckError : npm is not there, or the packages cannot be installed.
    """
    reason = missing_tools("npm")
    if reason is not None:
        raise CheckError(f"onnxruntime-web comes by npm, and there is {reason}: install Node.js")
    return installed() / "node_modules" / "onnxruntime-web" / "dist"
