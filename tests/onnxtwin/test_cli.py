"""Two commands from recipe to verdict; 0, 1, 2 and 3 mean what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from models import flowers
from typer.testing import CliRunner, Result

from onnxtwin.cli import app

RECIPES = """
import numpy as np
from models import flowers

def species():
    return flowers()

def raises():
    raise KeyError("no such table")

def unsupported():
    pipeline, X, y = flowers()
    class Odd(type(pipeline)):
        def predict(self, X):
            return np.random.default_rng().choice(["setosa", "virginica"], len(X))
    pipeline.__class__ = Odd
    return pipeline, X

def another():
    pipeline, X, y = flowers()
    imputer = pipeline[0].transformers_[0][1][0]
    imputer.statistics_[3] += 1
    return pipeline, X

def memory():
    pipeline, X, y = flowers()
    def predict(X):
        raise MemoryError("not enough")
    pipeline.predict = predict
    return pipeline, X
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("recipes")
    (place / "flower_recipes.py").write_text(RECIPES)
    yield place
    sys.modules.pop("flower_recipes", None)


@pytest.fixture(scope="module")
def artifact(folder: Path) -> Path:
    result = run(
        "build", f"{folder}/flower_recipes.py:species", "-o", str(folder / "flowers"), "--rows", "50"
    )
    assert result.exit_code == 0, result.output
    return folder / "flowers"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


