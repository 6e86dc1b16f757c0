"""The bridge to skl2onnx, for classes that no trace sees through and no exporter stands for.

The user (or onnxmltools) has registered a converter for them. The converted graph is inlined, and verified
like everything else.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnx
import onnxruntime.capi.onnxruntime_pybind11_state as pybind
import spox
import spox.opset.ai.onnx.v20 as op

from onnxtwin.exporters.array import Array, constant, encode, place
from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.numpy.creation import asarray
from onnxtwin.exporters.registry import Exporter
from onnxtwin.exporters.shadow import Shadow
from onnxtwin.exporters.tensor import STRING, cast
from onnxtwin.exporters.trace import agrees, require_trace

_METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")
_CONVERTER_ERRORS = (
    *(RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, KeyError),
    *(
        pybind.Fail,
        pybind.InvalidGraph,
        pybind.InvalidArgument,
        pybind.NotImplemented,
        pybind.RuntimeException,
    ),
)
"""What converters raise, and what onnxruntime raises at the graphs of some."""

_TARGET = {"": 20, "ai.onnx.ml": 3}

_NARROWING = ("xgboost",)
"""Packages whose methods narrow rows of doubles to single precision before anything else.

LightGBM compares doubles with its thresholds, so that single precision takes the other branch near a split.
"""
_SINGLE = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def bridged(shadow: Shadow) -> list[Exporter]:
    """The methods of the pipeline's own classes that a registered converter may answer.

    scikit-learn's own classes are left out: they are traced.
    """
    if "skl2onnx" not in sys.modules:
        return []
    from skl2onnx._supported_operators import sklearn_operator_name_map

    found: dict[tuple[type, str], Exporter] = {}
    originals = {id(copied): original for copied, original in shadow.estimators}
    for copied, estimator in shadow.estimators:
        kind = type(estimator)
        if kind.__module__.split(".")[0] == "sklearn" or kind not in sklearn_operator_name_map:
            continue
        for name in _METHODS:
            if hasattr(estimator, name):
                run = _exporter(getattr(type(copied), name), name, originals)
                found[kind, name] = Exporter(kind, name, run, verified=False)
    return list(found.values())


def _exporter(traced: Any, name: str, originals: dict[int, Any]) -> Any:
    def run(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return require_trace().attempt(lambda: traced(self, X, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whatever its code raises says: this cannot be traced
            return _converted(originals.get(id(self), self), name, constant(asarray(X)), error)

    return run


def _converted(estimator: Any, name: str, X: Array, reason: Exception) -> Array:
    """The method by its converter, in a precision that does not agree on the sample only."""
    trace = require_trace()
    X = Array(X.value, X.tensor)
    with trace.paused():
        real = np.asarray(getattr(estimator, name)(X.value))
    failures: list[str] = []
    narrowed = False
    for dtype in _precisions(estimator, name, X):
        try:
            with trace.paused():
                model = _model(estimator, X, dtype)
            if dtype == np.float64 == X.tensor.dtype and _in_single(model, _output(model, name)):
                narrowed = True
                failures.append("its graph computes in single precision")
                continue
            answer = _answer(model, name, X, dtype)
        except _CONVERTER_ERRORS as error:
            failures.append(f"{dtype}: {type(error).__name__}: {error}")
            continue
        if answer is not None and _same(answer, real):
            return _inlined(model, name, X, dtype, real)
        failures.append(f"{dtype}: its answers differ from the class's own")
    if narrowed:
        raise UnsupportedError(
            f"{trace.place()}\n  {type(estimator).__name__}.{name} runs code that cannot be traced, and its "
            f"skl2onnx converter computes in float32 what the class is given in float64: near a split or a "
            f"boundary the two may answer another label\n"
            f"  way out: fit the pipeline and export it on float32 rows (X.astype(np.float32)), take an "
            f"estimator of scikit-learn in its place, or register an exporter for "
            f"{type(estimator).__name__}.{name} with @onnxtwin.exports"
        ) from reason
    said = "; ".join(failure.partition("\n")[0] for failure in failures)
    raise UnsupportedError(
        f"{trace.place()}\n  {type(estimator).__name__}.{name} runs code that cannot be traced, and its "
        f"skl2onnx converter does not answer what it answers within 1e-9 ({said})\n"
        f"  way out: take an estimator of scikit-learn in its place, or register an exporter for "
        f"{type(estimator).__name__}.{name} with @onnxtwin.exports"
    ) from reason


def _precisions(estimator: Any, name: str, X: Array) -> list[np.dtype]:
    """The precisions of the graph that may stand for the method on these rows, the best one first."""
    double, single = np.dtype(np.float64), np.dtype(np.float32)
    if X.tensor.dtype != double:
        return [double, single]
    owner = next((c for c in type(estimator).__mro__ if name in vars(c)), type(estimator))
    return [single] if owner.__module__.split(".")[0] in _NARROWING else [double]


def _in_single(model: onnx.ModelProto, output: str) -> bool:
    """Whether something before the answer is held in less than double precision."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    single = {v.name for v in graph.value_info if v.type.tensor_type.elem_type in _SINGLE}
    single |= {v.name for v in graph.output if v.type.tensor_type.elem_type in _SINGLE}
    single |= {t.name for t in graph.initializer if t.data_type in _SINGLE}
    wanted, read = {output}, set[str]()
    for node in reversed(graph.node):
        if not wanted.isdisjoint(node.output):
            wanted.update(node.input)
            read.update(node.input)
            # Numbers in the attributes of ai.onnx.ml (thresholds, weights) are of single precision.
            if node.domain == "ai.onnx.ml" and any(a.floats for a in node.attribute):
                return True
    return not read.isdisjoint(single)


