"""Are two answers the same? Equal where discrete, within a tolerance where not; errors in ulps.

An answer of one method is a list of *parts*: one array for an ndarray, one a list entry where
scikit-learn returns a list, one a column for a DataFrame. All comparison is done on whole arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import ATOL, RTOL, Signature

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tolerance:
    """``|found - expected| <= atol + rtol * |expected|``, as ``numpy.allclose`` defines it.

    Zero for both demands equal bits: then 0.0 is not -0.0 (NaN is NaN, whatever its payload).

    Attributes
    ----------
    outputs : tolerances of single outputs, by the method (``predict_proba``) or by the part of
        its answer (``predict_proba.1``, ``transform[age]``), which goes first.
    float32_ulps : where this is what a twin promises of a pipeline that computes in single precision, the
        promise in units of the last place of float32; else None.
    """

    rtol: float = RTOL
    atol: float = ATOL
    outputs: Mapping[str, Tolerance] = field(default_factory=dict)
    float32_ulps: int | None = None

    def of(self, name: str) -> Tolerance:
        """The tolerance of one part of an answer."""
        if not self.outputs:
            return self
        return self.outputs.get(name) or self.outputs.get(method_of(name)) or Tolerance(self.rtol, self.atol)

    def at_least(self, rtol: float) -> Tolerance:
        """The same with no relative tolerance below ``rtol``."""
        outputs = {name: own.at_least(rtol) for name, own in self.outputs.items()}
        return Tolerance(max(self.rtol, rtol), self.atol, outputs, self.float32_ulps)

    @property
    def exact(self) -> bool:
        """Whether equal bits are demanded."""
        return self.rtol == 0 and self.atol == 0

    def limit(self, expected: Any) -> FloatArray:
        """The largest accepted absolute error, elementwise; same shape as ``expected``."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(self.atol + self.rtol * np.abs(expected), dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        own: dict[str, Any] = {"rtol": self.rtol, "atol": self.atol}
        if self.float32_ulps is not None:
            own["float32_ulps"] = self.float32_ulps
        return own | {"outputs": {name: {"rtol": t.rtol, "atol": t.atol} for name, t in self.outputs.items()}}


Tolerances = Mapping[str, tuple[float, float] | float]
"""Output → ``(rtol, atol)``, or one number for both; 0 demands equal bits."""


def method_of(name: str) -> str:
    """The method that a part of an answer belongs to: ``predict_proba`` of ``predict_proba.1``."""
    return re.split(r"[.\[]", name, maxsplit=1)[0]


def tolerance_of(
    rtol: float | None,
    atol: float | None,
    tolerances: Tolerances | None,
    methods: Sequence[str],
    promised: Signature | None = None,
) -> Tolerance:
    """What a user asked for, as one :class:`Tolerance`.

    Parameters
    ----------
    rtol, atol : None for what the twin promises.
    promised : the twin's signature.

    Raises
    ------
    CheckError : a tolerance is negative or no number, or names an output of another method.
    """
    as_promised = promised is not None and rtol is None and atol is None
    rtol = (RTOL if promised is None else promised.rtol) if rtol is None else rtol
    atol = (ATOL if promised is None else promised.atol) if atol is None else atol
    outputs: dict[str, Tolerance] = {}
    for name, given in (tolerances or {}).items():
        if method_of(name) not in methods:
            raise CheckError(f"a tolerance is given for {name!r}; the methods compared are {list(methods)}")
        pair = (given, given) if isinstance(given, int | float) else tuple(given)
        if len(pair) != 2 or not all(isinstance(value, int | float) for value in pair):
            raise CheckError(
                f"the tolerance of {name!r} is {given!r}; give (rtol, atol), or one number for both"
            )
        outputs[name] = Tolerance(*pair)
    for where, each in [("", Tolerance(rtol, atol)), *((f" for {name!r}", t) for name, t in outputs.items())]:
        if not (each.rtol >= 0 and each.atol >= 0):
            raise CheckError(
                f"rtol is {each.rtol} and atol {each.atol}{where}; a tolerance must be zero or positive"
            )
    return Tolerance(rtol, atol, outputs, promised.float32_ulps if promised and as_promised else None)


def demand_known(tolerance: Tolerance, answers: Iterable[Answer]) -> None:
    """Every output that a tolerance names is a method or a part of these answers.

    Raises
    ------
    CheckError : one is neither, so its tolerance would be of no effect.
    """
    names = [part.name for answer in answers for part in answer]
    known = list(dict.fromkeys([*(method_of(name) for name in names), *names]))
    unknown = [name for name in tolerance.outputs if name not in known]
    if unknown:
        raise CheckError(f"a tolerance is given for {unknown}, which is no output; the outputs are {known}")


@dataclass(frozen=True)
class Part:
    """One array of an answer: ``values`` has shape ``[N]`` or ``[N, k]``.

    ``discrete`` demands equality even of floats: labels whose classes happen to be numbers.
    """

    name: str
    values: npt.NDArray[Any]
    discrete: bool = False

    def rows(self, index: Any) -> Part:
        """The part at some rows."""
        return Part(self.name, self.values[index], self.discrete)

    @property
    def matrix(self) -> npt.NDArray[Any]:
        """The values as ``[N, cells]``."""
        return (
            self.values.reshape(len(self.values), -1)
            if self.values.size
            else self.values.reshape(len(self.values), 0)
        )


