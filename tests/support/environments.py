"""The wheel, and environments that have never heard of this clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORT_NAMES = {
    "onnxtwin": "onnxtwin",
    "exporters": "onnxtwin/exporters",
    "build": "onnxtwin/build",
    "runtime_checks": "onnxtwin/runtime_checks",
}
NEEDED_TO_BUILD = ("pyproject.toml", "setup.py", "README.md", "LICENSE", *IMPORT_NAMES)


def run(*command: str | Path, cwd: Path) -> str:
    """What a command says, in an environment that has never heard of this clone."""
    done = attempt(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attempt(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same, whatever the exit code."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


@contextmanager
def new_environment(folder: Path) -> Iterator[Path]:
    """The Python of a virtual environment that holds nothing but pip; gone afterwards, as it is large."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    yield folder / "bin" / "python"
    shutil.rmtree(folder)


def build_wheel(folder: Path) -> Path:
    """The wheel, built from a copy: setuptools leaves files of earlier builds in its build folder."""
    source = folder / "source"
    source.mkdir()
    for path in (ROOT / name for name in NEEDED_TO_BUILD):
        if path.is_dir():
            shutil.copytree(path, source / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    return next(folder.glob("onnxtwin-*.whl"))
