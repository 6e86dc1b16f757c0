"""An artifact as the templates of generated clients see it: no language's types, every name already spelled.

A template reads attributes and decides nothing about the contract: what a raw column is to a person, how it
travels, and which values are refused is worked out here, once for all languages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from onnxtwin.build.answers import DOMAIN, outputs_of
from onnxtwin.build.artifact import CONTRACT, MODEL, VECTORS, Artifact
from onnxtwin.build.clients.naming import Naming
from onnxtwin.build.instants import parse_dtype
from onnxtwin.build.numbers import EXACT
from onnxtwin.build.vectors import Vectors
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.exporters.signature import NAT, Column, Condition, Output, Signature, Tensor, is_missing

Kind = Literal["float", "integer", "flag", "text", "instant", "duration"]
Form = Literal["value", "vector", "list", "table"]

_INT64 = np.iinfo(np.int64)
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True)
class Field:
    """One raw column of the rows that a client takes.

    Attributes
    ----------
    column : the column, as the contract has it.
    identifier : its name in the client's language.
    kind : what it holds: ``float``, ``integer``, ``flag`` (true or false), ``text``, ``instant`` or
        ``duration``.
    input : place of its graph input among the view's ``inputs``.
    place : its column within that input.
    example : a recorded value, as it travels (ticks for an instant); None if a missing one.
    """

    column: Column
    identifier: str
    kind: Kind
    input: int
    place: int
    example: Any

    @property
    def name(self) -> str:
        """The raw column's own name."""
        return self.column.name

    @property
    def tensor(self) -> Tensor:
        """How it travels: ``float64``, ``float32``, ``int64``, ``bool`` or ``string``."""
        return self.column.tensor

    @property
    def nullable(self) -> bool:
        """Whether the pipeline answers rows in which it is missing."""
        return self.column.missing != "none" and self.column.missing_allowed

    @property
    def finite(self) -> bool:
        """Whether an infinity is refused."""
        return self.column.finite

    @property
    def values(self) -> tuple[Any, ...] | None:
        """The only values accepted, without the missing one; None if any is."""
        if self.column.values is None:
            return None
        return tuple(value for value in self.column.values if not is_missing(value))

    @property
    def limits(self) -> tuple[int, int] | None:
        """Least and greatest whole number that the column holds and the graph takes; None if not integer."""
        if self.kind != "integer":
            return None
        dtype = self.column.dtype.lower()
        held = np.iinfo(dtype if dtype.startswith(("int", "uint")) else "int64")
        low, high = (-EXACT, EXACT) if self.tensor == "float64" else (_INT64.min, _INT64.max)
        return max(int(held.min), int(low)), min(int(held.max), int(high))

    @property
    def unit(self) -> str | None:
        """``s``, ``ms``, ``us`` or ``ns`` of an instant or duration."""
        parsed = parse_dtype(self.column.dtype)
        return parsed[1] if parsed else None

    @property
    def zone(self) -> str | None:
        """The time zone of the notebook's column; None if it has none. Instants travel in UTC anyway."""
        parsed = parse_dtype(self.column.dtype)
        return parsed[2] if parsed else None

    @property
    def doc(self) -> list[str]:
        """Sentences about the column for the documentation of the field, in plain text."""
        sentences = [f"{self._what()}."]
        if self.values is not None:
            shown = ", ".join(repr(value) for value in self.values[:12])
            more = f" and {len(self.values) - 12} more" if self.values[12:] else ""
            sentences.append(f"The pipeline accepts only {shown}{more}.")
        elif self.column.categories is not None:
            shown = ", ".join(repr(value) for value in self.column.categories[:12])
            more = f" and {len(self.column.categories) - 12} more" if self.column.categories[12:] else ""
            sentences.append(f"The notebook's categories are {shown}{more}.")
        if self.finite:
            sentences.append("Must be finite.")
        sentences.append("May be missing." if self.nullable else "Must not be missing.")
        return sentences

    def _what(self) -> str:
        dtype = self.column.dtype
        if self.kind == "instant":
            zone = f", in the notebook in time zone {self.zone}" if self.zone else ", without a time zone"
            return f"Instant in whole {_UNITS[self.unit or 'ns']}{zone}"
        if self.kind == "duration":
            return f"Duration in whole {_UNITS[self.unit or 'ns']}"
        if self.limits is not None and self.limits != (_INT64.min, _INT64.max):
            return f"Whole number from {self.limits[0]} to {self.limits[1]} ({dtype} in the notebook)"
        word = {"float": "Number", "integer": "Whole number", "flag": "True or false", "text": "Text"}[
            self.kind
        ]
        return f"{word} ({dtype} in the notebook)"


