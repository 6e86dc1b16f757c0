"""Feeds of a graph as the rows of a typed client in JSON, and a client's answers as arrays."""

import numpy as np

from onnxtwin.exporters.signature import NAT


def typed_rows(view, inputs):
    """One dict (list, text) a row, keyed by identifier; ticks are ``{"big": text}``."""
    columns = [_typed(field, view, inputs) for field in view.fields]
    if view.container == "documents":
        return columns[0]
    if view.container == "matrix":
        return [list(row) for row in zip(*columns, strict=True)]
    names = [field.identifier for field in view.fields]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _typed(field, view, inputs):
    cells = inputs[view.inputs[field.input].name][:, field.place].tolist()
    return [_value(field, view, cell) for cell in cells]


def _value(field, view, cell):
    if field.kind == "text":
        return None if cell == view.token and field.column.missing == "token" else cell
    if cell != cell or cell == NAT and field.kind in ("instant", "duration"):
        return None
    if field.kind == "flag":
        return bool(cell)
    if field.kind in ("instant", "duration"):
        return {"big": str(cell)}
    return int(cell) if field.kind == "integer" else cell


def answered(view, method, answers):
    """The tensors, by output name, that a method's answers to all rows (as JSON) amount to."""
    if method.form == "table":
        return {o.name: _array(o, [[a[o.identifier]] for a in answers], view) for o in method.outputs}
    if method.form == "list":
        return {
            output.name: _array(output, [_flat(answer[i]) for answer in answers], view)
            for i, output in enumerate(method.outputs)
        }
    (output,) = method.outputs
    return {output.name: _array(output, [_flat(answer) for answer in answers], view)}


def _flat(answer):
    return list(answer.values()) if isinstance(answer, dict) else answer


def _array(output, values, view):
    if output.tensor == "string":
        flat = [v[0] if isinstance(v, list) else v for v in values]
        shape = (len(values), 1) if output.width else (len(values),)
        return np.array([view.token if v is None else v for v in flat], dtype=object).reshape(shape)
    return np.array(values, dtype={"bool": np.bool_}.get(output.tensor, output.tensor))
