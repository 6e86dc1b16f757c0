"""The page in a real browser: it draws, in both modes and on a phone, and asks nobody for anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from chromium import needs_chromium, open_page
from fake_twins import Answers, check_fake
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from onnxtwin.runtime_checks import Report

pytestmark = [needs_chromium, pytest.mark.xdist_group("chromium")]

WHITE, NIGHT = (0xFF, 0xFF, 0xFF), (0x14, 0x17, 0x1B)
OWN_LIGHT, OWN_DARK, WRONG_LIGHT = (0x00, 0x72, 0xB2), (0x56, 0xB4, 0xE9), (0xC8, 0x45, 0x0B)


@pytest.fixture(scope="module")
def red() -> Report:
    X = pd.DataFrame({"weight": np.linspace(-1, 1, 200), "<script>alert(1)</script>": np.linspace(2, 1, 200)})
    model = LogisticRegression().fit(X, X["weight"] > 0)

    def off(rows: pd.DataFrame, found: Answers) -> Answers:
        found["predict_proba"][(rows["weight"] > 0.2) & (rows["weight"] < 0.4), 0] = 0.95
        return found

    y = X["weight"] > 0.1
    return check_fake(model, X, "predict", "predict_proba", answers=off, y=y, cases=["missing"])


def share(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> float:
    return float((pixels == np.array(colour, dtype=np.uint8)).all(axis=2).mean())


def test_it_draws_its_pictures_and_complains_of_nothing(red: Report) -> None:
    opened = open_page(red.to_html())
    assert opened.console == []
    assert tuple(opened.pixels[0, 0]) == WHITE
    assert share(opened.pixels, OWN_LIGHT) > 0.001
    assert share(opened.pixels, WRONG_LIGHT) > 0.0001
    assert "Unequal" in opened.dom
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in opened.dom


def test_it_follows_the_readers_dark_mode(red: Report) -> None:
    pixels = open_page(red.to_html(), colours="dark").pixels
    assert tuple(pixels[0, 0]) == NIGHT
    assert share(pixels, OWN_DARK) > 0.001
    assert share(pixels, WHITE) < 0.001


def test_on_a_phone_nothing_sticks_out_at_the_side(red: Report) -> None:
    pixels = open_page(red.to_html(), width=390, height=4000).pixels
    assert (pixels[:, -6:] == np.array(WHITE, dtype=np.uint8)).all()
    assert share(pixels, OWN_LIGHT) > 0.001


def test_a_page_that_asked_for_something_would_be_noticed(red: Report) -> None:
    tampered = red.to_html().replace("<main>", '<main><img src="https://example.org/x.png">')
    assert any("Content Security Policy" in line for line in open_page(tampered).console)
    scripted = red.to_html().replace("<main>", "<main><script>document.title = 'x'</script>")
    opened = open_page(scripted)
    assert any("Content Security Policy" in line for line in opened.console)
    assert "<title>✗ unequal" in opened.dom
