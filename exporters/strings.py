"""Text functions on string tensors, exact as Python's ``str`` on every platform.

onnxruntime's own ``StringNormalizer`` depends on the machine's locale, so nothing here uses it. Four
operators carry everything: ``com.microsoft.Tokenizer`` cuts a text by a regular expression (RE2,
leftmost-longest), ``LabelEncoder`` maps characters by a table computed from Python itself,
``StringConcat`` joins, ``RegexFullMatch`` answers yes or no (``text_matching.py``).

Every function takes a string tensor of any shape and returns tensors of the same shape; zero rows and
empty texts are allowed everywhere. Texts are sequences of code points, as in Python, with NUL, newlines
and code points beyond the BMP.

``engine`` says whose rules apply where they differ: ``"python"`` (object columns, ``str`` columns without
pyarrow) or ``"pyarrow"`` (pandas ``str`` columns with pyarrow storage: case mapping one code point at a
time, whitespace by Unicode category).

Cost in microseconds on one quiet core, onnxruntime 1.32, ten-character words: for one row, and for each of
10,000 rows. A pattern question (``contains``, ``startswith``) and a look-up: 1 and 0.02; ``get``: 2 and 0.05;
``strip`` and ``slice``: 2 to 4 and 0.15; ``split_get``: 6 and 0.1; ``to_float``: 5 and 0.2;
``replace``: 12 and 0.13; ``lower``: 13 and 0.35; ``upper``: 14 and 0.6; ``length``: 4 and 0.8; a slice with a
step: 21 and 1.7; ``parse_time``: 23 and 0.95. A calendar field of ``datetimes.py``: 1 to 30 and 0.02 to 0.14.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import onnx
import onnx.helper as oh
import onnx.parser
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from onnx import ModelProto, TensorProto
from spox import Var, inline

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.regex import MAX_REPEAT, all_characters, char_class, literal

Engine = Literal["python", "pyarrow"]

_SIGMA = "Σ"


def text(value: str | list[str]) -> Var:
    """A constant string tensor: a scalar for a str, a vector for a list.

    Raises
    ------
    UnsupportedError
        for a text that ends with NUL, which numpy's fixed-width text would drop.
    """
    for part in [value] if isinstance(value, str) else value:
        if part.endswith("\0"):
            raise UnsupportedError(f"the constant text {part!r} ends with NUL, which a tensor constant loses")
    return op.const(np.array(value, dtype=np.str_))


def ints(*values: int) -> Var:
    """A constant int64 vector."""
    return op.const(np.array(values, dtype=np.int64))


@cache
def _tokenizer(kind: Literal["tokenexp", "separators"], pattern: str, pad: str = "") -> ModelProto:
    attributes: dict[str, Any] = {kind: pattern if kind == "tokenexp" else [pattern]}
    node = oh.make_node(
        "Tokenizer",
        ["text"],
        ["tokens"],
        domain="com.microsoft",
        mark=0,
        mincharnum=1,
        pad_value=pad,
        **attributes,
    )
    graph = oh.make_graph(
        [node],
        "tokenizer",
        [oh.make_tensor_value_info("text", TensorProto.STRING, [None])],
        [oh.make_tensor_value_info("tokens", TensorProto.STRING, [None, None])],
    )
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("com.microsoft", 1)])


# Four columns become one a round, so that a document of L characters costs L log L and not L squared. The
# last rounds find fewer than four: blank columns stand beyond the end; each slice ends before those it lacks.
_JOIN = """
<ir_version: 10, opset_import: ["" : 20]>
join (string[n, k] pieces) => (string[n] joined)
<string blank = {""}, bool yes = {1}, int64 columns = {1}, int64 alone = {1}, int64[1] zero = {0},
 int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3}, int64[1] four = {4}, int64[1] but_two = {-2},
 int64[1] but_one = {-1}, int64[1] end = {9223372036854775807}>
{
  rows = Shape <start = 0, end = 1> (pieces)
  blank_shape = Concat <axis = 0> (rows, three)
  blanks = Expand (blank, blank_shape)
  whole = Loop ( , yes, pieces) <body = four (int64 i, bool go_on, string[n, p] held)
    => (bool going_on, string[n, q] joint) {
      padded = Concat <axis = 1> (held, blanks)
      first = Slice (held, zero, end, one, four)
      second = Slice (padded, one, but_two, one, four)
      third = Slice (padded, two, but_one, one, four)
      fourth = Slice (padded, three, end, one, four)
      former = StringConcat (first, second)
      latter = StringConcat (third, fourth)
      joint = StringConcat (former, latter)
      shape = Shape (joint)
      left = Gather (shape, columns)
      going_on = Greater (left, alone)
    }>
  joined = Squeeze (whole, one)
}
"""


@cache
def _join_model() -> ModelProto:
    return onnx.parser.parse_model(_JOIN)


def join(pieces: Var) -> Var:
    """Each row of a ``[N, K]`` string tensor joined to one text; ``[N]``. K is at least 1."""
    (joined,) = inline(_join_model())(pieces).values()
    return joined


def tokens(vector: Var, tokenexp: str, pad: str = "") -> Var:
    """The leftmost-longest matches in each text of ``[N]``, ``N >= 1``: ``[N, K]``, padded with ``pad``.

    They do not overlap. ``K`` is 0 if nothing matches anywhere.
    """
    (found,) = inline(_tokenizer("tokenexp", tokenexp, pad))(vector).values()
    return found


class Flat:
    """A tensor as one vector with a sentinel text at its end.

    The sentinel keeps the Tokenizer, StringSplit and ReduceMax from zero rows and from rows that are all
    empty, for which they return another rank, no column or nothing.
    """

    def __init__(self, x: Var, sentinel: str = "x") -> None:
        self.shape = op.shape(x)
        self.vector = op.concat([op.reshape(x, ints(-1)), text([sentinel])], axis=0)

    def tokens(self, tokenexp: str) -> Var:
        """:func:`tokens` of the vector, ``[N + 1, K]``."""
        return tokens(self.vector, tokenexp)

    def rest(self, separator: str) -> Var:
        """What is left between the matches of ``separator``, ``[N + 1, K]``, ``K >= 0``."""
        (pieces,) = inline(_tokenizer("separators", separator))(self.vector).values()
        return pieces

    def restore(self, y: Var) -> Var:
        """``[N + 1]`` without the sentinel, in the shape of the input."""
        return op.reshape(op.slice(y, ints(0), ints(-1), ints(0)), self.shape)


def where_any(odd: Var, rare: Callable[[], list[Var]], usual: Callable[[], list[Var]]) -> Sequence[Var]:
    """``rare`` in batches in which ``odd`` holds somewhere, ``usual`` in all others: for costly spellings.

    The two make the same types, and equal values where ``odd`` does not hold.
    """
    some = op.cast(op.reduce_sum(op.cast(odd, to=np.float64), keepdims=0), to=np.bool_)
    return op.if_(some, then_branch=rare, else_branch=usual)


def first_column(pieces: Var) -> Var:
    """``[N, K]`` with ``K >= 1`` to ``[N]``."""
    return op.gather(pieces, op.const(np.int64(0)), axis=1)


def _first_token(x: Var, tokenexp: str, sentinel: str = "x") -> Var:
    """The leftmost-longest match in each text, '' where there is none; the sentinel must match."""
    flat = Flat(x, sentinel)
    return flat.restore(first_column(flat.tokens(tokenexp)))


def _first_rest(x: Var, separator: str, sentinel: str) -> Var:
    """The text without its one match of ``separator``; of the sentinel something must remain."""
    flat = Flat(x, sentinel)
    return flat.restore(first_column(flat.rest(separator)))


def characters(x: Var) -> Var:
    """The code points of each text of a vector ``[N]``: ``[N, L]``, ``L >= 1``, padded with ''."""
    chars = Flat(x).tokens("(?s).")
    return op.slice(chars, ints(0), ints(-1), ints(0))


def filled(pieces: Var) -> Var:
    """The number of non-empty entries in each row of ``[N, K]``, as float64 ``[N]``, exact."""
    return op.reduce_sum(op.cast(op.not_(op.equal(pieces, text(""))), to=np.float64), ints(1), keepdims=0)


def length(x: Var) -> Var:
    """``len(text)``, int64: the number of code points."""
    flat = Flat(x)
    return flat.restore(op.cast(filled(flat.tokens("(?s).")), to=np.int64))


@cache
def _case_table(action: Literal["lower", "upper"], engine: Engine) -> dict[str, str]:
    """Characters that ``action`` changes, with what they become."""
    everything = all_characters()
    if engine == "python":
        mapped = [getattr(c, action)() for c in everything]
    else:
        import pyarrow as pa
        import pyarrow.compute as pc

        mapped = getattr(pc, f"utf8_{action}")(pa.array(list(everything))).to_pylist()
    return {c: m for c, m in zip(everything, mapped, strict=True) if c != m}


@cache
def _sigma_context() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Characters that CPython calls case-ignorable, and those it calls cased but not ignorable.

    Asked of ``str.lower`` itself: a capital sigma becomes final after a cased character, ignorable ones
    skipped.
    """
    after_letter = [f"A{c}{_SIGMA}".lower()[-1] == "ς" for c in all_characters()]
    after_digit = [f"1{c}{_SIGMA}".lower()[-1] == "ς" for c in all_characters()]
    pairs = list(zip(all_characters(), after_letter, after_digit, strict=True))
    ignorable = tuple(c for c, letter, digit in pairs if letter and not digit)
    return ignorable, tuple(c for c, _, digit in pairs if digit)


