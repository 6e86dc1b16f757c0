"""Any name becomes an identifier that a language accepts, and no two become the same."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtwin.build.clients.naming import Naming, camel, pascal, snake, words

JAVA = Naming(camel, frozenset({"class", "int"}), suffix="Value")
PYTHON = Naming(snake, frozenset(keyword.kwlist))


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("home.dest", "homeDest"),
        ("sched_dep_time", "schedDepTime"),
        ("ArrDelay", "arrDelay"),
        ("HTTPStatus", "httpStatus"),
        ("Fare (USD)", "fareUsd"),
        ("2nd class", "column2ndClass"),
        ("0", "x0"),
        ("class", "classValue"),
        ("größe", "größe"),
        ("e\u0301tat", "état"),
        ("価格", "価格"),
        ("😀", "grinningFace"),
        ("𐐨", "u10428"),
        ("%", "percentSign"),
        ("__", "lowLineLowLine"),
        ("\u0301a", "column\u0301a"),
    ],
)
def test_a_name_is_spelled_as_the_language_spells_its_names(name: str, identifier: str) -> None:
    assert JAVA.identifier(name) == identifier


def test_pascal_case_keeps_no_word_in_capitals() -> None:
    assert pascal(words("URL of HOME_page")) == "UrlOfHomePage"


def test_letters_beyond_ascii_are_spelled_out_where_only_ascii_is_wanted() -> None:
    naming = Naming(snake, ascii_only=True)
    assert [naming.identifier(name) for name in ("größe", "価格", "ﬁt")] == ["groudfe", "u4fa1u683c", "fit"]


def test_names_that_become_the_same_are_numbered_and_the_one_spelled_so_keeps_it() -> None:
    names = ["a b", "a.b", "aB", "aB2", "A-b"]
    assert JAVA.identifiers(names) == ["aB3", "aB4", "aB", "aB2", "aB5"]


def test_a_number_does_not_make_a_reserved_word() -> None:
    naming = Naming(snake, frozenset({"a2"}))
    assert naming.identifiers(["a", "a!"]) == ["a", "a3"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True, max_size=8))
def test_any_names_become_identifiers_all_different_and_none_reserved(names: list[str]) -> None:
    for naming in (JAVA, PYTHON, Naming(pascal, ascii_only=True)):
        made = naming.identifiers(names)
        assert len(set(made)) == len(names)
        assert all(identifier.isidentifier() and identifier not in naming.reserved for identifier in made)
        assert not naming.ascii_only or all(identifier.isascii() for identifier in made)
