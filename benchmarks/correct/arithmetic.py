"""The pipeline's answers in another arithmetic that is as right as this machine's.

Another processor has another BLAS kernel: it sums a product of matrices in another order, with or without
fused multiply-adds; another libm is off in another last place. Here both are chosen, so that a verdict can
be asked whether it hangs on the machine. Inside of :func:`computed_in` the matrices that scikit-learn
validates are an ndarray subclass that sums by itself; it goes through NumPy, scikit-learn's Python code and
compiled trees as any ndarray does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np
import scipy.special

from correct.fused import fused_multiply_add
from onnxtwin.exporters.trace import current

PRODUCTS = {np.matmul: "...ij,...jk->...ik", np.vecdot: "...i,...i->..."}
"""Ufuncs that multiply and sum, and what they compute of operands with at least two and one dimensions."""

FUNCTIONS = frozenset(
    [np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.power, np.float_power, np.cbrt]
    + [np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2, np.hypot, np.logaddexp]
    + [np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh]
    + [getattr(scipy.special, n) for n in ("expit", "logit", "log_expit", "erf", "erfc", "ndtr", "xlogy")]
)
"""Ufuncs whose last place is the library's own."""

EXACT_BITS = 2**20 - 1
"""A result whose last bits are zero (exp(0), 8 ** (1 / 3)) is exact, and so the same in every library."""


@dataclass
class Arithmetic:
    """In which order sums are taken, and what is rounded.

    Attributes
    ----------
    lanes : partial sums that run side by side, as in the registers of a vector unit; added up in halves.
    reverse : whether the last term comes first.
    fused : whether a product is added without being rounded first.
    functions : None, or a seed: results of elementary functions are moved by up to one ulp, equal ones alike.
    used : how often something was computed in it.
    """

    lanes: int = 1
    reverse: bool = False
    fused: bool = False
    functions: int | None = None
    used: int = field(default=0, compare=False, repr=False)

    def sum(self, terms: np.ndarray) -> np.ndarray:
        """The sum over the first axis."""
        return self._add_up(terms, None)

    def sum_of_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The sum of ``a * b`` over the first axis, which both have; the others are broadcast."""
        return self._add_up(a, b)

    def _add_up(self, a: np.ndarray, b: np.ndarray | None) -> np.ndarray:
        self.used += 1
        if self.reverse:
            a, b = a[::-1], None if b is None else b[::-1]
        rest = a.shape[1:] if b is None else np.broadcast_shapes(a.shape[1:], b.shape[1:])
        sums = np.zeros((self.lanes, *rest), dtype=a.dtype if b is None else np.result_type(a, b))
        for start in range(0, len(a), self.lanes):
            some = slice(start, start + self.lanes)
            here = sums[: len(a[some])]
            if b is None:
                here[:] = here + a[some]
            elif self.fused:
                here[:] = fused_multiply_add(a[some], b[some], here)
            else:
                here[:] = here + a[some] * b[some]
        while len(sums) > 1:
            half = (len(sums) + 1) // 2
            upper = sums[half:]
            sums[: len(upper)] += upper
            sums = sums[:half]
        return sums[0]

    def moved(self, results: Any) -> Any:
        """Results of an elementary function, each moved by -1, 0 or 1 ulp."""
        if self.functions is None or not isinstance(results, np.ndarray) or results.dtype != np.float64:
            return results
        self.used += 1
        bits = np.ascontiguousarray(results).view(np.int64)
        mixed = (bits.view(np.uint64) ^ np.uint64(self.functions)) * np.uint64(0x9E3779B97F4A7C15)
        by = (mixed >> np.uint64(40)).astype(np.int64) % 3 - 1
        inexact = np.isfinite(results) & (bits & EXACT_BITS != 0)
        return np.where(inexact, bits + by, bits).view(np.float64)


class Reordered(np.ndarray):
    """An ndarray whose sums and products are computed in an :class:`Arithmetic`."""

    arithmetic: Arithmetic

    def __array_finalize__(self, source: Any) -> None:
        self.arithmetic = getattr(source, "arithmetic", Arithmetic())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Products, sums and elementary functions in the arithmetic, the others as NumPy's."""
        if any(
            not isinstance(i, np.ndarray) and hasattr(i, "__array_ufunc__")
            for i in inputs
            if not np.isscalar(i)
        ):
            return NotImplemented
        out = options.get("out")
        if out is not None:
            options["out"] = tuple(_plain(o) for o in out)
        results = self._computed(ufunc, method, [_plain(i) for i in inputs], options)
        return out[0] if out is not None and len(out) == 1 else self._wrapped(results)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """``np.dot`` and ``np.einsum`` of two arrays are products, too."""
        if func is np.dot and len(args) == 2 and not kwargs:
            return self.dot(args[1]) if isinstance(args[0], Reordered) else _dot(self, *args)
        if func is np.einsum and len(args) == 3 and not kwargs:
            return self._wrapped(einsum(self.arithmetic, args[0], _plain(args[1]), _plain(args[2])))
        return super().__array_function__(func, types, args, kwargs)

    def dot(self, other: Any, out: Any = None) -> Any:
        """As ``ndarray.dot``."""
        return _dot(self, self, other) if out is None else super().dot(other, out)

    def _computed(self, ufunc: np.ufunc, method: str, inputs: list[Any], options: dict[str, Any]) -> Any:
        floats = all(isinstance(i, np.ndarray) and i.dtype.kind == "f" for i in inputs)
        if method == "__call__" and ufunc in PRODUCTS and floats and not options:
            return product(self.arithmetic, ufunc, *inputs)
        summed = method == "reduce" and ufunc is np.add and floats
        if summed and options.get("where", True) is True and options.get("initial") is None:
            return _reduced(self.arithmetic, inputs[0], **options)
        results = getattr(ufunc, method)(*inputs, **options)
        if ufunc not in FUNCTIONS or method != "__call__":
            return results
        moved = self.arithmetic.moved(results)
        if moved is not results and options.get("out") is not None:
            results[...] = moved
        return moved

    def _wrapped(self, result: Any) -> Any:
        if isinstance(result, tuple):
            return tuple(self._wrapped(r) for r in result)
        if not isinstance(result, np.ndarray) or result.dtype.kind != "f":
            return result
        return reordered(result, self.arithmetic)


