"""Draws pipelines, exports and checks each, and keeps the results."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import onnxtwin
from correct.arithmetic import Arithmetic, computed_in
from correct.pipelines import Case, case
from onnxtwin import errors

ROOT = Path(__file__).parents[2]
SOURCES = ("exporters", "build", "runtime_checks", "onnxtwin", "benchmarks/correct")

TRIED = "tried"
"""Written before a pipeline is checked: where nothing follows, it ended the process."""

EQUAL, UNEQUAL, REFUSED, ENDED = "equal", "unequal", "refused", "ended the process"

ORDINARY = "ordinary"

LETTERS = 1500
"""Kept of a row."""


@dataclass(frozen=True)
class Alarm:
    """What turned a check red.

    Attributes
    ----------
    arithmetic : of the reference, ``ordinary`` where it was this machine's.
    family : of cases; empty where it was no row.
    row : the worst of the family, as one would type it, with both sides' answers; or what was said instead.
    rows : that the family was red on.
    """

    arithmetic: str
    family: str
    row: str
    rows: int


@dataclass(frozen=True)
class Result:
    """One pipeline.

    Attributes
    ----------
    outcome : ``equal``, ``unequal``, ``refused`` (UnsupportedError), ``not fitted``; or what else went wrong.
    arithmetic : in which it was checked as well; empty where it sums nothing.
    compared, undetermined : rows of the ordinary check, over all methods.
    export_seconds, check_seconds : of the processor.
    """

    seed: int
    number: int
    recipe: str
    pipeline: str
    outcome: str
    note: str = ""
    arithmetic: str = ""
    compared: int = 0
    undetermined: int = 0
    export_seconds: float = 0.0
    check_seconds: float = 0.0
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def checked(self) -> bool:
        """Whether there was a verdict."""
        return self.outcome in (EQUAL, UNEQUAL)

    def red(self, ordinary: bool) -> bool:
        """Whether it was called unequal against this machine's arithmetic, or another."""
        return any((alarm.arithmetic == ORDINARY) == ordinary for alarm in self.alarms)


def state() -> str:
    """A digest of the project's code: results of other code are not gone on with."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


class TooMuchError(BaseException):
    """A pipeline's processor time is used up; nothing may catch it as an answer."""


@contextmanager
def processor_limit(seconds: int | None) -> Iterator[None]:
    """Raise :class:`TooMuchError` in the main thread after so much processor time, whatever else runs."""

    def ring(number: int, frame: Any) -> None:
        raise TooMuchError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds or 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def read(path: Path) -> dict[int, Result]:
    """The results so far by number, the last of each; a line that was cut off is left out."""
    results = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            told = json.loads(line)
        except json.JSONDecodeError:
            continue
        result = Result(**told | {"alarms": [Alarm(**alarm) for alarm in told["alarms"]]})
        results[result.number] = result
    return results


