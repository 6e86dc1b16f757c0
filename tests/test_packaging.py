"""The wheel, installed where nothing else is, does what the clone does: no file, no dependency is missing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import IMPORT_NAMES, ROOT, build_wheel, new_environment, run

# One worker builds and installs once for all the tests of this file.
pytestmark = pytest.mark.xdist_group("packaging")

EXPORT = """
import sys
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import onnxtwin

rng = np.random.default_rng(0)
X = pd.DataFrame({"age": rng.normal(40, 9, 200), "fare": rng.lognormal(3, 1, 200)})
X.loc[::7, "fare"] = np.nan
y = np.where(X["age"] + X["fare"].fillna(20) > 60, "first", "second")
forest = RandomForestClassifier(n_estimators=5, random_state=0)
pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), forest).fit(X, y)

twin = onnxtwin.export(pipeline, X)
report = twin.check(X)
assert report.ok, str(report)
twin.save(sys.argv[1])
"""

SERVE = """
import json, sys
import onnxtwin

twin = onnxtwin.load(sys.argv[1])
label = twin.predict([{"age": 61.0, "fare": 70.0}])
brought_along = {name.partition(".")[0] for name in sys.modules} & {
    "pandas", "onnx", "spox", "sklearn", "scipy", "skl2onnx", "typer", "rich",
}
print(json.dumps({"label": label.tolist(), "brought_along": sorted(brought_along)}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def research(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of a new environment: the wheel and the dependencies that it declares."""
    with new_environment(tmp_path_factory.mktemp("research") / "venv") as python:
        run(python, "-m", "pip", "install", "--quiet", wheel, cwd=wheel.parent)
        yield python


@pytest.fixture(scope="module")
def service(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of a new environment with the wheel, NumPy and onnxruntime, and no research stack."""
    with new_environment(tmp_path_factory.mktemp("service") / "venv") as python:
        run(python, "-m", "pip", "install", "--quiet", "numpy", "onnxruntime", cwd=wheel.parent)
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=wheel.parent)
        yield python


@pytest.fixture(scope="module")
def artifact(research: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact exported, checked and saved by the installed wheel."""
    folder = tmp_path_factory.mktemp("artifact")
    run(research, "-c", EXPORT, folder / "titanic", cwd=folder)
    return folder / "titanic"


def test_every_source_file_is_in_the_wheel(wheel: Path) -> None:
    expected = {
        f"{name}/{path.relative_to(ROOT / top).as_posix()}"
        for top, name in IMPORT_NAMES.items()
        for path in (ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert expected - set(archive.namelist()) == set()


def test_the_wheel_exports_checks_and_saves_where_only_its_declared_dependencies_are(artifact: Path) -> None:
    written = {path.name for path in artifact.iterdir()}
    assert {"model.onnx", "contract.json", "vectors.json", "manifest.json"} <= written


def test_the_installed_command_shows_the_contract(research: Path, artifact: Path) -> None:
    shown = run(research.with_name("onnxtwin"), "show", artifact, cwd=artifact.parent)
    assert "fare" in shown


def test_a_service_with_numpy_and_onnxruntime_only_answers(service: Path, artifact: Path) -> None:
    answer = json.loads(run(service, "-c", SERVE, artifact, cwd=artifact.parent))
    assert answer["label"] == ["first"]


def test_running_an_artifact_imports_no_research_stack_even_where_it_is_installed(
    research: Path, artifact: Path
) -> None:
    answer = json.loads(run(research, "-c", SERVE, artifact, cwd=artifact.parent))
    assert answer["brought_along"] == []
