"""``pandas.to_datetime`` of text, timestamps and numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from pandas.tseries.api import guess_datetime_format
from spox import Var

from onnxtwin.exporters import date_parsing, times
from onnxtwin.exporters.array import elementwise, is_missing, is_traced, once
from onnxtwin.exporters.domain import limit_to, require_true
from onnxtwin.exporters.pandas.held import held, refuse
from onnxtwin.exporters.pandas.time_accessor import offset_seconds
from onnxtwin.exporters.regex import literal
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT


def to_datetime(
    arg: Any,
    errors: str = "raise",
    dayfirst: bool = False,
    yearfirst: bool = False,
    utc: bool = False,
    format: Any = None,
    **kwargs: Any,
) -> Any:
    """``pandas.to_datetime``: timestamps pass, text is read in the one layout that its first text has.

    Rows in another layout are outside of the domain, or missing with ``errors="coerce"``, as in pandas.
    """
    if not is_traced(arg):
        return pd.to_datetime(
            arg, errors=errors, dayfirst=dayfirst, yearfirst=yearfirst, utc=utc, format=format, **kwargs
        )  # type: ignore[call-overload]
    if kwargs or not hasattr(type(arg), "__onnxtwin_series__"):
        raise refuse(
            f"pandas.to_datetime with {sorted(kwargs) or 'a frame'}",
            "give a column, and format= where it is text",
        )
    real = pd.to_datetime(
        arg.value, errors=errors, dayfirst=dayfirst, yearfirst=yearfirst, utc=utc, format=format
    )  # type: ignore[call-overload]
    if arg.kind == "time":
        if getattr(arg.value.dtype, "tz", None) is None and utc:
            return arg.dt.tz_localize("UTC")
        return arg.dt.tz_convert("UTC") if utc else arg.copy()
    if arg.kind != "text":
        raise refuse(
            f"pandas.to_datetime of a column of {arg.dtype}",
            "convert numbers to timestamps before the pipeline",
        )
    return _parsed(arg, real, errors, dayfirst, utc, format)


def _parsed(arg: Any, real: pd.Series, errors: str, dayfirst: bool, utc: bool, format: Any) -> Any:
    layout = format if format is not None else _layout(arg.value, dayfirst)
    if layout in ("ISO8601", "mixed"):
        raise refuse(f"pandas.to_datetime with format={layout!r}", "name one layout, as '%Y-%m-%d %H:%M:%S'")
    values = held(real)
    unit = times.unit_of(values.dtype)
    offset = offset_seconds(real.dtype) // 60

    parsed = once(lambda x: date_parsing.parse_time(x, layout, unit, utc=utc, offset=0 if utc else offset))

    def gone(x: Var) -> Var:
        return op.equal(x, op.const(np.array(MISSING_TOKEN)))

    array = arg.held
    ok = np.ones(len(real), bool)
    read = date_parsing.spellings(layout, unit, utc=utc, offset=0 if utc else offset)
    limit_to(
        elementwise("certain time", ok, lambda x: op.or_(parsed(x).certain, gone(x)), [array], [None]),
        f"the text may be a date, but is not spelled as the twin reads it: {read}",
        array,
    )
    if errors == "raise":
        require_true(
            elementwise("valid time", ok, lambda x: op.or_(parsed(x).valid, gone(x)), [array], [None]),
            f"text is not a date in the layout {layout!r}",
        )
    elif format is None:
        # Of a text in another layout, pandas alone in a batch would infer that one.
        strange = "(?s:.*[0-9].*)"
        limit_to(
            elementwise(
                "one layout",
                ok,
                lambda x: op.or_(
                    op.or_(parsed(x).valid, op.regex_full_match(x, pattern=_shape(layout))),
                    op.not_(op.regex_full_match(x, pattern=strange)),
                ),
                [array],
                [None],
            ),
            "the text has digits, but not the layout of the sample's first text, and pandas takes the layout "
            f"from the first text of each batch; the twin reads {read}, and no date in texts without digits",
            array,
        )
    made = elementwise(
        f"to_datetime {layout}",
        values,
        lambda x: op.where(gone(x), op.const(np.int64(NAT)), parsed(x).ticks),
        [array],
        [None],
    )
    whole = arg.whole and errors == "raise" and not bool(real.isna().any())
    if whole:
        # Texts as "" and "NaT" are missing times without being missing texts; the sample has none to trace.
        limit_to(
            elementwise(
                "present time",
                ok,
                lambda x: op.or_(op.not_(op.equal(parsed(x).ticks, op.const(np.int64(NAT)))), gone(x)),
                [array],
                [None],
            ),
            "the text is one that pandas reads as a missing time, and no time was missing in the sample",
            array,
        )
    return arg.made(real, made, what="to_datetime", whole=whole)


def _shape(layout: str) -> str:
    """An RE2 pattern of the texts that look like the layout, whether or not they are a date."""
    widths = {"%Y": "[0-9]{4}", "%f": "[0-9]+", "%z": "(?:[zZ]|[+-][0-9:]+)"}
    parts = re.findall(r"%.|[^%]", layout, re.DOTALL)
    return "".join(widths.get(p, "[0-9]{2}" if p.startswith("%") else literal(p)) for p in parts)


def _layout(value: pd.Series, dayfirst: bool) -> str:
    """The layout of the first text that is present, as pandas infers it."""
    first = next((v for v in value.tolist() if not is_missing(v)), None)
    found = None if first is None else guess_datetime_format(first, dayfirst=dayfirst)
    if found is None:
        raise refuse(
            f"no date layout can be inferred from {first!r}",
            "name it: pd.to_datetime(column, format='%Y-%m-%d')",
        )
    return found
