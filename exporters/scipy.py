"""The leaves of scipy that scikit-learn's inference code reaches: power transforms and 1-D interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate
import scipy.sparse
import scipy.special
import scipy.stats

from onnxtwin.exporters.array import Array, concrete, constant
from onnxtwin.exporters.domain import require_true
from onnxtwin.exporters.numpy.creation import asarray
from onnxtwin.exporters.numpy.ufuncs import composed
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.trace import require_trace


@composed(scipy.special.boxcox)
def boxcox(x: Any, lmbda: Any) -> Any:
    """``scipy.special.boxcox`` (``_boxcox.pxd``): log below 1e-19, expm1 while it stays finite, else exp."""
    power = float(lmbda)
    if abs(power) < 1e-19:
        return np.log(x)
    exponent = np.multiply(power, np.log(x))
    near = np.divide(np.expm1(exponent), power)
    far = np.subtract(np.copysign(1.0, power) * np.exp(exponent - np.log(abs(power))), 1.0 / power)
    return np.where(np.less(exponent, 709.78), near, np.where(np.isnan(exponent), np.nan, far))


@exports(scipy.stats, "yeojohnson")
def yeojohnson(x: Any, lmbda: Any = None) -> Any:
    """``scipy.stats._morestats._yeojohnson_transform``, its masks as ``where``."""
    if lmbda is None:
        raise require_trace().unsupported(
            "fits a Yeo-Johnson lambda on the rows", "fit it with PowerTransformer"
        )
    x = asarray(x)
    if x.dtype.kind in "iu":
        x = x.astype(np.float64)
    power = float(lmbda)
    eps = np.finfo(x.dtype).eps
    up = np.log1p(x) if abs(power) < eps else np.expm1(power * np.log1p(x)) / power
    down = -np.expm1((2 - power) * np.log1p(-x)) / (2 - power) if abs(power - 2) > eps else -np.log1p(-x)
    return np.where(x >= 0, up, down)


@exports(scipy.interpolate.interp1d, "__call__")
def interp1d_call(self: Any, x: Any) -> Any:
    """``scipy.interpolate.interp1d`` of kind linear over one-dimensional values."""
    linear = getattr(self._call, "__name__", "") in ("_call_linear", "_call_linear_np")
    known = isinstance(self, scipy.interpolate.interp1d)
    if not known or not linear or np.ndim(self.y) != 1:
        raise require_trace().unsupported(
            f"{type(self).__name__} is not linear interpolation of single values", "use kind='linear'"
        )
    x = constant(asarray(x))
    flat = x.reshape(-1)
    if flat.dtype.kind in "iub":
        flat = flat.astype(np.float64)
    if self._call.__name__ == "_call_linear_np":
        y = np.interp(flat, self.x, self.y)
    else:
        hi = np.clip(np.searchsorted(self.x, flat), 1, len(self.x) - 1)
        lo = hi - 1
        x_lo, x_hi, y_lo, y_hi = (
            np.take(t, i) for t, i in ((self.x, lo), (self.x, hi), (self._y[:, 0], lo), (self._y[:, 0], hi))
        )
        y = (y_hi - y_lo) / (x_hi - x_lo) * (flat - x_lo) + y_lo
    if not self._extrapolate:
        below, above = flat < self.x[0], flat > self.x[-1]
        if self.bounds_error:
            require_true(
                np.logical_not(np.logical_or(below, above)),
                "the pipeline refuses values outside of the fitted range",
            )
        y = np.where(
            below, np.squeeze(self._fill_value_below), np.where(above, np.squeeze(self._fill_value_above), y)
        )
    return y.reshape(x.shape)


@exports(scipy.sparse, "hstack", verified=False)
def sparse_hstack(blocks: Any, format: Any = None, dtype: Any = None) -> Any:
    """Sparse output is dense in the graph: the same values, side by side."""
    reals = [b._sparse if type(b) is Array and b._sparse is not None else concrete(b) for b in blocks]
    arrays: list[Any] = [constant(asarray(b)) for b in blocks]
    made: Any = np.hstack([Array(a.value, None if a.is_constant else a.tensor) for a in arrays])
    made = made if dtype is None else made.astype(dtype)
    made._sparse = scipy.sparse.hstack(reals, format, dtype)
    return made
