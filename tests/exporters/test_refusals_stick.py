"""What was refused once ends the export, whatever the pipeline's code does with the error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from parity import assert_twin_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import UnsupportedError

X = np.random.default_rng(3).normal(size=(40, 3))


def swallowed_as_exception(X):
    try:
        return X * float(X[0, 0])
    except Exception:  # noqa: BLE001 - as users write it
        return X


def swallowed_bare(X):
    try:
        return X * float(X[0, 0])
    except:  # noqa: E722 - as users write it
        return X


def suppressed(X):
    with contextlib.suppress(Exception):
        return X * float(X[0, 0])
    return X


def left_by_finally(X):
    try:
        X = X * float(X[0, 0])
    finally:
        return X  # noqa: B012 - as users write it


def asked_first(X):
    def works(function: Callable[[Any], Any]) -> bool:
        try:
            function(X)
        except Exception:  # noqa: BLE001 - as users write it
            return False
        return True

    return X + 1.0 if works(np.linalg.det) or works(lambda x: x[0].tolist()) else X


def raised_as_something_else(X):
    try:
        return X * float(X[0, 0])
    except Exception as error:
        raise ValueError("bad rows") from error


def swallowed_beside_another_thread(X):
    with ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(lambda: X * 2.0).result()
        except Exception:  # noqa: BLE001 - as users write it
            return X


class WithFallback(TransformerMixin, BaseEstimator):
    """An estimator in scikit-learn's manner: a fast way, and a slow one where it fails."""

    def fit(self, X: Any, y: Any = None) -> WithFallback:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        try:
            return self._fast(X)
        except (Exception, ArithmeticError):  # noqa: BLE001 - as users write it
            return X

    def _fast(self, X: Any) -> Any:
        return np.unique(X, axis=0, return_inverse=True)[1].reshape(-1, 1) * X


@pytest.mark.parametrize(
    "function",
    [
        swallowed_as_exception,
        swallowed_bare,
        suppressed,
        left_by_finally,
        raised_as_something_else,
    ],
)
def test_a_refusal_that_code_swallows_ends_the_export(function: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="into a Python float") as caught:
        export_graph(FunctionTransformer(function).fit(X), X)
    assert "float(X[0, 0])" in str(caught.value)


def test_a_refusal_in_a_probe_of_the_users_own_ends_the_export() -> None:
    with pytest.raises(UnsupportedError, match="det"):
        export_graph(FunctionTransformer(asked_first).fit(X), X)


def test_a_refusal_in_another_thread_ends_the_export() -> None:
    with pytest.raises(UnsupportedError, match="another thread"):
        export_graph(FunctionTransformer(swallowed_beside_another_thread).fit(X), X)


def test_a_refusal_that_an_estimators_fallback_swallows_ends_the_export() -> None:
    fitted = make_pipeline(WithFallback(), LogisticRegression()).fit(X, X[:, 0] > 0)
    with pytest.raises(UnsupportedError, match="unique") as caught:
        export_graph(fitted, X)
    assert "step 'withfallback'" in str(caught.value)


def test_an_error_that_numpy_raises_too_is_the_codes_own_to_catch() -> None:
    def guarded(X):
        try:
            return X @ np.ones((7, 1))
        except ValueError:
            return X * 2.0

    assert_twin_equal(FunctionTransformer(guarded).fit(X), X)


def test_a_missing_attribute_is_the_codes_own_to_catch() -> None:
    def guarded(X):
        try:
            return X.todense()
        except AttributeError:
            return X * 2.0

    assert_twin_equal(FunctionTransformer(guarded).fit(X), X)


def test_an_export_after_a_refused_one_is_not_refused() -> None:
    with pytest.raises(UnsupportedError):
        export_graph(FunctionTransformer(swallowed_bare).fit(X), X)
    assert_twin_equal(FunctionTransformer(np.sqrt).fit(np.abs(X)), np.abs(X))
