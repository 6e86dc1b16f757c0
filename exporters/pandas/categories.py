"""``Series.cat`` of traced categoricals: codes by a look-up in the fixed categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, is_missing
from onnxtwin.exporters.pandas.asked import Accessor
from onnxtwin.exporters.pandas.held import held, refuse, text_categories
from onnxtwin.exporters.pandas.refusals import way_out


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


class CategoryMethods(Accessor):
    """``.cat`` of a categorical whose categories are fixed by its dtype."""

    def __init__(self, series: Any) -> None:
        self.series = series

    def __onnxtwin_seen__(self) -> Any:
        return self.series.value.cat

    @property
    def codes(self) -> Any:
        real = self.series.value.cat.codes
        return self.series.made(
            real,
            codes_array(self.series.held, self.series.value.dtype, held(real)),
            what="cat.codes",
            whole=True,
        )

    @property
    def categories(self) -> pd.Index:
        return self.series.value.cat.categories  # type: ignore[no-any-return]

    @property
    def ordered(self) -> bool:
        return bool(self.series.value.cat.ordered)

    def _recast(self, real: pd.Series) -> Any:
        """The same values under other categories; a value that is no longer a category is missing."""
        return self.series.astype(real.dtype)

    def set_categories(self, new_categories: Any, ordered: Any = None, rename: bool = False) -> Any:
        if rename:
            return self.rename_categories(new_categories)
        return self._recast(self.series.value.cat.set_categories(new_categories, ordered=ordered))

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
        real = self.series.value.cat.rename_categories(new_categories)
        before, after = self.series.value.dtype.categories.tolist(), real.dtype.categories.tolist()
        return self.series.map(dict(zip(before, after, strict=True)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self.series.value.cat, name):
            raise AttributeError(f"'.cat' has no attribute {name!r}")
        raise refuse(f"Series.cat.{name} is not supported in a traced method", way_out(name))
