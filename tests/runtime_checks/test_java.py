"""The Java runtime: the pipeline's answers, to the last bit of a text and a float."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from javascript import TEXTS, assert_equal_on_held_out_rows, small_twin, text_graph
from toolchains import demand

from artifacts import ARTIFACTS
from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.java import absent, open_session
from onnxtwin.runtime_checks.process import ProcessSession

# One worker at a time builds the runner.
pytestmark = pytest.mark.xdist_group("java")

# What Java's binding corrupts if it is used as its manual says.
HOSTILE = [
    "\0",
    "a\0b",
    "a\0c",
    "😀x",
    "𐐨",
    "\U0010ffff\0",
    "ð",
    "ñ\x9f",
    "\U000f0000",
    "\U00020000乙",
    "x" * 9999 + "😀",
]


@pytest.fixture(scope="module", autouse=True)
def java() -> None:
    demand("java", absent())


@pytest.fixture(scope="module")
def texts() -> Iterator[ProcessSession]:
    with open_session(*text_graph()) as session:
        yield session


def test_a_check_in_java_is_green_and_names_its_versions() -> None:
    twin, rows = small_twin()
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        report = check(session, twin._pipeline, rows, signature=twin.signature)
        assert report.ok, str(report)
        assert session.versions.keys() == {"onnxruntime", "java"}


def test_java_tells_the_time_of_one_call() -> None:
    twin, _ = small_twin()
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        feeds = {"weight": np.zeros((1, 1)), "city": np.array([["Paris"]], dtype=object)}
        assert session.latency(feeds, calls=20) > 0


def test_texts_of_every_kind_arrive_in_the_graph_and_come_back(texts: ProcessSession) -> None:
    sent = [*TEXTS, *HOSTILE]
    found = texts.run_tensors({"text": np.array(sent, dtype=object).reshape(-1, 1)})
    assert found["transform"].ravel().tolist() == sent
    assert found["predict"].ravel().tolist() == [text == "a" for text in sent]


def test_a_batch_larger_than_any_pipe_arrives_whole(texts: ProcessSession) -> None:
    many = np.array([f"{i} é" for i in range(200_000)], dtype=object).reshape(-1, 1)
    assert (texts.run_tensors({"text": many})["transform"] == many).all()


def test_a_graph_that_cannot_be_loaded_is_an_error() -> None:
    with pytest.raises(OnnxTwinError, match=r"java: .*model.onnx"):
        open_session(b"no graph", small_twin()[0].signature)


def test_a_call_that_fails_is_an_error_and_the_runner_goes_on(texts: ProcessSession) -> None:
    with pytest.raises(OnnxTwinError, match="java: "):
        texts.run_tensors({"text": np.zeros((1, 1))})
    assert texts.run_tensors({"text": np.array([["a"]], dtype=object)})["predict"].all()


@pytest.mark.long
@pytest.mark.parametrize("name", ARTIFACTS)
def test_ten_thousand_held_out_rows_are_equal_in_java(name: str) -> None:
    assert_equal_on_held_out_rows(open_session, name)
