import pytest

from onnxtwin.build.clients.typescript.source import (
    WIDTH,
    array,
    class_key,
    comment,
    key,
    literal,
    names,
    union,
)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("plain", '"plain"'),
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ("a\nb\\c\u2028", '"a\\nb\\\\c\\u2028"'),
        ("🚀", '"🚀"'),
        (True, "true"),
        (None, "null"),
        (2**53 - 1, "9007199254740991"),
        (2**53, "9007199254740992n"),
        (1e-09, "1e-9"),
        (0.1, "0.1"),
        (-0.0, "-0"),
        (3.0, "3"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_a_value_is_written_as_prettier_writes_it(value, source):
    assert literal(value) == source


@pytest.mark.parametrize(
    ("name", "source"), [("class", "class"), ("größe", "größe"), ("a b", '"a b"'), ("2nd", '"2nd"')]
)
def test_a_property_is_quoted_only_where_it_must_be(name, source):
    assert key(name) == source


def test_a_class_is_the_property_that_javascript_makes_of_it():
    assert [class_key(label) for label in (False, 10, 0.5, "no")] == ["false", '"10"', '"0.5"', "no"]


def test_what_does_not_fit_on_a_line_is_broken():
    assert names("import", ["a", "b"], 'from "x";') == 'import { a, b } from "x";'
    assert names("import", ["a" * 60, "b" * 60], 'from "x";').count("\n") == 3
    assert union("T", ['"a"', '"b"']) == 'export type T = "a" | "b";'
    assert union("T", [f'"{c * 40}"' for c in "abc"]).splitlines()[0] == "export type T ="


def test_numbers_fill_their_lines():
    lines = array([str(i) for i in range(200)], 0, 0).splitlines()
    assert lines[0] == "["
    assert all(WIDTH - 5 < len(line) <= WIDTH for line in lines[1:-2])


def test_a_comment_cannot_be_ended_from_within():
    assert "*/" not in comment(["Column `a*/b`.\nevil()"]).removesuffix("*/")
    assert "\n" not in comment(["Column `a\nb`."])
