"""Questions about arrays that need no graph, and comparisons that need little of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, concrete
from onnxtwin.exporters.numpy.creation import array
from onnxtwin.exporters.numpy.dispatch import implements


@implements(np.shape)
def shape(a: Any) -> Any:
    return concrete(a).shape


@implements(np.ndim)
def ndim(a: Any) -> Any:
    return concrete(a).ndim


@implements(np.size)
def size(a: Any, axis: Any = None) -> Any:
    return np.size(concrete(a), axis)


@implements(np.result_type)
def result_type(*args: Any) -> Any:
    return np.result_type(*(concrete(a) for a in args))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, Array) else from_, to, casting=casting)  # type: ignore[arg-type]


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return bool(concrete(x).dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return bool(concrete(x).dtype.kind != "c")


@implements(np.may_share_memory)
def may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return bool(np.may_share_memory(concrete(a), concrete(b), max_work))


@implements(np.shares_memory)
def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return bool(np.shares_memory(concrete(a), concrete(b), max_work))


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return array(a, order=order)


@implements(np.real)
def real(val: Any) -> Any:
    return val


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    limit = np.add(atol, np.multiply(rtol, np.abs(b)))
    near = np.logical_and(np.less_equal(np.abs(np.subtract(a, b)), limit), np.isfinite(b))
    near = np.logical_or(near, np.equal(a, b))
    return np.logical_or(near, np.logical_and(np.isnan(a), np.isnan(b))) if equal_nan else near
