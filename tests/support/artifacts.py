"""Artifacts that tests in every language share, built once and kept in pytest's cache folder.

``sample("awkward")`` gives the artifact, 10,000 held-out rows, and what the pipeline answers to them. The
cache is keyed by the sources that an artifact depends on, so it is never stale; several processes may ask at
the same time.
"""

from __future__ import annotations

import hashlib
import pickle
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from artifact_recipes import HELD_OUT
from numpy.typing import NDArray

import onnxtwin
from onnxtwin.build import artifact as artifacts
from onnxtwin.build.answers import encode, outputs_of
from onnxtwin.build.recipe import importable, run_recipe
from onnxtwin.build.replay import compare
from onnxtwin.build.rows import RowReader
from onnxtwin.build.vectors import choose
from onnxtwin.runtime_checks import check

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".pytest_cache" / "artifacts"
KEPT_SECONDS = 3 * 86_400

FLIGHTS = "examples/flights/recipes.py"
OURS = "tests/support/artifact_recipes.py"


@dataclass(frozen=True)
class Made:
    """How an artifact comes about: by a recipe, or from the ones that are committed."""

    recipe: str
    methods: Literal["all"] | None = None
    layout: Literal["columns", "packed"] = "columns"
    golden: str | None = None


ARTIFACTS = {
    "arrives_late": Made(f"{FLIGHTS}:arrives_late", golden="artifacts/flights/arrives_late"),
    "arrival_delay": Made(f"{FLIGHTS}:arrival_delay", golden="artifacts/flights/arrival_delay"),
    "dates_and_text": Made(f"{OURS}:dates_and_text"),
    "multi_class": Made(f"{OURS}:multi_class"),
    "multi_output": Made(f"{OURS}:multi_output"),
    "transformer": Made(f"{OURS}:transformer"),
    "forest": Made(f"{OURS}:forest"),
    "awkward": Made(f"{OURS}:awkward"),
    "matrix": Made(f"{OURS}:matrix", methods="all"),
    "packed": Made(f"{OURS}:packed", layout="packed"),
    "documents": Made(f"{OURS}:documents"),
}
"""Every artifact by its name, which is also its folder's."""


@dataclass(frozen=True)
class Sample:
    """An artifact with rows that its pipeline was not fitted on.

    Attributes
    ----------
    name : a key of :data:`ARTIFACTS`.
    folder : of the artifact.
    recipe : as ``onnxtwin check --recipe`` takes it; its rows include :attr:`rows`.
    rows : 10,000 of them, as the pipeline takes them.
    inputs : the same as the graph is fed them, by input name, each ``[10000, k]``.
    outputs : the pipeline's answers as the graph says them, by output name, without ``domain``.
    undetermined : bool ``[10000]``: rows on which the pipeline does not stand by its own answer, and the
        twin's here is another. False nearly everywhere.
    """

    name: str
    folder: Path
    recipe: str
    rows: Any
    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]
    undetermined: NDArray[np.bool_]


@cache
def sample(name: str) -> Sample:
    """The artifact of this name (a key of :data:`ARTIFACTS`) and its held-out rows; built if need be."""
    made = ARTIFACTS[name]
    target = CACHE / f"{name}-{_key(made)}"
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        _forget_old_ones(name)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{name}-") as scratch:
            folder = Path(scratch) / "made"
            folder.mkdir()
            _make(name, made, folder)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # not another process that was faster
                    raise
    rows, inputs, outputs, undetermined = pickle.loads((target / "answers.pickle").read_bytes())
    folder = ROOT / made.golden if made.golden else target / name
    return Sample(name, folder, str(ROOT / made.recipe), rows, inputs, outputs, undetermined)


def _make(name: str, made: Made, folder: Path) -> None:
    recipe = str(ROOT / made.recipe)
    with importable(recipe):
        material = run_recipe(recipe)
        rows = choose(material.X, HELD_OUT, seed=0)
        if made.golden:
            opened = artifacts.read(ROOT / made.golden)
        else:
            twin = onnxtwin.export(material.pipeline, material.X, methods=made.methods, layout=made.layout)
            opened = artifacts.read(twin.save(folder / name, rows=60))
        signature, session = opened.signature, opened.session()
        inputs = RowReader(signature).read(rows).tensors
        outputs = {
            spec.name: answer
            for method in signature.methods
            for spec, answer in zip(
                outputs_of(signature, method),
                encode(signature, method, getattr(material.pipeline, method)(rows)),
                strict=True,
            )
        }
        undetermined = compare(session, inputs, outputs).failing
        if undetermined.any():
            report = check(session, material.pipeline, rows, signature=signature, cases=False)
            assert report.ok, f"{name}: {report}"
    (folder / "answers.pickle").write_bytes(pickle.dumps((rows, inputs, outputs, undetermined)))


def _key(made: Made) -> str:
    """A hash of all that an artifact and its pipeline's answers depend on."""
    digest = hashlib.sha256(repr(made).encode() + sys.version.encode())
    for package in ("numpy", "pandas", "scikit-learn", "scipy", "onnx", "spox", "onnxruntime"):
        digest.update(version(package).encode())
    # Subfolders of build and runtime_checks serve other languages and reports; cases make the vectors.
    flat = ["build", "examples/flights"] if made.golden else ["build", "onnxtwin", "runtime_checks"]
    sources = [Path(__file__), ROOT / OURS, *(file for name in flat for file in (ROOT / name).glob("*.py"))]
    if made.golden:
        sources.append(ROOT / made.golden / "manifest.json")
    else:
        sources += [
            file for name in ("exporters", "runtime_checks/cases") for file in (ROOT / name).rglob("*.py")
        ]
    for path in sorted(set(sources)):
        digest.update(f"\0{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _forget_old_ones(name: str) -> None:
    for folder in CACHE.glob(f"{name}-*"):
        if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
