"""Which values a tensor can hold, column by column: what a proof of equivalence rests on.

An over-approximation, computed forward through the graph: what it rules out cannot happen in any row that
the graph answers; what it allows may never happen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from onnxtwin.exporters.analysis.graph import DOMAIN_OUTPUT, Array, Graph, attribute
from onnxtwin.exporters.signature import Signature

MOST_POINTS = 20_000
"""Values are listed up to this number; beyond it only their bounds are kept."""

INTEGERS = (TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, TensorProto.UINT8, TensorProto.INT8)


@dataclass(frozen=True)
class Values:
    """The values that a column may hold.

    Attributes
    ----------
    points : all of them but NaN, ascending; None where they are not listed.
    low, high : bounds.
    nan : whether NaN is possible.
    single : whether every value is a float32.
    integer : whether every value is a whole number.
    """

    points: tuple[float, ...] | None = None
    low: float = -np.inf
    high: float = np.inf
    nan: bool = True
    single: bool = False
    integer: bool = False

    @classmethod
    def listed(cls, values: Any) -> Values:
        """Just these."""
        array = np.asarray(values, dtype=np.float64).ravel()
        nan = bool(np.isnan(array).any())
        points = np.unique(array[~np.isnan(array)])
        if not len(points):
            return cls((), np.inf, -np.inf, nan, True, True)
        with np.errstate(over="ignore"):
            single = bool((points.astype(np.float32) == points).all())
        integer = bool((np.isfinite(points) & (points == np.rint(points))).all())
        kept = tuple(points.tolist()) if len(points) <= MOST_POINTS else None
        return cls(kept, float(points[0]), float(points[-1]), nan, single, integer)

    def allows(self, value: float) -> bool:
        """Whether this value is possible."""
        if value != value:
            return self.nan
        if self.points is not None:
            return value in self.points
        with np.errstate(over="ignore"):
            if self.single and float(np.float32(value)) != value:
                return False
        return self.low <= value <= self.high and not (self.integer and value != np.rint(value))

    def within(self, low: float, high: float) -> bool:
        """Whether a value in ``(low, high]`` is possible."""
        if self.points is not None:
            return any(low < value <= high for value in self.points)
        low, high = max(low, np.nextafter(self.low, -np.inf)), min(high, self.high)
        if not low < high:
            return False
        if self.integer:
            return bool(np.floor(high) > low)
        if self.single:
            below = np.float32(high)
            below = below if float(below) <= high else np.nextafter(below, np.float32(-np.inf))
            return bool(float(below) > low)
        return True

    def enumerated(self) -> Values:
        """The same, with its points listed where it is a short range of whole numbers."""
        if self.points is not None or not self.integer or not self.high - self.low < MOST_POINTS:
            return self
        return replace(Values.listed(np.arange(self.low, self.high + 1)), nan=self.nan)

    def joined(self, other: Values) -> Values:
        """What either may hold."""
        nan = self.nan or other.nan
        if self.points is not None and other.points is not None:
            return replace(Values.listed([*self.points, *other.points]), nan=nan)
        return Values(
            None,
            min(self.low, other.low),
            max(self.high, other.high),
            nan,
            self.single and other.single,
            self.integer and other.integer,
        )


ANYTHING = Values()
BITS = Values.listed([0, 1])


def join(values: Sequence[Values]) -> Values:
    """What any of them may hold."""
    joined = values[0]
    for other in values[1:]:
        joined = joined.joined(other)
    return joined


Columns = list[Values]


class Knowledge:
    """What each tensor of a graph can hold.

    Attributes
    ----------
    columns : tensor → values of each column; a tensor whose columns are not told apart has one entry.
    widths : tensor → number of columns, None where it has no such shape.
    """

    def __init__(self, graph: Graph, signature: Signature, *, domain: bool = True) -> None:
        self._graph = graph
        self.widths = graph.widths
        self.columns: dict[str, Columns] = {}
        finite = _demanded(graph) if domain else set()
        for entry in signature.inputs:
            self.columns[entry.name] = [_raw(signature.column(name)) for name in entry.columns]
        for name, constant in graph.constants.items():
            if constant.dtype.kind in "fiub":
                self.columns[name] = _constant_columns(constant)
        for node in graph.nodes:
            for name in node.output:
                known = self._of_node(node, name) or [_by_type(graph.element_types.get(name, 0))]
                if name in finite:
                    known = [replace(values, nan=False) for values in known]
                self.columns[name] = known

    def column(self, name: str, column: int | None) -> Values:
        """What one column can hold; of all columns together where none is named."""
        known = self.columns.get(name, [ANYTHING])
        if len(known) == 1:
            return known[0]
        return known[column] if column is not None and column < len(known) else join(known)

    def _of_node(self, node: onnx.NodeProto, name: str) -> Columns | None:
        transfer = _TRANSFERS.get(node.op_type)
        return transfer(self, node) if transfer is not None else None

    def together(self, name: str) -> Values:
        """What the tensor's entries can hold, whatever their column."""
        return join(self.columns.get(name, [ANYTHING]))

    def constant(self, name: str) -> Array | None:
        """The value of a constant."""
        return self._graph.constants.get(name)

    def asks(self, name: str) -> onnx.NodeProto | None:
        """The node that makes a tensor."""
        return self._graph.node_of(name)

    def element(self, name: str) -> int:
        """ONNX element type of a tensor, 0 where it is not known."""
        return self._graph.element_types.get(name, 0)

    def spread(self, names: Sequence[str]) -> list[Columns] | None:
        """The columns of several tensors that are combined entry by entry; None if they do not line up."""
        known = [self.columns.get(name, [ANYTHING]) for name in names]
        width = max(self.widths.get(name) or 1 for name in names)
        if any(self.widths.get(name, -1) is None for name in names):
            width = 1
            known = [[join(columns)] for columns in known]
        if any(len(columns) not in (1, width) for columns in known):
            return None
        return [columns * width if len(columns) == 1 else columns for columns in known]


