"""Operators on text, and the table look-ups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import numpy_helper

from kernel_probes.probe import NUMBERS, Probe, grid, ints, values


def probes() -> Iterator[Probe]:
    """Joining, matching, splitting, cutting; LabelEncoder of every pair of types."""
    x = values("string")
    none = x[:0]

    def case(op: str, answers: list[Any], domain: str = "", **attributes: Any) -> Probe:
        empty = ([none], [a[:0] for a in answers])
        return Probe(op, [x], answers, domain, attributes, key="string", empty=empty)

    yield Probe("StringConcat", [x, x], [x + x], key="string", empty=([none, none], [none]))
    pattern = "(?s:.*)a(?s:.*)"
    yield case("RegexFullMatch", [np.array([bool(re.fullmatch(pattern, s)) for s in x])], pattern=pattern)
    parts = [s.split(",") if s else [] for s in x]
    width = max(map(len, parts))
    pieces = np.array([p + [""] * (width - len(p)) for p in parts], dtype=object)
    yield case("StringSplit", [pieces, ints(*map(len, parts))], delimiter=",")
    lowered = np.array([s.lower() for s in x], dtype=object)
    yield case("StringNormalizer", [lowered], case_change_action="LOWER")
    longest = max(map(len, x))
    chars = np.array([[*s, *[""] * (longest - len(s))] for s in x], dtype=object)
    yield case("Tokenizer", [chars], "com.microsoft", mark=0, mincharnum=1, pad_value="", tokenexp="(?s).")
    foo, hashed = np.array(["foo"], dtype=object), np.array([-156908512], np.int32)
    yield Probe("MurmurHash3", [foo], [hashed], "com.microsoft", {"positive": 0}, key="string")
    yield from _look_ups()


def _look_ups() -> Iterator[Probe]:
    keys = {
        "string": np.array(["a", "é", "", "x\0y"], dtype=object),
        "int64": ints(1, -5, 2**60 + 1, 0),
        "double": np.array([1.5, -0.0, np.nan, np.inf]),
        "float": np.array([1.5, 0, np.nan, np.inf], np.float32),
        "int32": np.arange(4, dtype=np.int32),
    }
    order = [3, 2, 1, 0, 0]
    for source, x in keys.items():
        for target, y in keys.items():
            attributes: dict[str, Any] = {}
            for name, held in (("keys", x), ("values", y), ("default", y[:1])):
                # 1.25 stops at a tensor attribute of text.
                text = held.dtype == object
                tensor = {f"{name}_tensor": numpy_helper.from_array(held)} if not text else {}
                listed = {"default_string": y[0]} if name == "default" else {f"{name}_strings": held.tolist()}
                attributes |= listed if text else tensor
            nothing = ([x[:0]], [y[:0]])
            pair = f"{source}->{target}"
            yield Probe(
                "LabelEncoder", [x[order]], [y[order]], "ai.onnx.ml", attributes, key=pair, empty=nothing
            )
    for kind in (*NUMBERS, "string"):
        x = grid(kind)
        nothing = ([x[:0], ints(2, 0)], [x[:0, :2]])
        yield Probe(
            "ArrayFeatureExtractor", [x, ints(2, 0)], [x[:, [2, 0]]], "ai.onnx.ml", key=kind, empty=nothing
        )
