"""A twin takes the pipeline's calls, says whether it is equal, and goes to disk and back."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from handmade import classifier
from models import flowers
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

import onnxtwin
from onnxtwin import Twin
from onnxtwin.errors import (
    ArtifactError,
    CheckError,
    DomainError,
    InputError,
    OnnxTwinError,
    UnequalError,
    UnsupportedError,
)
from onnxtwin.recording import WITHHELD, research_versions


@pytest.fixture(scope="module")
def material() -> tuple[Pipeline, pd.DataFrame, np.ndarray]:
    return flowers()


@pytest.fixture(scope="module")
def twin(material: tuple[Pipeline, pd.DataFrame, np.ndarray]) -> Twin:
    pipeline, X, _ = material
    return onnxtwin.export(pipeline, X)


@pytest.fixture(scope="module")
def saved(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twin.save(tmp_path_factory.mktemp("artifacts") / "flowers")


class TestAnswers:
    def test_labels_are_the_pipelines(self, twin: Twin, material: Any) -> None:
        pipeline, X, _ = material
        answer = twin.predict(X)
        assert answer.dtype == pipeline.predict(X).dtype
        assert (answer == pipeline.predict(X)).all()

    def test_probabilities_are_the_pipelines(self, twin: Twin, material: Any) -> None:
        pipeline, X, _ = material
        np.testing.assert_allclose(twin.predict_proba(X), pipeline.predict_proba(X), rtol=1e-9, atol=1e-9)

    def test_a_list_of_dicts_and_a_dict_of_columns_get_the_same_answer(
        self, twin: Twin, material: Any
    ) -> None:
        X = material[1].iloc[:20]
        rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in X.to_dict("records")]
        columns = {name: [row[name] for row in rows] for name in X}
        expected = twin.predict_proba(X)
        assert (twin.predict_proba(rows) == expected).all()
        assert (twin.predict_proba(columns) == expected).all()

    def test_run_answers_every_method_at_once(self, twin: Twin, material: Any) -> None:
        X = material[1]
        answers = twin.run(X)
        assert list(answers) == ["predict", "predict_proba"]
        assert (answers["predict"] == twin.predict(X)).all()

    @pytest.mark.parametrize(
        "method", ["transform", "decision_function", "score_samples", "predict_log_proba"]
    )
    def test_a_method_that_was_not_exported_is_named(self, twin: Twin, material: Any, method: str) -> None:
        with pytest.raises(InputError, match=f"does not answer '{method}'"):
            getattr(twin, method)(material[1])

    def test_the_methods_asked_for_are_exported(self, material: Any) -> None:
        pipeline, X, _ = material
        twin = onnxtwin.export(pipeline, X, methods=["decision_function", "predict_log_proba"])
        assert sorted(twin.methods) == ["decision_function", "predict_log_proba"]
        np.testing.assert_allclose(
            twin.decision_function(X), pipeline.decision_function(X), rtol=1e-9, atol=1e-9
        )
        np.testing.assert_allclose(
            twin.predict_log_proba(X), pipeline.predict_log_proba(X), rtol=1e-9, atol=1e-9
        )

    def test_packed_inputs_give_the_same_answers(self, twin: Twin, material: Any) -> None:
        pipeline, X, _ = material
        packed = onnxtwin.export(pipeline, X, layout="packed")
        assert len(packed.signature.inputs) == 2
        assert (packed.predict_proba(X) == twin.predict_proba(X)).all()

    def test_no_rows_give_empty_answers(self, twin: Twin, material: Any) -> None:
        for nothing in ([], material[1].iloc[:0]):
            assert twin.predict(nothing).shape == (0,)
            assert twin.predict_proba(nothing).shape == (0, 3)

    def test_what_the_pipeline_refuses_the_twin_refuses(self, twin: Twin, material: Any) -> None:
        pipeline, X, _ = material
        row = X.iloc[[0]].assign(**{"petal width": np.inf})
        with pytest.raises(ValueError, match="infinity"):
            pipeline.predict(row)
        with pytest.raises(DomainError, match="petal width"):
            twin.predict(row)

    def test_threads_share_a_twin(self, twin: Twin, material: Any) -> None:
        X = material[1]
        expected = twin.predict(X)
        with ThreadPoolExecutor(8) as pool:
            for answer in pool.map(lambda _: twin.predict(X), range(40)):
                assert (answer == expected).all()

    def test_a_twin_says_what_it_is(self, twin: Twin) -> None:
        assert repr(twin) == "Twin(predict, predict_proba; 5 raw columns)"

    def test_an_unfitted_pipeline_is_refused(self, material: Any) -> None:
        from sklearn.base import clone

        with pytest.raises(UnsupportedError, match="not fitted"):
            onnxtwin.export(clone(material[0]), material[1])


class TestCheck:
    def test_the_twin_is_equal_on_its_sample_and_on_other_rows(self, twin: Twin, material: Any) -> None:
        assert twin.check().ok
        assert twin.check(material[1].sample(frac=0.5, random_state=0)).ok

    def test_options_reach_the_check(self, twin: Twin) -> None:
        report = twin.check(cases=False, methods=["predict"])
        assert [method.method for method in report.methods] == ["predict"]

    def test_a_loaded_twin_needs_the_pipeline(self, saved: Path, material: Any) -> None:
        pipeline, X, _ = material
        loaded = onnxtwin.load(saved)
        with pytest.raises(CheckError, match=r"knows no pipeline: check\(X, pipeline=\.\.\.\)"):
            loaded.check(X)
        with pytest.raises(CheckError, match="knows no rows"):
            loaded.check(pipeline=pipeline)
        assert loaded.check(X, pipeline=pipeline).ok


class TestSaving:
    def test_a_loaded_twin_gives_the_same_bits(self, twin: Twin, saved: Path, material: Any) -> None:
        X = material[1]
        loaded = onnxtwin.load(saved)
        assert loaded.predict_proba(X).tobytes() == twin.predict_proba(X).tobytes()
        assert loaded.signature == twin.signature

    def test_loading_and_running_takes_numpy_and_onnxruntime_only(self, saved: Path) -> None:
        code = (
            "import sys, onnxtwin; twin = onnxtwin.load(sys.argv[1]); row = {'sepal length': 5.0, "
            "'sepal width': None, 'petal length': 1.5, 'petal width': 0.2, 'colour': 'light'};"
            "print(twin.predict([row])[0], twin.self_test().ok, "
            "{'pandas', 'onnx', 'spox', 'sklearn', 'scipy', 'typer', 'rich'} & set(sys.modules))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, str(saved)], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == "setosa True set()"

    def test_saving_twice_gives_the_same_bytes(self, twin: Twin, saved: Path, tmp_path: Path) -> None:
        again = twin.save(tmp_path / "again")
        for name in ("model.onnx", "contract.json", "vectors.json"):
            assert (again / name).read_bytes() == (saved / name).read_bytes()

    def test_exporting_again_gives_the_same_graph_and_contract(
        self, saved: Path, material: Any, tmp_path: Path
    ) -> None:
        pipeline, X, _ = material
        again = onnxtwin.export(pipeline, X).save(tmp_path / "again")
        for name in ("model.onnx", "contract.json"):
            assert (again / name).read_bytes() == (saved / name).read_bytes()

    def test_a_loaded_twin_can_be_saved_as_it_is(self, saved: Path, tmp_path: Path) -> None:
        copy = onnxtwin.load(saved).save(tmp_path / "copy")
        for name in ("model.onnx", "contract.json", "vectors.json"):
            assert (copy / name).read_bytes() == (saved / name).read_bytes()

    def test_recorded_rows_are_nobodys(self, saved: Path, material: Any) -> None:
        vectors = json.loads((saved / "vectors.json").read_text())
        assert vectors["rows_are"] == "shuffled"
        assert {"sample", "missing", "unknown"} <= set(vectors["tags"])
        length, width = (
            next(entry["data"] for entry in vectors["inputs"] if entry["name"] == name)
            for name in ("sepal length", "petal length")
        )
        sample = [tag == "sample" for tag in vectors["tags"]]
        recorded = {pair for pair, keep in zip(zip(length, width, strict=True), sample, strict=True) if keep}
        real = set(zip(material[1]["sepal length"], material[1]["petal length"], strict=True))
        assert len(recorded - real) > len(recorded) / 2

    def test_real_rows_are_recorded_if_asked_for(self, twin: Twin, material: Any, tmp_path: Path) -> None:
        folder = twin.save(tmp_path / "real", vectors="real", rows=10)
        vectors = json.loads((folder / "vectors.json").read_text())
        assert vectors["rows_are"] == "real"
        assert vectors["tags"].count("sample") == 10
        lengths = next(e["data"] for e in vectors["inputs"] if e["name"] == "petal length")[:10]
        assert set(lengths) <= set(material[1]["petal length"])

    def test_the_last_checks_report_is_saved_without_a_real_row(self, material: Any, tmp_path: Path) -> None:
        pipeline, X, _ = material
        twin = onnxtwin.export(pipeline, X)
        twin.check()
        folder = twin.save(tmp_path / "checked")
        report = json.loads((folder / "report.json").read_text())
        assert report["ok"]
        tallies = [tally for method in report["methods"] for tally in (method, *method["families"])]
        rows = [tally["worst_row"]["row"] for tally in tallies if tally["worst_row"]]
        assert set(rows) <= {WITHHELD}
        assert "html" in (folder / "report.html").read_text()

    def test_versions_of_the_research_stack_are_in_the_contract(self, saved: Path, material: Any) -> None:
        versions = json.loads((saved / "contract.json").read_text())["versions"]
        assert set(versions) == {"numpy", "pandas", "scikit-learn"}
        assert versions == research_versions(material[0])


class Lies(ClassifierMixin, BaseEstimator):
    """Answers "yes" where the hand-made twin answers "no" if b is 7."""

    def fit(self, X: Any, y: Any = None) -> Lies:
        self.classes_ = np.array(["no", "yes"])
        return self

    def predict_proba(self, X: Any) -> Any:
        if not (X.a >= 0).all():
            raise ValueError("negative values are refused")
        yes = np.where((X.a > X.b) | (X.b == 7), 0.75, 0.25)
        return np.column_stack([1 - yes, yes])

    def predict(self, X: Any) -> Any:
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


class TestUnequal:
    @pytest.fixture
    def liar(self) -> Twin:
        model, signature = classifier()
        X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 7.0, 2.0]})
        return Twin.of_model(onnx.load_from_string(model), signature, pipeline=Lies().fit(X), sample=X)

    def test_the_check_is_red(self, liar: Twin) -> None:
        assert not liar.check().ok

    def test_the_self_test_is_red(self, liar: Twin) -> None:
        assert not liar.self_test().ok

    def test_nothing_is_saved(self, liar: Twin, tmp_path: Path) -> None:
        with pytest.raises(UnequalError, match="nothing was written, recorded rows are UNEQUAL"):
            liar.save(tmp_path / "liar")
        liar.check()
        with pytest.raises(UnequalError, match="nothing was written, the last check of this twin is unequal"):
            liar.save(tmp_path / "liar")
        assert list(tmp_path.iterdir()) == []


class Wavers(Lies):
    """Lies about b = 7 only where the row is not alone."""

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X if len(X) > 1 else X.assign(b=X.b.replace(7.0, 7.5)))


def test_a_row_on_which_the_pipeline_wavers_is_not_recorded(tmp_path: Path) -> None:
    model, signature = classifier()
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 7.0, 2.0]})
    twin = Twin.of_model(onnx.load_from_string(model), signature, pipeline=Wavers().fit(X), sample=X)
    vectors = json.loads((twin.save(tmp_path / "wavers", vectors="real") / "vectors.json").read_text())
    assert vectors["undetermined"] > 0
    b = vectors["inputs"][1]["data"]
    assert 7.0 not in [value for value, tag in zip(b, vectors["tags"], strict=True) if tag == "sample"]


class TestPickles:
    def test_a_pickled_twin_answers_and_leaves_the_pipeline_behind(self, twin: Twin, material: Any) -> None:
        copy = pickle.loads(pickle.dumps(twin))
        assert (copy.predict(material[1]) == twin.predict(material[1])).all()
        with pytest.raises(CheckError, match="knows no pipeline"):
            copy.check(material[1])

    def test_a_pickled_twin_says_what_it_lacks(self, twin: Twin, tmp_path: Path) -> None:
        copy = pickle.loads(pickle.dumps(twin))
        for use in (copy.self_test, lambda: copy.save(tmp_path / "x"), lambda: copy.model):
            with pytest.raises(ArtifactError, match="unpickled"):
                use()

    def test_a_closed_twin_says_so(self, saved: Path, material: Any) -> None:
        loaded = onnxtwin.load(saved)
        loaded.close()
        with pytest.raises(OnnxTwinError, match="closed"):
            loaded.predict(material[1])


def test_the_graph_of_a_loaded_twin_is_read_when_asked_for(twin: Twin, saved: Path) -> None:
    assert onnxtwin.load(saved).model.SerializeToString(deterministic=True) == twin.model.SerializeToString(
        deterministic=True
    )
