"""Recipes of pipelines; a draw of one is a pipeline and its table, the same for a seed and a number."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    IsolationForest,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from correct import parts, tables
from correct.parts import chosen, state
from correct.tables import Table

Drawn = tuple[Any, Table]
"""An unfitted pipeline and its table."""

Recipe = Callable[[Generator], Drawn]

RECIPES: dict[str, Recipe] = {}


def recipe(make: Recipe) -> Recipe:
    """Register a recipe under its function's name."""
    RECIPES[make.__name__.replace("_", " ")] = make
    return make


@dataclass
class Case:
    """A fitted pipeline and its held-out rows.

    Attributes
    ----------
    methods : to export; None for what production calls.
    """

    recipe: str
    text: str
    pipeline: Any
    sample: Any
    held_out: Any
    methods: list[str] | None


def case(seed: int, number: int) -> Case:
    """The pipeline of that number, fitted; recipes take turns.

    Raises
    ------
    ValueError : scikit-learn cannot fit it on these rows.
    """
    from correct import frames  # noqa: F401 - registers its recipes

    names = list(RECIPES)
    name = names[number % len(names)]
    rng = np.random.default_rng([seed, number])
    pipeline, table = RECIPES[name](rng)
    text = re.sub(r" at 0x[0-9a-f]+|(?<=\s)\s+", "", repr(pipeline)).replace("\n", " ") + f" on {table.name}"
    for parameter, value in pipeline.get_params().items():
        if parameter.endswith("random_state") and value is None:
            pipeline.set_params(**{parameter: seed})
    X, y = table.fitted_on
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X, y)
    scores = rng.random() < 0.25 and hasattr(pipeline, "decision_function")
    return Case(name, text, pipeline, X, table.held_out, ["predict", "decision_function"] if scores else None)


@recipe
def linear_classifier_on_raw_columns(rng: Generator) -> Drawn:
    """No step before it: sums of products of raw numbers."""
    return chosen(rng, parts.LINEAR_CLASSIFIERS)(rng), tables.altered(rng, tables.classes(rng))


@recipe
def scaled_linear_classifier(rng: Generator) -> Drawn:
    """What everybody tries first."""
    model = chosen(rng, parts.LINEAR_CLASSIFIERS)(rng)
    return make_pipeline(chosen(rng, parts.SCALERS)(rng), model), tables.altered(rng, tables.classes(rng))


@recipe
def linear_regressor(rng: Generator) -> Drawn:
    """Raw or scaled."""
    model = chosen(rng, parts.LINEAR_REGRESSORS)(rng)
    table = tables.altered(rng, tables.numbers(rng))
    return model if rng.random() < 0.5 else make_pipeline(chosen(rng, parts.SCALERS)(rng), model), table


@recipe
def regressor_with_a_link(rng: Generator) -> Drawn:
    """Exponentials, kernels, networks, a transformed target."""
    model = chosen(rng, parts.LINKED_REGRESSORS)(rng)
    if rng.random() < 0.25:
        model = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    return make_pipeline(parts.SCALERS[0](rng), model), tables.altered(rng, tables.numbers(rng))


@recipe
def bayes(rng: Generator) -> Drawn:
    """Naive Bayes and quadratic discriminants, on numbers that are not negative."""
    table = tables.altered(rng, tables.classes(rng))
    model = chosen(rng, parts.BAYES)(rng)
    return make_pipeline(parts.SCALERS[1](rng), model) if rng.random() < 0.4 else model, table


@recipe
def gaussian_bayes(rng: Generator) -> Drawn:
    """Squares and logarithms, raw and scaled."""
    model = chosen(rng, parts.BAYES[:2])(rng)
    table = tables.altered(rng, tables.classes(rng))
    return make_pipeline(parts.SCALERS[0](rng), model) if rng.random() < 0.5 else model, table


