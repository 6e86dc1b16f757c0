"""An artifact is read as it was written, or refused with the file and the reason; writing loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from handmade import MIXED, classifier, echo, matrix

from onnxtwin.build import artifact, atomic
from onnxtwin.build.vectors import Vectors
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.exporters.signature import Signature

VERSIONS = {"scikit-learn": "1.9.1", "numpy": "2.4.6"}
ROWS = [{"a": 2.0, "b": 1.0}, {"a": 0.0, "b": 1.0}]


def vectors() -> Vectors:
    labels = np.array(["yes", "no"], dtype=object)
    probabilities = np.array([[0.25, 0.75], [0.75, 0.25]])
    inputs = {"a": np.array([[2.0], [0.0]]), "b": np.array([[1.0], [1.0]])}
    return Vectors(
        "real", 0, ("sample", "sample"), inputs, {"predict": labels, "predict_proba": probabilities}
    )


def write(folder: Path, pair: tuple[bytes, Signature] | None = None, **more: Any) -> artifact.Artifact:
    model, signature = pair or classifier()
    return artifact.write(folder, onnx.load_from_string(model), signature, versions=VERSIONS, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path / "late",
        vectors=vectors(),
        report={"verdict": "equal", "rows": 2},
        report_html="<p>equal</p>",
    )
    return tmp_path / "late"


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def reseal(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change a JSON file, and the manifest with it, as somebody would who means to deceive or to upgrade."""
    data = json.loads((folder / name).read_bytes())
    change(data)
    (folder / name).write_text(json.dumps(data))
    if name != "manifest.json":
        from onnxtwin.build.manifest import make_manifest

        (folder / "manifest.json").unlink()
        (folder / "manifest.json").write_text(json.dumps(make_manifest(folder)))


