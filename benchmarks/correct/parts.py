"""What pipelines are made of: scikit-learn's models and transformers, with drawn parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from sklearn import (
    cluster,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    naive_bayes,
    neural_network,
    preprocessing,
    random_projection,
    svm,
    tree,
)

Draw = Callable[[Generator], Any]
"""Makes an unfitted estimator."""


def chosen(rng: Generator, of: Sequence[Any]) -> Any:
    """One of a list."""
    return of[int(rng.integers(len(of)))]


def state(rng: Generator) -> int:
    """A random state."""
    return int(rng.integers(1000))


LINEAR_CLASSIFIERS: list[Draw] = [
    lambda rng: linear_model.LogisticRegression(C=chosen(rng, [0.1, 1.0, 10.0]), max_iter=300),
    lambda rng: linear_model.LogisticRegression(
        solver="newton-cg", C=5.0, fit_intercept=bool(rng.integers(2))
    ),
    lambda rng: linear_model.LogisticRegressionCV(Cs=3, cv=3, max_iter=200, use_legacy_attributes=False),
    lambda rng: linear_model.RidgeClassifier(alpha=chosen(rng, [0.1, 1.0, 10.0])),
    lambda rng: linear_model.RidgeClassifierCV(),
    lambda rng: svm.LinearSVC(C=chosen(rng, [0.1, 1.0]), max_iter=500),
    lambda rng: linear_model.Perceptron(random_state=state(rng)),
    lambda rng: linear_model.SGDClassifier(loss="log_loss", random_state=state(rng)),
    lambda rng: linear_model.SGDClassifier(
        loss=chosen(rng, ["hinge", "modified_huber"]), random_state=state(rng)
    ),
    lambda rng: linear_model.SGDClassifier(loss="hinge", penalty=None, learning_rate="pa1", eta0=1.0),
    lambda rng: discriminant_analysis.LinearDiscriminantAnalysis(solver=chosen(rng, ["svd", "lsqr"])),
]

BAYES: list[Draw] = [
    lambda rng: naive_bayes.GaussianNB(),
    lambda rng: naive_bayes.GaussianNB(var_smoothing=1e-4),
    lambda rng: naive_bayes.BernoulliNB(binarize=chosen(rng, [0.0, 3.0])),
    lambda rng: naive_bayes.MultinomialNB(),
    lambda rng: naive_bayes.ComplementNB(norm=bool(rng.integers(2))),
    lambda rng: discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
]

TREES: list[Draw] = [
    lambda rng: tree.DecisionTreeClassifier(max_depth=chosen(rng, [3, 6, None]), random_state=state(rng)),
    lambda rng: tree.ExtraTreeClassifier(max_depth=6, random_state=state(rng)),
]

FORESTS: list[Draw] = [
    lambda rng: ensemble.RandomForestClassifier(
        int(rng.integers(3, 25)), max_depth=6, random_state=state(rng)
    ),
    lambda rng: ensemble.ExtraTreesClassifier(int(rng.integers(3, 25)), max_depth=6, random_state=state(rng)),
]

BOOSTING: list[Draw] = [
    lambda rng: ensemble.GradientBoostingClassifier(n_estimators=8, max_depth=3, random_state=state(rng)),
    lambda rng: ensemble.GradientBoostingClassifier(n_estimators=6, init="zero", random_state=state(rng)),
    lambda rng: ensemble.AdaBoostClassifier(n_estimators=6, random_state=state(rng)),
    lambda rng: ensemble.BaggingClassifier(n_estimators=5, random_state=state(rng)),
    lambda rng: ensemble.BaggingClassifier(
        linear_model.LogisticRegression(), n_estimators=4, max_features=0.7, random_state=state(rng)
    ),
]

HISTOGRAMS: list[Draw] = [
    lambda rng: ensemble.HistGradientBoostingClassifier(max_iter=int(rng.integers(3, 12)), max_leaf_nodes=8),
]

NETWORKS: list[Draw] = [
    lambda rng: neural_network.MLPClassifier(
        chosen(rng, [(8,), (6, 5)]),
        activation=chosen(rng, ["relu", "tanh", "logistic"]),
        max_iter=60,
        random_state=state(rng),
    ),
]

LINEAR_REGRESSORS: list[Draw] = [
    lambda rng: linear_model.LinearRegression(),
    lambda rng: linear_model.Ridge(alpha=chosen(rng, [0.1, 1.0, 10.0])),
    lambda rng: linear_model.RidgeCV(),
    lambda rng: linear_model.Lasso(alpha=0.5),
    lambda rng: linear_model.ElasticNetCV(cv=3),
    lambda rng: linear_model.BayesianRidge(),
    lambda rng: linear_model.ARDRegression(),
    lambda rng: linear_model.HuberRegressor(max_iter=300),
    lambda rng: linear_model.TheilSenRegressor(max_subpopulation=50, random_state=state(rng)),
    lambda rng: linear_model.RANSACRegressor(random_state=state(rng)),
    lambda rng: linear_model.Lars(n_nonzero_coefs=3),
    lambda rng: linear_model.LassoLarsIC(),
    lambda rng: linear_model.OrthogonalMatchingPursuit(n_nonzero_coefs=2),
    lambda rng: linear_model.QuantileRegressor(quantile=0.7, alpha=0.01),
    lambda rng: svm.LinearSVR(max_iter=500, random_state=state(rng)),
    lambda rng: cross_decomposition.PLSRegression(n_components=2),
]

LINKED_REGRESSORS: list[Draw] = [
    lambda rng: linear_model.PoissonRegressor(),
    lambda rng: linear_model.GammaRegressor(),
    lambda rng: linear_model.TweedieRegressor(power=1.5, link="log"),
    lambda rng: linear_model.SGDRegressor(random_state=state(rng)),
    lambda rng: neural_network.MLPRegressor((7,), activation=chosen(rng, ["relu", "tanh"]), max_iter=80),
    lambda rng: kernel_ridge.KernelRidge(kernel=chosen(rng, ["rbf", "polynomial", "linear"])),
]

TREE_REGRESSORS: list[Draw] = [
    lambda rng: tree.DecisionTreeRegressor(max_depth=chosen(rng, [3, 6, None]), random_state=state(rng)),
    lambda rng: ensemble.RandomForestRegressor(
        int(rng.integers(3, 20)), max_depth=6, random_state=state(rng)
    ),
    lambda rng: ensemble.ExtraTreesRegressor(int(rng.integers(3, 20)), max_depth=6, random_state=state(rng)),
    lambda rng: ensemble.GradientBoostingRegressor(
        n_estimators=8, loss=chosen(rng, ["squared_error", "huber"]), random_state=state(rng)
    ),
    lambda rng: ensemble.HistGradientBoostingRegressor(
        max_iter=6, max_leaf_nodes=8, loss=chosen(rng, ["squared_error", "poisson"])
    ),
    lambda rng: ensemble.AdaBoostRegressor(n_estimators=6, random_state=state(rng)),
    lambda rng: ensemble.BaggingRegressor(n_estimators=5, random_state=state(rng)),
]

SCALERS: list[Draw] = [
    lambda rng: preprocessing.StandardScaler(),
    lambda rng: preprocessing.MinMaxScaler(clip=bool(rng.integers(2))),
    lambda rng: preprocessing.RobustScaler(),
    lambda rng: preprocessing.MaxAbsScaler(),
]

BENDERS: list[Draw] = [
    lambda rng: preprocessing.PowerTransformer(),
    lambda rng: preprocessing.QuantileTransformer(
        n_quantiles=20, output_distribution=chosen(rng, ["uniform", "normal"])
    ),
    lambda rng: preprocessing.KBinsDiscretizer(
        5,
        encode=chosen(rng, ["onehot-dense", "ordinal"]),
        strategy=chosen(rng, ["uniform", "quantile"]),
        quantile_method="averaged_inverted_cdf",
    ),
    lambda rng: preprocessing.PolynomialFeatures(2, interaction_only=bool(rng.integers(2))),
    lambda rng: preprocessing.Normalizer(norm=chosen(rng, ["l1", "l2", "max"])),
    lambda rng: preprocessing.Binarizer(threshold=0.1),
    lambda rng: preprocessing.FunctionTransformer(np.arctan),
    lambda rng: preprocessing.FunctionTransformer(np.cbrt),
]

PROJECTIONS: list[Draw] = [
    lambda rng: decomposition.PCA(2, whiten=bool(rng.integers(2))),
    lambda rng: decomposition.TruncatedSVD(2, random_state=state(rng)),
    lambda rng: decomposition.FactorAnalysis(2),
    lambda rng: decomposition.FastICA(2, max_iter=300, random_state=state(rng)),
    lambda rng: random_projection.GaussianRandomProjection(3, random_state=state(rng)),
    lambda rng: kernel_approximation.RBFSampler(n_components=12, random_state=state(rng)),
    lambda rng: kernel_approximation.Nystroem(n_components=10, random_state=state(rng)),
    lambda rng: cluster.KMeans(3, n_init=2, random_state=state(rng)),
    lambda rng: decomposition.KernelPCA(3, kernel=chosen(rng, ["rbf", "poly"])),
    lambda rng: discriminant_analysis.LinearDiscriminantAnalysis(),
    lambda rng: feature_selection.SelectKBest(k=2),
]
