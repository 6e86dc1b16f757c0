"""``onnxtwin check`` as a gate: data in files, tolerances, anybody's graph; bad input is never green."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import flowers
from onnx import helper
from typer.testing import CliRunner, Result

import onnxtwin
from onnxtwin.cli import app

SUPPORT = Path(__file__).parents[1] / "support"

RECIPES = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
import numpy as np
from models import flowers

def species():
    return flowers()

def without_targets():
    return flowers()[:2]

def unfitted():
    from sklearn.base import clone
    pipeline, X, y = flowers()
    return clone(pipeline), X

def raises():
    raise KeyError("no such table")

def exits():
    raise SystemExit(0)

def petals_sold(y_true, answer, X):
    return float((np.asarray(y_true) == answer).sum() * 3)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recipes, an artifact and data files, good and bad."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "gate_recipes.py").write_text(RECIPES)
    pipeline, X, y = flowers()
    onnxtwin.export(pipeline, X).save(folder / "flowers", rows=30)
    X.iloc[:60].to_parquet(folder / "rows.parquet")
    X.iloc[60:].to_csv(folder / "rows.csv", index=False)
    X.assign(species=y, number=range(len(X))).to_parquet(folder / "targets.parquet")
    (folder / "many").mkdir()
    for part in range(3):
        X.iloc[50 * part : 50 * part + 50].to_parquet(folder / "many" / f"{part}.parquet")
    X.iloc[:0].to_parquet(folder / "empty.parquet")
    X.iloc[:0].to_csv(folder / "empty.csv", index=False)
    X.drop(columns="colour").to_parquet(folder / "lacking.parquet")
    (folder / "truncated.parquet").write_bytes((folder / "rows.parquet").read_bytes()[:-100])
    (folder / "no.onnx").write_bytes(b"this is no graph")
    return folder


def run(place: Path, *arguments: str) -> Result:
    told = [argument.format(place=place, recipe=f"{place}/gate_recipes.py") for argument in arguments]
    return CliRunner().invoke(app, ["check", *told])


def report(place: Path, tmp_path: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = run(place, *arguments, "--json", str(tmp_path / "r.json"))
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads((tmp_path / "r.json").read_text())
    return found


def rows_by_family(found: dict[str, Any]) -> dict[str, int]:
    return {entry["family"]: entry["rows"] for entry in found["methods"][0]["families"]}


AGAINST = ["{place}/flowers", "--recipe", "{recipe}:species"]


class TestData:
    def test_files_of_both_kinds_and_folders_are_checked_together(self, place: Path, tmp_path: Path) -> None:
        data = ["--data", "{place}/rows.parquet", "--data", "{place}/rows.csv", "--data", "{place}/many"]
        found = report(place, tmp_path, *AGAINST, *data, "--no-cases")
        assert rows_by_family(found) == {"sample": 300}

    def test_targets_in_a_column_give_the_notebooks_metrics_and_the_users_own(
        self, place: Path, tmp_path: Path
    ) -> None:
        data = ["--data", "{place}/targets.parquet", "--target", "species", "--no-cases"]
        metrics = ["--metric", "accuracy", "--metric", "{recipe}:petals_sold"]
        found = report(place, tmp_path, *AGAINST, *data, *metrics)
        accuracy, sold = found["metrics"]
        assert (accuracy["metric"], accuracy["equal"], accuracy["rows"]) == ("accuracy", True, 150)
        assert (sold["metric"], sold["pipeline"]) == ("petals_sold", sold["twin"])

    def test_the_recipes_own_targets_give_the_metrics_that_fit(self, place: Path, tmp_path: Path) -> None:
        found = report(place, tmp_path, *AGAINST, "--no-cases")
        assert [entry["metric"] for entry in found["metrics"]] == ["accuracy", "log_loss"]


class TestOptions:
    def test_a_thorough_check_answers_more_rows(self, place: Path, tmp_path: Path) -> None:
        usual, thorough = (
            report(place, tmp_path, *AGAINST, "--cases", "crossed", *option)
            for option in ((), ("--thorough",))
        )
        assert rows_by_family(thorough)["crossed"] == 4 * rows_by_family(usual)["crossed"]

    def test_only_the_families_that_are_named_are_made(self, place: Path, tmp_path: Path) -> None:
        found = report(place, tmp_path, *AGAINST, "--cases", "missing", "--cases", "unknown")
        assert set(rows_by_family(found)) == {"sample", "missing", "unknown"}

    def test_tolerances_are_those_of_the_user(self, place: Path, tmp_path: Path) -> None:
        given = ["--rtol", "1e-6", "--atol", "0", "--tolerance", "predict_proba=1e-3,1e-4", "--no-cases"]
        tolerance = report(place, tmp_path, *AGAINST, *given)["tolerance"]
        assert (tolerance["rtol"], tolerance["atol"]) == (1e-6, 0.0)
        assert tolerance["outputs"]["predict_proba"] == {"rtol": 1e-3, "atol": 1e-4}

    def test_recorded_rows_are_replayed_within_the_tolerance_that_is_asked_for(self, place: Path) -> None:
        assert run(place, "{place}/flowers", "--tolerance", "predict_proba=1e-15").exit_code == 0
        unknown = run(place, "{place}/flowers", "--tolerance", "predict_prob=0")
        assert unknown.exit_code == 3
        assert "a tolerance is given for 'predict_prob'" in unknown.stderr

    def test_the_summary_in_markdown_is_written_anew(self, place: Path, tmp_path: Path) -> None:
        (tmp_path / "summary.md").write_text("of another run")
        assert run(place, "{place}/flowers", "--markdown", str(tmp_path / "summary.md")).exit_code == 0
        text = (tmp_path / "summary.md").read_text()
        assert "equal" in text
        assert "another run" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["{place}/flowers", "--model", "x.onnx", "--recipe", "r.py:f"],
            "give the folder of an artifact, or",
        ),
        (["--model", "x.onnx"], "--model needs --recipe"),
        (["{place}/flowers", "--no-cases"], "--no-cases needs --recipe"),
        (["{place}/flowers", "--thorough"], "--thorough needs --recipe"),
        (["{place}/flowers", "--metric", "r2"], "--metric needs --recipe"),
        ([*AGAINST, "--target", "species"], "--target needs --data"),
        ([*AGAINST, "--input", "a=b"], "--input needs --model"),
        ([*AGAINST, "--cases", "missing", "--no-cases"], "not both"),
        ([*AGAINST, "--tolerance", "predict_proba"], "is no OUTPUT=RTOL,ATOL"),
        ([*AGAINST, "--tolerance", "predict_proba=1,2,3"], "is no OUTPUT=RTOL,ATOL"),
        ([*AGAINST, "--rtol", "-1"], "Invalid value for '--rtol'"),
        (["--model", "m", "--recipe", "{recipe}:species", "--runtime", "java"], "judged in Python only"),
        (["--model", "m", "--recipe", "{recipe}:species", "--input", "a"], "is no NAME=COLUMN"),
    ],
)
def test_wrong_usage_is_code_2(place: Path, arguments: list[str], message: str) -> None:
    result = run(place, *arguments)
    assert result.exit_code == 2
    # The message stands in a frame, broken where a line ends.
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*AGAINST, "--data", "{place}/empty.parquet"], "nothing compared"),
        ([*AGAINST, "--data", "{place}/empty.csv"], "nothing compared"),
        ([*AGAINST, "--data", "{place}/lacking.parquet"], "lacks the columns colour"),
        ([*AGAINST, "--data", "{place}/rows.parquet", "--target", "price"], "lacks the columns price"),
        ([*AGAINST, "--data", "{place}/rows.parquet", "--metric", "r2"], "need the targets"),
        ([*AGAINST, "--cases", "astral"], "no such family of cases"),
        ([*AGAINST, "--metric", "beauty"], "no such metric: 'beauty'"),
        ([*AGAINST, "--metric", "{recipe}:beauty"], "has no 'beauty'"),
        (["{place}/flowers", "--recipe", "{recipe}:unfitted"], "not fitted"),
        (["{place}/flowers", "--recipe", "{recipe}:exits"], "SystemExit"),
        (["{place}/flowers", "--recipe", "nowhere.py:f"], "there is no file"),
        (["--model", "{place}/absent.onnx", "--recipe", "{recipe}:species"], "no graph at"),
    ],
)
def test_what_could_not_be_checked_is_code_3(place: Path, arguments: list[str], message: str) -> None:
    result = run(place, *arguments)
    assert result.exit_code == 3
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{place}/flowers"], 0, "equal"),
        (
            [*AGAINST, "--data", "{place}/truncated.parquet"],
            3,
            "truncated.parquet: cannot be read as raw rows",
        ),
        (["{place}/flowers", "--runtime", "sundial"], 3, "unknown runtime 'sundial'; known are python"),
        (["{place}/flowers", "--recipe", "{recipe}:raises"], 3, "raised: KeyError: 'no such table'"),
        (["--model", "{place}/no.onnx", "--recipe", "{recipe}:species"], 3, "cannot load the graph"),
    ],
)
def test_the_real_command_ends_with_the_code_and_one_message(
    place: Path, arguments: list[str], code: int, message: str
) -> None:
    told = [argument.format(place=place, recipe=f"{place}/gate_recipes.py") for argument in arguments]
    command = [sys.executable, "-m", "onnxtwin", "check", *told]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "200"}
    )
    assert done.returncode == code, done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def graph(place: Path) -> Path:
    """The twin's own graph as somebody else might have named its inputs and outputs."""
    model = onnx.load(place / "flowers" / "model.onnx")
    renamed = {"colour": "color", "predict": "y_hat", "petal width": "pw"}
    for value in [*model.graph.input, *model.graph.output]:
        value.name = renamed.get(value.name, value.name)
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    onnx.save(model, place / "foreign.onnx")
    return place / "foreign.onnx"


