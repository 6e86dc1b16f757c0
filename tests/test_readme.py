"""What the README shows works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    return [
        shlex.split(line, comments=True)
        for block in blocks("sh")
        for line in block.splitlines()
        if line.strip()
    ]


def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = blocks("python")
    assert len([line for line in example.splitlines() if line.strip() and "import" not in line]) <= 15
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True)
    assert (tmp_path / "artifacts" / "wine" / "model.onnx").exists()


@pytest.mark.xdist_group("flights")
def test_the_command_line_runs(tmp_path: Path) -> None:
    script = str(Path(sys.executable).parent / "onnxtwin")
    lines = [line for line in commands() if line[0] == "onnxtwin"]
    assert [line[1] for line in lines] == ["build", "show", "check", "client"]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for line in lines:
        done = subprocess.run(
            [script, *line[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_make_target_of_the_readme_exists() -> None:
    targets = {line[1] for line in commands() if line[0] == "make"}
    assert targets == {"demo", "test"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


@pytest.mark.long
def test_make_demo_runs_in_a_clean_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    done = subprocess.run(["make", "demo"], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("equal: ") == 2


def test_every_linked_page_exists() -> None:
    assert all((ROOT / page).exists() for page in re.findall(r"\]\((?!http)([^)]+)\)", README))
