"""The benchmark of the check's power: defects are planted one at a time, and proofs hold for every row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from mutation.judges import Judgement, Subject
from mutation.mutators import draw, sites
from mutation.pipelines import SOURCES, Source
from mutation.proofs import Prover
from mutation.run import EQUIVALENT, TRIED, Result, judged, read
from mutation.site import Site, plant
from mutation.table import page
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

import onnxtwin

RNG = np.random.default_rng(5)
FRAME = pd.DataFrame(
    {
        "age": np.where(RNG.random(300) < 0.2, np.nan, RNG.normal(40, 9, 300)),
        "fare": RNG.lognormal(3, 1, 300),
        "port": RNG.choice(["Cherbourg", "Cork", "Southampton"], 300),
    }
)
BONUS = 40 * (FRAME["port"] == "Cork")
LABELS = np.where(FRAME["age"].fillna(60) + FRAME["fare"] + BONUS > 80, "first", "second")


def tree_pipeline() -> tuple[object, pd.DataFrame]:
    clip = FunctionTransformer(lambda rows: rows.assign(fare=rows["fare"].clip(5.0, 60.0)))
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port"]),
        (SimpleImputer(strategy="median"), ["age"]),
        remainder="passthrough",
    )
    model = DecisionTreeClassifier(max_depth=4, random_state=0)
    return make_pipeline(clip, encode, model).fit(FRAME[::2], LABELS[::2]), FRAME[1::2]


def linear_pipeline() -> tuple[object, pd.DataFrame]:
    numbers = FRAME[["age", "fare"]]
    model = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
    return model.fit(numbers[::2], numbers["fare"][::2] ** 2), numbers[1::2]


@pytest.fixture(scope="module")
def tree() -> Subject:
    return Subject(Source("tree", tree_pipeline))


@pytest.fixture(scope="module")
def linear() -> Subject:
    return Subject(Source("linear", linear_pipeline))


def prover_of(subject: Subject) -> Prover:
    row = {name: tensor[:1] for name, tensor in subject.vectors.inputs.items()}
    return Prover(subject.model, subject.twin.signature, row)


def one(model: onnx.ModelProto, kind: str, suits: Callable[[Site], bool] = lambda site: True) -> Site:
    return next(site for site in sites(model, 0)[kind] if suits(site))


def test_every_kind_of_defect_that_the_issue_names_has_an_operator(tree: Subject) -> None:
    _, frame = tree_pipeline()
    missing = DecisionTreeClassifier(random_state=0).fit(frame[["age"]], LABELS[1::2])
    kinds = set(sites(tree.model, 0)) | set(sites(onnxtwin.export(missing, frame[["age"]]).model, 0))
    assert kinds >= {
        "threshold moved by one ulp",
        "< or <= exchanged",
        "NaN routed the other way",
        "two categories swapped",
        "an unknown mapped to a known one",
        "an imputed value changed in its last bit",
        "a column swapped",
        "a cast to float32 inserted",
        "a class order changed",
        "a clip limit moved",
        "a branch's leaf altered",
    }


def test_planting_leaves_the_correct_graph_as_it_was(tree: Subject) -> None:
    before = tree.model.SerializeToString(deterministic=True)
    mutants = [plant(tree.model, site) for site in draw(tree.model, 40, 0)]
    assert tree.model.SerializeToString(deterministic=True) == before
    assert all(mutant.SerializeToString(deterministic=True) != before for mutant in mutants)


def test_a_seed_draws_the_same_defects_and_another_one_others(tree: Subject) -> None:
    first, again, other = (
        [(site.kind, site.where) for site in draw(tree.model, 30, seed)] for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_more_mutants_begin_with_those_of_fewer(tree: Subject) -> None:
    few, many = ([s.where for s in draw(tree.model, number, 3)] for number in (10, 25))
    assert many[:10] == few


def test_a_float32_threshold_moves_by_one_float32(tree: Subject) -> None:
    site = one(tree.model, "threshold moved by one ulp", lambda s: s.where.startswith("tree"))
    value = site.affected.values[0]
    assert float(np.float32(value)) == value


def test_the_check_finds_a_defect_that_an_ordinary_test_passes(tree: Subject) -> None:
    prover = prover_of(tree)
    sought = "an unknown mapped to a known one"
    site = one(tree.model, sought, lambda s: not prover.equivalent(s, plant(tree.model, s)))
    judgement = tree.judge(plant(tree.model, site))
    assert (judgement.check, judgement.ordinary) == (True, False)


def test_the_correct_graph_is_found_right_by_all_three(tree: Subject) -> None:
    assert tree.judge(tree.model) == Judgement("judged")


def test_a_graph_that_does_not_load_is_discarded(tree: Subject) -> None:
    broken = plant(tree.model, one(tree.model, "a class order changed"))
    broken.graph.node[0].op_type = "NoSuchOperator"
    assert tree.judge(broken).outcome == "discarded"


def test_a_number_within_a_clip_is_proven_never_to_be_met_beyond_it(tree: Subject) -> None:
    """The arms of a clip are equal at its limit, so ``<=`` for ``<`` changes nothing."""
    site = one(tree.model, "< or <= exchanged", lambda s: not s.where.startswith("tree"))
    assert prover_of(tree).equivalent(site, plant(tree.model, site))


def test_a_threshold_between_the_values_of_a_one_hot_column_may_move(tree: Subject) -> None:
    prover = prover_of(tree)
    moved = [s for s in sites(tree.model, 0)["threshold moved by one ulp"] if ": np.float64(0.5)" in s.where]
    assert all(prover.equivalent(site, plant(tree.model, site)) for site in moved)


def test_a_threshold_on_a_raw_column_is_not_proven_harmless(tree: Subject) -> None:
    prover = prover_of(tree)
    moved = [s for s in sites(tree.model, 0)["threshold moved by one ulp"] if s.where.startswith("tree")]
    raw = [site for site in moved if not prover.equivalent(site, plant(tree.model, site))]
    assert raw
    assert not any(prover.harmless(site, plant(tree.model, site), None) for site in raw)


def test_an_imputed_value_that_moves_by_an_ulp_stays_within_a_linear_models_tolerance(
    linear: Subject,
) -> None:
    site = one(linear.model, "an imputed value changed in its last bit")
    mutant = plant(linear.model, site)
    assert prover_of(linear).equivalent(site, mutant) is None
    assert prover_of(linear).harmless(site, mutant, None)
    assert not linear.judge(mutant).check


def test_an_imputation_that_is_lost_is_not_harmless(linear: Subject) -> None:
    site = one(linear.model, "an imputation lost", lambda s: "column 0" in s.where)
    mutant = plant(linear.model, site)
    assert prover_of(linear).equivalent(site, mutant) is None
    assert prover_of(linear).harmless(site, mutant, None) is None
    assert linear.judge(mutant).check


@pytest.mark.parametrize("make", [tree_pipeline, linear_pipeline])
def test_no_proof_is_refuted_and_most_defects_are_found(
    make: Callable[[], tuple[object, pd.DataFrame]],
) -> None:
    results = [r for r in judged(Source("small", make), 40, 1, None) if r.outcome != TRIED]
    defects = [r for r in results if r.counts]
    assert len(defects) >= 15
    assert not any(r.refuted for r in results)
    assert sum(r.check for r in defects) >= 0.8 * len(defects)
    assert sum(r.ordinary for r in defects) < sum(r.check for r in defects)


@pytest.mark.long
@pytest.mark.parametrize("name", ["cancer tree missing", "weather boosting regressor", "seats scaled forest"])
def test_of_a_real_pipelines_defects_the_check_finds_ninety_of_a_hundred(name: str) -> None:
    results = [r for r in judged(SOURCES[name], 60, 2, None) if r.outcome != TRIED]
    defects = [r for r in results if r.counts]
    assert len(defects) >= 20
    assert not any(r.refuted for r in results)
    assert sum(r.check for r in defects) >= 0.9 * len(defects)


def result(where: str, outcome: str = "judged", *, check: bool, proof: str = "") -> Result:
    return Result("p", "g", 0, "a kind", where, outcome, check, check, False, "sample", proof, "", 0.1)


def test_the_table_counts_survivors_and_leaves_out_what_is_proven_equivalent() -> None:
    results = [
        result("node 1", check=True),
        result("node 2", check=False),
        result("node 3", check=False, proof=EQUIVALENT),
        result("node 4", "discarded", check=False),
    ]
    text = page(results)
    assert "| a kind | 3 | 1 | 0 | 2 | 1 (50.0%) | 1 (50.0%) | 0 (0.0%) | 1 |" in text
    assert "1 more did not load or run" in text
    assert "- p: a kind, node 2" in text
    assert "node 3" not in text


def test_a_proof_about_a_defect_that_was_found_is_refuted() -> None:
    assert result("node 1", check=True, proof=EQUIVALENT).refuted
    assert not result("node 1", check=False, proof=EQUIVALENT).refuted


def test_results_cut_off_in_the_middle_of_a_line_are_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"pipeline": "p", "gra', "utf-8")
    assert read(path) == []


def test_there_are_at_least_twelve_pipelines_the_flights_recipes_among_them() -> None:
    assert len(SOURCES) >= 12
    assert {"flights arrives late", "flights arrival delay"} <= set(SOURCES)


def test_a_limit_of_one_of_two_columns_that_are_compared_together_is_no_limit_of_the_other() -> None:
    numbers = FRAME[["fare", "age"]].fillna(60.0).round(1)
    bins = KBinsDiscretizer(4, encode="ordinal", strategy="uniform").fit(numbers)
    twin = onnxtwin.export(bins, numbers)
    prover = Prover(twin.model, twin.signature, {"fare": np.array([[10.0]]), "age": np.array([[40.0]])})
    moved = [site for site in sites(twin.model, 0)["threshold moved by one ulp"] if site.entry is not None]
    proofs = [prover.equivalent(site, plant(twin.model, site)) for site in moved]
    assert len(proofs) >= 6
    assert proofs == [None] * len(proofs)
    assert prover.harmless(moved[0], plant(twin.model, moved[0]), None) is None


def test_an_unknown_of_a_column_whose_values_the_contract_lists_cannot_come() -> None:
    ports = FRAME[["port"]]
    strict, lenient = (
        OrdinalEncoder(**how).fit(ports)
        for how in ({}, {"handle_unknown": "use_encoded_value", "unknown_value": 9})
    )
    for encoder, proven in ((strict, True), (lenient, False)):
        twin = onnxtwin.export(encoder, ports)
        prover = Prover(twin.model, twin.signature, {"port": np.array([["Cork"]], dtype=object)})
        site = one(twin.model, "an unknown mapped to a known one")
        assert (prover.equivalent(site, plant(twin.model, site)) is not None) == proven


def test_what_a_softmax_subtracts_from_all_of_its_scores_cancels_out() -> None:
    X = FRAME[["age", "fare"]]
    model = HistGradientBoostingClassifier(max_iter=3, random_state=0)
    twin = onnxtwin.export(model.fit(X, FRAME["port"]), X)
    prover = Prover(twin.model, twin.signature, {"age": np.array([[40.0]]), "fare": np.array([[9.0]])})
    casts = sites(twin.model, 0)["a cast to float32 inserted"]
    shift, scores = (next(s for s in casts if s.where.endswith(f"Sub, input {i}")) for i in (1, 0))
    assert prover.harmless(shift, plant(twin.model, shift), 0.5) is not None
    assert prover.harmless(scores, plant(twin.model, scores), 0.5) is None
