r"""Python ``re`` patterns as RE2 patterns, for the question "does it match?" only.

onnxruntime's regular expressions are RE2's: no Unicode in ``\w \d \s \b``, other case folding, no
look-around. Python's own parser reads the pattern and Python's own engine says which code points each
one-character item accepts, so that classes, negation, ``re.ASCII`` and ``re.IGNORECASE`` need no second
definition here; RE2 receives explicit code point ranges.

Existence of a match does not depend on the order in which alternatives are tried, hence greedy and lazy
repeats and branches translate one to one. What a regular language cannot say is refused.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from onnxtwin.exporters.errors import UnsupportedError

# Python's parser has no public name; these modules exist from 3.11 on.
_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")

SURROGATES = range(0xD800, 0xE000)
MAX_REPEAT = 1000
"""RE2 refuses a counted repeat above 1000."""

_WAY_OUT = "compute this column before the pipeline, or rewrite the pattern without it"


@cache
def all_characters() -> str:
    """Every code point that UTF-8 can carry, in order (1,112,064 characters)."""
    return "".join(chr(c) for c in range(sys.maxunicode + 1) if c not in SURROGATES)


Ranges = tuple[tuple[int, int], ...]
"""Code points as first and last of each run, ascending; a run may span the surrogates, which never occur."""


def char_class(code_points: Iterable[int]) -> str:
    """An RE2 class of exactly these code points, ascending; surrogates are left out."""
    ranges: list[list[int]] = []
    for point in code_points:
        if point in SURROGATES:
            continue
        if ranges and point == (
            SURROGATES.stop if ranges[-1][1] == SURROGATES.start - 1 else ranges[-1][1] + 1
        ):
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return _class_of(tuple((a, b) for a, b in ranges))


def _class_of(ranges: Ranges) -> str:
    if not ranges:
        return r"[^\x{0}-\x{10FFFF}]"
    return "[" + "".join(_escape(a) if a == b else f"{_escape(a)}-{_escape(b)}" for a, b in ranges) + "]"


def _escape(point: int) -> str:
    character = chr(point)
    return character if character.isascii() and character.isalnum() else f"\\x{{{point:X}}}"


def literal(text: str) -> str:
    """An RE2 pattern that matches exactly ``text``."""
    return "".join(_escape(ord(c)) for c in text)


def literals_ignoring_case(text: str, engine: Literal["python", "pyarrow"]) -> str:
    """An RE2 pattern that matches ``text`` in any case, by Python's rules or by RE2's own (pyarrow's)."""
    if engine == "pyarrow":
        return f"(?i:{literal(text)})"
    flags = re.IGNORECASE | re.UNICODE
    return "".join(_class_of(_accepted(_parser.LITERAL, ord(c), flags)) for c in text)


def plain_text(pattern: str, flags: int = 0) -> str | None:
    """The text that ``pattern`` stands for if it holds no metacharacter, else None."""
    if flags & (re.IGNORECASE | re.VERBOSE):
        return None
    tree = _parse(pattern, flags)
    if any(op is not _parser.LITERAL for op, _ in tree) or tree.state.flags & re.IGNORECASE:
        return None
    return "".join(chr(value) for _, value in tree)


def ignores_case(pattern: str, flags: int = 0) -> bool:
    """Whether any part of the pattern ignores case, by ``flags`` or by a flag within it."""
    tree = _parse(pattern, flags)
    return (
        bool(tree.state.flags & re.IGNORECASE)
        or re.search(r"\(\?[a-zA-Z]*i[a-zA-Z]*[-:)]", pattern) is not None
    )


def single_class(pattern: str, flags: int = 0) -> tuple[str, bool] | None:
    """``(class, repeated)`` where the pattern is one character class, ``repeated`` if followed by ``+``.

    None for every other pattern. ``class`` is RE2 text that matches exactly one character.
    """
    tree = _parse(pattern, flags)
    flags = tree.state.flags
    if len(tree) != 1:
        return None
    op, value = tree[0]
    repeated = False
    if op is _parser.MAX_REPEAT and value[0] == 1 and value[1] == _parser.MAXREPEAT and len(value[2]) == 1:
        repeated = True
        op, value = value[2][0]
    if op not in _SINGLE:
        return None
    return _class_of(_accepted(op, value, flags)), repeated


def translate(pattern: str, flags: int = 0, how: Literal["search", "match", "fullmatch"] = "search") -> str:
    r"""An RE2 pattern whose full match says whether ``re.<how>(pattern, text, flags)`` finds anything.

    Raises
    ------
    UnsupportedError
        for look-around, back-references, atomic groups, possessive repeats, repeats above 1000, ``$``
        before the end of the pattern, and ``\b`` between items that do not settle it.
    re.error
        if Python itself rejects the pattern.
    """
    tree = _parse(pattern, flags)
    body = _Translator(pattern, how).sequence(list(tree), tree.state.flags, True, True)
    head = "(?s:.*)" if how == "search" else ""
    tail = "" if how == "fullmatch" else "(?s:.*)"
    return f"{head}(?:{body}){tail}"


def _parse(pattern: str, flags: int) -> Any:
    tree = _parser.parse(pattern, flags)
    # A str pattern is Unicode unless it says otherwise; re.compile adds the flag in the same way.
    if not tree.state.flags & re.ASCII:
        tree.state.flags |= re.UNICODE
    return tree


_SINGLE = (_parser.LITERAL, _parser.NOT_LITERAL, _parser.ANY, _parser.IN)


def _runs(pattern: re.Pattern[str]) -> Ranges:
    """What a pattern of one or more characters of a class accepts, as runs of code points."""
    everything = all_characters()
    spans = (found.span() for found in pattern.finditer(everything))
    return tuple((ord(everything[a]), ord(everything[b - 1])) for a, b in spans)


@cache
def _word(flags: int) -> Ranges:
    return _runs(re.compile(r"\w+", flags & re.ASCII))


_accepted_cache: dict[tuple[str, int], Ranges] = {}


def _accepted(op: Any, value: Any, flags: int) -> Ranges:
    """Code points that a one-character item accepts, asked of Python's own engine."""
    flags &= re.IGNORECASE | re.ASCII | re.UNICODE | re.DOTALL
    key = (repr((op, value)), flags)
    if key not in _accepted_cache:
        if op is _parser.LITERAL and not flags & re.IGNORECASE:
            _accepted_cache[key] = ((value, value),)
        else:
            state = _fresh(flags)
            item = _parser.SubPattern(state, [(op, value)])
            run = _parser.SubPattern(state, [(_parser.MAX_REPEAT, (1, _parser.MAXREPEAT, item))])
            _accepted_cache[key] = _runs(_compiler.compile(run, flags))
    return _accepted_cache[key]


def _common(a: Ranges, b: Ranges) -> Ranges:
    """The code points in both."""
    return tuple(
        (max(low, first), min(high, last))
        for low, high in a
        for first, last in b
        if max(low, first) <= min(high, last)
    )


def _fresh(flags: int) -> Any:
    state = _parser.State()
    state.flags = flags
    state.str = ""
    return state


class _Translator:
    """One walk over Python's parse tree; ``head`` and ``tail`` say whether free text borders an item."""

    def __init__(self, pattern: str, how: str) -> None:
        self.pattern, self.how = pattern, how

    def refuse(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"regular expression {self.pattern!r}: {what} has no RE2 form; {_WAY_OUT}")

    def sequence(self, items: list[tuple[Any, Any]], flags: int, head: bool, tail: bool) -> str:
        out = []
        for position, (op, value) in enumerate(items):
            first, last = head and position == 0, tail and position == len(items) - 1
            if op is _parser.AT:
                out.append(self.anchor(value, items, position, flags, first, last))
            else:
                out.append(self.item(op, value, flags, first, last))
        return "".join(out)

    def item(self, op: Any, value: Any, flags: int, head: bool, tail: bool) -> str:
        if op in _SINGLE:
            if op is _parser.LITERAL and not flags & re.IGNORECASE:
                return _escape(value)
            return _class_of(_accepted(op, value, flags))
        if op is _parser.BRANCH:
            return "(?:" + "|".join(self.sequence(list(b), flags, head, tail) for b in value[1]) + ")"
        if op is _parser.SUBPATTERN:
            _, add, remove, inner = value
            return "(?:" + self.sequence(list(inner), (flags | add) & ~remove, head, tail) + ")"
        if op in (_parser.MAX_REPEAT, _parser.MIN_REPEAT):
            low, high, inner = value
            if low > MAX_REPEAT or (high != _parser.MAXREPEAT and high > MAX_REPEAT):
                raise self.refuse(f"a repeat above {MAX_REPEAT}")
            body = self.sequence(list(inner), flags, False, False)
            return f"(?:{body}){{{low},{'' if high == _parser.MAXREPEAT else high}}}"
        raise self.refuse(str(op).lower().replace("_", " "))

    def anchor(
        self, kind: Any, items: list[tuple[Any, Any]], position: int, flags: int, first: bool, last: bool
    ) -> str:
        if kind is _parser.AT_BEGINNING:
            return "(?m:^)" if flags & re.MULTILINE else r"\A"
        if kind is _parser.AT_BEGINNING_STRING:
            return r"\A"
        if kind is _parser.AT_END_STRING:
            return r"\z"
        if kind is _parser.AT_END:
            if flags & re.MULTILINE:
                return "(?m:$)"
            if not last:
                raise self.refuse("$ before the end of the pattern")
            # Python's $ also stands before a final newline, which nothing may consume in a full match.
            return r"\z" if self.how == "fullmatch" else r"\n?\z"
        return self.boundary(kind, items, position, flags, first, last)

    def boundary(
        self, kind: Any, items: list[tuple[Any, Any]], position: int, flags: int, first: bool, last: bool
    ) -> str:
        r"""``\b`` and ``\B`` where the neighbouring items settle which side is a word character."""
        if flags & re.ASCII:
            return r"\b" if kind is _parser.AT_BOUNDARY else r"\B"
        wanted = kind is _parser.AT_BOUNDARY
        before = self.is_word(items[:position], flags, -1)
        after = self.is_word(items[position + 1 :], flags, 0)
        if before is not None and after is not None:
            return "" if (before != after) == wanted else char_class(())
        known = after if after is not None else before
        at_head, at_tail = first and after is not None, last and before is not None
        if known is None or not (at_head or at_tail):
            raise self.refuse(r"\b next to an item that may or may not be a word character")
        if (at_head and self.how != "search") or (at_tail and self.how == "fullmatch"):
            return "" if known == wanted else char_class(())  # the text's edge counts as a non-word
        neighbour_is_word = known != wanted
        word = _class_of(_word(flags))
        edge = r"\A" if at_head else r"\z"
        if neighbour_is_word:
            return word
        return f"(?:{edge}|[^{word[1:]})"

    def is_word(self, items: list[tuple[Any, Any]], flags: int, end: Literal[0, -1]) -> bool | None:
        """Whether ``items`` begin (0) or end (-1) with a word character for certain; None if it depends."""
        if not items:
            return None
        op, value = items[end]
        if op is _parser.SUBPATTERN:
            return self.is_word(list(value[3]), (flags | value[1]) & ~value[2], end)
        if op is _parser.BRANCH:
            answers = {self.is_word(list(branch), flags, end) for branch in value[1]}
            return answers.pop() if len(answers) == 1 else None
        if op in (_parser.MAX_REPEAT, _parser.MIN_REPEAT) and value[0] > 0:
            return self.is_word(list(value[2]), flags, end)
        if op not in _SINGLE:
            return None
        accepted = _accepted(op, value, flags)
        common = _common(accepted, _word(flags))
        return True if common == accepted else None if common else False
