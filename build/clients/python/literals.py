"""Values as Python source code says them, in the form that ruff gives them."""

from __future__ import annotations

import math
import textwrap
from datetime import datetime, timedelta
from typing import Any

from onnxtwin.build.clients.view import Field
from onnxtwin.build.instants import NANOSECONDS

_EPOCH = datetime(1970, 1, 1)
_WIDTH = 96


def text(value: str) -> str:
    """A string literal: double quotes, unless single ones spare escapes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    escapes = {quote: f"\\{quote}", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return quote + "".join(escapes.get(char, _char(char)) for char in value) + quote


def docstring(value: str) -> str:
    """A docstring within a class, wrapped."""
    lines = textwrap.wrap(plain(value).replace("\\", "\\\\"), _WIDTH)
    inner = "\n    ".join(lines).replace('"""', '\\"""')
    return f'"""{inner}"""' if not inner.endswith('"') else f'"""{inner[:-1]}\\""""'


def plain(value: str) -> str:
    """The text on one line, without what an editor would not show."""
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())


def scalar(value: Any) -> str:
    """A literal of bool, int, float or str."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value!r}")'
    return repr(value)


def example(field: Field) -> str:
    """A recorded value of a column as its field takes it."""
    value = field.example
    if value is None:
        return "None"
    if field.kind in ("instant", "duration"):
        return _moment(field, value)
    if field.kind == "flag":
        return repr(bool(value))
    return scalar(int(value) if field.kind == "integer" else value)


def needs_numpy(field: Field) -> bool:
    """Whether the recorded instant or duration is finer than Python's own types."""
    if field.example is None or field.kind not in ("instant", "duration"):
        return False
    return field.zone is None and field.example * NANOSECONDS[field.unit or "ns"] % 1000 != 0


def _moment(field: Field, ticks: int) -> str:
    nanoseconds = ticks * NANOSECONDS[field.unit or "ns"]
    if needs_numpy(field):
        kind = "datetime64" if field.kind == "instant" else "timedelta64"
        return f'np.{kind}({nanoseconds}, "ns")'
    span = timedelta(microseconds=nanoseconds // 1000)
    if field.kind == "duration":
        return f"timedelta({span.days}, {span.seconds}, {span.microseconds})"
    moment = _EPOCH + span
    parts = [
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
    ]
    while parts[-1] == 0 and len(parts) > 3:
        parts.pop()
    return f"datetime({', '.join(map(str, parts))}{', tzinfo=UTC' if field.zone else ''})"


def _char(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
