"""A column of texts as the notebook typed it: what a CSV file or a folder's name cannot say. Needs pandas."""

from __future__ import annotations

from typing import Any

from onnxtwin.build.instants import parse_dtype
from onnxtwin.exporters.signature import Column


def typed(texts: Any, column: Column) -> Any:
    """A column (Series of str) as the notebook's dtype; missing where the field is empty.

    Raises
    ------
    ValueError
        If a text is no value of that dtype.
    """
    try:
        return _converted(texts, column)
    except (ValueError, TypeError) as error:
        raise ValueError(f"column {column.name!r} ({column.dtype} in the notebook): {error}") from error


def _converted(texts: Any, column: Column) -> Any:
    import pandas as pd

    instant = parse_dtype(column.dtype)
    if instant is not None and instant[0] == "datetime64":
        _demand_zones(texts, aware=instant[2] is not None)
        return pd.to_datetime(texts, format="ISO8601", utc=instant[2] is not None).astype(column.dtype)
    if instant is not None:
        return pd.to_timedelta(texts).astype(column.dtype)
    if column.dtype in ("bool", "boolean"):
        words = texts.str.lower()
        wrong = texts[~words.isin(["true", "false"]) & texts.notna()]
        if len(wrong):
            raise ValueError(f"{wrong.iloc[0]!r} is neither true nor false")
        return words.map({"true": True, "false": False}).astype(column.dtype)
    if column.dtype == "category":
        return as_category(texts if column.tensor == "string" else pd.to_numeric(texts), column)
    if column.dtype == "object":
        return with_gaps(texts.astype(object), column)
    if column.dtype == "str":
        return texts
    if column.tensor == "string":
        return texts.astype(column.dtype)
    if column.dtype.lower().startswith(("int", "uint")):
        return texts.astype("Int64").astype(column.dtype)
    return texts.astype("float64").astype(column.dtype)


def _demand_zones(texts: Any, *, aware: bool) -> None:
    """Raise ValueError for an instant with a time zone where the column has none, or the reverse."""
    given = texts.dropna()
    wrong = given[given.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$") != aware]
    if len(wrong):
        has = (
            "has no time zone, and the column has one"
            if aware
            else "has a time zone, and the column has none"
        )
        raise ValueError(f"{wrong.iloc[0]!r} {has}")


def as_category(values: Any, column: Column) -> Any:
    """Values (a Series) as the notebook's categorical, its own categories first.

    A category that the notebook never saw is unknown, not missing.
    """
    import pandas as pd

    known = list(column.categories or ())
    unseen = [value for value in values.dropna().unique().tolist() if value not in known]
    if all(isinstance(value, int) for value in known):
        unseen = [int(value) if value == int(value) else value for value in unseen]
    return values.astype(pd.CategoricalDtype([*known, *unseen], ordered=column.ordered))


def with_gaps(values: Any, column: Column) -> Any:
    """Objects (a Series) with the notebook's own missing value where one is missing."""
    return values.where(values.notna(), None if column.missing_value == "None" else float("nan"))
