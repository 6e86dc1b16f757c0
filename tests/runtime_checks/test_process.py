import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import onnxtwin
from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.process import ProcessSession

RUNNER = Path(__file__).parents[1] / "support" / "echo_runner.py"


def command(graph, threads):
    return [sys.executable, str(RUNNER), str(graph), str(threads)]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"weight": rng.normal(size=60), "city": rng.choice(["Köln", "Paris", "🗼"], 60)})


@pytest.fixture(scope="module")
def twin(rows):
    steps = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough"
    )
    labels = np.where(rows["weight"] > 0, "heavy", "light")
    return onnxtwin.export(make_pipeline(steps, LogisticRegression()).fit(rows, labels), rows)


@pytest.fixture
def session(twin):
    with ProcessSession(command, twin.model.SerializeToString(), twin.signature) as session:
        yield session


def test_answers_are_the_same_to_the_last_bit(twin, session, rows):
    expected, found = twin.run(rows), session.run(rows)
    np.testing.assert_array_equal(found["predict"], expected["predict"])
    assert found["predict_proba"].tobytes() == expected["predict_proba"].tobytes()


def test_a_check_judges_a_graph_in_another_process(twin, session, rows):
    report = check(session, twin._pipeline, rows, signature=twin.signature)
    assert report.ok
    assert session.versions.keys() == {"onnxruntime"}


def test_the_runner_tells_its_latency_in_microseconds(twin, session, rows):
    feeds = {"weight": np.zeros((1, 1)), "city": np.array([["Paris"]], dtype=object)}
    assert session.latency(feeds) == 1.5


def test_a_runner_that_dies_shows_its_last_words(session, rows):
    with pytest.raises(OnnxTwinError, match="told to die"):
        session.run([{"weight": 1.0, "city": "die"}])


def test_a_graph_that_cannot_be_loaded_is_an_error(twin):
    with pytest.raises(OnnxTwinError, match="python"):
        ProcessSession(command, b"no graph", twin.signature)


def test_a_program_that_is_not_there_is_an_error(twin):
    with pytest.raises(OnnxTwinError, match="cannot be started"):
        ProcessSession(lambda graph, threads: ["no-such-program"], b"", twin.signature)


def test_a_closed_session_says_so(twin, rows):
    session = ProcessSession(command, twin.model.SerializeToString(), twin.signature)
    session.close()
    with pytest.raises(OnnxTwinError, match="closed"):
        session.run(rows)
