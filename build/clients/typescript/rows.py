"""The type of a row and the table of its columns, as TypeScript source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtwin.build.clients.typescript.source import SAFE, array, bigint, comment, key, literal
from onnxtwin.build.clients.view import Field, View
from onnxtwin.exporters.errors import ArtifactError

_TENSORS = {"float": "float64", "integer": "int64", "flag": "bool"}
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_DATES = 4
"""Digits of a year that ISO 8601 has without a sign."""


@dataclass(frozen=True)
class RowSource:
    """The row of a client.

    Attributes
    ----------
    declaration : of the type ``Row``.
    columns : the expression that describes the columns.
    helpers : names of the functions that it calls, sorted.
    example : a recorded row.
    """

    declaration: str
    columns: str
    helpers: tuple[str, ...]
    example: str


def row_source(view: View) -> RowSource:
    """The row of a view: an object, a list of values for a matrix, a text for documents.

    Raises
    ------
    ArtifactError
        If an input carries its columns in another order than the contract lists them.
    """
    for entry in view.inputs:
        if [field.place for field in entry.fields] != list(range(entry.width)):
            raise ArtifactError(
                f"input {entry.name!r} carries its columns in another order than the contract's; "
                "export the pipeline again"
            )
    helpers = tuple(sorted({field.kind for field in view.fields}))
    if view.container == "documents":
        (field,) = view.fields
        declaration = f"{comment(['One text.', *field.doc])}\nexport type Row = {ts_type(field)};"
        return RowSource(declaration, _column(field, view, 0), helpers, example(field))
    if view.container == "matrix":
        types = sorted({ts_type(field) for field in view.fields})
        element = types[0] if len(types) == 1 and " " not in types[0] else f"({' | '.join(types)})"
        doc = comment([f"The {len(view.fields)} values of a row, in this order.", *_matrix_doc(view)])
        values = [example(field) for field in view.fields]
        return RowSource(
            f"{doc}\nexport type Row = readonly {element}[];",
            _columns_of_matrix(view),
            helpers,
            array(values, len("const row: Row = ;"), 0),
        )
    fields = "\n".join(
        f"{comment([f'Column `{f.name}`.', *f.doc, *_how(f)], 2)}\n"
        f"  readonly {key(f.identifier)}: {ts_type(f)};"
        for f in view.fields
    )
    columns = "".join(f"  {key(f.identifier)}: {_column(f, view, 2)},\n" for f in view.fields)
    values = [f"  {key(f.identifier)}: {example(f)},\n" for f in view.fields]
    doc = comment(["One row, as the pipeline takes it: every field is given, a missing value as null."])
    return RowSource(
        f"{doc}\nexport interface Row {{\n{fields}\n}}",
        f"{{\n{columns}}}",
        helpers,
        f"{{\n{''.join(values)}}}",
    )


def ts_type(field: Field) -> str:
    """The TypeScript type of a field's values."""
    return _value_type(field) + (" | null" if field.nullable else "")


def example(field: Field) -> str:
    """A recorded value of a field, as source."""
    value = field.example
    if value is None:
        return "null"
    if field.kind == "instant":
        return _iso(value, field) or bigint(value)
    if field.kind == "duration":
        return bigint(value)
    if field.kind == "flag":
        return literal(bool(value))
    if field.kind == "integer":
        return literal(int(value))
    return literal(value)


def _value_type(field: Field) -> str:
    if field.kind == "integer":
        return "number | bigint" if _is_big(field) else "number"
    if field.kind == "instant":
        return "Date | string | bigint" if field.zone else "string | bigint"
    return {"float": "number", "flag": "boolean", "text": "string", "duration": "bigint"}[field.kind]


def _is_big(field: Field) -> bool:
    """Whether the column holds integers that a JavaScript number cannot."""
    assert field.limits is not None
    return max(-field.limits[0], field.limits[1]) > SAFE + 1


def _how(field: Field) -> list[str]:
    """What a caller has to know of the types that are taken."""
    if field.kind == "instant":
        unit = _UNITS[field.unit or "ns"]
        ticks = f"whole {unit} since 1970-01-01 as a bigint"
        if field.zone:
            return [f"A `Date`, ISO 8601 with an offset (`2013-01-31T23:59:00Z`), or {ticks} (UTC)."]
        return [f"ISO 8601 without an offset (`2013-01-31T23:59:00`), or {ticks}."]
    if field.kind == "integer" and _is_big(field):
        return ["A bigint where it is beyond ±(2**53 - 1)."]
    return []


def _column(field: Field, view: View, indent: int) -> str:
    """The call that describes a column, one property a line, as it stays however long the names are."""
    demands: dict[str, str] = {"name": literal(field.name)}
    entry = view.inputs[field.input]
    if entry.name != field.name:
        demands["input"] = literal(entry.name)
    default = _TENSORS.get(field.kind)
    if default is not None and field.tensor != default:
        demands["tensor"] = literal(field.tensor)
    demands["nullable"] = literal(field.nullable)
    if field.kind == "float":
        demands["finite"] = literal(field.finite)
    if field.kind == "text":
        demands["token"] = literal(view.token)
    if field.limits is not None:
        demands["least"], demands["greatest"] = map(bigint, field.limits)
    if field.unit is not None:
        demands["unit"] = literal(field.unit)
    if field.kind == "instant":
        demands["zoned"] = literal(field.zone is not None)
    if field.values is not None:
        spelled = [_accepted(field, value) for value in field.values]
        demands["values"] = array(spelled, indent + 2 + len("values: ,"), indent + 2)
    margin = " " * indent
    lines = "".join(f"{margin}  {name}: {value},\n" for name, value in demands.items())
    return f"{field.kind}({{\n{lines}{margin}}})"


def _accepted(field: Field, value: Any) -> str:
    if field.kind == "integer":
        return bigint(int(value))
    return literal(bool(value)) if field.kind == "flag" else literal(value)


def _columns_of_matrix(view: View) -> str:
    """The list of a matrix's columns."""
    return "[\n" + "".join(f"  {_column(field, view, 2)},\n" for field in view.fields) + "]"


def _matrix_doc(view: View) -> list[str]:
    docs = list(dict.fromkeys(tuple(field.doc) for field in view.fields))
    if len(docs) == 1:
        return list(docs[0])
    return [f"{field.name}: {' '.join(field.doc)}" for field in view.fields]


def _iso(ticks: int, field: Field) -> str | None:
    """Ticks as ISO 8601; None where the year has not four digits."""
    text = str(np.array(ticks, dtype=f"M8[{field.unit}]"))
    if text.index("-") != _DATES:
        return None
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return literal(whole + (f".{fraction}" if fraction else "") + ("Z" if field.zone else ""))
