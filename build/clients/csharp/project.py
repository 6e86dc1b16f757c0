"""A C# solution of a view: what each template needs, and where its text goes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnxtwin.build.clients import Project
from onnxtwin.build.clients.csharp import literals
from onnxtwin.build.clients.csharp.names import (
    KEYWORDS,
    SPELLING,
    TENSOR_TYPES,
    answer_name,
    answer_type,
    base_type,
    field_type,
    parameters,
)
from onnxtwin.build.clients.naming import Naming, pascal
from onnxtwin.build.clients.templates import Templates
from onnxtwin.build.clients.view import Field, GraphOutput, View
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError

__all__ = ["SPELLING", "project"]

_HUNDREDS = {"s": 10_000_000, "ms": 10_000, "us": 10, "ns": 0}
"""Steps of 100 ns, .NET's own, in each unit; 0 where the unit is finer."""

_MEMBERS = """
Array Bind ByName Check DemandDomain Dictionary Dispose DomainException Equals GetHashCode GetType
IDisposable InferenceSession List MemberwiseClone ModelRuntimeException Numbers OnnxRuntimeException
OrtAllocator OrtIoBinding OrtValue ReferenceEquals RowOf Rows Run RunOptions Tensors TextOrMissing Texts
ToString
"""
_TENSORS = Naming(pascal, frozenset(_MEMBERS.split()), suffix="Tensor", digits="Tensor")

_MEANINGS = {
    "predict": "the pipeline's prediction",
    "predict_proba": "the probability of each class",
    "predict_log_proba": "the logarithm of the probability of each class",
    "decision_function": "the decision function",
    "score_samples": "the score",
    "transform": "the transformed columns",
}


@dataclass(frozen=True)
class _Answer:
    """One property of a prediction."""

    output: GraphOutput
    name: str
    type: str
    read: str
    parameter: str
    doc: str

    @property
    def named(self) -> bool:
        return bool(self.output.members)

    @property
    def is_list(self) -> bool:
        return self.type.startswith("IReadOnlyList")

    @property
    def texts(self) -> bool:
        return self.output.tensor == "string"

    @property
    def element(self) -> str:
        return answer_type(self.output)

    @property
    def width(self) -> int | None:
        return self.output.width

    @property
    def floats(self) -> bool:
        return self.element in ("double", "float") and not self.output.discrete

    @property
    def keys(self) -> tuple[Any, ...]:
        return self.output.labels or self.output.columns or ()

    @property
    def key(self) -> str:
        """The type of the names."""
        kinds = {"bool": "bool", "int": "long", "float": "double"}
        return kinds.get(type(self.keys[0]).__name__, "string")

    @property
    def members(self) -> list[dict[str, str]]:
        what = "class" if self.output.labels is not None else "column"
        return [
            {"name": name, "key": literals.scalar(key), "doc": f"Of {what} {key!r}."}
            for name, key in zip(self.output.members, self.keys, strict=True)
        ]

    @property
    def sample(self) -> str:
        """What a README prints of it."""
        if self.named:
            return f"[{literals.scalar(self.keys[0])}]"
        return "[0]" if self.is_list else ""

    @property
    def assertion(self) -> str:
        """How a test compares two of them."""
        pair = [f"{side}.{self.name}" + ".Values" * self.named for side in ("expected", "found")]
        if not self.floats:
            return f"Assert.Equal({', '.join(pair)});"
        if self.element == "float" and (self.named or self.is_list):
            pair = [f"{one}.Select(value => (double)value)" for one in pair]
        return f"AssertClose({', '.join(pair)});"


