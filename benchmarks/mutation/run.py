"""Runs the benchmark: draws mutants, judges each, tries to prove it harmless, and keeps the results."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import onnx

from mutation.judges import Judgement, Subject
from mutation.mutators import draw
from mutation.pipelines import SOURCES, Source
from mutation.proofs import Prover
from mutation.site import Site, plant

EQUIVALENT = "equivalent"
WITHIN_TOLERANCE = "within tolerance"

ENDED = "ended the process"
TRIED = "tried"
"""Written before a mutant is judged: where nothing follows, it ended the process (an integer / 0)."""


@dataclass(frozen=True)
class Result:
    """One mutant.

    Attributes
    ----------
    graph : digest of the correct graph that the mutant was made of.
    proof : ``equivalent``, ``within tolerance``, or empty; ``reason`` says how it was proven.
    seconds : that judging and proving took.
    """

    pipeline: str
    graph: str
    seed: int
    kind: str
    where: str
    outcome: str
    check: bool
    vectors: bool
    ordinary: bool
    family: str
    proof: str
    reason: str
    seconds: float

    @property
    def refuted(self) -> bool:
        """Whether a judge saw what a proof says cannot be seen: a mistake in the proof."""
        # An ordinary test takes 1e-300 for a wrong 0; the tolerance does not.
        seen = self.check or self.vectors or (self.ordinary and self.proof == EQUIVALENT)
        return bool(self.proof) and seen

    @property
    def used(self) -> bool:
        """Whether it loads and runs, and so could be judged."""
        return self.outcome not in ("discarded", ENDED)

    @property
    def counts(self) -> bool:
        """Whether it is a defect that a judge should find."""
        return self.used and not self.proof


def key(pipeline: str, graph: str, seed: int, site: Site) -> tuple[str, str, int, str, str]:
    """What identifies a mutant."""
    return pipeline, graph, seed, site.kind, site.where


def read(path: Path) -> list[Result]:
    """The results so far, the last of each mutant; a line that was cut off is left out."""
    results: dict[tuple[str, str, int, str, str], Result] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            result = Result(**json.loads(line))
        except json.JSONDecodeError:
            continue
        results[result.pipeline, result.graph, result.seed, result.kind, result.where] = result
    return list(results.values())


def run(
    path: Path, *, pipelines: list[str], mutants: int, seed: int, processes: int, seconds: int
) -> list[Result]:
    """Judge the mutants that ``path`` has no result of yet, and append theirs.

    Parameters
    ----------
    pipelines : names; ``mutants`` of each, times its share.
    processes : at work at the same time, a pipeline each.
    seconds : after which a mutant counts as not found (``timed out``).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(processes) as pool:
        tasks = [pool.submit(_run_pipeline, path, name, mutants, seed, seconds) for name in pipelines]
        for task in tasks:
            print(task.result(), flush=True)  # noqa: T201 - a command's output
    return [result for result in read(path) if result.outcome != TRIED]


def _run_pipeline(path: Path, name: str, mutants: int, seed: int, seconds: int) -> str:
    """Judge the mutants of one pipeline in a process, and in another one if a mutant ends the process.

    Raises
    ------
    RuntimeError : the process failed by itself.
    """
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    ended = 0
    while True:
        process = context.Process(target=_judge_pipeline, args=(path, name, mutants, seed, seconds))
        process.start()
        process.join()
        if process.exitcode == 0:
            return f"{name}: {time.perf_counter() - started:.0f} s, {ended} mutants ended the process"
        before, ended = ended, _ended(path, name, seed)
        if process.exitcode is None or process.exitcode > 0 or ended == before:
            raise RuntimeError(f"{name}: the process ended with {process.exitcode}, not at a mutant")


def _ended(path: Path, name: str, seed: int) -> int:
    """Mutants of a pipeline that ended their process."""
    return sum(r.outcome in (TRIED, ENDED) for r in read(path) if (r.pipeline, r.seed) == (name, seed))


def _judge_pipeline(path: Path, name: str, mutants: int, seed: int, seconds: int) -> None:
    with path.open("a", encoding="utf-8") as file:
        for result in judged(SOURCES[name], mutants, seed, seconds, read(path)):
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()


def judged(
    source: Source, mutants: int, seed: int, seconds: int | None, known: list[Result] | None = None
) -> Iterator[Result]:
    """Judge mutants of one pipeline, each yielded as tried first; known survivors are only proven anew."""
    subject = Subject(source, seed)
    graph = hashlib.sha256(subject.model.SerializeToString(deterministic=True)).hexdigest()[:16]
    done = {(r.pipeline, r.graph, r.seed, r.kind, r.where): r for r in known or ()}
    row = {name: tensor[:1] for name, tensor in subject.vectors.inputs.items()}
    prover = Prover(subject.model, subject.twin.signature, row)
    for site in draw(subject.model, round(mutants * source.share), seed):
        earlier = done.get(key(source.name, graph, seed, site))
        if earlier is not None:
            if earlier.outcome == TRIED:
                yield replace(earlier, outcome=ENDED)
            elif earlier.counts and not earlier.check:
                proof, reason = _proven(prover, site, plant(subject.model, site), source.link)
                yield replace(earlier, proof=proof, reason=reason)
            continue
        yield _result(source.name, graph, seed, site, Judgement(TRIED), "", "", 0.0)
        started = time.perf_counter()
        mutant = plant(subject.model, site)
        judgement = subject.judge(mutant, seconds)
        proof, reason = "", ""
        # The prover gets mutants that were found as well: a proof about one of them is a mistake.
        if judgement.outcome != "discarded":
            proof, reason = _proven(prover, site, mutant, source.link)
        yield _result(source.name, graph, seed, site, judgement, proof, reason, time.perf_counter() - started)


def _proven(prover: Prover, site: Site, mutant: onnx.ModelProto, link: float | None) -> tuple[str, str]:
    if (found := prover.equivalent(site, mutant)) is not None:
        return EQUIVALENT, found
    if (found := prover.harmless(site, mutant, link)) is not None:
        return WITHIN_TOLERANCE, found
    return "", ""


def _result(
    pipeline: str,
    graph: str,
    seed: int,
    site: Site,
    judgement: Judgement,
    proof: str,
    reason: str,
    seconds: float,
) -> Result:
    return Result(
        pipeline,
        graph,
        seed,
        site.kind,
        site.where,
        **asdict(judgement),
        proof=proof,
        reason=reason,
        seconds=round(seconds, 2),
    )
