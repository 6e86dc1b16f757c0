"""What a check found: counts and worst rows per method and case family, metrics, coverage. Data only.

``docs/report.schema.json`` is the schema of :meth:`Report.to_json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from onnxtwin.runtime_checks.compare import Tolerance
from onnxtwin.runtime_checks.coverage.summary import Coverage
from onnxtwin.runtime_checks.rows import plain, source
from onnxtwin.runtime_checks.spread import Spread
from onnxtwin.runtime_checks.tally import Tally, Worst

FORMAT = 1

LISTED = 1000
"""Undetermined rows listed per method; the count is always of all of them."""


@dataclass(frozen=True)
class Noted:
    """A row worth listing; ``text`` says why it is undetermined, or is the error of the side that refuses."""

    row: Any
    position: int | None
    family: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"row": plain(self.row), "position": self.position, "family": self.family, "text": self.text}


@dataclass
class MethodReport:
    """All that was found about one method of the pipeline.

    ``spreads`` holds, per output, what the page's pictures are drawn from; the JSON report leaves it out.
    """

    method: str
    families: dict[str, Tally] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    undetermined: list[Noted] = field(default_factory=list)
    domain: list[Noted] = field(default_factory=list)
    limited: list[Noted] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def family(self, name: str) -> Tally:
        """The tally of one family, made when first asked for."""
        return self.families.setdefault(name, Tally())

    @property
    def total(self) -> Tally:
        """The sum over the families."""
        total = Tally()
        for tally in self.families.values():
            total.add(tally)
        return total

    @property
    def worst(self) -> Worst | None:
        """The row that is furthest off in any family."""
        return self.total.worst

    @property
    def ok(self) -> bool:
        """Rows were compared and nothing is wrong."""
        return not self.problems and self.total.rows > 0 and self.total.wrong == 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "method": self.method,
            "ok": self.ok,
            **self.total.to_json(),
            "families": [{"family": name, **tally.to_json()} for name, tally in self.families.items()],
            "undetermined_rows": [noted.to_json() for noted in self.undetermined],
            "domain_rows": [noted.to_json() for noted in self.domain],
            "limit_rows": [noted.to_json() for noted in self.limited],
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Location:
    """Where a wrong answer begins: the first step of the pipeline whose output differs.

    ``step`` is its path, ``column`` the name or position of the column, with both sides' values
    for the row; ``text`` says the same as a sentence.
    """

    step: str
    column: str | None
    expected: Any
    found: Any
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: plain(getattr(self, name)) for name in ("step", "column", "expected", "found", "text")}


@dataclass(frozen=True)
class Minimal:
    """The simplest row found on which the twin is wrong, shrunk from one that failed.

    Attributes
    ----------
    row : as the user would type it.
    columns : those whose value is not the most frequent one of the user's rows; the fault needs them.
    output : the part of the method's answer that differs, with both sides' values.
    """

    row: Any
    columns: tuple[str, ...]
    method: str
    output: str
    expected: Any
    found: Any

    @property
    def text(self) -> str:
        """The same as a sentence."""
        values = (
            f"the pipeline answers {self.output} = {source(self.expected)}, the twin {source(self.found)}"
        )
        return f"{values} for {source(self.row)}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = ("row", "columns", "method", "output", "expected", "found")
        return {name: plain(getattr(self, name)) for name in names} | {"source": source(self.row)}


@dataclass(frozen=True)
class Score:
    """One metric of the research notebook, computed from both sides' answers to the same rows.

    Attributes
    ----------
    pipeline, twin : the metric of either side's answers.
    rows : the user's rows that it was computed on: all that both sides answer, undetermined ones left out.
    rtol, atol : of the answers it was computed from; both 0 where these are discrete.
    tied : the two differ because the metric jumps where scores tie, and the pipeline's own metric jumps
        likewise when its answers move by a few units in the last place.
    """

    metric: str
    pipeline: float
    twin: float
    rows: int
    rtol: float
    atol: float
    tied: bool = False

    @property
    def equal(self) -> bool:
        """``|twin - pipeline| <= atol + rtol * |pipeline|`` or tied; NaN equals NaN, an infinity itself."""
        if (
            self.tied
            or self.pipeline == self.twin
            or (self.pipeline != self.pipeline and self.twin != self.twin)
        ):
            return True
        difference = abs(self.twin - self.pipeline)
        return difference < float("inf") and difference <= self.atol + self.rtol * abs(self.pipeline)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = ("metric", "pipeline", "twin", "rows", "rtol", "atol", "tied", "equal")
        return {name: plain(getattr(self, name)) for name in names}


@dataclass
class Report:
    """The outcome of a check. Green (``ok``) only if rows were compared and none is wrong.

    Attributes
    ----------
    metrics : of the research notebook, where targets were given.
    coverage : what the rows exercised of the graph; None where it was not counted.
    environment : name → version of what answered on either side.
    unfinished : the families that were not answered to their end, because the user ended the check.
    latency_us : median time of one row in this runtime, microseconds; None where it was not measured.
    """

    runtime: str
    tolerance: Tolerance
    methods: list[MethodReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    location: Location | None = None
    minimal: Minimal | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    metrics: list[Score] = field(default_factory=list)
    coverage: Coverage | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    latency_us: float | None = None
    unfinished: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows compared, taking the method for which they were fewest."""
        return min((m.total.rows for m in self.methods), default=0)

    @property
    def verdict(self) -> Literal["equal", "unequal", "interrupted", "nothing compared"]:
        """``unequal`` if anything is wrong; ``nothing compared`` if nothing could be; else ``equal``.

        ``interrupted`` if the user ended the check and nothing was wrong up to there.
        """
        if self.problems or any(m.problems or m.total.wrong for m in self.methods):
            return "unequal"
        if not all(score.equal for score in self.metrics):
            return "unequal"
        if self.unfinished:
            return "interrupted"
        return "equal" if self.rows else "nothing compared"

    @property
    def ok(self) -> bool:
        """True only if the verdict is ``equal``."""
        return self.verdict == "equal"

    @property
    def exit_code(self) -> int:
        """0 equal, 1 unequal, 3 interrupted or nothing compared."""
        return {"equal": 0, "unequal": 1, "interrupted": 3, "nothing compared": 3}[self.verdict]

    def __getitem__(self, method: str) -> MethodReport:
        """The report of one method."""
        for entry in self.methods:
            if entry.method == method:
                return entry
        raise KeyError(f"{method!r}; the methods are {[m.method for m in self.methods]}")

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values: no clock, no path; non-finite numbers are texts."""
        return {
            "format": FORMAT,
            "verdict": self.verdict,
            "ok": self.ok,
            "runtime": self.runtime,
            "rows": self.rows,
            "tolerance": self.tolerance.to_json(),
            "methods": [m.to_json() for m in self.methods],
            "metrics": [score.to_json() for score in self.metrics],
            "coverage": self.coverage.to_json() if self.coverage else None,
            "problems": list(self.problems),
            "location": self.location.to_json() if self.location else None,
            "minimal": self.minimal.to_json() if self.minimal else None,
            "skipped": dict(self.skipped),
            "environment": dict(self.environment),
            "latency_us": self.latency_us,
            "unfinished": list(self.unfinished),
        }

    def to_html(self) -> str:
        """A self-contained page, for the business above and engineers below: no script, no network."""
        from onnxtwin.runtime_checks.html import page

        return page(self)

    def to_junit(self) -> str:
        """JUnit XML: a test case per method and family, and per metric."""
        from onnxtwin.runtime_checks.junit import xml

        return xml(self)

    def to_markdown(self) -> str:
        """A short summary in GitHub's Markdown, for a CI server's page."""
        from onnxtwin.runtime_checks.markdown import summary

        return summary(self)

    def render(self, console: Any = None) -> None:
        """Print a row per method, and the worst rows, to a ``rich.console.Console`` (default: a new one)."""
        from onnxtwin.runtime_checks.terminal import render

        render(self, console)

    def __str__(self) -> str:
        from onnxtwin.runtime_checks.terminal import text

        return text(self)
