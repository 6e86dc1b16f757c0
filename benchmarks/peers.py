"""Twins beside skl2onnx's graphs and scikit-learn itself: speed as ratios, and whether the answers are right.

Run from the repository's root: ``python benchmarks/peers.py``; it prints a table and writes it between the
markers of ``docs/benchmarks.md``. All three answer the same raw rows in the same process, one thread each, in
turn; each figure is the best of several repetitions.
"""

from __future__ import annotations

import argparse
import sys
import timeit
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import onnxruntime.capi.onnxruntime_pybind11_state as pybind
import pandas as pd
import skl2onnx
import sklearn
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PowerTransformer, StandardScaler

from onnxtwin.exporters import export_graph

RNG = np.random.default_rng(0)
LOADING = (
    *(pybind.Fail, pybind.InvalidGraph, pybind.InvalidArgument),
    *(pybind.NotImplemented, pybind.RuntimeException),
)
ROWS = 10_000
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEADER = (
    "| pipeline | twin's error | one row | 10,000 rows | sklearn / twin, one row | 10,000 rows "
    "| skl2onnx' error | skl2onnx / twin, one row | 10,000 rows |"
)
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"


def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Ten numeric columns, a fifth of them with gaps, and five text columns of twenty values."""
    numbers = RNG.normal(size=(ROWS, 10))
    numbers[:, :2][RNG.random((ROWS, 2)) < 0.1] = np.nan
    frame = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(10)])
    for i in range(5):
        frame[f"t{i}"] = RNG.choice([f"value {k}" for k in range(20)], ROWS)
    target = (frame["n3"] + (frame["t0"] > "value 3") + RNG.normal(size=ROWS) > 1).astype(int)
    return frame, target.to_numpy()


def pipelines(frame: pd.DataFrame) -> dict[str, tuple[Any, list[str]]]:
    """Name -> (unfitted pipeline, the columns it takes)."""
    numbers = [c for c in frame if c.startswith("n")]
    texts = [c for c in frame if c.startswith("t")]
    full = numbers[2:]
    return {
        "scaler, logistic regression": (make_pipeline(StandardScaler(), LogisticRegression()), full),
        "imputer with indicators, logistic regression": (
            make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression()),
            numbers,
        ),
        "Yeo-Johnson, logistic regression": (make_pipeline(PowerTransformer(), LogisticRegression()), full),
        "one-hot and scaler, logistic regression": (
            make_pipeline(
                make_column_transformer((OneHotEncoder(), texts), (StandardScaler(), full)),
                LogisticRegression(max_iter=500),
            ),
            [*full, *texts],
        ),
        "ordinal, random forest of 100": (
            make_pipeline(
                make_column_transformer((OrdinalEncoder(), texts), (StandardScaler(), full)),
                RandomForestClassifier(100, max_depth=10, random_state=0),
            ),
            [*full, *texts],
        ),
        "histogram boosting with gaps": (HistGradientBoostingClassifier(random_state=0), numbers),
    }


def session(model: Any) -> ort.InferenceSession:
    """One thread, as a service that scales by request runs it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options)


def best(function: Callable[[], Any], number: int, repeat: int) -> float:
    """Seconds a call, the best of ``repeat`` runs of ``number`` calls."""
    return min(timeit.repeat(function, number=number, repeat=repeat)) / number


def feeds(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """One input a column."""
    kinds = {c: None if frame[c].dtype.kind in "fi" else np.str_ for c in frame}
    return {str(c): np.asarray(frame[c], dtype=kind).reshape(-1, 1) for c, kind in kinds.items()}


def rival(pipeline: Any, frame: pd.DataFrame) -> tuple[Any, str]:
    """skl2onnx's session, or why there is none."""
    types = {c: DoubleTensorType if frame[c].dtype.kind == "f" else StringTensorType for c in frame}
    kinds = [(c, kind([None, 1])) for c, kind in types.items()]
    if not hasattr(pipeline, "steps") or not hasattr(pipeline[0], "transformers"):
        kinds = [("X", DoubleTensorType([None, frame.shape[1]]))]
    try:
        model = skl2onnx.convert_sklearn(
            pipeline, initial_types=kinds, options={"zipmap": False}, target_opset={"": 20, "ai.onnx.ml": 3}
        )
        return session(model), ""
    except (RuntimeError, NotImplementedError, ValueError, *LOADING) as error:
        return None, type(error).__name__


def row(name: str, pipeline: Any, frame: pd.DataFrame, y: np.ndarray) -> str:
    """One line of the table."""
    pipeline.fit(frame, y)
    expected = pipeline.predict_proba(frame)
    twin = session(export_graph(pipeline, frame).model)
    other, failure = rival(pipeline, frame)
    one, many = frame.iloc[:1], frame
    asked = ["predict", "predict_proba"]

    def ours(rows: pd.DataFrame) -> Callable[[], Any]:
        fed = feeds(rows)
        return lambda: twin.run(asked, fed)

    def theirs(rows: pd.DataFrame) -> Callable[[], Any]:
        fed = feeds(rows) if len(other.get_inputs()) > 1 else {"X": rows.to_numpy()}
        return lambda: other.run(None, fed)

    def itself(rows: pd.DataFrame) -> Callable[[], Any]:
        return lambda: (pipeline.predict(rows), pipeline.predict_proba(rows))

    error = np.abs(ours(many)()[1] - expected).max()
    asked_of = (ours, theirs) if other else (ours,)
    times = {f.__name__: (best(f(one), 200, 7), best(f(many), 1, 7)) for f in asked_of}
    reference = best(itself(one), 5, 5), best(itself(many), 1, 3)
    cells = [name, f"{error:.0e}", f"{times['ours'][0] * 1e6:.0f} µs", f"{times['ours'][1] * 1e3:.1f} ms"]
    cells += [f"{reference[i] / times['ours'][i]:.1f}" for i in (0, 1)]
    if other is None:
        cells += [f"none ({failure})", "", ""]
    else:
        wrong = np.abs(theirs(many)()[1] - expected).max()
        cells += [f"{wrong:.0e}", *(f"{times['theirs'][i] / times['ours'][i]:.1f}" for i in (0, 1))]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure, print, and update the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print only")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    frame, y = table()
    lines = [
        f"scikit-learn {sklearn.__version__}, onnxruntime {ort.__version__},",
        f"skl2onnx {skl2onnx.__version__}, one thread, {ROWS:,} rows.",
        "Ratios above 1: the twin is that many times faster.",
        "",
        HEADER,
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (pipeline, columns) in pipelines(frame).items():
        lines.append(row(name, pipeline, frame[columns], y))
    text = "\n".join(lines)
    sys.stdout.write(f"{text}\n")
    if not arguments.dry_run:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
