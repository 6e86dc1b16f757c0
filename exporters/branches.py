"""Branches on data that need no branch in the graph: those that only raise or only warn.

``if (X < 0).any(): raise ValueError(...)`` says which rows the pipeline refuses, and becomes a demand of the
domain; a branch that only warns changes no answer.
"""

from __future__ import annotations

import ast
import dis
import linecache
from functools import lru_cache
from itertools import islice
from types import FrameType
from typing import Any

import numpy as np

from onnxtwin.exporters.places import asker
from onnxtwin.exporters.trace import require_trace


def settled(condition: Any) -> bool:
    """Whether the truth of ``condition`` (traced, one element) decides only about raising or warning.

    If so, the demand is recorded and the branch is not taken, as on the sample.
    """
    if bool(condition.value.reshape(-1)[0]):
        return False
    frame = asker()
    if frame is None:
        return False
    kind = _body(frame)
    if kind is None:
        return False
    if kind == "raises":
        trace = require_trace()
        good: Any = np.logical_not(np.reshape(condition, (-1,)))
        good = np.broadcast_to(good, (trace.rows,))
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        trace.require(good.tensor.column, f"the pipeline raises where {line.removeprefix('if ').rstrip(':')}")
    return True


@lru_cache(maxsize=256)
def _tree(file: str) -> ast.Module | None:
    source = "".join(linecache.getlines(file))
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _body(frame: FrameType) -> str | None:
    """``raises`` or ``warns`` for an ``if`` whose truth the frame asks, None for any other use of a truth."""
    tree = _tree(frame.f_code.co_filename)
    line, _, column, _ = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    if tree is None or line is None or column is None:
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or node.orelse:
            continue
        if (line, column) not in _places(node):
            continue
        if (
            isinstance(node.test, ast.UnaryOp)
            or isinstance(node.test, ast.BoolOp)
            and not _decides(frame, node)
        ):
            return None
        if all(_is_warning(s) for s in node.body):
            return "warns"
        if isinstance(node.body[-1], ast.Raise) and all(
            isinstance(s, (ast.Assign, ast.Raise)) for s in node.body
        ):
            return "raises"
        return None
    return None


def _places(node: ast.If) -> set[tuple[int, int]]:
    """Where the jumps of an ``if`` can stand: some have the place of the statement, some their operand's."""
    operands = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    return {(node.lineno, node.col_offset)} | {(n.lineno, n.col_offset) for n in operands}


def _decides(frame: FrameType, node: ast.If) -> bool:
    """Whether the frame asks the last operand of ``a and b``: it decides alone, for the others have held."""
    assert isinstance(node.test, ast.BoolOp)
    code, places = frame.f_code, _places(node)
    positions = [(line, column) for line, _, column, _ in code.co_positions()]
    asked = [
        i.offset
        for i in dis.get_instructions(code)
        if "POP_JUMP" in i.opname and positions[i.offset // 2] in places
    ]
    return (
        isinstance(node.test.op, ast.And)
        and len(asked) == len(node.test.values)
        and asked[-1] == frame.f_lasti
    )


def _is_warning(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    function = statement.value.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("warn", "warning")
