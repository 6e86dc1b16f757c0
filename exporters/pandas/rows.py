"""The row labels of a traced frame. A graph has none, so they may be handed on and never computed with.

The sample's labels are not the default ones, so that code which joins rows by label shows it: pandas then
answers something else than the graph would, and the line is refused.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from onnxtwin.exporters.pandas.held import refuse


class RowIndex:
    """What ``df.index`` is in a trace: fit for ``index=df.index``, ``len`` and nothing that reads a label."""

    __slots__ = ("value",)

    def __init__(self, value: pd.Index) -> None:
        self.value = value

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.value)

    def __onnxtwin_value__(self) -> pd.Index:
        return self.value

    def __len__(self) -> int:
        return len(self.value)

    @property
    def size(self) -> int:
        return len(self.value)

    @property
    def shape(self) -> tuple[int]:
        return (len(self.value),)

    @property
    def name(self) -> Any:
        return None

    @property
    def names(self) -> list[Any]:
        return [None]

    def equals(self, other: Any) -> bool:
        return type(other) is RowIndex and self.value.equals(other.value)

    def copy(self, name: Any = None, deep: bool = False) -> RowIndex:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(self.value, name):
            raise AttributeError(f"'Index' object has no attribute {name!r}")
        raise refuse(
            f"reads the row labels (index.{name})",
            "do not compute with the index: make it a column before the pipeline",
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise refuse(
            "reads the row labels", "do not compute with the index: make it a column before the pipeline"
        )

    def __iter__(self) -> Any:
        raise refuse("iterates over the row labels", "compute on whole columns instead of looping over rows")

    def __getitem__(self, key: Any) -> Any:
        raise refuse(
            "reads the row labels", "do not compute with the index: make it a column before the pipeline"
        )

    def __eq__(self, other: object) -> Any:
        raise refuse(
            "compares the row labels", "do not compute with the index: make it a column before the pipeline"
        )

    __hash__ = None  # type: ignore[assignment]


def relabelled(value: Any, labels: Any) -> Any:
    """A real column or frame with the row labels of another, or the default ones."""
    real = labels.value if type(labels) is RowIndex else labels
    if type(labels) is not RowIndex and not (
        isinstance(real, pd.RangeIndex) and real.equals(pd.RangeIndex(len(value)))
    ):
        raise refuse("gives the rows labels of its own", "leave the index as it is: a graph has none")
    return value.set_axis(real, axis=0)