def project(view: View) -> Project:
    """The files of a solution.

    Raises
    ------
    ArtifactError
        If the model's weights are in a file beside it, which cannot travel in an assembly.
    """
    if any(resource.name == WEIGHTS for resource in view.resources):
        raise ArtifactError(
            f"{view.name}: the model is larger than the 2 GB that a .NET assembly can hold; "
            "write a client in another language, or load the graph from its file"
        )
    namespace = f"{view.type_name}Client" if view.package is None else view.package
    if not all(part.isidentifier() and part not in KEYWORDS for part in namespace.split(".")):
        raise ArtifactError(f"{namespace!r} is no C# namespace; expected one like Example.Flights")
    tensors = _tensor_names(view)
    checks: set[str] = set()
    fields = [_field(view, field, parameter, tensors, checks)
              for field, parameter in zip(view.fields, parameters(view.fields), strict=True)]  # fmt: skip
    answers = [_answer(view, output, tensors) for output in view.outputs]
    transforms = [method.name for method in view.methods] == ["transform"]
    types = {field["type"] for field in fields}
    values: dict[str, Any] = {
        "view": view,
        "namespace": namespace,
        "type": view.type_name,
        "row": _free(view.type_name + "Row", {field["name"] for field in fields}),
        "prediction": _free(
            view.type_name + ("Output" if transforms else "Prediction"), {answer.name for answer in answers}
        ),
        "verb": "Transform" if transforms else "Predict",
        "description": f"The scikit-learn pipeline {view.name}, answered by onnxruntime.",
        "fields": fields,
        "any_nullable": any(field.nullable for field in view.fields),
        "matrix_type": next(iter(types)) if view.container == "matrix" and len(types) == 1 else None,
        "answers": answers,
        "any_float": any(answer.floats for answer in answers),
        "any_floats": any(answer.floats and (answer.named or answer.is_list) for answer in answers),
        "conditions": view.conditions if view.domain is not None else (),
        "domain": None if view.domain is None else tensors[view.domain.name],
        "tensors": _tensors(view, tensors),
        "checks": checks,
        "refuses_missing": any(name.startswith(("Text", "Number", "FiniteNumber")) for name in checks),
        "projects": [_solution_entry("src", namespace), _solution_entry("tests", f"{namespace}.Tests")],
    }
    return Project(_render(namespace, answers, values), f"src/{namespace}/Resources")


def _render(namespace: str, answers: list[_Answer], values: dict[str, Any]) -> dict[str, str]:
    source, tests = f"src/{namespace}", f"tests/{namespace}.Tests"
    places = {
        "Library.csproj": f"{source}/{namespace}.csproj",
        "Model.cs": f"{source}/{values['type']}.cs",
        "Row.cs": f"{source}/{values['row']}.cs",
        "Prediction.cs": f"{source}/{values['prediction']}.cs",
        "Tests.csproj": f"{tests}/{namespace}.Tests.csproj",
        "Tests.cs": f"{tests}/{values['type']}Tests.cs",
        "Solution.sln": f"{namespace}.sln",
        "editorconfig": ".editorconfig",
        "gitignore": ".gitignore",
        "README.md": "README.md",
    }
    for name in ("Check", "Exceptions", "ModelOptions", "Replay", "Resources", "SelfTestResult", "Tensors"):
        places[f"{name}.cs"] = f"{source}/{name}.cs"
    named = [answer for answer in answers if answer.named]
    if named:
        places["NamedValues.cs"] = f"{source}/NamedValues.cs"
    filters = {"text": literals.text, "doc": literals.doc, "cell": _cell}
    templates = Templates(Path(__file__).parent / "templates", filters)
    files = {place: templates.render(name, **values) for name, place in places.items()}
    for answer in named:
        files[f"{source}/{answer.type}.cs"] = templates.render("Named.cs", answer=answer, **values)
    return files


def _field(
    view: View, field: Field, parameter: str, tensors: dict[str, str], checks: set[str]
) -> dict[str, Any]:
    accepted = None
    if field.values is not None:
        accepted = [_accepted(field, value) for value in field.values]
    return {
        "name": field.identifier,
        "raw": field.name,
        "type": field_type(field),
        "doc": " ".join(field.doc),
        "parameter": parameter,
        "example": literals.example(field),
        "accepted": accepted,
        "accepted_type": base_type(field),
        "fill": _fill(view, field, tensors, checks),
    }


def _accepted(field: Field, value: Any) -> str:
    kind = base_type(field)
    if kind in ("double", "float"):
        return literals.number(value, single=kind == "float")
    return literals.scalar(value).removesuffix("L") if kind != "bool" else literals.scalar(bool(value))


