"""Values that no fit has seen: unseen categories, near misses of known ones, hostile texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.signature import Column, Signature, is_missing
from onnxtwin.runtime_checks.cases.registry import Edit, base_rows, family, made
from onnxtwin.runtime_checks.cases.together import admitted, together
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.rows import Rows, column_values

UNSEEN_TEXT = "never seen before"

LONG = 10_000
"""Characters of the long texts."""

FEW_VALUES = 32
"""A column of floats may be a category if it has no more values than this, each three times on average."""

_WORDS = (
    # What programs write, or read, for a missing value.
    *("", " ", "nan", "NaN", "None", "NA", "N/A", "<NA>", "NaT", "null", "NULL", "undefined", "?", "-"),
    # Texts that programs take for numbers and truth values.
    *("0", "-0", "1", "1.0", "1e5", "0x10", "inf", "True", "false"),
    # White space that is not a space, and what ends lines.
    *("\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "a\nb", "\ufeff"),
    # Beyond the Basic Multilingual Plane; joined and modified emoji; a flag.
    *("😀", "𝒜", "👩\u200d👩\u200d👧", "👍🏽", "🇫🇷"),
    # Right to left, with marks of direction; combining marks alone and stacked; zero width.
    *("שלום", "مرحبا", "\u202eabc\u202c", "\u0301", "e\u0301\u0302\u0323", "\u200b", "\u200d", "a\u200bb"),
    # Letters whose lower or upper case is longer, or depends on the language; ligatures; wide letters.
    *("ß", "İ", "ı", "ſ", "Σς", "ŉ", "ﬁ", "ＡＢＣ", "東京", "٣", "½"),
    # What marks up, quotes, escapes.
    *("'", '"', "\\", "\\n", "%s", "{0}", "</a>", ",", ";", "_", "__", "a,b"),
)


def hostile_texts() -> list[str]:
    """Texts that are hostile in any column; none holds NUL, which several bindings cut off."""
    return [UNSEEN_TEXT, *_WORDS, "x" * LONG, "é" * LONG]


def near_misses(value: str) -> list[str]:
    """Texts that a reader takes for ``value``, and a program should not, unless the pipeline does."""
    spaced = value.replace(" ", "\u00a0") if " " in value.strip() else f"{value}\u00a0"
    return [
        value.swapcase(),
        value.upper(),
        value.lower(),
        value.title(),
        f" {value}",
        f"{value} ",
        f"\t{value}\n",
        spaced,
        unicodedata.normalize("NFC", value),
        unicodedata.normalize("NFD", value),
        unicodedata.normalize("NFKD", value),
        f"{value}\u0301",
        f"{value}\u200b",
        f"\ufeff{value}",
        value[:-1],
        value + value[-1:],
        value[::-1],
        value * (LONG // max(1, len(value)) + 1),
    ]


def unseen_texts(known: Sequence[str]) -> list[str]:
    """Texts that a column did not hold; ``known`` are its values.

    First the near misses of the shortest, of the longest, and of one beyond ASCII.
    """
    models = [min(known, key=len), max(known, key=len)] if known else []
    models += [text for text in known if not text.isascii()][:1]
    candidates = [change for value in dict.fromkeys(models) for change in near_misses(value)]
    held = set(known)
    return [text for text in dict.fromkeys([*candidates, *hostile_texts()]) if text not in held]


def unseen_values(values: pd.Series, column: Column) -> list[Any]:
    """Values of the column's own type that are not among ``values``; empty where there is no such notion."""
    known = [v for v in (column.categories or values.dropna().unique()) if not is_missing(v)]
    if column.tensor == "string" and all(isinstance(v, str) for v in known):
        return list(unseen_texts(sorted(known)))
    plain = [v.item() if isinstance(v, np.generic) else v for v in known]
    if not plain or not all(type(v) in (int, float) for v in plain):
        return []
    if all(type(v) is int for v in plain):
        return _unseen_integers(plain, values, column)
    finite = sorted(v for v in plain if np.isfinite(v))
    if (
        not finite
        or column.categories is None
        and (len(finite) > FEW_VALUES or 3 * len(finite) > len(values))
    ):
        return []
    middle = finite[len(finite) // 2]
    beyond = [finite[-1] + 1, finite[0] - 1, middle + 0.5, float(np.nextafter(middle, np.inf))]
    return [value for value in beyond if value not in finite]


def _unseen_integers(known: list[int], values: pd.Series, column: Column) -> list[int]:
    """One beyond each end, far beyond, and the first gap."""
    held = set(known)
    low, high = min(held), max(held)
    gap = next((v + 1 for v in sorted(held)[:1000] if v + 1 not in held and v < high), None)
    candidates = [high + 1, low - 1, *([] if gap is None else [gap]), high + 1000, -high - 1000]
    if column.categories is None:
        limits = integer_limits(values, column)
        if limits is None:
            return []
        candidates = [value for value in candidates if limits[0] <= value <= limits[1]]
    return [value for value in dict.fromkeys(candidates) if value not in held]


def integer_limits(values: pd.Series, column: Column) -> tuple[int, int] | None:
    """The least and the greatest integer that the column's type holds and that travels, or None."""
    name = str(values.dtype).lower()
    if not name.startswith(("int", "uint")):
        return None
    limits = np.iinfo(name)
    # A nullable integer travels as float64, an unsigned one as int64.
    bound = 2**53 if column.exact_integer or column.tensor == "float64" else 2**63
    return max(int(limits.min), -bound), min(int(limits.max), bound if bound == 2**53 else bound - 1)


@family("unknown")
def unknown(reference: Reference, signature: Signature, X: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Values that no fit has seen, in each text, categorical and integer column by itself."""
    base = base_rows(X, 5, rng)
    edits: dict[Any, list[Edit]] = {}
    for column in signature.columns:
        unseen = unseen_values(column_values(X, column.label), column)
        kept: list[Edit] = [{column.label: v} for v in unseen if v != signature.missing_token]
        if kept:
            edits[column.label] = kept
    for rows, labels in together(reference, base, edits):
        if rows is not None:
            yield rows
            continue
        (label,) = labels
        values = admitted(reference, base, label, [edit[label] for edit in edits[label]])
        yield from made(base, [{label: value} for value in values])
