"""Raw rows from a file, typed as the notebook typed them. Needs pandas; Parquet needs pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxtwin.build.instants import parse_dtype
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Column, Signature

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".parquet", ".csv")


def read_rows(file: str | Path, signature: Signature) -> pd.DataFrame:
    """The raw rows of a Parquet or CSV file.

    Parquet columns keep their types. CSV has none: each column of the signature is read as the notebook
    typed it, an empty field as missing.

    Raises
    ------
    InputError
        If there is no such file, it is truncated, lacks a column, or a value is not of the column's type.
    """
    import pandas as pd

    file = Path(file)
    if not file.is_file():
        raise InputError(f"{file}: there is no such file; name a {' or '.join(SUFFIXES)} file of raw rows")
    if file.suffix not in SUFFIXES:
        raise InputError(f"{file}: is no {' or '.join(SUFFIXES)} file; convert it to one of these")
    try:
        frame = pd.read_parquet(file) if file.suffix == ".parquet" else _read_csv(file, signature.columns)
    except (ValueError, TypeError, OSError, pd.errors.ParserError) as error:
        raise InputError(f"{file}: cannot be read as raw rows: {error}") from error
    lacking = [column.name for column in signature.columns if column.label not in frame.columns]
    if lacking:
        present = ", ".join(map(str, frame.columns[:12]))
        raise InputError(f"{file}: lacks the columns {', '.join(lacking)}; it has {present}")
    return frame


def _read_csv(file: Path, columns: tuple[Column, ...]) -> pd.DataFrame:
    import pandas as pd

    # Read as text first: only the words of the file itself, no guess of what "NA" or "1e3" might mean.
    frame = pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""])
    by_text = {str(name): name for name in frame.columns}
    typed: dict[Any, Any] = {}
    for column in columns:
        if column.name in by_text:
            typed[column.label] = _typed(frame[by_text[column.name]], column)
    others = {name: frame[name] for text, name in by_text.items() if text not in {c.name for c in columns}}
    return pd.DataFrame(typed | others)


def _typed(texts: Any, column: Column) -> Any:
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
        values = texts if column.tensor == "string" else pd.to_numeric(texts)
        known = list(column.categories or ())
        # A category that the notebook never saw is unknown, not missing.
        unseen = [value for value in values.dropna().unique().tolist() if value not in known]
        if all(isinstance(value, int) for value in known):
            unseen = [int(value) if value == int(value) else value for value in unseen]
        return values.astype(pd.CategoricalDtype([*known, *unseen], ordered=column.ordered))
    if column.dtype == "object":
        return texts.astype(object).where(
            texts.notna(), None if column.missing_value == "None" else float("nan")
        )
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
