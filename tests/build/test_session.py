"""A session answers as the pipeline's methods do, from any thread and after a pickle."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from handmade import MIXED, ROW, classifier, echo, matrix

from onnxtwin.build.session import Session
from onnxtwin.exporters.errors import DomainError, InputError, OnnxTwinError

ROWS = [{"a": 2.0, "b": 1.0}, {"a": 0.0, "b": 1.0}]


@pytest.fixture
def session() -> Session:
    return Session(*classifier())


def test_labels_and_probabilities_have_the_pipelines_dtypes(session: Session) -> None:
    answers = session.run(ROWS)
    assert answers["predict"].dtype == np.dtype("<U3")
    assert answers["predict"].tolist() == ["yes", "no"]
    assert answers["predict_proba"].dtype == np.float64
    assert answers["predict_proba"].tolist() == [[0.25, 0.75], [0.75, 0.25]]


def test_only_the_methods_asked_for_are_answered(session: Session) -> None:
    assert list(session.run(ROWS, ["predict_proba"])) == ["predict_proba"]


def test_a_method_that_the_graph_does_not_answer_is_named(session: Session) -> None:
    with pytest.raises(InputError, match="'transform', only predict, predict_proba"):
        session.run(ROWS, ["transform"])


def test_no_rows_give_empty_answers_of_the_right_dtype(session: Session) -> None:
    answers = session.run([])
    assert (answers["predict"].shape, answers["predict"].dtype) == ((0,), np.dtype("<U3"))
    assert (answers["predict_proba"].shape, answers["predict_proba"].dtype) == ((0, 2), np.float64)


def test_a_row_outside_the_domain_is_named_with_step_and_reason(session: Session) -> None:
    with pytest.raises(
        DomainError, match=r"row 1 .*\(2 rows in all\), step scale: negative values are refused"
    ):
        session.run([*ROWS[:1], {"a": -1.0, "b": 0.0}, {"a": -2.0, "b": 0.0}])


def test_half_a_surrogate_pair_is_named_with_column_and_row() -> None:
    session = Session(*echo(MIXED))
    with pytest.raises(InputError, match=r"column 'carrier', row 1 .*half a surrogate pair"):
        session.run([ROW, ROW | {"carrier": "a\ud83d"}])


def test_eight_threads_share_one_session(session: Session) -> None:
    rng = np.random.default_rng(0)
    batches = [pd.DataFrame(rng.random((50, 2)), columns=["a", "b"]) for _ in range(64)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda X: session.run(X)["predict"], batches))
    for X, answer in zip(batches, answers, strict=True):
        assert (answer == np.where(X.a > X.b, "yes", "no")).all()


def test_a_pickled_session_answers_in_another_process(session: Session, tmp_path: Path) -> None:
    (tmp_path / "session.pickle").write_bytes(pickle.dumps(session))
    code = (
        "import pickle, sys; session = pickle.load(open(sys.argv[1], 'rb'));"
        "print(session.run([{'a': 2.0, 'b': 1.0}])['predict'][0], 'pandas' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "session.pickle")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["yes", "False"]


def test_a_closed_session_says_so(session: Session) -> None:
    with session:
        session.run(ROWS)
    for use in (lambda: session.run(ROWS), lambda: pickle.dumps(session)):
        with pytest.raises(OnnxTwinError, match="closed"):
            use()


def test_bytes_that_are_no_graph_are_refused() -> None:
    with pytest.raises(OnnxTwinError, match=r"onnxruntime \d.* cannot load the graph"):
        Session(b"no graph", classifier()[1])


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnnxTwinError, match="cannot load the graph"):
        Session(tmp_path / "absent.onnx", classifier()[1])


def test_a_graph_whose_weights_lie_beside_it_is_run_from_its_path(tmp_path: Path) -> None:
    model, signature = matrix(300)
    graph = onnx.load_from_string(model)
    weights = np.arange(300, dtype=np.float64)
    graph.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
    graph.graph.node[0].op_type = "Add"
    graph.graph.node[0].input.append("weights")
    onnx.save_model(
        graph,
        tmp_path / "model.onnx",
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )
    session = pickle.loads(pickle.dumps(Session(tmp_path / "model.onnx", signature)))
    assert (session.run(np.zeros((2, 300)))["transform"] == weights).all()


def test_what_onnxruntime_cannot_do_is_one_clear_error() -> None:
    session = Session(*matrix(3))
    with pytest.raises(OnnxTwinError, match=r"onnxruntime \d.* failed on these rows"):
        session.run_tensors({"X": np.zeros((1, 3), dtype=np.float32)})