Answer = list[Part]


def parts(method: str, answer: Any, *, labels: bool = False) -> Answer:
    """Take apart what a method returned.

    Sparse matrices are made dense; a DataFrame gives one part a column, because its columns have
    types of their own; a list gives one part an entry.

    Parameters
    ----------
    method : names the parts: ``predict``, ``predict_proba.1``, ``transform[age]``.
    answer : ndarray, sparse matrix, DataFrame, Series, or a list or tuple of such.
    labels : True where the values are class labels, which must be equal even when they are floats.
    """
    if isinstance(answer, list | tuple) and not all(np.isscalar(entry) for entry in answer):
        return [p for i, entry in enumerate(answer) for p in parts(f"{method}.{i}", entry, labels=labels)]
    if isinstance(answer, pd.DataFrame):
        return [_column(f"{method}[{name}]", answer.iloc[:, i]) for i, name in enumerate(answer.columns)]
    if isinstance(answer, pd.Series):
        return [_column(method, answer)]
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    return [Part(method, np.asarray(answer), labels)]


def _column(name: str, series: pd.Series) -> Part:
    if isinstance(series.dtype, pd.SparseDtype):
        series = series.astype(series.dtype.subtype)
    if pd.api.types.is_extension_array_dtype(series.dtype):
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            return Part(name, series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
        if pd.api.types.is_float_dtype(series.dtype):
            return Part(name, series.to_numpy(dtype=np.float64, na_value=np.nan))
        return Part(name, series.to_numpy(dtype=object))
    return Part(name, series.to_numpy())


def join(answers: list[Answer]) -> Answer:
    """The answers to consecutive batches as one."""
    if len(answers) == 1:
        return answers[0]
    return [
        Part(group[0].name, np.concatenate([part.values for part in group]), group[0].discrete)
        for group in zip(*answers, strict=True)
    ]


def kind(values: npt.NDArray[Any]) -> str:
    """What a caller sees: ``number``, ``float``, ``text``, ``time``, ``mixed``, ``unknown`` if empty."""
    code = values.dtype.kind
    if code == "O":
        kinds = {_kind_of_scalar(v) for v in values.ravel()} - {"missing"}
        if not kinds:
            return "unknown"
        return kinds.pop() if len(kinds) == 1 else "mixed"
    return {"f": "float", "U": "text", "S": "text", "T": "text", "M": "time", "m": "time"}.get(code, "number")


def _kind_of_scalar(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return "missing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return "number"
    return "float" if isinstance(value, float | np.floating) else "time"


def layout_differs(expected: Answer, found: Answer) -> str | None:
    """What makes two answers incomparable (other parts, other shapes, text for numbers), or None."""
    if [p.name for p in expected] != [p.name for p in found]:
        return f"the pipeline answers {[p.name for p in expected]}, the twin {[p.name for p in found]}"
    for e, f in zip(expected, found, strict=True):
        if e.values.shape != f.values.shape:
            return f"{e.name}: the pipeline's shape is {e.values.shape}, the twin's {f.values.shape}"
        if e.values.dtype.kind == f.values.dtype.kind:
            continue
        kinds = {kind(e.values), kind(f.values)} - {"unknown"}
        if len(kinds) > 1 and "mixed" not in kinds and kinds != {"number", "float"}:
            return (
                f"{e.name}: the pipeline answers {e.values.dtype} ({kind(e.values)}), "
                f"the twin {f.values.dtype} ({kind(f.values)})"
            )
    return None


def failing(expected: Part, found: Part, tolerance: Tolerance) -> BoolArray:
    """Which cells differ, ``[N, cells]``; the two have equal shapes and comparable kinds.

    ``tolerance`` is that of the check; the one for this part of the answer is looked up in it.
    """
    tolerance = tolerance.of(expected.name)
    e, f = expected.matrix, found.matrix
    if e.dtype.kind == "f" and f.dtype.kind == "f" and not expected.discrete:
        return _floats_differ(e, f, tolerance)
    if e.dtype.kind == "O" or f.dtype.kind == "O":
        return _objects_differ(e, f, tolerance, expected.discrete)
    if e.dtype.kind in "Mm":
        return np.asarray((e != f) & ~(np.isnat(e) & np.isnat(f)))
    if {e.dtype.kind, f.dtype.kind} & {"f"}:
        return _numbers_differ(e, f)
    return np.asarray(e != f)


def _floats_differ(e: npt.NDArray[Any], f: npt.NDArray[Any], tolerance: Tolerance) -> BoolArray:
    differs = np.asarray(e != f)
    if tolerance.exact:
        return np.asarray((differs | (np.signbit(e) != np.signbit(f))) & ~(np.isnan(e) & np.isnan(f)))
    if not differs.any():
        return differs
    # Only the cells that are not equal are looked at again: on a correct twin they are few.
    where = np.nonzero(differs)
    a, b = e[where].astype(np.float64), f[where].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(b - a) <= tolerance.limit(a)
    differs[where] = ~(np.isnan(a) & np.isnan(b)) & ~(close & np.isfinite(a) & np.isfinite(b))
    return np.asarray(differs, dtype=np.bool_)


def _numbers_differ(e: npt.NDArray[Any], f: npt.NDArray[Any]) -> BoolArray:
    """Equality across int and float, exact also where a double cannot hold the integer."""
    a, b = e.astype(np.float64), f.astype(np.float64)
    differs: BoolArray = (a != b) & ~(np.isnan(a) & np.isnan(b))
    if e.dtype.kind != f.dtype.kind:
        with np.errstate(invalid="ignore"):
            differs |= e.astype(np.int64) != f.astype(np.int64)
    return differs


def _objects_differ(
    e: npt.NDArray[Any], f: npt.NDArray[Any], tolerance: Tolerance, discrete: bool
) -> BoolArray:
    def differ(a: Any, b: Any) -> bool:
        kinds = (_kind_of_scalar(a), _kind_of_scalar(b))
        if "missing" in kinds:
            return kinds[0] != kinds[1]
        if "float" in kinds and "text" not in kinds and "time" not in kinds and not discrete:
            return bool(_floats_differ(np.array([float(a)]), np.array([float(b)]), tolerance)[0])
        return ("text" in kinds and kinds[0] != kinds[1]) or bool(a != b)

    pairs: Iterable[tuple[Any, Any]] = zip(e.ravel().tolist(), f.ravel().tolist(), strict=True)
    return np.fromiter((differ(a, b) for a, b in pairs), dtype=np.bool_, count=e.size).reshape(e.shape)


@dataclass
class Errors:
    """How far two parts are apart, cell by cell, for the cells that are not identical.

    ``row`` and ``cell`` locate them; ``ulps`` counts the representable numbers between the two in
    the pipeline's own precision; ``excess`` is the absolute error in units of the tolerance.
    Integers count as their own ulps; what is not a number has infinite errors.
    """

    cells: int
    row: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    ulps: FloatArray
    absolute: FloatArray
    relative: FloatArray
    excess: FloatArray


def errors(expected: Part, found: Part, tolerance: Tolerance) -> Errors:
    """Measure every cell that is not bit-equal (NaN counts as equal to NaN whatever its payload)."""
    tolerance = tolerance.of(expected.name)
    e, f = expected.matrix, found.matrix
    if e.dtype.kind == "f" and f.dtype.kind in "fiub":
        f = f.astype(e.dtype) if f.dtype.kind != "f" else f
        differs = np.asarray((e != f) | (np.signbit(e) != np.signbit(f))) & ~(np.isnan(e) & np.isnan(f))
    else:
        differs = failing(expected, found, tolerance)
    row, cell = np.nonzero(differs)
    a, b = e[row, cell], f[row, cell]
    infinite = np.full(len(row), np.inf)
    if e.dtype.kind not in "fiub" or f.dtype.kind not in "fiub":
        return Errors(e.size, row, cell, infinite, infinite, infinite, infinite)
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(wide_a) & np.isfinite(wide_b)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        absolute = np.where(finite, np.abs(wide_b - wide_a), np.inf)
        relative = np.where(absolute == 0, 0.0, absolute / np.abs(wide_a))
        limit = tolerance.limit(wide_a)
        excess = np.where(absolute == 0, 0.0, np.where(np.isfinite(limit), absolute / limit, np.inf))
        relative = np.where(finite, relative, np.inf)
    distance = np.where(finite, ulps(a, b) if a.dtype.kind == "f" else absolute, np.inf)
    return Errors(e.size, row, cell, distance, absolute, relative, excess)


def ulps(expected: npt.NDArray[Any], found: npt.NDArray[Any]) -> FloatArray:
    """How many representable numbers lie between two finite floats, in the precision of ``expected``.

    IEEE 754 numbers of one sign are ordered as their bit patterns read as integers, so the
    distance is a difference of integers; across zero it is the sum of both distances to zero.
    """
    single = expected.dtype == np.float32
    integer, precision = (np.int32, np.float32) if single else (np.int64, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        a = np.ascontiguousarray(expected, dtype=precision)
        b = np.ascontiguousarray(found, dtype=precision)
    # Without the sign bit, the bit pattern is the distance to zero.
    x, y = (np.abs(side).view(integer).astype(np.int64) for side in (a, b))
    same_sign = np.signbit(a) == np.signbit(b)
    across = x.astype(np.float64) + y.astype(np.float64)
    return np.asarray(np.where(same_sign, np.abs(x - y).astype(np.float64), across), dtype=np.float64)


def empty_differs(expected: Answer, found: Answer) -> str | None:
    """What differs between two answers to zero rows, or None."""
    problem = layout_differs(expected, found)
    if problem is not None:
        return problem
    for e, f in zip(expected, found, strict=True):
        if kind(e.values) != "unknown" and kind(f.values) != "unknown" and kind(e.values) != kind(f.values):
            return f"{e.name}: the pipeline answers {e.values.dtype}, the twin {f.values.dtype}"
    return None
