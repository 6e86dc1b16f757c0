"""Recorded rows in the layout of ONNX' backend tests, for tools that know nothing of onnxtwin. Needs onnx.

https://github.com/onnx/onnx/blob/main/docs/OnnxBackendTest.md: a folder with ``model.onnx`` and, for each set
of data, ``test_data_set_N/input_M.pb`` and ``output_M.pb``, one serialised ``TensorProto`` a file.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.answers import DOMAIN
from onnxtwin.build.artifact import MODEL, Artifact
from onnxtwin.build.atomic import new_folder
from onnxtwin.build.weights import WEIGHTS
from onnxtwin.exporters.errors import ArtifactError

if TYPE_CHECKING:
    from onnxtwin.build.vectors import Tensors


def write_backend(artifact: Artifact, target: str | Path) -> dict[str, tuple[str, int]]:
    """Write an artifact's graph and its recorded rows, one set of data a case family.

    Tensors are numbered in the order of the graph's inputs and outputs, and bear their names, because some
    readers sort ``input_10`` before ``input_2``. The output ``domain`` is true throughout: the pipeline
    answered these rows.

    Parameters
    ----------
    target : a folder that does not exist or is empty.

    Returns
    -------
    For each ``test_data_set_N`` its case family and the number of rows.

    Raises
    ------
    ArtifactError
        If the artifact is altered, or the folder holds something.
    """
    import onnx

    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArtifactError(f"{target}: holds something; name a folder that does not exist")
    graph = onnx.load_model_from_string(artifact.file(MODEL)).graph
    inputs, outputs = ([value.name for value in values] for values in (graph.input, graph.output))
    vectors = artifact.vectors
    tags = np.array(vectors.tags)
    expected = dict(vectors.outputs) | _valid(artifact, len(vectors))
    sets: dict[str, tuple[str, int]] = {}
    with new_folder(target) as folder:
        for name in (MODEL, WEIGHTS):
            if (artifact.path / name).is_file():
                shutil.copyfile(artifact.path / name, folder / name)
        for number, tag in enumerate(dict.fromkeys(vectors.tags)):
            rows = np.flatnonzero(tags == tag)
            data = folder / f"test_data_set_{number}"
            data.mkdir()
            _write(data, "input", inputs, vectors.inputs, rows)
            _write(data, "output", outputs, expected, rows)
            sets[data.name] = (tag, len(rows))
    return sets


def _valid(artifact: Artifact, rows: int) -> Tensors:
    width = len(artifact.signature.conditions)
    return {
        output.name: np.ones((rows, width), dtype=np.bool_)
        for output in artifact.signature.outputs
        if output.method == DOMAIN
    }


def _write(folder: Path, kind: str, names: list[str], tensors: Tensors, rows: NDArray[Any]) -> None:
    from onnx import numpy_helper

    for position, name in enumerate(names):
        tensor = numpy_helper.from_array(tensors[name][rows], name)
        (folder / f"{kind}_{position}.pb").write_bytes(tensor.SerializeToString(deterministic=True))
