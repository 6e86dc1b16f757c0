"""The table of kernels says what the installed onnxruntime does, and finishing can ask it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from onnxtwin.exporters import kernels
from onnxtwin.exporters.kernel_table import KERNELS

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from kernel_probes import probes
from kernel_probes.probe import Probe
from make_kernels import verdict

PROBES = [p for p in probes() if not KERNELS[p.domain, p.op, p.key] and not p.note]


def _answer(probe: Probe, inputs: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    model = probe.model(inputs).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, probe.feeds(inputs))


@pytest.mark.parametrize("probe", PROBES, ids=lambda p: f"{p.op}-{p.key}")
def test_what_the_table_calls_safe_is_right_here(probe: Probe) -> None:
    assert verdict(probe, probe.expected, _answer(probe, probe.inputs)).startswith("right")


def test_every_probe_has_its_place_in_the_table() -> None:
    assert {(p.domain, p.op, p.key) for p in probes()} == set(KERNELS)


@pytest.mark.parametrize(
    ("domain", "op", "types", "why"),
    [
        ("", "Cos", ["double"], "missing in 1.21 to 1.28"),
        ("", "Erf", ["double"], "missing"),
        ("ai.onnx", "ReduceSum", ["int64", "int64"], "1.28 to 1.32"),
        ("", "Where", ["bool", "bool", "bool"], "missing"),
        ("ai.onnx.ml", "Imputer", ["double"], "missing"),
        ("ai.onnx.ml", "LabelEncoder", ["int32"], "missing"),
        ("com.microsoft", "QuickGelu", ["float"], "never probed"),
        ("", "Add", ["float16", "float16"], "never probed"),
    ],
)
def test_an_unsafe_operator_is_named_with_its_reason(
    domain: str, op: str, types: list[str], why: str
) -> None:
    said = kernels.unsafe(domain, op, types)
    assert said is not None
    assert op in said
    assert why in said


@pytest.mark.parametrize(
    ("domain", "op", "types", "results"),
    [
        ("", "Where", ["bool", "double", "double"], ["double"]),
        ("", "Sin", ["double"], ["double"]),
        ("", "ReduceSum", ["double", "int64"], ["double"]),
        ("", "Cast", ["double"], ["int64"]),
        ("", "Cast", ["string"], []),
        ("", "Constant", [], ["string"]),
        ("", "If", ["bool"], ["string"]),
        ("", "Gather", ["", "int64"], [""]),
        ("ai.onnx.ml", "LabelEncoder", ["double"], ["string"]),
        ("ai.onnx.ml", "TreeEnsemble", ["double"], ["double"]),
        ("com.microsoft", "Tokenizer", ["string"], ["string"]),
    ],
)
def test_a_safe_or_undetermined_node_passes(
    domain: str, op: str, types: list[str], results: list[str]
) -> None:
    assert kernels.unsafe(domain, op, types, results) is None


def test_an_output_type_settles_a_choice_of_several() -> None:
    assert kernels.unsafe("", "Cast", ["double"]) is None
    assert "double" in (kernels.unsafe("", "Cast", ["double"], ["string"]) or "")
