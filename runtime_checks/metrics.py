"""Metrics of the research notebook, from the pipeline's answers and from the twin's, side by side.

They are computed on the user's rows that both sides answer, undetermined rows left out, and have to be
equal: exactly where a metric sees labels only, else within the tolerance of the answers that it sees.
Accuracy, log loss, mean squared error and R² are added up batch by batch; scorers and functions need
all answers at once, which are kept in memory, and functions the rows too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer, get_scorer_names

from onnxtwin.exporters.errors import CheckError, is_refusal
from onnxtwin.exporters.quiet import quiet
from onnxtwin.runtime_checks.accumulate import ACCUMULATED, Accumulator
from onnxtwin.runtime_checks.compare import Answer, BoolArray, Part, Tolerance, join
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.report import Score
from onnxtwin.runtime_checks.rows import Rows, stack, take
from onnxtwin.runtime_checks.standin import METHODS, StandIn
from onnxtwin.runtime_checks.standin import Rows as SomeRows

SHAKEN = 8
"""A metric may jump where two scores tie. If it does, and the pipeline's own metric jumps likewise when its
answers move by so many units in the last place towards the twin's, this is no difference."""

SCORER = type(get_scorer("accuracy"))


@dataclass(frozen=True)
class Metric:
    """A metric of the user's own: what the predictions are worth.

    Attributes
    ----------
    name : in the report.
    function : ``(y_true, answer, X) -> float``: targets ``[N]`` as an ndarray, the answer of ``method``
        as the pipeline gives it, and the N raw rows.
    method : whose answer the function sees.
    """

    name: str
    function: Callable[[Any, Any, Any], float]
    method: str = "predict"


MetricLike = str | Metric | Callable[..., Any]
"""``"accuracy"``, ``"log_loss"``, ``"mse"``, ``"r2"``, a name or an object of scikit-learn's scorers, a
:class:`Metric`, or a function as in :class:`Metric` (which is named after itself and sees ``predict``)."""


def targets(y: Any, rows: int) -> npt.NDArray[Any]:
    """Targets as an ndarray ``[rows]``, or ``[rows, k]`` for several a row.

    Raises
    ------
    CheckError : there is not one for every row.
    """
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2) or len(values) != rows:
        raise CheckError(
            f"the targets y have the shape {values.shape}, there are {rows} rows; give one a row"
        )
    return values


def default_metrics(pipeline: Any, methods: Sequence[str]) -> list[str]:
    """The metrics that fit: accuracy, log loss of a classifier; mean squared error, R² of a regressor."""
    wanted = []
    if is_classifier(pipeline) and hasattr(pipeline, "classes_"):
        wanted = ["accuracy"]
        # Of several targets, scikit-learn's classes_ is a list, and log loss is not defined.
        wanted += [] if isinstance(pipeline.classes_, list) else ["log_loss"]
    elif is_regressor(pipeline):
        wanted = ["mse", "r2"]
    return [name for name in wanted if ACCUMULATED[name].method in methods]


class Metrics:
    """Computes metrics of both sides from batches of answers.

    Parameters
    ----------
    metrics : None for :func:`default_metrics`.
    reference : the pipeline and the methods compared.
    tolerance : of the check.

    Raises
    ------
    CheckError : a metric is unknown, needs a method that is not compared, or two have the same name.
    """

    def __init__(
        self, metrics: Sequence[MetricLike] | None, reference: Reference, tolerance: Tolerance
    ) -> None:
        pipeline, methods = reference.pipeline, reference.methods
        self._reference = reference
        self._tolerance = tolerance
        self._rows = 0
        self._by_default = metrics is None
        self._names: list[str] = []
        self._discrete: dict[str, bool] = {}
        self._sums: dict[str, tuple[Accumulator, Accumulator]] = {}
        self._whole: dict[str, Any] = {}
        for given in default_metrics(pipeline, methods) if metrics is None else metrics:
            name, metric = _named(given)
            self._names.append(name)
            if name in self._sums or name in self._whole:
                raise CheckError(
                    f"two metrics are named {name!r}; give one of them as Metric(name, function)"
                )
            if isinstance(metric, str):
                make = ACCUMULATED[metric]
                _demand(name, make.method, methods)
                self._sums[name] = make(pipeline), make(pipeline)
            else:
                if isinstance(metric, Metric):
                    _demand(name, metric.method, methods)
                self._whole[name] = metric
        self._kept = _Kept(rows=any(isinstance(metric, Metric) for metric in self._whole.values()))

    def add(
        self,
        y: npt.NDArray[Any],
        X: Rows,
        expected: Mapping[str, Answer],
        found: Mapping[str, Answer],
        determined: BoolArray,
    ) -> None:
        """Take in a batch of the user's rows that both sides answer, and their targets ``[N]`` or ``[N, k]``.

        Parameters
        ----------
        determined : ``[N]``; the other rows are left out.

        Raises
        ------
        CheckError : a target is missing, or does not fit the pipeline's answers.
        """
        if not determined.all():
            y = y[determined]
            X = take(X, determined) if self._kept.keeps_rows else X
            expected, found = (
                {method: [part.rows(determined) for part in answer] for method, answer in side.items()}
                for side in (expected, found)
            )
        if not len(y):
            return
        if pd.isna(y).any():
            raise CheckError("a target is missing: metrics need one for every row")
        if self._by_default and y.ndim > 1:
            # Several labels a row: scikit-learn has no log loss for them.
            self._sums.pop("log_loss", None)
        self._rows += len(y)
        for method in METHODS:
            if method in expected:
                self._discrete[method] = all(
                    p.discrete or p.values.dtype.kind != "f" for p in expected[method]
                )
        for name, sides in self._sums.items():
            for metric, answers in zip(sides, (expected, found), strict=True):
                metric.add(y, _whole(name, answers[metric.method]))
        if self._whole:
            self._kept.add(y, X, expected, found)

    def scores(self) -> list[Score]:
        """Each metric of both sides, in the order given; nothing if there were no rows.

        Raises
        ------
        CheckError : a metric raises, or gives no number.
        """
        if not self._rows:
            return []
        scores = {name: self._from_all(name, metric) for name, metric in self._whole.items()}
        for name, (left, right) in self._sums.items():
            scores[name] = self._score(name, left.value(), right.value(), {left.method})
        return [scores[name] for name in self._names if name in scores]

    def _score(self, name: str, pipeline: float, twin: float, methods: set[str]) -> Score:
        limits = [
            Tolerance(0.0, 0.0) if self._discrete.get(m, False) else self._tolerance.of(m) for m in methods
        ]
        rtol, atol = (max((getattr(t, k) for t in limits), default=0.0) for k in ("rtol", "atol"))
        return Score(name, pipeline, twin, self._rows, rtol, atol)

    def _from_all(self, name: str, metric: Any) -> Score:
        y, X, expected, found = self._kept.all()
        left, asked = self._compute(name, metric, y, X, expected)
        right, _ = self._compute(name, metric, y, X, found)
        score = self._score(name, left, right, asked)
        if score.equal:
            return score
        shaken = {m: [_towards(e, f) for e, f in zip(expected[m], found[m], strict=True)] for m in expected}
        moved, _ = self._compute(name, metric, y, X, shaken)
        explained = self._score(name, moved, right, asked).equal
        return Score(name, left, right, self._rows, score.rtol, score.atol, tied=explained)

    def _compute(
        self, name: str, metric: Any, y: npt.NDArray[Any], X: Rows, answers: Mapping[str, Answer]
    ) -> tuple[float, set[str]]:
        whole = {m: [p.values.copy() for p in a] for m, a in answers.items()}
        given = {m: a[0] if len(a) == 1 else a for m, a in whole.items()}
        try:
            with quiet():
                if isinstance(metric, Metric):
                    rows = take(X, slice(None))
                    return float(metric.function(y.copy(), given[metric.method], rows)), {metric.method}
                rows_of_no_interest = SomeRows()
                standin = StandIn(self._reference.pipeline, rows_of_no_interest, given)
                return float(metric(standin, rows_of_no_interest, y.copy())), standin.asked
        except Exception as error:
            if not is_refusal(error):
                raise
            raise CheckError(f"metric {name} cannot be computed: {type(error).__name__}: {error}") from error


