"""Java clients made and run in tests: a Maven project each, with test classes of ours in it."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.java.project import SPELLING
from onnxtwin.build.clients.view import Field, View, view
from onnxtwin.build.replay import SelfTest, compare
from onnxtwin.exporters.signature import NAT
from onnxtwin.runtime_checks.toolchain import run_tool

JAVA = Path(__file__).parent / "java"
TEST = ("mvn", "--batch-mode", "--quiet", "test")

_PER_SECOND = {None: 1, "s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SCALARS = {"float64": ">d", "float32": ">f", "int64": ">q", "bool": ">?"}


def client(folder: Path, target: Path, *test_classes: str) -> View:
    """Generate a client, put test classes of ``tests/support/java`` into it; its view."""
    generate(folder, "java", target)
    seen = view(artifacts.read(folder), SPELLING)
    package = f"onnxtwin.{seen.type_name.lower()}"
    for name in test_classes:
        source = (JAVA / f"{name}.java").read_text(encoding="utf-8")
        source = source.replace("__PACKAGE__", package).replace("__TYPE__", seen.type_name)
        place = target / "src/test/java" / package.replace(".", "/") / f"{name}.java"
        place.write_text(source, encoding="utf-8")
    return seen


def held_out(seen: View, target: Path, inputs: dict[str, Any], outputs: dict[str, Any]) -> SelfTest:
    """Run the client's tests, ``HeldOutTest`` among them, and compare its answers with the expected."""
    rows, answers = target / "rows.bin", target / "answers.bin"
    rows.write_bytes(_packed(seen, inputs))
    run_tool(TEST, target, {"HELD_OUT_ROWS": str(rows), "HELD_OUT_ANSWERS": str(answers)})
    count = len(next(iter(inputs.values())))
    content = answers.read_bytes()
    found, end = _unpacked(seen, content, 0, count)
    singles, end = _unpacked(seen, content, end, 100)
    assert end == len(content)
    for name, single in singles.items():
        _assert_alike(found[name][:100], single)
    if seen.domain is not None:
        found[seen.domain.name] = np.ones((count, seen.domain.width or 0), dtype=np.bool_)
    session: Any = SimpleNamespace(
        signature=seen.signature, methods=seen.signature.methods, run_tensors=lambda feeds, names: found
    )
    return compare(session, inputs, outputs)


def _packed(seen: View, inputs: dict[str, Any]) -> bytes:
    """Rows by column, as ``HeldOutTest.read`` reads them."""
    count = len(next(iter(inputs.values())))
    parts = [struct.pack(">ii", count, len(seen.fields))]
    for field in seen.fields:
        kind = field.kind if field.kind != "instant" or field.zone else "local"
        parts += [_text(field.name), _text(kind), struct.pack(">q", _PER_SECOND[field.unit])]
        values = inputs[seen.inputs[field.input].name][:, field.place].tolist()
        parts += [_cell(field, kind, value, seen.token) for value in values]
    return b"".join(parts)


def _cell(field: Field, kind: str, value: Any, token: str) -> bytes:
    if value != value or value == token or field.column.missing == "nat" and value == NAT:
        return b"\0"
    if kind == "text":
        return b"\1" + _text(value)
    return b"\1" + (struct.pack(">d", value) if kind == "float" else struct.pack(">q", int(value)))


def _unpacked(seen: View, content: bytes, at: int, count: int) -> tuple[dict[str, Any], int]:
    cells: dict[str, list[Any]] = {output.name: [] for output in seen.outputs}
    for _ in range(count):
        for output in seen.outputs:
            for _ in range(output.width or 1):
                if output.tensor == "string":
                    (length,) = struct.unpack_from(">i", content, at)
                    at += 4
                    text = content[at : at + length].decode() if length >= 0 else seen.token
                    at += max(length, 0)
                    cells[output.name].append(text)
                else:
                    form = struct.Struct(_SCALARS[output.tensor])
                    cells[output.name].append(form.unpack_from(content, at)[0])
                    at += form.size
    arrays = {}
    for output in seen.outputs:
        dtype = object if output.tensor == "string" else output.tensor
        shape = (count,) if output.width is None else (count, output.width)
        arrays[output.name] = np.array(cells[output.name], dtype=dtype).reshape(shape)
    return arrays, at


def _assert_alike(batch: Any, single: Any) -> None:
    if batch.dtype.kind == "f":
        np.testing.assert_allclose(single, batch, rtol=1e-9, atol=1e-9)
    else:
        assert (batch == single).all()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">i", len(encoded)) + encoded
