"""``onnxtwin.toml``: what is said there is understood or refused by name; artifacts are found or missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtwin.exporters.errors import CheckError
from onnxtwin.settings import Plan, artifacts_in, is_artifact, plans, read_settings

EVERYTHING = """
[artifacts."artifacts/late"]
recipe = "recipes.py:late"
data = ["held_out.parquet", "more"]
target = "late"
metrics = ["accuracy", "value.py:profit"]
runtimes = ["python", "java"]
cases = ["missing", "unknown"]
seed = 3
rtol = 1e-6
atol = 0
tolerances = { predict_proba = [1e-5, 1e-7], predict = 0 }

[artifacts."artifacts/plain"]
"""


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("model.onnx", "contract.json", "manifest.json"):
        (folder / name).write_text("")
    return folder


def test_everything_that_can_be_said_is_understood(tmp_path: Path) -> None:
    (tmp_path / "onnxtwin.toml").write_text(EVERYTHING)
    late, plain = read_settings(tmp_path).plans
    assert late == Plan(
        tmp_path / "artifacts/late",
        f"{tmp_path}/recipes.py:late",
        (tmp_path / "held_out.parquet", tmp_path / "more"),
        "late",
        ("accuracy", f"{tmp_path}/value.py:profit"),
        ("python", "java"),
        ("missing", "unknown"),
        3,
        1e-6,
        0,
        {"predict_proba": (1e-5, 1e-7), "predict": 0},
    )
    assert plain == Plan(tmp_path / "artifacts/plain")


def test_one_text_is_a_list_of_one(tmp_path: Path) -> None:
    (tmp_path / "onnxtwin.toml").write_text(
        '[artifacts.a]\nrecipe = "pkg.mod:f"\ndata = "x.csv"\nruntimes = "java"\ncases = "missing"\n'
    )
    (plan,) = read_settings(tmp_path).plans
    assert (plan.recipe, plan.data, plan.runtimes, plan.cases) == (
        "pkg.mod:f",
        (tmp_path / "x.csv",),
        ("java",),
        ("missing",),
    )


def test_the_nearest_file_at_or_above_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.onnxtwin.artifacts.above]\nrecipe = "r.py:f"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'another'\n")
    assert read_settings(inner).plans[0].artifact == tmp_path / "above"
    (tmp_path / "a" / "onnxtwin.toml").write_text("[artifacts.near]\n")
    assert read_settings(inner).plans[0].artifact == tmp_path / "a" / "near"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[artifacts", "is no TOML"),
        ("recipes = 1", "found recipes; expected tables"),
        ("artifacts = 1", "artifacts is 1; expected a table"),
        ("[artifacts]\na = 'r.py:f'", "artifacts.a is 'r.py:f'; expected a table"),
        ("[artifacts.a]\nrecipes = 'r.py:f'", "artifacts.a has recipes; it may have recipe, data"),
        ("[artifacts.a]\nrecipe = 7", "artifacts.a.recipe is 7; expected a text"),
        ("[artifacts.a]\nseed = true", "artifacts.a.seed is True; expected a whole number"),
        ("[artifacts.a]\nruntimes = [1]", "artifacts.a.runtimes is 1; expected a text"),
        ("[artifacts.a]\ndata = 'x.csv'", "has data, which is of no effect without recipe"),
        ("[artifacts.a]\nrecipe = 'r.py:f'\ntarget = 'y'", "has target, which is of no effect without data"),
        ("[artifacts.a]\ncases = false", "has cases, which is of no effect without recipe"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "onnxtwin.toml").write_text(text)
    with pytest.raises(CheckError, match=r"onnxtwin\.toml: ") as raised:
        read_settings(tmp_path)
    assert message in str(raised.value)


def test_artifacts_are_found_at_any_depth_even_damaged_ones(tmp_path: Path) -> None:
    for name in ("b/deep/late", "a", ".hidden"):
        make(tmp_path / name)
    (tmp_path / "a" / "manifest.json").unlink()
    website = tmp_path / "website"
    website.mkdir()
    (website / "manifest.json").write_text("{}")
    assert [*artifacts_in(tmp_path)] == [tmp_path / "a", tmp_path / "b/deep/late"]
    assert not is_artifact(website)


def test_a_plan_is_what_the_settings_say_or_a_replay(tmp_path: Path) -> None:
    (tmp_path / "onnxtwin.toml").write_text('[artifacts."artifacts/late"]\nrecipe = "r.py:f"\n')
    make(tmp_path / "artifacts/late")
    make(tmp_path / "artifacts/other")
    late, other = plans([tmp_path / "artifacts"], read_settings(tmp_path))
    assert late.recipe == f"{tmp_path}/r.py:f"
    assert other == Plan(tmp_path / "artifacts/other")


def test_what_is_named_and_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "onnxtwin.toml").write_text("[artifacts.late]\n")
    with pytest.raises(CheckError, match=r"the settings name .*late: no artifact is there"):
        plans([tmp_path], read_settings(tmp_path))
    with pytest.raises(CheckError, match=r"the settings name .*late: no artifact is there"):
        plans([], read_settings(tmp_path))
    with pytest.raises(CheckError, match="there is no artifact; `onnxtwin build"):
        plans([tmp_path / "elsewhere"], read_settings(tmp_path))


def test_the_default_tolerance_is_what_the_twin_promises() -> None:
    assert Plan(Path("here")).rtol is None
    assert Plan(Path("here")).atol is None
