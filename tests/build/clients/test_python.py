"""The Python client: typed, formatted, equal in its answers, and it refuses what is wrong."""

from __future__ import annotations

import importlib
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper

from artifacts import ARTIFACTS, sample
from onnxtwin.build import artifact as artifacts
from onnxtwin.build import canonical
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.python.literals import docstring, scalar, text
from onnxtwin.build.clients.python.project import SPELLING
from onnxtwin.build.clients.view import view
from onnxtwin.build.manifest import make_manifest
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.exporters.signature import NAT

FLIGHTS = Path(__file__).parents[3] / "artifacts" / "flights"

# One worker makes the shared artifacts.
pytestmark = pytest.mark.xdist_group("artifacts")


def package(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """A generated package, imported."""
    (source,) = (folder / "src").iterdir()
    monkeypatch.syspath_prepend(str(source.parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == source.name]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module(source.name)


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("dates")
    generate(sample("dates_and_text").folder, "python", folder)
    with pytest.MonkeyPatch.context() as patch:
        yield package(patch, folder)


def good(dates: Any, **changed: Any) -> Any:
    values = {
        "ordered_at": datetime(2024, 2, 29, 12, tzinfo=timezone(timedelta(hours=1))),
        "shipped_on": datetime(2024, 3, 1),
        "handling": timedelta(hours=3),
        "note": "gift 🎁 wrap",
        "channel": "web",
        "amount": 12.5,
    }
    return dates.DatesAndTextRow(**(values | changed))


def value(tensor: Any, column: Any) -> Any:
    """A tensor's cell as the client's field takes it."""
    cell = tensor.item() if hasattr(tensor, "item") else tensor
    if cell != cell or cell == "__missing__" or column.missing == "nat" and cell == NAT:
        return None
    unit = column.dtype.partition("[")[2][:2].rstrip(",]")
    if column.dtype.startswith("datetime64"):
        return (
            pd.Timestamp(cell, unit=unit, tz="UTC").tz_convert("Asia/Tokyo").to_pydatetime()
            if "," in column.dtype
            else np.datetime64(cell, unit)
        )
    if column.dtype.startswith("timedelta64"):
        return np.timedelta64(cell, unit)
    return bool(cell) if column.dtype == "boolean" else cell


@pytest.mark.parametrize("name", ARTIFACTS)
def test_ten_thousand_typed_rows_have_the_pipelines_answers(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = sample(name)
    generate(shared.folder, "python", tmp_path)
    client = package(monkeypatch, tmp_path)
    seen = view(artifacts.read(shared.folder), SPELLING)
    columns = {}
    for field in seen.fields:
        tensor = shared.inputs[seen.inputs[field.input].name][:, field.place]
        columns[field.identifier] = [value(cell, field.column) for cell in tensor]
    make = getattr(client, f"{seen.type_name}Row")
    rows = [make(**dict(zip(columns, cells, strict=True))) for cells in zip(*columns.values(), strict=True)]
    with getattr(client, seen.type_name)() as model:
        answers = getattr(model, "transform_many" if name == "transformer" else "predict_many")(rows)
        assert model.self_test().ok
    assert len(answers) == 10_000
    fields = type(answers[0]).__dataclass_fields__
    for field, expected in zip(fields, shared.outputs.values(), strict=True):
        found = [getattr(answer, field) for answer in answers]
        if isinstance(found[0], dict):
            found = [list(each.values()) for each in found]
        table = np.array(found, dtype=object).reshape(expected.shape)
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(table.astype(float), expected, rtol=1e-9, atol=1e-9)
        else:
            table[table == None] = "__missing__"  # noqa: E711
            assert (table == expected).all()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"channel": None}, "missing"),
        ({"channel": "Web"}, "unknown value"),
        ({"channel": 3}, "type"),
        ({"note": "__missing__"}, "reserved text"),
        ({"note": "a\udf81"}, "broken text"),
        ({"note": np.array(["a", "b"])}, "type"),
        ({"amount": "12"}, "type"),
        ({"amount": True}, "type"),
        ({"amount": 2**53 + 1}, "not exact"),
        ({"ordered_at": datetime(2024, 1, 1)}, "time zone"),
        ({"ordered_at": "2024-01-01"}, "type"),
        ({"shipped_on": datetime(2024, 1, 1, tzinfo=UTC)}, "time zone"),
        ({"shipped_on": datetime(2024, 1, 1, microsecond=1)}, "not exact"),
        ({"shipped_on": np.datetime64("2024-01")}, ""),
        ({"handling": timedelta.max}, "out of range"),
        ({"handling": 5}, "type"),
    ],
)
def test_a_value_that_the_pipeline_does_not_accept_is_refused_by_name(
    dates: Any, changed: dict[str, Any], fault: str
) -> None:
    (column,) = changed
    with dates.DatesAndText() as model:
        if not fault:
            assert math.isfinite(model.predict(good(dates, **changed)).value)
            return
        for call in (model.predict, lambda row: model.predict_many([good(dates), row])):
            with pytest.raises(dates.RowError) as refusal:
                call(good(dates, **changed))
            assert (refusal.value.fault, refusal.value.column) == (fault, column)
        assert refusal.value.row == 1