def replace_pieces(pieces: Var, table: dict[str, str]) -> Var:
    """Entries found in ``table`` replaced; its values must not be empty."""
    if not table:
        return pieces
    mapped = ml.label_encoder(
        pieces, keys_strings=list(table), values_strings=list(table.values()), default_string=""
    )
    return op.where(op.equal(mapped, text("")), pieces, mapped)


def is_one_of(pieces: Var, values: tuple[str, ...]) -> Var:
    """Membership as int64 0 or 1."""
    return ml.label_encoder(
        pieces, keys_strings=list(values), values_int64s=[1] * len(values), default_int64=0
    )


def _final_sigmas(chars: Var, lowered: Var) -> Var:
    """``lowered`` with the capital sigmas that end a word made final.

    Final: a cased character before it and none after it, case-ignorable characters skipped. The k-th
    character that is not ignorable writes whether it is cased into slot k of a row, so that "the one
    before" and "the one after" are look-ups.
    """
    ignorable, cased = _sigma_context()
    counts = op.cast(op.equal(is_one_of(chars, ignorable), op.const(np.int64(0))), to=np.int64)
    is_cased = is_one_of(chars, cased)
    rank = op.cumsum(counts, op.const(np.int64(1)))
    width = op.shape(chars, start=1, end=2)
    spare = op.add(width, ints(1))
    slots = op.expand(ints(0), op.concat([op.shape(chars, start=0, end=1), op.add(spare, ints(1))], axis=0))
    slots = op.scatter_elements(slots, op.where(op.cast(counts, to=np.bool_), rank, spare), is_cased, axis=1)
    before = op.gather_elements(slots, op.max([op.sub(rank, ints(1)), ints(0)]), axis=1)
    after = op.gather_elements(slots, op.add(rank, ints(1)), axis=1)
    final = op.and_(op.cast(before, to=np.bool_), op.not_(op.cast(after, to=np.bool_)))
    return op.where(op.and_(op.equal(chars, text(_SIGMA)), final), text("ς"), lowered)


