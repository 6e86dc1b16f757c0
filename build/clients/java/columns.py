"""Raw columns in Java: what a row's fields and the model's inputs are."""

from __future__ import annotations

from typing import Any

from onnxtwin.build.clients.java.spelling import getter, literal, markup, table_text
from onnxtwin.build.clients.naming import Naming
from onnxtwin.build.clients.view import Field, GraphInput, View

STORED = {"float64": "double", "float32": "float", "int64": "long", "bool": "boolean", "string": "String"}
BOXED = {"double": "Double", "float": "Float", "long": "Long", "boolean": "Boolean", "String": "String"}

_API = {"flag": "boolean", "integer": "long", "text": "String", "duration": "Duration"}
_BUFFERS = {
    "float64": ("DoubleBuffer", "asDoubleBuffer()", 8),
    "float32": ("FloatBuffer", "asFloatBuffer()", 4),
    "int64": ("LongBuffer", "asLongBuffer()", 8),
    "bool": ("ByteBuffer", "", 1),
}
_PER_SECOND = {"s": "1L", "ms": "1_000L", "us": "1_000_000L", "ns": "1_000_000_000L"}
_CONSTANTS = Naming(lambda parts: "_".join(part.upper() for part in parts), digits="COLUMN")


def values(view: View) -> dict[str, Any]:
    """What the templates of rows and inputs need."""
    names = _CONSTANTS.identifiers([field.name for field in view.fields])
    fields = [_field(field, name, view.type_name) for field, name in zip(view.fields, names, strict=True)]
    tensors = {field.tensor for field in view.fields}
    api = {field["api"] for field in fields}
    stored = {field["stored"] for field in fields}
    matrix = view.container != "DataFrame" and len(api) == 1
    return {
        "columns": [field.name for field in view.fields],
        "fields": fields,
        "row_imports": _imports(api, any(field["set_name"] for field in fields)),
        "of_array": fields[0]["element"] if matrix and "String" in api else stored.pop() if matrix else None,
        "input_name": view.inputs[0].name,
        "inputs": [_input(entry, number) for number, entry in enumerate(view.inputs)],
        "has_texts": "string" in tensors,
        "has_numbers": tensors != {"string"},
        "feeds_imports": _feeds_imports(tensors),
        "conditions": [
            {
                "refused": f"        return new {view.type_name}Exception.OutsideDomain("
                f"row, {literal(condition.step)}, {literal(condition.message)});"
            }
            for condition in view.conditions
        ],
        "domain": None if view.domain is None else {"name": literal(view.domain.name)},
    }


def api_type(field: Field) -> str:
    """The type of a field as a caller sees it."""
    if field.kind == "instant":
        return "Instant" if field.zone else "LocalDateTime"
    plain = STORED[field.tensor] if field.kind == "float" else _API[field.kind]
    return BOXED.get(plain, plain) if field.nullable else plain


def example(field: Field) -> str:
    """The field's recorded value as an expression of the type that its setter takes."""
    if field.example is None:
        return "null"
    if field.kind == "float":
        return f"{literal(float(field.example))}{'f' if field.tensor == 'float32' else ''}"
    if field.kind == "integer":
        return literal(int(field.example))
    if field.kind == "flag":
        return literal(bool(field.example))
    if field.kind == "text":
        return literal(field.example)
    return f"{_shown_by(field)}({literal(int(field.example))}, {_PER_SECOND[field.unit or 'ns']})"


def _field(field: Field, name: str, type_name: str) -> dict[str, Any]:
    api = api_type(field)
    stored = STORED[field.tensor]
    element = BOXED[stored]
    accepted = None
    if field.values is not None:
        accepted = [_accepted(field, value) for value in field.values]
    identifier = field.identifier
    doc = " ".join([f"Raw column <code>{markup(field.name)}</code>.", *map(markup, field.doc)])
    missing = ", or null if it is missing" if field.nullable else ""
    return {
        "id": identifier,
        "name": literal(field.name),
        "api": api,
        "stored": stored,
        "element": element,
        "getter": getter(identifier),
        "shown": _shown(field),
        "set_name": f"{name}_VALUES" if accepted is not None else None,
        "set_values": accepted,
        "accepted": f"      Columns.demandOneOf({literal(field.name)}, this.{identifier}, {name}_VALUES);",
        "checked": f"      this.{identifier} = {_checked(field)};",
        "raw": table_text(field.name),
        "says": table_text(" ".join(field.doc)),
        "put": f"          return {identifier}({_converted(field, api)});",
        "getter_doc": f"  /**\n   * {doc}\n   *\n   * @return its value{missing}\n   */",
        "setter_doc": f"    /**\n     * {doc}\n     *\n     * @param {identifier} its value{missing}\n"
        f"     * @return this\n     * @throws {type_name}Exception.InvalidRow if it is refused\n     */",
    }


def _accepted(field: Field, value: Any) -> str:
    if field.tensor == "float64":
        return literal(float(value) + 0.0)
    return f"(double) {float(value)!r}f" if field.tensor == "float32" else literal(value)


