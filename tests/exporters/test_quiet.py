"""Warnings are silenced where they should be, and the filters come back."""

from __future__ import annotations

import threading
import warnings

import pytest

from onnxtwin.exporters.quiet import quiet, quiet_calls


def test_only_the_own_thread_is_silenced() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet():
            warnings.warn("here", stacklevel=1)
            other = threading.Thread(target=lambda: warnings.warn("there", stacklevel=1))
            other.start()
            other.join()
        warnings.warn("after", stacklevel=1)
    assert [str(w.message) for w in caught] == ["there", "after"]


@pytest.mark.parametrize("first_out", ["first in", "last in"])
def test_the_filters_come_back_after_blocks_that_overlap(first_out: str) -> None:
    before = list(warnings.filters)
    entered, leave = threading.Event(), threading.Event()

    def block() -> None:
        with quiet_calls():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=block)
    if first_out == "last in":
        with quiet_calls():
            other.start()
            entered.wait(10)
            leave.set()
            other.join()
            warnings.warn("within", stacklevel=1)
    else:
        other.start()
        entered.wait(10)
        with quiet_calls():
            leave.set()
            other.join()
            warnings.warn("within", stacklevel=1)
    assert list(warnings.filters) == before