@cache
def _case_pieces(action: Literal["lower", "upper"], engine: Engine) -> str:
    """Cuts a text into single characters that ``action`` changes and the runs between them."""
    changed = char_class(sorted(ord(c) for c in _case_table(action, engine)))
    return f"{changed}|[^{changed[1:]}+"


def lower(x: Var, engine: Engine = "python") -> Var:
    """``text.lower()``: full mapping, with the final sigma (which pyarrow's rule does not know)."""
    flat = Flat(x)
    pieces = flat.tokens(_case_pieces("lower", engine))
    lowered = join(replace_pieces(pieces, _case_table("lower", engine)))
    if engine == "python":
        sigmas = op.cast(op.equal(pieces, text(_SIGMA)), to=np.int32)
        (lowered,) = op.if_(
            op.cast(op.reduce_max(sigmas, keepdims=0), to=np.bool_),
            then_branch=lambda: [_lower_with_sigmas(flat)],
            else_branch=lambda: [op.identity(lowered)],
        )
    return flat.restore(lowered)


def _lower_with_sigmas(flat: Flat) -> Var:
    chars = flat.tokens("(?s).")
    return join(_final_sigmas(chars, replace_pieces(chars, _case_table("lower", "python"))))


def upper(x: Var, engine: Engine = "python") -> Var:
    """``text.upper()``: with ``engine="python"`` the full mapping, one code point to up to three."""
    flat = Flat(x)
    pieces = flat.tokens(_case_pieces("upper", engine))
    return flat.restore(join(replace_pieces(pieces, _case_table("upper", engine))))


@cache
def whitespace(engine: Engine = "python") -> str:
    """Every character that a bare ``strip()`` removes."""
    if engine == "python":
        return "".join(c for c in all_characters() if c.isspace())
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(pa.array(list(all_characters()))).to_pylist()
    return "".join(c for c, t in zip(all_characters(), trimmed, strict=True) if not t)


def _kept(chars: str | None, engine: Engine) -> str:
    """The RE2 class of the characters that stripping stops at."""
    stripped = char_class(sorted(ord(c) for c in set(whitespace(engine) if chars is None else chars)))
    return f"[^{stripped[1:]}"


def _sentinel(chars: str | None) -> str:
    """A text that stripping ``chars`` leaves alone."""
    return next(c for c in all_characters()[0x61:] if c not in (chars or ""))


