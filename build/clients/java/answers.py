"""Answers in Java: the type of each method's answer, and how it is read from the model's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onnxtwin.build.clients.java.columns import BOXED, STORED, example
from onnxtwin.build.clients.java.spelling import getter, literal, markup
from onnxtwin.build.clients.naming import Naming, pascal, snake
from onnxtwin.build.clients.view import GraphOutput, Method, View

MOST_GETTERS = 64
"""Of a vector with more columns, the generated class has no method for each of them."""

_READ = {"float64": "doubles", "float32": "floats", "int64": "longs", "bool": "booleans", "string": "texts"}
_SNAKE = Naming(snake)


@dataclass(frozen=True)
class Shape:
    """The Java types of one answer: to a row, to many, to none; how the one of a row is taken of many."""

    one: str
    many: str

    @property
    def array(self) -> bool:
        """Whether many are an array; else they are a list."""
        return self.many.endswith("[]")

    @property
    def none(self) -> str:
        """The answers to no row."""
        if not self.array:
            return "List.of()"
        return f"new {self.one[:-2]}[0][]" if self.one.endswith("[]") else f"new {self.one}[0]"

    def at(self, many: str, place: str) -> str:
        """The expression for one of many."""
        return f"{many}[{place}]" if self.array else f"{many}.get({place})"


def values(view: View) -> dict[str, Any]:
    """What the templates of the client, its answers and its test need."""
    vectors, records = [], []
    methods = []
    for method in view.methods:
        shape = _shape(view, method)
        vectors += [
            _vector(view, output) for output in method.outputs if output.members and _is_row(method, output)
        ]
        if method.form in ("list", "table"):
            records.append(_record(view, method))
        methods.append(_method(view, method, shape))
    domain = [] if view.domain is None else [view.domain.name]
    return {
        "methods": methods,
        "first_method": view.methods[0].identifier,
        "everything": [literal(name) for name in [*(o.name for o in view.outputs), *domain]],
        "vectors": vectors,
        "records": records,
        "answer": {
            "type": f"{view.type_name}Answer",
            "doc": "The answers of all methods to one row.",
            "parts": [
                _part(
                    getter(m.identifier),
                    _shape(view, m).one,
                    f"The pipeline's <code>{markup(m.name)}</code>.",
                )
                for m in view.methods
            ],
        },
        "answers": "      answers.add(new {}({}));".format(
            f"{view.type_name}Answer",
            ", ".join(_shape(view, m).at(m.identifier, "i") for m in view.methods),
        ),
        "counted": _size(_shape(view, view.methods[0]), view.methods[0].identifier),
        "discrete": [literal(o.name) for o in view.outputs if o.discrete],
        "client_imports": _imports(view),
        "setters": [f".{f.identifier}({example(f)})" for f in view.fields],
        "rtol": literal(view.rtol),
        "atol": literal(view.atol),
        "versions": ", ".join(f"{name} {version}" for name, version in view.versions.items()),
    }


def _shape(view: View, method: Method) -> Shape:
    if method.form in ("list", "table"):
        one = view.type_name + pascal([method.identifier])
        return Shape(one, f"List<{one}>")
    return _output_shape(view, method.outputs[0])


def _output_shape(view: View, output: GraphOutput) -> Shape:
    element = STORED[output.tensor]
    if output.width is None:
        return Shape(element, f"{element}[]")
    if output.members:
        return Shape(_vector_type(view, output), f"List<{_vector_type(view, output)}>")
    return Shape(f"{element}[]", f"{element}[][]")


def _is_row(method: Method, output: GraphOutput) -> bool:
    """Whether a tensor ``[N, k]`` is a row of values; of a table each tensor is a column."""
    return method.form != "table" and output.width is not None


def _vector_type(view: View, output: GraphOutput) -> str:
    return view.type_name + output.identifier.removeprefix("get")


def _vector(view: View, output: GraphOutput) -> dict[str, Any]:
    element = STORED[output.tensor]
    keys: list[Any] = list(output.labels if output.labels is not None else output.columns or ())
    key = "String"
    if all(isinstance(k, bool) for k in keys):
        key = "boolean"
    elif all(isinstance(k, int) for k in keys):
        key = "long"
    elif not all(isinstance(k, str) for k in keys):
        key = "double"
        keys = [float(k) for k in keys]
    by_class = output.labels is not None
    what = "class" if by_class else "column"
    return {
        "type": _vector_type(view, output),
        "method": markup(output.output.method),
        "what": what,
        "element": element,
        "boxed": BOXED[element],
        "key": key,
        "key_boxed": BOXED[key],
        "keys": [literal(k) for k in keys],
        "getters": [
            {"name": name, "place": place, "label": markup(str(k))}
            for place, (name, k) in enumerate(zip(output.members, keys, strict=True))
        ]
        if len(keys) <= MOST_GETTERS
        else [],
    }


def _record(view: View, method: Method) -> dict[str, Any]:
    parts = []
    for position, output in enumerate(method.outputs):
        if method.form == "table":
            name = (output.columns or (str(position),))[0]
            parts.append(
                _part(output.identifier, STORED[output.tensor], f"Column <code>{markup(name)}</code>.")
            )
        else:
            doc = f"Answer number {position} of <code>{markup(method.name)}</code>."
            parts.append(_part(output.identifier, _output_shape(view, output).one, doc))
    return {
        "type": _shape(view, method).one,
        "doc": f"The pipeline's <code>{markup(method.name)}</code> of one row.",
        "parts": parts,
    }


def _part(name: str, type_: str, doc: str) -> dict[str, str]:
    field = name.removeprefix("get")
    return {"getter": name, "id": field[0].lower() + field[1:] + "Part", "type": type_, "doc": doc}


def _method(view: View, method: Method, shape: Shape) -> dict[str, Any]:
    names = [literal(output.name) for output in method.outputs]
    if view.domain is not None:
        names.append(literal(view.domain.name))
    return {
        "id": method.identifier,
        "title": markup(method.name),
        "constant": _SNAKE.identifier(method.name).upper(),
        "names": names,
        "single": shape.one,
        "many": shape.many,
        "first": shape.at("", "0"),
        "none": shape.none,
        "reader": "read" + pascal([method.identifier]),
        "returns": _returns(method),
        "read": _reading(view, method, shape),
        "value": method.form == "value",
        "getter": getter(method.identifier),
    }


def _returns(method: Method) -> str:
    output = method.outputs[0]
    if method.form == "value":
        if output.labels is None:
            return "the value"
        shown = ", ".join(markup(str(label)) for label in output.labels[:8])
        return f"the label, one of {shown}" + (
            f" and {len(output.labels) - 8} more" if output.labels[8:] else ""
        )
    if method.form == "vector" and output.members:
        return "one number a class" if output.labels is not None else "one value a column"
    return {"vector": "its values", "list": "one part a target", "table": "one value a column"}[method.form]


def _reading(view: View, method: Method, shape: Shape) -> str:
    """The body of the method that reads the answers to some rows."""
    if method.form not in ("list", "table"):
        return f"    return {_rows(view, method.outputs[0])};"
    lines = []
    parts = []
    for position, output in enumerate(method.outputs):
        if method.form == "table":
            element = STORED[output.tensor]
            lines.append(f"    {element}[] part{position} = {_flat(output)};")
            parts.append(f"part{position}[i]")
        else:
            part = _output_shape(view, output)
            lines.append(f"    {part.many} part{position} = {_rows(view, output)};")
            parts.append(part.at(f"part{position}", "i"))
    first = Shape("", "[]") if method.form == "table" else _output_shape(view, method.outputs[0])
    return "\n".join(
        [
            *lines,
            f"    {shape.many} rows = new ArrayList<>();",
            f"    for (int i = 0; i < {_size(first, 'part0')}; i++) {{",
            f"      rows.add(new {shape.one}({', '.join(parts)}));",
            "    }",
            "    return rows;",
        ]
    )


def _rows(view: View, output: GraphOutput) -> str:
    """The expression that reads one tensor: an array of values, of arrays, or a list of vectors."""
    if output.width is None:
        return _flat(output)
    if output.members:
        return f"{_vector_type(view, output)}.rows({_flat(output)})"
    return f"Tensors.rows({_flat(output)}, {output.width})"


def _flat(output: GraphOutput) -> str:
    name = literal(output.name)
    if output.tensor != "string":
        return f"Tensors.{_READ[output.tensor]}(result, {name})"
    labels = output.output.labels
    if labels is not None and all(map(_is_plain, labels)):
        return f"Tensors.plainTexts(result, {name})"
    read = f"Tensors.texts(result, {name}, texts)"
    return f"Tensors.nullable({read})" if output.nullable else read


def _is_plain(label: Any) -> bool:
    """Whether the binding carries a label as it is; see ``NativeTexts``."""
    return isinstance(label, str) and all(0 < ord(char) <= 0xFFFF for char in label)


def _size(shape: Shape, many: str) -> str:
    return f"{many}.length" if shape.array else f"{many}.size()"


def _imports(view: View) -> str:
    names = {
        "ai.onnxruntime.OrtEnvironment",
        "ai.onnxruntime.OrtException",
        "ai.onnxruntime.OrtLoggingLevel",
        "ai.onnxruntime.OrtSession",
        "java.nio.file.Path",
        "java.util.ArrayList",
        "java.util.Collections",
        "java.util.List",
        "java.util.Queue",
        "java.util.Set",
        "java.util.concurrent.ConcurrentLinkedQueue",
        "java.util.concurrent.locks.Lock",
        "java.util.concurrent.locks.ReadWriteLock",
        "java.util.concurrent.locks.ReentrantReadWriteLock",
    }
    return "\n".join(f"import {name};" for name in sorted(names))
