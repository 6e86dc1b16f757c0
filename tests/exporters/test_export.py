"""What an export promises beyond its answers: helpful refusals, an untouched pipeline, the same bytes."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_twin_equal, twin_of
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from onnxtwin.exporters import export_graph, exports
from onnxtwin.exporters.errors import RecordingError, SignatureError, UnsupportedError
from onnxtwin.exporters.registry import _REGISTRY, registered

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])


def model() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


class TestRefusals:
    def test_an_unfitted_pipeline(self) -> None:
        with pytest.raises(UnsupportedError, match="not fitted"):
            export_graph(make_pipeline(StandardScaler(), LogisticRegression()), X)

    def test_a_class(self) -> None:
        with pytest.raises(UnsupportedError, match="export a fitted instance"):
            export_graph(LogisticRegression, X)

    def test_something_that_is_no_estimator(self) -> None:
        with pytest.raises(UnsupportedError, match="not an estimator"):
            export_graph("pipeline", X)

    def test_an_unknown_method(self) -> None:
        with pytest.raises(UnsupportedError, match=r"no inference method 'transform'.*\n.*predict_proba"):
            export_graph(model(), X, methods=["transform"])

    def test_an_unknown_layout(self) -> None:
        with pytest.raises(UnsupportedError, match="'columns' or 'packed'"):
            export_graph(model(), X, layout="rows")

    def test_a_sample_without_rows(self) -> None:
        with pytest.raises(SignatureError, match="no rows"):
            export_graph(model(), X[:0])

    def test_a_sample_of_other_width(self) -> None:
        with pytest.raises(SignatureError, match="3 columns, the pipeline was fitted on 4"):
            export_graph(model(), X[:, :3])

    def test_a_frame_that_lacks_a_fitted_column(self) -> None:
        fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, Y)
        with pytest.raises(SignatureError, match=r"lacks the columns \['c'\]"):
            export_graph(fitted, FRAME.drop(columns="c"))

    def test_a_sample_that_the_pipeline_refuses(self) -> None:
        with pytest.raises(SignatureError, match="the pipeline refuses the sample"):
            export_graph(model(), np.full((3, 4), np.inf))

    def test_a_sample_of_no_known_kind(self) -> None:
        with pytest.raises(SignatureError, match="no raw columns"):
            export_graph(model(), 3.0)

    def test_the_step_path_of_a_nested_step_is_named(self) -> None:
        def looks_at_rows(X: Any) -> Any:
            return X if X[0, 0] > 0 else -X

        pipeline = Pipeline(
            [
                ("prepare", Pipeline([("ratios", FunctionTransformer(looks_at_rows))])),
                ("scale", StandardScaler()),
            ]
        ).fit(X)
        with pytest.raises(UnsupportedError) as caught:
            export_graph(pipeline, X)
        assert "step 'prepare.ratios'" in str(caught.value)
        assert "X[0, 0] > 0" in str(caught.value)

    def test_an_error_of_compiled_code_names_its_place(self) -> None:
        from sklearn.neighbors import KernelDensity

        with pytest.raises(UnsupportedError, match="way out"):
            export_graph(KernelDensity(kernel="tophat").fit(X), X, methods=["score_samples"])


class TestDeterminism:
    def test_equal_pipelines_have_equal_bytes(self) -> None:
        first, second = (
            export_graph(model(), X).model.SerializeToString(deterministic=True) for _ in range(2)
        )
        assert first == second

    def test_bytes_do_not_depend_on_exports_before(self) -> None:
        first = export_graph(model(), X).model.SerializeToString(deterministic=True)
        export_graph(MinMaxScaler().fit(FRAME), FRAME)
        assert export_graph(model(), X).model.SerializeToString(deterministic=True) == first

    def test_nothing_of_the_machine_is_in_the_model(self) -> None:
        content = export_graph(model(), X).model.SerializeToString()
        assert b"/" not in content.replace(b"ai.onnx.ml", b"")

    def test_opset_and_ir_are_those_of_the_oldest_runtime(self) -> None:
        exported = export_graph(model(), X).model
        assert exported.ir_version <= 10
        assert all(
            o.version <= {"": 20, "ai.onnx.ml": 5, "com.microsoft": 1}[o.domain]
            for o in exported.opset_import
        )


class TestTheUsersOwnObjects:
    def test_the_pipeline_is_not_touched(self) -> None:
        pipeline = model()
        scaler = pipeline[0]
        before = {k: (v, type(v)) for k, v in vars(scaler).items()}
        export_graph(pipeline, X, methods="all")
        assert pipeline[0] is scaler
        assert all(vars(scaler)[k] is v and type(vars(scaler)[k]) is kind for k, (v, kind) in before.items())

    def test_classes_are_themselves_again(self) -> None:
        before = [(e, e.owner.__dict__[e.name]) for e in registered() if isinstance(e.owner, type)]
        export_graph(model(), X)
        assert before
        assert all(e.owner.__dict__[e.name] is attribute for e, attribute in before)

    def test_classes_are_themselves_again_after_a_refusal(self) -> None:
        from sklearn.utils import validation

        check_array = validation.check_array
        with pytest.raises(UnsupportedError):
            export_graph(FunctionTransformer(lambda X: X[X[:, 0] > 0]).fit(X), X)
        assert validation.check_array is check_array
        assert globals()["np"] is np

    def test_a_transformer_that_writes_to_itself_writes_to_a_copy(self) -> None:
        class Counting(TransformerMixin, BaseEstimator):
            def fit(self, X: Any, y: Any = None) -> Counting:
                self.calls_ = 0
                return self

            def transform(self, X: Any) -> Any:
                self.calls_ = "traced" if type(X) is not np.ndarray else self.calls_
                return X * 2

        transformer = Counting().fit(X)
        export_graph(transformer, X)
        assert transformer.calls_ == 0


class TestThreads:
    def test_two_exports_at_once(self) -> None:
        answers: dict[int, bytes] = {}
        errors: list[BaseException] = []

        def work(i: int) -> None:
            try:
                answers[i] = export_graph(model(), X).model.SerializeToString(deterministic=True)
            except BaseException as error:  # noqa: BLE001 - the test's own thread asserts on it
                errors.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(set(answers.values())) == 1

    def test_another_thread_sees_plain_numpy_while_one_traces(self) -> None:
        seen: list[Any] = []

        def slow(X: Any) -> Any:
            done = threading.Thread(
                target=lambda: seen.append((type(np.zeros(2)), model().predict(X_REAL).tolist()))
            )
            done.start()
            done.join()
            return X + 1

        export_graph(FunctionTransformer(slow).fit(X), X)
        assert {kind for kind, _ in seen} == {np.ndarray}
        assert all(labels == model().predict(X_REAL).tolist() for _, labels in seen)


X_REAL = X[::10].copy()


class Doubling(TransformerMixin, BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Doubling:
        self.fitted_ = True
        return self

    def factor(self) -> float:
        return 2.0

    def transform(self, X: Any) -> Any:
        return np.vectorize(lambda x: x * self.factor())(X)


class Inheriting(Doubling):
    pass


class Overriding(Doubling):
    def transform(self, X: Any) -> Any:
        return X * 5.0


class OtherHook(Doubling):
    def factor(self) -> float:
        return 3.0


@pytest.fixture
def doubling_exporter():
    @exports(Doubling, "transform", hooks=("factor",))
    def doubling(self: Any, X: Any) -> Any:
        return X * 2.0

    yield doubling
    del _REGISTRY[Doubling, "transform"]


@pytest.mark.usefixtures("doubling_exporter")
class TestRegistry:
    def test_an_exporter_stands_in_for_what_cannot_be_traced(self) -> None:
        assert_twin_equal(Doubling().fit(X), X)

    def test_an_inherited_method_is_covered(self) -> None:
        assert_twin_equal(Inheriting().fit(X), X)

    def test_an_overridden_method_is_not_exported_as_its_parents(self) -> None:
        assert_twin_equal(Overriding().fit(X), X)

    def test_an_overridden_hook_is_not_exported_as_its_parents(self) -> None:
        with pytest.raises(UnsupportedError, match="vectorize"):
            export_graph(OtherHook().fit(X), X)


def test_a_wrong_exporter_is_caught() -> None:
    @exports(Doubling, "transform")
    def tripling(self: Any, X: Any) -> Any:
        return X * 3.0

    try:
        with pytest.raises(RecordingError, match=r"Doubling\.transform"):
            export_graph(Doubling().fit(X), X)
    finally:
        del _REGISTRY[Doubling, "transform"]


def test_a_class_without_exporter_or_traceable_code_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="vectorize"):
        export_graph(Doubling().fit(X), X)


class Looping(TransformerMixin, BaseEstimator):
    """Loops over rows: only the converter registered with skl2onnx can say it."""

    def fit(self, X: Any, y: Any = None) -> Looping:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return np.array([[float(v) * 7.0 for v in row] for row in X])


@pytest.fixture
def registered_converter(request: pytest.FixtureRequest):
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.algebra.onnx_ops import OnnxMul
    from skl2onnx.common.data_types import DoubleTensorType

    factor = getattr(request, "param", 7.0)

    def shape(operator: Any) -> None:
        operator.outputs[0].type = DoubleTensorType([None, operator.inputs[0].type.shape[1]])

    def convert(scope: Any, operator: Any, container: Any) -> None:
        OnnxMul(
            operator.inputs[0], np.array([factor]), op_version=20, output_names=operator.outputs[:1]
        ).add_to(scope, container)

    update_registered_converter(Looping, "OnnxtwinTestLooping", shape, convert)
    yield
    del sklearn_operator_name_map[Looping]


@pytest.mark.usefixtures("registered_converter")
def test_a_registered_converter_is_inlined() -> None:
    assert_twin_equal(make_pipeline(StandardScaler(), Looping(), MinMaxScaler()).fit(X), X)


@pytest.mark.parametrize("registered_converter", [7.000001], indirect=True)
@pytest.mark.usefixtures("registered_converter")
def test_a_registered_converter_that_answers_something_else_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="does not answer what it answers"):
        export_graph(Looping().fit(X), X)


class LoopingInSingle(Looping):
    """Answers in single precision, of which the converter is an ulp off."""

    def transform(self, X: Any) -> Any:
        return np.array([[float(v) * 7.0 for v in row] for row in X]).astype(np.float32)


@pytest.mark.parametrize("registered_converter", [7.0000001], indirect=True)
@pytest.mark.usefixtures("registered_converter")
def test_a_converter_of_an_answer_in_single_precision_is_held_to_the_same_tolerance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from skl2onnx import _parse, _supported_operators

    alias = _supported_operators.sklearn_operator_name_map[Looping]
    monkeypatch.setitem(_supported_operators.sklearn_operator_name_map, LoopingInSingle, alias)
    assert _parse.sklearn_operator_name_map is _supported_operators.sklearn_operator_name_map
    pipeline = make_pipeline(StandardScaler(), LoopingInSingle()).fit(X)
    with pytest.raises(UnsupportedError, match=r"LoopingInSingle.transform .* within 1e-9 ") as caught:
        export_graph(pipeline, X)
    assert "step 'loopinginsingle'" in str(caught.value)
    assert "way out: take an estimator of scikit-learn" in str(caught.value)


@pytest.mark.parametrize("far", [1, 3])
def test_the_finished_graph_may_differ_on_no_row(far: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxtwin.exporters import proof

    real = proof.real_answers

    def wrong(method: str, result: Any, outputs: Any) -> list[np.ndarray]:
        found = real(method, result, outputs)
        return [np.where(np.arange(len(a)) < far, a + 1e-6, a) if len(a) > far else a for a in found]

    monkeypatch.setattr(proof, "real_answers", wrong)
    with pytest.raises(RecordingError, match=f"does not answer what the pipeline answers, on {far} of"):
        export_graph(LinearRegression().fit(X, X[:, 0]), X)


def test_not_fitted_is_the_cause() -> None:
    with pytest.raises(UnsupportedError) as caught:
        export_graph(LogisticRegression(), X)
    assert isinstance(caught.value.__cause__, NotFittedError)


def test_the_twin_of_a_frame_names_every_column() -> None:
    session = twin_of(StandardScaler().fit(FRAME), FRAME)
    assert [i.name for i in session.signature.inputs] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda X: np.stack([X, X + 1]), r"\(2, rows, 3\)"),
        (lambda X: X.T, r"\(3, rows\)"),
        (lambda X: X[:2], r"\(2, 3\)"),
        (lambda X: X.shape[1] * np.ones(()), r"\(\)"),
    ],
)
def test_an_answer_whose_first_axis_is_not_the_rows_is_refused(answer: Any, told: str) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 3))
    with pytest.raises(UnsupportedError, match=rf"FunctionTransformer\.transform .* {told}, whose first"):
        export_graph(FunctionTransformer(answer).fit(rows), rows)


def test_votes_beside_each_other_are_refused_by_their_method_and_the_others_export() -> None:
    rows, y = load_breast_cancer(return_X_y=True)
    voters = [("a", GaussianNB()), ("b", DecisionTreeClassifier(max_depth=2))]
    model = VotingClassifier(voters, voting="soft", flatten_transform=False).fit(rows[:, :4], y)
    with pytest.raises(UnsupportedError, match=r"VotingClassifier\.transform .*\n.*flatten_transform"):
        export_graph(model, rows[:, :4], methods="all")
    assert export_graph(model, rows[:, :4]).signature.methods == ("predict", "predict_proba")