class TestReading:
    def test_what_was_written_is_read(self, folder: Path) -> None:
        found = artifact.read(folder)
        assert found.signature == classifier()[1]
        assert found.vectors.tags == ("sample", "sample")
        assert found.report == {"verdict": "equal", "rows": 2}
        assert found.contract["versions"] == dict(sorted(VERSIONS.items()))
        assert found.session().run(ROWS)["predict"].tolist() == ["yes", "no"]

    def test_every_kind_of_column_survives_the_contract(self, tmp_path: Path) -> None:
        pair = echo(MIXED)
        assert write(tmp_path / "mixed", pair).signature == pair[1]

    def test_an_artifact_without_vectors_says_so(self, tmp_path: Path) -> None:
        found = write(tmp_path / "bare")
        assert found.report is None
        with pytest.raises(ArtifactError, match="holds no recorded vectors"):
            _ = found.vectors

    def test_reading_takes_numpy_and_onnxruntime_only(self, folder: Path) -> None:
        code = (
            "import sys; from onnxtwin.build.artifact import read; found = read(sys.argv[1]);"
            f"assert found.session().run({ROWS!r})['predict'][0] == 'yes'; found.vectors;"
            "print({'pandas', 'onnx', 'spox', 'sklearn', 'scipy', 'typer', 'rich'} & set(sys.modules))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == "set()"


class TestDefects:
    @pytest.mark.parametrize("name", ["model.onnx", "contract.json", "vectors.json", "report.html"])
    def test_a_truncated_file_is_named(self, folder: Path, name: str) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-5])
        with pytest.raises(ArtifactError, match=rf"{name}: is truncated: \d+ of \d+ bytes"):
            artifact.read(folder)

    @pytest.mark.parametrize("name", ["model.onnx", "contract.json", "vectors.json", "report.html"])
    def test_a_file_with_one_bit_changed_is_named(self, folder: Path, name: str) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(ArtifactError, match=rf"{name}: is altered: its SHA-256"):
            artifact.read(folder)

    def test_a_file_with_something_added_is_named(self, folder: Path) -> None:
        with (folder / "model.onnx").open("ab") as stream:
            stream.write(b"\0")
        with pytest.raises(ArtifactError, match=r"model\.onnx: is altered"):
            artifact.read(folder)

    @pytest.mark.parametrize("name", ["model.onnx", "contract.json", "vectors.json"])
    def test_a_missing_file_is_named(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(ArtifactError, match=f"{name}: is missing"):
            artifact.read(folder)

    def test_a_truncated_manifest_is_named(self, folder: Path) -> None:
        content = (folder / "manifest.json").read_bytes()
        for length in (0, 10, len(content) - 3):
            (folder / "manifest.json").write_bytes(content[:length])
            with pytest.raises(ArtifactError, match=r"manifest\.json: is truncated or altered"):
                artifact.read(folder)

    def test_a_folder_without_a_manifest_is_no_artifact(self, folder: Path) -> None:
        (folder / "manifest.json").unlink()
        with pytest.raises(ArtifactError, match=r"is not an artifact: it has no manifest\.json"):
            artifact.read(folder)

    def test_somebody_elses_manifest_is_no_artifact(self, folder: Path) -> None:
        for other in ({"name": "a web app"}, [], 5):
            (folder / "manifest.json").write_text(json.dumps(other))
            with pytest.raises(
                ArtifactError, match=r"is not an artifact: its manifest\.json is somebody else's"
            ):
                artifact.read(folder)

    def test_a_path_that_is_no_folder_is_no_artifact(self, folder: Path) -> None:
        with pytest.raises(ArtifactError, match="absent: does not exist"):
            artifact.read(folder / "absent")
        with pytest.raises(ArtifactError, match="is a file, not an artifact's folder"):
            artifact.read(folder / "model.onnx")

    def test_a_newer_format_asks_for_an_upgrade(self, folder: Path) -> None:
        reseal(folder, "manifest.json", lambda manifest: manifest.update(format=2))
        with pytest.raises(
            ArtifactError, match="is of format 2, and this onnxtwin reads up to 1: upgrade onnxtwin"
        ):
            artifact.read(folder)

    @pytest.mark.parametrize("wrong", [0, "1", None])
    def test_a_format_that_never_was_is_an_alteration(self, folder: Path, wrong: Any) -> None:
        reseal(folder, "manifest.json", lambda manifest: manifest.update(format=wrong))
        with pytest.raises(ArtifactError, match=r"manifest\.json: is altered"):
            artifact.read(folder)

    def test_a_manifest_reaches_no_file_outside(self, folder: Path) -> None:
        for name in ("../secret", "/etc/hostname", "sub/file"):
            reseal(folder, "manifest.json", lambda manifest, name=name: manifest["files"].update({name: {}}))
            with pytest.raises(ArtifactError, match="is no file of an artifact"):
                artifact.read(folder)

    @pytest.mark.parametrize("key", ["columns", "rows", "outputs", "methods"])
    def test_a_contract_that_lacks_an_entry_is_refused(self, folder: Path, key: str) -> None:
        reseal(folder, "contract.json", lambda contract: contract.pop(key))
        with pytest.raises(
            ArtifactError, match=rf"contract\.json is not a contract of format 1: KeyError: '{key}'"
        ):
            artifact.read(folder)

    def test_vectors_that_lack_an_entry_are_refused(self, folder: Path) -> None:
        reseal(folder, "vectors.json", lambda found: found["inputs"][0]["parameters"].clear())
        with pytest.raises(ArtifactError, match=r"vectors\.json holds no vectors of format 1"):
            _ = artifact.read(folder).vectors

    def test_a_graph_that_onnxruntime_cannot_load_is_refused(self, folder: Path) -> None:
        (folder / "model.onnx").write_bytes(b"no graph")
        reseal(folder, "contract.json", lambda contract: None)
        with pytest.raises(ArtifactError, match=r"late: onnxruntime .* cannot load the graph"):
            artifact.read(folder).session()


class TestReplacedWhileOpen:
    def test_the_old_contract_never_meets_the_new_graph(self, folder: Path) -> None:
        opened = artifact.read(folder)
        write(folder, matrix(3))
        with pytest.raises(ArtifactError, match=r"model\.onnx: was replaced after the artifact was opened"):
            opened.session()
        with pytest.raises(ArtifactError, match=r"vectors\.json: cannot be read any more"):
            _ = opened.vectors


class TestBytes:
    def test_writing_twice_gives_the_same_bytes(self, folder: Path, tmp_path: Path) -> None:
        report = {"verdict": "equal", "rows": 2}
        write(tmp_path / "again", vectors=vectors(), report=report, report_html="<p>equal</p>")
        assert files(folder) == files(tmp_path / "again")

    def test_another_process_with_other_hashes_writes_the_same_bytes(
        self, folder: Path, tmp_path: Path
    ) -> None:
        code = (
            "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path; from test_artifact import *;"
            "write(Path(sys.argv[1]), vectors=vectors(), report={'verdict': 'equal', 'rows': 2},"
            " report_html='<p>equal</p>')"
        )
        here = Path(__file__).parent
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "other"), str(here), str(here.parent / "support")],
            env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            check=True,
        )
        assert files(folder) == files(tmp_path / "other")

    def test_no_file_says_where_or_when_it_was_made(self, folder: Path) -> None:
        for name, content in files(folder).items():
            assert str(folder.parent).encode() not in content, name
            assert os.uname().nodename.encode() not in content, name

    def test_weights_beyond_the_limit_lie_beside_the_graph(self, tmp_path: Path) -> None:
        model, signature = matrix(300)
        graph = onnx.load_from_string(model)
        weights = np.arange(300, dtype=np.float64)
        graph.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
        graph.graph.node[0].op_type = "Add"
        graph.graph.node[0].input.append("weights")
        before = graph.SerializeToString(deterministic=True)
        found = artifact.write(tmp_path / "big", graph, signature, versions=VERSIONS, weights_beyond=2000)
        assert graph.SerializeToString(deterministic=True) == before
        assert found.manifest["files"]["model.onnx.data"]["bytes"] == weights.nbytes
        assert (found.session().run(np.zeros((1, 300)))["transform"] == weights).all()
        (tmp_path / "big" / "model.onnx.data").write_bytes(b"")
        with pytest.raises(ArtifactError, match=r"model\.onnx\.data: is truncated"):
            artifact.read(tmp_path / "big")

    def test_a_graph_too_large_without_its_weights_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError, match="make the model smaller"):
            write(tmp_path / "big", weights_beyond=100)
        assert list(tmp_path.iterdir()) == []


