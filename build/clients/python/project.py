"""A Python package of a view: what each template needs, and where its text goes."""

from __future__ import annotations

import builtins
import keyword
from pathlib import Path
from typing import Any

from onnxtwin.build.clients import Project
from onnxtwin.build.clients.naming import Naming, pascal, snake
from onnxtwin.build.clients.python import literals
from onnxtwin.build.clients.templates import Templates
from onnxtwin.build.clients.view import Field, GraphOutput, Spelling, View
from onnxtwin.exporters.errors import ArtifactError

_ERRORS = """
DomainError Fault ModelClosedError ModelError ModelFileError ModelRuntimeError RowError SelfTestError
"""
_OWN = frozenset([*_ERRORS.split(), "OutputResult", "SelfTestResult", "Graph", "Self", "Sequence", "Any"])
_SHADOWED = "bool dataclass datetime dict float int np property str timedelta tuple"
_ATTRIBUTES = frozenset([*keyword.kwlist, *_SHADOWED.split()])

SPELLING = Spelling(
    type=Naming(pascal, frozenset([*keyword.kwlist, *dir(builtins)]) | _OWN, suffix="Model", digits="Model"),
    field=Naming(snake, _ATTRIBUTES),
    method=Naming(snake, _ATTRIBUTES),
    member=Naming(snake, _ATTRIBUTES),
)

_TYPES = {"float64": "float", "float32": "float", "int64": "int", "bool": "bool", "string": "str"}
_DTYPES = {"string": "np.object_", "bool": "np.bool_"}

_ANSWERS = {
    "predict_proba": ("probabilities", "the probability of each class"),
    "predict_log_proba": ("log_probabilities", "the logarithm of the probability of each class"),
    "decision_function": ("decision", "the decision function"),
    "score_samples": ("score", "the score"),
    "transform": ("values", "the transformed columns"),
}

_MODULES = ("__init__", "client", "columns", "errors", "outputs", "replay", "runtime", "schema")


def project(view: View) -> Project:
    """The files of a package.

    Raises
    ------
    ArtifactError
        If the package's name is none.
    """
    package = f"{snake_of(view.name)}_client" if view.package is None else view.package
    if not package.isidentifier() or not package.isascii() or keyword.iskeyword(package):
        raise ArtifactError(f"{package!r} is no Python package; expected one like flights_client")
    transforms = [method.name for method in view.methods] == ["transform"]
    row = f"{view.type_name}Row"
    prediction = view.type_name + ("Output" if transforms else "Prediction")
    fields = [_field(view, field) for field in view.fields]
    answers = [_answer(output, view.token) for output in view.outputs]
    datetimes = _datetimes([field["type"] for field in fields])
    values: dict[str, Any] = {
        "view": view,
        "package": package,
        "distribution": package.replace("_", "-"),
        "type": view.type_name,
        "row": row,
        "prediction": prediction,
        "verb": "transform" if transforms else "predict",
        "description": f"The scikit-learn pipeline {literals.plain(view.name)}, answered by onnxruntime.",
        "fields": fields,
        "any_nullable": any(field.nullable for field in view.fields),
        "answers": answers,
        "inputs": [
            {"name": i.name, "width": i.width, "dtype": _DTYPES.get(i.tensor, f"np.{i.tensor}")}
            for i in view.inputs
        ],
        "domain": None if view.domain is None else view.domain.name,
        "conditions": view.conditions if view.domain is not None else (),
        "column_types": sorted({"Column", *(field["column_type"] for field in fields)}),
        "output_types": sorted({"Output", *(answer["output_type"] for answer in answers)}),
        "datetimes": datetimes,
        "datetimes_in_test": _datetimes([field["example"] for field in fields]),
        "numpy_in_test": any(literals.needs_numpy(field) for field in view.fields),
        "exported": sorted(
            [*_ERRORS.split(), "OutputResult", "SelfTestResult", view.type_name, row, prediction]
        ),
        "tested": sorted(["ModelClosedError", view.type_name, row, prediction]),
    }
    filters = {
        "text": literals.text,
        "docstring": literals.docstring,
        "plain": literals.plain,
        "cell": lambda value: literals.plain(value).replace("|", "\\|"),
    }
    templates = Templates(Path(__file__).parent / "templates", filters)
    source = f"src/{package}"
    places = {
        "tests.py": f"tests/test_{snake_of(view.name)}.py",
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "gitignore": ".gitignore",
    }
    places |= {f"{name}.py": f"{source}/{name}.py" for name in _MODULES}
    files = {place: templates.render(name, **values) for name, place in places.items()}
    files[f"{source}/py.typed"] = ""
    return Project(files, f"{source}/resources")