class TestForeignGraphs:
    NAMES = ("--input", "color=colour", "--input", "pw=petal width", "--output", "predict=y_hat",
             "--output", "predict_proba=predict_proba", "--missing-text", "__missing__")  # fmt: skip

    def test_inputs_and_outputs_are_named_and_the_graph_is_judged(
        self, place: Path, graph: Path, tmp_path: Path
    ) -> None:
        found = report(
            place, tmp_path, "--model", str(graph), "--recipe", "{recipe}:species", *self.NAMES, "--no-cases"
        )
        assert [entry["method"] for entry in found["methods"]] == ["predict", "predict_proba"]

    def test_rows_come_from_files_in_the_types_of_the_recipes_rows(
        self, place: Path, graph: Path, tmp_path: Path
    ) -> None:
        data = ["--data", "{place}/rows.csv", "--data", "{place}/rows.parquet", "--no-cases"]
        found = report(
            place, tmp_path, "--model", str(graph), "--recipe", "{recipe}:species", *self.NAMES, *data
        )
        assert rows_by_family(found) == {"sample": 150}

    def test_a_graph_that_answers_otherwise_is_unequal(
        self, place: Path, graph: Path, tmp_path: Path
    ) -> None:
        model = onnx.load(graph)
        last = next(node for node in model.graph.node if "predict_proba" in node.output)
        last.output[:] = ["exact" if name == "predict_proba" else name for name in last.output]
        model.graph.node.append(helper.make_node("Cast", ["exact"], ["float"], to=onnx.TensorProto.FLOAT))
        model.graph.node.append(
            helper.make_node("Cast", ["float"], ["predict_proba"], to=onnx.TensorProto.DOUBLE)
        )
        onnx.save(model, tmp_path / "float.onnx")
        found = report(
            place, tmp_path, "--model", str(tmp_path / "float.onnx"), "--recipe", "{recipe}:species",
            *self.NAMES, "--no-cases", code=1,
        )  # fmt: skip
        assert found["methods"][1]["mismatched"] > 100

    def test_an_input_that_is_not_matched_says_how(self, place: Path, graph: Path) -> None:
        result = run(place, "--model", str(graph), "--recipe", "{recipe}:species")
        assert result.exit_code == 3
        assert "which column goes to the graph's input" in " ".join(result.stderr.split())


