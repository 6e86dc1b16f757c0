"""Recipes of the artifacts that every language is tried on: each has something that a client could get wrong.

Each returns a fitted pipeline and 10,000 rows that it was not fitted on (``onnxtwin build path:function``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

HELD_OUT = 10_000

Recipe = tuple[Pipeline, Any]


def _halves(X: Any, y: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[Any], Any]:
    """Rows to fit on with their targets, and the held-out rows."""
    seen = len(X) - HELD_OUT
    if isinstance(X, pd.DataFrame):
        return X.iloc[:seen], y[:seen], X.iloc[seen:].reset_index(drop=True)
    return X[:seen], y[:seen], X[seen:]


def _gaps(rng: np.random.Generator, count: int, share: float = 0.1) -> npt.NDArray[np.bool_]:
    return rng.random(count) < share


def dates_and_text() -> Recipe:
    """Instants with and without a zone in two units, a duration in 100 ns (.NET has no finer one), text.

    ``channel`` accepts its four values only; ``amount`` must be finite, and not 0 (its logarithm is scaled).
    """
    rng = np.random.default_rng(1)
    count = 3_000 + HELD_OUT
    ordered = pd.Series(np.datetime64("2021-01-01", "us") + rng.integers(0, 10**14, count).astype("m8[us]"))
    shipped = ordered + pd.to_timedelta(rng.integers(0, 10**6, count), unit="s").astype("m8[us]")
    note = np.array(
        ["call first", "", "fragile", "leave at the door", "Ünïcode ☂", "gift 🎁 wrap"], dtype=object
    )
    X = pd.DataFrame(
        {
            "ordered_at": ordered.dt.tz_localize("UTC").dt.tz_convert("Europe/Paris"),
            "shipped_on": shipped.astype("datetime64[s]").mask(_gaps(rng, count)),
            "handling": pd.Series((rng.integers(0, 10**13, count) * 100).astype("m8[ns]")).mask(
                _gaps(rng, count)
            ),
            "note": pd.Series(rng.choice(note, count)).astype("str").mask(_gaps(rng, count)),
            "channel": rng.choice(["web", "shop", "phone", "fax"], count),
            "amount": rng.lognormal(3, 1, count).round(2) + 0.01,
        }
    )

    def derive(rows: pd.DataFrame) -> pd.DataFrame:
        ordered_at = rows["ordered_at"].dt.tz_convert("UTC")
        return pd.DataFrame(
            {
                "hour": ordered_at.dt.hour,
                "weekday": ordered_at.dt.day_of_week,
                "month": rows["shipped_on"].dt.month,
                "days": (rows["shipped_on"] - ordered_at.dt.tz_convert(None)).dt.total_seconds() / 86_400,
                "handling": rows["handling"].dt.total_seconds(),
                "words": rows["note"].str.len(),
                "gift": rows["note"].str.contains("gift", regex=False, na=False),
                "amount": np.log(rows["amount"]),
                "channel": rows["channel"],
            }
        )

    target = (X["amount"] * (1 + ordered.dt.hour) / 20 + rng.normal(0, 5, count)).to_numpy()
    numbers = ["hour", "weekday", "month", "days", "handling", "words", "gift", "amount"]
    pipeline = make_pipeline(
        FunctionTransformer(derive),
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers), (OneHotEncoder(), ["channel"])
        ),
        Ridge(),
    )
    fitted, y, held_out = _halves(X, target)
    return pipeline.fit(fitted, y), held_out


def multi_class() -> Recipe:
    """Four classes named by texts, one with an emoji; a category column with one, too."""
    rng = np.random.default_rng(2)
    count = 3_000 + HELD_OUT
    X = pd.DataFrame(
        {
            "mood": pd.Categorical(rng.choice(["calm", "😀 glad", "grün", "نعم"], count)),
            "city": pd.Series(rng.choice(["Paris", "São Paulo", "", "Zürich"], count)).mask(
                _gaps(rng, count)
            ),
            "score": rng.normal(0, 1, count),
            "visits": rng.integers(0, 40, count),
        }
    )
    signal = X["score"] + X["visits"] / 20 + (X["mood"] == "calm") + rng.normal(0, 0.4, count)
    names = np.array(["low", "mittel – mäßig", "高", "top 🚀"])
    target = names[np.digitize(signal, [0.0, 1.0, 2.0])]
    pipeline = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["mood", "city"]),
            (StandardScaler(), ["score", "visits"]),
        ),
        LogisticRegression(max_iter=300),
    )
    fitted, y, held_out = _halves(X, target)
    return pipeline.fit(fitted, y), held_out


def multi_output() -> Recipe:
    """Two targets: ``predict`` is a table of labels, ``predict_proba`` a list of two matrices."""
    rng = np.random.default_rng(3)
    count = 3_000 + HELD_OUT
    X = pd.DataFrame(
        {
            "width": rng.normal(5, 2, count),
            "height": rng.normal(9, 3, count),
            "weight": rng.lognormal(1, 1, count),
        }
    )
    target = np.stack(
        [X["width"] + rng.normal(0, 1, count) > 5, np.digitize(X["height"] * X["weight"], [10, 40])], axis=1
    ).astype(np.int64)
    forest = RandomForestClassifier(n_estimators=20, max_depth=7, random_state=0)
    fitted, y, held_out = _halves(X, target)
    return make_pipeline(StandardScaler().set_output(transform="pandas"), forest).fit(fitted, y), held_out


def transformer() -> Recipe:
    """Named columns of three types out: numbers, codes, and the text itself; some texts are missing."""
    rng = np.random.default_rng(4)
    count = 2_000 + HELD_OUT
    X = pd.DataFrame(
        {
            "price": pd.Series(rng.lognormal(2, 1, count)).mask(_gaps(rng, count)),
            "stock": rng.integers(0, 500, count),
            "grade": rng.choice(["A", "B", "C"], count),
            "title": pd.Series(rng.choice(["Käse", "bread 🍞", "", "olive oil"], count)).mask(
                _gaps(rng, count)
            ),
        }
    )
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["price"]),
        (OrdinalEncoder(dtype=np.int64), ["grade"]),
        ("passthrough", ["title", "stock"]),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    fitted, _, held_out = _halves(X, np.zeros(count))
    return Pipeline([("columns", columns)]).fit(fitted), held_out


def forest() -> Recipe:
    """A regression forest of more than 100,000 nodes on numbers alone."""
    rng = np.random.default_rng(5)
    count = 6_000 + HELD_OUT
    X = pd.DataFrame(rng.normal(size=(count, 6)).round(3), columns=list("abcdef"))
    target = (X["a"] * X["b"] + np.sin(3 * X["c"]) + rng.normal(0, 0.3, count)).to_numpy()
    fitted, y, held_out = _halves(X, target)
    trees = ExtraTreesRegressor(n_estimators=12, min_samples_leaf=1, random_state=0, n_jobs=2)
    return make_pipeline(SimpleImputer(), trees).fit(fitted, y), held_out


AWKWARD_NAMES = {
    "home.dest": "text",
    "class": "text",
    "int": "int",
    "def": "float",
    "2nd half": "float32",
    "größe (cm)": "float",
    "a b": "Int64",
    "a-b": "boolean",
    "a_b": "bool",
    "predict": "float",
    "Close": "float",
    "数量": "int32",
    "level": "ordered",
    "rank": "numeric category",
    'say "hi" \\ {0}': "float",
    "toString": "float",
    "_": "float",
}
"""What the columns of :func:`awkward` are called, and of what kind each is."""


def awkward() -> Recipe:
    """Columns whose names no language takes as they are, in every type that may be missing."""
    rng = np.random.default_rng(6)
    count = 3_000 + HELD_OUT

    def column(kind: str) -> Any:
        numbers = rng.normal(0, 10, count)
        whole = rng.integers(-50, 50, count)
        gone = _gaps(rng, count)
        return {
            "text": lambda: pd.Series(rng.choice(["x", "y z", "é"], count)).mask(gone),
            "int": lambda: whole,
            "int32": lambda: whole.astype(np.int32),
            "float": lambda: pd.Series(numbers).mask(gone),
            "float32": lambda: pd.Series(numbers.astype(np.float32)).mask(gone),
            "Int64": lambda: pd.Series(whole).astype("Int64").mask(gone),
            "boolean": lambda: pd.Series(whole > 0).astype("boolean").mask(gone),
            "bool": lambda: whole > 10,
            "ordered": lambda: pd.Categorical(
                rng.choice(["low", "mid", "high"], count), ["low", "mid", "high"], ordered=True
            ),
            "numeric category": lambda: pd.Categorical(rng.choice([1, 2, 30], count)),
        }[kind]()

    X = pd.DataFrame({name: column(kind) for name, kind in AWKWARD_NAMES.items()})
    categories = ["home.dest", "class", "level", "rank"]
    signal = X["def"].fillna(0) + X["int"] / 5 + X["a_b"] * 4 + rng.normal(0, 3, count)
    target = np.where(signal > 0, "true", "class")
    pipeline = make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), categories),
            (SimpleImputer(), make_column_selector(dtype_exclude=["object", "str", "category"])),
        ),
        HistGradientBoostingClassifier(max_iter=20, random_state=0),
    )
    fitted, y, held_out = _halves(X, target)
    return pipeline.fit(fitted, y), held_out


def matrix() -> Recipe:
    """A plain 2-D array of numbers: one input, ``X``; three classes that are integers."""
    rng = np.random.default_rng(7)
    count = 2_000 + HELD_OUT
    X = rng.normal(size=(count, 5))
    target = np.digitize(X[:, 0] + X[:, 1] ** 2 + rng.normal(0, 0.3, count), [0.0, 1.0]) * 10
    fitted, y, held_out = _halves(X, target)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(fitted, y), held_out


def documents() -> Recipe:
    """A list of texts; two classes that are booleans."""
    rng = np.random.default_rng(8)
    count = 2_000 + HELD_OUT
    words = np.array(
        [
            "good",
            "bad",
            "fine",
            "awful",
            "naïve",
            "ПРИВЕТ",
            "😀",
            "ok",
            "the",
            "a",
            "of",
            "not",
            "never",
            "always,",
            "very.",
            "day",
        ]
    )
    texts = [" ".join(rng.choice(words, rng.integers(0, 12))) for _ in range(count)]

    def features(rows: list[str]) -> pd.DataFrame:
        text = pd.Series(np.asarray(rows, dtype=object)).astype("str")
        found = {word: text.str.contains(word, regex=False) for word in ("good", "bad", "😀", "never")}
        return pd.DataFrame(found | {"length": text.str.len()}).astype(np.float64)

    target = np.array(["good" in text or "fine" in text for text in texts])
    fitted, y, held_out = _halves(texts, target)
    return make_pipeline(FunctionTransformer(features), LogisticRegression()).fit(fitted, y), held_out


def packed() -> Recipe:
    """Columns of every element type, exported with ``layout="packed"``: one matrix a type."""
    rng = np.random.default_rng(9)
    count = 2_000 + HELD_OUT
    X = pd.DataFrame(
        {
            "age": pd.Series(rng.integers(18, 90, count)).astype("Int64").mask(_gaps(rng, count)),
            "fare": rng.lognormal(3, 1, count),
            "parch": rng.integers(0, 5, count),
            "sibsp": rng.integers(0, 5, count),
            "alone": rng.random(count) < 0.5,
            "deck": pd.Series(rng.choice(["A", "B", "C"], count)).mask(_gaps(rng, count)),
            "port": rng.choice(["C", "Q", "S"], count),
            "weight": rng.normal(70, 9, count).astype(np.float32),
        }
    )
    target = (X["age"].fillna(40).to_numpy(dtype=float) / 10 + X["fare"] / 20 - X["alone"] > 5).to_numpy()
    pipeline = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["deck"]),
            (OneHotEncoder(), ["port"]),
            (SimpleImputer(), ["age", "fare", "parch", "sibsp", "alone", "weight"]),
        ),
        StandardScaler(with_mean=False),
        LogisticRegression(max_iter=500),
    )
    fitted, y, held_out = _halves(X, target)
    return pipeline.fit(fitted, y), held_out
