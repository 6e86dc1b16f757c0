"""Check a graph that somebody else exported: raw rows in, whatever its inputs and outputs are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pandas as pd

from onnxtwin.build.session import RUNTIME_ERRORS
from onnxtwin.exporters.errors import CheckError, InputError
from onnxtwin.exporters.signature import Column, Input, Output, Signature, is_missing
from onnxtwin.runtime_checks.check import check
from onnxtwin.runtime_checks.compare import Tolerances
from onnxtwin.runtime_checks.metrics import MetricLike
from onnxtwin.runtime_checks.progress import Advance
from onnxtwin.runtime_checks.python import description
from onnxtwin.runtime_checks.report import Report
from onnxtwin.runtime_checks.rows import Rows, column_values, count
from onnxtwin.runtime_checks.streams import Stream, head, stream_of

Names = str | Sequence[str]

HEAD = 10_000
"""Rows at the start of a stream that tell the columns and their types."""

_ELEMENT = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}

_USUAL_OUTPUTS = {
    # What skl2onnx and onnxmltools call their outputs.
    "predict": ("predict", "output_label", "label", "variable"),
    "predict_proba": ("predict_proba", "output_probability", "probabilities"),
    "transform": ("transform", "variable", "transformed_column"),
    "decision_function": ("decision_function",),
    "score_samples": ("score_samples",),
}


def check_model(
    model: Any,
    pipeline: Any,
    X: Rows | Stream,
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Names] | None = None,
    missing_text: str = "nan",
    rtol: float | None = None,
    atol: float | None = None,
    tolerances: Tolerances | None = None,
    y: Any = None,
    metrics: Sequence[MetricLike] | None = None,
    cases: bool | Sequence[str] = True,
    batch_size: int | None = None,
    seed: int = 0,
    thorough: bool = False,
    progress: Advance | None = None,
) -> Report:
    """Judge any graph against the pipeline, on the user's rows and on hostile ones.

    The rows are those a user has; each value is converted to the type that the graph declares for
    its input (often float32), as a caller of that graph would have to. The pipeline gets the rows
    as they are, so that what the conversion loses counts against the graph. A graph cannot raise:
    rows that the pipeline refuses are counted and not compared.

    Parameters
    ----------
    model : the graph: bytes, path or ``ModelProto``.
    pipeline : the fitted estimator; the reference.
    X : raw rows as ``pipeline.predict`` takes them, or a stream of them, as in :func:`check`.
    inputs : graph input → the column's label, or the list of labels it packs. Not needed where
        inputs are named as the columns, or where there is one input for the whole matrix.
    outputs : method → name of the graph's output, or the list of names where the method returns a
        list. Not needed where the outputs bear the methods' or skl2onnx' usual names.
    missing_text : what a missing text becomes, for graphs have no missing text; ``nan`` is what
        ``astype(str)`` makes of it.
    rtol, atol, tolerances, y, metrics, cases, batch_size, seed, thorough, progress : as in :func:`check`.

    Raises
    ------
    CheckError : the graph cannot be loaded, or its inputs or outputs cannot be matched.
    """
    stream = stream_of(X, y)
    sample = head(stream, HEAD)
    graph = ForeignGraph(model, pipeline, sample, inputs=inputs, outputs=outputs, missing_text=missing_text)
    return check(
        graph,
        pipeline,
        stream,
        signature=graph.signature,
        rtol=rtol,
        atol=atol,
        tolerances=tolerances,
        metrics=metrics,
        cases=cases,
        batch_size=batch_size,
        seed=seed,
        thorough=thorough,
        progress=progress,
        enforce_domain=False,
        model=model,
        runtime=f"{description()}, a graph exported elsewhere",
    )


class ForeignGraph:
    """Raw rows → feeds → answers keyed by method, for a graph of unknown origin."""

    def __init__(
        self,
        model: Any,
        pipeline: Any,
        X: Rows,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Names] | None = None,
        missing_text: str = "nan",
    ) -> None:
        self.model = model
        self._missing_text = missing_text
        self._session = _load(model)
        self._labels = list(X.columns) if isinstance(X, pd.DataFrame) else None
        self._inputs = self._match_inputs(X, inputs or {})
        self._outputs = self._match_outputs(pipeline, outputs)
        self._classes = getattr(pipeline, "classes_", None)
        self.signature = self._signature(X)

    def run(self, X: Rows) -> dict[str, Any]:
        """Answers keyed by method.

        Raises
        ------
        InputError : a value cannot be converted to the input's type, or the graph fails on the rows.
        """
        names = [name for listed in self._outputs.values() for name in listed]
        try:
            found = dict(zip(names, self._session.run(names, self.feeds(X)), strict=True))
        except RUNTIME_ERRORS as error:
            raise InputError(f"onnxruntime fails on these rows: {error}") from error
        return {
            method: self._answer(method, [found[name] for name in listed], count(X))
            for method, listed in self._outputs.items()
        }

    def feeds(self, X: Rows) -> dict[str, npt.NDArray[Any]]:
        """One array per graph input, of the declared type, ``[N, k]``."""
        return {
            name: np.hstack([self._convert(name, label, column_values(X, label)) for label in labels])
            for name, labels in self._inputs.items()
        }

    def _convert(self, name: str, label: Any, values: pd.Series) -> npt.NDArray[Any]:
        declared = next(i.type for i in self._session.get_inputs() if i.name == name)
        element = _ELEMENT[declared]
        if element is np.object_:
            texts = [self._missing_text if is_missing(value) else str(value) for value in values]
            return np.array(texts, dtype=object).reshape(-1, 1)
        if values.dtype.kind in "Mm":
            values = values.astype(np.int64)
        try:
            with np.errstate(over="ignore"):
                if np.issubdtype(element, np.floating):
                    return values.to_numpy(np.float64, na_value=np.nan).astype(element).reshape(-1, 1)
                return values.to_numpy().astype(element).reshape(-1, 1)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"column {label!r} cannot be fed to the graph's input {name!r} {declared}: {error}"
            ) from error

    def _answer(self, method: str, arrays: list[Any], rows: int) -> Any:
        answers = [self._matrix(array) for array in arrays]
        # A regressor's graph answers [N, 1] where scikit-learn answers [N].
        answers = [a[:, 0] if method in _FLAT and a.ndim == 2 and a.shape[1] == 1 else a for a in answers]
        return answers[0] if len(answers) == 1 else answers

    def _matrix(self, array: Any) -> Any:
        """ZipMap's list of dicts as the matrix it was made from."""
        if isinstance(array, list) and all(isinstance(entry, dict) for entry in array):
            keys = list(self._classes) if self._classes is not None else sorted(array[0])
            return np.array([[entry.get(key, np.nan) for key in keys] for entry in array]).reshape(
                len(array), len(keys)
            )
        return array

    def _match_inputs(self, X: Rows, inputs: Mapping[str, Any]) -> dict[str, list[Any]]:
        declared = {entry.name: entry for entry in self._session.get_inputs()}
        foreign = [f"{e.name} {e.type}" for e in declared.values() if e.type not in _ELEMENT]
        if foreign:
            raise CheckError(f"the graph's inputs {foreign} are not tensors that rows can fill")
        unknown = [name for name in inputs if name not in declared]
        if unknown:
            raise CheckError(f"inputs names {unknown}; the graph's inputs are {list(declared)}")
        labels: list[Any] = self._labels if self._labels is not None else list(range(_width(X)))
        by_text = {str(label): label for label in labels}
        matched: dict[str, list[Any]] = {}
        for name, entry in declared.items():
            if name in inputs:
                wanted = inputs[name]
                matched[name] = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
            elif name in by_text:
                matched[name] = [by_text[name]]
            elif len(declared) == 1 and (
                len(labels) == 1 or entry.shape[-1:] == [len(labels)] or self._labels is None
            ):
                matched[name] = labels
            else:
                raise CheckError(
                    f"which column goes to the graph's input {name!r}? The rows have {list(by_text)}. "
                    f"Say so with inputs={{{name!r}: column}} or a list of columns."
                )
            absent = [label for label in matched[name] if label not in labels]
            if absent:
                raise CheckError(f"inputs gives {name!r} the columns {absent}; the rows have {labels}")
        return matched

    def _match_outputs(self, pipeline: Any, outputs: Mapping[str, Names] | None) -> dict[str, list[str]]:
        declared = [entry.name for entry in self._session.get_outputs()]
        if outputs is not None:
            listed = {m: [names] if isinstance(names, str) else list(names) for m, names in outputs.items()}
            unknown = [name for names in listed.values() for name in names if name not in declared]
            if unknown or not listed:
                raise CheckError(f"outputs names {unknown}; the graph's outputs are {declared}")
            return listed
        matched: dict[str, list[str]] = {}
        for method, usual in _USUAL_OUTPUTS.items():
            if not hasattr(pipeline, method) or (method == "transform" and hasattr(pipeline, "predict")):
                continue
            several = [f"{method}.{i}" for i in range(len(declared)) if f"{method}.{i}" in declared]
            name = next((name for name in usual if name in declared), None)
            if several or name:
                matched[method] = several or [str(name)]
        if not matched:
            raise CheckError(
                f"which of the graph's outputs {declared} answers which method? "
                "Say so with outputs={'predict': name}."
            )
        return matched

    def _signature(self, X: Rows) -> Signature:
        return replace(
            raw_signature(X),
            inputs=tuple(Input(n, "float64", tuple(map(str, c))) for n, c in self._inputs.items()),
            outputs=tuple(
                Output(name, method, i if len(names) > 1 else None, "float64", "float64", (None,))
                for method, names in self._outputs.items()
                for i, name in enumerate(names)
            ),
            methods=tuple(self._outputs),
        )


