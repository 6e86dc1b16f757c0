"""Recorded rows: the pipeline's answers, nobody's rows, and a replay that finds every difference."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import MIXED, ROW, classifier, documents, echo, matrix
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from onnxtwin.build import canonical, tensors
from onnxtwin.build.replay import replay
from onnxtwin.build.session import Session
from onnxtwin.build.vectors import Vectors, anonymise, choose, record
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT

X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0, 5.0], "b": [0.0, 5.0, 1.0, 1.0, 9.0]})


def answer(method: str, rows: pd.DataFrame) -> Any:
    """The pipeline that the hand-made classifier is the twin of."""
    if (rows.a < 0).any():
        raise ValueError("negative values are refused")
    above = (rows.a > rows.b).to_numpy()
    yes = np.where(above, 0.75, 0.25)
    return np.where(above, "yes", "no") if method == "predict" else np.column_stack([1 - yes, yes])


def recorded(rows: Any = X, **more: Any) -> Vectors:
    return record(classifier()[1], [("sample", rows)], answer, rows_are="real", seed=0, **more)


class TestRecording:
    def test_inputs_are_as_fed_and_outputs_as_the_pipeline_answers(self) -> None:
        vectors = recorded()
        assert vectors.inputs["a"].tolist() == [[1.0], [2.0], [3.0], [4.0], [5.0]]
        assert vectors.outputs["predict"].tolist() == ["yes", "no", "yes", "yes", "no"]
        assert vectors.outputs["predict_proba"][1].tolist() == [0.75, 0.25]
        assert set(vectors.outputs) == {"predict", "predict_proba"}

    def test_rows_that_the_pipeline_refuses_are_counted_and_left_out(self) -> None:
        vectors = recorded(X.assign(a=[1.0, -2.0, 3.0, -4.0, 5.0]))
        assert vectors.inputs["a"].tolist() == [[1.0], [3.0], [5.0]]
        assert vectors.refused == 2

    def test_rows_outside_of_the_signatures_domain_are_left_out(self) -> None:
        vectors = recorded(X.assign(b=[0.0, np.inf, np.nan, 1.0, 2.0]))
        assert (len(vectors), vectors.refused) == (3, 2)

    def test_rows_in_doubt_are_counted_and_left_out(self) -> None:
        vectors = recorded(doubt=lambda rows, inputs, outputs: inputs["a"][:, 0] == 3.0)
        assert (len(vectors), vectors.undetermined) == (4, 1)
        assert 3.0 not in vectors.inputs["a"]

    def test_every_row_keeps_its_tag(self) -> None:
        batches = [("sample", X), ("unknown", X.assign(a=-1.0)), ("missing", X.iloc[:2])]
        vectors = record(classifier()[1], batches, answer, rows_are="real", seed=0)
        assert vectors.tags == ("sample",) * 5 + ("missing",) * 2

    def test_no_row_at_all_is_an_error_caused_by_the_last_refusal(self) -> None:
        with pytest.raises(ArtifactError, match="of the rows 5 are refused") as caught:
            recorded(X.assign(a=-1.0))
        assert str(caught.value.__cause__) == "negative values are refused"

    def test_an_interrupt_is_no_refusal(self) -> None:
        def interrupted(method: str, rows: Any) -> Any:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            record(classifier()[1], [("sample", X)], interrupted, rows_are="real", seed=0)


class TestJson:
    def test_every_bit_survives(self) -> None:
        signature = echo(MIXED)[1]
        rows = [
            ROW,
            ROW | {"distance": None, "carrier": "𝒳\0", "left": None, "gate": None, "seats": 2**63 - 1},
        ]
        rows += [ROW | {"distance": value} for value in (-0.0, 5e-324, 0.1, 1.7976931348623157e308)]
        fed = Session(*echo(MIXED))._reader.read(rows).tensors
        outputs = {
            o.name: fed[c.name][:, 0] for o, c in zip(signature.outputs, signature.columns, strict=True)
        }
        vectors = Vectors("real", 3, ("sample",) * len(rows), fed, outputs, 1, 2)
        back = Vectors.from_json(json.loads(canonical.dumps(vectors.to_json())))
        assert replace(back, inputs={}, outputs={}) == replace(vectors, inputs={}, outputs={})
        for name, tensor in (vectors.inputs | vectors.outputs).items():
            other = (back.inputs | back.outputs)[name]
            assert (other.shape, other.dtype) == (tensor.shape, tensor.dtype)
            assert (
                other.tolist() == tensor.tolist()
                if tensor.dtype == object
                else other.tobytes() == tensor.tobytes()
            )

    def test_tensors_are_in_the_terms_of_the_open_inference_protocol(self) -> None:
        entry = tensors.to_json("x", np.array([[1.5, np.nan], [np.inf, -0.0]]))
        assert {key: entry[key] for key in ("name", "datatype", "shape", "data")} == {
            "name": "x",
            "datatype": "FP64",
            "shape": [2, 2],
            "data": [1.5, "NaN", "Infinity", -0.0],
        }
        assert entry["parameters"]["bits"][0] == "3ff8000000000000"
        assert entry["parameters"]["bits"][3] == "8000000000000000"

    def test_integers_and_single_precision_have_their_bits_too(self) -> None:
        assert tensors.to_json("x", np.array([-1]))["parameters"]["bits"] == ["f" * 16]
        assert tensors.to_json("x", np.array([NAT]))["parameters"]["bits"] == ["8" + "0" * 15]
        assert tensors.to_json("x", np.float32([0.1]))["parameters"]["bits"] == ["3dcccccd"]

    def test_text_and_flags_need_no_bits(self) -> None:
        assert tensors.to_json("x", np.array([[MISSING_TOKEN]], dtype=object))["data"] == [MISSING_TOKEN]
        assert tensors.to_json("x", np.array([True]))["datatype"] == "BOOL"

    def test_no_rows_keep_their_shape(self) -> None:
        for array in (np.empty((0, 3)), np.empty((0, 1), dtype=object)):
            assert tensors.from_json(tensors.to_json("x", array)).shape == array.shape


class TestAnonymising:
    ROWS = pd.DataFrame(
        {
            "n": np.arange(100.0),
            "s": [f"name {i}" for i in range(100)],
            "c": pd.Categorical([f"c{i % 7}" for i in range(100)]),
            "i": pd.array([None, *range(99)], dtype="Int64"),
            "t": pd.date_range("2013-01-01", periods=100, tz="UTC"),
        },
        index=np.arange(100) + 1000,
    )

    def test_no_row_is_anybodys(self) -> None:
        real = set(map(tuple, self.ROWS[["n", "s"]].itertuples(index=False)))
        shuffled = set(map(tuple, anonymise(self.ROWS, 0)[["n", "s"]].itertuples(index=False)))
        assert len(real & shuffled) < 5

    def test_each_column_keeps_its_values_and_dtype(self) -> None:
        shuffled = anonymise(self.ROWS, 0)
        assert shuffled.dtypes.equals(self.ROWS.dtypes)
        for name in self.ROWS:
            assert sorted(map(str, shuffled[name])) == sorted(map(str, self.ROWS[name]))

    def test_the_rows_handed_in_are_not_changed(self) -> None:
        before = self.ROWS.copy()
        anonymise(self.ROWS, 0)
        pd.testing.assert_frame_equal(self.ROWS, before)

    def test_the_same_seed_gives_the_same_rows(self) -> None:
        pd.testing.assert_frame_equal(anonymise(self.ROWS, 5), anonymise(self.ROWS, 5))
        assert not anonymise(self.ROWS, 5).equals(anonymise(self.ROWS, 6))

    def test_the_columns_of_a_matrix_are_permuted_by_themselves(self) -> None:
        matrix = np.arange(200.0).reshape(100, 2)
        shuffled = anonymise(matrix, 0)
        assert (np.sort(shuffled, axis=0) == matrix).all()
        assert (shuffled[:, 1] - shuffled[:, 0] != 1).sum() > 90

    @pytest.mark.parametrize("form", [list, np.array, pd.Series])
    def test_the_words_of_documents_are_dealt_anew(self, form: Any) -> None:
        texts = form([f"w{i} x{i} y{i}" for i in range(50)] + [""])
        shuffled = anonymise(texts, 0)
        assert type(shuffled) is type(texts)
        assert [len(text.split()) for text in shuffled] == [3] * 50 + [0]
        assert sorted(" ".join(shuffled).split()) == sorted(" ".join(texts).split())
        assert not set(shuffled) & set(texts) - {""}

    def test_rows_are_chosen_by_the_seed_and_keep_their_order(self) -> None:
        chosen = choose(self.ROWS, 10, 0)
        assert len(chosen) == 10
        assert chosen.index.is_monotonic_increasing
        assert chosen.equals(choose(self.ROWS, 10, 0))
        assert choose(self.ROWS, 1000, 0) is self.ROWS
        assert len(choose(["a", "b", "c"], 2, 0)) == 2


class TestReplay:
    def test_a_right_graph_is_equal(self) -> None:
        test = replay(Session(*classifier()), recorded())
        assert test.ok
        assert [(o.name, o.mismatched, o.bit_equal) for o in test.outputs] == [
            ("predict", 0, 1.0),
            ("predict_proba", 0, 1.0),
        ]
        assert str(test).startswith("equal: 5 recorded rows")

    def test_one_wrong_label_is_found_with_its_row(self) -> None:
        vectors = recorded()
        vectors.outputs["predict"][3] = "no"
        test = replay(Session(*classifier()), vectors)
        assert not test.ok
        assert (test.outputs[0].mismatched, test.outputs[0].first) == (1, 3)
        assert "UNEQUAL: 5 recorded rows, 1 differ" in str(test)

    @pytest.mark.parametrize(
        ("gap", "ok"), [(0.0, True), (1e-10, True), (2e-8, False), (np.nan, False), (np.inf, False)]
    )
    def test_floats_agree_within_the_tolerance_only(self, gap: float, ok: bool) -> None:
        vectors = recorded()
        vectors.outputs["predict_proba"][2, 1] += gap
        test = replay(Session(*classifier()), vectors)
        assert test.ok is ok
        assert (test.outputs[1].bit_equal == 1.0) is (gap == 0.0)

    def test_nan_equals_nan_and_an_infinity_only_itself(self) -> None:
        session = Session(*matrix(3, missing="nan", missing_allowed=True))
        fed = np.array([[np.nan, np.inf, -np.inf]])
        vectors = Vectors("real", 0, ("sample",), {"X": fed}, {"transform": fed.copy()})
        assert replay(session, vectors).ok
        vectors.outputs["transform"][0, 2] = np.inf
        assert not replay(session, vectors).ok

    def test_a_row_that_the_graphs_domain_excludes_fails(self) -> None:
        vectors = recorded()
        vectors.inputs["a"][0] = -1.0
        vectors.outputs["predict"][0] = "no"
        vectors.outputs["predict_proba"][0] = [0.75, 0.25]
        test = replay(Session(*classifier()), vectors)
        assert [o.mismatched for o in test.outputs] == [0, 0]
        assert test.failing.tolist() == [True, False, False, False, False]
        assert "1 rows that the pipeline answered are outside the graph's domain" in str(test)

    def test_no_rows_are_not_green(self) -> None:
        nothing = Vectors("real", 0, (), {n: np.empty((0, 1)) for n in "ab"}, {})
        test = replay(Session(*classifier()), nothing)
        assert not test.ok
        assert str(test).startswith("no rows")

    def test_documents_are_replayed(self) -> None:
        model, signature = documents()
        texts = ["a b", "ü 𝒳"]
        vectors = record(
            signature,
            [("sample", texts)],
            lambda method, rows: np.array(rows, dtype=object).reshape(-1, 1),
            rows_are="real",
            seed=0,
        )
        assert replay(Session(model, signature), vectors).ok


def test_a_real_pipelines_answers_are_recorded_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 3))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, rows[:, 0] > 0)
    signature = matrix(3, missing="nan")[1]
    expected = replace(signature.outputs[0], name="p", method="predict_proba", shape=(None, 2))
    signature = replace(signature, outputs=(expected,), methods=("predict_proba",))
    vectors = record(
        signature, [("sample", rows)], lambda m, X: getattr(model, m)(X), rows_are="real", seed=0
    )
    assert vectors.outputs["p"].tobytes() == model.predict_proba(rows).tobytes()
