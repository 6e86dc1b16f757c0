"""Small pieces of HTML; every text that is not marked as HTML is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Cell:
    """One cell of a table: a text (or HTML that is safe already) and a class."""

    text: str
    kind: str = ""
    html: bool = False


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    kind: str = "",
    totals: Sequence[bool] | None = None,
) -> str:
    """A table that scrolls by itself where it is wider than the page; the first cell of a row names it."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = [f'<div class="wide"><table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>']
    for i, row in enumerate(rows):
        first, *others = row
        total = ' class="total"' if totals is not None and totals[i] else ""
        cells = "".join(
            f'<td{_class(cell)} data-of="{escape(name)}">{_content(cell)}</td>'
            for name, cell in zip(head[1:], others, strict=True)
        )
        lines.append(f'<tr{total}><th scope="row"{_class(first)}>{_content(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody></table></div>"])


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{_class(Cell('', kind))}>{escape(text)}</p>"


def details(summary: str, content: Sequence[str], *, opened: bool = False) -> str:
    """A block that a click opens; ``summary`` is a text, ``content`` HTML."""
    state = " open" if opened else ""
    return "\n".join([f"<details{state}><summary>{escape(summary)}</summary>", *content, "</details>"])


def listing(texts: Sequence[str]) -> str:
    """A list of texts."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _class(cell: Cell) -> str:
    return f' class="{cell.kind}"' if cell.kind else ""


def _content(cell: Cell) -> str:
    return cell.text if cell.html else escape(cell.text)
