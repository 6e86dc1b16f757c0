"""An estimator whose answers are there already: what a scorer of scikit-learn is given for either side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onnxtwin.exporters.errors import CheckError

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples")
"""Methods that scorers ask for; those that were not compared are not there."""


class Rows:
    """Stands for the user's rows: a scorer only hands them on to the estimator."""


class StandIn:
    """Answers the methods that were compared, and is the pipeline in all else (``classes_``, tags).

    Parameters
    ----------
    pipeline : the fitted estimator.
    rows : what the scorer is handed as ``X``; the answers are those to these rows.
    answers : method → answer.

    Attributes
    ----------
    asked : the methods that were asked for so far.
    """

    def __init__(self, pipeline: Any, rows: Rows, answers: Mapping[str, Any]) -> None:
        self._pipeline = pipeline
        self._rows = rows
        self._answers = answers
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in self._answers:
            return self._method(name)
        if name in METHODS:
            raise AttributeError(f"{name} was not compared, only {', '.join(self._answers)}")
        return getattr(self._pipeline, name)

    def _method(self, name: str) -> Callable[[Any], Any]:
        def answer(X: Any) -> Any:
            if X is not self._rows:
                raise CheckError(f"a scorer asks {name} for rows of its own; give a function instead")
            self.asked.add(name)
            return self._answers[name]

        # scikit-learn looks at the method's name to know what the numbers mean.
        answer.__name__ = name
        return answer

    def __sklearn_tags__(self) -> Any:
        return self._pipeline.__sklearn_tags__()

    def __sklearn_is_fitted__(self) -> bool:
        return True