def test_a_row_that_the_pipeline_refuses_while_computing_is_refused_with_its_step(dates: Any) -> None:
    with dates.DatesAndText() as model:
        with pytest.raises(dates.DomainError) as refusal:
            model.predict_many([good(dates), good(dates, amount=0.0)])
        assert refusal.value.row == 1
        assert refusal.value.step.startswith("columntransformer")


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT, np.datetime64("NaT")])
def test_every_missing_value_is_one(dates: Any, missing: Any) -> None:
    with dates.DatesAndText() as model:
        expected = model.predict(good(dates, shipped_on=None))
        assert model.predict(good(dates, shipped_on=missing)) == expected


@pytest.mark.parametrize("note", ["", "a\0b", "🎁", "e\u0301"])
def test_a_text_of_any_kind_is_answered_as_by_the_pipeline(dates: Any, note: str) -> None:
    import onnxtwin

    row = good(dates, note=note)
    plain = {name: getattr(row, name) for name in row.__dataclass_fields__}
    with dates.DatesAndText() as model:
        twin = onnxtwin.load(sample("dates_and_text").folder)
        assert model.predict(row).value == twin.predict([plain])[0]


def test_an_unknown_or_forgotten_field_is_an_error_where_the_row_is_made(dates: Any) -> None:
    with pytest.raises(TypeError, match="color"):
        good(dates, color="red")
    with pytest.raises(TypeError, match="amount"):
        dates.DatesAndTextRow(ordered_at=None, shipped_on=None, handling=None, note=None, channel="web")


def test_eight_threads_share_one_model_over_ten_thousand_calls(dates: Any) -> None:
    rows = [good(dates, amount=float(i + 1), note=f"gift {i}") for i in range(50)]
    with dates.DatesAndText() as model:
        expected = [model.predict(row) for row in rows]

        def calls(start: int) -> bool:
            return all(model.predict(rows[i % 50]) == expected[i % 50] for i in range(start, start + 1_250))

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(calls, range(8))) == [True] * 8


def altered(folder: Path, change: Callable[[Path], None]) -> Path:
    """A client of a flights artifact with something done to its files."""
    generate(FLIGHTS / "arrival_delay", "python", folder)
    change(folder / "src" / "arrival_delay_client" / "resources")
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: (files / "model.onnx").unlink(), "model.onnx cannot be read"),
        (lambda files: (files / "model.onnx").write_bytes(b"no graph"), "model.onnx is not the file that"),
    ],
)
def test_a_model_that_was_altered_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: Callable[[Path], None], message: str
) -> None:
    client = package(monkeypatch, altered(tmp_path, change))
    with pytest.raises(client.ModelFileError, match=message) as refusal:
        client.ArrivalDelay()
    assert refusal.value.file == "model.onnx"


def test_a_graph_that_is_broken_turns_the_self_test_red(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "arrival_delay"
    shutil.copytree(FLIGHTS / "arrival_delay", broken)
    model = onnx.load(broken / "model.onnx")
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    (leaves,) = (a for a in trees.attribute if a.name == "leaf_weights")
    leaves.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(leaves.t) * (1 + 1e-6), leaves.t.name))
    onnx.save(model, broken / "model.onnx")
    (broken / "manifest.json").unlink()
    (broken / "manifest.json").write_bytes(canonical.dumps(make_manifest(broken)))
    client = package(monkeypatch, generate(broken, "python", tmp_path / "client"))
    result = client.ArrivalDelay().self_test()
    assert (result.ok, result.failing) == (False, result.rows)
    with pytest.raises(client.SelfTestError, match=r"UNEQUAL: (\d+) recorded rows, \1 differ"):
        result.raise_if_failed()


def test_the_client_needs_numpy_and_onnxruntime_only(tmp_path: Path) -> None:
    generate(FLIGHTS / "arrives_late", "python", tmp_path)
    program = """
import json, sys
from arrives_late_client import ArrivesLate
ArrivesLate().self_test().raise_if_failed()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert loaded & {"onnxtwin", "pandas", "onnx", "sklearn", "scipy"} == set()


@pytest.mark.parametrize("name", ["2nd", "a-b", "class", "größe", ""])
def test_a_package_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="no Python package"):
        generate(FLIGHTS / "arrives_late", "python", tmp_path / "client", package=name)


@pytest.mark.parametrize(
    "value",
    [
        'a"b\\',
        "it's",
        "both ' and \"",
        "a\n\0\x7f",
        "\u202e\U000e0001",
        "日本😀",
        -(2**63),
        True,
        0.1,
        1e300,
        math.inf,
    ],
)
def test_a_value_is_spelled_so_that_python_reads_it_back(value: object) -> None:
    assert eval(scalar(value)) == value


@pytest.mark.parametrize("words", ['ends with "', "ends with \\", '"""', "a\nb\0", "x" * 300])
def test_no_column_ends_a_docstring(words: str) -> None:
    literal = docstring(words)
    assert isinstance(eval(literal), str)
    assert text("{0}") == '"{0}"'


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["arrives_late", "dates_and_text", "multi_output", "transformer", "awkward", "documents"]
)
def test_the_project_is_formatted_and_typed_and_its_own_tests_pass(name: str, tmp_path: Path) -> None:
    generate(sample(name).folder, "python", tmp_path)
    assert "passed" in run(tmp_path, "pytest", "-q")
    run(tmp_path, "ruff", "format", "--check", ".")
    run(tmp_path, "ruff", "check", "--no-cache", ".")
    run(tmp_path, "mypy", "src", "tests")
