"""A twin on disk, format 1: graph, contract, vectors, report and manifest in one folder.

Reading needs numpy and onnxruntime only, runs no code of the artifact's, and checks every byte against
the manifest first. Writing needs onnx. ``docs/artifact.md`` describes the files.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxtwin.build import canonical
from onnxtwin.build.atomic import new_folder
from onnxtwin.build.contract import FORMAT, KIND, to_contract, to_signature
from onnxtwin.build.manifest import MANIFEST, make_manifest, read_manifest, verified, verify
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Vectors
from onnxtwin.build.weights import MODEL_LIMIT, WEIGHTS, write_model
from onnxtwin.exporters.errors import ArtifactError, OnnxTwinError
from onnxtwin.exporters.signature import Signature

if TYPE_CHECKING:
    import onnx

MODEL, CONTRACT, VECTORS = "model.onnx", "contract.json", "vectors.json"
REPORT, REPORT_HTML = "report.json", "report.html"


@dataclass(frozen=True)
class Artifact:
    """An artifact whose files are as they were written.

    Attributes
    ----------
    path : the folder.
    contract : ``contract.json``.
    signature : what the contract says of rows and answers.
    manifest : ``manifest.json``.
    """

    path: Path
    contract: Mapping[str, Any]
    signature: Signature
    manifest: Mapping[str, Any]

    @cached_property
    def vectors(self) -> Vectors:
        """The recorded rows and answers.

        Raises
        ------
        ArtifactError
            If the artifact has none.
        """
        if VECTORS not in self.manifest["files"]:
            raise ArtifactError(f"{self.path}: this artifact holds no recorded vectors")
        return Vectors.from_json(json.loads(self.file(VECTORS)))

    @property
    def report(self) -> Mapping[str, Any] | None:
        """The report of the check that the artifact passed, if it was recorded."""
        if REPORT not in self.manifest["files"]:
            return None
        report: Mapping[str, Any] = json.loads(self.file(REPORT))
        return report

    def file(self, name: str) -> bytes:
        """The bytes of one of its files, as the manifest has them.

        Raises
        ------
        ArtifactError
            If the file is another by now: somebody replaced the artifact after it was opened.
        """
        return verified(self.path, name, self.manifest)

    def session(self, threads: int = 1) -> Session:
        """The graph in onnxruntime.

        Raises
        ------
        ArtifactError
            If onnxruntime cannot load it.
        """
        model = self.file(MODEL)
        try:
            if WEIGHTS in self.manifest["files"]:
                return Session(self.path / MODEL, self.signature, threads)
            return Session(model, self.signature, threads)
        except OnnxTwinError as error:
            raise ArtifactError(f"{self.path}: {error}") from error


def write(
    path: str | Path,
    model: onnx.ModelProto,
    signature: Signature,
    *,
    versions: Mapping[str, str],
    vectors: Vectors | None = None,
    report: Mapping[str, Any] | None = None,
    report_html: str | None = None,
    weights_beyond: int = MODEL_LIMIT,
) -> Artifact:
    """Write an artifact; an artifact already there is replaced in one step, anything else is refused.

    Parameters
    ----------
    path : the folder.
    versions : of the research stack, by distribution name, for the contract.
    report, report_html : of the check; optional.
    weights_beyond : size in bytes beyond which the weights go into a file beside the graph.

    Raises
    ------
    ArtifactError
        If the folder holds something that is no artifact, cannot be written, or the graph is too large.
    """
    target = Path(path)
    _demand_replaceable(target)
    contract = to_contract(
        signature,
        opsets={entry.domain or "ai.onnx": entry.version for entry in model.opset_import},
        ir_version=model.ir_version,
        versions=versions,
    )
    try:
        with new_folder(target) as folder:
            write_model(model, folder, MODEL, weights_beyond)
            (folder / CONTRACT).write_bytes(canonical.dumps(contract))
            if vectors is not None:
                (folder / VECTORS).write_bytes(canonical.dumps(vectors.to_json()))
            if report is not None:
                (folder / REPORT).write_bytes(canonical.dumps(report))
            if report_html is not None:
                (folder / REPORT_HTML).write_text(report_html, encoding="utf-8", newline="\n")
            (folder / MANIFEST).write_bytes(canonical.dumps(make_manifest(folder)))
    except OSError as error:
        raise ArtifactError(f"{target}: cannot be written ({error}); what was there is untouched") from error
    return read(target)


def read(path: str | Path) -> Artifact:
    """Open an artifact, having checked every file of it.

    Raises
    ------
    ArtifactError
        If the folder is no artifact, is of a newer format, or a file is missing, truncated or altered.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    verify(folder, manifest)
    contract = json.loads(verified(folder, CONTRACT, manifest))
    if not isinstance(contract, dict) or contract.get("artifact") != KIND:
        raise ArtifactError(f"{folder / CONTRACT}: is no contract; build the artifact again")
    if contract.get("format") != FORMAT:
        raise ArtifactError(
            f"{folder / CONTRACT}: is of format {contract.get('format')}, the manifest of format {FORMAT}"
        )
    return Artifact(folder, contract, to_signature(contract), manifest)


def _demand_replaceable(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ArtifactError(f"{target}: is a file; name a folder for the artifact")
    if not any(target.iterdir()):
        return
    marker = None
    with contextlib.suppress(OSError, ValueError):
        marker = json.loads((target / MANIFEST).read_bytes())
    if not isinstance(marker, dict) or marker.get("artifact") != KIND:
        raise ArtifactError(
            f"{target}: holds files that are no artifact, and is left alone; name another folder or empty it"
        )
