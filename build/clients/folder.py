"""A generated project on disk: written whole or not at all, and never over anybody's own work."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from onnxtwin.build import canonical
from onnxtwin.build.atomic import new_folder
from onnxtwin.exporters.errors import ArtifactError

MARKER = ".onnxtwin-client.json"
"""Lists the generated files and their SHA-256, so that a second run knows which are its own."""

KIND = "onnxtwin-client"


def write(target: Path, language: str, files: Mapping[str, bytes]) -> None:
    """Write a project.

    A folder that this has written before is brought up to date: its generated files are replaced, or gone if
    they are not made any more; everything else in it stays.

    Parameters
    ----------
    target : the folder: new, empty, or written by this function.
    files : content by path relative to the folder, with ``/``.

    Raises
    ------
    ArtifactError
        If the folder holds something else, a generated file was edited, or it cannot be written.
    """
    before = _generated_before(target, language)
    in_the_way = sorted(name for name in files if name not in before and (target / name).exists())
    if in_the_way:
        raise ArtifactError(f"{target / in_the_way[0]}: is not generated, and is left alone; rename it")
    marker = {
        "artifact": KIND,
        "language": language,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    try:
        with new_folder(target) as folder:
            if target.is_dir():
                _carry_over(target.resolve(), folder, {*before, MARKER})
            for name, content in files.items():
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            (folder / MARKER).write_bytes(canonical.dumps(marker))
    except OSError as error:
        raise ArtifactError(f"{target}: cannot be written ({error}); what was there is untouched") from error


def _generated_before(target: Path, language: str) -> set[str]:
    """Paths that an earlier run wrote, having checked that they are as it left them."""
    if not target.exists():
        return set()
    if not target.is_dir():
        raise ArtifactError(f"{target}: is a file; name a folder for the client")
    if not any(target.iterdir()):
        return set()
    try:
        marker = json.loads((target / MARKER).read_bytes())
    except (OSError, ValueError):
        marker = None
    if not isinstance(marker, dict) or marker.get("artifact") != KIND:
        raise ArtifactError(
            f"{target}: holds files that are no generated client, and is left alone; name another folder"
        )
    if marker["language"] != language:
        raise ArtifactError(
            f"{target}: holds a client in {marker['language']}; name another folder for {language}"
        )
    for name, digest in marker["files"].items():
        file = target / name
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise ArtifactError(
                f"{file}: was edited since it was generated, and is left alone; delete it to have it made "
                "anew, or name another folder"
            )
    return set(marker["files"])


def _carry_over(old: Path, new: Path, without: set[str]) -> None:
    """Files of the user's and of build tools, by hard links where the file system has them."""

    def ours(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).relative_to(old)
        return [name for name in names if (inside / name).as_posix() in without]

    shutil.copytree(old, new, symlinks=True, ignore=ours, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)
