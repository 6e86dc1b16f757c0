"""The artifacts that tests of every language share are what those tests take them for."""

from __future__ import annotations

import onnx
import pytest
from artifact_recipes import AWKWARD_NAMES

import onnxtwin
from artifacts import ARTIFACTS, sample
from onnxtwin.build.artifact import read
from onnxtwin.build.replay import compare

# One worker makes each of them once.
pytestmark = pytest.mark.xdist_group("artifacts")


@pytest.mark.parametrize("name", [name for name in ARTIFACTS if not ARTIFACTS[name].golden])
def test_the_twin_here_answers_the_held_out_rows_as_the_pipeline_did(name: str) -> None:
    shared = sample(name)
    replayed = compare(read(shared.folder).session(), shared.inputs, shared.outputs)
    assert replayed.rows == 10_000
    assert (replayed.failing == shared.undetermined).all()
    assert onnxtwin.load(shared.folder).self_test().ok


def test_the_forest_has_a_hundred_thousand_nodes() -> None:
    graph = onnx.load(sample("forest").folder / "model.onnx").graph
    trees = [node for node in graph.node if node.op_type == "TreeEnsemble"]
    leaves = sum(
        len(attribute.ints)
        for tree in trees
        for attribute in tree.attribute
        if attribute.name == "leaf_targetids"
    )
    assert 2 * leaves - len(trees) > 100_000


def test_the_awkward_names_arrive_unchanged() -> None:
    assert [column.name for column in read(sample("awkward").folder).signature.columns] == list(AWKWARD_NAMES)
