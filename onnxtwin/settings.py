"""``onnxtwin.toml``, or ``[tool.onnxtwin]`` in ``pyproject.toml``: what each artifact is checked against.

Read by the command line, the pytest plugin and the GitHub Action alike; imports nothing beyond the
standard library. Paths in it are relative to the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from onnxtwin.exporters.errors import CheckError

FILES = ("onnxtwin.toml", "pyproject.toml")

_PARTS = ("model.onnx", "contract.json", "manifest.json")


@dataclass(frozen=True)
class Plan:
    """How one artifact is checked.

    Attributes
    ----------
    artifact : its folder.
    recipe : whose pipeline it is compared with; None to replay the recorded rows only.
    data : files of raw rows; the recipe's own rows where there are none.
    target : column of the data that holds the targets.
    metrics : names of metrics, or ``path.py:function``; those that fit the pipeline where there are none.
    runtimes : where the graph is run.
    cases : whether hostile rows are made, or the names of the families.
    seed : of the hostile rows.
    rtol, atol, tolerances, thorough : as :func:`onnxtwin.runtime_checks.check` takes them.
    """

    artifact: Path
    recipe: str | None = None
    data: tuple[Path, ...] = ()
    target: str | None = None
    metrics: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ("python",)
    cases: bool | tuple[str, ...] = True
    seed: int = 0
    rtol: float | None = None
    atol: float | None = None
    tolerances: dict[str, float | tuple[float, float]] = field(default_factory=dict)
    thorough: bool = False


@dataclass(frozen=True)
class Settings:
    """The plans of a project; empty where it has no file of settings."""

    plans: tuple[Plan, ...] = ()

    def plan(self, artifact: Path) -> Plan:
        """What the settings say about an artifact, or the plan of one that they do not name."""
        for plan in self.plans:
            if plan.artifact.resolve() == artifact.resolve():
                return replace(plan, artifact=artifact)
        return Plan(artifact)

    def missing(self, folder: Path) -> list[Path]:
        """Artifacts within a folder that the settings name and that are not there."""
        return [
            plan.artifact
            for plan in self.plans
            if plan.artifact.resolve().is_relative_to(folder.resolve()) and not is_artifact(plan.artifact)
        ]


def is_artifact(folder: Path) -> bool:
    """Whether a folder holds an artifact, if perhaps a damaged one: it may lack one of three files."""
    return sum((folder / name).is_file() for name in _PARTS) >= len(_PARTS) - 1


def artifacts_in(folder: Path) -> Iterator[Path]:
    """The artifacts in a folder, at any depth, in the order of their paths; the folder itself may be one."""
    if is_artifact(folder):
        yield folder
    elif folder.is_dir():
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.name.startswith("."):
                yield from artifacts_in(inner)


def plans(paths: Sequence[Path], settings: Settings) -> list[Plan]:
    """The plans of all artifacts in some folders; of all that the settings name, where no folder is given.

    Raises
    ------
    CheckError
        If nothing is found in a folder, or an artifact is not there that the settings name.
    """
    if not paths:
        if not settings.plans:
            raise CheckError(f"no artifact was given, and there is no {' or '.join(FILES)} that names one")
        paths = [_near(plan.artifact) for plan in settings.plans]
    found: dict[Path, Plan] = {}
    for path in paths:
        here = [*artifacts_in(path)]
        absent = settings.missing(path)
        if absent:
            raise CheckError(
                f"the settings name {', '.join(map(str, absent))}: no artifact is there; build it"
            )
        if not here:
            raise CheckError(f"{path}: there is no artifact; `onnxtwin build RECIPE -o {path}` makes one")
        found |= {folder.resolve(): settings.plan(folder) for folder in here}
    return list(found.values())


def _near(path: Path) -> Path:
    """A path as a person in the working directory writes it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def read_settings(start: Path | None = None) -> Settings:
    """The settings of the project that a folder belongs to: of the nearest file at or above it.

    Parameters
    ----------
    start : a folder; the working directory by default.

    Raises
    ------
    CheckError
        If the file is no TOML, or says something that is not understood.
    """
    folder = (start or Path.cwd()).resolve()
    for place in (folder, *folder.parents):
        for name in FILES:
            file = place / name
            if not file.is_file():
                continue
            try:
                content = tomllib.loads(file.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise CheckError(f"{file}: is no TOML: {error}") from error
            table = content if name == FILES[0] else content.get("tool", {}).get("onnxtwin")
            if table is not None:
                return _settings(file, table)
    return Settings()


def _settings(file: Path, table: dict[str, Any]) -> Settings:
    unknown = sorted(set(table) - {"artifacts"})
    if unknown:
        raise CheckError(f'{file}: found {", ".join(unknown)}; expected tables [artifacts."folder"] only')
    artifacts = _typed(file, "artifacts", table.get("artifacts", {}), dict)
    return Settings(tuple(_plan(file, name, entry) for name, entry in artifacts.items()))


_KINDS: dict[str, tuple[type, ...]] = {
    "recipe": (str,),
    "data": (str, list),
    "target": (str,),
    "metrics": (str, list),
    "runtimes": (str, list),
    "cases": (bool, str, list),
    "seed": (int,),
    "rtol": (int, float),
    "atol": (int, float),
    "tolerances": (dict,),
    "thorough": (bool,),
}


_CALLED = {
    bool: "true or false",
    dict: "a table",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "a text",
}


def _plan(file: Path, name: str, entry: Any) -> Plan:
    where = f"artifacts.{name}"
    unknown = sorted(set(_typed(file, where, entry, dict)) - set(_KINDS))
    if unknown:
        raise CheckError(f"{file}: {where} has {', '.join(unknown)}; it may have {', '.join(_KINDS)}")
    said: dict[str, Any] = {}
    for key, value in entry.items():
        said[key] = _typed(file, f"{where}.{key}", value, *_KINDS[key])
        if list in _KINDS[key] and not isinstance(value, bool):
            said[key] = _texts(file, f"{where}.{key}", value)
    if said.get("recipe", "").rpartition(":")[0].endswith(".py"):
        said["recipe"] = str(file.parent / said["recipe"])
    said["data"] = tuple(file.parent / path for path in said.get("data", ()))
    said["metrics"] = tuple(
        str(file.parent / metric) if ".py:" in metric else metric for metric in said.get("metrics", ())
    )
    said["tolerances"] = {
        output: tuple(pair) if isinstance(pair, list) else pair
        for output, pair in said.get("tolerances", {}).items()
    }
    for needs, needed in (("data", "recipe"), ("target", "data"), ("cases", "recipe"), ("metrics", "recipe")):
        if needs in entry and needed not in entry:
            raise CheckError(f"{file}: {where} has {needs}, which is of no effect without {needed}")
    return Plan(file.parent / name, **said)


def _typed(file: Path, where: str, value: Any, *kinds: type) -> Any:
    # In Python a bool is an int.
    if not isinstance(value, kinds) or isinstance(value, bool) and bool not in kinds:
        expected = " or ".join(_CALLED[kind] for kind in kinds)
        raise CheckError(f"{file}: {where} is {value!r}; expected {expected}")
    return value


def _texts(file: Path, where: str, value: str | list[Any]) -> tuple[str, ...]:
    return tuple(_typed(file, where, text, str) for text in ([value] if isinstance(value, str) else value))
