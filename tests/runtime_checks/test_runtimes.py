from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from handmade import matrix

from onnxtwin.exporters.errors import CheckError, InputError, OnnxTwinError
from onnxtwin.runtime_checks import runtimes
from onnxtwin.runtime_checks.python import Runner
from onnxtwin.runtime_checks.runtimes import Runtime, register, select


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """A runtime that is known but not installed."""
    monkeypatch.setattr(runtimes, "_RUNTIMES", dict(runtimes._RUNTIMES))

    def never(model: object, signature: object) -> None:
        raise AssertionError("an absent runtime must not be opened")

    return register(Runtime("java", lambda: "no JDK 17 was found", never, lambda: "java"))


def test_python_is_always_there() -> None:
    ready, skipped = select(environ={})
    assert [runtime.name for runtime in ready] == ["python"]
    assert skipped == {}
    assert ort.__version__ in ready[0].describe()


def test_a_runtime_that_is_not_installed_is_skipped_with_the_reason(absent: Runtime) -> None:
    ready, skipped = select(["python", "java"], environ={})
    assert [runtime.name for runtime in ready] == ["python"]
    assert skipped == {"java": "no JDK 17 was found"}


def test_a_required_runtime_that_is_not_installed_is_an_error(absent: Runtime) -> None:
    with pytest.raises(CheckError, match=r"ONNXTWIN_REQUIRE names java.*no JDK 17 was found"):
        select(["python"], environ={"ONNXTWIN_REQUIRE": "python, java"})


def test_requiring_a_runtime_does_not_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_RUNTIMES", dict(runtimes._RUNTIMES))
    register(Runtime("java", lambda: None, Runner, lambda: "java"))
    ready, _ = select(["python"], environ={"ONNXTWIN_REQUIRE": "java"})
    assert [runtime.name for runtime in ready] == ["python"]


def test_an_unknown_runtime_is_an_error() -> None:
    with pytest.raises(CheckError, match=r"unknown runtime 'jva'.*known are python"):
        select(["jva"], environ={})


def test_an_unknown_required_runtime_says_where_it_was_named() -> None:
    with pytest.raises(CheckError, match="named by ONNXTWIN_REQUIRE"):
        select(environ={"ONNXTWIN_REQUIRE": "jva"})


def test_having_nothing_to_run_on_is_an_error(absent: Runtime) -> None:
    with pytest.raises(CheckError, match="no runtime to check: java no JDK 17"):
        select(["java"], environ={})


def test_the_python_runner_answers_a_graph_from_bytes_and_from_a_file(tmp_path: Path) -> None:
    model, signature = matrix(2)
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    for given in (model, path):
        np.testing.assert_array_equal(Runner(given, signature).run(X)["transform"], X)


def test_a_failing_onnxruntime_is_no_refusal() -> None:
    model, _ = matrix(2)
    _, wider = matrix(3)
    with pytest.raises(OnnxTwinError, match="failed on these rows") as raised:
        Runner(model, wider).run(np.zeros((1, 3)))
    assert not isinstance(raised.value, InputError)


def test_rows_outside_of_the_signature_stay_input_errors() -> None:
    model, signature = matrix(2)
    with pytest.raises(InputError):
        Runner(model, signature).run(pd.DataFrame({"other": [1.0]}))
