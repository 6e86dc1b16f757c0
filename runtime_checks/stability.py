"""A row's answer must not depend on its batch: what the twin said to the same row in other company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.compare import Answer, BoolArray, Tolerance, failing, layout_differs
from onnxtwin.runtime_checks.report import MethodReport
from onnxtwin.runtime_checks.rows import Rows, typed_row

Positions = npt.NDArray[np.int64]


@dataclass
class _Seen:
    """The answers that rows got first; ``place`` says where that of each row of the family's base is.

    ``told`` is True once another answer to one of them was reported: one is enough.
    """

    place: dict[int, int]
    expected: Answer
    found: Answer
    told: bool = False


@dataclass
class Stability:
    """Compares the twin's answers across the batches of a family, where the pipeline's own agree."""

    tolerance: Tolerance
    _seen: dict[tuple[str, str], _Seen] = field(default_factory=dict)

    def add(
        self,
        family: str,
        source: Positions,
        X: Rows,
        expected: Mapping[str, Answer],
        found: Mapping[str, Answer],
        reports: Mapping[str, MethodReport],
        undetermined: BoolArray,
    ) -> None:
        """Take in a batch; a method's report gets a problem if the twin answers one of its rows otherwise.

        Rows that the pipeline itself answers otherwise are undetermined, as are those in
        ``undetermined``, and left to the comparison.

        Parameters
        ----------
        source : ``[N]``, which row of the family's base each row of the batch is.
        expected, found : per method the pipeline's and the twin's answers.
        """
        for method, answer in expected.items():
            sides = answer, found[method]
            seen = self._seen.get((family, method))
            if seen is None:
                self._seen[family, method] = _Seen(
                    {int(s): i for i, s in enumerate(source) if not undetermined[i]}, *sides
                )
                continue
            if seen.told:
                continue
            index = [i for i, s in enumerate(source) if int(s) in seen.place and not undetermined[i]]
            earlier = np.array([seen.place[int(source[i])] for i in index], dtype=np.int64)
            if not index or layout_differs(*sides) or layout_differs(seen.expected, seen.found):
                continue
            wavers = _unlike(seen.expected, earlier, sides[0], index, self.tolerance)
            unlike = _unlike(seen.found, earlier, sides[1], index, self.tolerance) & ~wavers
            if unlike.any():
                seen.told = True
                row = int(np.argmax(unlike))
                first, second = _cells(seen.found, earlier[row]), _cells(sides[1], index[row])
                text = f"{family}: the twin answers a row otherwise in another batch, {first} and {second}"
                reports[method].problems.append(f"{text}: {typed_row(X, index[row])}")


def _unlike(before: Answer, earlier: Any, now: Answer, index: Any, tolerance: Tolerance) -> BoolArray:
    """Which of the rows have another answer than before."""
    unlike = np.zeros(len(index), dtype=np.bool_)
    for old, new in zip(before, now, strict=True):
        unlike |= failing(old.rows(earlier), new.rows(index), tolerance).any(axis=1)
    return unlike


def _cells(answer: Answer, row: Any) -> list[Any]:
    return [value for part in answer for value in part.matrix[row].tolist()]
