"""Pictures of one method: research against twin, errors in ulps, labels by the two sides."""

from __future__ import annotations

from html import escape

from onnxtwin.runtime_checks.html.plots import Picture, distribution, scatter
from onnxtwin.runtime_checks.report import MethodReport
from onnxtwin.runtime_checks.spread import OUTPUTS, Spread
from onnxtwin.runtime_checks.wording import shortened

SCATTERS = 4
"""Outputs of a method that get a picture: those that are furthest off."""

LONG = 24
"""Characters of a label in a table."""


def pictures(method: MethodReport, name: str) -> list[str]:
    """The figures of a method, as HTML; ``name`` is unique within the page."""
    spreads = list(method.spreads.values())
    figures = [_labels(spread) for spread in spreads if spread.labels is not None]
    numeric = sorted((s for s in spreads if s.numeric), key=lambda s: -s.excess)
    drawn = [(s, scatter(s, f"{name}s{i}")) for i, s in enumerate(numeric[:SCATTERS])]
    figures += [_scatter(spread, picture) for spread, picture in drawn if picture is not None]
    if numeric and (svg := distribution(method.total, f"{name}d")) is not None:
        figures.append(_distribution(method, svg))
    if not figures:
        return []
    lines = [f'<div class="pictures">{"".join(figures)}</div>']
    if len(numeric) > SCATTERS:
        of = f"the first {OUTPUTS}" if len(spreads) == OUTPUTS else f"{len(numeric)}"
        lines.append(f'<p class="soft">Drawn are the {SCATTERS} outputs that are furthest off, of {of}.</p>')
    return lines


def _figure(title: str, content: str, caption: str) -> str:
    content = content.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
    return f"<figure><h4>{escape(title)}</h4>{content}<figcaption>{caption}</figcaption></figure>"


def _scatter(spread: Spread, picture: Picture) -> str:
    keys = [
        f'<span class="key own">{picture.own:,} answers to sample rows</span>' if picture.own else "",
        f'<span class="key made">{picture.made:,} to rows made from them</span>' if picture.made else "",
        f'<span class="key wrong">{picture.wrong:,} beyond the tolerance</span>' if picture.wrong else "",
    ]
    notes = [
        "On the line both sides agree.",
        f"{picture.outside:,} equal answers lie outside of the picture." if picture.outside else "",
        f"{picture.no_number:,} wrong answers are no finite numbers." if picture.no_number else "",
    ]
    caption = ", ".join(key for key in keys if key) + ". " + " ".join(note for note in notes if note)
    return _figure(f"{spread.name}: research against twin", picture.svg, caption)


def _distribution(method: MethodReport, svg: str) -> str:
    total = method.total
    wrong = int(total.wrong_errors.sum())
    values = f"{total.cells - wrong:,} values, {total.equal_cells:,} of them equal to the last bit"
    keys = [f'<span class="key own">{values}</span>']
    keys += [f'<span class="key wrong">{wrong:,} in mismatched rows</span>'] if wrong else []
    caption = f"{', '.join(keys)}; both axes count in powers."
    return _figure(f"{method.method}: distribution of the error", svg, caption)


def _labels(spread: Spread) -> str:
    counts = spread.labels or {}
    names = sorted({label for pair in counts for label in pair})
    texts = all(name[:1] in "'\"" for name in names)
    shown = {name: shortened(name[1:-1] if texts else name, LONG) for name in names}
    most = max(counts.values())
    head = "".join(f'<th scope="col">{escape(shown[name])}</th>' for name in names)
    lines = [f'<div class="wide"><table class="labels"><thead><tr><th></th>{head}</tr></thead><tbody>']
    for expected in names:
        cells = []
        for found in names:
            count = counts.get((expected, found), 0)
            if expected == found:
                cells.append(f'<td style="--share:{count / most:.3f}">{count:,}</td>')
            else:
                cells.append(f'<td class="off{" some" if count else ""}">{count:,}</td>')
        lines.append(f'<tr><th scope="row">{escape(shown[expected])}</th>{"".join(cells)}</tr>')
    lines.append("</tbody></table></div>")
    return _figure(
        f"{spread.name}: labels",
        "\n".join(lines),
        "A row of the table is what research says, a column what the twin says; off the diagonal they "
        "differ.",
    )
