"""Questions about text and edits by pattern, exact as Python's ``re`` and ``str``.

Every function takes a string tensor of any shape and returns tensors of that shape. Patterns are
Python's; ``regex.translate`` says which of them have an exact RE2 form and refuses the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Tensor, Var, argument, build

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.regex import (
    all_characters,
    char_class,
    ignores_case,
    literal,
    literals_ignoring_case,
    plain_text,
    single_class,
    translate,
)
from onnxtwin.exporters.strings import (
    Engine,
    Flat,
    filled,
    first_column,
    ints,
    join,
    length,
    text,
    whitespace,
)


@cache
def _require_program(pattern: str) -> None:
    """Refuse a pattern that RE2 finds too large (nested counted repeats), which shows only in a session."""
    from onnxruntime import InferenceSession, SessionOptions
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException

    x = argument(Tensor(np.str_, (None,)))
    model = build({"text": x}, {"found": op.regex_full_match(x, pattern=pattern)})
    quiet = SessionOptions()
    quiet.log_severity_level = 4
    try:
        InferenceSession(model.SerializeToString(), quiet, providers=["CPUExecutionProvider"])
    except (Fail, RuntimeException) as error:
        raise UnsupportedError(
            f"onnxruntime cannot compile the regular expression {pattern!r:.80}...: its counted repeats are "
            "too many; shorten them, or compute this column before the pipeline"
        ) from error


def full_match(x: Var, pattern: str) -> Var:
    """Whether the RE2 ``pattern`` matches each whole text; bool.

    Raises UnsupportedError if RE2 finds the pattern too large.
    """
    _require_program(pattern)
    return op.regex_full_match(x, pattern=pattern)


def contains(
    x: Var, pat: str, case: bool = True, regex: bool = True, flags: int = 0, engine: Engine = "python"
) -> Var:
    """Whether ``re.search(pat, text, flags)`` finds something; with ``regex=False`` whether ``pat in text``.

    Raises UnsupportedError as :func:`regex.translate` does.
    """
    if not regex:
        body = literal(pat) if case else literals_ignoring_case(pat, engine)
        return full_match(x, f"(?s:.*){body}(?s:.*)")
    return full_match(x, _pattern(pat, case, flags, "search", engine))


def match(x: Var, pat: str, case: bool = True, flags: int = 0, engine: Engine = "python") -> Var:
    """Whether ``re.match(pat, text, flags)`` matches at the beginning."""
    return full_match(x, _pattern(pat, case, flags, "match", engine))


def fullmatch(x: Var, pat: str, case: bool = True, flags: int = 0, engine: Engine = "python") -> Var:
    """Whether ``re.fullmatch(pat, text, flags)`` matches."""
    return full_match(x, _pattern(pat, case, flags, "fullmatch", engine))


def _pattern(
    pat: str, case: bool, flags: int, how: Literal["search", "match", "fullmatch"], engine: Engine
) -> str:
    flags = flags if case else flags | re.IGNORECASE
    if engine == "python" or not ignores_case(pat, flags):
        return translate(pat, flags, how)
    plain = plain_text(pat, flags & ~re.IGNORECASE)
    if plain is None:
        raise _folding(pat)
    head, tail = "" if how != "search" else "(?s:.*)", "" if how == "fullmatch" else "(?s:.*)"
    return f"{head}{literals_ignoring_case(plain, engine)}{tail}"


def _folding(pat: str) -> UnsupportedError:
    return UnsupportedError(
        f"regular expression {pat!r}: pyarrow ignores case by RE2's own tables, which only plain text can "
        "follow exactly; keep the column as object, or lower it first and match with case=True"
    )


def startswith(x: Var, prefix: str | Sequence[str]) -> Var:
    """``text.startswith(prefix)``; several prefixes as a tuple."""
    return full_match(x, f"(?:{_either(prefix)})(?s:.*)")


def endswith(x: Var, suffix: str | Sequence[str]) -> Var:
    """``text.endswith(suffix)``; several suffixes as a tuple."""
    return full_match(x, f"(?s:.*)(?:{_either(suffix)})")


def _either(parts: str | Sequence[str]) -> str:
    texts = [parts] if isinstance(parts, str) else list(parts)
    return "|".join(literal(t) for t in texts) if texts else char_class(())


CHARACTER_TESTS = ("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isnumeric", "isspace")


@cache
def _class_of_test(name: str, engine: Engine) -> str:
    """Characters that pass the test, by Python's Unicode tables or by what pandas asks pyarrow."""
    import pandas as pd

    characters = list(all_characters())
    if engine == "python":
        return char_class([ord(c) for c in characters if getattr(c, name)()])
    passed = getattr(pd.Series(characters, dtype="str").str, name)().tolist()
    return char_class([ord(c) for c, yes in zip(characters, passed, strict=True) if yes])


def character_test(x: Var, name: str, engine: Engine = "python") -> Var:
    """``text.isdigit()`` and the other tests of :data:`CHARACTER_TESTS`."""
    if name not in CHARACTER_TESTS:
        raise UnsupportedError(f"str.{name} has no graph form here; expected one of {CHARACTER_TESTS}")
    return full_match(x, f"{_class_of_test(name, engine)}{'*' if name == 'isascii' else '+'}")


