"""An artifact's contract in a terminal, for a person who has never seen the pipeline."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onnxtwin.build.artifact import VECTORS, Artifact

_SHOWN = 8
_COLUMNS_SHOWN = 60


def render(artifact: Artifact, console: Console) -> None:
    """Print the raw columns, the outputs and what stands behind them."""
    contract = artifact.contract
    files = artifact.manifest["files"]
    versions = ", ".join(f"{name} {version}" for name, version in contract["versions"].items())
    console.print(f"[bold]{escape(artifact.path.name)}[/]: answers {', '.join(contract['methods'])}")
    console.print(f"fitted and exported with {escape(versions)}", highlight=False)
    opsets = ", ".join(f"{name} {version}" for name, version in contract["model"]["opsets"].items())
    size = files["model.onnx"]["bytes"] / 1e6
    console.print(f"graph: {size:.2f} MB, opsets {opsets}", highlight=False)
    console.print(_columns(contract))
    console.print(_outputs(contract))
    for condition in contract["conditions"]:
        word = "limit" if condition.get("limit") else "refuses"
        of = "".join(f", {name}" for name in condition.get("columns", ()))
        where = escape(f"{condition['step']}{of}")
        console.print(f"{word} ({where}): {escape(condition['message'])}", highlight=False)
    if contract["rows"]["extra_columns"] == "refused":
        console.print("other columns are refused")
    if VECTORS in files:
        vectors = artifact.vectors
        counts = {tag: vectors.tags.count(tag) for tag in dict.fromkeys(vectors.tags)}
        listed = ", ".join(f"{count} {tag}" for tag, count in counts.items())
        console.print(f"recorded: {listed} rows, {vectors.rows_are}", highlight=False)
    if artifact.report is not None:
        console.print(
            f"checked: {artifact.report['verdict']} on {artifact.report['rows']:,} rows", highlight=False
        )


def _columns(contract: Any) -> Table:
    packed = {name: entry["name"] for entry in contract["inputs"] for name in entry["columns"]}
    alike = all(name == source for name, source in packed.items())
    table = Table(title="raw columns", title_justify="left")
    for title in ("column", "in the notebook", "travels as", "missing", "accepts") + (
        () if alike else ("input",)
    ):
        table.add_column(title)
    for column in contract["columns"][:_COLUMNS_SHOWN]:
        cells = [
            column["name"],
            column["dtype"],
            column["datatype"],
            _missing(column["missing"]),
            _accepts(column),
        ]
        table.add_row(*(escape(cell) for cell in cells + ([] if alike else [packed[column["name"]]])))
    beyond = len(contract["columns"]) - _COLUMNS_SHOWN
    if beyond > 0:
        table.caption = f"and {beyond} more: onnxtwin show --json"
    return table


def _outputs(contract: Any) -> Table:
    table = Table(title="outputs", title_justify="left")
    for title in ("output", "type", "shape", "labels or columns"):
        table.add_column(title)
    for output in contract["outputs"]:
        shape = "[" + ", ".join("N" if size == -1 else str(size) for size in output["shape"]) + "]"
        names = output["labels"] if output["labels"] is not None else output["columns"] or []
        table.add_row(
            *(escape(cell) for cell in (output["name"], output["datatype"], shape, _listing(names)))
        )
    return table


def _missing(missing: Any) -> str:
    if missing["encoding"] == "none":
        return "cannot be"
    how = {"nan": "NaN", "token": "the token", "nat": "smallest int64"}[missing["encoding"]]
    return f"as {how}" if missing["allowed"] else "refused"


def _accepts(column: Any) -> str:
    domain, categories = column["domain"], column["categories"]
    if domain["values"] is not None:
        return f"only {_listing(domain['values'])}"
    told = ["finite"] if domain["finite"] else []
    told += ["integers within 2**53"] if domain["exact_integer"] else []
    told += [f"categories {_listing(categories['values'])}"] if categories else []
    return ", ".join(told) or "any"


def _listing(values: list[Any]) -> str:
    shown = ", ".join(map(str, values[:_SHOWN]))
    return shown + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")
