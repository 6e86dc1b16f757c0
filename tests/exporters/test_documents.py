"""A sample of documents: a list of texts that numpy makes an array of."""

from __future__ import annotations

import numpy as np
import pytest
from parity import assert_twin_equal, twin_of
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.errors import UnsupportedError

DOCUMENTS = ["a b", "", "Ünïcode 𝒳", "a b"]


def test_documents_become_an_array_of_text() -> None:
    feature = FunctionTransformer(lambda X: np.asarray(X, dtype=object) == "a b")
    assert_twin_equal(feature.fit(DOCUMENTS), DOCUMENTS, ["a b", "b", ""])


def test_documents_are_a_list_and_have_a_length() -> None:
    def feature(X: list[str]) -> np.ndarray:
        assert isinstance(X, list)
        return np.isin(np.array(X), ["a b"]) & (len(X) > 0)

    assert_twin_equal(FunctionTransformer(feature).fit(DOCUMENTS), DOCUMENTS)


@pytest.mark.parametrize(
    ("feature", "what"),
    [
        (lambda X: np.array([len(x) for x in X]), "iterates over the documents"),
        (lambda X: np.array([X[0] == "a"] * len(X)), "takes single documents"),
        (lambda X: np.array([X.count("a b")] * len(X)), r"list\.count"),
    ],
)
def test_loops_over_documents_are_refused(feature: object, what: str) -> None:
    with pytest.raises(UnsupportedError, match=f"{what}(?s:.*)way out: "):
        twin_of(FunctionTransformer(feature).fit(DOCUMENTS), DOCUMENTS)
