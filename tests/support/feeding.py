"""Hands rows of hand-made signatures to the row reader."""

from __future__ import annotations

from typing import Any

import pandas as pd
from handmade import MIXED, echo

from onnxtwin.build.rows import RowReader
from onnxtwin.exporters.signature import Column

FLOAT = Column("x", "x", "float64", "float64", missing="nan", missing_allowed=True)
"""The plainest column."""


def reader(*columns: Column, **changes: Any) -> RowReader:
    return RowReader(echo(columns or MIXED, **changes)[1])


def feeds(X: Any, *columns: Column, **changes: Any) -> dict[str, list[Any]]:
    tensors = reader(*columns, **changes).read(X).tensors
    return {name: tensor[:, 0].tolist() for name, tensor in tensors.items()}


def one(column: Column, *values: Any) -> list[Any]:
    """The feed of one column, handed over as a list of dicts."""
    return feeds([{column.name: value} for value in values], column)[column.name]


def series(column: Column, values: pd.Series) -> list[Any]:
    """The feed of one column, handed over as a dict of Series, which are typed as the column is."""
    return feeds({column.label: values}, column)[column.name]
