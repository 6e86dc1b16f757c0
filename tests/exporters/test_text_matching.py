"""Patterns are found, replaced and split where Python's ``re`` and ``str`` find, replace and split them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import run, texts

from onnxtwin.exporters import text_matching
from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(0)
ALPHABET = list("aAbBfo 01.,-_éÉßİıΣσςſ😀\n\t\x1c\u3000٣\x00K\u212a")
WORDS = ["".join(RNG.choice(ALPHABET, RNG.integers(0, 7))) for _ in range(1200)]
WORDS += ["", "foo", "foo bar", " foo", "foofoo", "a\n", "\n", "a.b", "Foo\n", "barfoo", "foo_", "123"]
WORDS += ["a,b,,c,", ",", "x", "xx x", "a1b", "X"]
X = texts(*WORDS)


def assert_as_python(graph: Callable[..., Any], python: Callable[[str], Any]) -> None:
    got, expected = run(graph, X), [python(s) for s in X]
    assert not [(s, g, e) for s, g, e in zip(X, got, expected, strict=True) if g != e]


PATTERNS = [
    "", "a", "a.b", "^a", "a$", "^$", "^a*$", "[aA]+", "[^a]", "[a-f]", "[^a-f]+$", "K", "é|ß", r"\.",
    "(?s)a.b", r"\w+", r"^\w+$", r"\d", r"^\d+$", r"\s", r"\S+\s", r"[^\w\s]",
    r"[\w.]+,", r"\A0\Z", r"(?a)\w\b", r"\bfoo\b", r"foo\b",
    r"\bfo|\bba", r"\b(?:foo|bar)\b", r"a\b", r"\ba", r"\B0", r"a\b,",
    "(foo|bar)+", "(?:a|b){2}", "a{1,3}?", "(?m)^a$", "(?i)foo", "(?i)ss", "a(?i:b)c?",
]  # fmt: skip
HOWS = {"search": "contains", "match": "match", "fullmatch": "fullmatch"}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_where_python_s_does(pattern: str) -> None:
    asked = [(how, flags) for how in HOWS for flags in ((0, re.I, re.A) if how == "search" else (0,))]

    def graphs(x: Any) -> list[Any]:
        return [getattr(text_matching, HOWS[how])(x, pattern, flags=flags) for how, flags in asked]

    for (how, flags), got in zip(asked, run(graphs, X), strict=True):
        find = getattr(re.compile(pattern, flags), how)
        assert not [(s, how, flags) for s, found in zip(X, got, strict=True) if found != bool(find(s))]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("a(?=b)", "assert"),
        ("(?<!a)b", "assert"),
        (r"(a)\1", "groupref"),
        ("(?>a+)b", "atomic"),
        ("a++", "possessive"),
        ("a{1001}", "repeat above 1000"),
        ("a$b?", "before the end"),
        (r"\b.", "word character"),
        (r"(a{100}){100}", "cannot compile"),
    ],
)
def test_what_has_no_exact_form_is_refused(pattern: str, what: str) -> None:
    with pytest.raises(UnsupportedError, match=what):
        run(lambda x: text_matching.contains(x, pattern), X)


PARTS = ["a", ".", " ", "é", "\x00", "a,", "(", "aa"]


@pytest.mark.parametrize("part", [*PARTS, ""])
def test_plain_text_is_found(part: str) -> None:
    assert_as_python(lambda x: text_matching.contains(x, part, regex=False), lambda s: part in s)
    assert_as_python(lambda x: text_matching.startswith(x, (part, "b")), lambda s: s.startswith((part, "b")))
    assert_as_python(lambda x: text_matching.endswith(x, part), lambda s: s.endswith(part))


@pytest.mark.parametrize("part", PARTS)
def test_plain_text_is_counted_and_located(part: str) -> None:
    assert_as_python(lambda x: text_matching.count(x, part), lambda s: s.count(part))
    assert_as_python(lambda x: text_matching.find(x, part), lambda s: s.find(part))


@pytest.mark.parametrize("part", ["K", "s", "ß", "İ", "Σ", "."])
def test_plain_text_is_found_in_any_case(part: str) -> None:
    anyhow = re.compile(re.escape(part), re.I)
    assert_as_python(
        lambda x: text_matching.contains(x, part, case=False, regex=False), lambda s: bool(anyhow.search(s))
    )


@pytest.mark.parametrize("new", ["", "-", "aa"])
@pytest.mark.parametrize("old", [p for p in PARTS if p != "\x00"])
def test_plain_text_is_replaced(old: str, new: str) -> None:
    for count in (-1, 0, 1, 2):
        assert_as_python(
            lambda x, n=count: text_matching.replace(x, old, new, n),
            lambda s, n=count: s.replace(old, new, n),
        )


@pytest.mark.parametrize("new", ["", "_", "xy"])
@pytest.mark.parametrize(
    "pattern",
    [r"\s+", r"\s", r"[^\w]", "[^a-z0-9]+", r"\d+", "(?i)a", "[A]", "foo", r"\.", ".", "(?s).", "[aA]+"],
)
def test_a_class_is_replaced(pattern: str, new: str) -> None:
    assert_as_python(
        lambda x: text_matching.replace_pattern(x, pattern, new), lambda s: re.sub(pattern, new, s)
    )


@pytest.mark.parametrize(("pattern", "new"), [("ab|c", "x"), ("ab+", "x"), ("a", r"\1"), ("^a", "")])
def test_other_replacements_are_refused(pattern: str, new: str) -> None:
    with pytest.raises(UnsupportedError):
        run(lambda x: text_matching.replace_pattern(x, pattern, new), X)


@pytest.mark.parametrize("index", [0, 1, 3, -1, -2])
@pytest.mark.parametrize("separator", [",", " ", "a", "aa", None, "é"])
def test_a_piece_of_a_split_says_whether_it_is_there(separator: str | None, index: int) -> None:
    for limit in (-1,) if separator is None else (-1, 1, 2):
        parts = [s.split(separator, limit) for s in X]
        there = [-len(p) <= index < len(p) for p in parts]
        got, found = run(lambda x, n=limit: text_matching.split_get(x, separator, index, n), X)
        assert found.tolist() == there
        assert got.tolist() == [p[index] if t else "" for p, t in zip(parts, there, strict=True)]


@pytest.mark.parametrize("name", text_matching.CHARACTER_TESTS)
def test_characters_are_judged_by_python_s_tables(name: str) -> None:
    assert_as_python(lambda x: text_matching.character_test(x, name), lambda s: getattr(s, name)())


@pytest.mark.parametrize("rows", [X[:0], texts("", ""), X[:6].reshape(3, 2)])
def test_any_shape_is_kept_and_emptiness_allowed(rows: np.ndarray) -> None:
    got = run(lambda x: text_matching.replace_pattern(x, r"\s", "_"), rows)
    assert got.shape == rows.shape
    assert got.ravel().tolist() == [re.sub(r"\s", "_", s) for s in rows.ravel()]
    assert run(lambda x: text_matching.split_get(x, ",", 0)[0], rows).shape == rows.shape


class TestPyarrow:
    """pandas' ``str`` columns with pyarrow storage ignore case by RE2's tables."""

    column = pd.Series(WORDS, dtype=pd.StringDtype("pyarrow", na_value=np.nan)).str

    @pytest.mark.parametrize("part", ["k", "s", "i", "é", "σ", "."])
    def test_plain_text_is_found_in_any_case(self, part: str) -> None:
        expected = self.column.contains(part, case=False, regex=False).tolist()
        got = run(lambda x: text_matching.contains(x, part, case=False, regex=False, engine="pyarrow"), X)
        assert got.tolist() == expected

    @pytest.mark.parametrize("pattern", ["a.b", "[a-z]+$", "^a", r"\w\d", r"\s", "[^a-z]", ".+"])
    def test_a_pattern_matches_where_pandas_says(self, pattern: str) -> None:
        got = run(lambda x: text_matching.contains(x, pattern, engine="pyarrow"), X)
        assert got.tolist() == self.column.contains(pattern).tolist()

    @pytest.mark.parametrize("pattern", ["(?i)[a-z]", "a(?i:k)b"])
    def test_a_pattern_that_ignores_case_is_refused(self, pattern: str) -> None:
        with pytest.raises(UnsupportedError, match="RE2's own tables"):
            run(lambda x: text_matching.contains(x, pattern, engine="pyarrow"), X)