def _fill(view: View, field: Field, tensors: dict[str, str], checks: set[str]) -> str:
    """The statement that hands one column of a row to its tensor."""
    spec = view.inputs[field.input]
    tensor = f"tensors.{tensors[spec.name]}"
    place = "at" if spec.width == 1 else f"(at * {spec.width}) + {field.place}"
    where = f"{literals.text(field.name)}, index"
    given = f"row.{field.identifier}"

    def checked(name: str, *arguments: str) -> str:
        checks.add(name)
        return f"Check.{name}({', '.join([*arguments, where])})"

    def known(value: str) -> str:
        return checked("Known", value, f"{field.identifier}Values") if field.values is not None else value

    if field.kind == "text":
        return checked("TextOrMissing" if field.nullable else "Text", tensor, place, known(given)) + ";"
    value = f"{given}.Value" if field.nullable else given
    if field.kind == "float":
        made = _number(
            field, known(f"{given} ?? {base_type(field)}.NaN" if field.nullable else given), where, checks
        )
        return f"{tensor}[{place}] = {made};"
    missing = "long.MinValue"
    if field.kind in ("instant", "duration"):
        made = checked(field.kind.capitalize(), value, str(_HUNDREDS[field.unit or "ns"]))
        checks.add(f"Instant<{base_type(field)}")
    elif field.kind == "flag":
        made, missing = known(value), "double.NaN"
        if field.tensor != "bool":
            made = f"({made} ? 1.0 : 0.0)" if field.nullable else f"{made} ? 1.0 : 0.0"
    else:
        made, missing = known(value), "double.NaN"
        limits = field.limits
        if base_type(field) == "long" and limits not in (None, (-(2**63), 2**63 - 1)):
            made = checked("Within", made, *(f"{limit}" for limit in limits or ()))
    if field.nullable:
        made = f"{given}.HasValue ? {made} : {missing}"
    return f"{tensor}[{place}] = {made};"


def _number(field: Field, value: str, where: str, checks: set[str]) -> str:
    name = "Finite" * field.finite + "Number" * (not field.nullable)
    if not name:
        return value
    checks.add(f"{name}<{base_type(field)}")
    return f"Check.{name}({value}, {where})"


def _answer(view: View, output: GraphOutput, tensors: dict[str, str]) -> _Answer:
    name, tensor = answer_name(output), f"tensors.{tensors[output.name]}"
    element = answer_type(output)
    doc = f"{output.output.method}: {_MEANINGS[output.output.method]}"
    piece = output.width == 1 and output.output.index is not None and output.columns
    if output.members and not piece:
        kind, read = f"{view.type_name}{name}", f"new {view.type_name}{name}({tensor}, at)"
    elif output.width is not None and not piece:
        kind, read = f"IReadOnlyList<{element}>", f"Tensors.RowOf({tensor}, at, {output.width})"
    elif output.tensor == "string":
        kind = element
        read = f"Tensors.TextOrMissing({tensor}, at)" if output.nullable else f"{tensor}.GetStringElement(at)"
    else:
        kind, read = element, f"{tensor}[at]"
    if piece:
        doc = f"transform: column {piece[0]!r}"
        output = GraphOutput(output.output, output.identifier)
    elif output.labels is not None and output.width is None:
        shown = ", ".join(repr(label) for label in output.labels[:12])
        doc = f"predict: the class, one of {shown}{' and others' if output.labels[12:] else ''}"
    parameter = name[0].lower() + name[1:]
    return _Answer(
        output, name, kind, read, "@" + parameter if parameter in KEYWORDS else parameter, doc + "."
    )


def _tensor_names(view: View) -> dict[str, str]:
    """The member of ``Tensors`` that holds each input and output, by the graph's name."""
    spoken = [spec.fields[0].identifier if spec.width == 1 else spec.name for spec in view.inputs]
    outputs = [*view.outputs, *([view.domain] if view.domain is not None else [])]
    names = _TENSORS.identifiers([*spoken, *(output.name for output in outputs)])
    return dict(zip([*(spec.name for spec in view.inputs), *(o.name for o in outputs)], names, strict=True))


def _tensors(view: View, names: dict[str, str]) -> list[dict[str, Any]]:
    made = []
    for spec in view.inputs:
        made.append((spec.name, spec.tensor, f"rows, {spec.width}", True))
    for output in [*view.outputs, *([view.domain] if view.domain is not None else [])]:
        shape = "rows" if output.width is None else f"rows, {output.width}"
        made.append((output.name, output.tensor, shape, False))
    return [
        {
            "raw": name,
            "name": names[name],
            "type": TENSOR_TYPES[tensor],
            "texts": tensor == "string",
            "shape": shape,
            "input": given,
        }
        for name, tensor, shape, given in made
    ]


def _solution_entry(folder: str, name: str) -> dict[str, str]:
    return {
        "name": name,
        "path": f"{folder}\\{name}\\{name}.csproj",
        "id": "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, f"onnxtwin:{name}")).upper() + "}",
    }


def _free(name: str, taken: set[str]) -> str:
    """The name, longer where a member has it: a C# type holds no member of its own name."""
    while name in taken:
        name += "Type"
    return name


def _cell(text: str) -> str:
    return literals.doc(text).replace("|", "\\|")
