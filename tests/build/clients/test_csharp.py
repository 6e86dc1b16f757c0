"""The C# client: compiles without a warning, formatted, equal in its answers, and refuses what is wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper
from toolchains import demand

from artifacts import ARTIFACTS, Sample, sample
from onnxtwin.build import artifact as artifacts
from onnxtwin.build import canonical, tensors
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.csharp.literals import doc, scalar, text
from onnxtwin.build.clients.csharp.names import SPELLING
from onnxtwin.build.clients.csharp.project import project
from onnxtwin.build.clients.view import view
from onnxtwin.build.manifest import make_manifest
from onnxtwin.exporters.errors import ArtifactError, CheckError
from onnxtwin.runtime_checks.csharp import absent
from onnxtwin.runtime_checks.toolchain import run_tool

FLIGHTS = Path(__file__).parents[3] / "artifacts" / "flights"
SOURCES = Path(__file__).parent / "csharp"
NO_SERVERS = ("--nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false")
TEST = ("dotnet", "test", *NO_SERVERS)

# One worker builds; two would compile on the same two cores.
pytestmark = pytest.mark.xdist_group("csharp")


@pytest.fixture
def dotnet() -> None:
    demand("csharp", absent())


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_solution_is_what_a_dotnet_user_expects(tmp_path: Path) -> None:
    generate(FLIGHTS / "arrives_late", "csharp", tmp_path, package="Example.Flights", name="late")
    source, tests = "src/Example.Flights", "tests/Example.Flights.Tests"
    assert {
        "Example.Flights.sln",
        "README.md",
        f"{source}/Example.Flights.csproj",
        f"{source}/Late.cs",
        f"{source}/LateRow.cs",
        f"{source}/LatePrediction.cs",
        f"{source}/Resources/model.onnx",
        f"{tests}/Example.Flights.Tests.csproj",
        f"{tests}/LateTests.cs",
    } <= files_of(tmp_path)


def test_the_same_artifact_makes_the_same_files(tmp_path: Path) -> None:
    seen = view(artifacts.read(FLIGHTS / "arrival_delay"), SPELLING)
    assert project(seen) == project(seen)


@pytest.mark.parametrize("package", ["2nd.Flights", "Flights.", "a-b", "Flights.class", ""])
def test_a_namespace_that_is_none_is_refused(tmp_path: Path, package: str) -> None:
    with pytest.raises(ArtifactError, match=r"no C# namespace"):
        generate(FLIGHTS / "arrives_late", "csharp", tmp_path / "client", package=package)
    assert not (tmp_path / "client").exists()


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\n\0\x7f", '"a\\n\\0\\u007f"'),
        ("\u202e\U000e0001", '"\\u202e\\U000e0001"'),
        ("日本😀", '"日本😀"'),
        (-(2**63), "long.MinValue"),
        (7, "7L"),
        (True, "true"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (float("nan"), "double.NaN"),
    ],
)
def test_a_value_is_spelled_so_that_csharp_reads_it_back(value: object, literal: str) -> None:
    assert scalar(value) == literal


def test_no_column_ends_a_comment_or_begins_a_tag() -> None:
    assert doc("a <b> & c\n\u2028d\0") == "a &lt;b&gt; &amp; c d"
    assert text("{0}") == '"{0}"'


def held_out_tests(shared: Sample, folder: Path, namespace: str, type_name: str) -> dict[str, str]:
    """Put the test of typed rows into a client; the environment that it needs."""
    transforms = "transform" in artifacts.read(shared.folder).signature.methods
    code = (SOURCES / "HeldOutTests.cs").read_text(encoding="utf-8")
    for name, value in {
        "NAMESPACE": namespace,
        "ROW": f"{type_name}Row",
        "PREDICTION": type_name + ("Output" if transforms else "Prediction"),
        "TYPE": type_name,
        "VERB": "Transform" if transforms else "Predict",
    }.items():
        code = code.replace(name, value)
    (folder / "tests" / f"{namespace}.Tests" / "HeldOutTests.cs").write_text(code, encoding="utf-8")
    rows = folder / "held_out.json"
    rows.write_bytes(
        canonical.dumps(
            {
                "rows": len(shared.rows),
                "inputs": [tensors.to_json(name, array) for name, array in shared.inputs.items()],
                "outputs": [tensors.to_json(name, array) for name, array in shared.outputs.items()],
            }
        )
    )
    return {"HELD_OUT": str(rows)}


@pytest.mark.long
@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_client_is_tested_and_ten_thousand_typed_rows_have_the_pipelines_answers(
    dotnet: None, name: str, tmp_path: Path
) -> None:
    shared = sample(name)
    assert not shared.undetermined.any()
    generate(shared.folder, "csharp", tmp_path)
    seen = view(artifacts.read(shared.folder), SPELLING)
    environment = held_out_tests(shared, tmp_path, f"{seen.type_name}Client", seen.type_name)
    refusals = SOURCES / f"{seen.type_name}Refusals.cs"
    if refusals.exists():
        shutil.copy(refusals, tmp_path / "tests" / f"{seen.type_name}Client.Tests")
    shown = run_tool(TEST, tmp_path, environment)
    assert "Passed!" in shown
    assert "warning" not in shown


@pytest.mark.long
@pytest.mark.parametrize("name", ["dates_and_text", "awkward"])
def test_the_code_is_as_dotnet_format_writes_it(dotnet: None, name: str, tmp_path: Path) -> None:
    generate(sample(name).folder, "csharp", tmp_path)
    run_tool(["dotnet", "format", "--verify-no-changes"], tmp_path)


@pytest.mark.long
def test_old_csharp_on_net_standard_calls_it_too(dotnet: None, tmp_path: Path) -> None:
    """What a .NET Framework team has: C# 7.3, and the library's .NET Standard 2.0 build."""
    generate(FLIGHTS / "arrival_delay", "csharp", tmp_path)
    shutil.copytree(SOURCES / "Framework", tmp_path / "Framework")
    build = ["dotnet", "build", "--output=app", *NO_SERVERS, "-warnaserror"]
    run_tool(build, tmp_path / "Framework")
    shown = run_tool(["dotnet", "app/Framework.dll"], tmp_path / "Framework")
    assert re.search(r"\bequal: \d+ recorded rows, 0 differ", shown)
    assert ".NETStandard,Version=v2.0" in shown


