"""Values as C# source code says them."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from onnxtwin.build.clients.view import Field
from onnxtwin.build.instants import NANOSECONDS

_EPOCH = datetime(1970, 1, 1)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def text(value: str) -> str:
    """A string literal; what an editor would not show is escaped."""
    return '"' + "".join(map(_char, value)) + '"'


def doc(value: str) -> str:
    """Text within a documentation comment: one line, escaped as XML demands."""
    return escape(re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in value)).strip())


def scalar(value: Any) -> str:
    """A literal of bool, int (as ``long``), float (as ``double``) or str."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "long.MinValue" if value == -(2**63) else f"{value}L"
    return number(value)


def number(value: float, *, single: bool = False) -> str:
    """A literal of a ``double`` or ``float``."""
    name = "float" if single else "double"
    if math.isnan(value):
        return f"{name}.NaN"
    if math.isinf(value):
        return f"{name}.{'Positive' if value > 0 else 'Negative'}Infinity"
    return f"{float(value)!r}{'f' if single else ''}"


def example(field: Field) -> str:
    """A recorded value of a column as its property takes it."""
    value = field.example
    if value is None:
        return "null"
    if field.kind in ("instant", "duration"):
        return _moment(field, value)
    if field.kind == "flag":
        return "true" if value else "false"
    if field.kind == "integer":
        return str(int(value))
    if field.kind == "float":
        return number(value, single=field.tensor == "float32")
    return text(value)


def _moment(field: Field, ticks: int) -> str:
    hundreds, _ = divmod(ticks * NANOSECONDS[field.unit or "ns"], 100)  # .NET counts in 100 ns
    if field.kind == "duration":
        return f"TimeSpan.FromTicks({hundreds}L)"
    whole, rest = divmod(hundreds, 10**7)
    moment = _EPOCH + timedelta(seconds=whole)
    at = f"{moment.year}, {moment.month}, {moment.day}, {moment.hour}, {moment.minute}, {moment.second}"
    made = f"new DateTimeOffset({at}, TimeSpan.Zero)" if field.zone else f"new DateTime({at})"
    return f"{made}.AddTicks({rest}L)" if rest else made


def _char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