@recipe
def tree(rng: Generator) -> Drawn:
    """One tree on raw columns, with gaps in some."""
    table = tables.altered(rng, tables.classes(rng), chosen(rng, [0.0, 0.1]))
    return chosen(rng, parts.TREES)(rng), table


@recipe
def forest(rng: Generator) -> Drawn:
    """Raw, scaled, or with gaps."""
    share = chosen(rng, [0.0, 0.1])
    model = chosen(rng, parts.FORESTS)(rng)
    table = tables.altered(rng, tables.classes(rng), share)
    return make_pipeline(
        chosen(rng, parts.SCALERS)(rng), model
    ) if not share and rng.random() < 0.4 else model, table


@recipe
def boosting(rng: Generator) -> Drawn:
    """Ensembles whose members' answers are added or voted on."""
    return chosen(rng, parts.BOOSTING)(rng), tables.altered(rng, tables.classes(rng))


@recipe
def histogram_boosting(rng: Generator) -> Drawn:
    """With gaps."""
    return parts.HISTOGRAMS[0](rng), tables.altered(rng, tables.classes(rng), chosen(rng, [0.0, 0.15]))


@recipe
def regression_trees(rng: Generator) -> Drawn:
    """Trees and their ensembles, raw or scaled."""
    model = chosen(rng, parts.TREE_REGRESSORS)(rng)
    table = tables.altered(rng, tables.numbers(rng))
    return make_pipeline(chosen(rng, parts.SCALERS)(rng), model) if rng.random() < 0.3 else model, table


def _members(rng: Generator, draws: list[parts.Draw], number: int = 3) -> list[tuple[str, Any]]:
    order = rng.permutation(len(draws))[:number]
    return [(f"m{i}", draws[i](rng)) for i in order]


@recipe
def voting(rng: Generator) -> Drawn:
    """Labels are counted, or probabilities averaged."""
    table = tables.altered(rng, tables.classes(rng))
    hard = rng.random() < 0.6
    some = [*parts.LINEAR_CLASSIFIERS[:6], *parts.BAYES[:2], *parts.TREES]
    likely = [*parts.LINEAR_CLASSIFIERS[:3], *parts.BAYES[:2], *parts.TREES]
    model = VotingClassifier(_members(rng, some if hard else likely), voting="hard" if hard else "soft")
    return make_pipeline(parts.SCALERS[0](rng), model) if rng.random() < 0.5 else model, table


@recipe
def stacking(rng: Generator) -> Drawn:
    """Answers of some models are the columns of another."""
    if rng.random() < 0.4:
        members = _members(rng, [*parts.LINEAR_REGRESSORS[:4], *parts.TREE_REGRESSORS[:3]], 2)
        model = StackingRegressor(members, Ridge(), cv=3) if rng.random() < 0.5 else VotingRegressor(members)
        return model, tables.altered(rng, tables.numbers(rng))
    members = _members(rng, [*parts.LINEAR_CLASSIFIERS[:5], *parts.TREES], 2)
    return StackingClassifier(members, LogisticRegression(), cv=3), tables.altered(rng, tables.classes(rng))


@recipe
def calibrated(rng: Generator) -> Drawn:
    """Sigmoids, steps or a temperature over another model's scores."""
    inner = chosen(rng, [*parts.LINEAR_CLASSIFIERS, *parts.TREES, parts.BAYES[0]])(rng)
    inner = make_pipeline(parts.SCALERS[0](rng), inner) if rng.random() < 0.5 else inner
    method = chosen(rng, ["sigmoid", "isotonic", "temperature"])
    return CalibratedClassifierCV(inner, method=method, cv=3), tables.altered(rng, tables.classes(rng))