@pytest.mark.long
def test_a_graph_that_is_broken_turns_the_self_test_red(dotnet: None, tmp_path: Path) -> None:
    broken = tmp_path / "arrival_delay"
    shutil.copytree(FLIGHTS / "arrival_delay", broken)
    model = onnx.load(broken / "model.onnx")
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    (leaves,) = (a for a in trees.attribute if a.name == "leaf_weights")
    leaves.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(leaves.t) * (1 + 1e-6), leaves.t.name))
    onnx.save(model, broken / "model.onnx")
    (broken / "manifest.json").unlink()
    (broken / "manifest.json").write_bytes(canonical.dumps(make_manifest(broken)))
    generate(broken, "csharp", tmp_path / "client")
    with pytest.raises(CheckError, match=r"UNEQUAL: (\d+) recorded rows, \1 differ"):
        run_tool(TEST, tmp_path / "client")


@pytest.mark.long
def test_a_model_that_was_exchanged_is_refused_by_name(dotnet: None, tmp_path: Path) -> None:
    generate(FLIGHTS / "arrival_delay", "csharp", tmp_path)
    shutil.copy(
        FLIGHTS / "arrives_late" / "model.onnx", tmp_path / "src/ArrivalDelayClient/Resources/model.onnx"
    )
    with pytest.raises(CheckError, match=r"ArrivalDelayClient\.model\.onnx is not the file that"):
        run_tool(TEST, tmp_path)
