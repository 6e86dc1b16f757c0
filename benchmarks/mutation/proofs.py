"""Proofs that a planted defect cannot show: in no row that the graph answers is any answer another one.

Each proof is an argument about all rows, checked by code; where none succeeds, the mutant counts as it was
judged. What a proof may use: the values that a column can hold (:mod:`mutation.values`), the graph's domain,
the way through a tree, and the answers of the two graphs to *every* value that a column can hold or that the
defect touches, where nothing but that column decides them (:mod:`mutation.flow`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx

from mutation.bounds import Bounds
from mutation.boxes import HARMLESS, Boxes
from mutation.boxes_values import Arrivals
from mutation.casts import CAST, Casts
from mutation.cutting import Tensors, run_cut
from mutation.flow import ENTRYWISE, Flow, Kind
from mutation.paths import Paths
from mutation.site import Affected, Site
from mutation.softmax import Softmax
from mutation.values import Knowledge
from onnxtwin.exporters.analysis.graph import DOMAIN_OUTPUT, Array, Graph, attribute
from onnxtwin.exporters.signature import Signature

EXCHANGES = ("a column swapped",)
"""Defects that change more than one column at a time."""


class Prover:
    """Proofs about the mutants of one graph.

    Parameters
    ----------
    model : the correct graph.
    row : one row as the graph is fed it; what else of a row matters not is taken from it.
    """

    def __init__(self, model: onnx.ModelProto, signature: Signature, row: Tensors) -> None:
        self.graph = Graph(model)
        self._demanded = Knowledge(self.graph, signature)
        self._undemanded = Knowledge(self.graph, signature, domain=False)
        self.known = self._undemanded
        self._row, self._signature = row, signature
        self._arrivals: dict[str, Arrivals] = {}
        # Columns of texts that may hold nothing else, and nothing missing.
        self._listed = {
            entry.name: column.values
            for entry in signature.inputs
            for column in map(signature.column, entry.columns)
            if len(entry.columns) == 1 and column.values is not None and not column.missing_allowed
        }
        self._boxes = Boxes(self.graph, signature, row)
        self._judging = self._ancestors([DOMAIN_OUTPUT])

    def equivalent(self, site: Site, mutant: onnx.ModelProto) -> str | None:
        """Why no row can tell the mutant from the correct graph; None if that is not proven."""
        if self._order_is_idle(site):
            return "only whether any or all of the columns have a property is asked"
        if self._columns_are_idle(site):
            return "nothing reads the columns"
        # A defect above the graph's domain may let other rows through: then nothing is concluded from it.
        self.known = self._undemanded if site.node in self._judging else self._demanded
        proofs: tuple[Callable[[], str | None], ...] = (
            lambda: self._never_met(site),
            lambda: self._never_reached(site),
            lambda: self._never_chosen(site),
            lambda: self._never_unknown(site),
            lambda: Casts(self.graph, self.known, self._idle).idle(site),
            lambda: self._replaced_in_vain(site),
            lambda: self._same_for_all_values(site, mutant),
            lambda: self._missing_anyhow(site),
            lambda: self._never_arrives(site),
            lambda: self._boxes.settled(mutant),
        )
        return next((reason for proof in proofs if (reason := proof()) is not None), None)

    def _order_is_idle(self, site: Site) -> bool:
        """Columns swapped on their way to nothing but ``ReduceMin`` and ``ReduceMax`` over all of them."""
        node = self.graph.nodes[site.node]
        if site.kind != "a column swapped" or node.op_type not in ("Gather", "Concat"):
            return False
        if any(tensor != node.output[0] for tensor, _ in site.swapped):
            return False
        if node.output[0] == DOMAIN_OUTPUT:
            return True
        waiting, asked = [node.output[0]], False
        while waiting:
            tensor = waiting.pop()
            for at in self.graph.readers.get(tensor, []):
                reader = self.graph.nodes[at]
                if reader.op_type in ("ReduceMin", "ReduceMax"):
                    asked = True
                elif reader.op_type in ("IsInf", "IsNaN", "Not", "Cast"):
                    waiting.append(reader.output[0])
                elif reader.op_type == "TreeEnsemble" and site.swapped:
                    if {column for _, column in site.swapped} & set(attribute(reader, "nodes_featureids")):
                        return False
                else:
                    return False
            if tensor in self.graph.outputs:
                return False
        return asked

    def _columns_are_idle(self, site: Site) -> bool:
        """Columns swapped that no tree asks for and nothing else reads."""
        return bool(site.swapped) and all(self._idle(tensor, column) for tensor, column in site.swapped)

    def _idle(self, tensor: str, column: int | None) -> bool:
        flow = Flow(self.graph, self.known, tensor, self._column(tensor, column))
        if any(flow.pure(name) for name in self.graph.outputs):
            return False
        for at, name, columns in flow.seen:
            node = self.graph.nodes[at]
            asked = attribute(node, "nodes_featureids") if node.op_type == "TreeEnsemble" else columns
            if name in self.graph.inputs or set(columns) & set(asked):
                return False
        return True

    def _never_met(self, site: Site) -> str | None:
        if site.affected is None or any(isinstance(value, str) for value in site.affected.values):
            return None
        tensor = site.affected.tensor
        values = self.known.column(tensor, self._column(tensor, site.affected.column))
        if any(values.allows(float(value)) for value in site.affected.values):
            return None
        return "the values that it concerns cannot occur there"

    def _never_arrives(self, site: Site) -> str | None:
        """As :meth:`_never_met`, of the one value that a tree node is concerned with, by boxes of rows."""
        node, affected = self.graph.nodes[site.node], site.affected
        if node.op_type != "TreeEnsemble" or affected is None or affected.column is None:
            return None
        if len(affected.values) != 1 or isinstance(affected.values[0], str):
            return None
        if affected.tensor not in self._arrivals:
            arrivals = Arrivals(self.graph, self._signature, self._row, affected.tensor)
            self._arrivals[affected.tensor] = arrivals
        never = self._arrivals[affected.tensor].never(affected.column, float(affected.values[0]))
        return "the value that it concerns comes there in no row" if never else None

    def _never_reached(self, site: Site) -> str | None:
        node = self.graph.nodes[site.node]
        if node.op_type != "TreeEnsemble" or site.entry is None:
            return None
        paths = Paths(node, self.known)
        if site.replaced is not None:
            return None if paths.leaf_reachable(site.entry) else "no row reaches the leaf"
        if site.affected is not None:
            value = float(site.affected.values[0])
            if not paths.reachable_with(site.entry, value):
                return "no row reaches the node with the value that it concerns"
        return None

    def _never_chosen(self, site: Site) -> str | None:
        node = self.graph.nodes[site.node]
        if node.op_type != "Where" or site.replaced is None:
            return None
        constants = [name in self.graph.constants for name in node.input[1:]]
        if sum(constants) != 1:
            return None
        chosen = 1.0 if constants[0] else 0.0
        condition = self.known.column(node.input[0], self._column(node.input[0], site.replaced.column))
        if condition.points is not None and chosen not in condition.points:
            return "its branch is never chosen"
        return None

    def _never_unknown(self, site: Site) -> str | None:
        node = self.graph.nodes[site.node]
        if site.kind != "an unknown mapped to a known one":
            return None
        listed = self._listed.get(node.input[0])
        if listed is not None and set(listed) <= {
            key.decode() for key in attribute(node, "keys_strings") or ()
        }:
            return "the contract lists the column's values, all of them known ones"
        keys = attribute(node, "keys_tensor")
        given = self.known.together(node.input[0]).enumerated()
        if keys is None or given.points is None:
            return None
        known = set(keys.tolist())
        if set(given.points) <= known and (not given.nan or np.isnan(keys.astype(np.float64)).any()):
            return "every value that can occur is a known one"
        return None

    def _missing_anyhow(self, site: Site) -> str | None:
        if site.replaced is None:
            return None
        masked = Softmax(self.graph, self.known).missing_anyhow(self.graph.nodes[site.node])
        return "where it shows, all scores are missing anyhow" if masked else None

    def _replaced_in_vain(self, site: Site) -> str | None:
        """The wrong value, in the right one's place, is not seen by anything that also sees other columns."""
        if site.replaced is None:
            return None
        tensor = site.replaced.tensor
        column = self._column(tensor, site.replaced.column)
        flow = Flow(self.graph, self.known, tensor, column)
        right, wrong = ([pair[i] for pair in site.replaced.pairs] for i in (0, 1))
        seen = _compared(flow, self.graph)
        found = [self._run(self.graph.model, tensor, column, values, seen) for values in (right, wrong)]
        if found[0] is None or found[1] is None:
            return None
        same = all(self._same(flow, name, found[0], found[1]) for name in seen)
        return "what it replaces and what it puts there lead to the same" if same else None

    def _same_for_all_values(self, site: Site, mutant: onnx.ModelProto) -> str | None:
        """Both graphs answer every value that the defect concerns alike, whatever else the row holds."""
        if site.kind in EXCHANGES:
            return None
        for cuts in self._cuts(site):
            if all(self._same_for(site, mutant, cut) for cut in cuts):
                return "both graphs give the same for every value that it concerns"
        return None

    def _cuts(self, site: Site) -> Iterator[list[Affected]]:
        """Where to cut, the nearest first: each a list of columns with all values that matter there."""
        if site.affected is not None:
            cut: Affected | None = site.affected
            while cut is not None:
                column = self._column(cut.tensor, cut.column)
                width = self.known.widths.get(cut.tensor)
                if width is None:
                    # Which of its entries the values concern is not known.
                    return
                yield [
                    Affected(cut.tensor, c, cut.values)
                    for c in (range(width) if column is None else [column])
                ]
                cut = self._one_before(cut)
            return
        node = self.graph.nodes[site.node]
        # The same inputs first; then whatever single column further up takes few values and may decide alone.
        above = sorted(self._ancestors(list(node.input)), reverse=True)
        single = [
            name for at in above for name in self.graph.nodes[at].output if self.known.widths.get(name) == 1
        ]
        for name in [*node.input, *single]:
            if name in self.graph.constants or name not in self.known.columns:
                continue
            width = self.known.widths.get(name)
            lists = [self.known.column(name, c) for c in range(width or 0)]
            if lists and all(values.points is not None for values in lists):
                yield [
                    Affected(name, c, (*(v.points or ()), *((np.nan,) if v.nan else ())))
                    for c, v in enumerate(lists)
                ]

    def _one_before(self, cut: Affected) -> Affected | None:
        """The same cut one node earlier, where that node only moves values about or turns their sign."""
        node = self.graph.node_of(cut.tensor)
        if node is None or any(isinstance(value, str) for value in cut.values):
            return None
        column = self._column(cut.tensor, cut.column)
        if node.op_type in ("Squeeze", "Unsqueeze", "Identity") and self.known.widths.get(node.input[0]) == 1:
            return Affected(node.input[0], 0, cut.values)
        if node.op_type == "Neg":
            return Affected(node.input[0], column, tuple(-value for value in cut.values))
        if node.op_type == "Concat" and attribute(node, "axis") == 1 and column is not None:
            for name in node.input:
                width = self.known.widths.get(name)
                if width is None:
                    return None
                if column < width:
                    return Affected(name, column, cut.values)
                column -= width
        return None

    def harmless(self, site: Site, mutant: onnx.ModelProto, link: float | None) -> str | None:
        """Why the mutant stays within the tolerance everywhere, though it is not equal to the last bit.

        The change at the cut is computed; behind it, where other columns come in, it is bounded: a sum adds
        the bounds, a constant factor scales them, a matrix product does both. Rounding is left out, which
        the tolerance has room for.

        Parameters
        ----------
        link : how much the answers change, at most, for a change of 1 in the scores (0.5 for softmax);
            None if the scores are the answers.
        """
        if site.kind in EXCHANGES:
            return self._near(mutant)
        self.known = self._undemanded
        if site.kind == CAST and site.entry is not None:
            softmax = Softmax(self.graph, self.known)
            if softmax.shift_cancels(self.graph.nodes[site.node], site.entry):
                return "what is subtracted from all scores of a softmax alike cancels out"
        if site.replaced is not None:
            tensor = site.replaced.tensor
            column = self._column(tensor, site.replaced.column)
            right, wrong = ([pair[i] for pair in site.replaced.pairs] for i in (0, 1))
            runs = [[(self.graph.model, tensor, column, right), (self.graph.model, tensor, column, wrong)]]
        else:
            runs = [
                [(model, cut.tensor, cut.column, list(cut.values)) for model in (self.graph.model, mutant)]
                for cuts in self._cuts(site)
                if len(cuts) == 1
                for cut in cuts
            ]
        for pair in runs:
            flow = Flow(self.graph, self.known, pair[0][1], pair[0][2])
            if site.replaced is None and not self._decided_by(flow, site, pair[0][1]):
                continue
            seen = _compared(flow, self.graph)
            found = [self._run(*run, seen) for run in pair]
            if found[0] is None or found[1] is None:
                continue
            largest = Bounds(self.graph, self.known, flow, found[0], found[1], link).largest
            if largest is not None and largest <= HARMLESS:
                return f"every answer changes by less than {HARMLESS:g}"
        return self._near(mutant)

    def _near(self, mutant: onnx.ModelProto) -> str | None:
        found = self._boxes.settled(mutant, within=HARMLESS)
        return found and f"every answer changes by less than {HARMLESS:g}: {found}"

    def _same_for(self, site: Site, mutant: onnx.ModelProto, cut: Affected) -> bool:
        flow = Flow(self.graph, self.known, cut.tensor, cut.column)
        if not self._decided_by(flow, site, cut.tensor):
            return False
        seen = _compared(flow, self.graph)
        both = [
            self._run(model, cut.tensor, cut.column, list(cut.values), seen)
            for model in (self.graph.model, mutant)
        ]
        if both[0] is None or both[1] is None:
            return False
        return all(self._same(flow, name, both[0], both[1]) for name in seen)

    def _decided_by(self, flow: Flow, site: Site, cut: str) -> bool:
        """Whether what the defect changes depends on the cut column alone."""
        node = self.graph.nodes[site.node]
        changed = [kind for name in node.output for kind in flow.kinds[name]]
        if Kind.MIXED in changed or Kind.PURE not in changed:
            return False
        # A column apart is one that the defect leaves alone, or that has a cut of its own.
        own = node.op_type in ENTRYWISE and cut in node.input
        own |= site.kind == CAST and site.entry is not None and node.input[site.entry] == cut
        return Kind.APART not in changed or site.affected is not None or own

    def _same(self, flow: Flow, name: str, right: Tensors, wrong: Tensors) -> bool:
        """Whether the pure columns of a tensor are equal, or told apart by no node that reads them."""
        columns = flow.pure(name)
        a, b = (_columns(side[name], columns) for side in (right, wrong))
        if _equal_bits(a, b):
            return True
        if name in self.graph.outputs:
            return False
        readers = {at for at, tensor, _ in flow.seen if tensor == name}
        return all(self._read_alike(self.graph.nodes[at], name, columns, a, b) for at in readers)

    def _read_alike(self, node: onnx.NodeProto, name: str, columns: list[int], a: Array, b: Array) -> bool:
        """Whether a node answers alike to both: a tree by its splits, a table by the rows looked up."""
        if node.op_type == "TreeEnsemble":
            return Paths(node, self.known).same_way(columns, a, b)
        if node.op_type != "Gather" or attribute(node, "axis") not in (0, None) or node.input[1] != name:
            return False
        table = self.graph.constants.get(node.input[0])
        if table is None or table.dtype.kind not in "fiub" or {a.dtype.kind, b.dtype.kind} != {"i"}:
            return False
        inside = all(((side >= 0) & (side < len(table))).all() for side in (a, b))
        return inside and _equal_bits(table[a], table[b])

    def _run(
        self, model: onnx.ModelProto, cut: str, column: int | None, values: list[Any], wanted: list[str]
    ) -> Tensors | None:
        """Tensors of a graph for each value in one column of one tensor, the rest of the row as it is."""
        if cut in self.graph.outputs:
            # What is answered is seen; no run of what follows could tell.
            return None
        rows = len(values)
        feeds = {name: np.repeat(tensor[:1], rows, axis=0) for name, tensor in self._row.items()}
        one = feeds[cut] if cut in feeds else self._tensor(cut)
        if one is None:
            return None
        given = one if cut in feeds else np.repeat(one, rows, axis=0)
        given = given.copy()
        given.reshape(rows, -1)[:, slice(None) if column is None else column] = (
            np.array(values, dtype=given.dtype)[:, None]
            if column is None
            else np.array(values, dtype=given.dtype)
        )
        return run_cut(model, self.graph, cut, {**feeds, cut: given}, wanted)

    def _tensor(self, name: str) -> Array | None:
        """A tensor of the one row; None where it is a scalar, the same for all rows."""
        found = run_cut(self.graph.model, self.graph, None, dict(self._row), [name])
        assert found is not None
        return found[name][:1] if found[name].ndim else None

    def _column(self, tensor: str, column: int | None) -> int | None:
        return 0 if self.known.widths.get(tensor) == 1 else column

    def _ancestors(self, wanted: list[str]) -> set[int]:
        found: set[int] = set()
        waiting = list(wanted)
        while waiting:
            at = self.graph.producer.get(waiting.pop())
            if at is not None and at not in found:
                found.add(at)
                waiting += self.graph.nodes[at].input
        return found


def _compared(flow: Flow, graph: Graph) -> list[str]:
    """The tensors whose pure columns something else meets, and the outputs that have some."""
    met = [tensor for _, tensor, _ in flow.seen]
    return list(dict.fromkeys([*met, *(name for name in graph.outputs if flow.pure(name))]))


def _columns(tensor: Array, columns: list[int]) -> Array:
    return (
        tensor.reshape(len(tensor), -1)[:, columns] if tensor.ndim == 2 else tensor.reshape(len(tensor), -1)
    )


def _equal_bits(a: Array, b: Array) -> bool:
    if a.dtype.kind != "f":
        return bool((a == b).all())
    missing = np.isnan(a) & np.isnan(b)
    same = (a == b) & (np.signbit(a) == np.signbit(b))
    return bool((same | missing).all())
