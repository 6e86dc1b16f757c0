"""The check: stream rows through the pipeline and its twin, compare, and report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.quiet import quiet_calls
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks.cases import SAMPLE, Form, Regrouped, families
from onnxtwin.runtime_checks.cases.registry import generated
from onnxtwin.runtime_checks.compare import (
    Answer,
    BoolArray,
    Tolerance,
    Tolerances,
    demand_known,
    empty_differs,
    failing,
    layout_differs,
    tolerance_of,
)
from onnxtwin.runtime_checks.coverage.instrument import Instrument, instrument
from onnxtwin.runtime_checks.coverage.recorder import MOST_OF_SAMPLE, Recorder
from onnxtwin.runtime_checks.domain import DomainAudit, beyond_limits
from onnxtwin.runtime_checks.environment import environment
from onnxtwin.runtime_checks.locate import locate
from onnxtwin.runtime_checks.measure import measure
from onnxtwin.runtime_checks.metrics import MetricLike, Metrics, targets
from onnxtwin.runtime_checks.minimal import minimal_row
from onnxtwin.runtime_checks.progress import Advance, Tracker
from onnxtwin.runtime_checks.reference import Candidate, Reference
from onnxtwin.runtime_checks.report import LISTED, MethodReport, Noted, Report
from onnxtwin.runtime_checks.rows import (
    Rows,
    batches,
    check_columns,
    check_form,
    check_rows,
    count,
    take,
    typed_row,
)
from onnxtwin.runtime_checks.stability import Positions, Stability
from onnxtwin.runtime_checks.streams import Reservoir, Stream, stream_of
from onnxtwin.runtime_checks.verdict import ENOUGH, Examiner

BATCH_ROWS = 100_000
"""Fewer cost more: a boosted model starts its threads anew for each tree and batch."""

BATCH_BYTES = 2**26
"""A batch is so small that no answer needs more than 64 MB when dense (a tf-idf row may be 1 MB)."""

HOPELESS = 200
"""If the pipeline refuses each of so many rows at the start, and there are more, these are not its rows."""

KEPT = 32
"""Rows that differ and rows that do not, kept for the localisation."""

SAMPLED = 10_000
"""Of so many of the user's rows, drawn at random, the cases are made."""