@dataclass(frozen=True)
class GraphInput:
    """One input tensor ``[N, width]`` of the graph and the fields that it carries, left to right."""

    name: str
    tensor: Tensor
    fields: tuple[Field, ...]

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.fields)


@dataclass(frozen=True)
class GraphOutput:
    """One output tensor of the graph.

    Attributes
    ----------
    output : as the contract has it.
    identifier : of this tensor in the client's language, unique among all outputs.
    members : identifiers of the columns of a vector: of its classes or of a transformer's columns; empty
        for a value, and for a vector whose columns have no names.
    """

    output: Output
    identifier: str
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The tensor's name."""
        return self.output.name

    @property
    def tensor(self) -> Tensor:
        """Its element type."""
        return self.output.tensor

    @property
    def width(self) -> int | None:
        """Columns of ``[N, width]``; None for ``[N]``."""
        return self.output.shape[1] if len(self.output.shape) > 1 else None

    @property
    def discrete(self) -> bool:
        """Whether the answer must be equal, not merely close."""
        return self.output.discrete

    @property
    def labels(self) -> tuple[Any, ...] | None:
        """Class labels, where this is a label or a vector with one number a class."""
        labels = self.output.labels
        if labels is None or self.width is None and self.output.method != "predict":
            return None
        return labels if self.width is None or self.width == len(labels) else None

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of a transformer's columns."""
        return self.output.columns

    @property
    def nullable(self) -> bool:
        """Whether a text may be missing; it comes as the missing token."""
        return (
            self.tensor == "string" and not self.output.dtype.startswith("<U") and self.output.labels is None
        )


@dataclass(frozen=True)
class Method:
    """One inference method that the client answers.

    ``form`` says how: a ``value`` a row; a ``vector`` a row; a ``list`` of tensors, each a value or a vector
    (``predict_proba`` of a model with several targets); a ``table`` whose columns are of several types, one
    tensor ``[N, 1]`` each.
    """

    name: str
    identifier: str
    form: Form
    outputs: tuple[GraphOutput, ...]


@dataclass(frozen=True)
class Spelling:
    """How a language spells the names of a client: its types, fields, methods, and members of an answer."""

    type: Naming
    field: Naming
    method: Naming
    member: Naming