class TestBuild:
    def test_the_artifact_is_written_and_the_verdict_printed(self, artifact: Path) -> None:
        names = {"model.onnx", "contract.json", "vectors.json", "report.json", "report.html", "manifest.json"}
        assert {file.name for file in artifact.iterdir()} == names
        assert json.loads((artifact / "vectors.json").read_text())["tags"].count("sample") == 50

    def test_the_options_reach_the_artifact(self, folder: Path, tmp_path: Path) -> None:
        result = run(
            "build", f"{folder}/flower_recipes.py:species", "-o", str(tmp_path / "x"),
            "--methods", "predict, decision_function", "--layout", "packed",
            "--vectors", "real", "--rows", "5", "--seed", "3",
            "--junit", str(tmp_path / "x.xml"), "--json", str(tmp_path / "x.json"),
            "--html", str(tmp_path / "x.html"),
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        contract = json.loads((tmp_path / "x" / "contract.json").read_text())
        vectors = json.loads((tmp_path / "x" / "vectors.json").read_text())
        assert contract["methods"] == ["predict", "decision_function"]
        assert contract["rows"]["layout"] == "packed"
        assert (vectors["rows_are"], vectors["seed"], vectors["tags"].count("sample")) == ("real", 3, 5)
        assert ET.parse(tmp_path / "x.xml").getroot().get("failures") == "0"
        assert json.loads((tmp_path / "x.json").read_text())["ok"] is True
        assert (tmp_path / "x.html").read_text().startswith("<!")

    def test_nothing_is_written_if_the_twin_is_unequal(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from onnxtwin import twin as module

        def export(estimator: Any, X: Any, **options: Any) -> Any:
            twin = module.export(estimator, X, **options)
            twin._pipeline = flowers()[0]
            twin._pipeline[0].transformers_[0][1][0].statistics_[3] += 1
            return twin

        monkeypatch.setattr("onnxtwin.cli.build.export", export)
        result = run("build", f"{folder}/flower_recipes.py:species", "-o", str(tmp_path / "x"))
        assert result.exit_code == 1
        assert "nothing was written" in result.output
        assert not (tmp_path / "x").exists()

    @pytest.mark.parametrize(
        ("recipe", "message"),
        [
            ("raises", "raised: KeyError: 'no such table'"),
            ("absent", "has no 'absent'; it defines"),
            ("unsupported", "error:"),
        ],
    )
    def test_what_cannot_run_is_one_message_and_code_3(
        self, folder: Path, tmp_path: Path, recipe: str, message: str
    ) -> None:
        result = run("build", f"{folder}/flower_recipes.py:{recipe}", "-o", str(tmp_path / "x"))
        assert result.exit_code == 3
        assert message in result.stderr
        assert "Traceback" not in result.output
        assert not (tmp_path / "x").exists()

    def test_debug_shows_the_traceback(self, folder: Path, tmp_path: Path) -> None:
        result = run("build", f"{folder}/flower_recipes.py:raises", "-o", str(tmp_path / "x"), "--debug")
        assert result.exit_code == 3
        assert 'raise KeyError("no such table")' in result.stderr

    def test_a_folder_that_is_no_artifact_is_left_alone(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("...")
        result = run("build", f"{folder}/flower_recipes.py:species", "-o", str(tmp_path))
        assert result.exit_code == 3
        assert "holds files that are no artifact" in result.stderr
        assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]

    @pytest.mark.parametrize(
        "arguments",
        [[], ["r.py:f"], ["r.py:f", "-o", "x", "--rows", "0"], ["r.py:f", "-o", "x", "--layout", "diagonal"]],
    )
    def test_wrong_usage_is_code_2(self, arguments: list[str]) -> None:
        assert run("build", *arguments).exit_code == 2


class TestCheck:
    def test_recorded_rows_are_replayed_without_a_pipeline(self, artifact: Path, tmp_path: Path) -> None:
        result = run(
            "check", str(artifact), "--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml"),
            "--html", str(tmp_path / "r.html"),
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        report = json.loads((tmp_path / "r.json").read_text())
        assert report["verdict"] == "equal"
        families = {entry["family"] for entry in report["methods"][0]["families"]}
        assert {"sample", "missing", "unknown"} <= families
        assert ET.parse(tmp_path / "r.xml").getroot().get("failures") == "0"
        assert "equal" in (tmp_path / "r.html").read_text()

    def test_a_recipes_pipeline_is_compared_on_its_rows(self, artifact: Path, folder: Path) -> None:
        result = run("check", str(artifact), "--recipe", f"{folder}/flower_recipes.py:species")
        assert result.exit_code == 0, result.output

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_a_recipes_pipeline_is_compared_on_a_file(
        self, artifact: Path, folder: Path, tmp_path: Path, suffix: str
    ) -> None:
        X = flowers()[1].iloc[:40]
        file = tmp_path / f"rows.{suffix}"
        _ = X.to_csv(file, index=False) if suffix == "csv" else X.to_parquet(file)
        result = run(
            "check", str(artifact), "--recipe", f"{folder}/flower_recipes.py:species", "--data", str(file),
            "--json", str(tmp_path / "r.json"),
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        families = json.loads((tmp_path / "r.json").read_text())["methods"][0]["families"]
        assert {entry["family"]: entry["rows"] for entry in families}["sample"] == 40

    def test_another_pipeline_is_unequal(self, artifact: Path, folder: Path, tmp_path: Path) -> None:
        xml = tmp_path / "r.xml"
        result = run(
            "check", str(artifact), "--recipe", f"{folder}/flower_recipes.py:another", "--junit", str(xml)
        )
        assert result.exit_code == 1
        assert int(ET.parse(xml).getroot().get("failures", "0")) > 0

    def test_a_wrong_recorded_answer_is_unequal_and_names_the_row(
        self, artifact: Path, tmp_path: Path
    ) -> None:
        from onnxtwin.build.artifact import read
        from onnxtwin.runtime_checks.recorded import check_recorded

        found = read(artifact)
        vectors = found.vectors
        vectors.outputs["predict"][3] = "rose"
        vectors.outputs["predict_proba"][5, 0] += 1e-6
        report = check_recorded(found.session(), vectors)
        assert report.exit_code == 1
        assert report["predict"].worst is not None
        assert (report["predict"].worst.expected, report["predict"].worst.position) == ("rose", 3)
        assert report["predict_proba"].worst is not None
        assert report["predict_proba"].worst.position == 5
        assert set(report["predict"].worst.row) == set(flowers()[1])

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["absent"], 3, "absent: does not exist"),
            (["{artifact}", "--runtime", "abacus"], 3, "unknown runtime 'abacus'"),
            (["{artifact}", "--recipe", "{folder}/flower_recipes.py:raises"], 3, "no such table"),
            (
                ["{artifact}", "--recipe", "{folder}/flower_recipes.py:species", "--data", "no.csv"],
                3,
                "no such file",
            ),
            (["{artifact}", "--data", "rows.csv"], 2, "--data needs --recipe"),
            ([], 2, "give the folder of an artifact, or"),
        ],
    )
    def test_what_cannot_run_is_never_green(
        self, artifact: Path, folder: Path, arguments: list[str], code: int, message: str
    ) -> None:
        result = run("check", *(argument.format(artifact=artifact, folder=folder) for argument in arguments))
        assert result.exit_code == code
        assert message in result.stderr
        assert "Traceback" not in result.output

    def test_a_defect_in_the_pipeline_shows_its_traceback_and_code_3(
        self, artifact: Path, folder: Path
    ) -> None:
        result = run("check", str(artifact), "--recipe", f"{folder}/flower_recipes.py:memory")
        assert result.exit_code == 3
        assert "MemoryError: not enough" in result.stderr

    def test_an_altered_artifact_is_not_checked(self, artifact: Path, tmp_path: Path) -> None:
        import shutil

        shutil.copytree(artifact, tmp_path / "copy")
        (tmp_path / "copy" / "model.onnx").write_bytes(b"")
        result = run("check", str(tmp_path / "copy"))
        assert result.exit_code == 3
        assert "model.onnx: is truncated" in result.stderr


class TestShow:
    def test_a_person_reads_columns_outputs_and_verdict(self, artifact: Path) -> None:
        result = run("show", str(artifact))
        assert result.exit_code == 0
        for text in (
            "petal width",
            "as NaN",
            "colour",
            "setosa, versicolor, virginica",
            "[N, 3]",
            "checked: equal",
        ):
            assert text in result.output

    def test_the_contract_itself_is_printed_as_json(self, artifact: Path) -> None:
        result = run("show", str(artifact), "--json")
        assert json.loads(result.stdout) == json.loads((artifact / "contract.json").read_text())


@pytest.mark.parametrize(
    "command", [[Path(sys.executable).with_name("onnxtwin")], [sys.executable, "-m", "onnxtwin"]]
)
def test_the_command_is_installed(artifact: Path, command: list[str]) -> None:
    done = subprocess.run([*command, "show", str(artifact)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "answers predict, predict_proba" in done.stdout
