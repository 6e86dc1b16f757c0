"""The Java client: formatted as google-java-format would, free of warnings, equal in its answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest
from java_clients import TEST, client, held_out
from manual import blocks, run_blocks
from onnx import numpy_helper
from toolchains import demand

from artifacts import ARTIFACTS, sample
from onnxtwin.build import canonical
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.java.layout import formatted
from onnxtwin.build.clients.java.spelling import literal, markup
from onnxtwin.build.manifest import make_manifest
from onnxtwin.exporters.errors import ArtifactError, CheckError
from onnxtwin.runtime_checks.java import absent
from onnxtwin.runtime_checks.toolchain import run_tool

FLIGHTS = Path(__file__).parents[3] / "artifacts" / "flights"

# One worker at a time: Maven's local repository is not made for several.
pytestmark = pytest.mark.xdist_group("java")

FORMATTER = "com.google.googlejavaformat:google-java-format:1.28.0:jar:all-deps"
COPY = ("mvn", "--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy")
COMPILER = ("api", "code", "file", "parser", "tree", "util")


@pytest.fixture(scope="module")
def java() -> None:
    demand("java", absent())


@pytest.fixture(scope="module")
def formatter(java: None, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that names the files which are not as google-java-format writes them."""
    folder = tmp_path_factory.mktemp("formatter")
    run_tool([*COPY, f"-Dartifact={FORMATTER}", f"-DoutputDirectory={folder}"], folder)
    (jar,) = folder.glob("*.jar")
    exports = [f"--add-exports=jdk.compiler/com.sun.tools.javac.{part}=ALL-UNNAMED" for part in COMPILER]
    return ["java", *exports, "-jar", str(jar), "--skip-reflowing-long-strings", "--dry-run"]


def test_the_project_is_what_a_maven_user_expects(tmp_path: Path) -> None:
    generate(FLIGHTS / "arrives_late", "java", tmp_path, package="com.example.flights", name="late")
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    main = "src/main/java/com/example/flights"
    assert {"pom.xml", "README.md", f"{main}/Late.java", f"{main}/LateRow.java"} <= files
    assert "src/test/java/com/example/flights/LateTest.java" in files
    assert "src/main/resources/com/example/flights/model.onnx" in files


def test_a_package_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no name of a Java package"):
        generate(FLIGHTS / "arrives_late", "java", tmp_path, package="com.2nd")


def test_the_same_artifact_makes_the_same_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        generate(FLIGHTS / "arrival_delay", "java", tmp_path / folder)
    assert (tmp_path / "a/.onnxtwin-client.json").read_bytes() == (
        tmp_path / "b/.onnxtwin-client.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("value", "java_literal"),
    [
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\nb\0", '"a\\nb\\000"'),
        ("\u202e", '"\\u202e"'),
        ("日本😀", '"日本😀"'),
        (-(2**63), "Long.MIN_VALUE"),
        (7, "7L"),
        (True, "true"),
        (0.1, "0.1"),
        (float("-inf"), "Double.NEGATIVE_INFINITY"),
    ],
)
def test_a_value_is_spelled_so_that_java_reads_it_back(value: object, java_literal: str) -> None:
    assert literal(value) == java_literal


def test_no_text_ends_a_comment_or_begins_a_tag_or_an_escape() -> None:
    assert markup("*/ @see <b> \\u0022 {") == "&#42;/ &#64;see &#60;b&#62; &#92;u0022 &#123;"


def test_a_long_statement_is_broken_where_google_java_format_breaks_it() -> None:
    line = f"    throw new Refusal(column, {'value' * 9}, {'demand' * 5});"
    assert formatted(line).splitlines() == [
        "    throw new Refusal(",
        f"        column, {'value' * 9}, {'demand' * 5});",
    ]


@pytest.mark.long
@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_client_compiles_and_ten_thousand_held_out_rows_are_equal(
    name: str, java: None, formatter: list[str], tmp_path: Path
) -> None:
    rows = sample(name)
    seen = client(rows.folder, tmp_path / name)
    sources = [str(path) for path in (tmp_path / name).rglob("*.java")]
    assert run_tool([*formatter, *sources], tmp_path) == ""
    seen = client(rows.folder, tmp_path / "tested", "HeldOutTest")
    found = held_out(seen, tmp_path / "tested", rows.inputs, rows.outputs)
    assert found.rows == 10_000
    assert not found.failing[~rows.undetermined].any(), str(found)


@pytest.mark.long
def test_what_a_caller_can_do_wrong_is_a_typed_exception(java: None, tmp_path: Path) -> None:
    client(FLIGHTS / "arrives_late", tmp_path / "client", "HostileTest")
    run_tool(TEST, tmp_path / "client")


@pytest.mark.long
def test_a_graph_that_is_broken_turns_the_self_test_red(java: None, tmp_path: Path) -> None:
    broken = tmp_path / "arrival_delay"
    shutil.copytree(FLIGHTS / "arrival_delay", broken)
    model = onnx.load(broken / "model.onnx")
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    (leaves,) = (a for a in trees.attribute if a.name == "leaf_weights")
    leaves.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(leaves.t) * (1 + 1e-6), leaves.t.name))
    onnx.save(model, broken / "model.onnx")
    (broken / "manifest.json").unlink()
    (broken / "manifest.json").write_bytes(canonical.dumps(make_manifest(broken)))
    client(broken, tmp_path / "client")
    with pytest.raises(CheckError, match=r"givesTheRecordedAnswersAgain.*(\d+) recorded rows, \1 differ"):
        run_tool(TEST, tmp_path / "client")
    assert json.loads((tmp_path / "client/.onnxtwin-client.json").read_text())["language"] == "java"


@pytest.mark.long
def test_every_command_of_the_page_runs_and_the_demo_prints_its_answer(java: None, tmp_path: Path) -> None:
    (demo,) = (block for block in blocks("java.md", "java") if "class Demo" in block)
    place = Path("src/main/java/com/example/flights/Demo.java")
    printed = run_blocks("java.md", tmp_path, {1: lambda at: (at / place).write_text(demo)})
    assert printed.count("true\n") == 2
    assert (tmp_path / "late-flights" / place).read_text() == demo
