"""A recipe is found and run, or the error says what is wrong with it and keeps the author's traceback."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest

from onnxtwin.build.recipe import importable, run_recipe
from onnxtwin.exporters.errors import RecipeError

RECIPES = """
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})


@dataclass
class Options:
    shift: float = 1.0


def pair():
    from recipe_sibling import target

    return LinearRegression().fit(X, target()), X


def triple():
    return LinearRegression().fit(X, [1, 2, 3]), X, np.array([1, 2, 3])


def raises():
    raise KeyError("no such table")


def leaves():
    raise SystemExit("bye")


def unfitted():
    return StandardScaler(), X


def no_estimator():
    return "pipeline", X


def alone():
    return LinearRegression().fit(X, [1, 2, 3])


def four():
    return 1, 2, 3, 4


def short():
    return LinearRegression().fit(X, [1, 2, 3]), X, [1]


def no_rows():
    return LinearRegression().fit(X, [1, 2, 3]), 5
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "delays_recipe.py").write_text(RECIPES)
    (tmp_path / "recipe_sibling.py").write_text("def target():\n    return [1, 2, 3]\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def test_a_function_of_a_file_returns_pipeline_and_rows(folder: Path) -> None:
    material = run_recipe(f"{folder / 'delays_recipe.py'}:pair")
    assert material.pipeline.predict(material.X) == pytest.approx([1, 2, 3])
    assert material.y is None


def test_a_relative_path_will_do(folder: Path) -> None:
    assert run_recipe("delays_recipe.py:triple").y.tolist() == [1, 2, 3]


def test_a_function_of_a_module_is_found_from_the_working_directory(folder: Path) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "recipes.py").write_text(RECIPES)
    assert len(run_recipe("package.recipes:triple").X) == 3


def test_the_folder_is_importable_only_while_the_recipe_runs(folder: Path) -> None:
    before = list(sys.path)
    run_recipe("delays_recipe.py:pair")
    assert sys.path == before
    with importable(f"{folder}/delays_recipe.py:pair"):
        assert sys.path[0] == str(folder)


def test_two_files_of_one_name_are_two_modules(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "delays_recipe.py").write_text(RECIPES.replace("[1, 2, 3]", "[2, 4, 6]"))
    assert run_recipe("delays_recipe.py:triple").y.tolist() == [1, 2, 3]
    assert run_recipe("other/delays_recipe.py:triple").y.tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("delays_recipe.py", "names no recipe: say path.py:function or package.module:function"),
        ("delays_recipe.py:", "names no recipe"),
        ("delays_recipe.py:a b", "names no recipe"),
        ("absent.py:pair", "there is no file absent.py"),
        ("absent.module:pair", "importing absent.module failed: ModuleNotFoundError"),
        ("delays_recipe.py:absent", "has no 'absent'; it defines Options, pair, triple"),
        ("delays_recipe.py:X", "'X' is a DataFrame, not a function"),
        ("delays_recipe.py:raises", "raised: KeyError: 'no such table'"),
        ("delays_recipe.py:leaves", "raised: SystemExit: bye"),
        ("delays_recipe.py:unfitted", "a pipeline that is not fitted; call fit in it"),
        ("delays_recipe.py:no_estimator", "returned str as the pipeline"),
        ("delays_recipe.py:alone", r"returned a LinearRegression; return \(fitted_pipeline, X\)"),
        ("delays_recipe.py:four", "returned a tuple of 4"),
        ("delays_recipe.py:short", "returned 3 rows and 1 targets; return one target a row"),
        ("delays_recipe.py:no_rows", "returned a int as X; return raw rows"),
    ],
)
def test_every_failure_names_the_recipe_and_the_reason(folder: Path, recipe: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        run_recipe(recipe)
    assert recipe.rstrip(":") in str(caught.value)


def test_the_authors_traceback_is_kept_as_the_cause(folder: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        run_recipe("delays_recipe.py:raises")
    lines = "".join(traceback.format_exception(caught.value.__cause__))
    assert 'raise KeyError("no such table")' in lines


def test_a_file_that_cannot_be_imported_is_not_remembered(folder: Path) -> None:
    (folder / "broken.py").write_text("import nothing_of_that_name")
    with pytest.raises(RecipeError, match=r"importing broken\.py failed: ModuleNotFoundError"):
        run_recipe("broken.py:pair")
    assert "broken" not in sys.modules
    (folder / "syntax.py").write_text("def pair(:")
    with pytest.raises(RecipeError, match=r"importing syntax\.py failed: SyntaxError"):
        run_recipe("syntax.py:pair")


def test_an_interrupt_stops_the_recipe(folder: Path) -> None:
    (folder / "slow.py").write_text("def pair():\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        run_recipe("slow.py:pair")
