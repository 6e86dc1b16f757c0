"""Every inference method of scikit-learn's estimators: exported and equal, or refused for a reason."""

from __future__ import annotations

import warnings

import estimators
import pytest
import sklearn.experimental.enable_halving_search_cv
import sklearn.experimental.enable_iterative_imputer  # noqa: F401 - makes the estimator appear in the list
from parity import assert_twin_equal

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import SignatureError, UnsupportedError

NEIGHBOURS = "compiled neighbour search; needs a leaf"
CLUSTERS = "compiled cluster assignment; needs a leaf"
KERNELS = "compiled kernel machine (libsvm); needs a leaf"
DISTANCES = "compiled distances; needs a leaf"
ITERATES = "solves an optimisation problem for each batch of rows, until it converges"
SOLVES = "solves a linear system for each batch of rows"
TEXT = "tokenises texts in Python; needs a leaf"
RECORDS = "its rows are no table: dicts, labels or images"
RANDOM = "draws random numbers for each batch"

REFUSED = {
    "BernoulliRBM.score_samples": RANDOM,
    "Birch.predict": CLUSTERS,
    "BisectingKMeans.predict": CLUSTERS,
    "CountVectorizer.transform": TEXT,
    "DictVectorizer.transform": RECORDS,
    "DictionaryLearning.transform": ITERATES,
    "EllipticEnvelope.decision_function": DISTANCES,
    "EllipticEnvelope.predict": DISTANCES,
    "EllipticEnvelope.score_samples": DISTANCES,
    "FeatureAgglomeration.transform": "loops over the rows",
    "FeatureHasher.transform": RECORDS,
    "GaussianProcessClassifier.predict": DISTANCES,
    "GaussianProcessClassifier.predict_proba": DISTANCES,
    "GaussianProcessRegressor.predict": DISTANCES,
    "HashingVectorizer.transform": TEXT,
    "Isomap.transform": NEIGHBOURS,
    "IterativeImputer.transform": "chooses its way by which values of the batch are missing",
    "KMeans.predict": CLUSTERS,
    "KNNImputer.transform": NEIGHBOURS,
    "KNeighborsClassifier.predict": NEIGHBOURS,
    "KNeighborsClassifier.predict_proba": NEIGHBOURS,
    "KNeighborsRegressor.predict": NEIGHBOURS,
    "KNeighborsTransformer.transform": NEIGHBOURS,
    "KernelDensity.score_samples": NEIGHBOURS,
    "LabelBinarizer.transform": RECORDS,
    "LabelEncoder.transform": RECORDS,
    "LatentDirichletAllocation.transform": ITERATES,
    "LocallyLinearEmbedding.transform": NEIGHBOURS,
    "MiniBatchDictionaryLearning.transform": ITERATES,
    "MiniBatchKMeans.predict": CLUSTERS,
    "MiniBatchNMF.transform": ITERATES,
    "MiniBatchSparsePCA.transform": SOLVES,
    "MultiLabelBinarizer.transform": RECORDS,
    "NMF.transform": ITERATES,
    "NuSVC.decision_function": KERNELS,
    "NuSVC.predict": KERNELS,
    "NuSVR.predict": KERNELS,
    "OneClassSVM.decision_function": KERNELS,
    "OneClassSVM.predict": KERNELS,
    "OneClassSVM.score_samples": KERNELS,
    "PatchExtractor.transform": RECORDS,
    "PolynomialCountSketch.transform": "scatters into computed positions; needs a leaf",
    "RadiusNeighborsClassifier.predict": NEIGHBOURS,
    "RadiusNeighborsClassifier.predict_proba": NEIGHBOURS,
    "RadiusNeighborsRegressor.predict": NEIGHBOURS,
    "RadiusNeighborsTransformer.transform": NEIGHBOURS,
    "SVC.decision_function": KERNELS,
    "SVC.predict": KERNELS,
    "SVR.predict": KERNELS,
    "SparseCoder.transform": ITERATES,
    "SparsePCA.transform": SOLVES,
    "SplineTransformer.transform": "compiled splines; needs a leaf",
    "TfidfTransformer.transform": TEXT,
    "TfidfVectorizer.transform": TEXT,
}

CASES = [(name, method) for name in estimators.names() for method in estimators.methods(name)]


@pytest.mark.parametrize(("name", "method"), CASES, ids=[f"{n}.{m}" for n, m in CASES])
@pytest.mark.filterwarnings("ignore")
def test_method_is_exact_or_refused_for_a_stated_reason(name: str, method: str) -> None:
    estimator, X = estimators.fitted(name)
    if not hasattr(estimator, method):
        pytest.skip(f"this {name} has no {method}")
    if f"{name}.{method}" in REFUSED:
        with pytest.raises((UnsupportedError, SignatureError), match="way out"):
            export_graph(estimator, X, methods=[method])
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_twin_equal(estimator, X, methods=[method])


def test_every_stated_reason_belongs_to_a_method() -> None:
    assert set(REFUSED) <= {f"{name}.{method}" for name, method in CASES}
