"""``Series.cat`` of traced categoricals: codes by a look-up in the fixed categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, is_missing
from onnxtwin.exporters.domain import limit_to
from onnxtwin.exporters.pandas.asked import Accessor
from onnxtwin.exporters.pandas.held import held, refuse, text_categories
from onnxtwin.exporters.pandas.refusals import way_out
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.trace import require_trace


def codes_array(array: Array, dtype: pd.CategoricalDtype, real: np.ndarray | None = None) -> Array:
    """The position of each held value among the categories, -1 where it is missing or none of them."""
    keys = dtype.categories.tolist()
    values = np.atleast_1d(array.value).tolist()
    table = {k: i for i, k in enumerate(keys)}
    codes = np.array([-1 if is_missing(v) else table.get(v, -1) for v in values], np.int64).reshape(
        array.shape
    )
    answer = codes if real is None else real
    if array.is_constant:
        return Array(answer)
    text = text_categories(dtype)

    def build(x: Var) -> Var:
        return lookups.lookup(x, keys if text else [float(k) for k in keys], list(range(len(keys))), -1)

    return elementwise("codes", answer, build, [array], [None])


def fix_categories(series: Any) -> Any:
    """Say that the categories of ``series`` were made in the trace: what was none of them became missing."""
    if not series.held.is_constant:
        require_trace().fixed_categories.append(series.held.tensor)
    return series


def has_fixed_categories(array: Array) -> bool:
    """Whether the categories are the code's own, and not those that the rows bring."""
    return array.is_constant or any(array.tensor is t for t in require_trace().fixed_categories)


def limit_to_seen(array: Array, dtype: pd.CategoricalDtype) -> None:
    """Declare that categories that the sample's dtype does not list are not followed.

    What pandas makes of one depends on the list of categories that the batch brings, which does not travel:
    its code is its place there.
    """
    if has_fixed_categories(array):
        return
    keys = dtype.categories.tolist()
    known = keys if text_categories(dtype) else [float(k) for k in keys]
    gone = MISSING_TOKEN if text_categories(dtype) else np.nan

    def build(x: Var) -> Var:
        return lookups.isin(x, [*known, gone])

    good = elementwise("known category", np.ones(array.shape, bool), build, [array], [None])
    limit_to(good, "the category was not seen when the twin was made, and has no fixed code", array)


class CategoryMethods(Accessor):
    """``.cat`` of a categorical whose categories are fixed by its dtype."""

    def __init__(self, series: Any) -> None:
        self.series = series

    def __onnxtwin_seen__(self) -> Any:
        return self.series.value.cat

    @property
    def codes(self) -> Any:
        real = self.series.value.cat.codes
        limit_to_seen(self.series.held, self.series.value.dtype)
        return self.series.made(
            real,
            codes_array(self.series.held, self.series.value.dtype, held(real)),
            what="cat.codes",
            whole=True,
        )

    @property
    def categories(self) -> pd.Index:
        if not has_fixed_categories(self.series.held):
            raise refuse(
                "Series.cat.categories are those that the rows bring, known or not",
                "read them in fit and keep them, or fix them with .cat.set_categories(...)",
            )
        return self.series.value.cat.categories  # type: ignore[no-any-return]

    @property
    def ordered(self) -> bool:
        return bool(self.series.value.cat.ordered)

    def _recast(self, real: pd.Series) -> Any:
        """The same values under other categories; a value that is no longer a category is missing."""
        limit_to_seen(self.series.held, self.series.value.dtype)
        return self.series.astype(real.dtype)

    def set_categories(self, new_categories: Any, ordered: Any = None, rename: bool = False) -> Any:
        if rename:
            return self.rename_categories(new_categories)
        return self.series.astype(self.series.value.cat.set_categories(new_categories, ordered=ordered).dtype)

    def add_categories(self, new_categories: Any) -> Any:
        return self._recast(self.series.value.cat.add_categories(new_categories))

    def remove_categories(self, removals: Any) -> Any:
        return self._recast(self.series.value.cat.remove_categories(removals))

    def reorder_categories(self, new_categories: Any, ordered: Any = None) -> Any:
        return self._recast(self.series.value.cat.reorder_categories(new_categories, ordered=ordered))

    def as_ordered(self) -> Any:
        return self._recast(self.series.value.cat.as_ordered())

    def as_unordered(self) -> Any:
        return self._recast(self.series.value.cat.as_unordered())

    def rename_categories(self, new_categories: Any) -> Any:
        limit_to_seen(self.series.held, self.series.value.dtype)
        real = self.series.value.cat.rename_categories(new_categories)
        before, after = self.series.value.dtype.categories.tolist(), real.dtype.categories.tolist()
        return self.series.map(dict(zip(before, after, strict=True)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self.series.value.cat, name):
            raise AttributeError(f"'.cat' has no attribute {name!r}")
        raise refuse(f"Series.cat.{name} is not supported in a traced method", way_out(name))
