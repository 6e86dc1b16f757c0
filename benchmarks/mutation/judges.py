"""Three judges of a mutant: the whole check, the recorded vectors alone, and an ordinary test."""

from __future__ import annotations

import hashlib
import pickle
import signal
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx

import onnxtwin
from mutation.pipelines import Source
from onnxtwin.build.replay import replay
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Vectors
from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.recording import record_vectors
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.reference import Reference

ORDINARY_ROWS = 200
ORDINARY_RTOL = 1e-3

RECORDED_ROWS = 200
"""As ``Twin.save`` records them by default."""

REMEMBERED_BYTES = 2**29


class TookTooLongError(BaseException):
    """A mutant's time is over; no judge may catch it as an answer."""


@dataclass(frozen=True)
class Judgement:
    """Who found the defect.

    Attributes
    ----------
    outcome : ``judged``, ``discarded`` (the mutant does not load, or does not run on the sample) or
        ``timed out``.
    check, vectors, ordinary : whether that judge turned red.
    family : of the cases that turned the whole check red; empty where none did.
    """

    outcome: str
    check: bool = False
    vectors: bool = False
    ordinary: bool = False
    family: str = ""


class Subject:
    """A pipeline with its correct twin, and the three judges.

    Raises
    ------
    AssertionError : one of the judges is red for the correct graph, so that its verdicts would mean nothing.
    """

    def __init__(self, source: Source, seed: int = 0) -> None:
        self.pipeline, held_out = source.make()
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(len(held_out))[: source.rows])
        self.X = held_out.iloc[chosen].reset_index(drop=True)
        self.twin = onnxtwin.export(self.pipeline, self.X)
        self.model: onnx.ModelProto = self.twin.model
        self._memory = Memory()
        session = self._session(self.model)
        with self._memory.of(self.pipeline):
            self.vectors: Vectors = record_vectors(
                session, self.pipeline, self.X, rows_are="shuffled", rows=RECORDED_ROWS, seed=seed
            )
            few = np.sort(rng.permutation(len(self.X))[:ORDINARY_ROWS])
            self._few = self.X.iloc[few].reset_index(drop=True)
            self._answers = {
                method: getattr(self.pipeline, method)(self._few) for method in self.twin.methods
            }
        judged = self.judge(self.model)
        assert judged == Judgement("judged"), f"{source.name}: the correct graph is {judged}"

    def _session(self, model: onnx.ModelProto) -> Session:
        return Session(model.SerializeToString(), self.twin.signature)

    def judge(self, model: onnx.ModelProto, seconds: int | None = None) -> Judgement:
        """All three verdicts on one graph, within so many seconds."""
        with warnings.catch_warnings(), self._memory.of(self.pipeline):
            warnings.simplefilter("ignore")
            try:
                session = self._session(model)
                session.run_tensors({name: tensor[:3] for name, tensor in self.vectors.inputs.items()})
            except OnnxTwinError:
                return Judgement("discarded")
            try:
                with time_limit(seconds):
                    return self._verdicts(session, model)
            except TookTooLongError:
                return Judgement("timed out")

    def _verdicts(self, session: Session, model: onnx.ModelProto) -> Judgement:
        family = self._check(session, model)
        return Judgement(
            "judged",
            check=bool(family),
            vectors=not self._replayed(session),
            ordinary=not self._ordinary(session),
            family=family,
        )

    def _check(self, session: Session, model: onnx.ModelProto) -> str:
        """The family of cases that turned the check red; empty where none did."""
        try:
            report = check(
                session,
                self.pipeline,
                self.X,
                signature=self.twin.signature,
                model=model.SerializeToString(),
                fail_fast=True,
            )
        except OnnxTwinError:
            # The runtime stops in the middle of a run: the gate ends with exit code 3, not with 0.
            return "stopped"
        if report.ok:
            return ""
        tallies = [(name, tally) for method in report.methods for name, tally in method.families.items()]
        return next((name for name, tally in tallies if tally.wrong), tallies[-1][0])

    def _replayed(self, session: Session) -> bool:
        try:
            return replay(session, self.vectors).ok
        except OnnxTwinError:
            return False

    def _ordinary(self, session: Session) -> bool:
        """200 sample rows, ``assert_allclose(rtol=1e-3)``; labels have to be equal."""
        try:
            found = session.run(self._few)
            for method, expected in self._answers.items():
                expected, answer = np.asarray(expected), np.asarray(found[method])
                if expected.dtype.kind == "f":
                    np.testing.assert_allclose(answer, expected, rtol=ORDINARY_RTOL)
                else:
                    np.testing.assert_array_equal(answer, expected)
        except (AssertionError, OnnxTwinError):
            return False
        return True


class Memory:
    """The pipeline's answers to rows that it has answered before, because most mutants meet the same rows."""

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    @contextmanager
    def of(self, pipeline: Any) -> Iterator[None]:
        """While active, checks against this pipeline (not against copies of it) remember."""
        answer = Reference.call

        def call(reference: Reference, method: str, X: Any) -> Any:
            if reference.pipeline is not pipeline:
                return answer(reference, method, X)
            pickled = pickle.dumps(X, protocol=5)
            key = hashlib.blake2b(pickled, person=method.encode()[:16]).digest()
            if key not in self._answers:
                self._keep(key, answer(reference, method, X), len(pickled))
            return self._answers[key][0]

        with patch.object(Reference, "call", call):
            yield

    def _keep(self, key: bytes, answer: Any, size: int) -> None:
        self._answers[key] = answer, size
        self._bytes += size
        while self._bytes > REMEMBERED_BYTES and len(self._answers) > 1:
            self._bytes -= self._answers.popitem(last=False)[1][1]


@contextmanager
def time_limit(seconds: int | None) -> Iterator[None]:
    """Raise :class:`TookTooLongError` in the main thread once the time is over."""

    def ring(number: int, frame: Any) -> None:
        raise TookTooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds or 0)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
