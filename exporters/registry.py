"""The leaves: functions that a trace cannot or should not see through, each with the exporter that stands in.

An exporter is keyed by the function Python would run, so an inherited method is covered by one entry and
an overridden one is never exported as its parent's.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array, is_missing, is_traced
from onnxtwin.exporters.code import real_class
from onnxtwin.exporters.errors import RecordingError
from onnxtwin.exporters.faults import spare
from onnxtwin.exporters.trace import agrees, current, require_trace


@dataclass(frozen=True)
class Exporter:
    """One registered leaf.

    Attributes
    ----------
    owner : the class that defines the method, or the module that defines the function.
    name : the attribute of the owner.
    function : the exporter; it has the leaf's own signature, and takes and returns traced values.
    hooks : methods that it assumes; where the instance's class overrides one, the leaf is traced instead.
    verified : whether the answer is compared with the leaf's own on the sample.
    always : whether it stands in for untraced arguments, too.
    """

    owner: Any
    name: str
    function: Callable[..., Any]
    hooks: tuple[str, ...] = ()
    verified: bool = True
    always: bool = False


_REGISTRY: dict[tuple[Any, str], Exporter] = {}


def exports(
    owner: Any, *names: str, hooks: tuple[str, ...] = (), verified: bool = True, always: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the exporter of ``owner``'s methods or functions ``names``.

    Parameters
    ----------
    owner : class or module. For a class, the entry belongs to the class in whose body the method stands.
    names : attribute names, public or private. A name that the installed version does not have is passed
        over: its callers are traced.
    hooks : names of methods that the exporter assumes are the owner's own.
    verified : False for functions whose own run on the sample is of no use as a reference (they raise, or
        answer something that is not compared).
    always : True for functions that hide traced values from sight (in generators, in jobs): the exporter
        answers every call of a thread that traces.

    Examples
    --------
    >>> @exports(StandardScaler, "transform")
    ... def standard_scaler_transform(self, X):
    ...     return (X - self.mean_) / self.scale_
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            home = _home(owner, name)
            if home is not None:
                _REGISTRY[home, name] = Exporter(home, name, function, hooks, verified, always)
        return function

    return register


def _home(owner: Any, name: str) -> Any:
    if not inspect.isclass(owner):
        return owner if hasattr(owner, name) else None
    return next((c for c in owner.__mro__ if name in c.__dict__), None)


def registered() -> list[Exporter]:
    """All exporters, in the order of registration."""
    return list(_REGISTRY.values())


def dispatcher(original: Callable[..., Any], exporter: Exporter) -> Callable[..., Any]:
    """``original``, except that a thread that traces gets the exporter's answer for traced arguments."""

    @functools.wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        trace = current()
        if trace is None or not (exporter.always or is_traced(args) or is_traced(kwargs)):
            return original(*args, **kwargs)
        if exporter.hooks and args and _overridden(type(args[0]), exporter):
            return original(*args, **kwargs)
        if not exporter.verified:
            return exporter.function(*args, **kwargs)
        with trace.paused(), np.errstate(all="ignore"):
            expected = original(*spare(args), **spare(kwargs))
        return _settled(exporter, exporter.function(*args, **kwargs), expected)

    return run


def _overridden(kind: type, exporter: Exporter) -> bool:
    real = real_class(kind)
    return any(_home(real, hook) is not _home(exporter.owner, hook) for hook in exporter.hooks)


def _settled(exporter: Exporter, got: Any, expected: Any) -> Any:
    """The exporter's answer with the leaf's own real value, once the two agree."""
    if isinstance(got, (list, tuple)):
        pairs = zip(got, expected, strict=True)
        return type(got)(_settled(exporter, g, e) for g, e in pairs)
    if type(got) is not Array:
        return got
    real = np.asarray(expected.toarray() if hasattr(expected, "toarray") else expected)
    if not _same(got.value, real):
        trace = current()
        assert trace is not None
        owner = getattr(exporter.owner, "__name__", exporter.owner)
        raise RecordingError(
            f"{trace.place()}\n  the exporter of {owner}.{exporter.name} answers "
            f"{got.value.reshape(-1)[:3]}..., the function itself {real.reshape(-1)[:3]}...\n"
            "  way out: report it; nothing was exported"
        )
    if got.value.dtype == real.dtype and got.value.shape == real.shape and not got.is_constant:
        got = Array(real, got.tensor)
    if hasattr(expected, "toarray"):
        got._sparse = expected
    return got


def _same(got: np.ndarray, real: np.ndarray) -> bool:
    if real.dtype.kind == "O" or got.dtype.kind == "O":
        pairs = zip(got.reshape(-1).tolist(), real.reshape(-1).tolist(), strict=False)
        return got.shape == real.shape and all(_same_object(a, b) for a, b in pairs)
    return agrees(got.astype(real.dtype, copy=False) if got.dtype.kind == real.dtype.kind else got, real)


def _same_object(a: Any, b: Any) -> bool:
    if isinstance(a, (int, float)) and isinstance(b, float):
        return agrees(np.asarray(a, float), np.asarray(b))
    return bool(is_missing(a) and is_missing(b) or a == b)


def call(estimator: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """Run another estimator's method on traced values: its exporter if it has one, else its own code traced.

    Raises
    ------
    UnsupportedError
        If the estimator has no such method.
    """
    if not hasattr(estimator, method):
        trace = current()
        assert trace is not None
        raise trace.unsupported(
            f"{type(estimator).__name__} has no method {method!r}", "export a method that the estimator has"
        )
    return getattr(estimator, method)(*args, **kwargs)


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A library's function as the thread's trace runs it, for exporters that call one on traced values."""
    made: Callable[..., Any] = require_trace().see(function)
    return made


def rebound(attribute: Any, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    """A class attribute with the function at its heart replaced by ``wrap(function)``.

    Sees through ``available_if`` and other descriptors with ``fn``, ``staticmethod``, ``classmethod``,
    ``property``, and decorators made with ``functools.wraps`` (whose closure holds the function).
    """
    if isinstance(attribute, staticmethod):
        return staticmethod(rebound(attribute.__func__, wrap))
    if isinstance(attribute, classmethod):
        return classmethod(rebound(attribute.__func__, wrap))
    if isinstance(attribute, property):
        return property(rebound(attribute.fget, wrap), attribute.fset, attribute.fdel, attribute.__doc__)
    if hasattr(attribute, "fn") and not isinstance(attribute, types.FunctionType):
        made = object.__new__(type(attribute))
        made.__dict__.update(attribute.__dict__)
        made.fn = rebound(attribute.fn, wrap)
        return made
    inner = getattr(attribute, "__wrapped__", None)
    if isinstance(attribute, types.FunctionType) and inner is not None and attribute.__closure__:
        cells = tuple(
            types.CellType(rebound(inner, wrap)) if cell.cell_contents is inner else cell
            for cell in attribute.__closure__
        )
        made_function = types.FunctionType(
            attribute.__code__, attribute.__globals__, attribute.__name__, attribute.__defaults__, cells
        )
        made_function.__kwdefaults__ = attribute.__kwdefaults__
        return functools.update_wrapper(made_function, attribute)
    return wrap(attribute)
