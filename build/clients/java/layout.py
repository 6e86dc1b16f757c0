"""Lines of at most 100 columns, broken as google-java-format breaks them.

Templates write a statement, and a paragraph of a comment, on one line whatever the names in it; here it
gets its breaks. Not a formatter of Java: it knows the statements that the templates have.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise

WIDTH = 100
_CONTINUED = "    "
_OPENS, _CLOSES = "([{", ")]}"


def formatted(source: str) -> str:
    """The source with its long lines broken and its documentation comments filled."""
    lines: list[str] = []
    pending = iter(source.splitlines())
    for line in pending:
        if line.strip().startswith("/**"):
            comment = [line]
            while not comment[-1].rstrip().endswith("*/"):
                comment.append(next(pending))
            lines += documentation(comment)
        else:
            lines += statement(line.rstrip())
    return "\n".join(lines) + "\n"


def statement(line: str) -> list[str]:
    """One statement, declaration or beginning of a block, on as many lines as it needs."""
    if len(line) <= WIDTH:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    for broken in (
        _after_assignment,
        _before_throws,
        _at_ternary,
        _at_operators,
        _at_dots,
        _after_parenthesis,
    ):
        found = broken(line.strip(), indent)
        if found is not None:
            return found
    return [line]


def documentation(comment: list[str]) -> list[str]:
    """A documentation comment, filled: on one line where it fits and has no tags."""
    indent = comment[0][: len(comment[0]) - len(comment[0].lstrip())]
    text = "\n".join(line.strip() for line in comment).removeprefix("/**").removesuffix("*/")
    paragraphs = list(_paragraphs([_content(line) for line in text.splitlines()]))
    only = paragraphs[0][0]
    if len(paragraphs) == 1 and len(indent) + len(only) + 7 <= WIDTH and not only.startswith("@"):
        return [f"{indent}/** {only} */"]
    made = [f"{indent}/**"]
    tags = False
    for position, (paragraph, verbatim) in enumerate(paragraphs):
        tag = paragraph.startswith("@")
        if position and not (tag and tags):
            made.append(f"{indent} *")
        tags = tag
        if verbatim:
            made += [f"{indent} * {line}".rstrip() for line in paragraph.split("\n")]
            continue
        start = "<p>" if position and not tag else ""
        made += textwrap.wrap(
            start + paragraph,
            WIDTH,
            initial_indent=f"{indent} * ",
            subsequent_indent=f"{indent} *     " if tag else f"{indent} * ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return [*made, f"{indent} */"]


def _content(line: str) -> str:
    """A line of a comment without its star, and with its own indent, which counts in a block of code."""
    return line.strip().removeprefix("*").removeprefix(" ").rstrip()


def _paragraphs(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Paragraphs and tags, each on one line, and blocks of code as they stand."""
    held: list[str] = []
    code: list[str] | None = None
    for line in [*lines, ""]:
        if code is not None:
            code.append(line)
            if "</pre>" in line:
                yield "\n".join(code), True
                code = None
        elif "<pre>" in line:
            code = [line.removeprefix("<p>")]
        elif line and not line.startswith("@"):
            held.append(line.strip())
        else:
            if held:
                yield " ".join(held).removeprefix("<p>"), False
            held = [line] if line else []


def _after_assignment(code: str, indent: str) -> list[str] | None:
    place = _top_level(code, " = ")
    if place is None:
        return None
    return [f"{indent}{code[:place]} =", *statement(indent + _CONTINUED + code[place + 3 :])]


def _before_throws(code: str, indent: str) -> list[str] | None:
    head, found, tail = code.partition(") throws ")
    if not found or len(indent) + len(head) >= WIDTH:
        return None
    return [*statement(f"{indent}{head})"), f"{indent}{_CONTINUED}throws {tail}"]


def _at_ternary(code: str, indent: str) -> list[str] | None:
    question = _top_level(code, " ? ")
    colon = _top_level(code, " : ")
    if question is None or colon is None:
        return None
    return [
        indent + code[:question],
        *statement(f"{indent}{_CONTINUED}{code[question + 1 : colon]}"),
        *statement(f"{indent}{_CONTINUED}{code[colon + 1 :]}"),
    ]


def _at_operators(code: str, indent: str) -> list[str] | None:
    """What ``&&`` or ``+`` joins, one a line."""
    places = _places(code, " && ") or _places(code, " + ")
    if not places:
        return None
    ends = [*places[1:], len(code)]
    rest = [code[start + 1 : end] for start, end in zip(places, ends, strict=True)]
    return [indent + code[: places[0]], *(f"{indent}{_CONTINUED}{part}" for part in rest)]


def _at_dots(code: str, indent: str) -> list[str] | None:
    """A chain of calls, one a line after the first."""
    places = _places(code, ").")
    if len(places) < 2:
        return None
    ends = [*places[1:], len(code) - 1]
    rest = [code[start + 1 : end + 1] for start, end in zip(places, ends, strict=True)]
    return [indent + code[: places[0] + 1], *(f"{indent}{_CONTINUED}{part}" for part in rest)]


def _after_parenthesis(code: str, indent: str) -> list[str] | None:
    start = next((m.end() for m in re.finditer(r"[\w>]\((?!\))", code)), None)
    if start is None:
        return None
    end = _closing(code, start - 1)
    inner, tail = code[start:end], code[end:]
    head = f"{indent}{code[:start]}"
    together = f"{indent}{_CONTINUED}{inner}{tail}"
    arguments = _arguments(inner)
    if len(together) <= WIDTH:
        return [head, together]
    made = [head]
    for position, argument in enumerate(arguments):
        last = position == len(arguments) - 1
        made += statement(f"{indent}{_CONTINUED}{argument}{tail if last else ','}")
    return made


def _arguments(inner: str) -> list[str]:
    cuts = [-2, *_places(inner, ", "), len(inner)]
    return [inner[start + 2 : end] for start, end in pairwise(cuts)]


def _top_level(code: str, sought: str) -> int | None:
    return next(iter(_places(code, sought)), None)


def _places(code: str, sought: str) -> list[int]:
    """Where a text stands outside of parentheses and literals."""
    return [place for place, depth in _depths(code) if depth == 0 and code.startswith(sought, place)]


def _closing(code: str, opening: int) -> int:
    inside = [
        place for place, depth in _depths(code) if place > opening and depth == 0 and code[place] in _CLOSES
    ]
    return inside[0]


def _depths(code: str) -> Iterator[tuple[int, int]]:
    """Each place outside of literals, and how many brackets are open there; a closing one is outside."""
    depth, quote, place = 0, "", 0
    while place < len(code):
        char = code[place]
        if quote:
            if char == "\\":
                place += 1
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        else:
            if char in _CLOSES:
                depth -= 1
            yield place, depth
            if char in _OPENS:
                depth += 1
        place += 1
