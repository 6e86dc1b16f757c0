"""``sklearn._loss.link``: what calls scipy's geometric mean, whose checks look at the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss.link import MultinomialLogit

from onnxtwin.exporters.registry import exports


@exports(MultinomialLogit, "link")
def multinomial_logit_link(self: Any, y_pred: Any, out: Any = None) -> Any:
    mean = np.exp(np.mean(np.log(y_pred), axis=1))
    return np.log(y_pred / mean[:, np.newaxis], out=out)
