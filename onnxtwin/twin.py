"""The twin: what a user holds, exported from a pipeline or loaded from an artifact.

A loaded twin needs numpy and onnxruntime; everything else is imported by the methods that need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from onnxtwin.build import artifact as artifacts
from onnxtwin.build.replay import SelfTest, replay
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Vectors
from onnxtwin.build.weights import fits, write_model
from onnxtwin.exporters.errors import ArtifactError, CheckError, UnequalError
from onnxtwin.exporters.signature import Signature

if TYPE_CHECKING:
    import onnx

    from onnxtwin.runtime_checks import Report

Layout = Literal["columns", "packed"]
RecordedRows = Literal["shuffled", "real"]

RECORDED_ROWS = 200
"""Rows of the sample that an artifact records, beside those made from them."""


def export(
    estimator: Any, X: Any, *, methods: Sequence[str] | str | None = None, layout: Layout = "columns"
) -> Twin:
    """Export a fitted pipeline's inference methods as one graph.

    Parameters
    ----------
    estimator : a fitted scikit-learn-compatible estimator, usually a Pipeline that starts from raw rows.
    X : raw rows: a DataFrame, a 2-D or 1-D ndarray, or a list or Series of str. They give the signature and
        the traced sample.
    methods : None for what production calls (``predict``, and ``predict_proba`` where there is one;
        ``transform`` for a transformer), a list of names, or ``"all"``.
    layout : an input a raw column, or one a dtype (``"packed"``), which is faster with many columns.

    Raises
    ------
    UnsupportedError
        If a graph cannot say exactly what the pipeline does.
    SignatureError
        If the sample cannot be described, or does not fit the pipeline.
    """
    from onnxtwin.exporters.export import export_graph
    from onnxtwin.exporters.sample import rows_of

    chosen = list(methods) if methods is not None and not isinstance(methods, str) else methods
    exported = export_graph(estimator, X, methods=chosen, layout=layout)
    return Twin.of_model(exported.model, exported.signature, pipeline=estimator, sample=rows_of(X))


def load(path: str | Path, *, threads: int = 1) -> Twin:
    """Open the twin that :meth:`Twin.save` or ``onnxtwin build`` wrote; runs no code of the artifact's.

    Parameters
    ----------
    path : the artifact's folder.
    threads : of onnxruntime for one call; one by default, because services scale by request.

    Raises
    ------
    ArtifactError
        If it is no artifact, of a newer format, truncated or altered.
    """
    artifact = artifacts.read(path)
    return Twin(artifact.session(threads), artifact=artifact)


class Twin:
    """A pipeline's twin: the same calls, answered by onnxruntime.

    Made by :func:`export` or :func:`load`; shared by threads, pickled with its graph. A twin that comes
    from :func:`export` also holds the pipeline and the sample, for :meth:`check` and :meth:`save`; a pickle
    leaves both behind.
    """

    def __init__(
        self,
        session: Session,
        *,
        artifact: artifacts.Artifact | None = None,
        model: onnx.ModelProto | None = None,
        pipeline: Any = None,
        sample: Any = None,
    ) -> None:
        self._session = session
        self._artifact = artifact
        self._pipeline = pipeline
        self._sample = sample
        self._report: Report | None = None
        self._folder: TemporaryDirectory[str] | None = None
        if model is not None:
            self.model = model

    @classmethod
    def of_model(
        cls, model: onnx.ModelProto, signature: Signature, *, pipeline: Any = None, sample: Any = None
    ) -> Twin:
        """A twin of a graph in memory."""
        if fits(model):
            session = Session(model.SerializeToString(deterministic=True), signature)
            return cls(session, model=model, pipeline=pipeline, sample=sample)
        folder: TemporaryDirectory[str] = TemporaryDirectory(prefix="onnxtwin-")
        write_model(model, Path(folder.name), artifacts.MODEL)
        session = Session(Path(folder.name) / artifacts.MODEL, signature)
        twin = cls(session, model=model, pipeline=pipeline, sample=sample)
        twin._folder = folder
        return twin

    @property
    def signature(self) -> Signature:
        """The raw columns, the graph's inputs and outputs, and the domain."""
        return self._session.signature

    @property
    def methods(self) -> tuple[str, ...]:
        """The pipeline's methods that the twin answers."""
        return self._session.methods

    @cached_property
    def model(self) -> onnx.ModelProto:
        """The graph; of a loaded twin it is read when first asked for, which needs onnx."""
        import onnx

        if self._artifact is None:
            raise ArtifactError(
                "this twin was unpickled without its artifact: load the artifact to see its graph"
            )
        model = onnx.load_model_from_string(self._artifact.file(artifacts.MODEL))
        onnx.load_external_data_for_model(model, str(self._artifact.path))
        return model

    def run(self, X: Any, methods: Iterable[str] | None = None) -> dict[str, Any]:
        """Answers of all methods (or those named) for raw rows, keyed by method.

        Parameters
        ----------
        X : as the pipeline takes them, or a list of dicts, or a dict of columns.

        Raises
        ------
        InputError
            If the rows do not fit the signature.
        DomainError
            If the pipeline would refuse a row.
        """
        return self._session.run(X, methods)

    def predict(self, X: Any) -> Any:
        """The pipeline's ``predict``: labels of ``classes_``'s type or numbers, ``[N]`` or ``[N, k]``."""
        return self._answer("predict", X)

    def predict_proba(self, X: Any) -> Any:
        """The pipeline's ``predict_proba``: float64 ``[N, n_classes]``, or a list of such."""
        return self._answer("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """The pipeline's ``predict_log_proba``: float64 ``[N, n_classes]``, or a list of such."""
        return self._answer("predict_log_proba", X)

    def decision_function(self, X: Any) -> Any:
        """The pipeline's ``decision_function``: float64 ``[N]`` or ``[N, n_classes]``."""
        return self._answer("decision_function", X)

    def score_samples(self, X: Any) -> Any:
        """The pipeline's ``score_samples``: float64 ``[N]``."""
        return self._answer("score_samples", X)

    def transform(self, X: Any) -> Any:
        """The pipeline's ``transform``: ``[N, k]``; a DataFrame where it gives one and the rows are one."""
        return self._answer("transform", X)

    def check(self, X: Any = None, *, pipeline: Any = None, **options: Any) -> Report:
        """Compare with the pipeline on raw rows and on hostile ones made of them.

        Parameters
        ----------
        X : raw rows; the exported sample by default. Better are rows that were held out.
        pipeline : the fitted pipeline; a twin that was exported here knows it.
        options : of :func:`onnxtwin.runtime_checks.check`: ``methods``, ``rtol``, ``atol``,
            ``tolerances``, ``y``, ``metrics``, ``cases``, ``batch_size``, ``seed``, ``thorough``,
            ``progress``. At a prompt or in a notebook a bar shows how far it is unless ``progress`` is given.

        Returns
        -------
        A report whose ``ok`` is True only if rows were compared and none is wrong.

        Raises
        ------
        CheckError
            If there is no pipeline or no row to compare with.
        """
        from onnxtwin.runtime_checks import check
        from onnxtwin.runtime_checks.python import description
        from onnxtwin.watch import for_a_person

        reference = self._pipeline if pipeline is None else pipeline
        rows = self._sample if X is None else X
        if reference is None:
            raise CheckError(
                "this twin was loaded and knows no pipeline: check(X, pipeline=...), or self_test() for the "
                "recorded rows"
            )
        if rows is None:
            raise CheckError("this twin was loaded and knows no rows: check(X, pipeline=...)")
        told: dict[str, Any] = {"runtime": description()} | options
        with for_a_person() if "progress" not in options else nullcontext() as advance:
            told = told if advance is None else {"progress": advance} | told
            report = check(self, reference, rows, signature=self.signature, **told)
        self._report = report
        return report

    def self_test(self) -> SelfTest:
        """Replay the recorded rows; what a production process calls at start-up.

        Returns
        -------
        A verdict whose ``ok`` is True only if every recorded answer was given again.

        Raises
        ------
        ArtifactError
            If nothing was recorded.
        """
        return replay(self._session, self._recorded("shuffled", RECORDED_ROWS, 0))

    def save(
        self,
        path: str | Path,
        *,
        vectors: RecordedRows = "shuffled",
        rows: int = RECORDED_ROWS,
        seed: int = 0,
    ) -> Path:
        """Write the artifact: graph, contract, recorded rows, the last check's report, manifest.

        Parameters
        ----------
        path : the folder; an artifact that is there is replaced in one step, anything else is refused.
        vectors : ``"shuffled"`` permutes each column of the recorded rows by itself, so that no row is
            anybody's; ``"real"`` records rows as they are.
        rows : of the sample to record.
        seed : of the choice and the permutations.

        Returns
        -------
        The folder.

        Raises
        ------
        ArtifactError
            If it cannot be written.
        UnequalError
            If the last check was red, or the twin's answers to the recorded rows are not the pipeline's.
        """
        report = self._report
        if report is not None and not report.ok:
            raise UnequalError(f"nothing was written, the last check of this twin is {report.verdict}")
        recorded = self._recorded(vectors, rows, seed)
        test = replay(self._session, recorded)
        if not test.ok:
            raise UnequalError(f"nothing was written, recorded rows are {test}; see Twin.check()")
        if report is not None and vectors != "real":
            from onnxtwin.recording import without_rows

            report = without_rows(report)
        artifact = artifacts.write(
            path,
            self.model,
            self.signature,
            versions=self._versions(),
            vectors=recorded,
            report=None if report is None else report.to_json(),
            report_html=None if report is None else report.to_html(),
        )
        return artifact.path

    def close(self) -> None:
        """Free the graph; a later call raises OnnxTwinError."""
        self._session.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __getstate__(self) -> dict[str, Any]:
        return {"session": self._session}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["session"])  # type: ignore[misc]

    def __repr__(self) -> str:
        columns = len(self.signature.columns)
        return f"Twin({', '.join(self.methods)}; {columns} raw column{'s' if columns > 1 else ''})"

    def _answer(self, method: str, X: Any) -> Any:
        return self._session.run(X, (method,))[method]

    def _recorded(self, vectors: RecordedRows, rows: int, seed: int) -> Vectors:
        if self._pipeline is not None:
            from onnxtwin.recording import record_vectors

            return record_vectors(
                self._session, self._pipeline, self._sample, rows_are=vectors, rows=rows, seed=seed
            )
        if self._artifact is None:
            raise ArtifactError("this twin was unpickled and holds no recorded rows: load the artifact")
        return self._artifact.vectors

    def _versions(self) -> dict[str, str]:
        if self._pipeline is not None:
            from onnxtwin.recording import research_versions

            return research_versions(self._pipeline)
        if self._artifact is None:
            raise ArtifactError("this twin was unpickled and cannot be saved: load the artifact")
        return dict(self._artifact.contract["versions"])
