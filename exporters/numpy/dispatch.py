"""numpy's array functions on traced arrays (``__array_function__``): who answers for which function.

The handlers stand in the modules beside this one; each bears the name and signature of the function it
answers for. What has none is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, concrete, is_traced
from onnxtwin.exporters.faults import as_the_library, spare
from onnxtwin.exporters.trace import require_trace

_HANDLERS: dict[Callable[..., Any], Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}


def implements(
    *functions: Callable[..., Any], method: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated handler for numpy functions, and for the ndarray method of that name."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            _HANDLERS[function] = handler
        if method:
            METHODS[method] = handler
        return handler

    return register


def apply_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``Array.__array_function__`` answers."""
    handler = _HANDLERS.get(func)
    if handler is not None:
        return as_the_library(
            _name(func),
            lambda: answered(handler, args, dict(kwargs)),
            lambda: func(*spare(args), **spare(kwargs)),
        )
    if not depends(args) and not depends(kwargs):
        return _as_constant(func(*concrete(args), **concrete(kwargs)))
    raise require_trace().unsupported(
        f"{_name(func)} is not supported in a traced method", "compute the same with other numpy functions"
    )


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', 'numpy')}.{getattr(function, '__name__', function)}"


def method(array: Array, name: str) -> Any:
    """The recorded method of an array."""
    handler = METHODS[name]

    def run(*args: Any, **kwargs: Any) -> Any:
        made = as_the_library(
            f"ndarray.{name}",
            lambda: answered(handler, (array, *args), dict(kwargs)),
            lambda: getattr(array.__onnxtwin_seen__().copy(), name)(*spare(args), **spare(kwargs)),
        )
        if type(made) is Array and made.ndim == 0 and array._is_scalar:
            made._boxed = False  # a scalar's methods give scalars
        return made

    run.__name__ = name
    return run


def answered(handler: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The handler's answer, written into ``out`` where the caller gave one."""
    out = kwargs.pop("out", None)
    result = handler(*args, **kwargs)
    if out is None:
        return result
    if type(out) is not Array:
        raise require_trace().unsupported(
            "writes computed values into an array made outside of the trace",
            "make the array inside the method",
        )
    out[...] = result
    return out


def depends(value: Any) -> bool:
    if type(value) is Array:
        return not value.is_constant
    if isinstance(value, (list, tuple)):
        return any(depends(v) for v in value)
    if isinstance(value, dict):
        return any(depends(v) for v in value.values())
    return is_traced(value)


def _as_constant(value: Any) -> Any:
    if type(value) is not Array and isinstance(value, np.ndarray):
        return Array(value, boxed=value.ndim == 0)
    return tuple(_as_constant(v) for v in value) if type(value) is tuple else value
