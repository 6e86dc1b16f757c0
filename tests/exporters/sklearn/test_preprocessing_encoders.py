"""OneHotEncoder and OrdinalEncoder: rare, dropped, unknown and missing categories of every type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import UnsupportedError

NAN = np.nan
BIG = 2**53

TEXT = np.array([["a", "x"], ["b", "y"], ["a", "x"], ["c", "x"], ["d", "zé"], ["a", "y"]] * 4, dtype=object)
UNKNOWN_TEXT = np.array([["a", "x"], ["ZZ", "q"], ["", "x"], ["d", "😀"], ["a ", "zé"]], dtype=object)
WITH_NAN = TEXT.copy()
WITH_NAN[[1, 7], 0] = NAN
WITH_NAN[3, 1] = NAN
WITH_NONE = TEXT.copy()
WITH_NONE[[1, 7], 0] = None
FLOATS = np.array([[1.5, 0.0], [NAN, -0.0], [BIG + 2.0, 3], [1.5, 4], [-1, 4]] * 4)
UNKNOWN_FLOATS = np.array([[1.5, -0.0], [NAN, 0.0], [7, 3], [BIG + 4.0, 4], [-1, NAN]])
INTEGERS = np.array([[1, BIG + 1], [2, BIG], [3, 5], [1, 5]] * 5)
UNKNOWN_INTEGERS = np.array([[1, BIG + 2], [BIG + 1, BIG], [3, BIG + 1], [-4, 5]])
FLAGS = np.array([[True, False], [False, False], [True, True]] * 7)

SAMPLES = {
    "text": (TEXT, UNKNOWN_TEXT),
    "text with NaN": (WITH_NAN, np.vstack([UNKNOWN_TEXT, [[NAN, NAN]]])),
    "text with None": (WITH_NONE, np.vstack([UNKNOWN_TEXT, [[None, "x"]]])),
    "numpy text": (TEXT.astype(str), UNKNOWN_TEXT.astype(str)),
    "float64": (FLOATS, UNKNOWN_FLOATS),
    "float32": (FLOATS.astype(np.float32), UNKNOWN_FLOATS.astype(np.float32)),
    "int64": (INTEGERS, UNKNOWN_INTEGERS),
    "int8": ((INTEGERS % 7).astype(np.int8), (UNKNOWN_INTEGERS % 9).astype(np.int8)),
    "bool": (FLAGS, FLAGS[::-1]),
}
every_type = pytest.mark.parametrize("kind", SAMPLES)

RARE: list[dict[str, Any]] = [
    {},
    {"min_frequency": 5},
    {"max_categories": 2},
    {"min_frequency": 0.3, "max_categories": 3},
]


@pytest.mark.filterwarnings("ignore:Found unknown categories")
class TestOneHotEncoder:
    @pytest.mark.parametrize("drop", [None, "first", "if_binary", ["a", "x"]])
    @pytest.mark.parametrize("handle_unknown", ["error", "ignore", "infrequent_if_exist", "warn"])
    @pytest.mark.parametrize("rare", RARE, ids=repr)
    def test_every_rule_for_text(self, rare: dict[str, Any], handle_unknown: str, drop: Any) -> None:
        encoder = OneHotEncoder(handle_unknown=handle_unknown, drop=drop, **rare)
        if isinstance(drop, list) and rare:
            encoder.set_params(drop=["a", "y"], max_categories=None, min_frequency=5)
        rows = WITH_NAN if handle_unknown == "error" else SAMPLES["text with NaN"][1]
        assert_twin_equal(encoder.fit(WITH_NAN), WITH_NAN, rows)

    @every_type
    def test_unknown_categories_are_ignored(self, kind: str) -> None:
        sample, rows = SAMPLES[kind]
        assert_twin_equal(OneHotEncoder(handle_unknown="ignore").fit(sample), sample, rows)

    @every_type
    def test_unknown_categories_join_the_rare_ones(self, kind: str) -> None:
        sample, rows = SAMPLES[kind]
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=6, drop="if_binary")
        assert_twin_equal(encoder.fit(sample), sample, rows)

    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, np.uint16, bool])
    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_the_output_has_the_encoders_dtype(self, dtype: Any, sparse_output: bool) -> None:
        encoder = OneHotEncoder(dtype=dtype, sparse_output=sparse_output).fit(TEXT)
        assert_twin_equal(encoder, TEXT)

    def test_given_categories_keep_their_order(self) -> None:
        encoder = OneHotEncoder(categories=[["d", "c", "b", "a", "never"], ["zé", "y", "x"]]).fit(TEXT)
        assert_twin_equal(encoder, TEXT)

    def test_none_and_nan_are_two_categories(self) -> None:
        both = WITH_NONE.copy()
        both[2, 0] = NAN
        encoder = OneHotEncoder(handle_unknown="ignore").fit(both)
        assert encoder.categories_[0][-2] is None
        assert_twin_equal(encoder, WITH_NONE, SAMPLES["text with None"][1])
        assert_twin_equal(encoder, WITH_NAN, SAMPLES["text with NaN"][1])

    def test_a_column_with_nothing_left_vanishes(self) -> None:
        rows = np.array([["a", "x"], ["a", "y"]] * 12, dtype=object)
        assert_twin_equal(OneHotEncoder(drop="first").fit(rows), rows)

    def test_names_survive_set_output(self) -> None:
        frame = pd.DataFrame(TEXT, columns=["home.dest", "predict"], dtype="str")
        encoder = OneHotEncoder(sparse_output=False).set_output(transform="pandas").fit(frame)
        assert_twin_equal(encoder, frame)

    def test_many_categories_make_no_square_table(self) -> None:
        names = np.array([[f"N{i:05d}"] for i in range(5000)], dtype=object)
        encoder = OneHotEncoder(handle_unknown="ignore").fit(names)
        assert export_graph(encoder, names[:40]).model.ByteSize() < 500_000
        assert_twin_equal(encoder, names[:40], names[-40:])

    def test_ten_columns_cost_two_nodes_each(self) -> None:
        rows = np.array([[f"c{j}v{(i * 7 + j) % 20}" for j in range(10)] for i in range(60)], dtype=object)
        frame = pd.DataFrame(rows, columns=list("abcdefghij"), dtype="str")
        graph = export_graph(OneHotEncoder(handle_unknown="ignore").fit(frame), frame).model.graph
        assert len(graph.node) == 22


class TestOrdinalEncoder:
    @every_type
    @pytest.mark.parametrize("unknown_value", [NAN, -5])
    def test_unknown_categories_get_the_unknown_value(self, kind: str, unknown_value: float) -> None:
        sample, rows = SAMPLES[kind]
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown_value)
        assert_twin_equal(encoder.fit(sample), sample, rows)

    @pytest.mark.parametrize("rare", RARE, ids=repr)
    @pytest.mark.parametrize("encoded_missing_value", [NAN, -3])
    @pytest.mark.parametrize("unknown", [{}, {"handle_unknown": "use_encoded_value", "unknown_value": -5}])
    @pytest.mark.parametrize("kind", ["text with NaN", "float64"])
    def test_every_rule(
        self, kind: str, unknown: dict[str, Any], encoded_missing_value: float, rare: dict[str, Any]
    ) -> None:
        sample, rows = SAMPLES[kind]
        encoder = OrdinalEncoder(encoded_missing_value=encoded_missing_value, **unknown, **rare).fit(sample)
        assert_twin_equal(encoder, sample, rows if unknown else sample)

    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int16])
    def test_the_output_has_the_encoders_dtype(self, dtype: Any) -> None:
        encoder = OrdinalEncoder(dtype=dtype, encoded_missing_value=-1).fit(WITH_NAN)
        assert_twin_equal(encoder, WITH_NAN)


def frame_of(seed: int, rows: int, extra: tuple[str, ...] = ()) -> pd.DataFrame:
    """Columns of every type that an encoder takes, drawn at random."""
    rng = np.random.default_rng(seed)

    def drawn(*values: Any) -> list[Any]:
        return [values[i] for i in rng.integers(0, len(values), rows)]

    return pd.DataFrame(
        {
            "text": pd.Series(drawn("a", "b", "é", *extra), dtype="str"),
            "text with NaN": pd.Series(drawn("a", "b", NAN, *extra), dtype="str"),
            "objects with None": pd.Series(drawn("p", "q", None, *extra), dtype=object),
            "objects with NaN": pd.Series(drawn("p", "q", NAN, *extra), dtype=object),
            "string": pd.array(drawn("m", "n", *extra), dtype="string"),
            "text categories": pd.Categorical(drawn("lo", "hi", None), categories=["lo", "hi", "never"]),
            "integer categories": pd.Categorical(drawn(1, 2, 3), categories=[1, 2, 3, 9]),
            "float categories": pd.Categorical(drawn(1.5, 2.5, None), categories=[1.5, 2.5]),
            "Int64": pd.array(drawn(1, 2), dtype="Int64"),
            "Int64 with NA": pd.array(drawn(1, 2, None), dtype="Int64"),
            "boolean": pd.array(drawn(True, False), dtype="boolean"),
            "bool": np.array(drawn(True, False)),
            "float64": drawn(1.5, 2.5, NAN, -0.0),
            "float32": np.array(drawn(0.1, 0.2, NAN), np.float32),
            "int64": np.array(drawn(1, 2, BIG + 1)),
            "int8": np.array(drawn(1, 2, 3), np.int8),
            "day": np.array(drawn("2020-02-29", "2021-05-05"), "M8[s]"),
        }
    )


SAMPLE, ROWS = frame_of(3, 24), frame_of(9, 40, ("ZZ", "", "nan"))


@pytest.mark.parametrize("column", SAMPLE.columns)
def test_every_pandas_column_is_encoded(column: str) -> None:
    for encoder in (
        OneHotEncoder(handle_unknown="ignore"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-7),
    ):
        assert_twin_equal(encoder.fit(SAMPLE[[column]]), SAMPLE[[column]], ROWS[[column]])


@pytest.mark.parametrize("layout", ["columns", "packed"])
def test_all_pandas_columns_are_encoded_together(layout: str) -> None:
    encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=4).fit(SAMPLE)
    assert_twin_equal(encoder, SAMPLE, ROWS, layout=layout)


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        (FLOATS[:, 1:], FLOATS[:, 1:].astype(np.float32)),
        (FLOATS[:, 1:], FLOATS[:, 1:].astype(np.int64)),
        (INTEGERS[:, :1], INTEGERS[:, :1].astype(float) + np.array([[0.0], [0.5]] * 10)),
        (INTEGERS, INTEGERS.astype(float)),
        (FLAGS, FLAGS.astype(int) * 2),
        (FLAGS.astype(float), FLAGS),
    ],
)
def test_numbers_compare_across_types_as_numpy_compares_them(fitted: Any, given: Any) -> None:
    assert_twin_equal(OneHotEncoder(handle_unknown="ignore").fit(fitted), given)


class TestUnknownCategoriesUnderError:
    @pytest.mark.parametrize("kind", [OneHotEncoder, OrdinalEncoder])
    def test_raw_text_says_its_values_in_the_contract(self, kind: Any) -> None:
        encoder = kind().fit(WITH_NAN)
        session = twin_of(encoder, WITH_NAN)
        assert session.signature.columns[0].values == ("a", "b", "c", "d")
        assert session.signature.conditions == ()
        assert_both_refuse(session, encoder, np.array([["ZZ", "x"], ["a", "nan"]], dtype=object))

    def test_missing_text_is_refused_where_the_encoder_does_not_know_it(self) -> None:
        encoder = OneHotEncoder().fit(TEXT)
        assert_both_refuse(twin_of(encoder, TEXT), encoder, np.array([[NAN, "x"]], dtype=object))

    def test_raw_numbers(self) -> None:
        encoder = OneHotEncoder().fit(FLOATS)
        rows = np.array([[np.inf, 0], [7, 0], [1.5, NAN]])
        assert_both_refuse(twin_of(encoder, FLOATS), encoder, rows)
        encoder.fit(INTEGERS)
        assert_both_refuse(twin_of(encoder, INTEGERS), encoder, np.array([[1, 7], [1, BIG + 2], [9, 5]]))

    def test_computed_columns_are_judged_by_one_condition(self) -> None:
        model = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()).fit(WITH_NAN)
        session = assert_twin_equal(model, WITH_NAN)
        assert [c.message for c in session.signature.conditions] == [
            "unknown category in column 0, column 1: the pipeline raises"
        ]
        assert_both_refuse(session, model, np.array([["ZZ", "x"], ["a", "nan"]], dtype=object))

    def test_two_encoders_of_one_column_accept_what_both_know(self) -> None:
        narrow = OneHotEncoder(categories=[["a", "b", "c", "d"], ["x", "y", "zé"]])
        wide = OrdinalEncoder(categories=[["a", "b", "c", "d", "e"], ["x", "y", "zé", "w"]])
        union = FeatureUnion([("narrow", narrow), ("wide", wide)]).fit(TEXT)
        session = assert_twin_equal(union, TEXT)
        assert session.signature.columns[1].values == ("x", "y", "zé")
        assert_both_refuse(session, union, np.array([["e", "x"], ["a", "w"]], dtype=object))


def test_infinities_are_outside_of_the_domain_even_if_unknown_is_ignored() -> None:
    encoder = OneHotEncoder(handle_unknown="ignore").fit(FLOATS)
    rows = np.array([[np.inf, 0], [1.5, -np.inf]])
    assert_both_refuse(twin_of(encoder, FLOATS), encoder, rows)
    computed = make_pipeline(FunctionTransformer(np.floor), OneHotEncoder(handle_unknown="ignore")).fit(
        FLOATS
    )
    assert_both_refuse(twin_of(computed, FLOATS), computed, rows)


def test_columns_of_mixed_types_pass_through_an_imputer_into_the_encoder() -> None:
    columns = ["text with NaN", "float64", "int8", "bool", "objects with NaN"]
    steps = SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    assert_twin_equal(make_pipeline(*steps).fit(SAMPLE[columns]), SAMPLE[columns], ROWS[columns])


def test_the_model_behind_an_encoder_answers_alike() -> None:
    target = np.arange(len(WITH_NAN)) % 3
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(WITH_NAN, target)
    assert_twin_equal(model, WITH_NAN, SAMPLES["text with NaN"][1])


def test_a_column_of_none_and_nan_is_refused() -> None:
    hide = FunctionTransformer(lambda X: X.where(X != "b", None))
    frame = pd.DataFrame(WITH_NAN, columns=["city", "state"]).astype(object)
    model = make_pipeline(hide, OneHotEncoder(handle_unknown="ignore")).fit(frame)
    with pytest.raises(UnsupportedError, match="None and nan, which the encoder tells apart"):
        twin_of(model, frame)


def test_a_category_equal_to_the_missing_token_is_refused_beside_a_missing_one() -> None:
    rows = WITH_NAN.copy()
    rows[0, 0] = "__missing__"
    encoder = OneHotEncoder(handle_unknown="ignore").fit(rows)
    with pytest.raises(UnsupportedError, match="the text '__missing__', as which missing values travel"):
        twin_of(encoder, WITH_NAN)


class _Shouting(OneHotEncoder):
    """An encoder that looks up something else than its columns."""

    def _check_X(self, X: Any, ensure_all_finite: Any = True) -> Any:  # noqa: N802
        columns, samples, features = super()._check_X(X, ensure_all_finite=ensure_all_finite)
        return [np.array([str(v).upper() for v in c], dtype=object) for c in columns], samples, features


def test_an_encoder_with_an_overridden_method_is_never_exported_as_its_parent() -> None:
    encoder = _Shouting(handle_unknown="ignore").fit(TEXT)
    with pytest.raises(UnsupportedError):
        twin_of(encoder, TEXT)


class _Padded(BaseEstimator, TransformerMixin):
    """A transformer that calls an encoder of its own."""

    def fit(self, X: Any, y: Any = None) -> _Padded:
        self.encoder_ = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(X)
        return self

    def transform(self, X: Any) -> Any:
        return self.encoder_.transform(X) * 10 + 1


def test_an_encoder_inside_of_a_users_class_is_looked_up_too() -> None:
    assert_twin_equal(_Padded().fit(TEXT), TEXT, UNKNOWN_TEXT)
