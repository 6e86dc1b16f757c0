"""Runs a function of spox Vars on arrays, through onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from spox import Tensor, argument, build

TEXT = object
"""The dtype of text arrays."""


def texts(*values: str) -> np.ndarray:
    """A vector of texts."""
    return np.array(values, dtype=TEXT)


def run(function: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """What the graph of ``function`` answers: an array, or a list of them if it returns several Vars.

    The first dimension of every input is symbolic, the others are fixed.
    """
    inputs = {
        f"x{i}": argument(Tensor(np.str_ if a.dtype == TEXT else a.dtype, _shape(a)))
        for i, a in enumerate(arrays)
    }
    made = function(*inputs.values())
    several = isinstance(made, (tuple, list))
    outputs = {f"y{i}": v for i, v in enumerate(made if several else [made])}
    model = build(inputs, outputs)
    model.ir_version = 10
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = session.run(list(outputs), dict(zip(inputs, arrays, strict=True)))
    return answers if several else answers[0]


def _shape(array: np.ndarray) -> tuple[Any, ...]:
    return ("N", *array.shape[1:]) if array.ndim else ()


def ulps(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest error in units of the expected value's last place; infinite if only one is NaN."""
    with np.errstate(all="ignore"):
        error = np.abs(got - expected) / np.spacing(np.abs(expected))
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return float(np.where(same, 0.0, np.where(np.isnan(error), np.inf, error)).max(initial=0.0))
