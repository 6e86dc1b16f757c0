"""A twin takes rows as the pipeline takes them, or refuses them; it never answers otherwise."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

import onnxtwin
from onnxtwin.errors import InputError

ROWS = 60
RNG = np.random.default_rng(7)
X = load_iris().data[RNG.permutation(150)[:ROWS]]
TARGET = (X[:, 0] * 3.1 - X[:, 3] + RNG.normal(size=ROWS)).round(3)
NAMED = pd.DataFrame(X[:, :3], columns=["length", "width", "petal"]).assign(count=RNG.integers(0, 9, ROWS))
WORDS = pd.Series(
    np.where(RNG.random(ROWS) < 0.2, None, RNG.choice(["red", "green", "blue"], ROWS)), dtype="str"
)
MIXED = NAMED.assign(colour=WORDS, size=pd.Categorical(RNG.choice(["S", "M", "L"], ROWS), ["S", "M", "L"]))
TEXTS = RNG.choice(["red", "green", "blue", "sea"], ROWS).tolist()


def by_name(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"area": frame["length"] * frame["width"], "many": frame["count"] // 2})


def by_place(frame: pd.DataFrame) -> np.ndarray:
    return frame.to_numpy() * np.array([1.0, 2.0, 3.0, 4.0])


def by_pattern(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.filter(regex="^(length|petal)")


def by_label(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"sum": frame[0] * 2.0 + frame[1], "last": frame[2]})


def deviation(matrix: Any) -> Any:
    return np.asarray(matrix) - np.asarray(matrix.std(axis=1)).reshape(-1, 1)


def reddish(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"red": frame["colour"].str.contains("re").astype(float), "x": frame["length"]})


def size_code(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"size": frame["size"].cat.codes, "x": frame["length"]})


def spelt(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"one": (frame["count"].astype(str) == "1").astype(float), "x": frame["length"]})


def warm(texts: Any) -> Any:
    return (np.asarray(texts) == "red").reshape(-1, 1).astype(float)


def encoded() -> Any:
    encode = OneHotEncoder(handle_unknown="ignore")
    return make_column_transformer((StandardScaler(), list(NAMED)), (encode, ["colour", "size"]))


PIPELINES: dict[str, tuple[Any, Any]] = {
    "a scaled matrix": (make_pipeline(StandardScaler(), LinearRegression()), X),
    "a raw matrix": (LinearRegression(), X),
    "a single precision matrix": (LinearRegression(), X.astype(np.float32)),
    "a matrix of whole numbers": (
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression()),
        X.astype(np.int64),
    ),
    "logarithms of a matrix": (make_pipeline(FunctionTransformer(np.log1p), LinearRegression()), X),
    "reciprocals of a matrix": (make_pipeline(FunctionTransformer(np.reciprocal), LinearRegression()), X + 1),
    "own code on a matrix": (make_pipeline(FunctionTransformer(deviation), LinearRegression()), X),
    "columns of a matrix": (
        make_pipeline(make_column_transformer((StandardScaler(), [0, 2])), LinearRegression()),
        X,
    ),
    "a matrix of texts": (
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression()),
        MIXED[["colour", "size"]].to_numpy(dtype=object),
    ),
    "a forest on a matrix": (RandomForestClassifier(5, random_state=0), X),
    "a scaled frame": (make_pipeline(StandardScaler(), LinearRegression()), NAMED),
    "an imputed frame": (make_pipeline(SimpleImputer(), LinearRegression()), NAMED),
    "columns of a frame": (make_pipeline(encoded(), LinearRegression()), MIXED),
    "columns chosen by type": (
        make_pipeline(
            make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number"))),
            LinearRegression(),
        ),
        MIXED,
    ),
    "a frame whose names are numbers": (make_pipeline(StandardScaler(), LinearRegression()), pd.DataFrame(X)),
    "places in a frame whose names are numbers": (
        make_pipeline(make_column_transformer((StandardScaler(), [0, 2])), LinearRegression()),
        pd.DataFrame(X),
    ),
    "numbers as names": (make_pipeline(FunctionTransformer(by_label), LinearRegression()), pd.DataFrame(X)),
    "own code by name": (make_pipeline(FunctionTransformer(by_name), LinearRegression()), NAMED),
    "own code by place": (make_pipeline(FunctionTransformer(by_place), LinearRegression()), NAMED),
    "own code by pattern": (make_pipeline(FunctionTransformer(by_pattern), LinearRegression()), NAMED),
    "own code on texts": (make_pipeline(FunctionTransformer(reddish), LinearRegression()), MIXED),
    "own code on categories": (make_pipeline(FunctionTransformer(size_code), LinearRegression()), MIXED),
    "own code on spelling": (make_pipeline(FunctionTransformer(spelt), LinearRegression()), MIXED),
    "two branches": (
        make_pipeline(
            make_union(FunctionTransformer(by_name), make_column_transformer((StandardScaler(), ["petal"]))),
            LinearRegression(),
        ),
        NAMED,
    ),
    "ordinals of categories": (
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["size"]),
                ("passthrough", ["length"]),
            ),
            LinearRegression(),
        ),
        MIXED,
    ),
    "own code on words": (make_pipeline(FunctionTransformer(warm), LinearRegression()), TEXTS),
}


def frames(rows: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    labels = rows.columns.tolist()
    yield "reversed columns", rows[labels[::-1]]
    yield "turned columns", rows[[*labels[1:], labels[0]]]
    yield "two columns exchanged", rows[[labels[1], labels[0], *labels[2:]]]
    yield "an extra column", rows.assign(**{f"{labels[0]}_more": 1.0})
    yield "an extra text", rows.assign(**{f"{labels[0]}_text": "red"})
    yield "an extra column in front", rows.assign(new=1.0)[["new", *labels]]
    yield "a column less", rows[labels[:-1]]
    yield "a column twice", rows[[*labels, labels[0]]]
    yield "another name", rows.rename(columns={labels[0]: "other"})
    yield "names as texts", rows.rename(columns=str)
    yield "numbered columns", rows.set_axis(range(len(labels)), axis=1)
    yield "a matrix", rows.to_numpy()
    yield "its one row", rows.iloc[0]
    yield "another index", rows.set_axis(np.arange(len(rows))[::-1] + 5, axis=0)
    yield "objects", rows.astype(object)
    for label in labels:
        kind = rows[label].dtype
        if kind in ("float64", "int64"):
            for dtype in ("float64", "float32", "float16", "int64", "int32", "int8", "bool", "str", "object"):
                yield f"{label} as {dtype}", whole(rows, label).astype({label: dtype})
            for dtype in (
                "Int64",
                "Float64",
                "category",
                "datetime64[ns]",
                "timedelta64[ns]",
                "Sparse[float64]",
            ):
                yield f"{label} as {dtype}", whole(rows, label).astype({label: dtype})
        else:
            for dtype in ("str", "string", "object", "category"):
                yield f"{label} as {dtype}", rows.astype({label: dtype})
            texts = rows[label].astype(object)
            for name, value in {"None": None, "NA": pd.NA, "NaT": pd.NaT, "nan": np.nan, "3": 3}.items():
                yield (
                    f"{label} with {name} among objects",
                    rows.assign(**{label: texts.where(texts != "red", value)}),
                )
            yield f"{label} as numbers", rows.assign(**{label: np.arange(len(rows))})
            yield f"{label} as dates", rows.assign(**{label: pd.Timestamp("2020-01-01")})
            listed = pd.Categorical(texts.fillna("red"), sorted({*texts.dropna(), "red"}, reverse=True))
            yield f"{label} under other categories", rows.assign(**{label: listed})
            yield f"{label} with new categories", rows.assign(**{label: pd.Categorical(["new"] * len(rows))})
            yield (
                f"{label} as dates in a category",
                rows.assign(**{label: pd.Categorical([pd.Timestamp("2020-01-01")] * len(rows))}),
            )


def whole(rows: pd.DataFrame, label: Any) -> pd.DataFrame:
    made = rows.copy()
    made[label] = np.trunc(rows[label])
    return made


def matrices(rows: np.ndarray) -> Iterator[tuple[str, Any]]:
    width = rows.shape[1]
    yield "a frame", pd.DataFrame(rows)
    yield "a frame with permuted numbers", pd.DataFrame(rows)[list(range(width))[::-1]]
    yield "a frame with names", pd.DataFrame(rows, columns=[f"x{i}" for i in range(width)])
    yield (
        "a frame with its numbers as texts",
        pd.DataFrame(rows)[list(range(width))[::-1]].rename(columns=str),
    )
    yield "a column less", rows[:, 1:]
    yield "a column more", np.column_stack([rows, rows[:, 0]])
    yield "one row", rows[0]
    yield "three dimensions", rows[:, :, None]
    yield "lists", rows.tolist()
    yield "tuples", [tuple(row) for row in rows.tolist()]
    yield "arrays in a list", list(rows)
    yield "column by column", np.asfortranarray(rows)
    yield "objects", rows.astype(object)
    yield "a memory map's kind", rows.view(np.memmap) if rows.dtype != object else rows
    holed = rows.astype(object)
    for name, value in {"None": None, "NA": pd.NA, "NaT": pd.NaT, "nan": np.nan}.items():
        holed = holed.copy()
        holed[::7, 0] = value
        yield f"objects with {name}", holed
        yield f"lists with {name}", holed.tolist()
    if rows.dtype == object:
        yield "text", rows.astype(np.str_)
        yield "numbers among objects", np.full_like(rows, 3)
        yield "dates among objects", np.full_like(rows, pd.Timestamp("2020-01-01"))
        return
    yield "an np.matrix", np.asmatrix(rows)
    yield "a masked array", np.ma.masked_array(rows, rows > 3)
    yield "a sparse matrix", scipy.sparse.csr_matrix(rows)
    yield "another byte order", rows.astype(rows.dtype.newbyteorder(">"))
    yield "whole numbers in lists", np.trunc(rows).astype(int).tolist()
    yield "texts", rows.astype(str)
    for dtype in (
        "float64",
        "float32",
        "float16",
        "longdouble",
        "int64",
        "int32",
        "int8",
        "uint8",
        "bool",
        "complex",
    ):
        yield f"whole numbers as {dtype}", np.trunc(rows).astype(dtype)
    yield "rounded", rows.astype(np.float32)


def documents(rows: list[str]) -> Iterator[tuple[str, Any]]:
    yield "a tuple", tuple(rows)
    yield "a Series", pd.Series(rows)
    yield "objects in a Series", pd.Series(rows, dtype=object)
    yield "categories", pd.Series(rows, dtype="category")
    yield "an array", np.array(rows)
    yield "an array of objects", np.array(rows, dtype=object)
    yield "one text", rows[0]
    yield "a frame", pd.DataFrame({"text": rows})
    for name, value in {"None": None, "nan": np.nan, "NA": pd.NA, "a number": 3}.items():
        yield f"with {name}", [*rows[:5], value]
        yield f"a Series with {name}", pd.Series([*rows[:5], value], dtype=object)


def forms(rows: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(rows, pd.DataFrame):
        return frames(rows)
    return matrices(rows) if isinstance(rows, np.ndarray) else documents(rows)


def answer(predict: Callable[[Any], Any], rows: Any, refuses: type[Exception]) -> Any:
    try:
        return predict(pickle.loads(pickle.dumps(rows)))
    except refuses:
        return None


@pytest.fixture(params=PIPELINES)
def fitted(request: pytest.FixtureRequest) -> tuple[Any, onnxtwin.Twin, Any]:
    pipeline, rows = PIPELINES[request.param]
    y = np.sign(TARGET) if hasattr(pipeline, "predict_proba") else TARGET
    pipeline.fit(rows, y)
    return pipeline, onnxtwin.export(pipeline, rows, methods=["predict"]), rows


@pytest.mark.filterwarnings("ignore")
def test_rows_of_every_form_are_answered_alike_or_refused(fitted: tuple[Any, onnxtwin.Twin, Any]) -> None:
    pipeline, twin, rows = fitted
    # A sum in single precision depends on how the rows lie in memory.
    tolerance = 1e-5 if getattr(rows, "dtype", None) == np.float32 else 1e-9
    wrong = []
    for name, given in forms(rows):
        got = answer(twin.predict, given, InputError)
        if got is None:
            continue
        expected = answer(pipeline.predict, given, Exception)
        if expected is None:
            wrong.append(f"{name}: the pipeline refuses")
        elif not np.allclose(np.asarray(got, float), np.asarray(expected, float), tolerance, tolerance):
            wrong.append(f"{name}: another answer")
    assert wrong == []
    assert np.allclose(twin.predict(rows), pipeline.predict(rows), tolerance, tolerance)
