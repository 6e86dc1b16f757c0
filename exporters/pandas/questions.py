"""``pandas.api.types``: questions that compiled code answers by the exact class of what it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from onnxtwin.exporters.questions import seen
from onnxtwin.exporters.registry import exports


def _answering(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: function(
        *(seen(a) for a in args), **{k: seen(v) for k, v in kwargs.items()}
    )


for _name in dir(pd.api.types):
    if _name.startswith("is_"):
        exports(pd.api.types, _name, verified=False)(_answering(getattr(pd.api.types, _name)))
