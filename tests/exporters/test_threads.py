"""An export leaves the user's process alone: other threads see, keep and lose nothing of it."""

from __future__ import annotations

import builtins
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_twin_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.exporters.export import export_graph

SOURCE = """
import numpy as np
import pandas as pd
from numpy import zeros
from pandas import DataFrame

SHIFT = np.array([1.0, 2.0, 3.0])
SEEN = {}
COUNT = 0
meet = lambda: None

def shifted(X):
    global COUNT
    COUNT += 1
    meet()
    SEEN["last"] = X
    out = zeros(X.shape)
    out[:, :] = X + SHIFT
    return out
"""


@pytest.fixture
def user() -> Iterator[Any]:
    """A module of the user's."""
    module = types.ModuleType("a_users_module")
    sys.modules[module.__name__] = module
    exec(SOURCE, module.__dict__)
    yield module
    del sys.modules[module.__name__]


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 3))


def _pipeline(user: Any, rows: np.ndarray) -> Any:
    labels = (rows[:, 0] > 0).astype(int)
    return make_pipeline(FunctionTransformer(user.shifted), StandardScaler(), LogisticRegression()).fit(
        rows, labels
    )


def _while_exporting(user: Any, rows: np.ndarray, do: Callable[[], None]) -> None:
    """Run ``do`` in this thread while another one stands in the middle of a traced method."""
    pipeline = _pipeline(user, rows)
    inside, leave = threading.Event(), threading.Event()
    caller = threading.get_ident()
    failures: list[BaseException] = []

    def meet() -> None:
        # The pipeline itself is asked for its answers, too: those calls come before the trace.
        if threading.get_ident() != caller and any(
            f.f_code.co_name == "_called" for f in _frames(sys._getframe())
        ):
            inside.set()
            assert leave.wait(60)

    def export() -> None:
        try:
            export_graph(pipeline, rows)
        except BaseException as error:  # noqa: BLE001 - handed over to the thread of the test
            failures.append(error)
        finally:
            inside.set()

    user.meet = meet
    thread = threading.Thread(target=export)
    thread.start()
    assert inside.wait(60)
    try:
        assert thread.is_alive()
        do()
    finally:
        leave.set()
        thread.join()
    assert not failures


def _frames(frame: Any) -> Iterator[Any]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def test_another_thread_sees_the_real_numpy_and_pandas(user: Any, rows: np.ndarray) -> None:
    real_import = builtins.__import__

    def look() -> None:
        assert user.np is np
        assert user.zeros is np.zeros
        assert user.pd is pd
        assert user.DataFrame is pd.DataFrame
        assert type(user.SHIFT) is np.ndarray
        assert builtins.__import__ is real_import
        assert type(StandardScaler.transform) is types.FunctionType
        assert StandardScaler.transform.__globals__["np"] is np

    _while_exporting(user, rows, look)


def test_what_another_thread_makes_meanwhile_is_of_real_types(user: Any, rows: np.ndarray) -> None:
    def make() -> None:
        exec("class Table(DataFrame): pass\nTOTAL = SHIFT + 1\nalias = np\nmade = zeros", user.__dict__)

    _while_exporting(user, rows, make)
    assert user.Table.__mro__[1] is pd.DataFrame
    assert type(user.TOTAL) is np.ndarray
    assert user.alias is np
    assert user.made is np.zeros


def test_what_another_thread_writes_meanwhile_stays_written(user: Any, rows: np.ndarray) -> None:
    def write() -> None:
        user.SHIFT = np.array([7.0, 8.0, 9.0])
        user.zeros = user.np.ones
        del user.pd

    _while_exporting(user, rows, write)
    assert user.SHIFT.tolist() == [7.0, 8.0, 9.0]
    assert user.zeros is np.ones
    assert not hasattr(user, "pd")


