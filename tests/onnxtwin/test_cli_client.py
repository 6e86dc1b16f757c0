"""``onnxtwin client``: a project is written, or nothing is, and the exit code says which."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from onnxtwin.build.clients import LANGUAGES
from onnxtwin.cli import app

FLIGHTS = Path(__file__).parents[2] / "artifacts" / "flights"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["client", *map(str, arguments)])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_is_written_with_its_readme_and_its_model(language: str, tmp_path: Path) -> None:
    result = run(FLIGHTS / "arrival_delay", "--language", language, "-o", tmp_path / "client")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "client" / "README.md").is_file()
    (model,) = (tmp_path / "client").rglob("model.onnx")
    assert model.read_bytes() == (FLIGHTS / "arrival_delay" / "model.onnx").read_bytes()


def test_a_client_is_brought_up_to_date_in_its_own_folder(tmp_path: Path) -> None:
    for _ in range(2):
        result = run(FLIGHTS / "arrival_delay", "--language", "java", "-o", tmp_path / "client")
        assert result.exit_code == 0, result.output


def test_an_unknown_language_is_wrong_usage(tmp_path: Path) -> None:
    result = run(FLIGHTS / "arrival_delay", "--language", "cobol", "-o", tmp_path / "client")
    assert result.exit_code == 2
    assert not (tmp_path / "client").exists()


def test_an_artifact_that_was_altered_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FLIGHTS / "arrival_delay", tmp_path / "altered")
    (tmp_path / "altered" / "model.onnx").write_bytes(b"another")
    result = run(tmp_path / "altered", "--language", "java", "-o", tmp_path / "client")
    assert result.exit_code == 3
    assert "model.onnx" in result.output
    assert not (tmp_path / "client").exists()


def test_a_folder_of_somebody_elses_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = run(FLIGHTS / "arrival_delay", "--language", "python", "-o", tmp_path)
    assert result.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
