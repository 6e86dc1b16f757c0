"""The pipeline as the reference: its own answers on raw rows, and which rows it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError
from threadpoolctl import ThreadpoolController

from onnxtwin.exporters.errors import CheckError, InputError, LimitError, OnnxTwinError, is_refusal
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.compare import Answer, BoolArray, join, parts
from onnxtwin.runtime_checks.enclosures import Bounds, Enclosures
from onnxtwin.runtime_checks.rows import Rows, count, take

Ints = npt.NDArray[np.int64]


def _twin_refuses(error: Exception) -> bool:
    return isinstance(error, InputError)


@dataclass
class Answers:
    """Answers to some rows.

    Attributes
    ----------
    accepted : ``[N]`` bool, which of the rows were answered.
    methods : per method the answer to the accepted rows, in their order.
    refusals : position of a refused row → the error's text.
    limited : positions of the refused rows that are beyond a limit that the contract declares.
    """

    accepted: BoolArray
    methods: dict[str, Answer] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)
    limited: frozenset[int] = frozenset()


def ask(
    call: Callable[[Rows], dict[str, Answer]],
    X: Rows,
    refuses: Callable[[Exception], bool],
    apart: BoolArray | None = None,
) -> Answers:
    """Answer the rows as one batch; where that raises, halve until the refused rows are alone.

    Refused rows cost about ``2 * log2(N)`` calls each, rows that are answered cost one call together. Where
    only those ``apart`` are refused, they cost one call each.

    Parameters
    ----------
    apart : ``[N]``, rows that are likely to be refused and are asked alone.
    """
    if apart is not None and apart.any():
        return _apart(call, X, refuses, apart)
    n = count(X)
    try:
        return Answers(np.ones(n, dtype=np.bool_), call(X))
    except NotFittedError as error:
        raise CheckError(f"the pipeline is not fitted: {error} Fit it before checking its twin.") from error
    except Exception as error:
        if not refuses(error):
            raise
        if n <= 1:
            text = f"{type(error).__name__}: {error}".strip()
            limited = frozenset(range(n)) if isinstance(error, LimitError) else frozenset()
            return Answers(np.zeros(n, dtype=np.bool_), {}, {0: text} if n else {}, limited)
    half = n // 2
    places = np.arange(n)
    halves = (places[:half], places[half:])
    return _merged(n, [(at, ask(call, take(X, at), refuses)) for at in halves])


def _apart(
    call: Callable[[Rows], dict[str, Answer]],
    X: Rows,
    refuses: Callable[[Exception], bool],
    apart: BoolArray,
) -> Answers:
    groups = [np.flatnonzero(~apart), *np.flatnonzero(apart)[:, None]]
    return _merged(count(X), [(at, ask(call, take(X, at), refuses)) for at in groups if len(at)])


def _merged(n: int, groups: Sequence[tuple[Ints, Answers]]) -> Answers:
    """The answers to groups of rows, each with its places, as the answers to all in their order."""
    accepted = np.zeros(n, dtype=np.bool_)
    refusals: dict[int, str] = {}
    limited: set[int] = set()
    for at, side in groups:
        accepted[at] = side.accepted
        refusals |= {int(at[i]): text for i, text in side.refusals.items()}
        limited |= {int(at[i]) for i in side.limited}
    answered = [(at[side.accepted], side.methods) for at, side in groups if side.methods]
    if not answered:
        return Answers(accepted, {}, refusals, frozenset(limited))
    order = np.argsort(np.concatenate([at for at, _ in answered]), kind="stable")
    methods = {name: join([side[name] for _, side in answered]) for name in answered[0][1]}
    if (order != np.arange(len(order))).any():
        methods = {name: [p.rows(order) for p in answer] for name, answer in methods.items()}
    return Answers(accepted, methods, refusals, frozenset(limited))


FEW_ROWS = 1000
"""Up to so many rows are answered with one OpenMP thread: on a busy machine a boosted model's threads wait
for each other longer than they work (10 ms instead of 1 ms a call), and cases make many small calls."""


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


class Reference:
    """Calls the pipeline's methods and normalises what they return.

    Attributes
    ----------
    sample : rows that the pipeline answers, of the types that it is called with.
    """

    def __init__(self, pipeline: Any, methods: Sequence[str], signature: Signature | None) -> None:
        for method in methods:
            if not hasattr(pipeline, method):
                raise CheckError(
                    f"the pipeline {type(pipeline).__name__} has no method {method!r}, "
                    "which the twin answers. "
                    "Check the twin against the pipeline it was exported from."
                )
        self.pipeline = pipeline
        self.methods = tuple(methods)
        self.sample: Rows | None = None
        self._signature = signature
        self._enclosures: Enclosures | None = None
        self._traced = False
        self._last: tuple[Rows, Answers] | None = None
        self._labels = {
            output.method
            for output in (signature.outputs if signature else ())
            if output.labels and output.method == "predict"
        }
        if "predict" in self.methods and hasattr(pipeline, "classes_"):
            self._labels.add("predict")

    def normalise(self, method: str, answer: Any) -> Answer:
        """Take an answer of either side apart, the same way."""
        return parts(method, answer, labels=method in self._labels)

    def call(self, method: str, X: Rows) -> Any:
        """What the pipeline's method returns for a copy of the rows; errors pass through."""
        rows = take(X, slice(None))
        if count(X) > FEW_ROWS:
            return getattr(self.pipeline, method)(rows)
        # BLAS keeps its threads, for its sums may depend on them.
        with _threads().limit(limits=1, user_api="openmp"):
            return getattr(self.pipeline, method)(rows)

    def one(self, method: str, X: Rows) -> Answer:
        """The pipeline's answer of one method; errors pass through."""
        return self.normalise(method, self.call(method, X))

    def ask(self, X: Rows, apart: BoolArray | None = None) -> Answers:
        """The pipeline's answers; a row that any of the methods refuses counts as refused.

        The rows that were asked last are not asked again: who makes rows may ask before handing them over.

        Parameters
        ----------
        apart : ``[N]``, rows that are likely to be refused.
        """
        if self._last is None or self._last[0] is not X:
            self._last = X, ask(self._call, X, is_refusal, apart)
        return self._last[1]

    def _call(self, X: Rows) -> dict[str, Answer]:
        return {method: self.one(method, X) for method in self.methods}

    def enclosures(self, X: Rows, method: str) -> list[Bounds] | None:
        """What correct programs may answer to the rows; None where the pipeline's code cannot be traced."""
        if not self._traced:
            self._traced = True
            sample = X if self.sample is None else self.sample
            # What somebody else's signature says of rows may not hold: then the pipeline is asked.
            for signature in [self._signature, None] if self._signature is not None else [None]:
                try:
                    self._enclosures = Enclosures(self.pipeline, self.methods, sample, signature)
                    break
                except Exception as error:  # code that cannot be traced has no bounds
                    if not isinstance(error, OnnxTwinError) and not is_refusal(error):
                        raise
        return None if self._enclosures is None else self._enclosures.of(method, X)

    def accepts(self, X: Rows) -> bool:
        """Whether the pipeline answers these rows as one batch."""
        if self._last is not None and self._last[0] is X:
            return bool(self._last[1].accepted.all())
        try:
            methods = self._call(X)
        except NotFittedError as error:
            raise CheckError(f"the pipeline is not fitted: {error}") from error
        except Exception as error:
            if not is_refusal(error):
                raise
            return False
        self._last = X, Answers(np.ones(count(X), dtype=np.bool_), methods)
        return True