@recipe
def wide_classifier(rng: Generator) -> Drawn:
    """100 to 300 columns into a linear model, a network or trees."""
    model = chosen(rng, [*parts.LINEAR_CLASSIFIERS, *parts.NETWORKS, parts.FORESTS[0], parts.BAYES[0]])(rng)
    first = [parts.SCALERS[0](rng)] if rng.random() < 0.8 else []
    first += [parts.PROJECTIONS[0](rng)] if rng.random() < 0.2 else []
    return make_pipeline(*first, model), tables.wide(rng, tables.classes(rng))


@recipe
def wide_regressor(rng: Generator) -> Drawn:
    """100 to 300 columns into a linear model or trees."""
    model = chosen(rng, [*parts.LINEAR_REGRESSORS[:5], parts.TREE_REGRESSORS[1]])(rng)
    return make_pipeline(parts.SCALERS[0](rng), model), tables.wide(rng, tables.numbers(rng))


@recipe
def network(rng: Generator) -> Drawn:
    """Layers of products."""
    return make_pipeline(parts.SCALERS[0](rng), parts.NETWORKS[0](rng)), tables.altered(
        rng, tables.classes(rng)
    )


@recipe
def many_classes_from_two(rng: Generator) -> Drawn:
    """One model a class, a pair of classes, or a bit; searched or thresholded models."""
    base = chosen(rng, [*parts.LINEAR_CLASSIFIERS[:4], *parts.TREES])(rng)
    several = tables.altered(rng, tables.classes(rng))
    wrap: Callable[[Any], Any] = chosen(rng, [OneVsRestClassifier, OneVsOneClassifier, OutputCodeClassifier])
    if wrap is OutputCodeClassifier:
        return OutputCodeClassifier(base, random_state=state(rng)), several
    if rng.random() < 0.6:
        return wrap(base), several
    logistic = make_pipeline(parts.SCALERS[0](rng), LogisticRegression())
    two = tables.altered(rng, tables.classes(rng, most=2))
    grid = GridSearchCV(logistic, {"logisticregression__C": [0.1, 1.0]}, cv=3)
    thresholds = [
        FixedThresholdClassifier(logistic, threshold=0.3),
        TunedThresholdClassifierCV(logistic, cv=3),
    ]
    return chosen(rng, [grid, *thresholds]), two


@recipe
def several_targets(rng: Generator) -> Drawn:
    """A model a target, or a chain of them."""
    if rng.random() < 0.4:
        table = tables.classes(rng)
        y = np.column_stack([table.y == table.y[0], np.arange(len(table.y)) % 3 == 0]).astype(int)
        table = tables.altered(rng, Table(table.name, table.X, y))
        return make_pipeline(parts.SCALERS[0](rng), ClassifierChain(LogisticRegression())), table
    table = tables.numbers(rng)
    table = tables.altered(rng, Table(table.name, table.X, np.column_stack([table.y, np.sqrt(table.y)])))
    inner = chosen(rng, [*parts.LINEAR_REGRESSORS[:4], parts.TREE_REGRESSORS[0]])(rng)
    return chosen(rng, [MultiOutputRegressor, RegressorChain, lambda m: m])(
        Ridge() if rng.random() < 0.3 else inner
    ), table


@recipe
def bent_columns(rng: Generator) -> Drawn:
    """Bins, quantiles, powers, products, norms before a linear model."""
    bend = chosen(rng, parts.BENDERS)(rng)
    regress = rng.random() < 0.4
    table = tables.some_columns(rng, tables.numbers(rng) if regress else tables.classes(rng), most=5)
    table = tables.ties(rng, table) if rng.random() < 0.3 else table
    model = chosen(rng, parts.LINEAR_REGRESSORS[:5] if regress else parts.LINEAR_CLASSIFIERS)(rng)
    return make_pipeline(bend, *([parts.SCALERS[0](rng)] if rng.random() < 0.4 else []), model), table