def snake_of(name: str) -> str:
    """A module's name."""
    return Naming(snake, frozenset(keyword.kwlist), digits="model", ascii_only=True).identifier(name)


def _field(view: View, field: Field) -> dict[str, Any]:
    base = {"float": "float", "integer": "int", "flag": "bool", "text": "str"}.get(field.kind, "")
    if field.kind == "instant":
        base = "datetime" if field.zone else "datetime | np.datetime64"
    elif field.kind == "duration":
        base = "timedelta | np.timedelta64"
    return {
        "name": field.identifier,
        "raw": field.name,
        "type": base + " | None" * field.nullable,
        "doc": f"{field.name}: {' '.join(field.doc)}",
        "example": literals.example(field),
        "input": view.inputs[field.input].name,
        "place": field.place,
        "nullable": field.nullable,
        "accepted": None if field.values is None else [_accepted(field, value) for value in field.values],
        "column_type": _COLUMN_TYPES[field.kind],
        "options": _options(view, field),
    }


_COLUMN_TYPES = {
    "float": "Number",
    "integer": "Whole",
    "flag": "Flag",
    "text": "Text",
    "instant": "Instant",
    "duration": "Duration",
}


def _options(view: View, field: Field) -> list[tuple[str, str]]:
    options: list[tuple[str, str]] = []
    if field.kind == "float" and field.finite:
        options.append(("finite", "True"))
    if field.kind == "float" and field.tensor == "float32":
        options.append(("single", "True"))
    if field.limits is not None:
        options += [("low", str(field.limits[0])), ("high", str(field.limits[1]))]
    if field.kind == "text":
        options.append(("token", literals.text(view.token)))
    if field.unit is not None:
        options.append(("unit", literals.text(field.unit)))
    if field.kind == "instant":
        options.append(("aware", repr(field.zone is not None)))
    return options


def _accepted(field: Field, value: Any) -> str:
    if field.kind == "flag":
        return repr(bool(value))
    return literals.scalar(float(value) if field.kind == "float" else value)


def _answer(output: GraphOutput, token: str) -> dict[str, Any]:
    spec = output.output
    element = _TYPES[output.tensor] + " | None" * output.nullable
    keys = output.labels or output.columns or ()
    piece = output.width == 1 and spec.index is not None and output.columns
    named = bool(output.members) and not piece
    if spec.method == "predict":
        name = "label" if output.width is None and output.labels is not None else "value"
        name, meaning = name + "s" * (output.width is not None), "the pipeline's prediction"
        if output.width is None and output.labels is not None:
            shown = ", ".join(map(repr, output.labels[:12])) + " and others" * bool(output.labels[12:])
            meaning = f"the class, one of {shown}"
    else:
        name, meaning = _ANSWERS[spec.method]
    if piece:
        name, meaning = output.identifier, f"column {piece[0]!r}"
    elif spec.index is not None:
        name = f"{name}_{spec.index}"
    kind = element
    if named:
        kind = f"dict[{type(keys[0]).__name__}, {element}]"
    elif output.width is not None and not piece:
        kind = f"tuple[{element}, ...]"
    return {
        "raw": output.name,
        "name": name,
        "type": kind,
        "doc": f"{spec.method}: {meaning}.",
        "output_type": "Named" if named else "Several" if kind.startswith("tuple") else "Value",
        "names": [literals.scalar(key) for key in keys] if named else None,
        "token": literals.text(token) if output.nullable and kind == element else None,
        "discrete": output.discrete,
        "floats": _TYPES[output.tensor] == "float" and not output.discrete,
    }


def _datetimes(texts: list[str]) -> list[str]:
    """What of the module ``datetime`` these types or literals name."""
    found = {name for name in ("datetime", "timedelta") for text in texts if text.startswith(name)}
    return sorted(found | {"UTC" for text in texts if "tzinfo=UTC" in text})
