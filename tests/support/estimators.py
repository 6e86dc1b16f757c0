"""Every inference estimator of scikit-learn, fitted on small data that it accepts."""

from __future__ import annotations

import inspect
import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

IRIS, SPECIES = load_iris(return_X_y=True)
BINARY = (SPECIES == 1).astype(int)
TWO_TARGETS = np.column_stack([SPECIES, SPECIES * 2.0])
TWO_LABELS = np.column_stack([SPECIES > 0, SPECIES > 1]).astype(int)
TEXTS = ["a man, a plan", "the plan of a canal", "Panama", "a canal is no plan", "the man"] * 6
RECORDS = [{"city": "Paris", "t": 3.0}, {"city": "Rome", "t": -1.0}] * 10
IMAGES = np.random.default_rng(0).random((10, 8, 8))

_TWO_TARGETS = {"MultiOutputRegressor", "RegressorChain", "CCA", "PLSCanonical", "PLSSVD"}
_BINARY = {"FixedThresholdClassifier", "TunedThresholdClassifierCV", "SelfTrainingClassifier"}

_ARGUMENTS: dict[str, dict[str, Any]] = {
    "ColumnTransformer": {"transformers": [("s", StandardScaler(), [0, 2]), ("p", "passthrough", [1])]},
    "FeatureUnion": {"transformer_list": [("s", StandardScaler()), ("m", StandardScaler(with_mean=False))]},
    "GaussianRandomProjection": {"n_components": 3},
    "GridSearchCV": {"param_grid": {"C": [0.1, 1]}},
    "HalvingGridSearchCV": {"param_grid": {"C": [0.1, 1]}},
    "HalvingRandomSearchCV": {"param_distributions": {"C": [0.1, 1, 2]}},
    "Pipeline": {"steps": [("s", StandardScaler()), ("m", LogisticRegression())]},
    "RandomizedSearchCV": {"param_distributions": {"C": [0.1, 1, 2]}, "n_iter": 2},
    "SparseCoder": {"dictionary": IRIS[:6]},
    "SparseRandomProjection": {"n_components": 3},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
}


def names() -> list[str]:
    """Names of all estimators that have an inference method."""
    from onnxtwin.exporters.recording import METHODS

    return [name for name, kind in all_estimators() if any(hasattr(kind, m) for m in METHODS)]


def methods(name: str) -> list[str]:
    """The inference methods that the class has (some appear only on a fitted instance)."""
    from onnxtwin.exporters.recording import METHODS

    kind = dict(all_estimators())[name]
    return [m for m in METHODS if hasattr(kind, m)]


@cache
def fitted(name: str, single: bool = False) -> tuple[Any, Any]:
    """A fitted instance, and rows that it answers; made once, since an export leaves it as it is.

    ``single`` : numbers are float32.
    """
    kind = dict(all_estimators())[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _fitted(name, kind(**_arguments(name, kind)), np.float32 if single else np.float64)


def _arguments(name: str, kind: type) -> dict[str, Any]:
    parameters = inspect.signature(kind).parameters
    arguments = dict(_ARGUMENTS.get(name, {}))
    regression = "Regress" in name
    if "estimator" in parameters and parameters["estimator"].default is inspect.Parameter.empty:
        arguments.setdefault("estimator", Ridge() if regression else LogisticRegression())
    if "estimators" in parameters:
        pair = (Ridge(), Ridge(alpha=3)) if regression else (LogisticRegression(), LogisticRegression(C=0.1))
        arguments["estimators"] = [("a", pair[0]), ("b", pair[1])]
    if "n_estimators" in parameters:
        arguments["n_estimators"] = 8
    return arguments


def _fitted(name: str, estimator: Any, dtype: Any) -> tuple[Any, Any]:
    X: Any = np.abs(IRIS).astype(dtype)
    if name in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"):
        return estimator.fit(TEXTS), TEXTS
    if name in ("DictVectorizer", "FeatureHasher"):
        return estimator.fit(RECORDS), RECORDS
    if name == "PatchExtractor":
        return estimator.set_params(patch_size=(2, 2)).fit(IMAGES), IMAGES
    if name in ("LabelBinarizer", "LabelEncoder"):
        return estimator.fit(SPECIES), SPECIES
    if name == "MultiLabelBinarizer":
        labels = [["a"], ["a", "b"], ["c"]]
        return estimator.fit(labels), labels
    if name == "KernelCenterer":
        return estimator.fit(X @ X.T), X @ X.T
    if name == "FrozenEstimator":
        return estimator.set_params(estimator=LogisticRegression().fit(X, SPECIES)), X
    if name == "IsotonicRegression":
        return estimator.fit(X[:, 0], SPECIES), X[:, :1]
    if name.startswith("MultiTask") or name in _TWO_TARGETS:
        return estimator.fit(X, TWO_TARGETS), X
    if name in ("MultiOutputClassifier", "ClassifierChain"):
        return estimator.fit(X, TWO_LABELS), X
    if name in _BINARY:
        return estimator.fit(X, BINARY), X
    if name == "GammaRegressor":
        return estimator.fit(X, SPECIES + 1.0), X
    if name == "RANSACRegressor":
        return estimator.set_params(random_state=0).fit(X, SPECIES), X
    return estimator.fit(X, SPECIES), X
