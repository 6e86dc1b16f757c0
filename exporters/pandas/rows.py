"""The row labels of a traced frame. A graph has none, so they may be handed on and never computed with.

The sample's labels are not the default ones, so that code which joins rows by label shows it: pandas then
answers something else than the graph would, and the line is refused. Batches may come with labels of any
kind, so a question is answered only where labels of every kind have the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import pandas as pd

from onnxtwin.exporters.pandas.asked import EXAMPLES, Asked, told
from onnxtwin.exporters.pandas.held import refuse
from onnxtwin.exporters.places import within_engine

_WAY_OUT = "do not compute with the index: make it a column before the pipeline"
_KIND = "leave the index as it is, or take reset_index(drop=True) first"


class RowIndex(Asked):
    """What ``df.index`` is in a trace: fit for ``index=df.index``, ``len`` and nothing that reads a label."""

    __slots__ = ("__weakref__", "_real")

    def __init__(self, value: pd.Index) -> None:
        self._real = value

    @property
    def value(self) -> pd.Index:
        """The sample's real labels, which only the engine's own code sees."""
        if not within_engine():
            raise AttributeError("'Index' object has no attribute 'value'")
        return self._real

    @property
    def _default(self) -> bool:
        """Whether the labels are 0, 1, 2, ... because the traced code itself has made them."""
        return isinstance(self._real, pd.RangeIndex)

    def _agreed(self, question: Callable[[pd.Index], Any], what: str) -> Any:
        """The one answer that labels of every kind have."""
        if self._default:
            return question(self._real)
        found = {_answered(question, example) for example in EXAMPLES}
        if len(found) > 1:
            raise refuse(f"asks {what}, which another batch may have otherwise", _KIND)
        return found.pop()

    @property  # type: ignore[misc] # the one of object is writable
    def __class__(self) -> type:
        if told(pd.Series) is pd.Series:  # the engine and the libraries take the class in common
            return pd.Index
        return self.__onnxtwin_seen__()  # type: ignore[no-any-return]

    def __onnxtwin_value__(self) -> pd.Index:
        return self._real

    def __onnxtwin_seen__(self) -> Any:
        if self._default:
            return self._real
        raise refuse("asks which class the row labels have, which another batch may have otherwise", _KIND)

    def __onnxtwin_isinstance__(self, kinds: Any) -> bool:
        return bool(self._agreed(lambda labels: isinstance(labels, kinds), "which class the row labels have"))

    def __onnxtwin_hasattr__(self, name: str) -> bool:
        return bool(
            self._agreed(lambda labels: hasattr(labels, name), f"whether the row labels have {name!r}")
        )

    def __dir__(self) -> list[str]:
        raise refuse("lists what the row labels have (dir), which another batch may have otherwise", _KIND)

    def __len__(self) -> int:
        return len(self._real)

    def __bool__(self) -> bool:
        raise ValueError(
            "The truth value of a Index is ambiguous. Use a.empty, a.bool(), a.item(), a.any() or a.all()."
        )

    @property
    def size(self) -> int:
        return len(self._real)

    @property
    def shape(self) -> tuple[int]:
        return (len(self._real),)

    @property
    def ndim(self) -> int:
        return 1

    @property
    def empty(self) -> bool:
        return False

    @property
    def name(self) -> Any:
        return self._named("name")

    @name.setter
    def name(self, label: Any) -> None:
        raise refuse("names the row labels", "leave the index as it is: a graph has none")

    @property
    def names(self) -> Any:
        return self._named("names")

    def _named(self, what: str) -> Any:
        if self._default:
            return getattr(self._real, what)
        raise refuse(f"asks for the {what} of the row labels, which another batch may have otherwise", _KIND)

    def equals(self, other: Any) -> bool:
        if type(other) is RowIndex and self._real.equals(other._real):
            return True
        if not isinstance(other, (RowIndex, pd.Index)):
            return False
        raise refuse("compares the row labels with others", _WAY_OUT)

    def copy(self, name: Any = None, deep: bool = False) -> RowIndex:
        if name is not None:
            raise refuse("names the row labels", "leave the index as it is: a graph has none")
        return RowIndex(self._real)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> RowIndex:
        return self.copy()

    def __getattr__(self, name: str) -> Any:
        if not any(hasattr(labels, name) for labels in EXAMPLES) or name.startswith("__array_"):
            raise AttributeError(f"'Index' object has no attribute {name!r}")
        raise refuse(f"reads the row labels (index.{name})", _WAY_OUT)

    def __onnxtwin_array__(self) -> Any:
        raise refuse("reads the row labels", _WAY_OUT)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise refuse("reads the row labels", _WAY_OUT)

    def __iter__(self) -> Any:
        raise refuse("iterates over the row labels", "compute on whole columns instead of looping over rows")

    def __getitem__(self, key: Any) -> Any:
        raise refuse("reads the row labels", _WAY_OUT)

    def __contains__(self, key: Any) -> bool:
        raise refuse("asks whether the row labels hold a label", _WAY_OUT)

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'Index'")


def _answered(question: Callable[[pd.Index], Any], labels: pd.Index) -> Any:
    try:
        return question(labels)
    except Exception as error:  # noqa: BLE001 - any error is an answer
        return type(error)


def _refused(what: str) -> Callable[..., Any]:
    def run(self: Any, *args: Any) -> Any:
        raise refuse(f"{what} the row labels", _WAY_OUT)

    return run


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(RowIndex, f"__{_name}__", _refused("compares"))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "divmod"):
    setattr(RowIndex, f"__{_name}__", _refused("computes with"))
    setattr(RowIndex, f"__r{_name}__", _refused("computes with"))
for _name in ("neg", "pos", "invert", "abs", "reversed", "array_ufunc", "array_function"):
    setattr(RowIndex, f"__{_name}__", _refused("computes with"))


_KNOWN: WeakValueDictionary[int, RowIndex] = WeakValueDictionary()
"""id of real labels -> what stands for them: one object, as ``df.index is df.index``."""


def row_index(labels: pd.Index) -> RowIndex:
    """What stands for real row labels in a trace."""
    known = _KNOWN.get(id(labels))
    if known is None:
        known = _KNOWN[id(labels)] = RowIndex(labels)
    return known


def relabelled(value: Any, labels: Any) -> Any:
    """A real column or frame with the row labels of another, or the default ones."""
    real = labels.value if type(labels) is RowIndex else labels
    if type(labels) is not RowIndex and not (
        isinstance(real, pd.RangeIndex) and real.equals(pd.RangeIndex(len(value)))
    ):
        raise refuse("gives the rows labels of its own", "leave the index as it is: a graph has none")
    return value.set_axis(real, axis=0)