class Candidate:
    """The twin, or whatever stands in for it: an object whose ``run`` answers all methods at once."""

    def __init__(self, answers: Any, reference: Reference) -> None:
        if not callable(getattr(answers, "run", None)):
            raise CheckError(
                f"a check needs something that answers: an object with run(X) -> dict of method "
                f"to array; found {type(answers).__name__}"
            )
        self._answers = answers
        self._reference = reference

    def _call(self, X: Rows) -> dict[str, Answer]:
        found = self._answers.run(X)
        lacking = [method for method in self._reference.methods if method not in found]
        if lacking:
            raise CheckError(f"the twin does not answer {lacking}; it answers {sorted(found)}")
        return {
            method: self._reference.normalise(method, found[method]) for method in self._reference.methods
        }

    def ask(self, X: Rows) -> Answers:
        """The twin's answers; InputError and DomainError are refusals, any other error ends the check."""
        return ask(self._call, X, _twin_refuses)

    def whole(self, X: Rows) -> dict[str, Answer] | None:
        """The twin's answers to rows of any form; None if it raises, whatever it is that it raises."""
        try:
            return self._call(take(X, slice(None)))
        except Exception as error:
            if not is_refusal(error):
                raise
            return None

    def refuses(self, X: Rows) -> BoolArray:
        """Row by row, whether the twin refuses: a caller may send any row alone."""
        return np.array([not self.ask(take(X, [i])).accepted[0] for i in range(count(X))], dtype=np.bool_)