class TestReplacing:
    def test_an_artifact_is_replaced_and_nothing_else_is_left(self, folder: Path) -> None:
        write(folder)
        assert artifact.read(folder).report is None
        assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]

    def test_a_folder_that_is_no_artifact_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "chapter1.tex").write_text("...")
        with pytest.raises(ArtifactError, match="holds files that are no artifact, and is left alone"):
            write(tmp_path / "thesis")
        assert files(tmp_path / "thesis") == {"chapter1.tex": b"..."}

    def test_a_file_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("...")
        with pytest.raises(ArtifactError, match="is a file; name a folder"):
            write(tmp_path / "notes")

    def test_an_empty_folder_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        write(tmp_path / "here")
        assert artifact.read(tmp_path / "here").signature == classifier()[1]

    def test_a_link_to_an_artifact_stays_a_link(self, folder: Path) -> None:
        link = folder.parent / "current"
        link.symlink_to(folder)
        write(link)
        assert link.is_symlink()
        assert artifact.read(folder).report is None

    @pytest.mark.parametrize("exchange", [True, False])
    def test_a_build_that_is_interrupted_leaves_the_old_artifact(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
    ) -> None:
        if not exchange:
            monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
        before = files(folder)
        monkeypatch.setattr(artifact, "make_manifest", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            write(folder)
        assert files(folder) == before
        assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]

    def test_a_first_build_that_is_interrupted_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(artifact, "make_manifest", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "late")
        assert list(tmp_path.iterdir()) == []

    def test_where_folders_cannot_be_exchanged_the_old_one_is_moved_aside(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
        write(folder)
        assert artifact.read(folder).report is None
        assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]

    def test_an_old_artifact_comes_back_if_the_new_one_cannot_take_its_place(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = files(folder)
        real = Path.rename

        def rename(self: Path, target: Path) -> Path:
            if self.suffix == ".new":
                raise OSError("disk gone")
            return real(self, target)

        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(ArtifactError, match="cannot be written"):
            write(folder)
        assert files(folder) == before
        assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]

    def test_a_killed_build_leaves_the_old_artifact(self, folder: Path) -> None:
        before = files(folder)
        code = (
            "import os, signal, sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path;"
            "import test_artifact as t;"
            "t.artifact.make_manifest = lambda folder: os.kill(os.getpid(), signal.SIGKILL);"
            "t.write(Path(sys.argv[1]))"
        )
        here = Path(__file__).parent
        run = subprocess.run(
            [sys.executable, "-c", code, str(folder), str(here), str(here.parent / "support")]
        )
        assert run.returncode == -9
        assert files(folder) == before
        assert artifact.read(folder).report is not None

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ArtifactError, match="late: cannot be written"):
            write(tmp_path / "file" / "late")

    def test_a_copied_artifact_is_the_same_artifact(self, folder: Path, tmp_path: Path) -> None:
        shutil.copytree(folder, tmp_path / "copy")
        assert artifact.read(tmp_path / "copy").signature == artifact.read(folder).signature


def _interrupt(folder: Path) -> None:
    raise KeyboardInterrupt
