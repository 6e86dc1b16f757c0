"""``sklearn._loss``: what its links call outside of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss import link

from onnxtwin.exporters.registry import exports


@exports(link, "gmean")
def gmean(a: Any, axis: int = 0) -> Any:
    return np.exp(np.mean(np.log(a), axis=axis))
