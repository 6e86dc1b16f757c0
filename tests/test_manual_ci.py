"""What the page on CI says is so: its settings are read, its options and inputs exist, its commands run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from models import flowers
from typer.testing import CliRunner

import onnxtwin
from onnxtwin.cli import app
from onnxtwin.settings import read_settings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")

RECIPES = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests" / "support")!r})
from models import flowers

def late():
    return flowers()
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands() -> list[list[str]]:
    """The shell commands of the page, each as its words, without comments."""
    text = "\n".join(blocks("sh")).replace("\\\n", " ")
    return [line.partition("  #")[0].split() for line in text.splitlines() if line.strip()]


def test_the_settings_are_understood(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    (tmp_path / "onnxtwin.toml").write_text(text)
    late, delay = read_settings(tmp_path).plans
    assert (late.target, late.runtimes, late.tolerances) == (
        "late",
        ("python", "java"),
        {"predict_proba": (1e-6, 0)},
    )
    assert delay.recipe is None


def test_the_actions_inputs_are_those_that_it_has() -> None:
    (text,) = blocks("yaml")
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (used,) = (
        step for step in yaml.safe_load(text)["jobs"]["models"]["steps"] if "onnxtwin" in step.get("uses", "")
    )
    assert set(used["with"]) <= set(action["inputs"])
    listed = PAGE.partition("All inputs have defaults:")[2].partition("## ")[0]
    assert set(action["inputs"]) <= set(re.findall(r"`([\w-]+)`", listed))


def test_every_command_takes_the_options_that_it_is_shown_with() -> None:
    known: Any = typer.main.get_command(app)
    for name, command, *words in commands():
        if name != "onnxtwin":
            continue
        options = {option for parameter in known.commands[command].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pipeline, X, y = flowers()
    onnxtwin.export(pipeline, X).save(tmp_path / "artifacts" / "late", rows=20)
    (tmp_path / "recipes.py").write_text(RECIPES)
    (tmp_path / "value.py").write_text("def profit(y, answer, X):\n    return float((y == answer).sum())\n")
    (tmp_path / "held_out").mkdir()
    X.assign(late=y).iloc[:90].to_parquet(tmp_path / "held_out" / "august.parquet")
    X.assign(late=y).iloc[90:].to_csv(tmp_path / "september.csv", index=False)
    shutil.copy(tmp_path / "artifacts" / "late" / "model.onnx", tmp_path / "other.onnx")
    (tmp_path / "onnxtwin.toml").write_text('[artifacts."artifacts/late"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_its_commands_run(project: Path) -> None:
    for name, *words in commands():
        if name != "onnxtwin" or "--model" in words:
            continue
        arguments = [word.strip('"').replace("$GITHUB_STEP_SUMMARY", "summary.md") for word in words]
        done = CliRunner().invoke(app, [*arguments, *(["--no-cases"] if "--recipe" in words else [])])
        assert done.exit_code == 0, (words, done.output)
    assert "profit" in (project / "summary.md").read_text()
    assert (project / "conformance" / "late" / "test_data_set_0" / "output_0.pb").is_file()