def _model(estimator: Any, X: Array, dtype: np.dtype) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import (
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    held = X.tensor.dtype
    width = X.shape[1] if X.ndim == 2 else 1
    kind = (
        StringTensorType
        if held == STRING
        else Int64TensorType
        if held.kind in "iu"
        else DoubleTensorType
        if dtype == np.float64
        else FloatTensorType
    )
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    model: onnx.ModelProto = convert_sklearn(
        estimator, initial_types=[("X", kind([None, width]))], target_opset=_TARGET, options=options
    )
    return model


def _output(model: onnx.ModelProto, name: str) -> str:
    outputs: list[str] = [o.name for o in model.graph.output]
    return (
        outputs[1]
        if name in ("predict_proba", "decision_function", "score_samples") and len(outputs) > 1
        else outputs[0]
    )


def _feed(X: Array, dtype: np.dtype) -> np.ndarray:
    held = encode(X.value)
    return held if held.dtype.kind in "Uiu" else held.astype(dtype)


def _answer(model: onnx.ModelProto, name: str, X: Array, dtype: np.dtype) -> np.ndarray | None:
    from onnxtwin.exporters.finish import session

    return np.asarray(session(model).run([_output(model, name)], {"X": _feed(X, dtype)})[0])


def _same(answer: np.ndarray, real: np.ndarray) -> bool:
    """Floats within 1e-9 whatever their type: the class's own arithmetic is not known; others identical."""
    if answer.size != real.size:
        return False
    shaped = answer.reshape(real.shape)
    return agrees(shaped, real.astype(np.float64)) if real.dtype.kind == "f" else agrees(shaped, real)


def _inlined(model: onnx.ModelProto, name: str, X: Array, dtype: np.dtype, real: np.ndarray) -> Array:
    held = X.tensor
    fed = held.flat if held.dtype == STRING or held.dtype.kind in "iu" else cast(held.flat, dtype)
    found = spox.inline(model)(X=fed)[_output(model, name)]
    shape = np.array([-1, *real.shape[1:]], np.int64)
    shaped = op.reshape(found, op.const(shape))
    return place(
        f"skl2onnx {name}", real, cast(shaped, real.dtype) if real.dtype.kind in "f" else shaped, [held]
    )