def _raw(column: Any) -> Values:
    if column.tensor == "bool":
        return BITS
    if column.tensor == "int64":
        return Values(None, -(2.0**63), 2.0**63, False, False, True)
    if column.tensor == "string":
        return ANYTHING
    most = float(np.finfo(column.tensor).max) if column.finite else np.inf
    return Values(None, -most, most, column.missing_allowed, column.tensor == "float32")


def _constant_columns(constant: Array) -> Columns:
    if constant.ndim >= 1 and constant.shape[-1] == constant.size > 1:
        return [Values.listed(value) for value in constant.ravel()]
    return [Values.listed(constant)]


def _by_type(element: int) -> Values:
    if element == TensorProto.BOOL:
        return BITS
    if element in INTEGERS:
        return Values(nan=False, integer=True)
    return Values(single=element == TensorProto.FLOAT)


def _demanded(graph: Graph) -> set[str]:
    """Tensors that are finite in every row that the graph's own ``domain`` lets through."""
    finite: set[str] = set()
    conditions = graph.node_of(DOMAIN_OUTPUT)
    parts = [] if conditions is None else [DOMAIN_OUTPUT]
    if conditions is not None and conditions.op_type == "Concat":
        parts = list(conditions.input)
    for name in parts:
        chain: list[onnx.NodeProto] = []
        node = graph.node_of(name)
        while node is not None and len(chain) < 8:
            chain.append(node)
            if node.op_type == "Mul":
                break
            node = graph.node_of(node.input[0])
        kinds = [node.op_type for node in chain]
        between = set(kinds[1:-1]) <= {"ReduceSum", "CumSum", "Gather"}
        if kinds[:1] == ["Equal"] and kinds[-1:] == ["Mul"] and between:
            # 0 * x summed up is 0 only where every x is finite.
            zero = graph.constants.get(chain[-1].input[1])
            if zero is not None and not zero.any():
                finite.add(chain[-1].input[0])
    return finite


Transfer = Callable[[Knowledge, onnx.NodeProto], Columns | None]
_TRANSFERS: dict[str, Transfer] = {}


def _transfer(*op_types: str) -> Callable[[Transfer], Transfer]:
    def register(function: Transfer) -> Transfer:
        _TRANSFERS.update(dict.fromkeys(op_types, function))
        return function

    return register


@_transfer("Cast")
def _cast(known: Knowledge, node: onnx.NodeProto) -> Columns:
    to = attribute(node, "to")
    return [_cast_values(values, to) for values in known.columns.get(node.input[0], [ANYTHING])]


