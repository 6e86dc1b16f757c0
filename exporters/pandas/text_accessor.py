"""``Series.str`` of traced text, by pandas' own rules for the column's dtype."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters import strings, text_matching
from onnxtwin.exporters.array import elementwise
from onnxtwin.exporters.pandas.asked import Accessor
from onnxtwin.exporters.pandas.held import engine_of, held, plain, refuse
from onnxtwin.exporters.pandas.refusals import way_out
from onnxtwin.exporters.signature import MISSING_TOKEN

_NO = pd.api.extensions.no_default


def _token() -> Var:
    return op.const(np.array(MISSING_TOKEN))


def _given(**kwargs: Any) -> dict[str, Any]:
    """Arguments that the caller has given; pandas' defaults differ between its versions."""
    return {name: value for name, value in kwargs.items() if value is not _NO}


class TextMethods(Accessor):
    """``.str`` of a text column; a missing text stays missing, and is False in a ``str`` column's tests."""

    def __init__(self, series: Any) -> None:
        if series.kind != "text":
            raise refuse(f".str on a column of {series.dtype}", "convert it with astype(str) first")
        self.series = series
        self.engine = engine_of(series.value)

    def __onnxtwin_seen__(self) -> Any:
        return self.series.value.str

    def _call(self, name: str, *args: Any, **kwargs: Any) -> pd.Series:
        return getattr(self.series.value.str, name)(*args, **kwargs)  # type: ignore[no-any-return]

    def _text(self, name: str, real: pd.Series, build: Callable[[Var], Var], whole: bool = True) -> Any:
        """Text to text; the token passes by."""

        def kept(x: Var) -> Var:
            return op.where(op.equal(x, _token()), x, build(x)) if not self.series.whole else build(x)

        return self.series.made(
            real,
            elementwise(f"str.{name}", held(real), kept, [self.series.held], [None]),
            what=f"str.{name}",
            whole=whole and self.series.whole,
        )

    def _number(self, name: str, real: pd.Series, build: Callable[[Var], Var]) -> Any:
        """Text to integers, float64 with NaN where a text may be missing."""
        if self.series.whole:
            return self.series.made(
                real,
                elementwise(f"str.{name}", held(real), build, [self.series.held], [None]),
                what=f"str.{name}",
                whole=True,
            )
        wide = real.astype("float64")

        def kept(x: Var) -> Var:
            return op.where(op.equal(x, _token()), op.const(np.nan), op.cast(build(x), to=np.float64))

        return self.series.made(
            wide, elementwise(f"str.{name}", held(wide), kept, [self.series.held], [None]), what=f"str.{name}"
        )

    def _test(self, name: str, real: pd.Series, build: Callable[[Var], Var], na: Any = _NO) -> Any:
        """Text to booleans; what a missing text gives depends on the dtype and on ``na``."""
        gone = False if na is _NO and isinstance(self.series.value.dtype, pd.StringDtype) else na
        if self.series.whole:
            return self.series.made(
                real,
                elementwise(f"str.{name}", held(real), build, [self.series.held], [None]),
                what=f"str.{name}",
                whole=True,
            )
        if isinstance(gone, (bool, np.bool_)) and real.dtype.kind == "b":

            def known(x: Var) -> Var:
                missing, hit = op.equal(x, _token()), build(x)
                return op.or_(hit, missing) if gone else op.and_(hit, op.not_(missing))

            return self.series.made(
                real,
                elementwise(f"str.{name}", held(real), known, [self.series.held], [None]),
                what=f"str.{name}",
                whole=True,
            )
        real = real.astype(object)
        values = held(real)

        def three(x: Var) -> Var:
            return op.where(op.equal(x, _token()), op.const(np.nan), op.cast(build(x), to=np.float64))

        return self.series.made(
            real, elementwise(f"str.{name}", values, three, [self.series.held], [None]), what=f"str.{name}"
        )

    # ---- text to text ------------------------------------------------------------------------

    def lower(self) -> Any:
        return self._text("lower", self._call("lower"), lambda x: strings.lower(x, self.engine))

    def upper(self) -> Any:
        return self._text("upper", self._call("upper"), lambda x: strings.upper(x, self.engine))

    def strip(self, to_strip: Any = None) -> Any:
        return self._text(
            "strip", self._call("strip", to_strip), lambda x: strings.strip(x, to_strip, self.engine)
        )

    def lstrip(self, to_strip: Any = None) -> Any:
        return self._text(
            "lstrip", self._call("lstrip", to_strip), lambda x: strings.lstrip(x, to_strip, self.engine)
        )

    def rstrip(self, to_strip: Any = None) -> Any:
        return self._text(
            "rstrip", self._call("rstrip", to_strip), lambda x: strings.rstrip(x, to_strip, self.engine)
        )

    def removeprefix(self, prefix: str) -> Any:
        return self._text(
            "removeprefix", self._call("removeprefix", prefix), lambda x: strings.remove_prefix(x, prefix)
        )

    def removesuffix(self, suffix: str) -> Any:
        return self._text(
            "removesuffix", self._call("removesuffix", suffix), lambda x: strings.remove_suffix(x, suffix)
        )

    def slice(self, start: Any = None, stop: Any = None, step: Any = None) -> Any:
        return self._text(
            "slice", self._call("slice", start, stop, step), lambda x: strings.slice(x, start, stop, step)
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self.slice(key.start, key.stop, key.step)
        return self.get(key)

    def get(self, i: Any) -> Any:
        if not isinstance(i, (int, np.integer)):
            raise refuse(f".str.get({i!r})", "give a position")

        def build(x: Var) -> Var:
            character, found = strings.get(x, int(i))
            return op.where(found, character, _token())

        return self._text("get", self._call("get", i), build, whole=False)

    def replace(
        self, pat: Any, repl: Any = None, n: int = -1, case: Any = None, flags: int = 0, regex: bool = False
    ) -> Any:
        if not isinstance(pat, str) or not isinstance(repl, str):
            raise refuse(".str.replace with a compiled pattern, a dict or a function", "give two texts")
        real = self._call("replace", pat, repl, n=n, case=case, flags=flags, regex=regex)
        if not regex and case is None and not flags:
            return self._text(
                "replace", real, lambda x: text_matching.replace(x, pat, repl, -1 if n == 0 else n)
            )
        if n not in (-1, 0) or case is False:
            raise refuse(".str.replace by pattern with n= or case=False", "call it without them")
        return self._text(
            "replace", real, lambda x: text_matching.replace_pattern(x, pat, repl, flags, self.engine)
        )

    def cat(self, others: Any = None, sep: Any = None, na_rep: Any = None, join: str = "left") -> Any:
        if not hasattr(type(others), "__onnxtwin_series__"):
            raise refuse(".str.cat without another column", "use + with a text, or give one other column")
        left, right = self.series, others
        if na_rep is not None:
            left, right = left.fillna(na_rep), right.fillna(na_rep)
        made = left + sep + right if sep else left + right
        real = self._call("cat", others.value, sep=sep, na_rep=na_rep, join=join)
        return self.series.made(real, made.held, what="str.cat", whole=made.whole)

    # ---- text to numbers and booleans --------------------------------------------------------

    def len(self) -> Any:
        return self._number("len", self._call("len"), strings.length)

    def count(self, pat: str, flags: int = 0) -> Any:
        if re.escape(pat) != pat or flags:
            raise refuse(".str.count by pattern", "count a plain text")
        return self._number("count", self._call("count", pat), lambda x: text_matching.count(x, pat))

    def find(self, sub: str, start: int = 0, end: Any = None) -> Any:
        if start or end is not None:
            raise refuse(".str.find with start= or end=", "slice first")
        return self._number("find", self._call("find", sub), lambda x: text_matching.find(x, sub))

    def contains(self, pat: str, case: bool = True, flags: int = 0, na: Any = _NO, regex: bool = True) -> Any:
        real = self._call("contains", pat, case=case, flags=flags, regex=regex, **_given(na=na))
        return self._test(
            "contains", real, lambda x: text_matching.contains(x, pat, case, regex, flags, self.engine), na
        )

    def match(self, pat: str, case: Any = _NO, flags: int = 0, na: Any = _NO) -> Any:
        real = self._call("match", pat, flags=flags, **_given(na=na, case=case))
        return self._test(
            "match",
            real,
            lambda x: text_matching.match(x, pat, case is _NO or bool(case), flags, self.engine),
            na,
        )

    def fullmatch(self, pat: str, case: Any = _NO, flags: int = 0, na: Any = _NO) -> Any:
        real = self._call("fullmatch", pat, flags=flags, **_given(na=na, case=case))
        return self._test(
            "fullmatch",
            real,
            lambda x: text_matching.fullmatch(x, pat, case is _NO or bool(case), flags, self.engine),
            na,
        )

    def startswith(self, pat: Any, na: Any = _NO) -> Any:
        return self._test(
            "startswith",
            self._call("startswith", pat, **_given(na=na)),
            lambda x: text_matching.startswith(x, pat),
            na,
        )

    def endswith(self, pat: Any, na: Any = _NO) -> Any:
        return self._test(
            "endswith",
            self._call("endswith", pat, **_given(na=na)),
            lambda x: text_matching.endswith(x, pat),
            na,
        )

    def split(self, pat: Any = None, *, n: int = -1, expand: bool = False, regex: Any = None) -> Any:
        if expand or regex or pat is not None and len(pat) != 1 and regex is None and re.escape(pat) != pat:
            raise refuse(".str.split with expand=True or a pattern", "take one piece: .str.split(sep).str[0]")
        plain(pat, ".str.split")
        return Pieces(self, pat, n)

    def __getattr__(self, name: str) -> Any:
        if name in text_matching.CHARACTER_TESTS:
            return lambda: self._test(
                name, self._call(name), lambda x: text_matching.character_test(x, name, self.engine)
            )
        if name.startswith("_") or not hasattr(self.series.value.str, name):
            raise AttributeError(f"'.str' has no attribute {name!r}")
        raise refuse(f"Series.str.{name} is not supported in a traced method", way_out(name))


class Pieces(Accessor):
    """``.str.split(sep)``: lists, of which ``.str[i]`` or ``.str.get(i)`` takes one piece."""

    def __init__(self, methods: TextMethods, separator: str | None, limit: int) -> None:
        self._methods = methods
        self._separator = separator
        self._limit = limit

    def __onnxtwin_seen__(self) -> Any:
        return self._methods._call("split", self._separator, n=self._limit).str

    @property
    def str(self) -> Pieces:
        return self

    def get(self, i: Any) -> Any:
        if not isinstance(i, (int, np.integer)):
            raise refuse("takes several pieces of a split text", "take one piece: .str.split(sep).str[0]")
        real = self._methods._call("split", self._separator, n=self._limit).str.get(i)
        if not isinstance(self._methods.series.value.dtype, np.dtype):
            real = real.astype(real.dtype)

        def build(x: Var) -> Var:
            piece, found = text_matching.split_get(
                x, self._separator, int(i), self._limit, self._methods.engine
            )
            return op.where(found, piece, _token())

        return self._methods._text("split", real, build, whole=False)

    __getitem__ = get

    def __getattr__(self, name: Any) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise refuse("keeps lists of pieces", "take one piece: .str.split(sep).str[0]")
