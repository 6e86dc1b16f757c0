"""Choices that hypothesis makes of single bits.

Its own strategies for numbers and texts also draw constants that it reads in the source of whatever local
modules are loaded, and keep them in a folder beside the caller's files: the same seed would make other rows
in another process. Booleans are drawn by themselves, and they shrink to False.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


def below(n: int) -> st.SearchStrategy[int]:
    """An integer of ``range(n)``, shrinking towards 0, which is all but uniform."""
    if n <= 1:
        return st.just(0)
    bits = (n - 1).bit_length()
    return st.tuples(*[st.booleans()] * bits).map(
        lambda drawn: sum(b << i for i, b in enumerate(reversed(drawn))) % n
    )


def among(values: Sequence[T]) -> st.SearchStrategy[T]:
    """One of the values, shrinking towards the first."""
    return below(len(values)).map(values.__getitem__)


def one_of(strategies: Sequence[st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """What one of the strategies draws, shrinking towards the first."""
    return below(len(strategies)).flatmap(strategies.__getitem__)
