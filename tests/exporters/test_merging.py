"""Equal parts of a graph are computed once, loops too; unequal ones are all kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from parity import assert_twin_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.merging import merge_equal


def loop(prefix: str, step: float = 1.0, reads: str = "x") -> onnx.NodeProto:
    """A loop that adds ``step`` and another value of the graph to what it carries."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", [f"{prefix}go"], [f"{prefix}on"], name=f"{prefix}1"),
            helper.make_node("Add", [f"{prefix}in", f"{prefix}step"], [f"{prefix}sum"], name=f"{prefix}2"),
            helper.make_node("Add", [f"{prefix}sum", reads], [f"{prefix}out"]),
        ],
        f"{prefix}body",
        [
            helper.make_tensor_value_info(f"{prefix}i", TensorProto.INT64, []),
            helper.make_tensor_value_info(f"{prefix}go", TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{prefix}in", TensorProto.DOUBLE, ["N"]),
        ],
        [
            helper.make_tensor_value_info(f"{prefix}on", TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{prefix}out", TensorProto.DOUBLE, ["N"]),
        ],
        [numpy_helper.from_array(np.array(step), f"{prefix}step")],
    )
    return helper.make_node("Loop", ["times", "", "x"], [f"{prefix}answer"], name=prefix, body=body)


def merged(*nodes: onnx.NodeProto) -> list[str]:
    """Operators that are left of these nodes and a sum of their answers."""
    answers = [node.output[0] for node in nodes]
    graph = helper.make_graph(
        [*nodes, helper.make_node("Sum", answers, ["y"])],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["N"]) for name in ("x", "z")],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["N"])],
        [numpy_helper.from_array(np.array(3), "times")],
    )
    merge_equal(graph)
    return [node.op_type for node in graph.node]


class TestLoops:
    def test_that_differ_in_their_names_alone_are_one(self) -> None:
        assert merged(loop("a"), loop("b")) == ["Loop", "Sum"]

    def test_with_another_number_inside_are_two(self) -> None:
        assert merged(loop("a"), loop("b", step=2.0)) == ["Loop", "Loop", "Sum"]

    def test_that_read_something_else_of_the_graph_around_are_two(self) -> None:
        assert merged(loop("a"), loop("b", reads="z")) == ["Loop", "Loop", "Sum"]

    def test_that_read_the_answers_of_equal_loops_are_one(self) -> None:
        nodes = [loop("a"), loop("b"), loop("c", reads="aanswer"), loop("d", reads="banswer")]
        assert merged(*nodes) == ["Loop", "Loop", "Sum"]


def _turned(rows: pd.DataFrame) -> Any:
    return pd.DataFrame({"first": rows["text"].str.upper().str[:1].eq("A").astype(float)})


class TestMethodsOfOnePipeline:
    def test_share_the_loops_of_their_texts(self) -> None:
        X = pd.DataFrame({"text": ["abc", "ß", "", "Zoë", "a b", "İ"] * 5})
        y = np.arange(30) % 2
        pipeline = make_pipeline(FunctionTransformer(_turned), LogisticRegression()).fit(X, y)
        one, both = (
            export_graph(pipeline, X, methods=methods).model
            for methods in (["predict"], ["predict", "predict_proba"])
        )
        loops = [sum(node.op_type == "Loop" for node in model.graph.node) for model in (one, both)]
        assert loops[0] == loops[1] > 0
        assert_twin_equal(pipeline, X)
