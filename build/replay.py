"""Replays recorded vectors through a session: the self-test that a production process runs at start-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build.answers import DOMAIN, outputs_of
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Tensors, Vectors
from onnxtwin.exporters.signature import Output, Signature


@dataclass(frozen=True)
class OutputReplay:
    """One output tensor against its recorded answers.

    Attributes
    ----------
    name : the output's.
    rows : compared.
    mismatched : rows that differ: at all where the output is discrete, else by more than the tolerance.
    worst : the largest absolute difference, ``inf`` if only one side is finite; None if not float.
    bit_equal : share of the values that are equal to the last bit, 0 to 1.
    first : position of the first mismatched row, None if there is none.
    """

    name: str
    rows: int
    mismatched: int
    worst: float | None
    bit_equal: float
    first: int | None


@dataclass(frozen=True)
class SelfTest:
    """The verdict of a replay; green only if rows were compared and none differs.

    Attributes
    ----------
    rows : recorded.
    outputs : one entry an output tensor.
    failing : bool ``[rows]``: True where any output differs or the graph's own ``domain`` says no.
    excluded : how many rows the graph's own ``domain`` excludes.
    """

    rows: int
    outputs: tuple[OutputReplay, ...]
    failing: NDArray[np.bool_]
    excluded: int = 0

    @property
    def ok(self) -> bool:
        """Whether every recorded answer was given again."""
        return self.rows > 0 and not self.failing.any()

    def __str__(self) -> str:
        verdict = "equal" if self.ok else "UNEQUAL" if self.rows else "no rows"
        lines = [f"{verdict}: {self.rows} recorded rows, {int(self.failing.sum())} differ"]
        for output in self.outputs:
            worst = "" if output.worst is None else f", worst difference {output.worst:.3g}"
            first = "" if output.first is None else f", first in row {output.first}"
            lines.append(
                f"  {output.name}: {output.mismatched} of {output.rows} differ{first}{worst}, "
                f"{output.bit_equal:.1%} equal to the last bit"
            )
        if self.excluded:
            lines.append(f"  {self.excluded} rows that the pipeline answered are outside the graph's domain")
        return "\n".join(lines)


def replay(session: Session, vectors: Vectors) -> SelfTest:
    """Feed the recorded rows to the graph and compare with the recorded answers, as :func:`compare` does."""
    return compare(session, vectors.inputs, vectors.outputs)


def compare(session: Session, inputs: Tensors, outputs: Tensors) -> SelfTest:
    """Feed a graph and compare with what is expected.

    Discrete outputs must be equal; floats agree if ``|a - b| <= atol + rtol * |b|`` (the signature's),
    NaN with NaN, an infinity with itself. A row also fails if the graph's own ``domain`` excludes it.

    Parameters
    ----------
    inputs, outputs : by name, each with N rows; outputs as :func:`onnxtwin.build.answers.encode` has them.
    """
    specs = [spec for method in session.methods for spec in outputs_of(session.signature, method)]
    domain = [output.name for output in outputs_of(session.signature, DOMAIN)]
    rows = len(next(iter(inputs.values())))
    failing = np.zeros(rows, dtype=np.bool_)
    if not rows:
        return SelfTest(0, (), failing)
    found = session.run_tensors(inputs, [spec.name for spec in specs] + domain)
    results = []
    for spec in specs:
        result, wrong = _compare(spec, found[spec.name], outputs[spec.name], session.signature)
        results.append(result)
        failing |= wrong
    excluded = np.zeros(rows, dtype=np.bool_)
    for name in domain:
        excluded |= ~found[name].all(axis=1)
    return SelfTest(rows, tuple(results), failing | excluded, int(excluded.sum()))


def _compare(
    spec: Output, found: NDArray[Any], expected: NDArray[Any], promised: Signature
) -> tuple[OutputReplay, NDArray[np.bool_]]:
    rows = len(expected)
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return OutputReplay(spec.name, rows, rows, None, 0.0, 0), np.ones(rows, dtype=np.bool_)
    worst = None
    if expected.dtype.kind == "f":
        unsigned = np.uint64 if expected.dtype.itemsize == 8 else np.uint32
        equal = np.ascontiguousarray(found).view(unsigned) == np.ascontiguousarray(expected).view(unsigned)
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.where(same, 0.0, np.abs(found - expected))
            gap[np.isnan(gap)] = np.inf
            # |a - inf| <= inf would hold for every a
            limit = promised.atol + promised.rtol * np.abs(expected)
            bound = np.where(np.isfinite(expected), limit, 0.0)
        right = same if spec.discrete else np.asarray(gap <= bound)
        worst = float(gap.max(initial=0.0))
    else:
        right = np.array(found == expected, dtype=np.bool_)
        equal = right
    wrong = np.array(~right.reshape(rows, -1).all(axis=1), dtype=np.bool_)
    first = int(np.argmax(wrong)) if wrong.any() else None
    return OutputReplay(spec.name, rows, int(wrong.sum()), worst, float(np.mean(equal)), first), wrong