def _checked(field: Field) -> str:
    """The call that turns what a setter is given into what is stored."""
    name, given = literal(field.name), field.identifier
    lack = "OrMissing" if field.nullable else ""
    if field.kind == "float":
        return f"Columns.number{lack}({name}, {given}, {literal(field.finite)})"
    if field.kind == "integer":
        low, high = field.limits or (0, 0)
        return f"Columns.integer{lack}({name}, {given}, {literal(low)}, {literal(high)})"
    if field.kind == "flag":
        return given if field.tensor == "bool" else f"Columns.flag{lack}({given})"
    if field.kind == "text":
        return f"Columns.text{lack}({name}, {given})"
    call = "duration" if field.kind == "duration" else "instant" if field.zone else "local"
    return f"Columns.{call}{lack}({name}, {given}, {_PER_SECOND[field.unit or 'ns']})"


def _shown(field: Field) -> str:
    """The expression that gives what is stored as the caller knows it."""
    stored = field.identifier
    if field.kind in ("instant", "duration"):
        shown = f"{_shown_by(field)}({stored}, {_PER_SECOND[field.unit or 'ns']})"
        return f"{stored} == Columns.MISSING_TICKS ? null : {shown}" if field.nullable else shown
    if field.kind == "text":
        return f"{stored}.equals(Columns.MISSING_TEXT) ? null : {stored}" if field.nullable else stored
    if field.tensor == "bool":
        return stored
    boxed = BOXED[STORED[field.tensor]]
    if field.kind == "flag":
        return (
            f"{boxed}.isNaN({stored}) ? null : Boolean.valueOf({stored} != 0)"
            if field.nullable
            else f"{stored} != 0"
        )
    if field.kind == "integer" and field.tensor != "int64":
        return (
            f"{boxed}.isNaN({stored}) ? null : Long.valueOf((long) {stored})"
            if field.nullable
            else f"(long) {stored}"
        )
    return f"{boxed}.isNaN({stored}) ? null : {boxed}.valueOf({stored})" if field.nullable else stored


def _shown_by(field: Field) -> str:
    if field.kind == "duration":
        return "Columns.toDuration"
    return "Columns.toInstant" if field.zone else "Columns.toLocal"


def _converted(field: Field, api: str) -> str:
    """The call that turns a value of any type into the setter's."""
    name = literal(field.name)
    if field.kind == "instant":
        call = "asInstant" if field.zone else "asLocal"
    elif field.kind == "duration":
        call = "asDuration"
    else:
        plain = STORED[field.tensor] if field.kind == "float" else _API[field.kind]
        call = {"double": "asDouble", "float": "asFloat", "long": "asLong", "boolean": "asBoolean"}.get(
            plain, "asText"
        )
    converted = f"Columns.{call}({name}, value)"
    return f"Columns.present({name}, {converted})" if api in BOXED and api != "String" else converted


def _input(entry: GraphInput, number: int) -> dict[str, Any]:
    width = len(entry.fields)
    identifier = f"{entry.fields[0].identifier}Values" if width == 1 else f"matrix{number}"
    name = literal(entry.name)
    place = "i" if width == 1 else f"i * {width}"

    def at(position: int) -> str:
        return place if position == 0 else f"{place} + {position}"

    if entry.tensor == "string":
        return {
            "id": identifier,
            "name": name,
            "buffer": "String[]",
            "allocated": f"new String[rows * {width}]" if width > 1 else "new String[rows]",
            "tensor": None,
            "filled": [f"{identifier}[{at(p)}] = row.{f.identifier};" for p, f in enumerate(entry.fields)],
            "texts": f"    tensors.put({name}, texts.of({identifier}, rows, {width}));",
            "released": f"    texts.release(tensors.remove({name}), {identifier});",
        }
    buffer, view, size = _BUFFERS[entry.tensor]
    count = f"rows * {width}" if width > 1 else "rows"
    allocated = f"bytes({count}, {size})"
    shape = f"new long[] {{rows, {width}}}"
    typed = ", OnnxJavaType.BOOL" if entry.tensor == "bool" else ""
    made = f"OnnxTensor.createTensor(environment, {identifier}, {shape}{typed})"
    return {
        "id": identifier,
        "name": name,
        "buffer": buffer,
        "allocated": f"{allocated}.{view}" if view else allocated,
        "tensor": f"    tensors.put({name}, {made});",
        "filled": [
            f"{identifier}.put({at(p)}, (byte) (row.{f.identifier} ? 1 : 0));"
            if entry.tensor == "bool"
            else f"{identifier}.put({at(p)}, row.{f.identifier});"
            for p, f in enumerate(entry.fields)
        ],
        "texts": None,
        "released": None,
    }


def _imports(api: set[str], sets: bool) -> str:
    names = {"java.util.BitSet", "java.util.LinkedHashMap", "java.util.List", "java.util.Map"}
    names |= {f"java.time.{name}" for name in api & {"Instant", "LocalDateTime", "Duration"}}
    return "\n".join(f"import {name};" for name in sorted(names | ({"java.util.Set"} if sets else set())))


def _feeds_imports(tensors: set[Any]) -> str:
    names = {
        "ai.onnxruntime.OnnxTensor",
        "ai.onnxruntime.OrtEnvironment",
        "ai.onnxruntime.OrtException",
        "java.util.LinkedHashMap",
        "java.util.List",
        "java.util.Map",
    }
    if tensors != {"string"}:
        names |= {"java.nio.ByteBuffer", "java.nio.ByteOrder"}
    names |= {f"java.nio.{_BUFFERS[tensor][0]}" for tensor in tensors - {"string"}}
    if "bool" in tensors:
        names.add("ai.onnxruntime.OnnxJavaType")
    return "\n".join(f"import {name};" for name in sorted(names))
