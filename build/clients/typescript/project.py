"""The files of a client in TypeScript."""

from __future__ import annotations

import json
import re
from pathlib import Path

from onnxtwin.build.artifact import MODEL, VECTORS
from onnxtwin.build.clients import Project
from onnxtwin.build.clients.naming import Naming, camel, kebab, pascal, words
from onnxtwin.build.clients.templates import Templates
from onnxtwin.build.clients.typescript.answers import MethodSource, cells, method_source
from onnxtwin.build.clients.typescript.rows import row_source
from onnxtwin.build.clients.typescript.source import WIDTH, comment, entry, key, literal, names
from onnxtwin.build.clients.view import Spelling, View
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError

VERSIONS = {
    "onnxruntime-node": "1.30.0",
    "@types/node": "^20.19.0",
    "prettier": "^3.10.1",
    "typescript": "^7.0.2",
}
"""Packages of a client; that of the runtime is the very one that the tests of onnxtwin run on."""

_MEMBERS_OF_OBJECTS = """
constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf
"""
_TYPES = """
Answer ArtifactError ClosedError DomainError InputError ModelError OnnxRuntimeError Options OutputReport
Row Runtime SelfTestError SelfTestReport Spec
Predict PredictProba PredictLogProba DecisionFunction ScoreSamples Transform
Array Date Engine Error Object Promise String Symbol URL
"""
_PROPERTY = Naming(camel, frozenset(_MEMBERS_OF_OBJECTS.split()))

SPELLING = Spelling(
    type=Naming(pascal, frozenset(_TYPES.split()), suffix="Model", digits="Model"),
    field=_PROPERTY,
    method=Naming(camel),
    member=_PROPERTY,
)

_NPM_NAME = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_LONGEST_NPM_NAME = 214

_FILES = {
    "README.md": "README.md",
    "package.json": "package.json",
    "tsconfig.json": "tsconfig.json",
    ".gitignore": "gitignore",
    ".prettierignore": "prettierignore",
    ".prettierrc.json": "prettierrc.json",
    "src/answer.ts": "answer.ts",
    "src/client.ts": "client.ts",
    "src/index.ts": "index.ts",
    "src/row.ts": "row.ts",
    "test/client.test.ts": "client.test.ts",
    "test/tsconfig.json": "test-tsconfig.json",
}
"""Template of each file that is made for an artifact; a wheel would leave out names with a leading dot."""

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
_TEMPLATES = Templates(
    _HERE / "templates",
    {
        "ts": literal,
        "json": lambda text: json.dumps(text, ensure_ascii=False),
        "names": lambda listed, before, after: names(before, listed, after),
    },
)


def project(view: View) -> Project:
    """The npm package of a view.

    Raises
    ------
    ArtifactError
        If the package's name is not one that npm takes, or a class's none that JavaScript takes.
    """
    methods = [method_source(method, view) for method in view.methods]
    values = {
        "view": view,
        "package": _package(view),
        "row": row_source(view),
        "methods": methods,
        "types": ["Answer", *(method.type for method in methods)],
        "functions": cells(view),
        "answer": _answer(methods),
        "wrong": _wrong(view),
        "files": {"model": MODEL, "weights": WEIGHTS, "vectors": VECTORS},
        "has_weights": any(resource.name == WEIGHTS for resource in view.resources),
        "discrete": [o.name for o in view.outputs if o.discrete and o.tensor.startswith("float")],
        "versions": VERSIONS,
        "width": WIDTH,
        "entry": entry,
    }
    runtime = {f"src/runtime/{path.name}": path.read_text("utf-8") for path in _STATIC.glob("*.ts")}
    return Project(
        {**runtime, **{to: _TEMPLATES.render(made, **values) for to, made in _FILES.items()}}, "model"
    )


def _package(view: View) -> str:
    name = view.package or kebab(words(view.name, ascii_only=True))
    if not _NPM_NAME.fullmatch(name) or len(name) > _LONGEST_NPM_NAME:
        raise ArtifactError(
            f"{name!r} is no name of an npm package: take small letters, digits and hyphens, as "
            "@team/arrives-late"
        )
    return name


def _answer(methods: list[MethodSource]) -> str:
    """The type of all methods' answers."""
    properties = "".join(
        f"{comment([method.doc], 2)}\n  readonly {key(method.identifier)}: {method.type};\n"
        for method in methods
    )
    return (
        f"{comment(['The answers of all methods to one row.'])}\nexport interface Answer {{\n{properties}}}"
    )


def _wrong(view: View) -> str:
    """A row with an object where a value should be."""
    if view.container == "documents":
        return "{}"
    if view.container == "matrix":
        return "row.map(() => ({}))"
    return f"{{ ...row, {key(view.fields[0].identifier)}: {{}} }}"
