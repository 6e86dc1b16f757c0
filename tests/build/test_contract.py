"""The contract says the whole signature, in JSON that its published schema describes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from handmade import MIXED, classifier, documents, echo, matrix

from onnxtwin.build import canonical
from onnxtwin.build.contract import to_contract, to_signature
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.exporters.signature import Column, Condition, Input, Output, Signature

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "contract.schema.json").read_text())

AWKWARD = (
    Column("predict", "predict", "float64", "float64", missing="nan", values=(1.0, math.inf, 0.1)),
    Column("3", 3, "category", "float64", missing="nan", categories=(1, 2, 30), ordered=True),
    Column("straße.𝒳", "straße.𝒳", "category", "string", missing="token", categories=("", '"', "\n")),
    Column("ja", "ja", "object", "string", "token", True, "None", values=("nan", "a")),
    Column("big", "big", "int64", "int64", values=(2**63 - 1, -(2**63))),
)
LISTS = Signature(
    container="DataFrame",
    layout="packed",
    columns=AWKWARD,
    inputs=(
        Input("columns.float64", "float64", ("predict", "3")),
        Input("columns.string", "string", ("ja",)),
    ),
    outputs=(
        Output("predict.output", "predict", None, "int64", "int32", (None, 2)),
        Output("predict_proba.0", "predict_proba", 0, "float64", "float64", (None, 2), labels=(False, True)),
        Output(
            "predict_proba.1", "predict_proba", 1, "float64", "float64", (None, 3), labels=(1.5, 2.0, 3.0)
        ),
        Output(
            "transform", "transform", None, "float32", "float32", (None, 2), None, ("a", "b"), "DataFrame"
        ),
    ),
    methods=("predict", "predict_proba", "transform"),
    missing_token="<none>",
    extra_columns="refused",
)
SIGNATURES = {
    "mixed columns": echo(MIXED)[1],
    "a matrix": matrix(3, tensor="float32")[1],
    "documents": documents()[1],
    "a domain": classifier()[1],
    "awkward": LISTS,
}


def contract(signature: Signature) -> Any:
    written = to_contract(
        signature, opsets={"ai.onnx.ml": 5, "ai.onnx": 20}, ir_version=10, versions={"numpy": "2.4.6"}
    )
    return json.loads(canonical.dumps(written))


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signature_comes_back_from_json_as_it_was(name: str) -> None:
    found = to_signature(contract(SIGNATURES[name]))
    assert found == SIGNATURES[name]
    assert [type(v) for o in found.outputs for v in o.labels or ()] == [
        type(v) for o in SIGNATURES[name].outputs for v in o.labels or ()
    ]


def test_a_contract_without_the_entries_that_came_later_is_read() -> None:
    """`rows.types`, and `limit` and `columns` of conditions, are not in the first contracts of format 1."""
    condition = Condition("the text is no number", "impute")
    expected = replace(SIGNATURES["a domain"], conditions=(condition,), types="exact")
    old = contract(replace(expected, types="by_value"))
    del old["rows"]["types"]
    for entry in old["conditions"]:
        del entry["limit"], entry["columns"]
    jsonschema.Draft202012Validator(SCHEMA).validate(old)
    assert to_signature(old) == expected


def test_entries_that_a_reader_does_not_know_are_ignored() -> None:
    newer = contract(replace(SIGNATURES["a domain"], conditions=(Condition("no", "impute"),)))
    expected = to_signature(newer)
    newer["later"] = newer["rows"]["later"] = {"x": 1}
    for entry in (*newer["columns"], *newer["inputs"], *newer["outputs"], *newer["conditions"]):
        entry["later"] = [1]
    assert to_signature(newer) == expected


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_published_schema_describes_it(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(contract(SIGNATURES[name]))


def test_the_schema_knows_every_entry_and_refuses_others() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    written = contract(SIGNATURES["a domain"])
    for spoil in (
        lambda c: c.update(surprise=1),
        lambda c: c.pop("inputs"),
        lambda c: c["columns"][0].pop("missing"),
        lambda c: c["outputs"][0].update(datatype="FP16"),
    ):
        spoiled = json.loads(json.dumps(written))
        spoil(spoiled)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(spoiled)


def test_it_says_which_runtime_cannot_carry_which_text() -> None:
    refused = {entry["characters"]: entry["runtimes"] for entry in contract(LISTS)["texts"]["refused"]}
    assert refused["U+0000"] == ["node", "browser"]


def test_the_missing_value_is_not_listed_among_the_accepted_ones() -> None:
    column = Column("x", "x", "str", "string", "token", True, values=("a", math.nan, None))
    assert contract(echo((column,))[1])["columns"][0]["domain"]["values"] == ["a"]


def test_a_label_that_json_cannot_say_is_refused() -> None:
    signature = classifier()[1]
    odd = replace(signature.outputs[0], labels=(np.datetime64("2013-01-01"), "yes"))
    with pytest.raises(ArtifactError, match="cannot be written to a contract"):
        contract(replace(signature, outputs=(odd, *signature.outputs[1:])))


class TestCanonicalJson:
    def test_floats_read_back_to_the_same_double(self) -> None:
        values = [0.1, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3]
        assert [v.hex() for v in json.loads(canonical.dumps(values))] == [v.hex() for v in values]

    def test_any_text_is_kept(self) -> None:
        data = {'"\n\\': ["ü", "𝒳", "\0", "", "\u2028"]}
        assert json.loads(canonical.dumps(data)) == data

    def test_non_finite_numbers_are_words(self) -> None:
        words = [canonical.scalar(v) for v in (math.nan, math.inf, -math.inf, np.float32("nan"))]
        assert words == ["NaN", "Infinity", "-Infinity", "NaN"]
        assert math.isnan(canonical.number("NaN"))

    def test_a_bare_nan_is_never_written(self) -> None:
        with pytest.raises(ValueError, match="Out of range float values"):
            canonical.dumps([math.nan])
