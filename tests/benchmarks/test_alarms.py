"""The benchmark of the check's alarms: draws are the same for a seed, results are kept, shares are exact."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from correct import run as running
from correct.pipelines import RECIPES, case
from correct.run import Alarm, Result, checked, read
from correct.table import interval, page
from scipy.stats import binom


def result(number: int, outcome: str = "equal", alarms: list[Alarm] | None = None) -> Result:
    return Result(0, number, "tree", "DecisionTreeClassifier()", outcome, arithmetic="x", alarms=alarms or [])


def test_a_draw_is_the_same_whenever_it_is_made() -> None:
    first, between, again = case(3, 11), case(3, 12), case(3, 11)
    assert first.text == again.text != between.text
    np.testing.assert_array_equal(np.asarray(first.held_out), np.asarray(again.held_out))
    np.testing.assert_array_equal(
        first.pipeline.predict(first.held_out), again.pipeline.predict(again.held_out)
    )


def test_recipes_take_turns_and_each_can_be_drawn() -> None:
    case(0, 0)  # loads the recipes of frames, too
    drawn = [case(0, number).recipe for number in range(len(RECIPES))]
    assert sorted(drawn) == sorted(RECIPES)
    assert len(drawn) > 30


def test_a_tree_is_checked_and_called_equal() -> None:
    number = list(RECIPES).index("tree")
    tried, done = checked(0, number, None)
    assert (tried.outcome, done.outcome) == ("tried", "equal")
    assert done.compared > 1000
    assert not done.arithmetic  # trees compare, they sum nothing


def test_a_pipeline_that_differs_from_its_twin_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    number = list(RECIPES).index("tree")
    drawn = case(0, number)
    export = running.onnxtwin.export

    def export_and_break(*args: Any, **options: Any) -> Any:
        twin = export(*args, **options)
        predicted = drawn.pipeline.predict(drawn.sample)
        drawn.pipeline.fit(drawn.sample, np.roll(predicted, 7))  # other answers than those exported
        return twin

    monkeypatch.setattr(running, "case", lambda seed, number: drawn)
    monkeypatch.setattr(running.onnxtwin, "export", export_and_break)
    *_, done = checked(0, number, None)
    assert done.outcome == "unequal"
    assert done.red(ordinary=True)
    assert done.alarms[0].family == "sample"
    assert " but " in done.alarms[0].row


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    alarm = Alarm("ordinary", "boundary", "predict: 1 but 0", 3)
    lines = [result(0, "tried"), result(0, "unequal", [alarm]), result(1, "tried")]
    path.write_text("\n".join(json.dumps(asdict(r)) for r in lines) + '\n{"seed": 0, "numb', "utf-8")
    assert read(path) == {0: lines[1], 1: lines[2]}
    # Nothing is left to do, so no process starts.
    assert running.run(path, seed=0, numbers=[0], workers=2, seconds=1) == [lines[1]]


@pytest.mark.parametrize(("found", "of"), [(0, 500), (3, 500), (17, 60), (60, 60)])
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(found: int, of: int) -> None:
    low, high = interval(found, of)
    assert low <= found / of <= high
    # At either end what was seen, or more extreme, has a chance of one in forty.
    if found:
        assert binom.sf(found - 1, of, low) == pytest.approx(0.025)
    if found < of:
        assert binom.cdf(found, of, high) == pytest.approx(0.025)


def test_the_page_tells_both_rates_and_each_alarm() -> None:
    here = Alarm("ordinary", "boundary", "predict: 1 but 0", 3)
    there = Alarm("Arithmetic(lanes=2)", "crossed", "predict: 2 but 0", 1)
    text = page(
        [result(0), result(1, "unequal", [here]), result(2, "unequal", [there]), result(3, "refused")]
    )
    assert "3 pipelines (seed 0) of 1 recipes; left out: 1 refused." in text
    assert "as this machine computes them | 1 of 3 (33.3%" in text
    assert "summed in another order | 1 of 3 (33.3%" in text
    assert "- 0/1, `DecisionTreeClassifier()`, boundary, 3 rows: `predict: 1 but 0`" in text
    assert (
        "- 0/2, `DecisionTreeClassifier()`, crossed, 1 rows: `predict: 2 but 0`; Arithmetic(lanes=2)" in text
    )
