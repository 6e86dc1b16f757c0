"""The types of a client's answers and what reads them from tensors, as TypeScript source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnxtwin.build.clients.naming import pascal, words
from onnxtwin.build.clients.typescript.source import SAFE, class_key, comment, key, literal, union
from onnxtwin.build.clients.view import GraphOutput, Method, View
from onnxtwin.exporters.errors import ArtifactError

_SPELLED_OUT = 40
"""Up to so many class labels are a union of literal types."""

_KEYED = 256
"""Up to so many columns a vector is an object with a property each; beyond, a list."""

_WORDS = {
    "predict": "The prediction.",
    "predict_proba": "The probability of each class.",
    "predict_log_proba": "The natural logarithm of each class's probability.",
    "decision_function": "The value of the decision function.",
    "score_samples": "The score of the row.",
    "transform": "The transformed row.",
}


@dataclass(frozen=True)
class MethodSource:
    """One method of a client.

    Attributes
    ----------
    identifier : of the method, and of its entry in an answer.
    type : name of its answer's type.
    doc : a sentence.
    declarations : of its types.
    decoder : the expression that reads its answer.
    """

    identifier: str
    type: str
    doc: str
    declarations: str
    decoder: str


def method_source(method: Method, view: View) -> MethodSource:
    """The source of one method.

    Raises
    ------
    ArtifactError
        If a class's name cannot be a property in JavaScript.
    """
    name, doc = pascal(words(method.name)), _WORDS[method.name]
    if method.form == "table":
        declarations, decoder = _table(name, doc, method.outputs, view)
    elif method.form == "list":
        declarations, decoder = _tuple(name, doc, method.outputs, view)
    else:
        declarations, decoder = _single(name, doc, method.outputs[0], view, 2)
    return MethodSource(method.identifier, name, doc, declarations, decoder)


def cells(view: View) -> tuple[str, ...]:
    """Names of the functions of ``outputs.ts`` that the decoders of a view call, sorted."""
    used = {_cell(output, view)[1].partition("(")[0] for output in view.outputs}
    for method in view.methods:
        if method.form in ("table", "list"):
            used.add({"table": "table", "list": "tuple"}[method.form])
        used.update(
            "value"
            if output.width is None or method.form == "table"
            else "list"
            if _keys(output) is None
            else "named"
            for output in method.outputs
        )
    return tuple(sorted(used))


def _single(name: str, doc: str, output: GraphOutput, view: View, indent: int) -> tuple[str, str]:
    """Declaration and decoder of one tensor's share of an answer."""
    kind, cast = _cell(output, view)
    tensor = literal(output.name)
    if output.width is None:
        labels = output.labels if output.output.method == "predict" else None
        members = _literals(labels) if labels is not None else None
        return f"{comment([doc])}\n{union(name, members or [kind])}", f"value({tensor}, {cast})"
    keys = _keys(output)
    if keys is None:
        element = f"({kind})" if " " in kind else kind
        count = f"{output.width} value{'s' if output.width != 1 else ''}."
        return (
            f"{comment([doc, count])}\nexport type {name} = readonly {element}[];",
            f"list({tensor}, {cast}, {output.width})",
        )
    properties = "".join(
        f"{comment([said], 2)}\n  readonly {spelled}: {kind};\n" for spelled, said in keys.items()
    )
    margin = " " * indent
    places = "".join(f"{margin}  {spelled}: {place},\n" for place, spelled in enumerate(keys))
    return (
        f"{comment([doc])}\nexport interface {name} {{\n{properties}}}",
        f"named({tensor}, {cast}, {{\n{places}{margin}}})",
    )


def _tuple(name: str, doc: str, outputs: Sequence[GraphOutput], view: View) -> tuple[str, str]:
    """One entry a tensor: of a model with several targets."""
    names = [f"{name}{position}" for position in range(len(outputs))]
    parts = [
        _single(part, f"{doc[:-1]}, of target {position}.", output, view, 4)
        for position, (part, output) in enumerate(zip(names, outputs, strict=True))
    ]
    line = f"export type {name} = readonly [{', '.join(names)}];"
    whole = f"{comment([doc, 'One entry a target.'])}\n{line}"
    decoders = "".join(f"    {decoder},\n" for _, decoder in parts)
    return "\n\n".join([*(declaration for declaration, _ in parts), whole]), f"tuple([\n{decoders}  ])"


def _table(name: str, doc: str, outputs: Sequence[GraphOutput], view: View) -> tuple[str, str]:
    """One property a tensor: of a table whose columns are of several types."""
    properties, decoders = "", ""
    for output in outputs:
        kind, cast = _cell(output, view)
        raw = output.columns[0] if output.columns else str(output.output.index)
        spelled = key(output.identifier)
        properties += f"{comment([f'Column `{raw}`.'], 2)}\n  readonly {spelled}: {kind};\n"
        decoders += f"    {spelled}: value({literal(output.name)}, {cast}),\n"
    return f"{comment([doc])}\nexport interface {name} {{\n{properties}}}", f"table({{\n{decoders}  }})"


def _cell(output: GraphOutput, view: View) -> tuple[str, str]:
    """TypeScript type of a tensor's values, and the function that makes one of a cell."""
    if output.tensor == "bool":
        return "boolean", "boolean"
    if output.tensor == "string":
        if output.nullable:
            return "string | null", f"stringOrNull({literal(view.token)})"
        return "string", "string"
    if output.tensor == "int64":
        if output.output.dtype.startswith(("datetime64", "timedelta64")):
            return "bigint | null", "ticks"
        return "number", "integer"
    return "number", "number"


def _literals(labels: Sequence[Any]) -> list[str] | None:
    """Types of a label that can be no other; None if there are too many or they are no literals."""
    if set(labels) == {False, True} and all(isinstance(label, bool) for label in labels):
        return ["boolean"]
    exact = all(isinstance(label, str) or isinstance(label, int) and abs(label) <= SAFE for label in labels)
    return [literal(label) for label in labels] if exact and len(labels) <= _SPELLED_OUT else None


def _keys(output: GraphOutput) -> Mapping[str, str] | None:
    """Properties of a vector with what each is, in the order of its columns; None if they have no names."""
    if output.width is None or output.width > _KEYED:
        return None
    if output.labels is not None:
        keys = {class_key(label): f"Class {literal(label)}." for label in output.labels}
        if "__proto__" in keys:
            raise ArtifactError("a class is named __proto__, which cannot be a property in JavaScript")
    elif output.columns is not None:
        keys = {
            key(member): f"Column `{raw}`."
            for member, raw in zip(output.members, output.columns, strict=True)
        }
    else:
        return None
    return keys if len(keys) == output.width else None
