"""Tables and number texts on tensors: value → value, text → number, integer → text.

Every function takes a tensor of any shape and returns tensors of that shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.regex import all_characters, char_class
from onnxtwin.exporters.strings import Flat, join, replace_pieces, text, where_any, whitespace


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
    value : the number; where ``valid`` or ``certain`` is False NaN, and 0 of integers.
    valid : bool, whether the text is a number as Python (or the grammar asked for) reads it, exactly.
    certain : bool, False for the few sizes that Python reads and this graph does not; None if there is none.
    """

    value: Var
    valid: Var
    certain: Var | None


# strtod and strtoll take these blanks; Python strips more kinds.
_BLANK = r"[\t-\r ]*"


@cache
def _blanks() -> str:
    """What Python strips around a number: all whitespace but the four ASCII separators, unlike str.strip."""
    return "".join(c for c in whitespace() if c not in "\x1c\x1d\x1e\x1f")


@cache
def _foreign_digits() -> dict[str, str]:
    """Decimal digits of other scripts, with the ASCII digit of the same value."""
    return {c: str(int(c)) for c in all_characters() if c.isdecimal() and c not in "0123456789"}


@cache
def _python_grammar(kind: Literal["float", "int"]) -> str:
    """Every text that Python's own ``float`` or ``int`` reads (underscores, any script's digits)."""
    blank = char_class(sorted(ord(c) for c in _blanks()))
    digit = char_class([ord(c) for c in all_characters() if c.isdecimal()])
    number = f"{digit}(?:_?{digit})*"
    if kind == "int":
        return f"{blank}*[+-]?{number}{blank}*"
    unsigned = rf"(?:{number}(?:\.(?:{number})?)?|\.{number})(?:[eE][+-]?{number})?"
    return f"{blank}*[+-]?(?:{unsigned}|(?i:inf(?:inity)?|nan)){blank}*"


def _plain(x: Var) -> Var:
    """Texts of numbers with ASCII digits, without blanks and underscores; of other texts anything."""
    flat = Flat(x)
    pieces = flat.tokens(f"[0-9a-zA-Z.+-]+|{char_class(sorted(map(ord, _foreign_digits())))}")
    return flat.restore(join(replace_pieces(pieces, _foreign_digits())))


def _parsed(
    x: Var,
    strict: str,
    kind: Literal["float", "int"],
    rare: Callable[[Var], tuple[Var, Var]],
    grammar: str | None = None,
) -> tuple[Var, Var, Var]:
    """The numbers, whether they were read, and whether Python reads the texts.

    Parameters
    ----------
    strict : an RE2 pattern of the texts that the conversion of every onnxruntime reads as Python does.
    rare : makes, of the :func:`_plain` texts of numbers that are not ``strict``, texts that the conversion
        reads, and tells where; it runs in batches that hold such a text, and in no other.
    grammar : an RE2 pattern of the texts to read, of those that Python reads; all by default.
    """
    valid = op.regex_full_match(x, pattern=grammar or _python_grammar(kind))
    read = op.regex_full_match(x, pattern=strict)
    read = op.and_(read, valid) if grammar else read
    odd = op.and_(valid, op.not_(read))
    # A text, not a number, is chosen for what is not read: onnxruntime's Where loses the sign of -0.0.
    usual = op.where(read, x, text("nan" if kind == "float" else "0"))

    def respelled() -> list[Var]:
        written, known = rare(_plain(op.where(odd, x, text("0"))))
        known = op.and_(odd, known)
        return [op.where(known, written, usual), op.or_(read, known)]

    written, read = where_any(odd, respelled, lambda: [op.identity(usual), op.identity(read)])
    return op.cast(written, to=np.float64 if kind == "float" else np.int64), read, valid


_FLOAT = (
    r"(?:(?:[0-9]{1,200}(?:\.[0-9]{0,200})?|\.[0-9]{1,200})(?:[eE][+-]?0*[0-9]{1,2})?"
    r"|[1-9](?:\.[0-9]{0,200})?[eE][+-]?[12][0-9]{2}|(?i:inf(?:inity)?|nan))"
)

