"""``contract.json``: what a twin takes and gives, for people and code that have no Python.

The signature, written so that a Java, C# or JavaScript reader needs nothing else to call the graph, and read
back without the research stack. Its JSON Schema is ``docs/contract.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onnxtwin.build.canonical import number, scalar
from onnxtwin.build.tensors import DATATYPES, ONNX_TYPES, TENSORS
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.exporters.signature import Column, Condition, Input, Output, Signature, is_missing

KIND = "onnxtwin"
FORMAT = 1
"""Version of the artifact on disk; a reader refuses a newer one."""


TEXTS: dict[str, Any] = {
    "encoding": "UTF-8",
    "refused": [
        {
            "characters": "U+0000",
            "runtimes": ["node", "browser"],
            "reason": "onnxruntime's JavaScript bindings cut a text off at NUL",
        },
        {
            "characters": "U+D800 to U+DFFF, alone",
            "runtimes": ["python", "java", "csharp", "node", "browser"],
            "reason": "UTF-8 cannot say half a surrogate pair",
        },
    ],
}
"""What of a text arrives in which runtime, measured by the tests of each: a client refuses the rest."""

_ROWS = -1


def to_contract(
    signature: Signature, *, opsets: Mapping[str, int], ir_version: int, versions: Mapping[str, str]
) -> dict[str, Any]:
    """The contract as JSON values.

    Parameters
    ----------
    opsets : version by ONNX domain (``ai.onnx``, ``ai.onnx.ml``) that a runtime must know.
    versions : of the research stack, by distribution name.

    Raises
    ------
    ArtifactError
        If a label or category is of a type that JSON cannot say.
    """
    return {
        "artifact": KIND,
        "format": FORMAT,
        "model": {"file": "model.onnx", "ir_version": ir_version, "opsets": dict(sorted(opsets.items()))},
        "methods": list(signature.methods),
        "tolerance": _tolerance(signature),
        "rows": {
            "container": signature.container,
            "layout": signature.layout,
            "extra_columns": signature.extra_columns,
            "missing_token": signature.missing_token,
            **({} if signature.types == "exact" else {"types": signature.types}),
        },
        "texts": TEXTS,
        "columns": [_column(column) for column in signature.columns],
        "inputs": [
            {
                "name": entry.name,
                **_tensor(entry.tensor, (None, len(entry.columns))),
                "columns": list(entry.columns),
            }
            for entry in signature.inputs
        ],
        "outputs": [_output(output) for output in signature.outputs],
        "conditions": [
            {"step": c.step, "message": c.message, "limit": c.limit, "columns": list(c.columns)}
            for c in signature.conditions
        ],
        "versions": dict(sorted(versions.items())),
    }


def to_signature(contract: Mapping[str, Any]) -> Signature:
    """The signature that a contract describes.

    Raises
    ------
    ArtifactError
        If the contract lacks an entry or holds one of another type.
    """
    try:
        rows = contract["rows"]
        return Signature(
            container=rows["container"],
            layout=rows["layout"],
            columns=tuple(_read_column(entry) for entry in contract["columns"]),
            inputs=tuple(
                Input(entry["name"], _element(entry), tuple(entry["columns"])) for entry in contract["inputs"]
            ),
            outputs=tuple(_read_output(entry) for entry in contract["outputs"]),
            conditions=tuple(
                Condition(c["message"], c["step"], c.get("limit", False), tuple(c.get("columns", ())))
                for c in contract["conditions"]
            ),
            missing_token=rows["missing_token"],
            extra_columns=rows["extra_columns"],
            methods=tuple(contract["methods"]),
            types=rows.get("types", "exact"),
            rtol=contract["tolerance"]["rtol"],
            atol=contract["tolerance"]["atol"],
            float32_ulps=contract["tolerance"].get("float32_ulps"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"contract.json is not a contract of format {FORMAT}: {type(error).__name__}: {error}"
        ) from error


def _tolerance(signature: Signature) -> dict[str, Any]:
    ulps = {} if signature.float32_ulps is None else {"float32_ulps": signature.float32_ulps}
    return {"rtol": signature.rtol, "atol": signature.atol} | ulps


def _tensor(tensor: str, shape: tuple[int | None, ...]) -> dict[str, Any]:
    return {
        "datatype": DATATYPES[tensor],
        "type": ONNX_TYPES[tensor],
        "shape": [_ROWS if size is None else size for size in shape],
    }


def _element(entry: Mapping[str, Any]) -> Any:
    return TENSORS[entry["datatype"]]


def _column(column: Column) -> dict[str, Any]:
    domain: dict[str, Any] = {"finite": column.finite, "exact_integer": column.exact_integer, "values": None}
    if column.values is not None:
        domain["values"] = [scalar(value) for value in column.values if not is_missing(value)]
    categories = None
    if column.categories is not None:
        categories = {"values": [scalar(value) for value in column.categories], "ordered": column.ordered}
    return {
        "name": column.name,
        "label": column.label,
        "dtype": column.dtype,
        "datatype": DATATYPES[column.tensor],
        "missing": {
            "encoding": column.missing,
            "allowed": column.missing_allowed,
            "value": column.missing_value,
        },
        "domain": domain,
        "categories": categories,
    }


def _read_column(entry: Mapping[str, Any]) -> Column:
    tensor = _element(entry)

    def typed(values: list[Any] | None) -> tuple[Any, ...] | None:
        if values is None:
            return None
        return tuple(number(v) for v in values) if tensor.startswith("float") else tuple(values)

    missing, domain, categories = entry["missing"], entry["domain"], entry["categories"] or {}
    return Column(
        name=entry["name"],
        label=entry["label"],
        dtype=entry["dtype"],
        tensor=tensor,
        missing=missing["encoding"],
        missing_allowed=missing["allowed"],
        missing_value=missing["value"],
        finite=domain["finite"],
        exact_integer=domain["exact_integer"],
        values=typed(domain["values"]),
        categories=typed(categories.get("values")),
        ordered=categories.get("ordered", False),
    )


def _output(output: Output) -> dict[str, Any]:
    return {
        "name": output.name,
        "method": output.method,
        "index": output.index,
        **_tensor(output.tensor, output.shape),
        "dtype": output.dtype,
        "container": output.container,
        "discrete": output.discrete,
        "labels": None if output.labels is None else [scalar(label) for label in output.labels],
        "columns": None if output.columns is None else list(output.columns),
    }


def _read_output(entry: Mapping[str, Any]) -> Output:
    labels, columns = entry["labels"], entry["columns"]
    return Output(
        name=entry["name"],
        method=entry["method"],
        index=entry["index"],
        tensor=_element(entry),
        dtype=entry["dtype"],
        shape=tuple(None if size == _ROWS else size for size in entry["shape"]),
        labels=None if labels is None else tuple(labels),
        columns=None if columns is None else tuple(columns),
        container=entry["container"],
    )
