"""Tables and number texts on tensors: value → value, text → number, integer → text.

Every function takes a tensor of any shape and returns tensors of that shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.regex import all_characters, char_class
from onnxtwin.exporters.strings import text, whitespace


def lookup(x: Var, keys: Sequence[Any], values: Sequence[Any], default: Any) -> Var:
    """``table.get(x, default)`` with one key and one value type out of str, int64 and float64.

    NaN is a key like any other (every NaN equals it), and 0.0 and -0.0 are one key. Of a repeated key the
    last value counts, as in a dict. ``x`` has the keys' type: int64 and bool keys need an int64 ``x``.

    Raises
    ------
    UnsupportedError
        if keys or values mix types, or are of none of the three, or there is an integer beyond int64.
    """
    if len(keys) != len(values):
        raise ValueError(f"{len(keys)} keys for {len(values)} values")
    result = _typed([*values, default])
    if not len(keys):
        return op.expand(_constant(result[0]), op.shape(x))
    typed = _typed(list(keys))
    last: dict[Any, int] = {}
    for position, key in enumerate(typed.tolist()):
        last["nan" if key != key else (key,)] = position
    kept = list(last.values())
    return ml.label_encoder(
        x,
        **_attributes("keys", typed[kept]),
        **_attributes("values", result[:-1][kept]),
        **_default(result[-1:]),
    )


def _attributes(name: str, values: npt.NDArray[Any]) -> dict[str, Any]:
    """Text as a list attribute: onnxruntime 1.25 stops at a tensor attribute of text."""
    if values.dtype == object:
        return {f"{name}_strings": values.tolist()}
    return {f"{name}_tensor": values}


def _default(value: npt.NDArray[Any]) -> dict[str, Any]:
    return {"default_string": value[0]} if value.dtype == object else {"default_tensor": value}


def isin(x: Var, values: Sequence[Any]) -> Var:
    """Whether each entry is one of ``values``; bool. Types as in :func:`lookup`; NaN is in a set with NaN."""
    if not len(values):
        return op.expand(op.const(False), op.shape(x))
    return op.cast(lookup(x, list(values), [1] * len(values), 0), to=np.bool_)


def _typed(values: list[Any]) -> npt.NDArray[Any]:
    """One vector of str (object), int64 or float64."""
    if all(isinstance(v, str) for v in values):
        return np.array(values, dtype=object)
    if all(isinstance(v, (bool, np.bool_, int, np.integer)) for v in values):
        try:
            return np.array([int(v) for v in values], dtype=np.int64)
        except OverflowError:
            raise UnsupportedError(f"a table holds an integer beyond int64: {values!r:.200}") from None
    if all(isinstance(v, (float, np.floating, int, np.integer)) for v in values):
        floats = np.array([float(v) for v in values], dtype=np.float64)
        if any(isinstance(v, (int, np.integer)) and int(f) != v for v, f in zip(values, floats, strict=True)):
            raise UnsupportedError("a table mixes floats with integers that float64 cannot hold exactly")
        return floats
    kinds = sorted({type(v).__name__ for v in values})
    raise UnsupportedError(
        f"a table holds values of the types {', '.join(kinds)}; expected only str, only integers or only "
        "numbers; convert its keys and values to one type"
    )


def _constant(value: Any) -> Var:
    return text(value) if isinstance(value, str) else op.const(value)


class Parsed(NamedTuple):
    """Numbers read from texts.

    Attributes
    ----------
    value : the number; 0 where ``valid`` or ``certain`` is False.
    valid : bool, whether the text is a number as Python reads it, exactly.
    certain : bool, False for the few spellings that Python reads and this graph does not.
    """

    value: Var
    valid: Var
    certain: Var


# strtod and strtoll take these blanks; Python strips more kinds.
_BLANK = r"[\t-\r ]*"


@cache
def _python_grammar(kind: Literal["float", "int"]) -> str:
    """Every text that Python's own ``float`` or ``int`` reads (underscores, any script's digits)."""
    # Around a number Python strips all whitespace but the four ASCII separators, unlike str.strip.
    blank = char_class(sorted(ord(c) for c in whitespace() if c not in "\x1c\x1d\x1e\x1f"))
    digit = char_class([ord(c) for c in all_characters() if c.isdecimal()])
    number = f"{digit}(?:_?{digit})*"
    if kind == "int":
        return f"{blank}*[+-]?{number}{blank}*"
    unsigned = rf"(?:{number}(?:\.(?:{number})?)?|\.{number})(?:[eE][+-]?{number})?"
    return f"{blank}*[+-]?(?:{unsigned}|(?i:inf(?:inity)?|nan)){blank}*"


def _parsed(x: Var, strict: str, kind: Literal["float", "int"]) -> Parsed:
    read = op.regex_full_match(x, pattern=strict)
    valid = op.regex_full_match(x, pattern=_python_grammar(kind))
    certain = op.equal(read, valid)  # what the strict grammar reads, Python reads
    dtype = np.float64 if kind == "float" else np.int64
    return Parsed(op.cast(op.where(read, x, text("0")), to=dtype), valid, certain)


def to_float(x: Var) -> Parsed:
    """``float(text)`` as float64, correctly rounded.

    ``certain`` is False for underscores, for digits or blanks outside ASCII, for more than 200 digits, and
    for magnitudes that may leave the range of normal float64 numbers (below 1e-299, above 1e299):
    onnxruntime's conversion would stop the whole run on these.
    """
    mantissa = r"(?:[0-9]{1,200}\.?[0-9]{0,200}|\.[0-9]{1,200})(?:[eE][+-]?0*[0-9]{1,2})?"
    large = r"[1-9](?:\.[0-9]{0,200})?[eE][+-]?[12][0-9]{2}"
    named = "(?i:inf(?:inity)?|nan)"
    return _parsed(x, f"{_BLANK}[+-]?(?:{mantissa}|{large}|{named}){_BLANK}", "float")


def to_int(x: Var) -> Parsed:
    """``int(text)`` as int64.

    ``certain`` is False for underscores, for digits or blanks outside ASCII, and beyond int64.
    """
    positive, negative = _up_to(2**63 - 1), _up_to(2**63)
    number = rf"(?:[+-]?0*[0-9]{{1,18}}|\+?0*(?:{positive})|-0*(?:{negative}))"
    return _parsed(x, f"{_BLANK}{number}{_BLANK}", "int")


def _up_to(limit: int) -> str:
    """A pattern for the numbers of as many digits as ``limit`` that do not exceed it."""
    digits = str(limit)
    ways = [digits]
    for position, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - position - 1
            ways.append(f"{digits[:position]}[0-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return "|".join(ways)


def from_int(x: Var) -> Var:
    """``str(int)`` of an int64 tensor."""
    return op.cast(x, to=np.str_)