# Magnitudes from 1e-307 to 1e308, which are normal numbers: an exponent of three digits, long digits.
_NORMAL = (
    r"[1-9](?:\.[0-9]*)?[eE][+-]?0*(?:[12][0-9]{2}|30[0-7])"
    r"|(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})[eE][+-]?0*(?:1[0-9]{2}|2[0-5][0-9])"
    r"|0*[1-9][0-9]{0,307}(?:\.[0-9]*)?|0*\.0{0,306}[1-9][0-9]*"
)
_OVERFLOWS = (
    r"0*[1-9][0-9]{309,}(?:\.[0-9]*)?|[0.]{0,200}[1-9][0-9.]*[eE]\+?0*[1-9][0-9]{3,}"
    r"|0*[1-9](?:\.[0-9]*)?[eE]\+?0*(?:309|3[1-9][0-9]|[4-9][0-9]{2})"
)
_VANISHES = (
    r"[0.]+(?:[eE][+-]?[0-9]+)?|0*\.0{324,}[0-9]*|[0.]*[1-9][0-9.]{0,200}[eE]-0*[1-9][0-9]{3,}"
    r"|0*[1-9](?:\.[0-9]*)?[eE]-0*(?:32[5-9]|3[3-9][0-9]|[4-9][0-9]{2})"
)


def _rare_float(y: Var) -> tuple[Var, Var]:
    infinite = op.regex_full_match(y, pattern=f"[+-]?(?:{_OVERFLOWS})")
    zero = op.regex_full_match(y, pattern=f"[+-]?(?:{_VANISHES})")
    end = op.or_(infinite, zero)
    sign = op.where(op.regex_full_match(y, pattern="(?s:-.*)"), text("-"), text(""))
    named = op.string_concat(sign, op.where(infinite, text("inf"), text("0")))
    known = op.or_(end, op.regex_full_match(y, pattern=f"[+-]?(?:{_FLOAT}|{_NORMAL})"))
    return op.where(end, named, y), known


SIZES_READ = (
    "0, sizes from 1e-299 to 1e299, and sizes beyond what a double holds (infinite, or 0); "
    "with an exponent of three digits at most 40 digits before and after the point"
)
"""In words, what :func:`to_float` is certain of."""


def to_float(x: Var, grammar: str | None = None) -> Parsed:
    """``float(text)`` as float64, correctly rounded: any script's digits, underscores, blanks.

    ``grammar``, an RE2 pattern, reads fewer texts than Python does.
    ``certain`` is False for some magnitudes at the ends of the range of float64, where onnxruntime's
    conversion would stop the whole run: not for :data:`SIZES_READ`.
    """
    value, read, valid = _parsed(x, f"{_BLANK}[+-]?{_FLOAT}{_BLANK}", "float", _rare_float, grammar)
    return Parsed(value, valid, op.equal(read, valid))


def to_int(x: Var) -> Parsed:
    """``int(text)`` as int64: any script's digits, underscores, blanks. Beyond int64 no text is valid."""
    positive, negative = _up_to(2**63 - 1), _up_to(2**63)

    def within(zeros: str) -> str:
        return rf"(?:[+-]?{zeros}[0-9]{{1,18}}|\+?{zeros}(?:{positive})|-{zeros}(?:{negative}))"

    def rare(y: Var) -> tuple[Var, Var]:
        # Python reads no integer of more than 4,300 digits, not even zeros.
        long = op.regex_full_match(y, pattern=f"[+-]?{'[0-9]{1000}' * 4}[0-9]{{301,}}")
        return y, op.and_(op.not_(long), op.regex_full_match(y, pattern=within("0*")))

    value, read, _ = _parsed(x, f"{_BLANK}{within('0{0,99}')}{_BLANK}", "int", rare)
    return Parsed(value, read, None)


def _up_to(limit: int) -> str:
    """A pattern for the numbers of as many digits as ``limit`` that do not exceed it."""
    digits = str(limit)
    ways = [digits]
    for position, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - position - 1
            ways.append(f"{digits[:position]}[0-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return "|".join(ways)


def beyond(limit: int) -> list[str]:
    """Patterns that together match the numbers without leading zeros that exceed ``limit``."""
    digits = str(limit)
    ways = [rf"[1-9][0-9]{{{len(digits)},}}"]
    for position, digit in enumerate(digits):
        if digit != "9":
            rest = len(digits) - position - 1
            ways.append(f"{digits[:position]}[{int(digit) + 1}-9]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return ways


def from_int(x: Var) -> Var:
    """``str(int)`` of an int64 tensor."""
    return op.cast(x, to=np.str_)
