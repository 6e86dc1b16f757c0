"""What all generated clients share: the view of a contract, the engine's strictness, a safe folder."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.folder import MARKER, write
from onnxtwin.build.clients.naming import Naming, camel, pascal
from onnxtwin.build.clients.templates import Templates
from onnxtwin.build.clients.view import Spelling, View, view
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError

FLIGHTS = Path(__file__).parents[3] / "artifacts" / "flights"
SPELLING = Spelling(Naming(pascal), Naming(camel), Naming(camel), Naming(camel))


@pytest.fixture(scope="module")
def late() -> View:
    return view(artifacts.read(FLIGHTS / "arrives_late"), SPELLING)


def test_the_type_is_named_after_the_folder_or_as_one_wishes(late: View) -> None:
    named = view(artifacts.read(FLIGHTS / "arrives_late"), SPELLING, name="late flights")
    assert (late.type_name, named.type_name) == ("ArrivesLate", "LateFlights")


def test_a_field_says_what_a_person_needs(late: View) -> None:
    fields = {field.name: field for field in late.fields}
    assert fields["origin_lat"].identifier == "originLat"
    assert fields["origin_lat"].doc == ["Number (float64 in the notebook).", "May be missing."]
    assert fields["sched_dep_time"].limits == (-(2**63), 2**63 - 1)
    assert not fields["sched_dep_time"].nullable
    assert fields["carrier"].kind == "text"


def test_methods_have_their_form_and_probabilities_their_classes(late: View) -> None:
    predict, proba = late.methods
    assert (predict.form, predict.outputs[0].labels) == ("value", (False, True))
    assert (proba.form, proba.outputs[0].members) == ("vector", ("false", "true"))
    assert late.conditions[0].step == "functiontransformer"
    assert late.domain is not None
    assert late.domain.width == len(late.conditions)


def test_every_field_knows_its_place_in_the_inputs(late: View) -> None:
    assert [entry.fields for entry in late.inputs] == [(field,) for field in late.fields]


def test_the_resources_are_named_with_their_hashes(late: View) -> None:
    manifest = artifacts.read(FLIGHTS / "arrives_late").manifest["files"]
    assert {r.name: r.sha256 for r in late.resources} == {
        name: manifest[name]["sha256"] for name in ("model.onnx", "vectors.json", "contract.json")
    }


def test_a_template_that_names_what_is_not_there_fails(tmp_path: Path) -> None:
    (tmp_path / "a.txt.j2").write_text("{{ nothing }}")
    with pytest.raises(UndefinedError):
        Templates(tmp_path, {}).render("a.txt")


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="java, csharp, typescript, python"):
        generate(FLIGHTS / "arrives_late", "cobol", tmp_path)


class TestTheFolder:
    def test_generated_files_are_replaced_and_stale_ones_gone_while_others_stay(self, tmp_path: Path) -> None:
        target = tmp_path / "client"
        write(target, "java", {"src/A.java": b"1", "src/B.java": b"1"})
        (target / "target").mkdir()
        (target / "target" / "A.class").write_bytes(b"built")
        write(target, "java", {"src/A.java": b"2"})
        files = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}
        files.pop(MARKER)
        assert files == {"src/A.java": b"2", "target/A.class": b"built"}

    def test_a_folder_of_somebody_elses_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("chapter 1")
        with pytest.raises(ArtifactError, match="no generated client"):
            write(tmp_path, "java", {"pom.xml": b""})
        assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]

    def test_a_file_of_the_users_is_not_overwritten(self, tmp_path: Path) -> None:
        write(tmp_path / "c", "java", {"pom.xml": b"1"})
        (tmp_path / "c" / "A.java").write_text("mine")
        with pytest.raises(ArtifactError, match="is not generated"):
            write(tmp_path / "c", "java", {"pom.xml": b"2", "A.java": b"2"})
        assert (tmp_path / "c" / "pom.xml").read_bytes() == b"1"

    def test_an_edited_file_is_not_overwritten(self, tmp_path: Path) -> None:
        write(tmp_path / "c", "java", {"pom.xml": b"1"})
        (tmp_path / "c" / "pom.xml").write_text("edited")
        with pytest.raises(ArtifactError, match="was edited"):
            write(tmp_path / "c", "java", {"pom.xml": b"2"})

    def test_a_client_in_another_language_is_left_alone(self, tmp_path: Path) -> None:
        write(tmp_path / "c", "java", {"pom.xml": b"1"})
        with pytest.raises(ArtifactError, match="client in java"):
            write(tmp_path / "c", "python", {"a.py": b""})

    def test_a_file_in_the_place_of_the_folder_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "c").write_text("notes")
        with pytest.raises(ArtifactError, match="is a file"):
            write(tmp_path / "c", "java", {})


@pytest.mark.parametrize("language", ["java", "csharp"])
def test_a_model_too_large_for_the_package_is_refused(language: str) -> None:
    project = import_module(f"onnxtwin.build.clients.{language}.project")
    small = view(artifacts.read(FLIGHTS / "arrives_late"), project.SPELLING)
    beside = replace(small.resources[0], name=WEIGHTS)
    with pytest.raises(ArtifactError, match="larger than the 2 GB"):
        project.project(replace(small, resources=[*small.resources, beside]))
