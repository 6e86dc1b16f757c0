"""Pictures tell the truth: what is drawn, what lies outside, and what is no number at all."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from onnxtwin.runtime_checks.html.plots import GRID, distribution, scatter
from onnxtwin.runtime_checks.spread import Spread
from onnxtwin.runtime_checks.tally import BINS, Tally


def spread(
    own: np.ndarray, made: np.ndarray | None = None, wrong: list[tuple[float, float]] | None = None
) -> Spread:
    filled = Spread("predict", wrong=wrong or [])
    filled.own.add(own.reshape(-1, 1), own.reshape(-1, 1))
    if made is not None:
        filled.made.add(made.reshape(-1, 1), made.reshape(-1, 1))
    return filled


def marks(svg: str, kind: str) -> int:
    return len(re.findall(rf'<use [^>]*class="{kind}"', svg))


def test_points_that_lie_on_each_other_are_drawn_once() -> None:
    picture = scatter(spread(np.repeat([1.0, 2.0, 3.0], 500)), "a")
    assert picture is not None
    assert picture.own == 1500
    assert marks(picture.svg, "own") == 3


def test_a_picture_of_very_many_answers_is_small() -> None:
    picture = scatter(spread(np.random.default_rng(0).normal(size=100_000)), "a")
    assert picture is not None
    assert marks(picture.svg, "own") <= 2 * GRID
    assert len(picture.svg) < 40_000


def test_every_wrong_answer_is_in_the_picture() -> None:
    picture = scatter(spread(np.linspace(0, 1, 50), wrong=[(0.5, 30.0), (0.2, -4.0)]), "a")
    assert picture is not None
    assert (picture.wrong, marks(picture.svg, "wrong")) == (2, 2)


def test_made_rows_far_from_the_users_are_counted_not_drawn() -> None:
    picture = scatter(spread(np.linspace(0, 1, 50), made=np.array([0.5, 1e300, -1e300])), "a")
    assert picture is not None
    assert (picture.made, picture.outside, marks(picture.svg, "made")) == (1, 2, 1)


def test_numbers_too_large_for_an_axis_are_counted_not_drawn() -> None:
    picture = scatter(spread(np.array([1.0, 2.0, 1.7e308, -1.7e308])), "a")
    assert picture is not None
    assert (picture.own, picture.outside) == (2, 2)


def test_what_is_no_number_is_counted() -> None:
    picture = scatter(spread(np.linspace(0, 1, 50), wrong=[(0.5, float("nan"))]), "a")
    assert picture is not None
    assert (picture.wrong, picture.no_number) == (0, 1)


@pytest.mark.parametrize(
    "values",
    [
        np.array([3.0]),
        np.zeros(5),
        np.array([1e99, -1e99]),
        np.array([5e-324, 0.0]),
        np.array([1.0, 1.0 + 2e-16]),
        np.array([1.0] * 9 + [1e12]),
    ],
)
def test_any_finite_answers_can_be_drawn(values: np.ndarray) -> None:
    picture = scatter(spread(values), "a")
    assert picture is not None
    assert marks(picture.svg, "own") >= 1
    ET.fromstring(picture.svg)


def test_no_numbers_no_picture() -> None:
    assert scatter(spread(np.array([np.nan, np.inf])), "a") is None


def test_the_distribution_has_a_bar_a_bin_and_one_place_for_those_that_are_empty() -> None:
    tally = Tally(cells=110, equal_cells=100)
    tally.errors[[0, 2]] = 4, 3
    tally.wrong_errors[[50, BINS - 1]] = 2, 1
    svg = distribution(tally, "d")
    assert svg is not None
    texts = ["".join(node.itertext()).strip() for node in ET.fromstring(svg).iter("text")]
    shown = [text for text in texts if text in ("0", "1", "2", "4", "8", "16", "…", "number")]
    assert shown == ["0", "1", "2", "4", "8", "…", "number"]


def test_colours_are_the_pages_own() -> None:
    tally = Tally(cells=10, equal_cells=10)
    for svg in (distribution(tally, "d"), scatter(spread(np.linspace(0, 1, 5)), "s").svg):  # type: ignore[union-attr]
        assert svg is not None
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r'(href="|url\()#[\w-]+', "", svg)) == []
        assert "var(--ink)" in svg