def check(
    answers: Any,
    pipeline: Any,
    X: Rows | Stream,
    *,
    signature: Signature,
    methods: Sequence[str] | None = None,
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
    enforce_domain: bool = True,
    model: Any = None,
    runtime: str = "python",
    fail_fast: bool = False,
) -> Report:
    """Compare the answers of a twin with the pipeline's, on the user's rows and on hostile ones.

    Parameters
    ----------
    answers : the twin: an object whose ``run(X)`` gives a dict of method to ndarray, list or
        DataFrame, and raises ``InputError`` or ``DomainError`` for rows outside its domain.
    pipeline : the fitted estimator; the reference.
    X : raw rows, as ``pipeline.predict`` takes them: DataFrame, 2-D ndarray, or list, Series or
        1-D ndarray of str; or a :class:`Stream` of them, of which a batch and a sample are in memory.
    signature : the twin's; tells columns, how they can be missing, and the methods.
    methods : the methods to compare; all of the signature's by default.
    rtol, atol : a float passes if ``|twin - pipeline| <= atol + rtol * |pipeline|``; None for what the
        signature promises (1e-9 both, more where the pipeline computes in float32). Labels,
        categories, integers and texts must be equal.
    tolerances : output (``predict_proba``, ``predict_proba.1``, ``transform[age]``) → its own
        ``(rtol, atol)``, or one number for both; 0 demands equal bits.
    y : targets of the rows, ``[N]`` or ``[N, k]``: metrics are computed from both sides and must be equal.
        A stream brings its own.
    metrics : those wanted (:data:`onnxtwin.runtime_checks.metrics.MetricLike`); by default accuracy and
        log loss of a classifier, mean squared error and R² of a regressor.
    cases : whether to make hostile rows too, or the names of the families wanted.
    batch_size : rows a batch; by default 100,000, fewer where an answer is wide.
    seed : of the generator that picks the rows which cases are made from.
    thorough : whether to make cases several times over, from other rows each time, and more at the
        boundaries: for a nightly run.
    progress : called with a :class:`~onnxtwin.runtime_checks.progress.Step` after each batch of the user's
        rows, and when a family of cases begins.
    enforce_domain : whether the twin must refuse what the pipeline refuses. False for a bare
        graph, which cannot raise.
    model : the graph (bytes, path or ``ModelProto``), to find the first step that differs; by
        default ``answers.model`` where there is one.
    runtime : named in the report.
    fail_fast : end at the first batch in which the twin is wrong; the report then counts the rows up to
        there, and does not say where in the graph it went wrong.

    Returns
    -------
    Report : ``report.ok`` is True only if rows were compared and all that could be decided are equal. Ended
        by Ctrl-C, a check reports on the rows up to there, names the families that it had not finished in
        ``report.unfinished``, and is not ok.

    Raises
    ------
    CheckError : the check cannot be carried out: not rows, or not the pipeline's rows, an unfitted
        pipeline, a method that one side lacks, an unknown family, a batch size below one, a tolerance
        that is negative or of no output, targets that are not one a row, a metric that cannot be computed.
    """
    stream = stream_of(X, y)
    if batch_size is not None and batch_size < 1:
        raise CheckError(f"batch_size is {batch_size}; it must be at least 1, or None for a size that fits")
    wanted = tuple(methods) if methods is not None else signature.methods
    if not wanted:
        raise CheckError("no method to compare: the signature names none")
    tolerance = tolerance_of(rtol, atol, tolerances, wanted, signature)
    reference = Reference(pipeline, wanted, signature)
    run = _Run(reference, Candidate(answers, reference), tolerance, enforce_domain, fail_fast)
    with quiet_calls():  # hostile rows make pipelines warn of unknown categories and the like, once a batch
        sampled = Reservoir(SAMPLED, seed)
        tracker = Tracker([SAMPLE, *families(cases)], stream.rows, progress)
        # What was compared before Ctrl-C stays compared.
        with contextlib.suppress(KeyboardInterrupt):
            done, refused = 0, None
            for rows, truth in _sized(stream, run, signature, batch_size):
                if truth is None and metrics:
                    raise CheckError("metrics need the targets of the rows: y")
                if truth is not None and run.metrics is None:
                    run.metrics = Metrics(metrics, reference, tolerance)
                if not done:
                    run.graph = instrument(answers, signature, rows, model)
                    run.recorder = Recorder(run.graph) if run.graph is not None and not fail_fast else None
                # A case made from a row that the pipeline refuses is refused, and refusals cost calls.
                accepted = reference.ask(rows).accepted
                if reference.sample is None and accepted.any():
                    reference.sample = take(rows, accepted)
                sampled.add(take(rows, accepted))
                refused = rows if refused is None and not accepted.any() else refused
                run.chunk(SAMPLE, rows, done, truth)
                done += count(rows)
                tracker.rows(done)
                if fail_fast and run.failed:
                    break
            base = sampled.rows()
            base = refused if base is None else base
            for name, generate in families(cases, run.graph, thorough).items() if done else ():
                if fail_fast and run.failed:
                    break
                tracker.begins(name)
                for case in generated(name, generate, reference, signature, base, seed, thorough):
                    run.case(name, case)
                    if fail_fast and run.failed:
                        break
            tracker.ends()
        report = Report(runtime, tolerance, list(run.reports.values()), environment=environment(answers))
        report.unfinished = tuple(tracker.left)
        if run.metrics is not None and not any(m.problems for m in report.methods):
            report.metrics = run.metrics.scores()
        if run.recorder is not None:
            report.coverage = run.recorder.coverage()
        if run.wrong is not None and not fail_fast and not report.unfinished:
            graph = model if model is not None else getattr(answers, "model", None)
            with contextlib.suppress(KeyboardInterrupt):
                report.location = locate(graph, answers, reference, report.tolerance, run.right, run.wrong)
                report.minimal = minimal_row(reference, run.candidate, tolerance, signature, base, run.wrong)
    if not any(m.families[SAMPLE].rows for m in report.methods if SAMPLE in m.families) and report.rows:
        report.problems.append(
            "none of the rows handed in was compared: the pipeline refuses every one of them"
        )
    limited = beyond_limits(report.methods, SAMPLE)
    report.problems += [limited] if limited else []
    return report


def _sized(
    stream: Stream, run: _Run, signature: Signature, batch_size: int | None
) -> Iterator[tuple[Rows, Any]]:
    """The stream's rows and targets in batches of a size that fits, learnt from the first of them."""
    size = batch_size
    for rows, y in stream.batches(batch_size or BATCH_ROWS):
        check_rows(rows)
        check_columns(rows, signature)
        if run.enforce_domain:
            check_form(rows, signature)
        truth = None if y is None else targets(y, count(rows))
        size = size or run.batch_size(rows)
        if count(rows) <= size:
            yield rows, truth
            continue
        for start, part in batches(rows, size):
            yield part, None if truth is None else truth[start : start + size]