def strip(x: Var, chars: str | None = None, engine: Engine = "python") -> Var:
    """``text.strip(chars)``; ``chars=None`` removes whitespace, ``""`` nothing."""
    if chars == "":
        return x
    kept = _kept(chars, engine)
    return _first_token(x, f"{kept}(?:(?s:.*){kept})?", _sentinel(chars))


def lstrip(x: Var, chars: str | None = None, engine: Engine = "python") -> Var:
    """``text.lstrip(chars)``."""
    if chars == "":
        return x
    return _first_token(x, f"{_kept(chars, engine)}(?s:.*)", _sentinel(chars))


def rstrip(x: Var, chars: str | None = None, engine: Engine = "python") -> Var:
    """``text.rstrip(chars)``."""
    if chars == "":
        return x
    return _first_token(x, f"(?s:.*){_kept(chars, engine)}", _sentinel(chars))


def remove_prefix(x: Var, prefix: str) -> Var:
    """``text.removeprefix(prefix)``."""
    return x if not prefix else _first_rest(x, rf"\A{literal(prefix)}", _other_than(prefix))


def remove_suffix(x: Var, suffix: str) -> Var:
    """``text.removesuffix(suffix)``."""
    return x if not suffix else _first_rest(x, rf"{literal(suffix)}\z", _other_than(suffix))


def _other_than(part: str) -> str:
    return "x" if "x" not in part else "y" if "y" not in part else part + "z" + part


def take_first(x: Var, count: int) -> Var:
    """``text[:count]``, ``0 < count <= 1000``."""
    return _first_token(x, rf"\A(?s:.{{1,{count}}})")


def take_last(x: Var, count: int) -> Var:
    """``text[-count:]``, ``0 < count <= 1000``."""
    return _first_token(x, rf"(?s:.{{1,{count}}})\z")


def drop_first(x: Var, count: int) -> Var:
    """``text[count:]``, ``0 < count <= 1000``."""
    return _first_rest(x, rf"\A(?s:.{{1,{count}}})", "x" * (count + 1))


def drop_last(x: Var, count: int) -> Var:
    """``text[:-count]``, ``0 < count <= 1000``."""
    return _first_rest(x, rf"(?s:.{{1,{count}}})\z", "x" * (count + 1))


def slice(x: Var, start: int | None = None, stop: int | None = None, step: int | None = None) -> Var:
    """``text[start:stop:step]``, negative positions and steps as Python.

    Raises
    ------
    ValueError
        if ``step`` is 0, as Python does.
    """
    if step == 0:
        raise ValueError("slice step cannot be zero")
    a = start or 0
    simple = step in (None, 1) and max(abs(a), abs(stop or 0)) <= MAX_REPEAT
    if not simple or (a < 0 and stop is not None and stop >= 0):
        return _general_slice(x, start, stop, step or 1)
    if stop is not None and (stop == 0 or ((a < 0) == (stop < 0) and stop <= a)):
        return op.expand(text(""), op.shape(x))
    if stop is not None and stop > 0:
        x = take_first(x, stop)
    if a < 0:
        x = take_last(x, -a)
    if stop is not None and stop < 0:
        x = drop_last(x, -stop)
    return drop_first(x, a) if a > 0 else x


def _general_slice(x: Var, start: int | None, stop: int | None, step: int) -> Var:
    """Any slice: characters are chosen by position, row by row, as ``slice.indices`` defines them."""
    flat = Flat(x)
    chars = flat.tokens("(?s).")
    size = op.unsqueeze(op.cast(filled(chars), to=np.int64), ints(1))
    low, high = (ints(0), size) if step > 0 else (ints(-1), op.sub(size, ints(1)))

    def bound(value: int | None, default: Var) -> Var:
        if value is None:
            return default
        wanted = op.add(size, ints(value)) if value < 0 else ints(value)
        return op.min([op.max([wanted, low]), high])

    first = bound(start, low if step > 0 else high)
    last = bound(stop, high if step > 0 else low)
    columns = op.shape(chars, start=1, end=2)
    offsets = op.mul(
        op.range(op.const(np.int64(0)), op.squeeze(columns, ints(0)), op.const(np.int64(1))), ints(step)
    )
    position = op.add(first, offsets)
    inside = op.less(position, last) if step > 0 else op.greater(position, last)
    safe = op.where(inside, position, op.const(np.int64(0)))
    return flat.restore(join(op.where(inside, op.gather_elements(chars, safe, axis=1), text(""))))


def get(x: Var, index: int) -> tuple[Var, Var]:
    """``text[index]`` and whether there is such a character (pandas gives NaN where there is none)."""
    character = slice(x, index, index + 1 if index != -1 else None)
    return character, op.not_(op.equal(character, text("")))