def test_what_traced_code_writes_into_its_module_stays_in_the_trace(user: Any, rows: np.ndarray) -> None:
    pipeline = _pipeline(user, rows)
    user.COUNT = 0
    export_graph(pipeline, rows)
    assert type(user.COUNT) is int
    assert type(user.SEEN["last"]) is np.ndarray  # of a call with real rows
    assert type(user.SHIFT) is np.ndarray


def test_another_thread_trains_and_predicts_meanwhile(user: Any, rows: np.ndarray) -> None:
    labels = (rows[:, 1] > 0).astype(int)

    def train() -> None:
        forest = RandomForestClassifier(5, n_jobs=2, random_state=0).fit(rows, labels)
        assert type(forest.predict(rows)) is np.ndarray
        assert type(_pipeline(user, rows)[1].mean_) is np.ndarray

    _while_exporting(user, rows, train)


def test_an_export_leaves_no_warning_filter_behind(user: Any, rows: np.ndarray) -> None:
    before = list(warnings.filters)
    outer = warnings.catch_warnings()

    def overlap() -> None:
        with pytest.warns(UserWarning, match="heard"):
            warnings.warn("heard", stacklevel=1)
        outer.__enter__()

    _while_exporting(user, rows, overlap)
    outer.__exit__(None, None, None)
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)
    active = [f for f in warnings.filters if f not in before and f[1] is not None and f[1].match("")]  # type: ignore[union-attr] # a filter's pattern
    assert not active


def _side_by_side(user: Any, rows: np.ndarray, seconds: float) -> None:
    """Two threads export, two train and count in the user's module; nothing is lost, nothing is left."""
    labels = (rows[:, 0] > 0).astype(int)
    pipelines = [_pipeline(user, rows), RandomForestClassifier(3, random_state=0).fit(rows, labels)]
    until = time.monotonic() + seconds
    failures: list[BaseException] = []
    counted = [0, 0]

    def export(pipeline: Any) -> None:
        while True:
            assert_twin_equal(pipeline, rows)
            if time.monotonic() > until:
                return

    def train(which: int) -> None:
        name = f"total_{which}"
        setattr(user, name, np.zeros(3))
        while True:
            forest = RandomForestClassifier(3, random_state=which, n_jobs=2).fit(rows, labels)
            assert type(forest.predict_proba(rows)) is np.ndarray
            for _ in range(200):
                exec(f"{name} = {name} + SHIFT\nclass Made(DataFrame): pass", user.__dict__)
                counted[which] += 1
            if time.monotonic() > until:
                return

    def guarded(run: Callable[[Any], None], argument: Any) -> None:
        try:
            run(argument)
        except BaseException as error:  # noqa: BLE001 - handed over to the thread of the test
            failures.append(error)

    jobs = [(export, pipelines[0]), (export, pipelines[1]), (train, 0), (train, 1)]
    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    for which in (0, 1):
        total = getattr(user, f"total_{which}")
        assert type(total) is np.ndarray
        assert total.tolist() == (user.SHIFT * counted[which]).tolist()
    assert user.Made.__mro__[1] is pd.DataFrame
    for name, value in {**vars(user), **vars(sys.modules[StandardScaler.__module__])}.items():
        assert not type(value).__module__.startswith("onnxtwin"), name


def test_two_threads_export_while_two_train_and_write_globals(user: Any, rows: np.ndarray) -> None:
    _side_by_side(user, rows, 1.0)


@pytest.mark.long
def test_two_threads_export_while_two_train_and_write_globals_for_a_minute(
    user: Any, rows: np.ndarray
) -> None:
    _side_by_side(user, rows, 60.0)


def test_a_refused_export_leaves_the_module_as_it_was(user: Any, rows: np.ndarray) -> None:
    exec("def branching(X):\n    return X if X[0, 0] > 0 else np.zeros(X.shape)", user.__dict__)
    before = dict(vars(user))
    with pytest.raises(OnnxTwinError, match="branches on the values"):
        export_graph(FunctionTransformer(user.branching).fit(rows), rows)
    assert all(vars(user)[name] is value for name, value in before.items())
