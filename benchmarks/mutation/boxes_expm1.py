"""``exp(y) - 1`` as it is computed with care for small ``y``: bounds that follow the whole, not its parts.

The parts do not know of each other: log(exp(y)) may be 0 in a box of small y, and so the quotient by it may
be anything, though that is only where a choice passes it by.
"""

from __future__ import annotations

import numpy as np
import onnx

from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.graph import Graph
from onnxtwin.exporters.analysis.intervals import Interval

MARGIN = 1e-12
"""Relative error, far above what exp, log, a quotient and a product add up to."""


def expm1_nodes(graph: Graph) -> dict[str, str]:
    """Answers of the whole computation, each with the ``y`` that it is of.

    With ``e = exp(y)``: ``y`` where e = 1; ``e - 1`` where that is -1 or infinite; else
    ``(e - 1) * (y / log(e))``, where e is none of 0, 1 and infinity, so log(e) is a number and not 0.
    """
    found = {}
    for node in graph.nodes:
        if node.op_type == "Where" and (y := _expm1_of(graph, node)) is not None:
            found[node.output[0]] = y
    return found


def _expm1_of(graph: Graph, whole: onnx.NodeProto) -> str | None:
    e = _compared(graph, whole.input[0], 1.0)
    exp = None if e is None else graph.node_of(e)
    inner = graph.node_of(whole.input[2])
    if exp is None or exp.op_type != "Exp" or inner is None or inner.op_type != "Where":
        return None
    y, (either, less, product) = exp.input[0], inner.input
    ends, times, minus = (graph.node_of(name) for name in (either, product, less))
    if whole.input[1] != y or ends is None or times is None or minus is None:
        return None
    if (ends.op_type, times.op_type, minus.op_type) != ("Or", "Mul", "Sub") or minus.input[0] != e:
        return None
    if _compared(graph, ends.input[0], -1.0) != less or _compared(graph, ends.input[1], np.inf) != e:
        return None
    quotient = graph.node_of(times.input[1])
    if not _is(graph, minus.input[1], 1.0) or times.input[0] != less or quotient is None:
        return None
    log = graph.node_of(quotient.input[1])
    if quotient.op_type != "Div" or quotient.input[0] != y or log is None or log.op_type != "Log":
        return None
    return str(y) if log.input[0] == e else None


def _compared(graph: Graph, name: str, value: float) -> str | None:
    """What is compared with a number by ``Equal``."""
    node = graph.node_of(name)
    if node is None or node.op_type != "Equal" or not _is(graph, node.input[1], value):
        return None
    return str(node.input[0])


def _is(graph: Graph, name: str, value: float) -> bool:
    constant = graph.constants.get(name)
    if constant is None or constant.size != 1 or constant.dtype.kind != "f":
        return False
    return float(constant.ravel()[0]) == value


def expm1(y: Interval) -> Interval:
    """Bounds of ``exp(y) - 1``; NaN only where y is."""
    with np.errstate(over="ignore", invalid="ignore"):
        lo, hi = np.expm1(y.lo), np.expm1(y.hi)
        low = np.where(y.lo >= iv.OVERFLOWS, np.inf, np.minimum(lo, np.finfo(np.float64).max))
        low = np.where(np.isinf(low), low, low - MARGIN * np.abs(low) - 1e-300)
        high = hi + MARGIN * np.abs(hi) + 1e-300
    return iv.choose(y.none, y, iv.made(low, high, y.nan))
