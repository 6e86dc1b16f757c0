"""``pytest --onnxtwin artifacts/``: artifacts are files of tests, recorded rows and recipes their items.

pytest loads this module in every run of an environment that has onnxtwin, so it imports nothing else until
``--onnxtwin`` is given. Artifacts, recipes and data are named in ``onnxtwin.toml`` or ``pyproject.toml``
(:mod:`onnxtwin.settings`); without them the recorded rows are replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from onnxtwin.gate import Gate
    from onnxtwin.runtime_checks import Report
    from onnxtwin.settings import Settings

_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
_FOUND: pytest.StashKey[list[Path]] = pytest.StashKey()

MARK = "manifest.json"
"""The file by which an artifact is found; where it is missing, the contract is."""


class Unequal(Exception):  # noqa: N818 - what pytest shows is the report, not this name
    """The report is not green."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{report.verdict}: {report.rows:,} rows compared")
        self.report = report


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option."""
    group = parser.getgroup("onnxtwin", "artifacts of onnxtwin")
    group.addoption(
        "--onnxtwin",
        action="store_true",
        help="Collect artifacts: replay their recorded rows, compare them with the recipes of onnxtwin.toml.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the project's settings once."""
    if not config.getoption("onnxtwin"):
        return
    from onnxtwin.exporters.errors import CheckError
    from onnxtwin.settings import read_settings

    try:
        config.stash[_SETTINGS] = read_settings(config.invocation_params.dir)
    except CheckError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[_FOUND] = []


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ArtifactFile | None:
    """An artifact, for its manifest; or for its contract, if somebody lost the manifest."""
    if _FOUND not in parent.config.stash:
        return None
    from onnxtwin.settings import is_artifact

    folder = file_path.parent
    mark = MARK if (folder / MARK).is_file() else "contract.json"
    if file_path.name != mark or not is_artifact(folder):
        return None
    parent.config.stash[_FOUND].append(folder)
    file: ArtifactFile = ArtifactFile.from_parent(parent, path=file_path)
    return file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Nothing found, or an artifact missing that the settings name, is a failing item and never green."""
    if _FOUND not in config.stash:
        return
    asked = [Path(argument.partition("::")[0]) for argument in config.args]
    folders = [path if path.is_absolute() else config.invocation_params.dir / path for path in asked]
    missing = [path for folder in folders for path in config.stash[_SETTINGS].missing(folder)]
    text = f"the settings name {', '.join(map(str, missing))}: no artifact is there; build it"
    if not missing and config.stash[_FOUND]:
        return
    if not missing:
        text = f"there is no artifact in {', '.join(map(str, asked))}"
    item: AbsentItem = AbsentItem.from_parent(session, name="onnxtwin", text=text)
    items.append(item)


class ArtifactFile(pytest.File):
    """One artifact; artifact and recipe are read once for all of its items."""

    gate: Gate

    def collect(self) -> Iterator[pytest.Item]:
        """Per runtime one item for the recorded rows, and one for the recipe where one is named."""
        from onnxtwin.gate import Gate

        plan = self.config.stash[_SETTINGS].plan(self.path.parent)
        self.gate = Gate(plan)
        for step in ("recorded", *(["recipe"] if plan.recipe else [])):
            for runtime in plan.runtimes:
                item: ArtifactItem = ArtifactItem.from_parent(
                    self, name=f"{step}[{runtime}]", step=step, runtime=runtime
                )
                yield item


class ArtifactItem(pytest.Item):
    """One check of an artifact; skipped where its runtime cannot run here."""

    def __init__(self, *, step: str, runtime: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.runtime = runtime

    def runtest(self) -> None:
        """Check, and raise what is not green."""
        from onnxtwin.runtime_checks.runtimes import DEFAULT, select

        assert isinstance(self.parent, ArtifactFile)
        # Python can always run, so that one runtime that is absent is told and raises nothing.
        ready, skipped = select((DEFAULT, self.runtime))
        if self.runtime in skipped:
            pytest.skip(f"{self.runtime}: {skipped[self.runtime]}")
        runtime = next(runtime for runtime in ready if runtime.name == self.runtime)
        gate = self.parent.gate
        report = gate.replay(runtime) if self.step == "recorded" else gate.compare(runtime)
        self.user_properties.append(("verdict", report.verdict))
        self.user_properties.append(("rows", report.rows))
        if not report.ok:
            raise Unequal(report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report of what is unequal, the message of what could not run; a traceback of a defect."""
        from onnxtwin.exporters.errors import OnnxTwinError

        if isinstance(excinfo.value, Unequal):
            return str(excinfo.value.report)
        if isinstance(excinfo.value, (OnnxTwinError, OSError)) and style is None:
            return f"could not run: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """What a summary calls it."""
        assert isinstance(self.parent, ArtifactFile)
        return self.path, None, f"{self.parent.path.parent.name}: {self.name}"


class AbsentItem(pytest.Item):
    """Fails: what should be checked is not there."""

    def __init__(self, *, text: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text = text

    def runtest(self) -> None:
        """Raise CheckError."""
        from onnxtwin.exporters.errors import CheckError

        raise CheckError(self.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is not there."""
        return f"could not run: {excinfo.value}"
