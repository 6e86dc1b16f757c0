"""Bounds of any run of rows of a constant table, in one step."""

from __future__ import annotations

import numpy as np

from onnxtwin.exporters.analysis.graph import Array
from onnxtwin.exporters.analysis.intervals import Interval, choose, constant, hull


class Table:
    """Rows of a constant table, and bounds of any run of them in one step (windows of powers of two)."""

    def __init__(self, rows: Array) -> None:
        self.rows = rows
        whole = constant(rows)
        self._levels = [whole]
        span = 1
        while 2 * span <= len(rows):
            last = self._levels[-1]
            self._levels.append(hull(last.at(slice(None, -span)), last.at(slice(span, None))))
            span *= 2

    def between(self, first: Array, last: Array) -> Interval:
        """Bounds of the rows ``first`` to ``last``, both included, ``[...]`` → ``[..., *row]``."""
        span = np.maximum(last - first + 1, 1)
        level = np.floor(np.log2(span)).astype(int)
        shape = first.shape + self.rows.shape[1:]
        found: Interval | None = None
        for at in np.unique(level):
            left = np.where(level == at, first, 0)
            right = np.where(level == at, last - (1 << int(at)) + 1, 0)
            here = self._levels[int(at)]
            both = hull(here.at(left), here.at(right))
            wide = (level == at).reshape(level.shape + (1,) * (len(shape) - level.ndim))
            found = both if found is None else choose(wide, both, found)
        assert found is not None
        return found
