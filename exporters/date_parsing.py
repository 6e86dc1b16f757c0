"""Dates written as text, read as ``pandas.to_datetime`` reads them, for one layout at a time.

pandas infers a layout from the first text of a column and holds every other text to it. A text that fits a
layout exactly is a fixed number of runs of digits, which one Tokenizer finds and one Cast reads.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import numpy as np
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.datetimes import DAY, TICKS, Unit, const, days_from_civil, days_in_month
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.regex import all_characters, char_class, literals_ignoring_case
from onnxtwin.exporters.signature import NAT
from onnxtwin.exporters.strings import (
    Flat,
    drop_first,
    first_column,
    ints,
    join,
    take_first,
    text,
    tokens,
    where_any,
)

MISSING = ("", "NaT", "nat", "NAT", "nan", "NaN", "NAN")
"""Texts that pandas reads as a missing timestamp."""

_TWO_DIGITS = {
    "%m": "(?:0[1-9]|1[0-2])",
    "%d": "(?:0[1-9]|[12][0-9]|3[01])",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "(?:[0-5][0-9]|6[01])",
}
_ONE_DIGIT = {"%m": "[1-9]", "%d": "[1-9]", "%H": "[0-9]", "%M": "[0-9]", "%S": "[0-9]"}
"""What pandas also reads: ``2021-3-4 5:06:07``, ``202134``."""

_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
"""Years without 0, which pandas reads in some spellings of some layouts."""

_OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
_FRACTION_DIGITS: dict[Unit, int] = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_WAY_OUT = "name the layout with format=, or parse the column before the pipeline"


class ParsedTime(NamedTuple):
    """Timestamps read from texts.

    Attributes
    ----------
    ticks : int64 in the unit asked for, UTC if the layout has an offset; NAT where missing or not valid.
    valid : bool, whether pandas parses the text (a missing one too).
    certain : bool, False for spellings that pandas may accept and this graph does not decide: year 0, a
        year with a sign or without digits, fewer digits where three fields touch, other scripts' digits,
        ``today``, more fractional digits than the unit holds, another offset than ``offset`` names.
        :func:`spellings` says which it decides.
    """

    ticks: Var
    valid: Var
    certain: Var


def _directives(fmt: str) -> list[str]:
    """The layout cut into directives and single literal characters."""
    parts = re.findall(r"%.|[^%]", fmt, re.DOTALL)
    named = [p for p in parts if p.startswith("%")]
    known = {"%Y", "%f", "%z", *_TWO_DIGITS}
    order_kept = ("%f" not in named or fmt.endswith(("%S.%f", "%S.%f%z"))) and (
        "%z" not in named or fmt.endswith("%z")
    )
    complete = "%Y" in named and ("%d" not in named or "%m" in named)
    if not (set(named) <= known and len(set(named)) == len(named) and order_kept and complete):
        raise UnsupportedError(
            f"the date layout {fmt!r} has no graph form: expected %Y and any of %m %d %H %M %S once each, "
            f"then .%f, then %z; {_WAY_OUT}"
        )
    return parts


def parse_time(x: Var, fmt: str, unit: Unit, *, utc: bool = False, offset: int = 0) -> ParsedTime:
    """``pandas.to_datetime(texts, format=fmt)``, texts of any shape.

    Parameters
    ----------
    x : string tensor.
    fmt : a layout of ``%Y %m %d %H %M %S .%f %z``, ISO 8601 or not, as
        ``pandas.tseries.api.guess_datetime_format`` names it.
    unit : the unit of the ticks; with ``"ns"`` timestamps outside 1677-09-21 to 2262-04-11 are not valid.
    utc : with ``%z``, accept every offset (pandas' ``utc=True``); else only ``offset``.
    offset : minutes east of UTC that every text must have if the layout has ``%z`` and ``utc`` is False.

    Raises
    ------
    UnsupportedError
        for any other layout.
    """
    fmt = re.sub(r"\s+", " ", fmt)
    parts = _directives(fmt)
    alone = [_alone(parts, i) for i in range(len(parts))]
    strict = "".join(_strict(p, unit, utc, offset, free) for p, free in zip(parts, alone, strict=True))
    example = "".join({"%Y": "1970", "%f": "0", "%z": "Z"}.get(p, "01" if len(p) == 2 else p) for p in parts)
    shaped = op.regex_full_match(x, pattern=strict)
    loose = op.regex_full_match(x, pattern=_loose(fmt))
    if _touching(parts):
        before, whole = x, shaped

        def padded() -> list[Var]:
            y = _padded(before, parts)
            return [y, op.regex_full_match(y, pattern=strict)]

        x, shaped = where_any(
            op.and_(loose, op.not_(whole)), padded, lambda: [op.identity(before), op.identity(whole)]
        )
    missing = op.cast(
        ml.label_encoder(x, keys_strings=list(MISSING), values_int64s=[1] * len(MISSING), default_int64=0),
        to=np.bool_,
    )
    fields = _fields(Flat(op.where(shaped, x, text(example)), example), parts)
    months, day = fields.get("%m", const(1)), fields.get("%d", const(1))
    seconds = op.mul(days_from_civil(fields["%Y"], months, day), const(DAY))
    for directive, size in (("%H", 3600), ("%M", 60), ("%S", 1)):
        if directive in fields:
            seconds = op.add(seconds, op.mul(fields[directive], const(size)))
    exists = op.less_or_equal(day, days_in_month(fields["%Y"], months))
    nanos = fields.get("%f", const(0))
    if unit == "ns":
        exists = op.and_(exists, _within_nanoseconds(seconds, nanos))
    if "%z" in fields:
        seconds = op.sub(seconds, op.mul(fields["%z"], const(60)) if utc else const(offset * 60))
        if unit == "ns":  # pandas holds the local time first, then the time in UTC
            exists = op.and_(exists, _within_nanoseconds(seconds, nanos))
    ticks = op.mul(seconds, const(TICKS[unit]))
    if "%f" in fields:
        ticks = op.add(ticks, op.div(nanos, const(10**9 // TICKS[unit])))
    read = op.and_(shaped, exists)
    certain = op.or_(op.or_(shaped, missing), op.not_(loose))
    return ParsedTime(op.where(read, ticks, const(NAT)), op.or_(read, missing), certain)


def _alone(parts: list[str], position: int) -> bool:
    """Whether no digits of another directive touch the one at ``position``."""
    beside = parts[max(position - 1, 0) : position] + parts[position + 1 : position + 2]
    return not any(p in _TWO_DIGITS or p in ("%Y", "%f") for p in beside)


def _touching(parts: list[str]) -> bool:
    """Whether the layout is digits throughout, and at most two of its fields may have one digit or two."""
    fields = [part for part in parts if part != "%Y"]
    return 0 < len(fields) <= 2 and all(part in _TWO_DIGITS for part in fields)


def _padded(x: Var, parts: list[str]) -> Var:
    """``202134`` as ``20210304``: as pandas reads it, the first field takes two digits where it can."""
    fields = [part for part in parts if part != "%Y"]

    def spelled(*digits: int) -> str:
        of = dict(zip(fields, digits, strict=True))
        return "".join(
            _YEAR if part == "%Y" else (_ONE_DIGIT if of[part] == 1 else _TWO_DIGITS)[part] for part in parts
        )

    def is_spelled(*patterns: str) -> Var:
        return op.regex_full_match(x, pattern="|".join(patterns))

    if len(fields) == 1:
        short = [is_spelled(spelled(1))]
    else:
        later = is_spelled(spelled(2, 1))
        first = op.and_(is_spelled(spelled(1, 2), spelled(1, 1)), op.not_(later))
        short = [first, op.or_(later, is_spelled(spelled(1, 1)))]
    for field, one in zip(fields, short, strict=True):
        place = sum(4 if part == "%Y" else 2 for part in parts[: parts.index(field)])
        head, tail = (take_first(x, place), drop_first(x, place)) if place else (text(""), x)
        x = op.where(one, op.string_concat(head, op.string_concat(text("0"), tail)), x)
    return x


def _strict(part: str, unit: Unit, utc: bool, offset: int, alone: bool) -> str:
    if part == "%Y":
        return _YEAR
    if part == "%f":
        # More digits than the unit holds would give the whole column another unit.
        return f"[0-9]{{1,{_FRACTION_DIGITS[unit]}}}" if _FRACTION_DIGITS[unit] else char_class(())
    if part == "%z":
        if utc:
            return _OFFSET
        hours, minutes = divmod(abs(offset), 60)
        sign = "[+-]" if offset == 0 else "[+]" if offset > 0 else "-"
        return f"(?:{sign}{hours:02d}:?{minutes:02d}{'|Z' if offset == 0 else ''})"
    if part not in _TWO_DIGITS:
        return _literal(part)
    padded = "| [1-9]" if part == "%d" else ""
    return f"(?:{_TWO_DIGITS[part]}|{_ONE_DIGIT[part]}{padded})" if alone else _TWO_DIGITS[part]


@cache
def _blank() -> str:
    return char_class([ord(c) for c in all_characters() if c.isspace()])


def _literal(part: str) -> str:
    """What pandas reads for a character of the layout: blanks for a blank, letters in any case."""
    return f"{_blank()}+" if part.isspace() else literals_ignoring_case(part, "python")


@cache
def _loose(fmt: str) -> str:
    """Texts that pandas may read although the strict layout does not, and few others."""
    d = char_class([ord(c) for c in all_characters() if c.isdecimal()])
    signed = "|-[0-9]*" if _touching(_directives(fmt)) else "|-[0-9]*|"
    loose = {
        "%Y": f"(?:{d}{{4}}{signed if _reads_a_sign(fmt) else ''})",
        "%m": "(?:1[0-2]|0?[1-9])",
        "%d": f"(?:3[01]|[12]{d}|[0 ]?[1-9])",
        "%H": f"(?:2[0-3]|[01]?{d})",
        "%M": f"[0-5]?{d}",
        "%S": f"(?:6[01]|[0-5]?{d})",
        "%f": "[0-9]*",
        "%z": f"(?:Z|[+-]{d}(?:{d}|[:.])*)",
    }
    out = [loose[part] if part in loose else _literal(part) for part in _directives(fmt)]
    return f"{''.join(out)}|today|now"


def _reads_a_sign(fmt: str) -> bool:
    """Whether pandas gives the layout to its ISO 8601 parser, which knows a sign and years without digits."""
    import pandas as pd

    known = {"%Y": "-2000", "%f": "0", "%z": "Z"}
    example = "".join(known.get(p, "01" if len(p) == 2 else p) for p in _directives(fmt))
    try:
        return bool(pd.to_datetime(pd.Series([example], dtype=object), format=fmt).notna().all())
    except (ValueError, OverflowError):
        return False


def spellings(fmt: str, unit: Unit, *, utc: bool = False, offset: int = 0) -> str:
    """In words, which texts :func:`parse_time` is certain to read."""
    names = {
        "%Y": "YYYY",
        "%m": "MM",
        "%d": "DD",
        "%H": "hh",
        "%M": "mm",
        "%S": "ss",
        "%f": "f",
        "%z": "Z",
    }
    parts = _directives(re.sub(r"\s+", " ", fmt))
    told = ["".join(names.get(part, part) for part in parts), "digits 0 to 9, years 0001 to 9999"]
    if any(part in _TWO_DIGITS and _alone(parts, i) for i, part in enumerate(parts)) or _touching(parts):
        told.append("one digit for two wherever pandas reads it")
    if "%f" in parts:
        told.append(f"at most {_FRACTION_DIGITS[unit]} digits after the point")
    if "%z" in parts:
        hours, minutes = divmod(abs(offset), 60)
        one = f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}{'' if offset else ' or Z'}"
        told.append("an offset +hh:mm, -hh:mm or Z" if utc else f"the offset {one}")
    return ", ".join(told)


def _runs(parts: list[str]) -> list[list[str]]:
    """Directives that follow each other without a character between them, which read as one number."""
    runs: list[list[str]] = []
    for before, part in zip([None, *parts], parts, strict=False):
        if part.startswith("%") and part not in ("%f", "%z"):
            if before is not None and before.startswith("%"):
                runs[-1].append(part)
            else:
                runs.append([part])
    return runs


def _fields(flat: Flat, parts: list[str]) -> dict[str, Var]:
    """The int64 number of each directive, shaped as the input; ``%f`` in nanoseconds, ``%z`` in minutes."""
    runs = _runs(parts)
    vector = flat.vector
    if "%f" in parts and "%z" in parts:
        vector = first_column(flat.rest(rf"{_OFFSET}\z"))
    # Padded with "0", because an empty text is no number. At most 14 digits: exact in float64.
    written = tokens(vector, r"\.[0-9]+\z|[0-9]+" if "%f" in parts else "[0-9]+", pad="0")
    numbers = op.cast(written, to=np.float64 if "%f" in parts else np.int64)
    found: dict[str, Var] = {}
    for index, run in enumerate(runs):
        rest = op.cast(op.gather(numbers, const(index), axis=1), to=np.int64)
        for part in reversed(run[1:]):
            base = const(10_000 if part == "%Y" else 100)
            found[part], rest = flat.restore(op.mod(rest, base)), op.div(rest, base)
        found[run[0]] = flat.restore(rest)
    if "%f" in parts:
        nanos = op.round(op.mul(op.gather(numbers, const(len(runs)), axis=1), op.const(1e9)))
        found["%f"] = flat.restore(op.cast(nanos, to=np.int64))
    if "%z" in parts:
        found["%z"] = flat.restore(_offset_minutes(flat))
    return found


def _offset_minutes(flat: Flat) -> Var:
    """Minutes east of UTC of the offset at the end of each text; int64 ``[N + 1]``."""
    written = first_column(flat.tokens(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})\z"))
    pieces, _ = op.string_split(written, delimiter=":")
    chars = tokens(op.string_concat(join(pieces), text("0000")), "(?s).")
    digits = ml.label_encoder(
        op.slice(chars, ints(0), ints(5), ints(1)),
        keys_strings=list("0123456789"),
        values_int64s=list(range(10)),
        default_int64=0,
    )
    minutes = op.matmul(digits, op.const(np.array([0, 600, 60, 10, 1], dtype=np.int64)))
    return op.where(op.equal(first_column(chars), text("-")), op.neg(minutes), minutes)


def _within_nanoseconds(seconds: Var, nanos: Var) -> Var:
    """Whether a time fits int64 nanoseconds (the least int64 is NaT)."""
    low, high = -9_223_372_037, 9_223_372_036
    inside = op.and_(op.greater(seconds, const(low)), op.less(seconds, const(high)))
    first = op.and_(op.equal(seconds, const(low)), op.greater(nanos, const(145_224_192)))
    last = op.and_(op.equal(seconds, const(high)), op.less_or_equal(nanos, const(854_775_807)))
    return op.or_(inside, op.or_(first, last))
