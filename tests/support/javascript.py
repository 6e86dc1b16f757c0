"""What the tests of the two JavaScript runtimes share: a small graph with text, numbers and labels."""

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import onnxtwin
from artifacts import sample
from onnxtwin.build.artifact import MODEL, read
from onnxtwin.build.replay import compare, replay
from onnxtwin.exporters.signature import Column, Input, Output, Signature

TEXTS = ["", "a", "😀", "\U0010ffff", "é", "e\u0301", "\ufeffmark", "نعم", "x" * 100_000]


def small_twin():
    """A twin with a column of numbers and one of texts, and two labels; its rows."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"weight": rng.normal(size=60), "city": rng.choice(["Köln", "Paris", "🗼"], 60)})
    encoder = OneHotEncoder(handle_unknown="ignore")
    steps = make_column_transformer((encoder, ["city"]), remainder="passthrough")
    labels = np.where(rows["weight"] > 0, "heavy 🏋", "light")
    return onnxtwin.export(make_pipeline(steps, LogisticRegression()).fit(rows, labels), rows), rows


def text_graph():
    """A graph that gives its texts back, and for each whether it is ``a``; with its signature."""
    nodes = [
        helper.make_node("Identity", ["text"], ["transform"]),
        helper.make_node(
            "Constant", [], ["a"], value=helper.make_tensor("a", TensorProto.STRING, [1], [b"a"])
        ),
        helper.make_node("Equal", ["text", "a"], ["predict"]),
    ]
    graph = helper.make_graph(
        nodes,
        "texts",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["N", 1])],
        [
            helper.make_tensor_value_info("transform", TensorProto.STRING, ["N", 1]),
            helper.make_tensor_value_info("predict", TensorProto.BOOL, ["N", 1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    signature = Signature(
        "DataFrame",
        "columns",
        (Column("text", "text", "str", "string", "token", True),),
        (Input("text", "string", ("text",)),),
        (
            Output("transform", "transform", None, "string", "str", (None, 1)),
            Output("predict", "predict", None, "bool", "bool", (None, 1)),
        ),
        methods=("transform", "predict"),
    )
    return model.SerializeToString(), signature


def assert_equal_on_held_out_rows(open_session, name):
    """All recorded and 10,000 held-out rows of an artifact have the pipeline's answers."""
    held_out = sample(name)
    artifact = read(held_out.folder)
    with open_session(artifact.path / MODEL, artifact.signature) as session:
        recorded = replay(session, artifact.vectors)
        found = compare(session, held_out.inputs, held_out.outputs)
    assert recorded.ok, str(recorded)
    assert found.rows == 10_000
    assert not found.failing[~held_out.undetermined].any(), str(found)


def nul_graph():
    """The graph and signature of :func:`text_graph`, but that it answers every row with ``a`` NUL ``b``."""
    model, signature = text_graph()
    changed = onnx.load_model_from_string(model)
    constant = helper.make_tensor("nul", TensorProto.STRING, [1], [b"a\0b"])
    del changed.graph.node[0]
    changed.graph.node.insert(0, helper.make_node("Constant", [], ["nul"], value=constant))
    changed.graph.node.insert(1, helper.make_node("Shape", ["text"], ["shape"]))
    changed.graph.node.insert(2, helper.make_node("Expand", ["nul", "shape"], ["transform"]))
    return changed.SerializeToString(), signature
