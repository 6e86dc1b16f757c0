"""The decisions of a graph: switches (true or false for each row), look-ups of categories, trees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx

from onnxtwin.runtime_checks.coverage.forest import KINDS, Forest, forest_of
from onnxtwin.runtime_checks.coverage.view import View

Bools = npt.NDArray[np.bool_]

CATEGORIES = "categories"
BINS = "bins and limits"
BRANCHES = "conditional branches"

_COMPARISONS = {"Less": "<", "LessOrEqual": "<=", "Greater": ">", "GreaterOrEqual": ">=", "Equal": "=="}
_QUESTIONS = {"IsNaN": "is missing", "IsInf": "is infinite", "RegexFullMatch": "matches its pattern"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True)
class Switch:
    """A value that is true or false at each of its places, ``[N, places]``.

    Attributes
    ----------
    kind : of the coverage that it counts under.
    tensor : what is observed: a bool, or a number that is compared with ``limit``.
    limit : for ``Min``, ``Max`` and ``Clip``: the limit, broadcastable to the tensor; else None.
    test : ``<``, ``==``, ..., or a question as ``is missing``; empty for a computed condition.
    constant : the constant compared with, if any.
    """

    kind: str
    tensor: str
    limit: Any = None
    test: str = ""
    constant: Any = None

    def outcomes(self, value: npt.NDArray[Any]) -> Bools:
        """The tensor's value for some rows → bool ``[N, places]``."""
        rows = len(value)
        with np.errstate(invalid="ignore"):
            found = value if self.limit is None else value < self.limit
        return (
            np.asarray(found, dtype=np.bool_).reshape(rows, -1) if found.size else np.zeros((rows, 0), bool)
        )