def _cast_values(values: Values, to: int) -> Values:
    if to == TensorProto.FLOAT:
        with np.errstate(over="ignore"):
            if values.points is not None:
                listed = Values.listed(np.array(values.points, dtype=np.float32))
                return replace(listed, nan=values.nan)
            low, high = float(np.float32(values.low)), float(np.float32(values.high))
        return replace(values, low=low, high=high, single=True)
    if to == TensorProto.DOUBLE:
        return values
    if to == TensorProto.BOOL:
        return BITS
    if to in INTEGERS and not values.nan:
        if values.points is not None and all(abs(value) < 2**62 for value in values.points):
            return Values.listed(np.trunc(values.points))
        return Values(None, np.trunc(values.low), np.trunc(values.high), False, False, True)
    return _by_type(to)


@_transfer("Concat")
def _concat(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    columns: Columns = []
    if attribute(node, "axis") != 1:
        return [join([known.together(name) for name in node.input])]
    for name in node.input:
        width = known.widths.get(name)
        own = known.columns.get(name, [ANYTHING])
        if width is None or len(own) not in (1, width):
            return [join([known.together(name) for name in node.input])]
        columns += own * width if len(own) == 1 else own
    return columns


@_transfer("Gather")
def _gather(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    table, chosen = known.constant(node.input[0]), known.constant(node.input[1])
    if table is not None and attribute(node, "axis") in (0, None):
        if table.dtype.kind not in "fiub":
            return None
        return [Values.listed(column) for column in table.T] if table.ndim == 2 else [Values.listed(table)]
    own = known.columns.get(node.input[0], [ANYTHING])
    if chosen is not None and attribute(node, "axis") == 1 and known.widths.get(node.input[0]) == len(own):
        return [own[int(place)] for place in chosen.ravel()]
    return [join(own)]


@_transfer("Squeeze", "Unsqueeze", "Reshape", "Transpose", "Identity", "Flatten", "Slice", "Expand")
def _moved_about(known: Knowledge, node: onnx.NodeProto) -> Columns:
    return [known.together(node.input[0])]


@_transfer("LabelEncoder")
def _table(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    values, default = attribute(node, "values_tensor"), attribute(node, "default_tensor")
    if values is None or values.dtype.kind not in "fi":
        return None
    keys = attribute(node, "keys_tensor")
    given = known.together(node.input[0]).enumerated()
    if keys is not None and given.points is not None:
        met = [v for k, v in zip(keys, values, strict=True) if given.allows(float(k))]
        unknown = [p for p in given.points if p not in set(keys.tolist())]
        missing = given.nan and not np.isnan(keys.astype(float)).any()
        return [Values.listed([*met, *(default if unknown or missing else [])])]
    return [Values.listed([*values, *default])]


@_transfer("IsNaN")
def _is_nan(known: Knowledge, node: onnx.NodeProto) -> Columns:
    own = known.columns.get(node.input[0], [ANYTHING])
    return [Values.listed([0.0] if not v.nan else [1.0] if v.points == () else [0.0, 1.0]) for v in own]


@_transfer("Not")
def _not(known: Knowledge, node: onnx.NodeProto) -> Columns:
    own = known.columns.get(node.input[0], [BITS])
    return [Values.listed([1.0 - p for p in (v.points or (0.0, 1.0))]) for v in own]


@_transfer("ReduceMax", "ReduceMin")
def _extreme(known: Knowledge, node: onnx.NodeProto) -> Columns:
    return [known.together(node.input[0])]


@_transfer("Where")
def _where(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    spread = known.spread(node.input)
    if spread is None:
        return None
    asks = known.asks(node.input[0])
    found: Columns = []
    for condition, yes, no in zip(*spread, strict=True):
        if asks is not None and asks.op_type == "IsNaN" and asks.input[0] == node.input[2]:
            no = replace(no, nan=False)
        arms = [
            a for a, bit in ((yes, 1.0), (no, 0.0)) if condition.points is None or bit in condition.points
        ]
        found.append(join(arms) if arms else ANYTHING)
    return found


@_transfer("TreeEnsemble")
def _leaves(known: Knowledge, node: onnx.NodeProto) -> Columns:
    targets, weights = np.array(attribute(node, "leaf_targetids")), attribute(node, "leaf_weights")
    return [Values.listed(weights[targets == target]) for target in range(attribute(node, "n_targets"))]


@_transfer("CumSum", "ReduceSum")
def _sums(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    own = known.together(node.input[0])
    if own.points == (0.0,):
        return [own]
    if node.op_type == "ReduceSum":
        return None
    if own.nan or not np.isfinite([own.low, own.high]).all():
        return [ANYTHING]
    most = 10_000.0 * max(abs(own.low), abs(own.high))
    return [Values(None, -most, most, False)]


@_transfer("Add", "Sub", "Mul", "Div", "Max", "Min", "Neg", "Abs", "Mod", "Floor", "Exp", "Log")
def _arithmetic(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    spread = known.spread(node.input)
    if spread is None or (node.op_type == "Mod" and attribute(node, "fmod")):
        return None
    return [_computed(node.op_type, list(operands)) for operands in zip(*spread, strict=True)]


_EXACT: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Max": np.maximum,
    "Min": np.minimum,
    "Neg": np.negative,
    "Abs": np.abs,
    "Floor": np.floor,
}


def _computed(op_type: str, operands: list[Values]) -> Values:
    function = _EXACT.get(op_type)
    counts = [len(v.points) + v.nan for v in operands if v.points is not None]
    if function is not None and len(counts) == len(operands) and np.prod(counts) <= MOST_POINTS:
        lists = [np.array([*(v.points or ()), *([np.nan] if v.nan else [])]) for v in operands]
        with np.errstate(all="ignore"):
            grid = function(*np.meshgrid(*lists)) if len(lists) > 1 else function(lists[0])
        return Values.listed(grid)
    if op_type == "Mul" and any(v.points == (0.0,) for v in operands):
        return replace(Values.listed([0.0]), nan=True)
    if op_type == "Mod" and operands[0].integer and not operands[0].nan and operands[1].points is not None:
        divisors = operands[1].points
        if len(divisors) == 1 and divisors[0] > 0 and divisors[0] == np.rint(divisors[0]):
            return Values(None, 0.0, divisors[0] - 1, False, False, True)
    whole = op_type in ("Neg", "Abs", "Floor", "Max", "Min", "Mod") and all(v.integer for v in operands)
    low, high = -np.inf, np.inf
    if function is not None and op_type not in ("Mul", "Div"):
        low, high = _corners(op_type, operands)
    elif op_type == "Exp":
        low = 0.0
    return Values(None, low, high, _may_be_nan(op_type, operands), integer=whole)


def _corners(op_type: str, operands: list[Values]) -> tuple[float, float]:
    """Bounds of a function that is monotone in each operand, or of the absolute value."""
    if op_type == "Abs":
        return 0.0, max(abs(operands[0].low), abs(operands[0].high))
    lists = [np.array([v.low, v.high]) for v in operands]
    with np.errstate(all="ignore"):
        grid = _EXACT[op_type](*np.meshgrid(*lists)) if len(lists) > 1 else _EXACT[op_type](lists[0])
    if np.isnan(grid).any():
        return -np.inf, np.inf
    return float(grid.min()), float(grid.max())


@_transfer("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
def _compared(known: Knowledge, node: onnx.NodeProto) -> Columns | None:
    spread = known.spread(node.input)
    if spread is None or any(known.element(name) == TensorProto.STRING for name in node.input):
        return None
    return [_outcomes(node.op_type, a, b) for a, b in zip(*spread, strict=True)]


def _outcomes(op_type: str, a: Values, b: Values) -> Values:
    """Which outcomes a comparison can have; every comparison with NaN is false."""
    if op_type.startswith("Greater"):
        return _outcomes(op_type.replace("Greater", "Less"), b, a)
    if op_type == "Equal":
        possible = any(b.allows(p) for p in a.points) if a.points is not None else True
        possible = possible and (any(a.allows(p) for p in b.points) if b.points is not None else True)
        return BITS if possible and a.low <= b.high and b.low <= a.high else Values.listed([0.0])
    strict = op_type == "Less"
    never = a.low >= b.high if strict else a.low > b.high
    always = (a.high < b.low if strict else a.high <= b.low) and not (a.nan or b.nan)
    return Values.listed([0.0] if never else [1.0] if always else [0.0, 1.0])


def _may_be_nan(op_type: str, operands: list[Values]) -> bool:
    if any(v.nan for v in operands):
        return True
    if op_type in ("Neg", "Abs", "Floor", "Exp", "Max", "Min"):
        return False
    bounded = [np.isfinite([v.low, v.high]).all() for v in operands]
    if op_type in ("Add", "Sub"):
        return not any(bounded)
    constant = operands[-1].points
    plain = constant is not None and len(constant) > 0 and all(p != 0 and np.isfinite(p) for p in constant)
    return not (op_type in ("Mul", "Div") and (plain or all(bounded) and op_type == "Mul"))
