"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnxtwin.exporters import arithmetic
from onnxtwin.exporters.array import concrete, constant, record
from onnxtwin.exporters.numpy.dispatch import implements
from onnxtwin.exporters.trace import require_trace


@implements(np.dot, method="dot")
def dot(a: Any, b: Any, out: Any = None) -> Any:
    x, y = constant(a), constant(b)
    if x.ndim == 0 or y.ndim == 0:
        return np.multiply(x, y)
    if y.ndim > 2:
        raise require_trace().unsupported("numpy.dot with more than two dimensions", "use matmul or einsum")
    return np.matmul(x, y)


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    return dot(a, np.transpose(b) if np.ndim(concrete(b)) == 2 else b)


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@implements(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = False, **kwargs: Any) -> Any:
    if kwargs:
        raise require_trace().unsupported(f"numpy.einsum with {sorted(kwargs)}", "call it without them")
    arrays = [constant(a) for a in operands]
    real = np.einsum(subscripts, *(a.value for a in arrays))
    terms, output = _subscripts(subscripts)
    if real.dtype == np.bool_ or any(len(set(term)) < len(term) or not term.isalpha() for term in terms):
        raise require_trace().unsupported(
            f"numpy.einsum {subscripts!r} of {real.dtype}", "write it as a product and a sum"
        )
    arrays = [a if a.dtype == real.dtype else a.astype(real.dtype) for a in arrays]
    return record(f"einsum {subscripts}", real, lambda *v: arithmetic.einsum(terms, output, list(v)), *arrays)


def _subscripts(subscripts: str) -> tuple[list[str], str]:
    """The labels of each operand and of the result; where none are said, those that occur once, sorted."""
    given, arrow, output = subscripts.replace(" ", "").partition("->")
    if not arrow:
        labels = given.replace(",", "")
        output = "".join(sorted(label for label in set(labels) if labels.count(label) == 1))
    return given.split(","), output