@dataclass(frozen=True)
class Resource:
    """A file of the artifact that travels in the client."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class View:
    """An artifact, ready for templates.

    Attributes
    ----------
    name : of the artifact or as the user chose.
    type_name : of the client's class.
    package : as the user chose (a Java package, C# namespace, npm or Python name); None for the
        language's own choice.
    inputs, fields, methods : in the contract's order.
    domain : the graph's own validity output, bool ``[N, len(conditions)]``; None if it has none.
    conditions : what each of its columns says.
    resources : model, weights if beside it, vectors and contract.
    vectors : the recorded rows and answers.
    """

    name: str
    type_name: str
    package: str | None
    signature: Signature
    fields: tuple[Field, ...]
    inputs: tuple[GraphInput, ...]
    methods: tuple[Method, ...]
    domain: GraphOutput | None
    conditions: tuple[Condition, ...]
    resources: tuple[Resource, ...]
    versions: Mapping[str, str]
    vectors: Vectors

    @property
    def rtol(self) -> float:
        """The relative part of what is promised of floats."""
        return self.signature.rtol

    @property
    def atol(self) -> float:
        """The absolute part of what is promised of floats."""
        return self.signature.atol

    @property
    def container(self) -> Literal["DataFrame", "matrix", "documents"]:
        """What the pipeline is called with."""
        return self.signature.container

    @property
    def token(self) -> str:
        """How a missing text travels; no real one may equal it."""
        return self.signature.missing_token

    @cached_property
    def outputs(self) -> tuple[GraphOutput, ...]:
        """The outputs of all methods, in the order of methods; the domain is not among them."""
        return tuple(output for method in self.methods for output in method.outputs)

    def resource(self, name: str) -> Resource:
        """The resource of that file name."""
        return next(resource for resource in self.resources if resource.name == name)


def view(
    artifact: Artifact, spelling: Spelling, *, name: str | None = None, package: str | None = None
) -> View:
    """What templates need of an artifact.

    Parameters
    ----------
    spelling : of the client's language.
    name : of the client's class; by default that of the artifact's folder.
    package : see :class:`View`.

    Raises
    ------
    ArtifactError
        If it has no recorded vectors, or an output that is neither a value nor a vector a row.
    """
    signature = artifact.signature
    chosen = name or artifact.path.resolve().name
    fields = _fields(artifact, spelling.field)
    return View(
        name=chosen,
        type_name=spelling.type.identifier(chosen),
        package=package,
        signature=signature,
        fields=fields,
        inputs=tuple(
            GraphInput(entry.name, entry.tensor, tuple(f for f in fields if f.input == position))
            for position, entry in enumerate(signature.inputs)
        ),
        methods=_methods(signature, spelling),
        domain=next((GraphOutput(o, DOMAIN) for o in outputs_of(signature, DOMAIN)), None),
        conditions=signature.conditions,
        resources=tuple(_resource(artifact, file) for file in _travelling(artifact)),
        versions=artifact.contract["versions"],
        vectors=artifact.vectors,
    )


def _travelling(artifact: Artifact) -> list[str]:
    return [name for name in (MODEL, WEIGHTS, VECTORS, CONTRACT) if name in artifact.manifest["files"]]


def _resource(artifact: Artifact, name: str) -> Resource:
    content = artifact.file(name)
    return Resource(name, hashlib.sha256(content).hexdigest(), len(content))


def _fields(artifact: Artifact, naming: Naming) -> tuple[Field, ...]:
    signature = artifact.signature
    names = naming.identifiers([column.name for column in signature.columns])
    places = {
        name: (position, place)
        for position, entry in enumerate(signature.inputs)
        for place, name in enumerate(entry.columns)
    }
    recorded = artifact.vectors.inputs
    made = []
    for column, identifier in zip(signature.columns, names, strict=True):
        position, place = places[column.name]
        value = recorded[signature.inputs[position].name][0, place]
        example = value.item() if isinstance(value, np.generic) else value
        gone = example in (NAT, signature.missing_token) and column.missing in ("nat", "token")
        example = None if gone or is_missing(example) else example
        made.append(Field(column, identifier, _kind(column), position, place, example))
    return tuple(made)


def _kind(column: Column) -> Kind:
    parsed = parse_dtype(column.dtype)
    if parsed is not None:
        return "instant" if parsed[0] == "datetime64" else "duration"
    if column.tensor == "string":
        return "text"
    if column.tensor == "bool" or column.dtype == "boolean":
        return "flag"
    whole = (
        column.tensor == "int64" or column.exact_integer or column.dtype.lower().startswith(("int", "uint"))
    )
    return "integer" if whole else "float"


def _methods(signature: Signature, spelling: Spelling) -> tuple[Method, ...]:
    outputs = [output for method in signature.methods for output in outputs_of(signature, method)]
    identifiers = spelling.member.identifiers([_spoken(output) for output in outputs])
    made = {
        output.name: GraphOutput(output, identifier, _members(output, spelling.member.identifiers))
        for output, identifier in zip(outputs, identifiers, strict=True)
    }
    names = spelling.method.identifiers(list(signature.methods))
    return tuple(
        Method(method, name, _form(outputs_of(signature, method)), tuple(made[o.name] for o in specs))
        for method, name in zip(signature.methods, names, strict=True)
        for specs in [outputs_of(signature, method)]
    )


def _form(outputs: Sequence[Output]) -> Form:
    first = outputs[0]
    for output in outputs:
        if len(output.shape) > 2 or len(output.shape) == 2 and output.shape[1] is None:
            raise ArtifactError(
                f"output {output.name!r} has shape {output.shape}: a client answers with a value or a row of "
                "values for each row; export other methods"
            )
    if first.index is not None:
        pieces = first.container == "DataFrame" or first.method in ("transform", "predict")
        return "table" if pieces else "list"
    return "value" if len(first.shape) == 1 else "vector"


def _spoken(output: Output) -> str:
    """The name of which an output's identifier is made: a table's column speaks for itself."""
    if output.index is None:
        return output.method
    if output.columns and output.container == "DataFrame":
        return output.columns[0]
    return f"{output.method} {output.index}"


def _members(output: Output, identifiers: Callable[[Sequence[str]], list[str]]) -> tuple[str, ...]:
    if len(output.shape) != 2:
        return ()
    named: tuple[Any, ...] | None = output.columns
    if output.labels is not None and output.method != "predict" and len(output.labels) == output.shape[1]:
        named = output.labels
    return tuple(identifiers([str(name) for name in named])) if named else ()
