"""Text functions answer as Python's ``str`` does, character by character."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import TEXT, run, texts

from onnxtwin.exporters import strings
from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(0)
ALPHABET = list("aAbBzZ 019.,-_éÉßİıΣσςΑα'\u0345\u00ad😀𝒳\U00010400\U00010428\t\n\x1c\u3000\u2028ŉǅﬃ\x00ᾳ")
WORDS = ["".join(RNG.choice(ALPHABET, RNG.integers(0, 9))) for _ in range(1500)]
WORDS += ["", "Σ", "ΑΣ", "ΑΣ ΑΣ", "Α\u0345Σ", "ΑΣ\u0345", "Σα", " x ", "  ", "\x00", "İSTANBUL", "straße"]
X = texts(*WORDS)


def assert_as_python(graph: Callable[..., Any], python: Callable[[str], Any], rows: np.ndarray = X) -> None:
    expected = np.array([python(s) for s in rows.ravel()], dtype=object).reshape(rows.shape)
    got = run(graph, rows)
    assert got.shape == rows.shape
    wrong = [(s, g, e) for s, g, e in zip(rows.ravel(), got.ravel(), expected.ravel(), strict=True) if g != e]
    assert not wrong


@pytest.mark.parametrize("name", ["lower", "upper", "strip", "lstrip", "rstrip"])
def test_a_method_without_arguments_is_python_s(name: str) -> None:
    assert_as_python(getattr(strings, name), getattr(str, name))


def test_a_capital_sigma_becomes_final_only_at_the_end_of_a_word() -> None:
    assert run(strings.lower, texts("ΟΔΥΣΣΕΥΣ ΚΑΙ ΣΙΣΥΦΟΣ", "ΑΣ'", "Σ", "ΑΣΑ")).tolist() == [
        "οδυσσευς και σισυφος",
        "ας'",
        "σ",
        "ασα",
    ]


def test_length_counts_code_points() -> None:
    assert_as_python(strings.length, len)


@pytest.mark.parametrize("chars", ["a", "aA ", "\x00é", "x", "]^-\\", ""])
@pytest.mark.parametrize("name", ["strip", "lstrip", "rstrip"])
def test_given_characters_are_stripped(name: str, chars: str) -> None:
    assert_as_python(lambda x: getattr(strings, name)(x, chars), lambda s: getattr(s, name)(chars))


@pytest.mark.parametrize("part", ["a", "Σ", "aa", "x", ".", ""])
def test_prefix_and_suffix_are_removed_once(part: str) -> None:
    assert_as_python(lambda x: strings.remove_prefix(x, part), lambda s: s.removeprefix(part))
    assert_as_python(lambda x: strings.remove_suffix(x, part), lambda s: s.removesuffix(part))


BOUNDS = (None, 0, 1, 3, -1, -3, 20, -20)


@pytest.mark.parametrize("step", [None, 2, -1, -2])
@pytest.mark.parametrize("start", BOUNDS)
def test_a_slice_is_python_s(start: int | None, step: int | None) -> None:
    rows = X[-200:]

    def all_stops(x: Any) -> list[Any]:
        return [strings.slice(x, start, stop, step) for stop in BOUNDS]

    for stop, got in zip(BOUNDS, run(all_stops, rows), strict=True):
        assert got.tolist() == [s[start:stop:step] for s in rows], (start, stop, step)


def test_a_slice_beyond_a_thousand_characters_is_python_s() -> None:
    rows = texts("ab" * 1500, "c" * 1002, "")
    for start, stop in ((1001, None), (None, 1500), (-1200, None), (None, -1001)):
        got = run(lambda x, a=start, b=stop: strings.slice(x, a, b), rows)
        assert got.tolist() == [s[start:stop] for s in rows]


def test_a_slice_of_step_zero_is_refused_as_python_does() -> None:
    with pytest.raises(ValueError, match="step cannot be zero"):
        run(lambda x: strings.slice(x, 0, 1, 0), X)


@pytest.mark.parametrize("index", [0, 2, -1, -3])
def test_getting_a_character_says_whether_there_is_one(index: int) -> None:
    got, found = run(lambda x: strings.get(x, index), X)
    there = [-len(s) <= index < len(s) for s in X]
    assert found.tolist() == there
    assert got.tolist() == [s[index] if t else "" for s, t in zip(X, there, strict=True)]


def test_characters_are_code_points() -> None:
    got = run(strings.characters, texts("😀é", "", "a\0b"))
    assert got.tolist() == [["😀", "é", ""], ["", "", ""], ["a", "\0", "b"]]


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 9, 33])
def test_joining_is_concatenation_whatever_the_width(width: int) -> None:
    pieces = RNG.choice(ALPHABET, (7, width)).astype(TEXT)
    assert run(strings.join, pieces).tolist() == ["".join(row) for row in pieces]


@pytest.mark.parametrize("rows", [X[:0], texts("", ""), X[:6].reshape(3, 2), X[:0].reshape(0, 1)])
@pytest.mark.parametrize("name", ["lower", "upper", "strip", "length"])
def test_any_shape_is_kept_and_emptiness_allowed(name: str, rows: np.ndarray) -> None:
    assert_as_python(getattr(strings, name), len if name == "length" else getattr(str, name), rows)


def test_a_constant_text_that_ends_with_nul_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="NUL"):
        strings.text("a\0")


class TestPyarrow:
    """``str`` columns with pyarrow storage follow Unicode's simple mappings, one code point at a time."""

    column = pd.Series(WORDS, dtype=pd.StringDtype("pyarrow", na_value=np.nan)).str

    @pytest.mark.parametrize("name", ["lower", "upper", "strip", "lstrip", "rstrip"])
    def test_a_method_is_pyarrow_s(self, name: str) -> None:
        expected = getattr(self.column, name)().tolist()
        assert run(lambda x: getattr(strings, name)(x, engine="pyarrow"), X).tolist() == expected

    def test_the_two_engines_differ_where_they_should(self) -> None:
        rows = texts("straße", "ΑΣ")
        assert run(strings.upper, rows).tolist()[0] == "STRASSE"
        assert run(lambda x: strings.lower(x, "pyarrow"), rows).tolist()[1] == "ασ"

    @pytest.mark.parametrize("step", [None, 2, -1])
    @pytest.mark.parametrize("start", BOUNDS)
    def test_a_slice_is_pyarrow_s(self, start: int | None, step: int | None) -> None:
        got = run(lambda x: [strings.slice(x, start, stop, step) for stop in BOUNDS], X[-200:])
        for stop, answer in zip(BOUNDS, got, strict=True):
            assert answer.tolist() == self.column.slice(start, stop, step).tolist()[-200:]
