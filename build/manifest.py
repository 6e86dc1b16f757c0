"""``manifest.json``: the SHA-256 of every file of an artifact, and the tools that made it.

It holds no clock, host or path, so that building twice gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from onnxtwin.build.contract import FORMAT, KIND
from onnxtwin.exporters.errors import ArtifactError

MANIFEST = "manifest.json"
TOOLS = ("onnxtwin", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx", "spox")

_REQUIRED = ("model.onnx", "contract.json")
_AGAIN = "copy the artifact again or rebuild it"


def make_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the files that stand in a folder."""
    tools = {"python": platform.python_version()}
    for name in TOOLS:
        try:
            tools[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "artifact": KIND,
        "format": FORMAT,
        "files": {
            file.name: {"sha256": _digest(file), "bytes": file.stat().st_size}
            for file in sorted(folder.iterdir())
        },
        "tools": dict(sorted(tools.items())),
    }


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest of an artifact, of which no other file was read yet.

    Raises
    ------
    ArtifactError
        If there is no folder, no manifest, or it is damaged or of a newer format.
    """
    if not folder.is_dir():
        what = "is a file, not an artifact's folder" if folder.exists() else "does not exist"
        raise ArtifactError(f"{folder}: {what}; name the folder that `onnxtwin build` or Twin.save wrote")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise ArtifactError(f"{folder}: is not an artifact: it has no {MANIFEST}") from None
    except ValueError as error:
        raise ArtifactError(f"{folder / MANIFEST}: is truncated or altered ({error}); {_AGAIN}") from error
    if not isinstance(manifest, dict) or manifest.get("artifact") != KIND:
        raise ArtifactError(f"{folder}: is not an artifact: its {MANIFEST} is somebody else's")
    found = manifest.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise ArtifactError(
            f"{folder}: is of format {found}, and this onnxtwin reads up to {FORMAT}: upgrade onnxtwin"
        )
    if found != FORMAT or not isinstance(manifest.get("files"), dict):
        raise ArtifactError(f"{folder / MANIFEST}: is altered: no format that ever was; {_AGAIN}")
    return manifest


def verify(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Check that every file is there, whole and unaltered.

    Raises
    ------
    ArtifactError
        For the first file that is not.
    """
    files = manifest["files"]
    for name in _REQUIRED:
        if name not in files:
            raise ArtifactError(f"{folder / MANIFEST}: is altered: it lists no {name}; {_AGAIN}")
    for name, wanted in files.items():
        if Path(name).name != name or not isinstance(wanted, dict):
            raise ArtifactError(
                f"{folder / MANIFEST}: is altered: {name!r} is no file of an artifact; {_AGAIN}"
            )
        file = folder / name
        if not file.is_file():
            raise ArtifactError(f"{file}: is missing; {_AGAIN}")
        size = file.stat().st_size
        if size < wanted.get("bytes", 0):
            raise ArtifactError(f"{file}: is truncated: {size} of {wanted['bytes']} bytes; {_AGAIN}")
        if size != wanted.get("bytes") or _digest(file) != wanted.get("sha256"):
            raise ArtifactError(f"{file}: is altered: its SHA-256 is not the manifest's; {_AGAIN}")


def verified(folder: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    """The bytes of one file, checked as they are read.

    Raises
    ------
    ArtifactError
        If they are not the manifest's any more.
    """
    file = folder / name
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{file}: cannot be read any more ({error}); open the artifact again") from error
    if hashlib.sha256(content).hexdigest() != manifest["files"][name]["sha256"]:
        raise ArtifactError(f"{file}: was replaced after the artifact was opened; open it again")
    return content


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
