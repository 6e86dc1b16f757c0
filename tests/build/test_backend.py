"""Recorded rows as ONNX backend tests: onnx' own loader and onnxruntime replay them, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pytest
from models import flowers
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import onnxtwin
from onnxtwin.build.artifact import Artifact, read
from onnxtwin.build.backend import write_backend
from onnxtwin.exporters.errors import ArtifactError


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    pipeline, X, _ = flowers()
    folder = tmp_path_factory.mktemp("backend") / "flowers"
    onnxtwin.export(pipeline, X).save(folder, rows=30)
    return read(folder)


def tensors(folder: Path, kind: str) -> dict[str, Any]:
    """The tensors of one kind by name, in the order of their numbers."""
    files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
    read_back = [onnx.TensorProto.FromString(file.read_bytes()) for file in files]
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in read_back}


def bits(array: Any) -> Any:
    return array.astype(str).tolist() if array.dtype.kind in "OSU" else (array.dtype, array.tobytes())


def test_onnxs_own_loader_finds_the_test_and_onnxruntime_passes_it(
    artifact: Artifact, tmp_path: Path
) -> None:
    sets = write_backend(artifact, tmp_path / "real" / "flowers")
    (case,) = load_model_tests(str(tmp_path), "real")
    assert case.model_dir is not None
    session = ort.InferenceSession(Path(case.model_dir, "model.onnx"), providers=["CPUExecutionProvider"])
    for name in sets:
        feeds = {
            key: value.astype(object) if value.dtype.kind in "SU" else value
            for key, value in tensors(Path(case.model_dir, name), "input").items()
        }
        expected = tensors(Path(case.model_dir, name), "output")
        label, probabilities = session.run(["predict", "predict_proba"], feeds)
        assert label.tolist() == expected["predict"].tolist()
        np.testing.assert_allclose(probabilities, expected["predict_proba"], rtol=1e-9, atol=1e-9)


def test_the_recorded_tensors_arrive_to_the_last_bit(artifact: Artifact, tmp_path: Path) -> None:
    tags = np.array(artifact.vectors.tags)
    for name, (tag, _) in write_backend(artifact, tmp_path / "out").items():
        for kind, recorded in (("input", artifact.vectors.inputs), ("output", artifact.vectors.outputs)):
            found = tensors(tmp_path / "out" / name, kind)
            assert set(recorded) <= set(found)
            for tensor, array in recorded.items():
                assert bits(found[tensor]) == bits(array[tags == tag])


def test_a_set_is_a_case_family_and_no_row_is_lost(artifact: Artifact, tmp_path: Path) -> None:
    sets = write_backend(artifact, tmp_path / "out")
    tags = pd.Series(artifact.vectors.tags)
    assert dict(sets.values()) == tags.value_counts().to_dict()
    joined = np.concatenate([tensors(tmp_path / "out" / s, "output")["predict_proba"] for s in sets])
    assert sorted(map(bytes, joined)) == sorted(map(bytes, artifact.vectors.outputs["predict_proba"]))


def test_tensors_are_numbered_as_the_graph_has_them_and_bear_their_names(tmp_path: Path) -> None:
    # Twelve columns: where files are sorted as texts, input_10 stands before input_2.
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(20, 12)), columns=[f"c{11 - i}" for i in range(12)]
    )
    pipeline = make_pipeline(FunctionTransformer(np.tanh), StandardScaler()).fit(X)
    onnxtwin.export(pipeline, X).save(tmp_path / "wide", rows=5)
    write_backend(read(tmp_path / "wide"), tmp_path / "out")
    graph = onnx.load(tmp_path / "out" / "model.onnx").graph
    assert list(tensors(tmp_path / "out" / "test_data_set_0", "input")) == [i.name for i in graph.input]
    assert list(tensors(tmp_path / "out" / "test_data_set_0", "output")) == [o.name for o in graph.output]


def test_the_graphs_own_domain_is_expected_to_hold(tmp_path: Path) -> None:
    X = pd.DataFrame({"when": ["2013-01-05", "2014-07-09", "2015-11-30"] * 5, "size": np.arange(15.0)})
    day = FunctionTransformer(lambda df: df.assign(when=pd.to_datetime(df["when"]).dt.day_of_year))
    onnxtwin.export(make_pipeline(day, StandardScaler()).fit(X), X).save(tmp_path / "dates", rows=10)
    artifact = read(tmp_path / "dates")
    assert artifact.signature.conditions
    write_backend(artifact, tmp_path / "out")
    domain = tensors(tmp_path / "out" / "test_data_set_0", "output")["domain"]
    assert domain.all()
    assert domain.shape[1] == len(artifact.signature.conditions)


def test_a_folder_that_holds_something_is_left_alone(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(ArtifactError, match="holds something"):
        write_backend(artifact, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]