def run(path: Path, *, seed: int, numbers: list[int], workers: int, seconds: int) -> list[Result]:
    """Check the pipelines that ``path`` has no result of yet, and append theirs.

    Parameters
    ----------
    workers : processes at work at the same time.
    seconds : of the processor, after which a pipeline is given up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        parts = [numbers[i::workers] for i in range(workers)]
        for task in [pool.submit(_run_part, path, seed, part, seconds) for part in parts]:
            task.result()
    wanted = set(numbers)
    return [result for number, result in sorted(read(path).items()) if number in wanted]


def _run_part(path: Path, seed: int, numbers: list[int], seconds: int) -> None:
    """Check in a process, and in another one if a pipeline ends the process.

    Raises
    ------
    RuntimeError : the process failed by itself.
    """
    context = multiprocessing.get_context("spawn")
    while True:
        left = [n for n in numbers if n not in read(path)]
        if not left:
            return
        process = context.Process(target=_check_part, args=(path, seed, left, seconds))
        process.start()
        process.join()
        tried = [result for n, result in read(path).items() if n in left and result.outcome == TRIED]
        if process.exitcode and not tried:
            raise RuntimeError(f"the process ended with {process.exitcode}, not at a pipeline")
        for result in tried:
            _append(path, Result(seed, result.number, result.recipe, result.pipeline, ENDED))


def _check_part(path: Path, seed: int, numbers: list[int], seconds: int) -> None:
    for number in numbers:
        for result in checked(seed, number, seconds):
            _append(path, result)
        print(told(result), flush=True)  # noqa: T201 - a command's output


def _append(path: Path, result: Result) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def told(result: Result) -> str:
    """A line on one result, and one on each alarm."""
    seconds = f"export {result.export_seconds:4.1f} s, check {result.check_seconds:5.1f} s"
    name = f"{result.recipe}: {result.pipeline} {result.note}"
    head = f"{result.number:4d} {result.outcome:8s} {seconds}  {name}"
    alarms = [f"       {a.arithmetic}, {a.family}, {a.rows} rows: {a.row}" for a in result.alarms]
    return "\n".join([head, *alarms])


def arithmetic(seed: int, number: int) -> Arithmetic:
    """The other arithmetic that a pipeline is checked in."""
    rng = np.random.default_rng([seed, number, 1])
    return Arithmetic(
        lanes=int(rng.choice([1, 2, 3, 4, 8, 16])),
        reverse=bool(rng.integers(2)),
        fused=bool(rng.integers(2)),
        functions=int(rng.integers(2**32)) if rng.random() < 0.5 else None,
    )


def checked(seed: int, number: int, seconds: int | None) -> Iterator[Result]:
    """Export and check one pipeline; its result is yielded as tried first."""
    try:
        subject = case(seed, number)
    except ValueError as error:
        yield Result(seed, number, "", "", "not fitted", _line(str(error)))
        return
    start = Result(seed, number, subject.recipe, subject.text, TRIED)
    yield start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with processor_limit(seconds):
                yield _verdict(start, subject)
        except errors.UnsupportedError as error:
            yield _ended(start, REFUSED, str(error))
        except TooMuchError:
            yield _ended(start, "timed out", "")
        except Exception as error:  # noqa: BLE001 - whatever a user would meet is a result
            yield _ended(start, "failed", f"{type(error).__name__}: {error}")


def _ended(start: Result, outcome: str, note: str) -> Result:
    return Result(
        start.seed, start.number, start.recipe, start.pipeline, outcome, " ".join(note.split())[:400]
    )


def _verdict(start: Result, subject: Case) -> Result:
    begun = time.process_time()
    twin = onnxtwin.export(subject.pipeline, subject.sample, methods=subject.methods)
    exported = time.process_time()
    report = twin.check(subject.held_out, fail_fast=True)
    done = time.process_time()
    alarms = _alarms(report, ORDINARY)
    other = arithmetic(start.seed, start.number)
    text = str(other)
    with computed_in(other):
        for method in twin.methods:
            getattr(subject.pipeline, method)(subject.held_out)
        if other.used:
            alarms += _alarms(twin.check(subject.held_out, fail_fast=True), text)
    total = [method.total for method in report.methods]
    return Result(
        start.seed,
        start.number,
        start.recipe,
        start.pipeline,
        UNEQUAL if alarms else EQUAL,
        arithmetic=text if other.used else "",
        compared=sum(tally.rows for tally in total),
        undetermined=sum(tally.undetermined for tally in total),
        export_seconds=round(exported - begun, 2),
        check_seconds=round(done - exported, 2),
        alarms=alarms,
    )


def _alarms(report: onnxtwin.Report, arithmetic: str) -> list[Alarm]:
    if report.ok:
        return []
    alarms = []
    for method in report.methods:
        for name, tally in method.families.items():
            if tally.wrong:
                alarms.append(Alarm(arithmetic, name, _row(method, name, tally), tally.wrong))
        alarms += [Alarm(arithmetic, "", f"{method.method}: {problem}", 0) for problem in method.problems]
    alarms += [Alarm(arithmetic, "", str(problem), 0) for problem in report.problems]
    return alarms or [Alarm(arithmetic, "", f"the verdict is {report.verdict}", 0)]


def _row(method: Any, family: str, tally: Any) -> str:
    if tally.mismatched and tally.worst is not None:
        worst = tally.worst.to_json()
        values = f"{worst['output']}: {worst['expected']} but {worst['found']} ({worst['ulps']} ulps)"
        return _line(f"{values} for {worst['source']}")
    noted = [note.to_json() for note in method.domain if note.family == family]
    return _line(f"{method.method}: {noted[0]['text']} for {noted[0]['row']}") if noted else method.method


def _line(text: str) -> str:
    return " ".join(text.split())[:LETTERS]