class _Kept:
    """All answers to all determined rows, for metrics that need them at once."""

    def __init__(self, rows: bool) -> None:
        self.keeps_rows = rows
        self._y: list[npt.NDArray[Any]] = []
        self._X: list[Rows] = []
        self._sides: tuple[list[dict[str, Answer]], list[dict[str, Answer]]] = [], []

    def add(
        self, y: npt.NDArray[Any], X: Rows, expected: Mapping[str, Answer], found: Mapping[str, Answer]
    ) -> None:
        self._y.append(y)
        if self.keeps_rows:
            self._X.append(X)
        for kept, side in zip(self._sides, (expected, found), strict=True):
            kept.append({method: side[method] for method in METHODS if method in side})

    def all(self) -> tuple[npt.NDArray[Any], Rows, dict[str, Answer], dict[str, Answer]]:
        """Targets, rows (None unless kept), and per method the answers of the pipeline and the twin."""
        rows = reduce(stack, self._X) if self._X else None
        expected, found = (
            {method: join([answers[method] for answers in side]) for method in side[0]}
            for side in self._sides
        )
        return np.concatenate(self._y), rows, expected, found


def _named(given: MetricLike) -> tuple[str, Any]:
    """Name, and what computes it: a name of :data:`ACCUMULATED`, a scorer, or a :class:`Metric`."""
    if isinstance(given, Metric):
        return given.name, given
    if isinstance(given, str):
        if given in ACCUMULATED:
            return given, given
        if given in get_scorer_names():
            return given, get_scorer(given)
        raise CheckError(
            f"no such metric: {given!r}; there are {', '.join(ACCUMULATED)} and scikit-learn's scorers: "
            f"{', '.join(get_scorer_names())}"
        )
    if isinstance(given, SCORER):
        return str(given), given
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        return name, Metric(name, given)
    raise CheckError(
        f"a metric is a name, a scorer, a Metric or a function (y_true, answer, X) -> float; found {given!r}"
    )


def _demand(name: str, method: str, methods: Sequence[str]) -> None:
    if method not in methods:
        raise CheckError(f"metric {name} needs {method}, which is not compared; compared are {list(methods)}")


def _whole(name: str, answer: Answer) -> npt.NDArray[Any]:
    if len(answer) != 1:
        raise CheckError(
            f"{name} is not defined for an answer in {len(answer)} parts; give a function instead"
        )
    return answer[0].values


def _towards(expected: Part, found: Part) -> Part:
    """The pipeline's answer, floats moved by up to :data:`SHAKEN` ulps towards the twin's."""
    e, f = expected.values, found.values
    if expected.discrete or e.dtype.kind != "f" or f.dtype.kind != "f":
        return expected
    # An answer that is no finite number on one side is no matter of the last place.
    goal = np.where(np.isfinite(e) & np.isfinite(f), f, e).astype(e.dtype)
    for _ in range(SHAKEN):
        e = np.nextafter(e, goal)
    return Part(expected.name, e, expected.discrete)
