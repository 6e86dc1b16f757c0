"""``pandas.cut`` of numbers at edges fixed when fitting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from spox import Var

from onnxtwin.exporters import lookups
from onnxtwin.exporters.array import Array, elementwise, is_traced
from onnxtwin.exporters.pandas.categories import fix_categories
from onnxtwin.exporters.pandas.held import held, refuse, text_categories
from onnxtwin.exporters.signature import MISSING_TOKEN

xp: Any = np
"""numpy, answered by traced arrays."""


def cut(
    x: Any,
    bins: Any,
    right: bool = True,
    labels: Any = None,
    retbins: bool = False,
    precision: int = 3,
    include_lowest: bool = False,
    duplicates: str = "raise",
    ordered: bool = True,
) -> Any:
    """``pandas.cut``: the bin's number (``labels=False``) or its label; missing outside of the bins.

    The number is float64, also for a batch of which every value lies in a bin.
    """
    options = {"precision": precision, "duplicates": duplicates, "ordered": ordered, "labels": labels}
    options |= {"right": right, "include_lowest": include_lowest, "retbins": retbins}
    if not is_traced(x) and not is_traced(bins):
        return pd.cut(x, bins, **options)
    if not hasattr(type(x), "__onnxtwin_series__") or x.kind != "number":
        raise refuse("pandas.cut of something other than a column of numbers", "cut a numeric column")
    edges = np.asarray(bins)
    if is_traced(bins) or edges.ndim != 1 or edges.dtype.kind not in "iuf" or duplicates != "raise":
        raise refuse("pandas.cut at edges that depend on the rows", "give the edges, fixed when fitting")
    if retbins or labels is None or is_traced(labels):
        raise refuse("pandas.cut into intervals", "use labels=False, or a list of labels")
    real = pd.cut(x.value, bins, **options)
    codes = _codes(x.held, edges, right, include_lowest)
    if labels is False:
        real = real.astype("float64")
        made = np.where(np.less(codes, 0), np.nan, codes.astype(np.float64))
        return x.made(real, made, what="pandas.cut")
    return fix_categories(x.made(real, _labelled(codes, real, labels), what="pandas.cut"))


def _codes(values: Array, edges: np.ndarray, right: bool, include_lowest: bool) -> Any:
    """The number of each value's bin, -1 outside of all, as ``pandas.core.reshape.tile._bins_to_cuts``."""
    place = xp.searchsorted(edges, values, side="left" if right else "right")
    if include_lowest:
        place = xp.where(xp.equal(values, edges[0]), 1, place)
    outside = xp.logical_or(xp.equal(place, 0), xp.equal(place, len(edges)))
    if values.dtype.kind == "f":
        outside = xp.logical_or(outside, xp.isnan(values))
    return xp.where(outside, -1, xp.subtract(place, 1))


def _labelled(codes: Any, real: pd.Series, labels: Any) -> Array:
    names = list(labels)
    text = not isinstance(real.dtype, pd.CategoricalDtype) or text_categories(real.dtype)
    values = names if text else [float(name) for name in names]

    def build(x: Var) -> Var:
        return lookups.lookup(x, list(range(len(names))), values, MISSING_TOKEN if text else float("nan"))

    return elementwise("pandas.cut", held(real), build, [codes], [None])
