"""What a check found: counts and worst cases per method and case family. Data only.

``docs/report.schema.json`` is the schema of :meth:`Report.to_json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from onnxtwin.runtime_checks.compare import BoolArray, Errors, Tolerance
from onnxtwin.runtime_checks.rows import plain, source

FORMAT = 1

LISTED = 1000
"""Undetermined rows listed per method; the count is always of all of them."""


@dataclass(frozen=True)
class Worst:
    """One row and the cell of it that is furthest off.

    ``row`` is as the user would type it, ``position`` its place in the user's rows (None for
    generated rows), ``output`` the part of the answer; ``ulps``, ``absolute`` and ``relative``
    are infinite where the values are not numbers.
    """

    row: Any
    position: int | None
    family: str
    output: str
    expected: Any
    found: Any
    ulps: float
    absolute: float
    relative: float
    excess: float
    mismatch: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = (
            "row",
            "position",
            "family",
            "output",
            "expected",
            "found",
            "ulps",
            "absolute",
            "relative",
            "mismatch",
        )
        return {name: plain(getattr(self, name)) for name in names} | {"source": source(self.row)}


@dataclass(frozen=True)
class Noted:
    """A row worth listing: undetermined (``text`` says why) or unlike in domain (``text`` is the error)."""

    row: Any
    position: int | None
    family: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"row": plain(self.row), "position": self.position, "family": self.family, "text": self.text}


@dataclass
class Tally:
    """Counts of one method over one family of cases, or over all of them.

    Attributes
    ----------
    rows : rows that both sides answered and that were compared.
    mismatched : of these, rows that differ and are not undetermined.
    undetermined : rows on which the sides differ, but the pipeline cannot decide itself; of the compared
        rows those with other answers, and rows that one side refuses and the pipeline does or does not
        refuse depending on the rows around.
    refused : rows that the pipeline refuses; not compared.
    answered_outside : of the refused rows, those that the twin answers.
    refused_inside : rows that the pipeline answers and the twin refuses; not compared.
    cells, equal_cells : numbers compared (undetermined rows excluded), and those equal to the last bit.
    ulps, absolute, relative : worst errors over the compared rows, undetermined rows excluded.
    """

    rows: int = 0
    mismatched: int = 0
    undetermined: int = 0
    refused: int = 0
    answered_outside: int = 0
    refused_inside: int = 0
    cells: int = 0
    equal_cells: int = 0
    ulps: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0

    @property
    def bit_equal(self) -> float | None:
        """Share of the compared values that are equal to the last bit; None if none was compared."""
        return self.equal_cells / self.cells if self.cells else None

    @property
    def wrong(self) -> int:
        """Rows that turn the verdict red."""
        return self.mismatched + self.answered_outside + self.refused_inside

    def add(self, other: Tally) -> None:
        """Count the other's rows too."""
        for name in [
            "rows",
            "mismatched",
            "undetermined",
            "refused",
            "answered_outside",
            "refused_inside",
            "cells",
            "equal_cells",
        ]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("ulps", "absolute", "relative"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))

    def measure(self, errors: Errors, excluded: BoolArray) -> None:
        """Count one part's cells, leaving out the excluded rows (``[N]`` bool)."""
        rows = len(excluded)
        width = errors.cells // rows if rows else 0
        keep = ~excluded[errors.row]
        self.cells += width * int((~excluded).sum())
        self.equal_cells += width * int((~excluded).sum()) - int(keep.sum())
        if keep.any():
            self.ulps = max(self.ulps, float(errors.ulps[keep].max()))
            self.absolute = max(self.absolute, float(errors.absolute[keep].max()))
            self.relative = max(self.relative, float(errors.relative[keep].max()))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        counts = ["rows", "mismatched", "undetermined", "refused"]
        return {name: getattr(self, name) for name in counts} | {
            "answered_outside_domain": self.answered_outside,
            "refused_inside_domain": self.refused_inside,
            "bit_equal": plain(self.bit_equal),
            "worst": {name: plain(getattr(self, name)) for name in ("ulps", "absolute", "relative")},
        }


@dataclass
class MethodReport:
    """All that was found about one method of the pipeline."""

    method: str
    families: dict[str, Tally] = field(default_factory=dict)
    worst: Worst | None = None
    undetermined: list[Noted] = field(default_factory=list)
    domain: list[Noted] = field(default_factory=list)
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
    def ok(self) -> bool:
        """Rows were compared and nothing is wrong."""
        return not self.problems and self.total.rows > 0 and self.total.wrong == 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "method": self.method,
            "ok": self.ok,
            **self.total.to_json(),
            "worst_row": self.worst.to_json() if self.worst else None,
            "families": [{"family": name, **tally.to_json()} for name, tally in self.families.items()],
            "undetermined_rows": [noted.to_json() for noted in self.undetermined],
            "domain_rows": [noted.to_json() for noted in self.domain],
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


@dataclass
class Report:
    """The outcome of a check. Green (``ok``) only if rows were compared and none is wrong."""

    runtime: str
    tolerance: Tolerance
    methods: list[MethodReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    location: Location | None = None
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows compared, taking the method for which they were fewest."""
        return min((m.total.rows for m in self.methods), default=0)

    @property
    def verdict(self) -> Literal["equal", "unequal", "nothing compared"]:
        """``unequal`` if anything is wrong; ``nothing compared`` if nothing could be; else ``equal``."""
        if self.problems or any(m.problems or m.total.wrong for m in self.methods):
            return "unequal"
        return "equal" if self.rows else "nothing compared"

    @property
    def ok(self) -> bool:
        """True only if the verdict is ``equal``."""
        return self.verdict == "equal"

    @property
    def exit_code(self) -> int:
        """0 equal, 1 unequal, 3 nothing compared."""
        return {"equal": 0, "unequal": 1, "nothing compared": 3}[self.verdict]

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
            "tolerance": {"rtol": self.tolerance.rtol, "atol": self.tolerance.atol},
            "methods": [m.to_json() for m in self.methods],
            "problems": list(self.problems),
            "location": self.location.to_json() if self.location else None,
            "skipped": dict(self.skipped),
        }

    def to_html(self) -> str:
        """A self-contained page: no script, no network."""
        from onnxtwin.runtime_checks.html import page

        return page(self)

    def to_junit(self) -> str:
        """JUnit XML: a test case per method and family."""
        from onnxtwin.runtime_checks.junit import xml

        return xml(self)

    def render(self, console: Any = None) -> None:
        """Print a row per method, and the worst rows, to a ``rich.console.Console`` (default: a new one)."""
        from onnxtwin.runtime_checks.terminal import render

        render(self, console)

    def __str__(self) -> str:
        from onnxtwin.runtime_checks.terminal import text

        return text(self)


def worse(current: Worst | None, candidate: Worst) -> Worst:
    """The row to show: a mismatch first, then by distance in tolerances, then in ulps."""

    def rank(worst: Worst) -> tuple[bool, float, float]:
        return worst.mismatch, worst.excess, worst.ulps

    return candidate if current is None or rank(candidate) > rank(current) else current
