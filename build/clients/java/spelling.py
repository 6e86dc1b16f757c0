"""How Java spells names, texts and comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnxtwin.build.clients.naming import Naming, camel, pascal
from onnxtwin.build.clients.view import Spelling

_WORDS = """
abstract assert boolean break byte case catch char class const continue default do double else enum extends
false final finally float for goto if implements import instanceof int interface long native new null package
private protected public return short static strictfp super switch synchronized this throw throws transient
true try void volatile while _ var yield record sealed permits
"""
KEYWORDS = frozenset(_WORDS.split())


def _getter(parts: Sequence[str]) -> str:
    return "get" + pascal(parts)


_OBJECT = frozenset(
    ["clone", "equals", "finalize", "getClass", "hashCode", "notify", "notifyAll", "toString", "wait"]
)

# Names of the generated classes' own members stay free of columns and methods.
SPELLING = Spelling(
    type=Naming(
        pascal, KEYWORDS | {"String", "Object", "List", "Map", "Set", "Override"}, "Model", "Model", True
    ),
    field=Naming(camel, KEYWORDS | _OBJECT | {"build", "put", "builder", "of", "given"}, "Value"),
    method=Naming(
        camel, KEYWORDS | _OBJECT | {"open", "close", "answer", "selfTest", "call", "take"}, "Method"
    ),
    member=Naming(_getter, frozenset({"getClass"}), "Value"),
)

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(value: Any) -> str:
    """A value as Java writes it: text, whole number, double, or truth value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}L" if value != -(2**63) else "Long.MIN_VALUE"
    if isinstance(value, float):
        if value != value:
            return "Double.NaN"
        if value in (float("inf"), float("-inf")):
            return f"Double.{'POSITIVE' if value > 0 else 'NEGATIVE'}_INFINITY"
        return repr(value).replace("e+", "e")
    return '"' + "".join(map(_escaped, value)) + '"'


def markup(text: str) -> str:
    """A text in a comment: HTML, without a character that would end the comment or begin a tag."""
    return "".join(f"&#{ord(char)};" if char in "&<>@*\\{}" or ord(char) < 32 else char for char in text)


def table_text(text: str) -> str:
    """A text in a cell of a Markdown table."""
    return "".join(f"&#{ord(char)};" if char in "|`" else char for char in markup(text))


def getter(identifier: str) -> str:
    """The name of the method that reads a field."""
    return "get" + identifier[0].upper() + identifier[1:]


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if ord(char) < 32 or ord(char) == 127:
        return f"\\{ord(char):03o}"
    # A format character would be invisible, and some change how the line around them is shown.
    if not char.isprintable() and ord(char) <= 0xFFFF:
        return f"\\u{ord(char):04x}"
    return char
