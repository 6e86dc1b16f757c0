import numpy as np
import pytest
from javascript import TEXTS, assert_equal_on_held_out_rows, nul_graph, small_twin, text_graph
from toolchains import demand

from artifacts import ARTIFACTS
from onnxtwin.exporters.errors import InputError, OnnxTwinError
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.browser import absent, open_session

# One worker at a time installs the packages.
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module", autouse=True)
def browser():
    demand("browser", absent())


@pytest.fixture(scope="module")
def texts():
    with open_session(*text_graph()) as session:
        yield session


def test_a_check_in_the_browser_is_green_and_names_its_versions():
    twin, rows = small_twin()
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        report = check(session, twin._pipeline, rows, signature=twin.signature)
        assert report.ok, str(report)
        assert session.versions.keys() == {"onnxruntime", "chromium", "node"}


def test_the_browser_tells_the_time_of_one_call():
    twin, _ = small_twin()
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        feeds = {"weight": np.zeros((1, 1)), "city": np.array([["Paris"]], dtype=object)}
        assert session.latency(feeds, calls=20) > 0


def test_texts_of_every_kind_come_back_as_they_went(texts):
    found = texts.run_tensors({"text": np.array(TEXTS, dtype=object).reshape(-1, 1)})
    assert found["transform"].ravel().tolist() == TEXTS
    assert found["predict"].ravel().tolist() == [text == "a" for text in TEXTS]


def test_a_text_with_nul_is_refused_because_the_binding_cuts_it_off(texts):
    with pytest.raises(InputError, match=r'input "text", row 1 .*NUL'):
        texts.run_tensors({"text": np.array([["b"], ["a\0b"]], dtype=object)})


def test_the_binding_cuts_an_answer_off_at_nul():
    with open_session(*nul_graph()) as session:
        found = session.run_tensors({"text": np.array([["b"]], dtype=object)})
    assert found["transform"].tolist() == [["a"]]


def test_a_refused_request_does_not_end_the_runner(texts):
    with pytest.raises(InputError):
        texts.run_tensors({"text": np.array([["\0"]], dtype=object)})
    assert texts.run_tensors({"text": np.array([["a"]], dtype=object)})["predict"].all()


def test_a_batch_larger_than_any_pipe_arrives_whole(texts):
    many = np.array([f"{i} 😀" for i in range(200_000)], dtype=object).reshape(-1, 1)
    assert (texts.run_tensors({"text": many})["transform"] == many).all()


def test_a_graph_that_cannot_be_loaded_is_an_error():
    with pytest.raises(OnnxTwinError, match="onnxruntime-web cannot load the graph"):
        open_session(b"no graph", small_twin()[0].signature)


def test_a_call_that_fails_is_an_error_and_no_refusal(texts):
    with pytest.raises(OnnxTwinError, match="node: ") as raised:
        texts.run_tensors({"text": np.zeros((1, 1))})
    assert not isinstance(raised.value, InputError)


@pytest.mark.long
@pytest.mark.parametrize("name", ARTIFACTS)
def test_ten_thousand_held_out_rows_are_equal_in_the_browser(name):
    assert_equal_on_held_out_rows(open_session, name)
