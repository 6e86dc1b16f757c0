"""Where a wrong answer begins: the pipeline's step outputs looked up among the graph's own tensors.

The graph says nothing of steps, whoever made it. So every tensor of it is computed for rows that
came out right and rows that came out wrong, and each column of a step's output is searched among
the tensors' columns: on the right rows it is recognised by its values; if none of those that it
matches there holds the pipeline's value on the wrong rows, the step is where the two part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.build.rows import RowReader
from onnxtwin.build.session import RUNTIME_ERRORS
from onnxtwin.runtime_checks.compare import BoolArray, Part, Tolerance, failing, parts
from onnxtwin.runtime_checks.hooks import Skeleton
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.report import Location
from onnxtwin.runtime_checks.rows import Rows, count, take, typed

RECOGNISED = Tolerance(1e-3, 1e-6)
"""A tensor of a float32 graph is recognised by values this close, then judged by the check's own."""

MAX_BYTES = 2**30
"""Larger graphs (protobuf ends at twice that) are not loaded a second time to be looked into."""

MAX_COLUMNS = 20_000
"""Columns of tensors that are searched; a wider graph is not located."""

MAX_PAIRS = 2**23
"""Columns of steps times columns of tensors, at most: some seconds."""


@dataclass(frozen=True)
class _Column:
    """One column of a step's output, with the pipeline's values on right and wrong rows."""

    step: str
    name: str
    right: npt.NDArray[Any]
    wrong: npt.NDArray[Any]


