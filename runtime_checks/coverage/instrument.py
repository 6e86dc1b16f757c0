"""A graph opened for observation: what its decisions read, computed by onnxruntime for any rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort

from onnxtwin.build.answers import DOMAIN
from onnxtwin.build.rows import RowReader
from onnxtwin.build.session import RUNTIME_ERRORS
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.coverage.decisions import Decisions, decisions_of
from onnxtwin.runtime_checks.coverage.forest import KINDS
from onnxtwin.runtime_checks.coverage.view import View, reads
from onnxtwin.runtime_checks.rows import Rows, count, take

Tensors = dict[str, npt.NDArray[Any]]
Feeds = Callable[[Rows], Tensors]

MAX_BYTES = 2**29
"""Larger graphs are not observed: a second and a third copy of them would have to be loaded."""

CELLS = 2**23
"""So many observed cells at once: 64 MB of doubles."""

_FAILS: tuple[type[Exception], ...] = (InputError, *RUNTIME_ERRORS)

_PROBES = 11, 7
"""Row counts by which a tensor that has a row for each row is told from one that has not."""


class Instrument:
    """What a graph decides, and how each row was decided.

    Parameters
    ----------
    model : the graph.
    signature : tells which raw columns each input carries, and the output ``domain``, whose own decisions
        do not count: where they are false, the pipeline refuses.
    feeds : raw rows → the graph's inputs.
    X : some rows that the graph answers, to learn the shapes of its tensors.

    Raises
    ------
    InputError : the graph does not answer any of the rows.
    """

    def __init__(self, model: onnx.ModelProto, signature: Signature, feeds: Feeds, X: Rows) -> None:
        self.feeds = feeds
        self.signature = signature
        columns = {entry.name: entry.columns for entry in signature.inputs}
        ignored = [output.name for output in signature.outputs if output.method == DOMAIN]
        self.view = View(model, columns, ignored)
        by_row = self._shapes(X)
        self.view.widths.update(by_row)
        found = decisions_of(self.view)
        self.decisions = Decisions(
            tuple(switch for switch in found.switches if by_row.get(switch.tensor, 0) > 0),
            tuple(lookup for lookup in found.lookups if by_row.get(lookup.tensor, 0) > 0),
            tuple(forest for forest in found.forests if forest.tensor in by_row),
        )

    @cached_property
    def early(self) -> Decisions:
        """The decisions that do not depend on what a tree has answered."""
        late = self.view.after_trees(KINDS)
        return Decisions(
            tuple(switch for switch in self.decisions.switches if switch.tensor not in late),
            tuple(lookup for lookup in self.decisions.lookups if lookup.tensor not in late),
            tuple(forest for forest in self.decisions.forests if forest.tensor not in late),
        )

    def observe(self, given: Mapping[str, npt.NDArray[Any]], names: Iterable[str]) -> Tensors:
        """The named tensors for rows that are encoded already.

        Raises
        ------
        InputError : onnxruntime fails on these rows.
        """
        wanted = tuple(sorted(set(names)))
        own = [name for name in wanted if name not in given]
        if not own:
            return {name: given[name] for name in wanted}
        session = self._session(tuple(own))
        fed = {entry.name: given[entry.name] for entry in session.get_inputs()}
        try:
            found = dict(zip(own, session.run(own, fed), strict=True))
        except RUNTIME_ERRORS as error:
            raise InputError(f"onnxruntime fails on these rows: {error}") from error
        return {name: given[name] if name in given else found[name] for name in wanted}

    def batches(self, rows: int, names: Iterable[str]) -> Iterator[slice]:
        """The rows in slices whose observed tensors fit into memory."""
        width = sum(self.view.widths.get(name, 1) for name in names)
        step = max(64, CELLS // max(1, width))
        for start in range(0, rows, step):
            yield slice(start, min(start + step, rows))

    def describe(self, tensor: str, place: int) -> str:
        """A place of a tensor in the words of a report: a raw column, or what it is made of."""
        raw = self.view.raw(tensor, place)
        if raw is not None:
            return raw
        names = sorted(self.view.sources(tensor, place))
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        return f"a value made of {', '.join(names[:4])}{more}" if names else "a value"

    def single(self, tensor: str) -> bool:
        """Whether a tensor holds float32 values only, whatever its own type."""
        node = self.view.producer.get(tensor)
        while node is not None and node.op_type == "Cast":
            if next(a.i for a in node.attribute if a.name == "to") == onnx.TensorProto.FLOAT:
                return True
            node = self.view.producer.get(node.input[0])
        return False

    @cached_property
    def _sessions(self) -> dict[tuple[str, ...], Any]:
        return {}

    def _session(self, names: tuple[str, ...]) -> Any:
        if names not in self._sessions:
            self._sessions[names] = _open(self.view, names)
        return self._sessions[names]

    def _shapes(self, X: Rows) -> dict[str, int]:
        """How many places a row of each tensor has; what has no row for each row is left out."""
        names = [name for node in self.view.nodes for name in node.output if name]
        index = np.arange(_PROBES[0]) % max(1, count(X))
        many = self.observe(self.feeds(take(X, index)), names)
        few = self.observe(self.feeds(take(X, index[: _PROBES[1]])), names)
        self._sessions.clear()
        shapes = {
            name: value.size // len(value)
            for name, value in many.items()
            if isinstance(value, np.ndarray)
            and value.shape[:1] == _PROBES[:1]
            and few[name].shape[:1] == _PROBES[1:]
        }
        return shapes | {name: len(listed) for name, listed in self.view.columns.items()}


def _open(view: View, names: tuple[str, ...]) -> Any:
    """A session that answers these tensors, and computes nothing that they do not need."""
    needed = set(names)
    kept: list[onnx.NodeProto] = []
    for node in reversed(view.nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(reads(node))
    whole = view.model.graph
    graph = onnx.GraphProto(name="observed")
    graph.node.extend(kept[::-1])
    graph.initializer.extend(tensor for tensor in whole.initializer if tensor.name in needed)
    held = {tensor.name for tensor in whole.initializer}
    graph.input.extend(value for value in whole.input if value.name in needed and value.name not in held)
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    model = onnx.ModelProto(ir_version=view.model.ir_version, graph=graph)
    model.opset_import.extend(view.model.opset_import)
    model.functions.extend(view.model.functions)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def instrument(answers: Any, signature: Signature, X: Rows, model: Any = None) -> Instrument | None:
    """The graph of what answers, opened for observation; None where there is none, or it is too large.

    Parameters
    ----------
    answers : what a check compares; its own ``feeds`` if it has such, else the signature's.
    signature : the twin's.
    X : some rows of the user's.
    model : bytes, path or ``ModelProto``; ``answers.model`` by default.
    """
    given = model if model is not None else getattr(answers, "model", None)
    if given is None or not count(X):
        return None
    if isinstance(given, bytes):
        given = onnx.load_from_string(given)
    elif isinstance(given, str | Path):
        given = onnx.load(given)
    if given.ByteSize() > MAX_BYTES:
        return None
    feeds = getattr(answers, "feeds", None)
    if not callable(feeds):
        reader = RowReader(signature)

        def feeds(rows: Rows) -> Tensors:
            return reader.read(rows).tensors

    try:
        return Instrument(given, signature, feeds, X)
    except _FAILS:
        return None
