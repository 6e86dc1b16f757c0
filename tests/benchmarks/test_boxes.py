"""Proofs by boxes: what is claimed of a box holds for every row of it, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutation.boxes import Boxes, Search, ordered, unordered
from mutation.boxes_expm1 import expm1, expm1_nodes
from mutation.boxes_pairs import NotFollowedError, State
from mutation.boxes_values import Arrivals
from mutation.cutting import run_cut
from mutation.mutators import draw, sites
from mutation.site import Site, plant
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PowerTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import onnxtwin
from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.graph import Graph
from onnxtwin.exporters.analysis.operators import COMPARISONS

RNG = np.random.default_rng(11)
ROWS = 200
FRAME = pd.DataFrame(
    {
        "age": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.normal(40, 9, ROWS)),
        "fare": RNG.lognormal(3, 1, ROWS),
        "when": pd.Timestamp("1969-07-20") + pd.to_timedelta(RNG.integers(0, 10**9, ROWS), "s"),
    }
)
LABELS = np.where(FRAME["age"].fillna(60) + FRAME["fare"] > 75, "first", "second")


def months(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"day": frame["when"].dt.day, "weekday": frame["when"].dt.dayofweek})


def forest() -> Any:
    clipped = FunctionTransformer(lambda rows: rows.assign(fare=rows["fare"].clip(5.0, 60.0)))
    return (
        make_pipeline(clipped, ExtraTreesClassifier(5, max_depth=4, random_state=0)),
        ["age", "fare"],
        LABELS,
    )


def powers() -> Any:
    model = make_pipeline(SimpleImputer(), PowerTransformer(), StandardScaler(), LogisticRegression())
    return model, ["age", "fare"], LABELS


def calendar() -> Any:
    encode = make_column_transformer(
        (make_pipeline(FunctionTransformer(months), OneHotEncoder(handle_unknown="ignore")), ["when"]),
        (FunctionTransformer(lambda rows: np.log1p(rows.clip(0.5, 90.0))), ["fare"]),
    )
    return make_pipeline(encode, Ridge()), ["fare", "when"], FRAME["fare"]


class Subject:
    """An exported pipeline, its boxes, and hostile rows as its graph is fed them."""

    def __init__(self, make: Callable[[], Any]) -> None:
        pipeline, columns, target = make()
        self.twin = onnxtwin.export(pipeline.fit(FRAME[columns], target), FRAME[columns])
        self.model = self.twin.model
        self.graph = Graph(self.model)
        self.rows = self._hostile()
        self.boxes = Boxes(self.graph, self.twin.signature, {n: t[:1] for n, t in self.rows.items()})

    def _hostile(self) -> dict[str, np.ndarray]:
        rng, count, rows = np.random.default_rng(3), 400, {}
        limits = [c.ravel() for c in self.graph.constants.values() if c.dtype == np.float64]
        trees = [v for n in self.graph.nodes for a in n.attribute if a.name == "nodes_splits" for v in [a.t]]
        limits += [onnx.numpy_helper.to_array(value) for value in trees]
        marks = np.concatenate(limits)
        marks = np.concatenate([marks, np.nextafter(marks, np.inf), np.nextafter(marks, -np.inf)])
        for entry in self.twin.signature.inputs:
            column = self.twin.signature.column(entry.columns[0])
            kind = self.model.graph.input[[i.name for i in self.model.graph.input].index(entry.name)]
            rank = len(kind.type.tensor_type.shape.dim)
            if column.tensor == "int64":
                values = rng.integers(-(2**62), 2**62, count) >> rng.integers(0, 40, count)
            else:
                odd = [0.0, -0.0, 1e300, -1e300, 5e-324, 20.0, *([np.nan] if column.missing_allowed else [])]
                values = np.where(
                    rng.random(count) < 0.5, rng.choice(marks, count), rng.normal(30, 30, count)
                )
                values = np.where(rng.random(count) < 0.2, rng.choice(odd, count), values)
                values = np.where(np.isfinite(values) | np.isnan(values), values, 1.0)
                values = values if column.missing_allowed else np.nan_to_num(values, nan=1.0)
            rows[entry.name] = values.reshape(count, *(1,) * (rank - 1))
        return rows

    def run(self, model: onnx.ModelProto, names: list[str]) -> dict[str, np.ndarray]:
        found = run_cut(model, self.graph, None, self.rows, names)
        assert found is not None
        return dict(found)

    def search(self, mutant: onnx.ModelProto) -> Search:
        return Search(self.boxes, self.boxes.pair(mutant), None)


subject = cache(Subject)


def inside(values: np.ndarray, interval: iv.Interval) -> bool:
    if interval.bag:
        interval = interval.map(lambda a: a.reshape(-1, *(1,) * (values.ndim - 1)))
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    values = values.astype(np.int64) if values.dtype.kind == "b" else values
    grained = (interval.grain == 0) | (
        np.remainder(np.where(missing, 0, values), np.where(interval.grain > 0, interval.grain, 1)) == 0
    )
    within = (values >= interval.lo) & (values <= interval.hi) & grained
    return bool(np.where(missing, interval.nan, within).all())


def same_bits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind != "f":
        return np.asarray(a == b)
    return np.asarray(((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b)))


PIPELINES = [forest, powers, calendar]


@pytest.mark.parametrize("make", PIPELINES)
def test_every_tensor_of_hostile_rows_lies_within_its_bounds(make: Callable[[], Any]) -> None:
    case = subject(make)
    states = case.search(case.model).root
    names = [n for n in case.graph.element_types if n in states and case.graph.node_of(n) is not None]
    held = [(n, v) for n, v in case.run(case.model, names).items() if v.dtype.kind in "fib"]
    assert len(held) > 10
    assert [n for n, v in held if not inside(v, states[n].right)] == []


@pytest.mark.parametrize("make", PIPELINES)
def test_a_row_lies_within_the_bounds_of_the_box_that_holds_it_alone(make: Callable[[], Any]) -> None:
    """Boxes of one value of one column, the other columns left open."""
    case = subject(make)
    search = case.search(case.model)
    name = case.graph.inputs[-1]
    values = case.rows[name].astype(np.float64 if case.rows[name].dtype.kind == "f" else np.int64)
    flat = values.reshape(len(values), -1)[:, 0]
    missing = np.isnan(flat) if flat.dtype.kind == "f" else np.zeros(len(flat), bool)
    numbers = ordered(np.where(missing, 0, flat) if missing.any() else flat)
    states = search.states(numbers[:, None], numbers[:, None], missing[:, None], [(name, 0)])
    names = [n for n in case.graph.element_types if n in states and case.graph.node_of(n) is not None]
    held = [(n, v) for n, v in case.run(case.model, names).items() if v.dtype.kind in "fib"]
    assert [n for n, v in held if not inside(v, states[n].right)] == []


@pytest.mark.parametrize("make", PIPELINES)
def test_what_is_claimed_to_be_the_same_in_a_mutant_is_so_in_every_bit(make: Callable[[], Any]) -> None:
    case = subject(make)
    told = 0
    for site in draw(case.model, 40, 1):
        mutant = plant(case.model, site)
        try:
            states = case.search(mutant).root
        except NotFollowedError:
            continue
        names = [n for n in case.graph.element_types if n in states and case.graph.node_of(n) is not None]
        try:
            right, wrong = case.run(case.model, names), case.run(mutant, names)
        except AssertionError:  # the mutant does not run
            continue
        for name in names:
            told += compared(site, name, states[name], right[name], wrong[name])
    assert told > 100


def compared(site: Site, name: str, state: State, right: np.ndarray, wrong: np.ndarray) -> int:
    same, gap = state.same, state.gap
    if state.right.bag:
        same, gap = (a.reshape(-1, *(1,) * (right.ndim - 1)) for a in (same, gap))
    equal = same_bits(right, wrong)
    assert (equal | ~same).all(), (site.kind, site.where, name)
    if right.dtype.kind == "f" and not state.shared:
        with np.errstate(invalid="ignore"):
            apart = np.where(equal, 0.0, np.abs(right - wrong))
        assert (~(apart > gap)).all(), (site.kind, site.where, name)
    return int(np.broadcast_to(same, equal.shape).sum() > 0)


@pytest.mark.parametrize(
    ("make", "mutants"),
    [(calendar, 12), *(pytest.param(make, 60, marks=pytest.mark.long) for make in PIPELINES)],
)
def test_no_hostile_row_refutes_a_proof(make: Callable[[], Any], mutants: int) -> None:
    case = subject(make)
    proven = open_ = 0
    right = case.run(case.model, case.graph.outputs)
    for site in draw(case.model, mutants, 2):
        mutant = plant(case.model, site)
        if case.boxes.settled(mutant) is None:
            open_ += 1
            continue
        proven += 1
        wrong = case.run(mutant, case.graph.outputs)
        accepted = right["domain"].reshape(len(right["domain"]), -1).all(1)
        for name in case.graph.outputs:
            equal = same_bits(right[name], wrong[name]).reshape(len(accepted), -1).all(1)
            assert (equal | ~accepted).all(), (site.kind, site.where, name)
    assert proven
    assert open_


def test_a_limit_of_the_trees_that_a_raw_column_can_meet_is_left_open() -> None:
    case = subject(powers)
    lost = sites(case.model, 0)["an imputation lost"][0]
    assert case.boxes.settled(plant(case.model, lost)) is None


def test_numbers_keep_the_order_of_float64() -> None:
    values = np.array([-np.inf, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1e300, np.inf])
    numbers = ordered(values)
    assert (np.diff(numbers) > 0).all()
    assert np.array_equal(unordered(numbers), values)
    assert ordered(np.array([-0.0]))[0] == 0


FLOATS = st.floats(width=64) | st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 5e-324, 2.0**53, np.inf, -np.inf, np.nan]
)
BINARY: dict[str, tuple[Callable[..., iv.Interval], Callable[..., Any]]] = {
    "Add": (iv.add, np.add),
    "Sub": (iv.subtract, np.subtract),
    "Mul": (iv.multiply, np.multiply),
    "Div": (iv.divide, np.divide),
    "Max": (lambda a, b: iv.extreme(np.maximum, a, b), np.maximum),
}


def interval_of(values: list[float]) -> iv.Interval:
    found = iv.constant(np.array(values[:1]))
    for value in values[1:]:
        found = iv.hull(found, iv.constant(np.array([value])))
    return found


@pytest.mark.parametrize("name", BINARY)
@given(st.lists(FLOATS, min_size=1, max_size=3), st.lists(FLOATS, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_arithmetic_of_bounds_holds_all_results(name: str, a: list[float], b: list[float]) -> None:
    bounds, function = BINARY[name]
    with np.errstate(all="ignore"):
        held = bounds(interval_of(a), interval_of(b))
        results = np.array([[function(x, y) for x in np.array(a) for y in np.array(b)]])
    assert inside(results.T, held)


@pytest.mark.parametrize("name", COMPARISONS)
@given(st.lists(FLOATS, min_size=1, max_size=3), st.lists(FLOATS, min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_a_comparison_of_bounds_allows_all_outcomes(name: str, a: list[float], b: list[float]) -> None:
    functions = {"Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal}
    functions |= {"Greater": np.greater, "GreaterOrEqual": np.greater_equal}
    held = iv.compare(name, interval_of(a), interval_of(b))
    assert inside(np.array([[functions[name](x, y)] for x in a for y in b]), held)


INTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 20)


@given(st.lists(INTS, min_size=1, max_size=3), st.integers(1, 10**12))
@settings(max_examples=200, deadline=None)
def test_whole_numbers_are_divided_towards_zero(values: list[int], divisor: int) -> None:
    held = iv.divide(interval_of(values), interval_of([divisor]))
    rest = iv.modulo(interval_of(values), interval_of([divisor]))
    for value in values:
        quotient = abs(value) // divisor * (1 if value >= 0 else -1)
        assert held.lo[0] <= quotient <= held.hi[0]
        assert rest.lo[0] <= value % divisor <= rest.hi[0]


@given(st.lists(INTS, min_size=1, max_size=3), st.lists(INTS, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_whole_numbers_that_overflow_have_no_bounds(a: list[int], b: list[int]) -> None:
    with np.errstate(over="ignore"):
        for bounds, function in ((iv.add, np.add), (iv.multiply, np.multiply), (iv.subtract, np.subtract)):
            held = bounds(interval_of(a), interval_of(b))
            results = [[function(np.int64(x), np.int64(y))] for x in a for y in b]
            assert inside(np.array(results), held)


def test_the_runtimes_exponential_never_passes_one_from_below() -> None:
    """What :func:`mutation.boxes_intervals.exponential` takes for granted."""
    node = onnx.helper.make_node("Exp", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, [None]) for n in "xy"]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", ends[:1], ends[1:]),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=9,
    )
    rng = np.random.default_rng(0)
    values = -np.concatenate([10.0 ** rng.uniform(-320, 3, 200_000), rng.random(200_000)])
    found = run_cut(model, Graph(model), None, {"x": values}, ["y"])
    assert found is not None
    assert (found["y"] <= 1.0).all()
    held = iv.exponential(iv.made(values, values))
    assert inside(found["y"], held)


def test_what_is_imputed_and_scaled_never_arrives_missing_and_what_passes_by_does() -> None:
    frame = pd.DataFrame({"age": [20.0, np.nan, 40.0, 61.0] * 10, "fare": [1.0, 2.0, np.nan, 9.0] * 10})
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age"]), remainder="passthrough"
    )
    model = make_pipeline(columns, DecisionTreeRegressor(random_state=0)).fit(frame, np.arange(40.0))
    twin = onnxtwin.export(model, frame)
    graph = Graph(twin.model)
    (trees,) = (node for node in graph.nodes if node.op_type == "TreeEnsemble")
    row = {name: np.array([[30.0]]) for name in frame}
    arrivals = Arrivals(graph, twin.signature, row, trees.input[0])
    assert [arrivals.never(column, np.nan) for column in (0, 1)] == [True, False]
    mean = frame["age"].mean()
    scaled = np.float32((40.0 - mean) / frame["age"].fillna(mean).std(ddof=0))
    assert not arrivals.never(0, float(scaled))


def test_a_power_transform_never_answers_missing_for_a_number() -> None:
    frame = pd.DataFrame({"a": np.exp(np.linspace(-3, 3, 60)), "b": np.linspace(-4, 9, 60)})
    model = make_pipeline(PowerTransformer(), DecisionTreeRegressor(random_state=0)).fit(frame, frame["a"])
    twin = onnxtwin.export(model, frame)
    graph = Graph(twin.model)
    (trees,) = (node for node in graph.nodes if node.op_type == "TreeEnsemble")
    assert expm1_nodes(graph)
    row = {name: np.array([[1.0]]) for name in frame}
    arrivals = Arrivals(graph, twin.signature, row, trees.input[0])
    names = [column.name for column in twin.signature.columns if not column.missing_allowed]
    assert [arrivals.never(column, np.nan) for column in (0, 1)] == [name in names for name in frame]


@given(st.floats(-800, 800), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_numpys_expm1_lies_within_its_bounds(low: float, width: float) -> None:
    y = iv.made(np.array([low]), np.array([low + width]))
    bounds = expm1(y)
    with np.errstate(over="ignore"):
        found = np.expm1(np.linspace(low, low + width, 9))
    assert (found >= bounds.lo).all()
    assert (found <= bounds.hi).all()