class TestGate:
    @pytest.fixture
    def project(self, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        import shutil

        shutil.copytree(place / "flowers", tmp_path / "artifacts" / "flowers")
        (tmp_path / "gate_recipes_of_project.py").write_text(RECIPES)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def gate(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["gate", *arguments])

    def test_artifacts_in_a_folder_are_found_and_replayed(self, project: Path) -> None:
        result = self.gate("artifacts", "--reports", "reports", "--markdown", "summary.md")
        assert result.exit_code == 0, result.output
        names = {file.name for file in (project / "reports").iterdir()}
        stem = "artifacts-flowers-recorded-rows-python"
        assert names == {f"{stem}.html", f"{stem}.json", f"{stem}.xml"}
        assert "artifacts/flowers recorded rows, python" in (project / "summary.md").read_text()

    def test_one_that_cannot_run_hides_no_other(self, project: Path) -> None:
        (project / "onnxtwin.toml").write_text(
            '[artifacts."artifacts/flowers"]\nrecipe = "gate_recipes_of_project.py:raises"\n'
        )
        result = self.gate()
        assert result.exit_code == 3
        assert "equal: " in result.output
        assert "no such table" in result.output
        assert "could not run" in result.output

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (None, "no artifact was given"),
            ('[artifacts."artifacts/roses"]\n', "no artifact is there; build it"),
            ("[artifacts\n", "is no TOML"),
        ],
    )
    def test_nothing_to_check_is_code_3(self, project: Path, settings: str | None, message: str) -> None:
        if settings is not None:
            (project / "onnxtwin.toml").write_text(settings)
        result = self.gate()
        assert result.exit_code == 3
        assert message in " ".join(result.stderr.split())


def test_recorded_rows_are_written_as_backend_tests(place: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["vectors", f"{place}/flowers", "--backend", str(tmp_path / "backend")])
    assert result.exit_code == 0, result.output
    assert "test_data_set_0: sample, 30 rows" in result.output
    assert (tmp_path / "backend" / "test_data_set_0" / "input_0.pb").is_file()


def test_labels_in_a_csv_file_have_the_type_of_the_classes() -> None:
    from onnxtwin.gate import target_column

    class Fitted:
        def __init__(self, classes: Any) -> None:
            self.classes_ = classes

    kinds = {"bool": [False, True], "int64": [0, 1], "str": ["a", "b"], "float64": [0.5, 1.0]}
    for dtype, classes in kinds.items():
        assert target_column(Fitted(np.array(classes)), "y").dtype == dtype
    assert target_column(object(), "y").dtype == "float64"
    with pytest.raises(onnxtwin.errors.CheckError, match="several targets"):
        target_column(Fitted([np.array([0, 1])] * 2), "y")