def split(vector: Var, separator: str, maxsplit: int | None = None) -> tuple[Var, Var]:
    """``text.split(separator, maxsplit)`` of a vector ``[N]``, ``N >= 1``.

    Returns the pieces ``[N, K]`` padded with '' and their number, int64 ``[N]``, at least 1.
    ``K`` is 0 if every text is empty.
    """
    pieces, count = op.string_split(vector, delimiter=separator, maxsplit=maxsplit)
    # onnxruntime finds no piece in an empty text, Python finds one, the empty text.
    return pieces, op.max([count, ints(1)])


def replace(x: Var, old: str, new: str, count: int = -1) -> Var:
    """``text.replace(old, new, count)``, literally.

    Raises
    ------
    UnsupportedError
        for the empty ``old``, which Python finds between all characters.
    """
    if old == "":
        raise UnsupportedError("replacing the empty text has no graph form; name the text to replace")
    if count == 0:
        return x
    flat = Flat(x)
    pieces, number = split(flat.vector, old, None if count < 0 else count)
    if not new:
        return flat.restore(join(pieces))
    columns = op.range(
        op.const(np.int64(0)), op.squeeze(op.shape(pieces, start=1, end=2), ints(0)), op.const(np.int64(1))
    )
    follows = op.and_(op.greater(columns, ints(0)), op.less(columns, op.unsqueeze(number, ints(1))))
    return flat.restore(join(op.string_concat(op.where(follows, text(new), text("")), pieces)))


def replace_pattern(x: Var, pat: str, new: str, flags: int = 0, engine: Engine = "python") -> Var:
    """``re.sub(pat, new, text, flags=flags)`` for patterns that are plain text or one character class.

    A class may be followed by ``+`` (a run is replaced once).

    Raises
    ------
    UnsupportedError
        for every other pattern, for a ``new`` with a backslash in it, and for a pattern that ignores case
        under pyarrow.
    """
    if "\\" in new:
        raise UnsupportedError(f"the replacement {new!r} refers to groups, which a graph cannot follow")
    if engine == "pyarrow" and ignores_case(pat, flags):
        raise _folding(pat)
    plain = plain_text(pat, flags)
    if plain:
        return replace(x, plain, new)
    found = single_class(pat, flags)
    if found is None:
        raise UnsupportedError(
            f"replacing {pat!r} by pattern has no graph form: only plain text, one character class, and one "
            "class followed by + do; replace in steps, or before the pipeline"
        )
    hit, run = found
    if hit == char_class(()):
        return x
    flat = Flat(x)
    pieces = flat.tokens(f"{hit}{'+' if run else ''}|[^{hit[1:]}+")
    replaced = full_match(pieces, f"{hit}+")
    return flat.restore(join(op.where(replaced, text(new), pieces)))


@cache
def _word_pieces(engine: Engine) -> str:
    blank = char_class(sorted(ord(c) for c in whitespace(engine)))
    return f"[^{blank[1:]}+"


def split_get(
    x: Var, separator: str | None, index: int, maxsplit: int = -1, engine: Engine = "python"
) -> tuple[Var, Var]:
    """``text.split(separator, maxsplit)[index]`` and whether there is such a piece (else '').

    ``separator=None`` splits at runs of whitespace.

    Raises
    ------
    UnsupportedError
        for ``maxsplit`` with ``separator=None``.
    """
    flat = Flat(x)
    if separator is None:
        if maxsplit > 0:
            raise UnsupportedError("split at whitespace with a limit has no graph form; give the separator")
        pieces = flat.tokens(_word_pieces(engine))
        number = op.cast(filled(pieces), to=np.int64)
    else:
        pieces, number = split(flat.vector, separator, maxsplit if maxsplit > 0 else None)
    wanted = ints(index) if index >= 0 else op.add(number, ints(index))
    valid = op.and_(op.greater_or_equal(wanted, ints(0)), op.less(wanted, number))
    position = op.unsqueeze(op.where(valid, wanted, ints(0)), ints(1))
    piece = first_column(op.gather_elements(pieces, position, axis=1))
    return flat.restore(op.where(valid, piece, text(""))), flat.restore(valid)


def count(x: Var, sub: str) -> Var:
    """``text.count(sub)``, non-overlapping, int64; ``sub`` is not empty."""
    flat = Flat(x)
    return flat.restore(op.sub(split(flat.vector, _not_empty(sub))[1], ints(1)))


def find(x: Var, sub: str) -> Var:
    """``text.find(sub)``, in code points, -1 where it is absent, int64; ``sub`` is not empty."""
    flat = Flat(x)
    pieces, number = split(flat.vector, _not_empty(sub), 1)
    position = op.where(op.greater(number, ints(1)), length(first_column(pieces)), ints(-1))
    return flat.restore(position)


def _not_empty(sub: str) -> str:
    if not sub:
        raise UnsupportedError("counting or finding the empty text has no graph form; name the text")
    return sub
