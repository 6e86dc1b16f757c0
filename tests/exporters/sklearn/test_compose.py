"""Pipelines, column transformers and unions, over the ways in which users write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from parity import assert_twin_equal, twin_of
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "age": RNG.normal(40, 12, 80),
        "fare": RNG.lognormal(3, 1, 80),
        "class": RNG.integers(1, 4, 80),
        "sex": RNG.choice(["male", "female"], 80),
        "home.dest": RNG.choice(["Paris", "London", "Rome"], 80),
        "member": RNG.choice([True, False], 80),
    }
)
TARGET = (FRAME["age"] + 5 * FRAME["class"] + RNG.normal(0, 5, 80) > 50).to_numpy()
NUMBERS = FRAME[["age", "fare", "class"]]


def fitted(estimator: Any, X: Any = FRAME) -> Any:
    return estimator.fit(X, TARGET)


COLUMN_TRANSFORMERS = {
    "names": ColumnTransformer([("s", StandardScaler(), ["age", "fare"])]),
    "one name": ColumnTransformer(
        [("f", FunctionTransformer(lambda s: s.to_numpy().reshape(-1, 1) * 2), "age")]
    ),
    "positions": ColumnTransformer([("s", StandardScaler(), [0, 2])]),
    "negative positions": ColumnTransformer([("s", StandardScaler(), [-6, -5])]),
    "slice of positions": ColumnTransformer([("s", MinMaxScaler(), slice(0, 3))]),
    "slice of names": ColumnTransformer([("s", MinMaxScaler(), slice("age", "class"))]),
    "mask": ColumnTransformer([("s", RobustScaler(), [True, True, False, False, False, False])]),
    "callable": ColumnTransformer(
        [("s", StandardScaler(), lambda X: [c for c in X.columns if c != "sex" and "." not in c])]
    ),
    "selector by dtype": ColumnTransformer(
        [("s", StandardScaler(), make_column_selector(dtype_include=np.number))]
    ),
    "selector by pattern": ColumnTransformer(
        [("s", StandardScaler(), make_column_selector(pattern="^[af]"))]
    ),
    "remainder passthrough": ColumnTransformer(
        [("o", OneHotEncoder(), ["sex", "home.dest"])], remainder="passthrough"
    ),
    "remainder estimator": ColumnTransformer(
        [("o", OneHotEncoder(), ["sex", "home.dest"])], remainder=StandardScaler()
    ),
    "drop": ColumnTransformer([("d", "drop", ["sex", "home.dest"]), ("p", "passthrough", ["age", "member"])]),
    "weights": ColumnTransformer(
        [("a", StandardScaler(), ["age"]), ("b", MinMaxScaler(), ["fare"])],
        transformer_weights={"a": 0.25, "b": 3.0},
    ),
    "dense threshold": ColumnTransformer([("o", OneHotEncoder(), ["sex", "home.dest"])], sparse_threshold=0),
    "empty selection": ColumnTransformer([("n", StandardScaler(), []), ("s", StandardScaler(), ["fare"])]),
    "column used twice": ColumnTransformer(
        [("a", StandardScaler(), ["age"]), ("b", MinMaxScaler(), ["fare", "age"])]
    ),
    "texts passed through": ColumnTransformer([("p", "passthrough", ["sex", "home.dest"])]),
}


@pytest.mark.parametrize("kind", COLUMN_TRANSFORMERS)
def test_column_transformer(kind: str) -> None:
    assert_twin_equal(fitted(COLUMN_TRANSFORMERS[kind]), FRAME)


@pytest.mark.parametrize("kind", [k for k in COLUMN_TRANSFORMERS if k not in ("texts passed through",)])
def test_column_transformer_with_pandas_output(kind: str) -> None:
    from sklearn.base import clone

    transformer = clone(COLUMN_TRANSFORMERS[kind])
    for name, step, _ in transformer.transformers:
        if isinstance(step, OneHotEncoder):
            transformer.set_params(**{f"{name}__sparse_output": False})
    if kind == "one name":
        pytest.skip("a function that returns a matrix has no column names: scikit-learn refuses it, too")
    assert_twin_equal(fitted(transformer.set_output(transform="pandas")), FRAME)


@pytest.mark.parametrize("verbose", [True, False])
def test_names_of_the_output_survive(verbose: bool) -> None:
    transformer = make_column_transformer(
        (StandardScaler(), ["age"]),
        (OneHotEncoder(sparse_output=False), ["sex"]),
        verbose_feature_names_out=verbose,
    ).set_output(transform="pandas")
    session = assert_twin_equal(fitted(transformer), FRAME)
    assert session.signature.outputs[0].columns == tuple(transformer.get_feature_names_out())


def test_a_later_step_chooses_columns_by_name() -> None:
    first = make_column_transformer(
        (StandardScaler(), ["age", "fare"]), ("passthrough", ["class"]), verbose_feature_names_out=False
    )
    second = make_column_transformer((MinMaxScaler(), ["class"]), (StandardScaler(), ["fare"]))
    pipeline = make_pipeline(first.set_output(transform="pandas"), second, LogisticRegression())
    assert_twin_equal(fitted(pipeline), FRAME, methods="all")


PIPELINES = {
    "passthrough": Pipeline([("a", "passthrough"), ("s", StandardScaler()), ("m", LogisticRegression())]),
    "None": Pipeline([("a", None), ("s", StandardScaler()), ("m", LogisticRegression())]),
    "nested": make_pipeline(
        make_pipeline(StandardScaler(), MinMaxScaler()), make_pipeline(PCA(2), LogisticRegression())
    ),
    "single": make_pipeline(LogisticRegression()),
    "union": make_pipeline(make_union(StandardScaler(), MinMaxScaler()), LogisticRegression()),
    "set_output": make_pipeline(StandardScaler(), MinMaxScaler(), LogisticRegression()).set_output(
        transform="pandas"
    ),
}


@pytest.mark.parametrize("kind", PIPELINES)
def test_pipeline(kind: str) -> None:
    assert_twin_equal(fitted(PIPELINES[kind], NUMBERS), NUMBERS, methods="all")


@pytest.mark.parametrize("kind", ["passthrough", "None"])
def test_pipeline_that_ends_in_nothing(kind: str) -> None:
    last = None if kind == "None" else kind
    assert_twin_equal(fitted(Pipeline([("s", StandardScaler()), ("end", last)]), NUMBERS), NUMBERS)


UNIONS = {
    "weights": FeatureUnion(
        [("s", StandardScaler()), ("m", MinMaxScaler())], transformer_weights={"s": 10.0}
    ),
    "drop": FeatureUnion([("s", StandardScaler()), ("m", "drop")]),
    "passthrough": FeatureUnion([("s", StandardScaler()), ("m", "passthrough")]),
    "pandas": FeatureUnion([("s", StandardScaler()), ("m", MinMaxScaler())]).set_output(transform="pandas"),
    "nested": FeatureUnion(
        [("p", make_pipeline(StandardScaler(), PCA(2))), ("u", make_union(MinMaxScaler(), RobustScaler()))]
    ),
}


@pytest.mark.parametrize("kind", UNIONS)
def test_feature_union(kind: str) -> None:
    assert_twin_equal(fitted(UNIONS[kind], NUMBERS), NUMBERS)


FUNCTIONS = {
    "identity": FunctionTransformer(),
    "ufunc": FunctionTransformer(np.log1p, validate=True),
    "keywords": FunctionTransformer(lambda X, by: X * by, kw_args={"by": 3.0}),
    "frame to frame": FunctionTransformer(lambda X: X.assign(ratio=X["fare"] / X["age"])),
    "pandas output": FunctionTransformer(np.sqrt, feature_names_out="one-to-one").set_output(
        transform="pandas"
    ),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_function_transformer(kind: str) -> None:
    assert_twin_equal(fitted(FUNCTIONS[kind], NUMBERS), NUMBERS)


TARGETS = {
    "functions": TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1),
    "scaler": TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
    "quantiles": TransformedTargetRegressor(
        LinearRegression(), transformer=QuantileTransformer(n_quantiles=20)
    ),
    "plain": TransformedTargetRegressor(LinearRegression()),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_transformed_target(kind: str) -> None:
    y = np.abs(NUMBERS["age"].to_numpy()) * 10
    assert_twin_equal(TARGETS[kind].fit(NUMBERS, y), NUMBERS)


def test_transformed_target_of_two_columns() -> None:
    y = np.column_stack([NUMBERS["age"], NUMBERS["fare"]])
    assert_twin_equal(
        TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()).fit(NUMBERS, y), NUMBERS
    )


def test_columns_named_like_outputs_and_generated_names() -> None:
    names = {"age": "predict", "fare": "Add_0", "class": "_1"}
    frame = NUMBERS.rename(columns=names)
    session = assert_twin_equal(fitted(make_pipeline(StandardScaler(), LogisticRegression()), frame), frame)
    assert [i.name for i in session.signature.inputs] == list(names.values())
    assert [o.name for o in session.signature.outputs if o.method == "predict"] == ["predict.output"]


def test_a_matrix_in_and_positions_out() -> None:
    matrix = NUMBERS.to_numpy(dtype=float)
    pipeline = make_pipeline(
        ColumnTransformer([("s", StandardScaler(), [0]), ("p", "passthrough", slice(1, 3))]),
        SimpleImputer(),
        LogisticRegression(),
    )
    assert_twin_equal(fitted(pipeline, matrix), matrix, methods="all")


def test_packed_inputs_answer_as_columns_do() -> None:
    pipeline = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["sex", "home.dest"]), remainder="passthrough"),
        LogisticRegression(max_iter=1000),
    )
    session = assert_twin_equal(fitted(pipeline), FRAME, layout="packed")
    assert sorted(i.tensor for i in session.signature.inputs) == ["bool", "float64", "int64", "string"]


def test_both_methods_share_their_preprocessing() -> None:
    pipeline = fitted(make_pipeline(StandardScaler(), LogisticRegression()), NUMBERS)
    alone = len(twin_graph(pipeline, ["predict_proba"]))
    both = len(twin_graph(pipeline, ["predict", "predict_proba"]))
    assert both < 2 * alone
    assert [n.op_type for n in twin_graph(pipeline, ["predict", "predict_proba"])].count("MatMul") == 1


def twin_graph(estimator: Any, methods: list[str]) -> list[Any]:
    from onnxtwin.exporters import export_graph

    return list(export_graph(estimator, NUMBERS, methods=methods).model.graph.node)


def test_a_constant_column_of_integer_labels_keeps_its_order() -> None:
    frame = NUMBERS.set_axis([10, 2, 1], axis=1)
    assert_twin_equal(
        fitted(make_pipeline(FunctionTransformer(lambda X: X * 1.0), LinearRegression()), frame), frame
    )
    assert twin_of(fitted(FunctionTransformer(), frame), frame).signature.columns[0].name == "10"


class TestSparseOutput:
    """What scikit-learn answers as a sparse matrix is dense in the graph, and asked it is sparse."""

    @pytest.mark.parametrize(
        "function",
        [
            lambda X: X.toarray() * 2,
            lambda X: (X.toarray() if hasattr(X, "toarray") else X + 7) + 1,
            lambda X: X.toarray() if scipy.sparse.issparse(X) else X + 7,
            lambda X: X @ np.arange(1.0, 1.0 + X.shape[1]).reshape(-1, 1),
            lambda X: X.toarray() if not isinstance(X, np.ndarray) and type(X) is not np.ndarray else X + 7,
            lambda X: X.copy().toarray(),
        ],
    )
    def test_a_function_after_a_sparse_encoder(self, function: Callable[[Any], Any]) -> None:
        rows = np.array([["a", "x"], ["b", "y"], ["c", "x"], ["a", "y"]] * 10)
        assert_twin_equal(make_pipeline(OneHotEncoder(), FunctionTransformer(function)).fit(rows), rows)

    @pytest.mark.parametrize("joined", ["columns", "union"])
    def test_sparse_parts_are_joined(self, joined: str) -> None:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"a": rng.choice(list("abcdefghijklmnop"), 200), "b": rng.normal(size=200)})
        codes = make_column_transformer((OneHotEncoder(), ["a"]), (StandardScaler(), ["b"]))
        union = FeatureUnion([("codes", codes), ("again", make_column_transformer((OneHotEncoder(), ["a"])))])
        pipeline = make_pipeline(codes if joined == "columns" else union, LinearRegression())
        fitted = pipeline.fit(frame, np.arange(200.0))
        assert scipy.sparse.issparse(fitted[0].transform(frame))
        assert_twin_equal(fitted, frame)

    @pytest.mark.parametrize(
        "function",
        [
            lambda X: X.multiply(2).toarray(),
            lambda X: X.sum(axis=1),
            lambda X: X.T.T.toarray(),
            lambda X: X[:, 0].toarray(),
            lambda X: X.toarray() * X.size,
            lambda X: np.asarray(X.todense()),
            lambda X: X.astype(int).toarray(),
        ],
    )
    def test_what_a_sparse_matrix_does_otherwise_is_refused(self, function: Callable[[Any], Any]) -> None:
        rows = np.array([["a", "x"], ["b", "y"], ["c", "x"], ["a", "y"]] * 10)
        fitted = make_pipeline(OneHotEncoder(), FunctionTransformer(function, accept_sparse=True)).fit(rows)
        with pytest.raises(UnsupportedError, match=r"sparse matrix|asks a computed array for \."):
            export_graph(fitted, rows)
