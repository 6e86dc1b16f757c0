"""``pandas.api.types``: questions that compiled code answers by the exact class of what it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from onnxtwin.exporters.questions import seen
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.trace import require_trace


def _answering(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        reals = [seen(a) for a in args]
        named = {name: seen(value) for name, value in kwargs.items()}
        if function is pd.api.types.is_string_dtype and any(
            str(getattr(real, "dtype", "")) == "object" for real in (*reals, *named.values())
        ):
            raise require_trace().unsupported(
                "is_string_dtype of objects looks at their values", "look at the dtype: x.dtype == object"
            )
        return function(*reals, **named)

    return run


for _name in dir(pd.api.types):
    if _name.startswith("is_"):
        exports(pd.api.types, _name, verified=False)(_answering(getattr(pd.api.types, _name)))
