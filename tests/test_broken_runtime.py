"""onnxruntime 1.26.0 and 1.27.0 answer a binary forest wrongly (microsoft/onnxruntime#28557).

The kernel that is wrong is ``TreeEnsembleClassifier``. A twin does not use it, so its own artifact stays
right; an artifact with the ordinary graph turns red by its recorded vectors alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from environments import attempt, build_wheel, new_environment, run
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.ensemble import RandomForestClassifier

import onnxtwin
from onnxtwin.build import artifact
from onnxtwin.build.session import Session
from onnxtwin.recording import record_vectors, research_versions

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("packaging")]

BROKEN, SUPPORTED = "1.27.0", "1.32.0"

SELF_TEST = """
import json, sys
import onnxruntime
import onnxtwin

test = onnxtwin.load(sys.argv[1]).self_test()
print(json.dumps([onnxruntime.__version__, test.ok, test.rows, int(test.failing.sum())]))
"""


def ordinary_graph(forest: RandomForestClassifier) -> onnx.ModelProto:
    """skl2onnx's graph of a forest on float32 columns, with the routing of NaN that it leaves out."""
    width = forest.n_features_in_
    model = to_onnx(
        forest,
        initial_types=[("X", DoubleTensorType([None, width]))],
        options={"zipmap": False},
        target_opset={"": 20, "ai.onnx.ml": 3},
    )
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier")
    attributes = {attribute.name: attribute for attribute in trees.attribute}
    place = zip(attributes["nodes_treeids"].ints, attributes["nodes_nodeids"].ints, strict=True)
    attributes["nodes_missing_value_tracks_true"].ints[:] = [
        int(forest.estimators_[tree].tree_.missing_go_to_left[node]) for tree, node in place
    ]
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    trees.input[0] = "X_double"
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["X"], ["X_double"], to=onnx.TensorProto.DOUBLE))
    trees.output[0] = model.graph.output[0].name = "predict"
    del model.graph.output[1:]
    return model


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin's own artifact, ``own``, and one of the same pipeline with the ordinary graph, ``ordinary``."""
    folder = tmp_path_factory.mktemp("forests")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 5)).astype(np.float32)
    y = ((X[:, 0] + X[:, 1] > 0) ^ (X[:, 2] > 1)).astype(int)
    forest = RandomForestClassifier(21, random_state=0).fit(X, y)
    twin = onnxtwin.export(forest, X, methods=["predict"])
    twin.save(folder / "own")
    model = ordinary_graph(forest)
    session = Session(model.SerializeToString(), twin.signature)
    vectors = record_vectors(session, forest, X, rows_are="shuffled", rows=200, seed=0)
    versions = research_versions(forest)
    artifact.write(folder / "ordinary", model, twin.signature, versions=versions, vectors=vectors)
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of a new environment that holds the wheel and all that it depends on."""
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    with new_environment(tmp_path_factory.mktemp("runtime") / "venv") as python:
        run(python, "-m", "pip", "install", "--quiet", wheel, cwd=wheel.parent)
        yield python


@pytest.mark.parametrize(
    ("version", "name", "right"),
    [
        (BROKEN, "ordinary", False),
        (BROKEN, "own", True),
        (SUPPORTED, "ordinary", True),
        (SUPPORTED, "own", True),
    ],
)
def test_recorded_vectors_alone_tell_a_broken_runtime(
    python: Path, artifacts: Path, version: str, name: str, right: bool
) -> None:
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", f"onnxruntime=={version}", cwd=artifacts)
    found, ok, rows, wrong = json.loads(run(python, "-c", SELF_TEST, artifacts / name, cwd=artifacts))
    assert (found, ok) == (version, right)
    assert wrong == 0 if right else wrong > rows / 4
    gate = attempt(python.with_name("onnxtwin"), "check", artifacts / name, cwd=artifacts)
    assert gate.returncode == (0 if right else 1), gate.stdout + gate.stderr
