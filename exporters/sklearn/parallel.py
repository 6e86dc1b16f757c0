"""``sklearn.utils.parallel``: jobs run one after the other, in the thread that traces."""

from __future__ import annotations

from typing import Any

from sklearn.utils.parallel import Parallel

from onnxtwin.exporters.registry import exports


@exports(Parallel, "__call__", verified=False, always=True)
def parallel_call(self: Any, iterable: Any) -> list[Any]:
    # Inside of sklearn.utils.parallel.delayed, whose wrapper warns outside of jobs, is the function itself.
    return [getattr(function, "function", function)(*args, **kwargs) for function, args, kwargs in iterable]
