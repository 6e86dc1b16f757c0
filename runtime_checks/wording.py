"""How every report words a verdict and writes a number, so that terminal, Markdown and page agree."""

from __future__ import annotations

from onnxtwin.runtime_checks.cases import SAMPLE
from onnxtwin.runtime_checks.compare import Tolerance
from onnxtwin.runtime_checks.report import Report, Score
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import Tally

SENTENCES = {
    "equal": "The twin gives the answers that the research pipeline gives.",
    "unequal": "The twin does not give the answers that the research pipeline gives.",
    "interrupted": "The check was ended before its end: nothing is wrong with what it compared up to there.",
    "nothing compared": "No row was compared, so nothing is known about this twin.",
}

METRICS = {
    "accuracy": "share of rows whose label is right",
    "log_loss": "how far the probabilities are from the truth; lower is better",
    "mse": "mean squared error; lower is better",
    "r2": "share of the targets' variance that is explained",
}
"""What the metrics known by name say, for a reader who did not train the model."""


def single_precision(tolerance: Tolerance) -> str:
    """What is promised of a pipeline that computes in float32; empty for any other."""
    if tolerance.float32_ulps is None:
        return ""
    return (
        f"The pipeline computes in float32: answers are promised within {tolerance.float32_ulps:,} units of "
        "the last place of a float32 as large as the answer, or as the sample's largest."
    )


def number(value: float) -> str:
    """A worst error: 0, a whole number of ulps below a million, or three digits; ∞ of what is no number."""
    if value == float("inf"):
        return "∞"
    if value == int(value) and value < 1e6:
        return f"{int(value):,}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share, never rounded up to 100 %."""
    return "100 %" if share == 1 else f"{int(share * 10000) / 100:.2f} %"


def scored(score: Score) -> tuple[str, str]:
    """Both sides of a metric: rounded if that hides no difference, else with all their digits."""
    rounded = f"{score.pipeline:.10g}", f"{score.twin:.10g}"
    alike = score.pipeline == score.twin or score.pipeline != score.pipeline and score.twin != score.twin
    return rounded if alike or rounded[0] != rounded[1] else (repr(score.pipeline), repr(score.twin))


def judged(score: Score) -> str:
    """Whether a metric is equal, in a word or a few."""
    if score.tied:
        return "equal but for ties"
    if not score.equal:
        return "unequal"
    alike = score.pipeline == score.twin or score.pipeline != score.pipeline
    return "equal" if alike else "equal within tolerance"


def own_rows(report: Report) -> int:
    """The user's rows that were compared, for the method with the fewest."""
    return min((m.families[SAMPLE].rows for m in report.methods if SAMPLE in m.families), default=0)


def undetermined(report: Report) -> int:
    """Undetermined rows, for the method with the most."""
    return max((m.total.undetermined for m in report.methods), default=0)


def limited(report: Report) -> str:
    """How many rows a declared limit of the twin refuses, of the user's own and of all; '' if none.

    For the method with the most.
    """
    totals = [(m.total, m.families.get(SAMPLE, Tally())) for m in report.methods]
    total, own = max(totals, key=lambda pair: pair[0].limited, default=(Tally(), Tally()))
    if not total.limited:
        return ""
    return (
        f"{total.limited:,} rows ({percent(total.limited_share)}) are beyond the limits that the contract "
        f"declares: the pipeline answers them, the twin refuses them; {own.limited:,} of them"
        f"{f' ({percent(own.limited_share)})' if own.limited else ''} are rows handed in"
    )


def bit_equal(report: Report) -> float | None:
    """Share of all values of all methods that are equal to the last bit; None if none was compared."""
    totals = [method.total for method in report.methods]
    cells = sum(total.cells for total in totals)
    return sum(total.equal_cells for total in totals) / cells if cells else None


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters, and how many there were."""
    return text if len(text) <= longest else f"{text[:longest]} ... ({len(text):,} characters)"


def row_source(row: object, longest: int) -> str:
    """A row as one would type it, unless it is longer."""
    return shortened(source(row), longest)