@dataclass(frozen=True)
class Lookup:
    """A table of categories.

    Attributes
    ----------
    tensor : what is looked up, ``[N, places]``.
    keys : the categories, text or numbers.
    impossible : bool [len(keys) + 1], the last for a value that is no key: what the look-up before
        this one never gives.
    """

    tensor: str
    keys: npt.NDArray[Any]
    impossible: Bools
    _places: dict[Any, int] = field(default_factory=dict, repr=False)

    def found(self, value: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Positions of the keys for ``[N, places]`` values, ``len(keys)`` where there is none."""
        if not self._places:
            self._places.update({_key(key): i for i, key in enumerate(self.keys.tolist())})
        flat, inverse = np.unique(value.reshape(-1), return_inverse=True)
        unknown = len(self.keys)
        places = np.array([self._places.get(_key(v), unknown) for v in flat.tolist()], np.int64)
        return places[inverse].reshape(len(value), -1)


def _key(value: Any) -> Any:
    return "not a number" if isinstance(value, float) and value != value else (type(value) is str, value)


@dataclass(frozen=True)
class Decisions:
    """All decisions of one graph."""

    switches: tuple[Switch, ...]
    lookups: tuple[Lookup, ...]
    forests: tuple[Forest, ...]

    @property
    def tensors(self) -> set[str]:
        """What has to be observed."""
        read = [switch.tensor for switch in self.switches] + [lookup.tensor for lookup in self.lookups]
        return {*read, *(forest.tensor for forest in self.forests)}


def decisions_of(view: View) -> Decisions:
    """Find the decisions of a graph; those inside of loops and other subgraphs are not seen."""
    switches: dict[tuple[str, Literal["min", "max", "is"]], Switch] = {}
    lookups: dict[str, Lookup] = {}
    given: dict[str, set[Any]] = {}
    forests = []
    for node in view.nodes:
        if node.op_type in KINDS:
            forests.append(forest_of(node))
        elif node.op_type in ("LabelEncoder", "CategoryMapper", "OneHotEncoder"):
            found = _lookup(node, given)
            if found is not None:
                lookups[node.output[0]] = found
        for form, switch in _switches(node, view, lookups):
            switches.setdefault((switch.tensor, form), switch)
    for node in view.nodes:
        if node.op_type == "Where" and view.constant(node.input[0]) is None:
            origin = _origin(view, node.input[0])
            if (origin, "is") not in switches:
                switches[origin, "is"] = Switch(BRANCHES, origin)
    return Decisions(tuple(switches.values()), tuple(lookups.values()), tuple(forests))


def _origin(view: View, name: str) -> str:
    """The value of which a condition is only the negation or another shape."""
    node = view.producer.get(name)
    while node is not None and node.op_type in ("Not", "Unsqueeze", "Squeeze", "Identity", "Reshape"):
        name = node.input[0]
        node = view.producer.get(name)
    return name


def _switches(
    node: onnx.NodeProto, view: View, lookups: dict[str, Lookup]
) -> Iterable[tuple[Literal["min", "max", "is"], Switch]]:
    if node.op_type in _COMPARISONS:
        sides = [view.constant(name) for name in node.input]
        test = _COMPARISONS[node.op_type]
        if all(side is not None for side in sides):
            return
        if all(side is None for side in sides):
            yield "is", Switch(BRANCHES, node.output[0], test=test)
            return
        mirrored = sides[0] is not None
        constant = sides[0] if mirrored else sides[1]
        whole = test == "==" and (constant.dtype.kind in "OUi" or node.input[0] in lookups)
        kind = CATEGORIES if whole else BINS
        yield "is", Switch(kind, node.output[0], None, _MIRRORED[test] if mirrored else test, constant)
    elif node.op_type in _QUESTIONS and view.constant(node.input[0]) is None:
        yield "is", Switch(BRANCHES, node.output[0], test=_QUESTIONS[node.op_type])
    elif node.op_type in ("Min", "Max"):
        constants = [view.constant(name) for name in node.input]
        if len(node.input) == 2 and sum(c is None for c in constants) == 1:
            at = 0 if constants[0] is None else 1
            yield from _limit(node.input[at], "min" if node.op_type == "Min" else "max", constants[1 - at])
    elif node.op_type == "Clip":
        for form, name in zip(("max", "min"), node.input[1:], strict=False):
            if name:
                yield from _limit(node.input[0], "max" if form == "max" else "min", view.constant(name))


def _limit(
    tensor: str, form: Literal["min", "max"], limit: Any
) -> Iterable[tuple[Literal["min", "max", "is"], Switch]]:
    """``Max`` decides whether a value is below its limit, ``Min`` whether it is above."""
    if limit is not None and np.asarray(limit).dtype.kind in "fiu":
        above = np.nextafter(limit, np.inf, dtype=limit.dtype) if limit.dtype.kind == "f" else limit + 1
        yield form, Switch(BINS, tensor, limit if form == "max" else above, "<", limit)


_KEYS = ("keys_strings", "keys_int64s", "keys_floats", "keys_tensor", "cats_strings", "cats_int64s")
_VALUES = ("values_strings", "values_int64s", "values_floats", "values_tensor")
_DEFAULTS = {
    "values_strings": "default_string",
    "values_int64s": "default_int64",
    "values_floats": "default_float",
}


def _lookup(node: onnx.NodeProto, given: dict[str, set[Any]]) -> Lookup | None:
    """The table of a node; ``given`` collects what each table answers, for tables behind tables."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    keys = _entries(attributes, _KEYS)
    if keys is None:
        return None
    impossible = np.zeros(len(keys) + 1, np.bool_)
    before = given.get(node.input[0])
    if before is not None:
        own = [_key(key) for key in keys.tolist()]
        impossible[:-1] = [key not in before for key in own]
        impossible[-1] = before <= set(own)
    name = next((name for name in _VALUES if name in attributes), None)
    values = _entries(attributes, _VALUES)
    if node.op_type == "LabelEncoder" and name is not None and values is not None:
        default = _entries(attributes, ["default_tensor"])
        if default is None:
            default = np.array([attributes.get(_DEFAULTS.get(name, ""), 0)], dtype=object)
        answers = [*values.tolist(), *default.reshape(-1).tolist()]
        given[node.output[0]] = {_key(v.decode() if isinstance(v, bytes) else v) for v in answers}
    return Lookup(node.input[0], keys, impossible)


def _entries(attributes: dict[str, Any], names: Iterable[str]) -> npt.NDArray[Any] | None:
    for name in names:
        value = attributes.get(name)
        if value is None or (not isinstance(value, onnx.TensorProto) and not len(value)):
            continue
        if isinstance(value, onnx.TensorProto):
            if value.data_type == onnx.TensorProto.STRING:
                return np.array([text.decode() for text in value.string_data], dtype=object)
            return np.asarray(onnx.numpy_helper.to_array(value))
        if isinstance(value[0], bytes):
            return np.array([text.decode() for text in value], dtype=object)
        return np.array(value)
    return None