@dataclass(frozen=True)
class _Tensors:
    """The columns of all tensors of the graph, numbers and texts apart, each ``[rows, columns]``."""

    numbers: npt.NDArray[np.float64]
    texts: npt.NDArray[np.object_]

    def like(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The matrix to search for a column of this type."""
        return self.numbers if values.dtype.kind == "f" else self.texts


def locate(
    model: Any, answers: Any, reference: Reference, tolerance: Tolerance, right: Rows | None, wrong: Rows
) -> Location | None:
    """The first step whose output differs, or None where the graph cannot be looked into.

    Parameters
    ----------
    model : the graph: bytes, path or ``ModelProto``; None if there is none to look into.
    answers : the twin; ``answers.feeds(X)``, or its ``signature``, turns rows into tensors.
    right, wrong : rows whose answers are equal, and rows whose answers are not.
    """
    feeds = _feeds(answers)
    if model is None or feeds is None:
        return None
    try:
        tensors = _compute(model, feeds, right, wrong)
    except RUNTIME_ERRORS:
        # Some runtimes cannot give out every inner tensor; the verdict stands without a place.
        return None
    if tensors is None:
        return None
    columns = _step_columns(reference, right, wrong)
    if len(columns) * max(tensors[1].numbers.shape[1], tensors[1].texts.shape[1]) > MAX_PAIRS:
        return None
    return _search(columns, *tensors, tolerance, _last_step(reference.pipeline))


def _feeds(answers: Any) -> Callable[[Rows], dict[str, npt.NDArray[Any]]] | None:
    own = getattr(answers, "feeds", None)
    if callable(own):
        return own  # type: ignore[no-any-return]
    signature = getattr(answers, "signature", None)
    if signature is None:
        return None
    reader = RowReader(signature)
    return lambda X: reader.read(X).tensors


def _compute(
    model: Any, feeds: Callable[[Rows], dict[str, Any]], right: Rows | None, wrong: Rows
) -> tuple[_Tensors, _Tensors] | None:
    """All tensors on the right and on the wrong rows; None if the graph is too large or too wide."""
    import onnx
    import onnxruntime as ort

    proto = _proto(model)
    if proto.ByteSize() > MAX_BYTES:
        return None
    declared = {value.name for value in proto.graph.output}
    names = [name for node in proto.graph.node for name in node.output if name]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in declared)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(X: Rows) -> list[Any]:
        given = feeds(X)
        return [*given.values(), *session.run([*declared, *(n for n in names if n not in declared)], given)]

    outcome = run(wrong)
    control = None if right is None else run(right)
    # A tensor of one number is a row of its own only where the row count says so on both sides.
    chosen = [
        i
        for i, value in enumerate(outcome)
        if isinstance(value, np.ndarray)
        and value.shape[:1] == (count(wrong),)
        and (control is None or control[i].shape[:1] == (count(right),))
    ]
    if sum(outcome[i].size for i in chosen) > MAX_COLUMNS * count(wrong):
        return None
    bad = _columns(outcome, chosen)
    if control is None:
        return _Tensors(bad.numbers[:0], bad.texts[:0]), bad
    return _columns(control, chosen), bad


def _proto(model: Any) -> Any:
    import onnx

    if isinstance(model, bytes):
        return onnx.load_from_string(model)
    if isinstance(model, str | Path):
        return onnx.load(model)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def _columns(outcome: list[Any], chosen: list[int]) -> _Tensors:
    rows = len(outcome[chosen[0]])
    numbers, texts = [np.empty((rows, 0))], [np.empty((rows, 0), dtype=object)]
    for i in chosen:
        value = outcome[i].reshape(rows, -1) if outcome[i].size else np.empty((rows, 0))
        (numbers if value.dtype.kind in "fiub" else texts).append(
            value.astype(np.float64) if value.dtype.kind in "fiub" else value.astype(object)
        )
    return _Tensors(np.hstack(numbers), np.hstack(texts))


def _step_columns(reference: Reference, right: Rows | None, wrong: Rows) -> list[_Column]:
    skeleton = Skeleton.of(reference.pipeline)
    method = reference.methods[0]
    bad = skeleton.traced(method, take(wrong, slice(None)))
    good = skeleton.traced(method, take(right, slice(None))) if right is not None else bad
    return [
        column
        for (hook, result), (_, control) in zip(bad, good, strict=True)
        if not _private(hook.path)
        for column in _columns_of(hook.path, result, control if right is not None else None)
    ]


def _private(path: str) -> bool:
    """Whether the step is one that its owner hides, as TfidfVectorizer does its TfidfTransformer."""
    return any(part.startswith("_") for part in path.split("."))


def _columns_of(path: str, result: Any, control: Any) -> Iterator[_Column]:
    names = [str(name) for name in result.columns] if isinstance(result, pd.DataFrame) else None
    bad = parts(path, result)
    good = parts(path, control) if control is not None else [p.rows(slice(0, 0)) for p in bad]
    position = 0
    for b, g in zip(bad, good, strict=True):
        for cell in range(b.matrix.shape[1]):
            wrong, right = (
                b.matrix[:, cell],
                g.values.reshape(len(g.values), -1)[:, cell] if g.values.size else b.matrix[:0, cell],
            )
            name = names[position] if names else str(position)
            position += 1
            yield _Column(path, name, _plain(right), _plain(wrong))


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers as float64, anything else as objects."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    if values.dtype.kind == "O" and all(isinstance(v, int | float | np.number) for v in values):
        return values.astype(np.float64)
    return values.astype(object)


def _same(values: npt.NDArray[Any], matrix: npt.NDArray[Any], tolerance: Tolerance) -> BoolArray:
    """``[rows, columns]``: which cells of the matrix hold the column's value."""
    repeated = np.repeat(values[:, None], matrix.shape[1], axis=1)
    return (
        ~failing(Part("", repeated), Part("", matrix), tolerance)
        if matrix.size
        else np.ones(matrix.shape, dtype=np.bool_)
    )


def _closely(values: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> BoolArray:
    """``[columns]``: which columns of the matrix are this one, but for what float32 rounds away."""
    return np.asarray(_same(values, matrix, RECOGNISED).all(axis=0))


def _roughly(values: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> BoolArray:
    """The same by nine rows in ten, within a twentieth of the column's spread: float32 may cancel to that."""
    if values.dtype.kind != "f" or len(values) < 8:
        return np.zeros(matrix.shape[1], dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        near = np.abs(matrix - values[:, None]) <= np.nanstd(values) / 20
    return np.asarray(near.mean(axis=0) >= 0.9)


def _search(
    columns: list[_Column], good: _Tensors, bad: _Tensors, tolerance: Tolerance, last: str
) -> Location | None:
    for recognise in (_closely, _roughly):
        present: dict[str, bool] = {}
        for column in columns:
            recognised, telling = _recognised(column, good, bad, recognise)
            same = _same(column.wrong, bad.like(column.wrong), tolerance)
            found = bool(np.any(recognised & same.all(axis=0)))
            present[column.step] = present.get(column.step, True) and found
            if not found and telling and recognised.any():
                return _difference(column, bad, recognised, same)
        order = list(present)
        seen = [step for step in order if present[step]]
        if seen or not order:
            return _after(seen, order, last)
    text = (
        f"the graph holds the output of none of the pipeline's steps: the answer differs in {order[0]}, "
        f"or in a step after it, up to {last}, that the graph makes one with it"
    )
    return Location(order[0], None, None, None, text)


def _recognised(
    column: _Column, good: _Tensors, bad: _Tensors, recognise: Callable[[Any, Any], BoolArray]
) -> tuple[BoolArray, bool]:
    """Which tensor columns are this one, and whether that tells anything: a constant is like many others."""
    recognised = recognise(column.right, good.like(column.right)) if len(column.right) else None
    if recognised is not None and _varies(column.right):
        return recognised, True
    # Where no row came out right, or all alike, the graph is recognised by its wrong rows as well.
    on_wrong = recognise(column.wrong, bad.like(column.wrong))
    return on_wrong if recognised is None else on_wrong & recognised, _varies(column.wrong)


def _varies(values: npt.NDArray[Any]) -> bool:
    return len(set(values.tolist())) > 1


def _after(seen: list[str], order: list[str], last: str) -> Location:
    """The step after those whose whole output the graph holds."""
    later = order[order.index(seen[-1]) + 1 :] if seen else []
    step = later[0] if later else last
    known = f"the graph holds the pipeline's values up to {seen[-1]}; " if seen else ""
    fused = f", or in a step after it, up to {last}, that the graph makes one with it" if later else ""
    return Location(step, None, None, None, f"{known}the answer differs in {step}{fused}")


def _difference(column: _Column, bad: _Tensors, recognised: BoolArray, same: BoolArray) -> Location:
    """The recognised tensor column that (the last such) that is right most often, where it is not."""
    candidates = np.nonzero(recognised)[0][::-1]
    best = candidates[np.argmax(same[:, candidates].sum(axis=0))]
    row = int(np.argmin(same[:, best]))
    expected, found = typed(column.wrong[row]), typed(bad.like(column.wrong)[row, best])
    text = f"{column.step}, column {column.name}: the pipeline has {expected!r}, the graph {found!r}"
    return Location(column.step, column.name, expected, found, text)


def _last_step(pipeline: Any) -> str:
    steps = getattr(pipeline, "steps", None)
    if not steps:
        return type(pipeline).__name__
    name, step = steps[-1]
    return f"{name}.{_last_step(step)}" if hasattr(step, "steps") else str(name)
