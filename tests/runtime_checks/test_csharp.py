"""The .NET runtime answers as Python's, text by text and bit by bit, or says why it cannot."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from javascript import TEXTS, assert_equal_on_held_out_rows, small_twin, text_graph
from toolchains import demand

from artifacts import ARTIFACTS
from onnxtwin.build.session import Session
from onnxtwin.exporters.errors import InputError, OnnxTwinError
from onnxtwin.runtime_checks import check
from onnxtwin.runtime_checks.csharp import absent, open_session
from onnxtwin.runtime_checks.csharp import runner as csharp_runner
from onnxtwin.runtime_checks.process import ProcessSession
from onnxtwin.runtime_checks.toolchain import run_tool

# One worker builds the runner.
pytestmark = pytest.mark.xdist_group("csharp")


@pytest.fixture(scope="module", autouse=True)
def dotnet() -> None:
    demand("csharp", absent())


@pytest.fixture(scope="module")
def texts() -> Iterator[ProcessSession]:
    with open_session(*text_graph()) as session:
        yield session


def test_a_check_in_dotnet_is_green_and_names_its_versions() -> None:
    twin, rows = small_twin()
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        report = check(session, twin._pipeline, rows, signature=twin.signature)
        assert report.ok, str(report)
        assert session.versions.keys() == {"onnxruntime", ".NET"}


def test_dotnet_tells_the_time_of_one_call() -> None:
    twin, _ = small_twin()
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        feeds = {"weight": np.zeros((1, 1)), "city": np.array([["Paris"]], dtype=object)}
        assert session.latency(feeds, calls=20) > 0


@pytest.mark.parametrize("text", [*TEXTS, "\0", "a\0b", "\0" * 3 + "😀\0"], ids=lambda text: ascii(text[:9]))
def test_a_text_of_any_kind_comes_back_as_it_went(texts: ProcessSession, text: str) -> None:
    feeds = {"text": np.array([["x"], [text], ["a"]], dtype=object)}
    found = texts.run_tensors(feeds)
    assert found["transform"].ravel().tolist() == ["x", text, "a"]
    assert found["predict"].ravel().tolist() == [False, text == "a", True]


def test_half_a_surrogate_pair_is_refused_before_it_travels(texts: ProcessSession) -> None:
    with pytest.raises(InputError, match="half a surrogate pair"):
        texts.run_tensors({"text": np.array([["\ud83d"]], dtype=object)})


def test_no_row_is_answered_with_no_row(texts: ProcessSession) -> None:
    found = texts.run_tensors({"text": np.empty((0, 1), dtype=object)})
    assert {name: tensor.shape for name, tensor in found.items()} == {"transform": (0, 1), "predict": (0, 1)}


def test_a_batch_larger_than_any_pipe_arrives_whole(texts: ProcessSession) -> None:
    many = np.array([f"{i} 😀" for i in range(200_000)], dtype=object).reshape(-1, 1)
    assert (texts.run_tensors({"text": many})["transform"] == many).all()


def test_every_bit_of_a_number_arrives() -> None:
    twin, _ = small_twin()
    strange = np.array([[5e-324], [-0.0], [1.7976931348623157e308], [0.1], [-1e-300]])
    feeds = {"weight": strange, "city": np.full((5, 1), "Köln", dtype=object)}
    here = Session(twin.model.SerializeToString(), twin.signature).run_tensors(feeds)["predict_proba"]
    with open_session(twin.model.SerializeToString(), twin.signature) as session:
        there = session.run_tensors(feeds)["predict_proba"]
    assert np.array_equal(here.view(np.uint64), there.view(np.uint64))


def test_a_graph_that_cannot_be_loaded_is_an_error() -> None:
    with pytest.raises(OnnxTwinError, match=r"dotnet: .*Load model from"):
        open_session(b"no graph", small_twin()[0].signature)


def test_a_call_that_fails_is_an_error_and_the_runner_goes_on(texts: ProcessSession) -> None:
    with pytest.raises(OnnxTwinError, match="Unexpected input data type") as raised:
        texts.run_tensors({"text": np.zeros((1, 1))})
    assert not isinstance(raised.value, InputError)
    assert texts.run_tensors({"text": np.array([["a"]], dtype=object)})["predict"].all()


def test_a_dotnet_without_an_sdk_is_no_dotnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dotnet"
    program.write_text("#!/bin/sh\necho '6.0.428 [somewhere]'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    reason = absent()
    assert reason is not None
    assert "no .NET SDK of version 8 or newer" in reason
    assert "6.0.428" in reason


@pytest.mark.long
@pytest.mark.parametrize("name", ARTIFACTS)
def test_ten_thousand_held_out_rows_are_equal_in_dotnet(name: str) -> None:
    assert_equal_on_held_out_rows(open_session, name)


@pytest.mark.long
def test_the_runner_builds_without_a_warning_and_is_formatted(tmp_path: Path) -> None:
    for source in Path(csharp_runner.__file__).parent.glob("*.cs*"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    run_tool([*csharp_runner.BUILD, "-warnaserror"], tmp_path)
    run_tool(["dotnet", "format", "--verify-no-changes", "--no-restore"], tmp_path)