def raw_signature(X: Rows) -> Signature:
    """The columns of raw rows, by which a data file is read; no graph's inputs and outputs."""
    labels = list(X.columns) if isinstance(X, pd.DataFrame) else list(range(_width(X)))
    columns = tuple(_column(column_values(X, label), label) for label in labels)
    matrix = isinstance(X, np.ndarray) and X.ndim == 2
    container: Literal["DataFrame", "matrix", "documents"] = (
        "DataFrame" if isinstance(X, pd.DataFrame) else "matrix" if matrix else "documents"
    )
    return Signature(container, "columns", columns, (), ())


_FLAT = ("predict", "decision_function", "score_samples")


def _width(X: Rows) -> int:
    return int(X.shape[1]) if isinstance(X, np.ndarray) and X.ndim == 2 else 1


def _column(values: pd.Series, label: Any) -> Column:
    """What the cases need to know: the type, and how a value can be missing."""
    dtype = values.dtype
    categories = tuple(dtype.categories) if isinstance(dtype, pd.CategoricalDtype) else None
    if dtype.kind in "Mm":
        return Column(str(label), label, str(dtype), "int64", "nat", True)
    if dtype.kind == "f" or isinstance(dtype, pd.Float64Dtype | pd.Int64Dtype | pd.BooleanDtype):
        return Column(str(label), label, str(dtype), "float64", "nan", True)
    if dtype.kind in "iu":
        return Column(str(label), label, str(dtype), "int64")
    if dtype.kind == "b":
        return Column(str(label), label, str(dtype), "bool")
    none = any(value is None for value in values)
    return Column(
        str(label),
        label,
        str(dtype),
        "string",
        "token",
        True,
        "None" if none else "nan",
        categories=categories,
    )


def _load(model: Any) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if isinstance(model, str | Path):
        if not Path(model).is_file():
            raise CheckError(f"no graph at {str(model)!r}")
        given: Any = str(model)
    else:
        given = model if isinstance(model, bytes) else model.SerializeToString()
    try:
        return ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise CheckError(f"{description()} cannot load the graph: {error}") from error
