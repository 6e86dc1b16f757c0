"""Typed clients of an artifact: a small complete project in another language, generated.

Each language is a folder with a module ``project.py`` and its templates; :func:`generate` writes
what it makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.clients.folder import write
from onnxtwin.build.clients.view import Spelling, View, view
from onnxtwin.exporters.errors import ArtifactError

LANGUAGES = ("java", "csharp", "typescript", "python")


@dataclass(frozen=True)
class Project:
    """What a language makes of a view.

    Attributes
    ----------
    files : text by path relative to the project's folder, with ``/``.
    resources : the folder, relative to the project's, for the model, its vectors and its contract.
    binary : further files that are no text, likewise.
    copied : which of the artifact's files travel as they are; all that the view lists by default.
    """

    files: Mapping[str, str]
    resources: str
    binary: Mapping[str, bytes] = field(default_factory=dict)
    copied: tuple[str, ...] | None = None


def generate(
    artifact: artifacts.Artifact | str | Path,
    language: str,
    folder: str | Path,
    *,
    name: str | None = None,
    package: str | None = None,
) -> Path:
    """Write a client: a project that holds the artifact and answers it by typed calls.

    Parameters
    ----------
    artifact : opened, or its folder.
    language : one of :data:`LANGUAGES`.
    folder : new, empty, or one that an earlier call wrote, whose generated files are replaced.
    name : of the client's class; by default the artifact's folder name, spelled as the language spells types.
    package : the Java package, C# namespace, npm or Python package; by default made of the name.

    Returns
    -------
    The folder.

    Raises
    ------
    ArtifactError
        If the artifact cannot be opened or holds no vectors, the language is unknown, a name is not one
        that the language takes, or the folder is somebody else's.
    """
    if language not in LANGUAGES:
        raise ArtifactError(f"unknown language {language!r}; clients are written in {', '.join(LANGUAGES)}")
    opened = artifact if isinstance(artifact, artifacts.Artifact) else artifacts.read(artifact)
    module = import_module(f"onnxtwin.build.clients.{language}.project")
    spelling: Spelling = module.SPELLING
    seen: View = view(opened, spelling, name=name, package=package)
    project: Project = module.project(seen)
    files = {path: text.encode() for path, text in project.files.items()} | dict(project.binary)
    for resource in seen.resources:
        if project.copied is None or resource.name in project.copied:
            files[f"{project.resources}/{resource.name}"] = opened.file(resource.name)
    target = Path(folder)
    write(target, language, files)
    return target
