"""Pictures of a report as inline SVG, drawn by matplotlib: static, small, and equal for equal reports.

Colours are the page's own variables, so that a picture follows the reader's light or dark mode; text stays
text. Points that would lie on each other are drawn once.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onnxtwin.runtime_checks.compare import FloatArray
from onnxtwin.runtime_checks.spread import Spread
from onnxtwin.runtime_checks.tally import BINS, Tally

GRID = 120
"""Points closer than the picture's side by this are one."""

# Stand-ins that the page's style sheet replaces; matplotlib knows no CSS variables.
_INK, _FAINT, _OWN, _MADE, _WRONG = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {
    _INK: "--ink",
    _FAINT: "--line",
    _OWN: "--own",
    _MADE: "--made",
    _WRONG: "--wrong",
}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.linewidth": 0.8,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.grid": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.5,
    "path.simplify": False,
}

LARGEST = 1e100
"""Larger numbers are not drawn: the ends of an axis have to be numbers, too."""

GAP = -1
"""Stands for several empty bins."""

MANY = 12
"""Up to so many bars have a label each."""

FAR = 1e4
"""Where the largest answer is so many times the median one, the axes are logarithmic either side of zero."""


@dataclass(frozen=True)
class Picture:
    """An SVG element, and what could not be drawn.

    ``own``, ``made`` and ``wrong`` count the pairs drawn; ``outside`` equal pairs beyond the picture (of
    generated rows, or no finite number), ``no_number`` wrong pairs of which one side is no finite number.
    """

    svg: str
    own: int
    made: int
    wrong: int
    outside: int = 0
    no_number: int = 0


def scatter(spread: Spread, name: str) -> Picture | None:
    """Research across, twin up: a point on the diagonal is an answer that both give; None without numbers.

    Parameters
    ----------
    name : unique within the page.
    """
    own, made, wrong = (_drawable(pairs) for pairs in (spread.own.pairs, spread.made.pairs, spread.wrong))
    frame = own if len(own) else made
    if not len(frame) and not len(wrong):
        return None
    shown = np.concatenate([frame, wrong])
    low, high = float(shown.min()), float(shown.max())
    margin = 0.04 * (high - low) or max(1.0, abs(high)) * 0.04
    low, high = low - margin, high + margin
    inside = made[((made >= low) & (made <= high)).all(axis=1)]
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(3.5, 3.3), layout="constrained")
        axes = figure.add_subplot()
        typical = float(np.median(np.abs(shown)))
        if typical > 0 and np.abs(shown).max() > FAR * typical:
            axes.set_xscale("symlog", linthresh=typical)
            axes.set_yscale("symlog", linthresh=typical)
        axes.plot([low, high], [low, high], color=_FAINT, linewidth=1.2, zorder=1)
        _points(axes, inside, "s", _MADE, 3.4)
        _points(axes, own, "o", _OWN, 3.4)
        _points(axes, wrong, "X", _WRONG, 6)
        axes.set(xlim=(low, high), ylim=(low, high), xlabel="research pipeline", ylabel="twin")
        svg = _svg(figure, name)
    outside = len(spread.own.pairs) + len(spread.made.pairs) - len(own) - len(inside)
    return Picture(svg, len(own), len(inside), len(wrong), outside, len(spread.wrong) - len(wrong))


def distribution(tally: Tally, name: str) -> str | None:
    """How many values are off by how many ulps; None where no value is a float that could be."""
    counts = np.concatenate([[tally.equal_cells], tally.errors])
    wrong = np.concatenate([[0], tally.wrong_errors])
    if not tally.cells:
        return None
    kept = _bins_to_draw(counts + wrong)
    labels = [_label(which) for which in kept]
    heights, wrong_heights = (
        [int(side[which]) if which >= 0 else 0 for which in kept] for side in (counts, wrong)
    )
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(3.5, 3.3), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(len(kept))
        if wrong.any():
            axes.bar(places - 0.2, heights, 0.4, color=_OWN)
            axes.bar(places + 0.2, wrong_heights, 0.4, color=_WRONG)
        else:
            axes.bar(places, heights, 0.75, color=_OWN)
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
        axes.grid(visible=False, axis="x")
        step = 1 if len(kept) <= MANY else 2
        ticks = [p for p in places if p % step == 0 or kept[p] in (GAP, BINS)]
        axes.set_xticks(ticks, [labels[p] for p in ticks])
        axes.tick_params(axis="x", length=0)
        axes.set(xlabel="units in the last place, up to", ylabel="values")
        return _svg(figure, name)


def _bins_to_draw(counts: npt.NDArray[np.int64]) -> list[int]:
    """Bins from equal to the furthest off; where several are empty in a row, one :data:`GAP` for them."""
    last = max(3, int(np.flatnonzero(counts[:BINS]).max(initial=0)))
    kept: list[int] = []
    for which in range(last + 1):
        near = counts[max(0, which - 1) : which + 2].any()
        if which <= 3 or near:
            kept.append(which)
        elif kept[-1] != GAP:
            kept.append(GAP)
    return [*kept, *([BINS] if counts[BINS] else [])]


def _label(which: int) -> str:
    if which in (GAP, BINS):
        return "…" if which == GAP else "no\nnumber"
    if which == 0:
        return "0"
    return str(2 ** (which - 1)) if which < 9 else f"$2^{{{which - 1}}}$"


def _drawable(pairs: FloatArray | Sequence[tuple[float, float]]) -> FloatArray:
    matrix = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    return matrix[(np.abs(matrix) <= LARGEST).all(axis=1)]


def _points(axes: Axes, pairs: FloatArray, marker: str, colour: str, size: float) -> None:
    """One marker for all points that fall on the same place of the picture, in a fixed order."""
    if not len(pairs):
        return
    places = _snapped(axes, pairs)
    _, first = np.unique(places, axis=0, return_index=True)
    kept = pairs[first]
    kept = kept[np.lexsort((kept[:, 1], kept[:, 0]))]
    axes.plot(
        kept[:, 0],
        kept[:, 1],
        linestyle="none",
        marker=marker,
        markersize=size,
        color=colour,
        markeredgewidth=0,
        zorder=2,
    )


def _snapped(axes: Axes, pairs: FloatArray) -> npt.NDArray[np.int64]:
    scaled = axes.transScale.transform(pairs)
    low, span = scaled.min(), np.ptp(scaled) or 1.0
    return np.asarray(np.floor((scaled - low) / span * GRID), dtype=np.int64)


def _svg(figure: Figure, name: str) -> str:
    """The figure as an element of the page: its own ids, the page's colours and font, no namespace."""
    stream = io.StringIO()
    nothing = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    figure.savefig(stream, format="svg", metadata=nothing)
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s(xmlns(:\w+)?|version)="[^"]*"', "", svg).replace("xlink:href", "href")
    head, rest = svg.split(">", 1)
    svg = re.sub(r'\s(width|height)="[^"]*"', "", head) + ">" + rest
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r'\sid="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]*; ", "", svg)
    svg = re.sub(r"(\d+\.\d\d)\d+", r"\1", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r'style="fill: var\(--(own|made|wrong)\)"', r'class="\1"', svg)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()