@recipe
def projected_columns(rng: Generator) -> Drawn:
    """Projections, kernels, distances to centres before a model."""
    model = chosen(rng, [*parts.LINEAR_CLASSIFIERS, *parts.TREES, *parts.FORESTS])(rng)
    first = chosen(rng, parts.PROJECTIONS[:-2])(rng)
    table = tables.some_columns(rng, tables.classes(rng), least=4)
    return make_pipeline(parts.SCALERS[0](rng), first, model), table


@recipe
def transformer(rng: Generator) -> Drawn:
    """No model at the end."""
    steps = [chosen(rng, d)(rng) for d in (parts.SCALERS, [*parts.BENDERS, *parts.PROJECTIONS])]
    table = tables.some_columns(rng, tables.classes(rng), least=4)
    if rng.random() < 0.4:
        return make_union(*steps), table
    return make_pipeline(*(steps if rng.random() < 0.5 else steps[1:])), table


@recipe
def mixture(rng: Generator) -> Drawn:
    """Densities and outliers."""
    draws = [
        GaussianMixture(
            2, covariance_type=chosen(rng, ["full", "diag", "tied", "spherical"]), random_state=0
        ),
        BayesianGaussianMixture(n_components=2, random_state=0),
        IsolationForest(n_estimators=8, random_state=state(rng)),
    ]
    return make_pipeline(parts.SCALERS[0](rng), chosen(rng, draws)), tables.altered(rng, tables.classes(rng))


@recipe
def imputed(rng: Generator) -> Drawn:
    """Gaps filled, with indicators or without, before scaled linear models and trees."""
    imputer = SimpleImputer(
        strategy=chosen(rng, ["mean", "median", "most_frequent"]), add_indicator=rng.random() < 0.4
    )
    model = chosen(rng, [*parts.LINEAR_CLASSIFIERS, *parts.FORESTS, parts.BAYES[0]])(rng)
    scale = [parts.SCALERS[0](rng)] if rng.random() < 0.6 else []
    return make_pipeline(imputer, *scale, model), tables.altered(rng, tables.classes(rng), 0.15)


@recipe
def float32_classifier(rng: Generator) -> Drawn:
    """A sample in float32: models compute in float32, or widen it."""
    some = [*parts.LINEAR_CLASSIFIERS, *parts.TREES, *parts.FORESTS, *parts.BOOSTING, *parts.HISTOGRAMS]
    model = chosen(rng, [*some, parts.BAYES[0], *parts.NETWORKS])(rng)
    table = tables.single(tables.altered(rng, tables.classes(rng)))
    return make_pipeline(chosen(rng, parts.SCALERS)(rng), model) if rng.random() < 0.4 else model, table


@recipe
def float32_regressor(rng: Generator) -> Drawn:
    """A sample in float32."""
    model = chosen(rng, [*parts.LINEAR_REGRESSORS, *parts.TREE_REGRESSORS])(rng)
    table = tables.single(tables.altered(rng, tables.numbers(rng)))
    return make_pipeline(chosen(rng, parts.SCALERS)(rng), model) if rng.random() < 0.3 else model, table


@recipe
def function_of_numbers(rng: Generator) -> Drawn:
    """A function of the user's own, in NumPy, before a model."""
    functions = [np.log1p, np.abs, np.square, _ratio, _clipped, _chosen]
    model = chosen(rng, [*parts.LINEAR_CLASSIFIERS[:4], DecisionTreeClassifier(max_depth=4)])
    model = model(rng) if callable(model) else model
    table = tables.matrix(tables.some_columns(rng, tables.classes(rng), least=3))
    return make_pipeline(FunctionTransformer(chosen(rng, functions)), model), table


def _ratio(X: np.ndarray) -> np.ndarray:
    return np.column_stack([X, X[:, 0] / (1.0 + np.abs(X[:, 1]))])


def _clipped(X: np.ndarray) -> np.ndarray:
    return np.clip(X, 0.5, 20.0)


def _chosen(X: np.ndarray) -> np.ndarray:
    return np.where(X[:, [0]] > X[:, [1]], X, -X)
