"""Writes the playground's folder: the page, the artifact's files, onnxruntime-web."""

from __future__ import annotations

from pathlib import Path

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.artifact import CONTRACT, MODEL, VECTORS
from onnxtwin.build.clients.folder import write
from onnxtwin.build.clients.templates import Templates
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError

ONNXRUNTIME_WEB = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files of the npm package's ``dist`` folder that a page needs."""

_HERE = Path(__file__).parent
_TEMPLATES = Templates(_HERE / "templates", {})


def write_playground(
    artifact: artifacts.Artifact | str | Path,
    folder: str | Path,
    onnxruntime_web: Path,
    *,
    title: str | None = None,
) -> Path:
    """Write a static page that runs an artifact in the browser; any web server can serve it, offline too.

    Parameters
    ----------
    artifact : opened, or its folder.
    folder : new, empty, or one that an earlier call wrote.
    onnxruntime_web : the folder ``dist`` of the npm package of that name.
    title : the page's heading; by default the artifact's folder name, as words.

    Returns
    -------
    The folder.

    Raises
    ------
    ArtifactError
        If the artifact cannot be opened, holds no recorded rows, is too large for a browser, or the folder
        is somebody else's.
    """
    opened = artifact if isinstance(artifact, artifacts.Artifact) else artifacts.read(artifact)
    if VECTORS not in opened.manifest["files"]:
        raise ArtifactError(f"{opened.path}: holds no recorded rows to start from; build it again")
    if WEIGHTS in opened.manifest["files"]:
        raise ArtifactError(f"{opened.path}: its weights are more than a browser's memory holds")
    name = title or _spoken(opened.path.resolve().name)
    target = Path(folder)
    files = {file.name: file.read_bytes() for file in sorted((_HERE / "static").iterdir()) if file.is_file()}
    files["index.html"] = _TEMPLATES.render("index.html", title=name).encode()
    files |= {f"model/{file}": opened.file(file) for file in (MODEL, CONTRACT, VECTORS)}
    files |= {f"ort/{file}": (onnxruntime_web / file).read_bytes() for file in ONNXRUNTIME_WEB}
    write(target, "a page", files)
    return target


def _spoken(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").strip() or name
    return words[0].upper() + words[1:]
