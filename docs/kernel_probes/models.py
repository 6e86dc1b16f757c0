"""Trees, and the operators of ``ai.onnx.ml`` that bridged graphs bring along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import numpy_helper

from kernel_probes.probe import FLOATS, TYPES, Probe


def probes() -> Iterator[Probe]:
    """The tree of version 5, then what came before it."""
    for kind in FLOATS:
        yield from _trees(kind)
        yield from _preprocessing(kind)
        yield from _older(kind)


def _trees(kind: str) -> Iterator[Probe]:
    dtype = TYPES[kind][1]
    split = dtype(0.1)
    above = np.nextafter(split, dtype(1))
    x = np.array([[split], [above], [np.nan], [-np.inf], [np.inf], [-1.0]], dtype=dtype)
    weights = np.array([1 / 3, 2 / 3], dtype)
    attributes: dict[str, Any] = {
        "aggregate_function": 1,
        "post_transform": 0,
        "n_targets": 1,
        "tree_roots": [0],
        "nodes_featureids": [0],
        "nodes_modes": numpy_helper.from_array(np.array([0], np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.array([split])),
        "nodes_missing_value_tracks_true": [1],
        "nodes_trueleafs": [1],
        "nodes_truenodeids": [0],
        "nodes_falseleafs": [1],
        "nodes_falsenodeids": [1],
        "leaf_targetids": [0, 0],
        "leaf_weights": numpy_helper.from_array(weights),
    }
    answer = np.where(np.isnan(x) | (x <= split), weights[0], weights[1])
    nothing = ([x[:0]], [answer[:0]])
    yield Probe("TreeEnsemble", [x], [answer], "ai.onnx.ml", attributes, key=kind, empty=nothing)


def _preprocessing(kind: str) -> Iterator[Probe]:
    x = np.random.default_rng(2).normal(size=(20, 3)).astype(TYPES[kind][1])

    def case(op: str, inputs: Any, answer: Any, ulps: float = 0.0, **attributes: Any) -> Probe:
        return Probe(op, [inputs], [answer], "ai.onnx.ml", attributes, ulps=ulps, key=kind)

    shifted = (x - np.float32(0.1)) * np.float32(3)
    yield case("Scaler", x, shifted, 4, offset=[0.1] * 3, scale=[3.0] * 3)
    yield case("Normalizer", x, x / np.sqrt((x * x).sum(axis=1, keepdims=True)), 8, norm="L2")
    yield case("LinearRegressor", x, x.sum(axis=1, keepdims=True), 1e4, coefficients=[1.0, 1.0, 1.0])
    holes = x.copy()
    holes[::3, 0] = np.nan
    filled = np.where(np.isnan(holes), x.dtype.type(0.5), holes)
    yield case("Imputer", holes, filled, imputed_value_floats=[0.5], replaced_value_float=float("nan"))
    yield case("Binarizer", x, (x > 0).astype(x.dtype), threshold=0.0)


def _older(kind: str) -> Iterator[Probe]:
    x = np.random.default_rng(4).normal(size=(20, 3)).astype(TYPES[kind][1])
    left = x[:, :1] <= 0.25
    tree: dict[str, Any] = {
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_featureids": [0, 0, 0],
        "nodes_missing_value_tracks_true": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_nodeids": [0, 1, 2],
        "nodes_treeids": [0, 0, 0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_values": [0.25, 0.0, 0.0],
    }
    targets = {
        "n_targets": 1,
        "target_ids": [0, 0],
        "target_nodeids": [1, 2],
        "target_treeids": [0, 0],
        "target_weights": [0.5, 2.0],
    }
    classes = {
        "class_ids": [0, 1],
        "class_nodeids": [1, 2],
        "class_treeids": [0, 0],
        "class_weights": [1.0, 1.0],
        "classlabels_int64s": [0, 1, 2],  # of two classes it keeps one score, by a rule of its own
        "post_transform": "NONE",
    }
    linear = {
        "coefficients": [1.0, 0.0, 0.0, -1.0, 0.0, 0.0],
        "intercepts": [0.0, 0.0],
        "classlabels_ints": [0, 1],
        "post_transform": "NONE",
        "multi_class": 0,
    }

    def case(op: str, answers: list[Any], attributes: dict[str, Any]) -> Probe:
        return Probe(op, [x], answers, "ai.onnx.ml", attributes, key=kind, ml=3)

    yield case("TreeEnsembleRegressor", [np.where(left, 0.5, 2.0).astype(np.float32)], tree | targets)
    votes = np.concatenate([left, ~left, left & ~left], axis=1).astype(np.float32)
    yield case("TreeEnsembleClassifier", [(~left[:, 0]).astype(np.int64), votes], tree | classes)
    scores = np.stack([x[:, 0], -x[:, 0]], axis=1).astype(np.float32)
    yield case("LinearClassifier", [(x[:, 0] < 0).astype(np.int64), scores], linear)