def reordered(array: np.ndarray, arithmetic: Arithmetic) -> Reordered:
    """A view of the array that computes in the arithmetic."""
    view = array.view(Reordered)
    view.arithmetic = arithmetic
    return view


def product(arithmetic: Arithmetic, ufunc: np.ufunc, a: np.ndarray, b: np.ndarray) -> Any:
    """``np.matmul`` or ``np.vecdot`` of float arrays."""
    if ufunc is np.vecdot:
        return arithmetic.sum_of_products(np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0))
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    terms = np.moveaxis(left, -1, 0)[..., None], np.moveaxis(right, -2, 0)[..., None, :]
    found = arithmetic.sum_of_products(*terms)
    found = found[..., 0] if b.ndim == 1 else found
    return found[..., 0, :] if a.ndim == 1 and b.ndim > 1 else found[..., 0] if a.ndim == 1 else found


def einsum(arithmetic: Arithmetic, subscripts: str, a: np.ndarray, b: np.ndarray) -> Any:
    """``np.einsum`` of two operands, for subscripts without dots and repeated letters."""
    inputs, _, kept = subscripts.replace(" ", "").partition("->")
    first, second = inputs.split(",")
    summed = "".join(sorted(set(first + second) - set(kept)))
    if "." in subscripts or not kept or not summed or a.dtype.kind + b.dtype.kind != "ff":
        return np.einsum(subscripts, a, b)
    sizes = dict(zip(first + second, a.shape + b.shape, strict=True))
    spread = [
        np.einsum(f"{letters}->{''.join(c for c in summed + kept if c in letters)}", array).reshape(
            [sizes[c] if c in letters else 1 for c in summed + kept]
        )
        for letters, array in ((first, a), (second, b))
    ]
    shape, terms = [sizes[c] for c in summed], int(np.prod([sizes[c] for c in summed]))
    flat = [
        np.broadcast_to(s, [*shape, *s.shape[len(summed) :]]).reshape(terms, *s.shape[len(summed) :])
        for s in spread
    ]
    return arithmetic.sum_of_products(*flat)


def _dot(like: Reordered, a: Any, b: Any) -> Any:
    plain = _plain(a), _plain(b)
    if all(isinstance(p, np.ndarray) and 1 <= p.ndim <= 2 and p.dtype.kind == "f" for p in plain):
        return like._wrapped(product(like.arithmetic, np.matmul, *plain))
    found = plain[0] @ plain[1] if hasattr(plain[1], "toarray") else np.dot(*plain)
    return like._wrapped(found)


def _reduced(
    arithmetic: Arithmetic,
    array: np.ndarray,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **_: Any,
) -> Any:
    """``np.add.reduce`` of floats."""
    wanted = array if dtype is None else array.astype(dtype)
    axes = tuple(range(array.ndim)) if axis is None else tuple(np.atleast_1d(axis) % max(array.ndim, 1))
    moved = np.moveaxis(wanted, axes, range(len(axes)))
    total = arithmetic.sum(moved.reshape(-1, *moved.shape[len(axes) :]))
    total = np.expand_dims(total, axes) if keepdims else total
    if out is not None:
        out[0][...] = total
        return out[0]
    return total if total.ndim else total[()]


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Reordered) else value


@contextmanager
def computed_in(arithmetic: Arithmetic) -> Iterator[None]:
    """While active, what scikit-learn validates computes in the arithmetic, in the whole process."""
    from sklearn.utils import validation

    validated = validation._asarray_with_order

    def in_arithmetic(*args: Any, **options: Any) -> Any:
        array = validated(*args, **options)
        if current() is not None:  # bounds are traced from the pipeline's own code
            return array
        floats = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        return reordered(array, arithmetic) if floats else array

    with patch.object(validation, "_asarray_with_order", in_arithmetic):
        yield