class _Run:
    """The state of one check."""

    def __init__(
        self,
        reference: Reference,
        candidate: Candidate,
        tolerance: Tolerance,
        enforce_domain: bool,
        fail_fast: bool,
    ) -> None:
        self.reference = reference
        self.candidate = candidate
        self.tolerance = tolerance
        self.enforce_domain = enforce_domain
        self.metrics: Metrics | None = None
        self.examiner = Examiner(reference, tolerance, 1 if fail_fast else ENOUGH)
        self.stability = Stability(tolerance)
        self.reports = {method: MethodReport(method) for method in reference.methods}
        self.domain = DomainAudit(reference, self.reports.values())
        self.right: Rows | None = None
        self.wrong: Rows | None = None
        self.graph: Instrument | None = None
        self.recorder: Recorder | None = None
        self._template: dict[str, Answer] = {}
        self._demanded = False

    @property
    def failed(self) -> bool:
        """Whether anything so far turns the verdict red."""
        return any(report.problems or report.total.wrong for report in self.reports.values())

    def batch_size(self, X: Rows) -> int:
        """Rows that keep each dense answer below :data:`BATCH_BYTES`, learnt from the first rows."""
        probe = self.reference.ask(take(X, slice(0, 16)))
        if not probe.accepted.any() and count(X) > HOPELESS:
            probe = self.reference.ask(take(X, slice(0, HOPELESS)))
            if not probe.accepted.any():
                raise CheckError(
                    f"the pipeline refuses each of the first {HOPELESS} rows, "
                    f"the first with {probe.refusals[0]}; "
                    "pass the raw rows that its predict takes"
                )
        self._template = probe.methods
        widths = [
            sum(int(p.matrix.shape[1]) * p.values.itemsize for p in answer)
            for answer in self._template.values()
        ]
        return max(1, min(BATCH_ROWS, BATCH_BYTES // max([1, *widths])))

    def case(self, family: str, case: Rows | Regrouped | Form) -> None:
        """Answer one batch of a family."""
        if isinstance(case, Regrouped):
            self.chunk(family, case.rows, None, source=case.source)
        elif isinstance(case, Form):
            self.form(family, case)
        else:
            self.chunk(family, case, None)

    def form(self, family: str, case: Form) -> None:
        """Rows in another form: the twin refuses them, or answers what the pipeline answers."""
        found = self.candidate.whole(case.rows) if self.enforce_domain else None
        tallies = [report.family(family) for report in self.reports.values()]
        expected = None if found is None else self.reference.ask(case.rows)
        if found is None or expected is None:
            for tally in tallies:
                tally.refused += count(case.rows)
        elif not expected.accepted.all():
            self.domain.taken(family, case, next(iter(expected.refusals.values())))
        else:
            for method, answer in expected.methods.items():
                self._compare(family, method, case.rows, None, answer, found[method], excused=not case.narrow)

    def chunk(
        self, family: str, X: Rows, start: int | None, y: Any = None, source: Positions | None = None
    ) -> None:
        """Answer one batch on both sides and count what differs.

        Parameters
        ----------
        start : the batch's place among the user's rows; None for cases.
        y : its targets, for the metrics.
        source : ``[N]``, where rows come again in other batches of the family: which row each is.
        """
        if count(X) == 0:
            self._no_rows(family, X)
            return
        expected = self.reference.ask(X)
        positions = np.arange(count(X))
        if not expected.accepted.all():
            self._refused(family, X, start, expected.accepted, expected.refusals)
            positions = positions[expected.accepted]
            X = take(X, expected.accepted)
        if count(X) == 0:
            return
        found = self.candidate.ask(X)
        answers = expected.methods
        if not found.accepted.all():
            places = {i: None if start is None else start + int(positions[i]) for i in found.refusals}
            self.domain.refused_inside(family, X, found.refusals, places, found.limited)
            answers = {name: [p.rows(found.accepted) for p in answer] for name, answer in answers.items()}
            positions = positions[found.accepted]
            X = take(X, found.accepted)
        if count(X) == 0:
            return
        if self.recorder is not None:
            self.recorder.add(X, most=MOST_OF_SAMPLE - self.recorder.rows if family == SAMPLE else None)
        if not self._demanded:
            demand_known(self.tolerance, answers.values())
            self._demanded = True
        self._template = self._template or {
            name: [p.rows(slice(0, 1)) for p in a] for name, a in answers.items()
        }
        place = None if start is None else start + positions
        differs, undetermined = np.zeros((2, count(X)), dtype=np.bool_)
        for method, answer in answers.items():
            wrong, undecided = self._compare(family, method, X, place, answer, found.methods[method])
            differs |= wrong
            undetermined |= undecided
        if source is not None:
            self.stability.add(
                family, source[positions], X, answers, found.methods, self.reports, undetermined
            )
        self._keep(X, differs)
        if self.metrics is not None and y is not None and not any(m.problems for m in self.reports.values()):
            self.metrics.add(y[positions], X, answers, found.methods, ~undetermined)

    def _compare(
        self,
        family: str,
        method: str,
        X: Rows,
        place: Any,
        expected: Answer,
        found: Answer,
        excused: bool = True,
    ) -> tuple[BoolArray, BoolArray]:
        """Which rows are wrong, and which undetermined, unless none is ``excused``."""
        report = self.reports[method]
        tally = report.family(family)
        tally.rows += count(X)
        problem = layout_differs(expected, found)
        if problem is not None:
            tally.mismatched += count(X)
            if problem not in report.problems:
                report.problems.append(problem)
            return np.ones(count(X), dtype=np.bool_), np.zeros(count(X), dtype=np.bool_)
        bad = np.zeros(count(X), dtype=np.bool_)
        for e, f in zip(expected, found, strict=True):
            bad |= failing(e, f, self.tolerance).any(axis=1)
        undetermined = np.zeros(count(X), dtype=np.bool_)
        if excused and bad.any():
            index = np.nonzero(bad)[0]
            sides = [[p.rows(index) for p in side] for side in (expected, found)]
            examined = self.examiner.examine(method, take(X, index), *sides)
            undetermined[index] = examined.undetermined
            self._list_undetermined(report, family, X, place, index, examined.undetermined, examined.reasons)
        mismatched = bad & ~undetermined
        tally.undetermined += int(undetermined.sum())
        tally.mismatched += int(mismatched.sum())
        measure(
            report,
            family,
            expected,
            found,
            self.tolerance,
            mismatched=mismatched,
            undetermined=undetermined,
            row=lambda i: typed_row(X, i),
            position=lambda i: None if place is None else int(place[i]),
        )
        return mismatched, undetermined

    def _list_undetermined(
        self,
        report: MethodReport,
        family: str,
        X: Rows,
        place: Any,
        index: Any,
        undetermined: BoolArray,
        reasons: list[str],
    ) -> None:
        for i in np.nonzero(undetermined)[0][: LISTED - len(report.undetermined)]:
            row = int(index[i])
            position = None if place is None else int(place[row])
            report.undetermined.append(Noted(typed_row(X, row), position, family, reasons[i]))

    def _refused(
        self, family: str, X: Rows, start: int | None, accepted: BoolArray, refusals: dict[int, str]
    ) -> None:
        """Rows that the pipeline refuses: the twin has to refuse each of them, sent alone."""
        outside = np.nonzero(~accepted)[0]
        for report in self.reports.values():
            report.family(family).refused += len(outside)
        if self.enforce_domain:
            answered = outside[~self.candidate.refuses(take(X, outside))].tolist()
            places = {row: None if start is None else start + row for row in answered}
            self.domain.answered_outside(family, X, {row: refusals[row] for row in answered}, places)

    def _no_rows(self, family: str, X: Rows) -> None:
        """Zero rows: the twin's answers are empty, with the types and widths of the pipeline's."""
        found = self.candidate.ask(X)
        expected = self.reference.ask(X)
        if not found.methods:
            # scikit-learn refuses zero rows; a twin answers them, a bare graph need not.
            if self.enforce_domain or expected.methods:
                for report in self.reports.values():
                    report.problems.append("zero rows: the twin raises instead of answering with zero rows")
            return
        for method, report in self.reports.items():
            report.family(family)
            # pandas may give no rows another type than some rows; then either is right.
            answered = [p.rows(slice(0, 0)) for p in self._template.get(method, [])]
            templates = [t for t in (expected.methods.get(method), answered) if t]
            problems = [empty_differs(template, found.methods[method]) for template in templates]
            if problems and all(problems):
                report.problems.append(f"zero rows: {problems[0]}")

    def _keep(self, X: Rows, differs: BoolArray) -> None:
        if differs.any() and self.wrong is None:
            self.wrong = take(X, np.nonzero(differs)[0][:KEPT])
        if not differs.all() and (self.right is None or count(self.right) < KEPT):
            self.right = take(X, np.nonzero(~differs)[0][:KEPT])
            if self.domain.company is None:
                self.domain.company = take(self.right, [0])
