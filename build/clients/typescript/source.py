"""TypeScript source text, laid out as prettier lays it out."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 100
"""Columns of a line; the generated ``.prettierrc.json`` says the same."""

SAFE = 2**53 - 1
"""Greatest whole number up to which each is a JavaScript number of its own."""

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def literal(value: Any) -> str:
    """A value as source: a text, a number, a boolean, ``null``; a whole number beyond 2**53 as a bigint."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if abs(value) <= SAFE else f"{value}n"
    return _float(value)


def bigint(value: int) -> str:
    """A whole number as a bigint."""
    return f"{value}n"


def key(name: str) -> str:
    """A property's name: quoted only where it must be."""
    plain = _PLAIN.fullmatch(name) or name.isidentifier() and max(name) <= "\uffff"
    return name if plain else _text(name)


def class_key(label: Any) -> str:
    """A class label as a property's name, as JavaScript makes a text of it."""
    return key(label if isinstance(label, str) else literal(label).removesuffix("n"))


def array(values: Sequence[str], before: int, indent: int) -> str:
    """An array of source texts; ``before`` counts the columns to its left and right on the first line."""
    line = f"[{', '.join(values)}]"
    if before + len(line) <= WIDTH:
        return line
    inner = " " * (indent + 2)
    if len(values) > 1 and all(re.fullmatch(r"[+-]?[0-9.e-]+", value) for value in values):
        return f"[\n{_filled(values, inner)}\n{' ' * indent}]"
    return "[\n" + "".join(f"{inner}{value},\n" for value in values) + f"{' ' * indent}]"


def entry(name: str, value: Any, indent: int) -> str:
    """A property of an object literal; a text that does not fit stands on a line of its own."""
    line = f"{' ' * indent}{name}: {literal(value)},"
    return line if len(line) <= WIDTH else f"{' ' * indent}{name}:\n{' ' * (indent + 2)}{literal(value)},"


def union(name: str, members: Sequence[str]) -> str:
    """A type alias of a union of types."""
    line = f"export type {name} = {' | '.join(members)};"
    if len(line) <= WIDTH:
        return line
    return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";"


def names(before: str, listed: Sequence[str], after: str) -> str:
    """Names in braces, as an import or export lists them: on one line if there is room."""
    line = f"{before} {{ {', '.join(listed)} }} {after}"
    if len(line) <= WIDTH:
        return line
    return f"{before} {{\n" + "".join(f"  {name},\n" for name in listed) + f"}} {after}"


def comment(sentences: Sequence[str], indent: int = 0) -> str:
    """A documentation comment of sentences, each beginning on a line of its own."""
    margin = " " * indent
    clean = [_harmless(sentence) for sentence in sentences]
    if len(clean) == 1 and indent + len(clean[0]) + 7 <= WIDTH:
        return f"{margin}/** {clean[0]} */"
    lines = [
        line
        for sentence in clean
        for line in textwrap.wrap(
            sentence, WIDTH - indent - 3, break_long_words=False, break_on_hyphens=False
        )
    ]
    return "\n".join([f"{margin}/**", *(f"{margin} * {line}" for line in lines), f"{margin} */"])


def _harmless(sentence: str) -> str:
    """A sentence that cannot end the comment, nor a line of it."""
    spelled = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in sentence)
    return spelled.replace("*/", "*\\/")


def _text(value: str) -> str:
    """A string literal in the quotes that need fewer escapes, double ones where equal."""
    quoted = json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    quoted = quoted.replace("\x7f", "\\x7f")
    if value.count('"') <= value.count("'"):
        return quoted
    return "'" + quoted[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e16:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _filled(values: Sequence[str], inner: str) -> str:
    """Numbers, as many on a line as there is room for."""
    lines = [inner]
    for value in values:
        piece = f"{value}," if lines[-1] == inner else f" {value},"
        if len(lines[-1]) + len(piece) > WIDTH:
            lines.append(inner)
            piece = f"{value},"
        lines[-1] += piece
    return "\n".join(lines)
