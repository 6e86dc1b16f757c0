"""Messages name the estimator and its step, and no protocol that only compiled code knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.svm import SVC, SVR

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.export import export_graph

X = np.abs(np.random.default_rng(0).normal(size=(40, 3)))
Y = (X[:, 0] > 0.7).astype(int)


@pytest.mark.parametrize(
    "estimator",
    [
        LatentDirichletAllocation(2),
        LocalOutlierFactor(novelty=True),
        SVC(kernel=lambda a, b: a @ b.T),
        SVR(kernel=lambda a, b: a @ b.T),
    ],
    ids=lambda e: type(e).__name__,
)
def test_compiled_code_of_a_package_is_refused_by_estimator_and_step(estimator: Any) -> None:
    name = type(estimator).__name__
    with pytest.raises(UnsupportedError) as caught:
        export_graph(make_pipeline(MinMaxScaler(), estimator).fit(X, Y), X)
    said = str(caught.value)
    assert f"step '{name.lower()}' ({name}." in said
    assert "take another estimator" in said
    assert not any(internal in said for internal in ("TypeError", "bytes-like", "signature"))
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "function",
    [
        lambda X: np.sort(X, axis=0),
        lambda X: X[np.argsort(X[:, 0])],
        lambda X: X - np.median(X, axis=0),
        lambda X: np.sort(X[:, 0]).reshape(-1, 1),
    ],
    ids=["sort", "argsort", "median", "one column"],
)
def test_rows_that_are_sorted_are_refused_by_step(function: Any) -> None:
    pipeline = make_pipeline(FunctionTransformer(function)).fit(X)
    with pytest.raises(UnsupportedError, match="sorts the rows of the batch") as caught:
        export_graph(pipeline, X)
    assert "step 'functiontransformer'" in str(caught.value)


def test_columns_may_be_sorted() -> None:
    pipeline = make_pipeline(FunctionTransformer(lambda X: np.sort(X, axis=1))).fit(X)
    assert export_graph(pipeline, X).signature.methods == ("transform",)
