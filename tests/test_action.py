"""The GitHub Action: its YAML is what GitHub reads, and each of its scripts does here what it does there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from models import flowers

import onnxtwin
from onnxtwin.build.manifest import make_manifest

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step for step in STEPS if "run" in step}

# What GitHub calls for `shell: bash`.
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]

RECIPE = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests" / "support")!r})
from models import flowers

def species():
    return flowers()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline, X, _ = flowers()
    folder = tmp_path_factory.mktemp("action") / "flowers"
    onnxtwin.export(pipeline, X).save(folder, rows=30)
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "artifacts" / "my flowers")
    (tmp_path / "species.py").write_text(RECIPE)
    (tmp_path / "onnxtwin.toml").write_text(
        '[artifacts."artifacts/my flowers"]\nrecipe = "species.py:species"\ncases = ["missing"]\n'
    )
    return tmp_path


def execute(step: dict[str, Any], project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """One step's script with its inputs, as GitHub's runner executes it, whose files are in ``runner/``."""
    runner = project / "runner"
    runner.mkdir(exist_ok=True)
    values = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | inputs
    environment = {
        "RUNNER_TEMP": str(runner),
        "GITHUB_OUTPUT": str(runner / "output"),
        "GITHUB_STEP_SUMMARY": str(runner / "summary.md"),
    }
    for name, value in step["env"].items():
        environment[name] = re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], value)
    script = runner / "script.sh"
    script.write_text(step["run"])
    command = [*BASH, str(script)]
    variables = os.environ | environment
    return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)


def check(project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    return execute(SCRIPTS["Check"], project, python=sys.executable, **inputs)


def test_it_is_a_composite_action_whose_every_input_is_described_and_used() -> None:
    assert ACTION["runs"]["using"] == "composite"
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, entry in ACTION["inputs"].items():
        assert entry["description"]
        assert isinstance(entry["default"], str)
        assert re.search(rf"inputs\.{name}\b", text), name
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])


def test_each_step_is_a_script_of_bash_or_a_pinned_action() -> None:
    for step in STEPS:
        assert ("run" in step) != ("uses" in step)
        if "run" in step:
            assert step["shell"] == "bash"
            # An input inside of a script would be a place to inject commands; they go by the environment.
            assert "${{" not in step["run"]
        else:
            assert re.search(r"@v\d+$", step["uses"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_is_bash(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text(SCRIPTS[name]["run"])
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installation_takes_one_requirement_a_line(tmp_path: Path) -> None:
    requirements = "onnxtwin\nnumpy >= 2.0\n"  # both are here, so nothing is downloaded
    done = execute(SCRIPTS["Install onnxtwin"], tmp_path, install=requirements, python=sys.executable)
    assert done.returncode == 0, done.stderr


def test_what_the_settings_name_is_checked_and_told_on_the_summary_page(project: Path) -> None:
    done = check(project)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = (project / "runner" / "summary.md").read_text()
    assert "### artifacts/my flowers recorded rows, python" in summary
    assert "### artifacts/my flowers recipe, python" in summary
    (line,) = (project / "runner" / "output").read_text().splitlines()
    reports = Path(line.removeprefix("reports="))
    stem = "artifacts-my flowers-recipe-python"
    assert json.loads((reports / f"{stem}.json").read_text())["ok"] is True
    assert ET.parse(reports / f"{stem}.xml").getroot().get("failures") == "0"
    assert (reports / f"{stem}.html").read_text().startswith("<!")


def test_the_step_fails_while_an_artifact_is_unequal_and_its_reports_are_there_to_be_uploaded(
    project: Path,
) -> None:
    artifact = project / "artifacts" / "my flowers"
    vectors = json.loads((artifact / "vectors.json").read_text())
    next(output for output in vectors["outputs"] if output["name"] == "predict")["data"][0] = "rose"
    (artifact / "vectors.json").write_text(json.dumps(vectors))
    (artifact / "manifest.json").unlink()
    (artifact / "manifest.json").write_text(json.dumps(make_manifest(artifact)))
    done = check(project, artifacts="artifacts\n")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "rose" in (project / "runner" / "summary.md").read_text()
    assert len([*(project / "runner" / "onnxtwin-reports").iterdir()]) == 6


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"artifacts": "nowhere"}, "nowhere: there is no artifact"),
        ({"require": "abacus"}, "unknown runtime 'abacus'"),
    ],
)
def test_the_step_fails_with_code_3_where_nothing_could_be_checked(
    project: Path, inputs: dict[str, str], message: str
) -> None:
    done = check(project, **inputs)
    assert done.returncode == 3
    assert message in done.stdout + done.stderr
