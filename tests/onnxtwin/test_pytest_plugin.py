"""``pytest --onnxtwin``: artifacts are items, what is unequal fails with its report; nothing is not green."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from models import flowers

import onnxtwin
from onnxtwin.build.manifest import make_manifest
from onnxtwin.runtime_checks import runtimes
from onnxtwin.runtime_checks.runtimes import NODE, Runtime

pytest_plugins = ["pytester"]

RECIPES = """
import sys
sys.path.insert(0, {support!r})
from models import flowers

def species():
    return flowers()

def another():
    pipeline, X, y = flowers()
    pipeline[0].transformers_[0][1][0].statistics_[3] += 1
    return pipeline, X

def raises():
    raise KeyError("no such table")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline, X, _ = flowers()
    folder = tmp_path_factory.mktemp("plugin") / "flowers"
    onnxtwin.export(pipeline, X).save(folder, rows=30)
    return folder


@pytest.fixture
def project(built: Path, pytester: pytest.Pytester) -> Path:
    """A project whose folder ``artifacts/`` holds one artifact."""
    shutil.copytree(built, pytester.path / "artifacts" / "flowers")
    support = Path(__file__).parents[1] / "support"
    (pytester.path / "species_recipes.py").write_text(RECIPES.format(support=str(support)))
    return pytester.path


def configure(project: Path, recipe: str, **more: object) -> None:
    lines = ['[artifacts."artifacts/flowers"]', f'recipe = "species_recipes.py:{recipe}"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    (project / "onnxtwin.toml").write_text("\n".join(lines) + "\n")


def unseal(artifact: Path) -> None:
    """Another answer than the pipeline gave, in an artifact whose hashes are right."""
    vectors = json.loads((artifact / "vectors.json").read_text())
    labels = next(output for output in vectors["outputs"] if output["name"] == "predict")
    labels["data"][0] = "rose"
    (artifact / "vectors.json").write_text(json.dumps(vectors))
    (artifact / "manifest.json").unlink()
    (artifact / "manifest.json").write_text(json.dumps(make_manifest(artifact)))


def test_an_artifacts_recorded_rows_are_an_item(project: Path, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--onnxtwin", "artifacts", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*artifacts/flowers/manifest.json::recorded?python? PASSED*"])


def test_a_recipe_that_the_settings_name_is_an_item(project: Path, pytester: pytest.Pytester) -> None:
    configure(project, "species", cases=False)
    result = pytester.runpytest("--onnxtwin", "artifacts")
    result.assert_outcomes(passed=2)


def test_other_tests_run_beside_artifacts_and_nothing_is_collected_without_the_option(
    project: Path, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest("--onnxtwin").assert_outcomes(passed=2)
    pytester.runpytest().assert_outcomes(passed=1)


def test_what_is_unequal_fails_and_shows_the_report(project: Path, pytester: pytest.Pytester) -> None:
    unseal(project / "artifacts" / "flowers")
    result = pytester.runpytest("--onnxtwin", "artifacts", "--junitxml", "junit.xml")
    result.assert_outcomes(failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*python, onnxruntime*", "*'rose'*", "unequal:*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert "rose" in (project / "junit.xml").read_text()


def test_another_pipeline_than_the_recipes_fails(project: Path, pytester: pytest.Pytester) -> None:
    configure(project, "another", cases=["missing"])
    result = pytester.runpytest("--onnxtwin", "artifacts")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::recipe?python? *"])


def test_a_recipe_that_raises_fails_with_one_message(project: Path, pytester: pytest.Pytester) -> None:
    configure(project, "raises")
    result = pytester.runpytest("--onnxtwin", "artifacts")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["could not run: *raised: KeyError: 'no such table'"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("lost", ["manifest.json", "model.onnx", "contract.json"])
def test_a_damaged_artifact_fails(project: Path, pytester: pytest.Pytester, lost: str) -> None:
    (project / "artifacts" / "flowers" / lost).unlink()
    result = pytester.runpytest("--onnxtwin", "artifacts")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["could not run: *"])


def test_a_runtime_that_cannot_run_here_is_skipped_with_the_reason(
    project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONNXTWIN_REQUIRE", raising=False)
    absent = Runtime("abacus", lambda: "no beads here", NODE.open, lambda: "abacus")
    monkeypatch.setitem(runtimes._RUNTIMES, "abacus", absent)
    configure(project, "species", runtimes=["python", "abacus"], cases=False)
    result = pytester.runpytest("--onnxtwin", "artifacts", "-rs")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*abacus: no beads here*"])


def test_an_unknown_runtime_fails(project: Path, pytester: pytest.Pytester) -> None:
    configure(project, "species", runtimes="sundial")
    result = pytester.runpytest("--onnxtwin", "artifacts")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*unknown runtime 'sundial'*"])


def test_a_folder_without_artifacts_is_not_green(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest("--onnxtwin")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["could not run: there is no artifact in *"])


def test_an_artifact_that_the_settings_name_and_that_is_not_there_is_not_green(
    project: Path, pytester: pytest.Pytester
) -> None:
    configure(project, "species")
    shutil.copytree(project / "artifacts" / "flowers", project / "artifacts" / "others")
    shutil.rmtree(project / "artifacts" / "flowers")
    result = pytester.runpytest("--onnxtwin", "artifacts")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["could not run: the settings name *artifacts/flowers*"])


def test_settings_that_are_not_understood_are_wrong_usage(project: Path, pytester: pytest.Pytester) -> None:
    configure(project, "species", colour="red")
    result = pytester.runpytest("--onnxtwin", "artifacts")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*artifacts.artifacts/flowers has colour; it may have recipe, *"])


def test_the_plugin_brings_along_nothing_until_it_is_asked() -> None:
    program = "import sys, onnxtwin.pytest_plugin; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in ast.literal_eval(done.stdout)}
    assert not modules & {"numpy", "pandas", "sklearn", "onnx", "onnxruntime", "typer", "rich", "spox"}
