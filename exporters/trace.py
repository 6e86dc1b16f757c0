"""One run of a method's code on traced values, and what it recorded.

An export runs the code twice, on samples of two different lengths. The first run notes every
operation and constant; the second run must repeat them one by one. A constant that differs only by
the row count becomes an expression of ``N``, the rows of the batch the graph will be given; any
other difference means that the code looked at the rows themselves, and is refused at its line.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import OnnxTwinError, RecordingError, UnsupportedError, keep_errors
from onnxtwin.exporters.places import ENGINE, Place, of_library

_LEAVES = str(Path(ENGINE) / "sklearn")
_active = threading.local()
_running: list[Trace] = []
"""The traces of all threads."""

T = TypeVar("T")


def current() -> Trace | None:
    """The trace that runs in this thread, if any."""
    return getattr(_active, "trace", None)


def require_trace() -> Trace:
    """The trace that runs in this thread; traced values have no meaning outside of one."""
    trace = current()
    if trace is None:
        error = UnsupportedError(
            "a traced value is used in another thread, or after its trace had ended\n"
            "  way out: compute in the thread that called the method, and keep nothing of it in the pipeline"
        )
        for other in list(_running):
            other.refusals.append(error)
        raise error
    return trace


@dataclass
class Entry:
    """One thing the code did: an operation, or a constant it brought in."""

    what: str
    inputs: tuple[int, ...]
    place: Place
    constant: np.ndarray | None = None


@dataclass
class Expected:
    """A graph value and what the pipeline's own libraries computed for it on the sample.

    Attributes
    ----------
    room : by how much two programs may differ that add in another order, of each element or of all.
    """

    var: Var
    value: np.ndarray
    place: Place
    room: np.ndarray | float = 0.0


@dataclass
class Computed:
    """A graph value that is an elementary function of others, whatever operators it is composed of."""

    function: Callable[..., Any]
    var: Var
    operands: tuple[Var, ...]


@dataclass
class Requirement:
    """A per-row demand: rows where it is False make the pipeline raise, or are beyond a limit of the graph.

    ``limit`` and ``columns`` are those of the :class:`~onnxtwin.exporters.signature.Condition`.
    """

    var: Var
    message: str
    step: str
    limit: bool = False
    columns: tuple[str, ...] = ()


@dataclass
class Trace:
    """The recording of one run.

    Attributes
    ----------
    rows : rows of this run's sample.
    previous : the first run, while the second one repeats it.
    steps : ``id(estimator) -> "preprocess.categories.encoder"``.
    see : what traced code sees of an object (:meth:`~onnxtwin.exporters.shadow.Shadow.see`).
    singles : where single precision was computed in.
    elementary : the elementary functions that were computed.
    refusals : every error of onnxtwin's own that was made in this run, swallowed or not.
    """

    rows: int
    previous: Trace | None = None
    steps: dict[int, str] = field(default_factory=dict)
    see: Callable[[Any], Any] = lambda thing: thing
    entries: list[Entry] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    limits: list[tuple[Var, str]] = field(default_factory=list)
    singles: list[Place] = field(default_factory=list)
    elementary: list[Computed] = field(default_factory=list)
    narrowed: set[int] = field(default_factory=set)
    finite_columns: set[str] = field(default_factory=set)
    column_values: dict[str, list[Any]] = field(default_factory=dict)
    fixed_categories: list[Any] = field(default_factory=list)
    keep: list[Any] = field(default_factory=list)
    refusals: list[OnnxTwinError] = field(default_factory=list)
    row_source: Var | None = None
    _ids: dict[int, int] = field(default_factory=dict)
    _constants: dict[tuple[str, tuple[int, ...], bytes], Var] = field(default_factory=dict)
    _count: Var | None = None

    # ---- running -------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[Trace]:
        """Make this the thread's trace for the length of a ``with`` block."""
        outer, before = current(), keep_errors(self.refusals)
        _active.trace = self
        _running.append(self)
        try:
            yield self
        finally:
            _running.remove(self)
            _active.trace = outer
            keep_errors(before)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Run code with the thread's trace off, so that it sees plain numpy and pandas."""
        outer, before = current(), keep_errors(None)
        _active.trace = None
        try:
            yield
        finally:
            _active.trace = outer
            keep_errors(before)

    # ---- places --------------------------------------------------------------------------

    def place(self) -> Place:
        """The innermost line of code outside the engine, and the step it belongs to."""
        frame = sys._getframe(1)
        file, line, step, method, leaf = "", 0, "", "", False
        while frame is not None:
            name = frame.f_code.co_filename
            ours = name.startswith(ENGINE)
            leaf = leaf or not file and name.startswith(_LEAVES)
            if not file and not ours and not of_library(name):
                file, line = name, frame.f_lineno
            owner = frame.f_locals.get("self")
            if owner is not None and not method and id(owner) in self.steps:
                step = self.steps[id(owner)]
                method = type(owner).__name__ if ours else f"{type(owner).__name__}.{frame.f_code.co_name}"
            if file and method:
                break
            frame = frame.f_back  # type: ignore[assignment]
        return Place(step, file, line, method, leaf)

    def place_of(self, error: BaseException) -> Place:
        """Where in the pipeline's code an error was raised."""
        found = Place("", "", 0)
        traceback = error.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            name = frame.f_code.co_filename
            owner, step, method = frame.f_locals.get("self"), found.step, found.method
            if id(owner) in self.steps:
                step, method = self.steps[id(owner)], f"{type(owner).__name__}.{frame.f_code.co_name}"
            passed = name.startswith(ENGINE) or of_library(name) or name.endswith((".pyx", ".pxi"))
            file, line = (found.file, found.line) if passed else (name, traceback.tb_lineno)
            found = Place(step, file, line, method)
            traceback = traceback.tb_next
        return found

    def unsupported(self, what: str, way_out: str) -> UnsupportedError:
        """An error that says where the code is, what it did, and what to do instead."""
        place = self.place()
        return UnsupportedError(f"{place}\n  {what}\n  way out: {place.way_out(way_out)}")

    # ---- recording -----------------------------------------------------------------------

    def note(self, what: str, inputs: tuple[Any, ...], constant: np.ndarray | None = None) -> None:
        """Add an entry, and compare it with the first run's at the same position."""
        numbers = tuple(self._ids.get(id(x), -1) for x in inputs)
        entry = Entry(what, numbers, self.place(), constant)
        if self.previous is not None:
            self._compare(entry)
        self.entries.append(entry)

    def _compare(self, entry: Entry) -> None:
        assert self.previous is not None
        position = len(self.entries)
        before = self.previous.entries[position] if position < len(self.previous.entries) else None
        if before is None or (before.what, before.inputs) != (entry.what, entry.inputs):
            other = f"{before.what} at {before.place}" if before else "nothing more"
            raise UnsupportedError(
                f"{entry.place}\n  the code does something else for {self.rows} rows ({entry.what}) than for "
                f"{self.previous.rows} rows ({other})\n  way out: compute on whole columns, without loops or "
                "branches over the rows, and without randomness"
            )

    def attempt(self, run: Callable[[], T]) -> T:
        """``run()``; where it raises or anything in it is refused, all that it recorded is forgotten.

        The one way to try what may be refused: any other refusal ends the export, whoever swallows it. Graph
        values that were forgotten are left to nobody and never built.

        Raises
        ------
        Exception
            What ``run`` raised, or the first refusal that it swallowed.
        """
        lists: tuple[list[Any], ...] = (
            self.entries,
            self.expected,
            self.elementary,
            self.requirements,
            self.refusals,
        )
        lengths = [len(held) for held in lists]
        try:
            answer = run()
            if len(self.refusals) > lengths[-1]:
                raise self.refusals[lengths[-1]]
        except Exception:
            for held, length in zip(lists, lengths, strict=True):
                del held[length:]
            raise
        return answer

    def finish(self) -> None:
        """The second run must not end before the first one did."""
        if self.previous is not None and len(self.entries) != len(self.previous.entries):
            before = self.previous.entries[len(self.entries)]
            raise UnsupportedError(
                f"{before.place}\n  this runs for {self.previous.rows} rows and not for {self.rows} rows\n"
                "  way out: compute on whole columns, without loops or branches over the rows"
            )

    def register(self, thing: Any) -> None:
        """Number a tensor, so that later entries can name it."""
        self._ids[id(thing)] = len(self._ids)
        self.keep.append(thing)

    def expect(self, var: Var, value: np.ndarray) -> None:
        """Remember the real value of ``var``; :func:`verify` compares it with the graph's."""
        self.expected.append(Expected(var, value.copy(), self.place()))

    def added(self, count: int, magnitude: np.ndarray) -> None:
        """Say that what was recorded last is a sum of ``count`` terms, in whatever order.

        Each side is off by at most ``count`` roundings of the sum of absolute terms, ``magnitude`` (Higham,
        *Accuracy and Stability of Numerical Algorithms*, 2nd edition, sections 3.1 and 4.2).
        """
        entry = self.expected[-1]
        if entry.value.dtype.kind == "f":
            eps = float(np.finfo(entry.value.dtype).eps)  # a rounding of each side
            entry.room = (count * eps * magnitude).reshape(entry.value.shape)

    def compute(self, function: Callable[..., Any], var: Var, operands: tuple[Var, ...]) -> Var:
        """Say that ``var`` is a function of the operands that no two libraries compute to the same bit."""
        self.elementary.append(Computed(function, var, operands))
        return var

    def require(self, var: Var, message: str) -> None:
        """Demand that ``var`` (bool, ``[N, 1]``) holds; where it does not, the pipeline raises."""
        self.requirements.append(Requirement(var, message, self.place().step))

    def limit(self, var: Var, message: str, columns: tuple[str, ...], asked: Var) -> None:
        """Say that rows where ``var`` (bool, ``[N, 1]``) is False are refused, whatever the pipeline does.

        ``asked`` is what ``var`` was made of: False of a value of the sample, it ends the export.
        """
        self.requirements.append(Requirement(var, message, self.place().step, True, columns))
        self.limits.append((asked, message))

    # ---- constants and the row count -------------------------------------------------------

    def count(self) -> Var:
        """The row count ``N`` of the batch: int64, shape ``[1]``."""
        if self._count is None:
            if self.row_source is None:
                raise UnsupportedError("the traced method has no input to count the rows of")
            self._count = op.shape(self.row_source, start=0, end=1)
        return self._count

    def constant(self, value: np.ndarray) -> Var:
        """``value`` as a graph constant, or as an expression of ``N`` where it follows the row count."""
        value = value.copy()  # the pipeline may write into its array later on
        self.note(f"constant {value.dtype.kind} {value.ndim}-d", (), value)
        if self.previous is None:
            return self._plain(value)
        before = self.previous.entries[len(self.entries) - 1].constant
        assert before is not None
        if _same(before, value):
            return self._plain(value)
        symbolic = self._symbolic(before, value)
        if symbolic is None:
            raise UnsupportedError(
                f"{self.entries[-1].place}\n  a constant differs between samples of {self.previous.rows} and "
                f"{self.rows} rows by more than the row count\n  way out: what is computed here must not "
                "depend on which rows are in the batch, nor on a random number; compute it when fitting"
            )
        return symbolic

    def _plain(self, value: np.ndarray) -> Var:
        if value.dtype.kind in "OU":
            return op.const(np.asarray(value, dtype=np.str_))
        key = (value.dtype.str, value.shape, value.tobytes())
        if value.size > 4096:
            return op.const(np.ascontiguousarray(value).reshape(value.shape))
        if key not in self._constants:
            self._constants[key] = op.const(np.ascontiguousarray(value).reshape(value.shape))
        return self._constants[key]

    def _symbolic(self, before: np.ndarray, value: np.ndarray) -> Var | None:
        """``value`` as an expression of ``N``: a multiple, a range, or one row repeated."""
        assert self.previous is not None
        n1, n2 = self.previous.rows, self.rows
        if before.shape == value.shape:
            if value.ndim > (1 if value.dtype.kind == "i" else 0) or value.dtype.kind not in "if":
                return None
            flat1, flat2 = before.reshape(-1), value.reshape(-1)
            parts: list[Var] = []
            for a, b in zip(flat1.tolist(), flat2.tolist(), strict=True):
                if a != a or a != int(a) or b != int(b):
                    return None
                a, b = int(a), int(b)
                if a == b:
                    parts.append(self._plain(np.array([a], np.int64)))
                elif a % n1 == 0 and b % n2 == 0 and a // n1 == b // n2:
                    parts.append(op.mul(self.count(), self._plain(np.array([a // n1], np.int64))))
                else:
                    return None
            whole = parts[0] if len(parts) == 1 else op.concat(parts, axis=0)
            whole = op.cast(whole, to=value.dtype) if value.dtype != np.int64 else whole
            return op.reshape(whole, self._plain(np.array([], np.int64))) if value.ndim == 0 else whole
        axis = _row_axis(before.shape, value.shape, n1, n2)
        if axis is None:
            return None
        first, again = before.take([0], axis), value.take([0], axis)
        repeated = _same(np.broadcast_to(first, before.shape), before) and _same(
            np.broadcast_to(again, value.shape), value
        )
        if repeated and _same(first, again):
            shape = [self._plain(np.array([size], np.int64)) for size in value.shape]
            shape[axis] = self.count()
            target = shape[0] if len(shape) == 1 else op.concat(shape, axis=0)
            return op.expand(self._plain(first), target)
        if value.size == n2 and value.dtype.kind in "if" and _is_range(before) and _is_range(value):
            zero, one = (self._plain(np.array(i, np.int64)) for i in (0, 1))
            counted = op.range(zero, op.reshape(self.count(), self._plain(np.array([], np.int64))), one)
            shaped = op.reshape(
                counted, self._plain(np.array([-1 if i == axis else 1 for i in range(value.ndim)], np.int64))
            )
            return op.cast(shaped, to=value.dtype) if value.dtype != np.int64 else shaped
        return None


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype != b.dtype and not (a.dtype.kind == b.dtype.kind == "U"):
        return False
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "OU":
        return bool(np.all(a == b))
    return np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def _is_range(value: np.ndarray) -> bool:
    return bool(np.array_equal(value.reshape(-1), np.arange(value.size)))


def _row_axis(a: tuple[int, ...], b: tuple[int, ...], n1: int, n2: int) -> int | None:
    """The one axis along which two shapes follow the row count, None if there is no such axis."""
    if len(a) != len(b):
        return None
    axes = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(axes) != 1 or (a[axes[0]], b[axes[0]]) != (n1, n2):
        return None
    return axes[0]


def tolerance(dtype: np.dtype) -> float:
    """Relative and absolute tolerance of a recorded float: 1e-9 in double, 1e-5 in single precision."""
    return 1e-5 if dtype == np.float32 else 1e-9


def agrees(got: np.ndarray, expected: np.ndarray) -> bool:
    """Floats within :func:`tolerance` (NaN equals NaN), everything else identical."""
    return got.shape == expected.shape and not differing(got, expected).any()


def differing(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Which elements of two arrays of one shape do not agree."""
    if expected.dtype.kind == "f" and got.dtype.kind in "fiub":
        limit = tolerance(expected.dtype)
        return np.asarray(~np.isclose(got, expected, rtol=limit, atol=limit, equal_nan=True))
    return np.asarray(got != expected)


def _within(answer: np.ndarray, entry: Expected) -> bool:
    if np.ndim(entry.room) == 0 or answer.shape != entry.value.shape:
        return False
    with np.errstate(invalid="ignore"):
        off = np.abs(answer.astype(np.float64) - entry.value.astype(np.float64))
    return bool((~differing(answer, entry.value) | (off <= entry.room)).all())


def verify(trace: Trace, evaluate: Callable[[list[Var], list[np.ndarray]], list[np.ndarray]]) -> None:
    """Compare what every recorded operation answers to its real inputs with its real answer.

    Each operation is judged alone: the rounding of those before it cannot tip a comparison at its very edge.

    Parameters
    ----------
    evaluate : gives, for graph values and their real values, what the operations answer to the real ones.

    Raises
    ------
    RecordingError
        With the place and the first differing element.
    UnsupportedError
        If a value of the sample is beyond a limit of the graph.
    """
    got = evaluate([e.var for e in trace.expected], [e.value for e in trace.expected])
    for answer, entry in zip(got, trace.expected, strict=True):
        value = entry.value
        if agrees(answer, value) or _within(answer, entry):
            continue
        beyond = next((message for asked, message in trace.limits if asked is entry.var), None)
        if beyond is not None:
            raise UnsupportedError(
                f"{entry.place}\n  a value of the sample is beyond what a graph follows: {beyond}\n"
                "  way out: leave such rows out of X, or spell the column in one way before the pipeline"
            )
        if answer.shape == value.shape:
            at = tuple(int(i) for i in np.argwhere(np.atleast_1d(differing(answer, value)))[0])
            found = f"element {at}: recorded {np.atleast_1d(answer)[at]!r}, real {np.atleast_1d(value)[at]!r}"
        else:
            found = f"recorded shape {answer.shape}, real shape {value.shape}"
        raise RecordingError(
            f"{entry.place}\n  the recording differs from the pipeline: {found}\n"
            "  way out: report it; nothing was exported"
        )
