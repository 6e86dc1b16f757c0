"""Defects of constants: what is compared with, categories and their codes, imputed values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import onnx

from mutation.graphs import set_attribute
from mutation.site import Affected, Change, Replaced, Site, column_of, moved, operator, set_input, swap_rows
from onnxtwin.exporters.analysis.graph import Graph, attribute

STRICT = {"Less": "LessOrEqual", "Greater": "GreaterOrEqual"}
ORDER = {**STRICT, **{loose: strict for strict, loose in STRICT.items()}}


DEFAULTS = {
    "values_tensor": "default_tensor",
    "values_strings": "default_string",
    "values_floats": "default_float",
    "values_int64s": "default_int64",
}
"""A table's values, and what it answers for a key that it lacks."""


@operator
def comparisons(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """``<`` for ``<=`` and the like, and each constant compared with, moved by one ulp (an integer by 1)."""
    for at, node in enumerate(graph.nodes):
        if node.op_type not in ORDER:
            continue
        side = next((i for i in (0, 1) if node.input[i] in graph.constants), None)
        constant = None if side is None else graph.constants[node.input[side]]
        single = constant.ravel()[0].item() if constant is not None and constant.size == 1 else None
        affected = None
        if single is not None and side is not None:
            affected = Affected(node.input[1 - side], None, (float(single),))
        yield Site(
            "< or <= exchanged",
            f"node {at} {node.op_type} to {ORDER[node.op_type]}",
            _exchange(at),
            at,
            affected,
        )
        if side is None or constant is None or constant.dtype.kind not in "fi":
            continue
        ups = rng.random(constant.size) < 0.5
        for entry, value in enumerate(constant.ravel()):
            after = moved(value, bool(ups[entry]))
            between = _changes_side(node.op_type, side, value, after)
            column = column_of(constant, entry)
            yield Site(
                "threshold moved by one ulp",
                f"node {at} {node.op_type}, constant {entry}: {value!r} to {after!r}",
                set_input(at, side, entry, after),
                at,
                Affected(node.input[1 - side], column, (between,)),
                entry,
            )


def _changes_side(op_type: str, side: int, before: Any, after: Any) -> float:
    """The one value whose comparison with a constant differs when it moves to its neighbour."""
    low, high = min(before, after), max(before, after)
    flipped = {"Less": "Greater", "Greater": "Less"}
    base = op_type.removesuffix("OrEqual")
    strict_less = (base if side == 1 else flipped[base]) == "Less"
    loose = op_type.endswith("OrEqual")
    # x < t and x >= t change for the low one of two neighbouring thresholds, x <= t and x > t for the high.
    return float(low if strict_less != loose else high)


def _exchange(at: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[at]
        node.op_type = ORDER[node.op_type]

    return change


@operator
def categories(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """Two keys of a table that change places; a default that is a known key's value."""
    for at, node in enumerate(graph.nodes):
        if node.op_type != "LabelEncoder":
            continue
        name = next(n for n in DEFAULTS if attribute(node, n) is not None)
        values = attribute(node, name)
        pairs = [(a, b) for a, b in combinations(range(len(values)), 2) if _differ(values[a], values[b])]
        for at_pair in rng.permutation(len(pairs))[:50]:
            a, b = pairs[at_pair]
            yield Site(
                "two categories swapped",
                f"node {at} table entries {a} and {b}",
                _swap(at, name, a, b),
                at,
                replaced=Replaced(node.output[0], None, ((values[a], values[b]), (values[b], values[a]))),
            )
        default = DEFAULTS[name]
        known = attribute(node, default)
        before = known[0] if isinstance(known, np.ndarray) else known
        others = [value for value in values if _differ(value, before)]
        for position in rng.permutation(len(others))[:4]:
            value = others[position]
            after = np.array([value], dtype=known.dtype) if isinstance(known, np.ndarray) else value
            yield Site(
                "an unknown mapped to a known one",
                f"node {at} default {before!r} to {value!r}",
                _set_whole(at, default, after),
                at,
                replaced=Replaced(node.output[0], None, ((before, value),)),
            )


def _differ(a: Any, b: Any) -> bool:
    return bool(a != b and not (a != a and b != b))


def _swap(at: int, name: str, a: int, b: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[at]
        values = attribute(node, name)
        swapped = values.copy() if isinstance(values, np.ndarray) else list(values)
        swapped[a], swapped[b] = values[b], values[a]
        set_attribute(node, name, swapped)

    return change


def _set_whole(at: int, name: str, value: Any) -> Change:
    def change(model: onnx.ModelProto) -> None:
        set_attribute(model.graph.node[at], name, value)

    return change


@operator
def code_lists(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """Two codes of a one-hot comparison, and two rows of a table by code, that change places."""
    for at, node in enumerate(graph.nodes):
        if node.op_type == "Equal":
            side = next((i for i in (0, 1) if node.input[i] in graph.constants), None)
            codes = None if side is None else graph.constants[node.input[side]]
            if side is None or codes is None or codes.ndim != 1 or codes.size < 2:
                continue
            pairs = [(a, b) for a, b in combinations(range(codes.size), 2) if codes[a] != codes[b]]
            for at_pair in rng.permutation(len(pairs))[:20]:
                a, b = pairs[at_pair]
                yield Site(
                    "two categories swapped",
                    f"node {at} codes {codes[a]} and {codes[b]}",
                    swap_rows(at, side, a, b),
                    at,
                )
        elif node.op_type == "Gather" and attribute(node, "axis") == 0 and node.input[0] in graph.constants:
            table = graph.constants[node.input[0]]
            if table.ndim != 2 or len(table) != 257:
                continue
            pairs = [(a, b) for a, b in combinations(range(257), 2) if (table[a] != table[b]).any()]
            for at_pair in rng.permutation(len(pairs))[:20]:
                a, b = pairs[at_pair]
                yield Site(
                    "two categories swapped",
                    f"node {at} ranks of the codes {a} and {b} (256 is a missing one)",
                    swap_rows(at, 0, a, b),
                    at,
                    _codes_affected(graph, node, (a, b)),
                )


def _codes_affected(graph: Graph, node: onnx.NodeProto, codes: tuple[int, ...]) -> Affected:
    return Affected(node.input[1], None, tuple(float(code) for code in codes))


def is_imputation(graph: Graph, node: onnx.NodeProto) -> bool:
    """``Where(IsNaN(x), constant, x)``."""
    if node.op_type != "Where" or node.input[1] not in graph.constants:
        return False
    asks = graph.node_of(node.input[0])
    return asks is not None and asks.op_type == "IsNaN" and asks.input[0] == node.input[2]


@operator
def imputed(graph: Graph, rng: np.random.Generator) -> Iterator[Site]:
    """An imputed value changed in its last bit; an imputation left out."""
    for at, node in enumerate(graph.nodes):
        if not is_imputation(graph, node):
            continue
        constant = graph.constants[node.input[1]]
        for entry, value in enumerate(constant.ravel()):
            if constant.dtype.kind != "f" or not np.isfinite(value):
                continue
            after = moved(value, bool(rng.random() < 0.5))
            yield Site(
                "an imputed value changed in its last bit",
                f"node {at}, column {entry}: {value!r} to {after!r}",
                set_input(at, 1, entry, after),
                at,
                Affected(node.input[2], column_of(constant, entry), (np.nan,)),
                entry,
                replaced=Replaced(node.output[0], column_of(constant, entry), ((value, after),)),
            )
            lost = Affected(node.input[2], column_of(constant, entry), (np.nan,))
            yield Site(
                "an imputation lost",
                f"node {at}, column {entry}",
                set_input(at, 1, entry, np.nan),
                at,
                lost,
                entry,
                replaced=Replaced(node.output[0], column_of(constant, entry), ((value, np.nan),)),
            )
