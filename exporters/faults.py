"""Errors that code may catch: one that the library raises too is the code's own, any other is a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxtwin.exporters.errors import OnnxTwinError
from onnxtwin.exporters.trace import require_trace


def as_the_library(what: str, recorded: Callable[[], Any], real: Callable[[], Any]) -> Any:
    """``recorded()``, with errors of the engine's own making told from those that real values cause too.

    Parameters
    ----------
    what : the operation in the user's words.
    real : the same operation on real values, which it may write into.

    Raises
    ------
    UnsupportedError
        For an error that ``real`` does not raise.
    """
    try:
        return recorded()
    except OnnxTwinError:
        raise
    except Exception as error:
        trace = require_trace()
        try:
            with trace.paused(), np.errstate(all="ignore"):
                real()
        except Exception as own:
            if isinstance(error, type(own)) or isinstance(own, type(error)):
                raise own from None
        raise trace.unsupported(
            f"{what} cannot be recorded here ({type(error).__name__}: {error})",
            "compute the same with other numpy functions on whole columns",
        ) from error


def spare(value: Any) -> Any:
    """The real value of an argument; of a traced one a copy, because an original may write into it."""
    from onnxtwin.exporters.array import concrete

    if type(value) in (list, tuple):
        return type(value)(spare(v) for v in value)
    if type(value) is dict:
        return {name: spare(v) for name, v in value.items()}
    real = concrete(value)
    return real.copy() if real is not value and hasattr(real, "copy") else real
