"""JSON whose bytes depend on nothing but the data: what every file of an artifact is written with.

Keys stand in the order in which the code makes them, floats are the shortest text that reads back to the
same double (Python's ``repr``), text is UTF-8, a list of plain values stands on one line. JSON has no NaN and
no infinity: they are the strings ``NaN``, ``Infinity`` and ``-Infinity``, and the type that stands beside
every such list says that they are numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onnxtwin.exporters.errors import ArtifactError

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


_SHORT = 90


def dumps(data: Any) -> bytes:
    """The data as UTF-8 JSON with a closing newline."""
    return (_text(data, "") + "\n").encode()


def scalar(value: Any) -> Any:
    """A value as JSON can say it: None, bool, int, float, str, or the word for a non-finite number.

    Raises
    ------
    ArtifactError
        If it is of another type.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ArtifactError(
        f"{value!r} ({type(value).__name__}) cannot be written to a contract: use text or numbers"
    )


def number(value: Any) -> int | float:
    """The number that :func:`scalar` wrote."""
    return NON_FINITE[value] if isinstance(value, str) else value


def _text(data: Any, indent: str) -> str:
    inner = indent + "  "
    if isinstance(data, Mapping) and data:
        if not any(map(_is_nested, data.values())) and len(line := _line(data)) <= _SHORT:
            return line
        entries = [f"{inner}{_line(key)}: {_text(value, inner)}" for key, value in data.items()]
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if isinstance(data, Sequence) and not isinstance(data, str) and any(map(_is_nested, data)):
        return "[\n" + ",\n".join(inner + _text(value, inner) for value in data) + f"\n{indent}]"
    return _line(data)


def _line(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))
