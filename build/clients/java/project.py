"""The files of a client in Java: a Maven project for Java 11 and newer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onnxtwin.build.artifact import CONTRACT, MODEL
from onnxtwin.build.clients import Project
from onnxtwin.build.clients.java import answers, columns
from onnxtwin.build.clients.java.layout import formatted
from onnxtwin.build.clients.java.recorded import RECORDED, recorded
from onnxtwin.build.clients.java.spelling import SPELLING, literal, markup
from onnxtwin.build.clients.naming import kebab, words
from onnxtwin.build.clients.templates import Templates
from onnxtwin.build.clients.view import View
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError

__all__ = ["SPELLING", "native_texts", "project"]

MOST_COLUMNS = 1200
"""A method of a Java class has at most 64 kilobytes, of which a column takes up to forty bytes."""

_PACKAGE = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")


def constant(modifiers: str, type_: str, name: str, call: str, values: Sequence[str]) -> str:
    """The declaration of a constant, on one line."""
    value = f"{call}({', '.join(values)})" if call else ", ".join(values)
    return f"  {modifiers} {type_} {name} = {value};"


_TEMPLATES = Templates(
    Path(__file__).parent / "templates", {"literal": literal, "markup": markup}, {"constant": constant}
)

_SOURCES = (
    "Columns.java",
    "Feeds.java",
    "Files.java",
    "NativeTexts.java",
    "Replay.java",
    "Tensors.java",
)
_TYPED = ("", "Answer", "Exception", "Row", "SelfTest")


def native_texts(package: str) -> str:
    """The class that carries texts to and from the binding without loss, in a package of the caller's."""
    return formatted(_TEMPLATES.render("NativeTexts.java", package=package))


def project(view: View) -> Project:
    """The project of a view.

    Raises
    ------
    ArtifactError
        If the package's name is none, or the artifact is one that a Java package cannot hold.
    """
    package = view.package or f"onnxtwin.{view.type_name.lower()}"
    if not _PACKAGE.fullmatch(package):
        raise ArtifactError(f"{package!r} is no name of a Java package: write it as com.example.flights")
    if any(resource.name == WEIGHTS for resource in view.resources):
        raise ArtifactError(
            f"{view.name}: the model is larger than the 2 GB that a Java array can hold; "
            "write a client in another language, or load the graph from its file"
        )
    if len(view.fields) > MOST_COLUMNS:
        raise ArtifactError(
            f"the model takes {len(view.fields)} columns, and a Java class holds {MOST_COLUMNS} at most; "
            "call it with bare tensors"
        )
    values = {
        "package": package,
        "type": view.type_name,
        "project": kebab(words(view.name, ascii_only=True)),
        "title": markup(view.name),
        "token": view.token,
        "view": view,
        "model_sha256": literal(view.resource(MODEL).sha256),
        **columns.values(view),
        **answers.values(view),
    }
    content = recorded(view)
    values["recorded_sha256"] = literal(content.sha256)
    folder = f"src/main/java/{package.replace('.', '/')}"
    resources = f"src/main/resources/{package.replace('.', '/')}"
    files: dict[str, str] = {}

    def add(path: str, template: str, **more: Any) -> None:
        text = _TEMPLATES.render(template, **values, **more)
        files[path] = formatted(text) if path.endswith(".java") else text

    for name in _SOURCES:
        add(f"{folder}/{name}", name)
    if values["has_texts"]:
        add(f"{folder}/TextTensors.java", "TextTensors.java")
    if view.conditions:
        add(f"{folder}/Domain.java", "Domain.java")
    for suffix in _TYPED:
        template = f"{suffix or 'Client'}.java"
        add(
            f"{folder}/{view.type_name}{suffix}.java",
            "Record.java" if suffix == "Answer" else template,
            **({"record": values["answer"]} if suffix == "Answer" else {}),
        )
    for vector in values["vectors"]:
        add(f"{folder}/{vector['type']}.java", "Vector.java", vector=vector)
    for record in values["records"]:
        add(f"{folder}/{record['type']}.java", "Record.java", record=record)
    add(f"src/test/java/{package.replace('.', '/')}/{view.type_name}Test.java", "Test.java")
    add("pom.xml", "pom.xml")
    add("README.md", "README.md")
    add(".gitignore", "gitignore")
    return Project(files, resources, {f"{resources}/{RECORDED}": content.data}, (MODEL, CONTRACT))
