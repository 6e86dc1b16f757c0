"""Metrics that need no answer twice: they are added up batch by batch, whatever the number of rows.

Each follows the function of ``sklearn.metrics`` of that name, and differs from it by rounding only.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks.compare import FloatArray
from onnxtwin.runtime_checks.rows import source, typed


class Accumulator(Protocol):
    """A metric of one side: ``add`` takes targets ``[N]`` or ``[N, k]`` and the answer of ``method``."""

    method: ClassVar[str]

    def __init__(self, pipeline: Any) -> None: ...

    def add(self, y: npt.NDArray[Any], answer: npt.NDArray[Any]) -> None:
        """Take in a batch."""

    def value(self) -> float:
        """The metric of all batches; NaN of none."""


class Accuracy:
    """Share of rows whose label is right; with several targets a row, all of its labels."""

    method: ClassVar[str] = "predict"

    def __init__(self, pipeline: Any) -> None:
        self._rows = self._right = 0

    def add(self, y: npt.NDArray[Any], answer: npt.NDArray[Any]) -> None:
        """Take in a batch."""
        _demand_alike("accuracy", y, answer)
        right = np.asarray(y == _shaped("accuracy", y, answer), dtype=np.bool_).reshape(len(y), -1)
        self._rows += len(y)
        self._right += int(right.all(axis=1).sum())

    def value(self) -> float:
        """The metric of all batches."""
        return self._right / self._rows if self._rows else float("nan")


class LogLoss:
    """Mean of ``-log(probability of the right class)``, probabilities kept one epsilon away from 0 and 1."""

    method: ClassVar[str] = "predict_proba"

    def __init__(self, pipeline: Any) -> None:
        classes = getattr(pipeline, "classes_", None)
        if classes is None or isinstance(classes, list):
            raise CheckError("log loss needs a classifier of one target; give a function instead")
        self._classes = np.asarray(classes)
        self._order = np.argsort(self._classes)
        self._rows, self._sum = 0, 0.0

    def add(self, y: npt.NDArray[Any], answer: npt.NDArray[Any]) -> None:
        """Take in a batch."""
        if answer.ndim != 2 or y.ndim != 1:
            raise CheckError(f"log loss needs one target a row and [N, classes]; found {answer.shape}")
        _demand_alike("log loss", y, self._classes)
        place = np.searchsorted(self._classes, y, sorter=self._order)
        column = self._order[np.minimum(place, len(self._order) - 1)]
        strange = np.flatnonzero(self._classes[column] != y)
        if len(strange):
            raise CheckError(
                f"log loss: the target {source(typed(y[strange[0]]))} is none of the pipeline's classes "
                f"{self._classes.tolist()}"
            )
        epsilon = np.finfo(answer.dtype).eps
        self._rows += len(y)
        right = np.clip(answer[np.arange(len(y)), column], epsilon, 1 - epsilon)
        self._sum -= float(np.log(right).sum(dtype=np.float64))

    def value(self) -> float:
        """The metric of all batches."""
        return self._sum / self._rows if self._rows else float("nan")


class _Squares:
    """Sums over the rows, a column a target; the spread of the targets by Chan, Golub and LeVeque (1979)."""

    method: ClassVar[str] = "predict"

    def __init__(self, pipeline: Any) -> None:
        self._rows = 0
        self._error: FloatArray = np.zeros(1)
        self._mean: FloatArray = np.zeros(1)
        self._spread: FloatArray = np.zeros(1)

    def add(self, y: npt.NDArray[Any], answer: npt.NDArray[Any]) -> None:
        """Take in a batch."""
        if not len(y):
            return
        true, found = (
            _numbers(side).reshape(len(y), -1) for side in (y, _shaped("squared errors", y, answer))
        )
        mean = true.mean(axis=0)
        rows = self._rows + len(y)
        self._error = self._error + ((true - found) ** 2).sum(axis=0)
        self._spread = (
            self._spread
            + ((true - mean) ** 2).sum(axis=0)
            + (mean - self._mean) ** 2 * self._rows * len(y) / rows
        )
        self._mean = self._mean + (mean - self._mean) * len(y) / rows
        self._rows = rows


class MeanSquaredError(_Squares):
    """Mean of the squared errors; of several targets, the mean over them."""

    def value(self) -> float:
        """The metric of all batches."""
        return float(np.mean(self._error / self._rows)) if self._rows else float("nan")


class R2(_Squares):
    """One less the squared errors in units of the targets' spread; of several targets, the mean over them."""

    def value(self) -> float:
        """The metric of all batches; NaN below two rows."""
        if self._rows < 2:
            return float("nan")
        constant = self._spread == 0
        share = self._error / np.where(constant, 1.0, self._spread)
        # As scikit-learn has it: constant targets that are met are a 1, those that are not a 0.
        return float(np.mean(np.where(constant, np.where(self._error == 0, 1.0, 0.0), 1 - share)))


ACCUMULATED: dict[str, type[Accumulator]] = {
    "accuracy": Accuracy,
    "log_loss": LogLoss,
    "mse": MeanSquaredError,
    "r2": R2,
}
"""Made with the fitted pipeline."""


def _numbers(values: npt.NDArray[Any]) -> FloatArray:
    try:
        return values.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise CheckError(
            f"squared errors need numbers, targets and answers: {error}; a classifier has accuracy"
        ) from error


def _demand_alike(name: str, y: npt.NDArray[Any], labels: npt.NDArray[Any]) -> None:
    """Texts are no labels of a classifier that answers numbers, whatever they look like."""
    if y.size and labels.size and _is_text(y) != _is_text(labels):
        raise CheckError(
            f"{name}: a target is {source(typed(y.flat[0]))}, a label of the pipeline's "
            f"{source(typed(labels.flat[0]))}: texts and numbers are never equal"
        )


def _is_text(values: npt.NDArray[Any]) -> bool:
    return isinstance(values.flat[0], str)


def _shaped(name: str, y: npt.NDArray[Any], answer: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if y.shape == answer.shape:
        return answer
    if y.size == answer.size:
        return answer.reshape(y.shape)
    raise CheckError(f"{name}: the targets are {y.shape}, the pipeline's answers {answer.shape}")
