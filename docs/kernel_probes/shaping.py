"""Operators that move, choose, make and cast elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

from kernel_probes.probe import ALL, FLOATS, NUMBERS, SMALL, TYPES, Arrays, Probe, grid, ints, values


def probes() -> Iterator[Probe]:
    """Moving and choosing for every type, making for most, all casts."""
    for kind in (*ALL, *SMALL):
        yield from _moved(kind)
        yield from _chosen(kind)
    for kind in ALL:
        yield from _made(kind)
    yield from _casts()


def _moved(kind: str) -> Iterator[Probe]:
    x = grid(kind)
    none = x[:0]

    def case(op: str, more: Arrays, answer: npt.NDArray[Any], **attributes: Any) -> Probe:
        nothing = answer[:0] if answer.ndim > 1 and len(answer) == len(x) else None
        empty = None if nothing is None else ([none, *more], [nothing])
        return Probe(op, [x, *more], [answer], attributes=attributes, key=kind, empty=empty)

    yield case("Identity", [], x)
    yield case("Slice", [ints(0), ints(3), ints(1), ints(2)], x[:, ::2])
    yield case("Gather", [ints(2, 0)], x[:, [2, 0]], axis=1)
    yield case("Transpose", [], x.T.copy(), perm=[1, 0])
    yield case("Reshape", [ints(-1)], x.reshape(-1))
    yield case("Flatten", [], x, axis=1)
    yield case("Unsqueeze", [ints(1)], x[:, None])
    yield case("Expand", [ints(2, 1, 1)], np.stack([x, x]))
    yield case("Tile", [ints(1, 2)], np.tile(x, (1, 2)))
    yield case("Shape", [], ints(*x.shape))
    yield case("Size", [], np.full((), x.size, dtype=np.int64))
    squeezed = ([none[:, None], ints(1)], [none])
    yield Probe("Squeeze", [x[:, None], ints(1)], [x], key=kind, empty=squeezed)
    beside = np.concatenate([x, x], axis=1)
    yield Probe(
        "Concat", [x, x], [beside], attributes={"axis": 1}, key=kind, empty=([none, none], [beside[:0]])
    )
    parts = [x[:, :1], x[:, 1:2], x[:, 2:]]
    cut = {"axis": 1, "num_outputs": 3}
    yield Probe("Split", [x], parts, attributes=cut, key=kind, empty=([none], [p[:0] for p in parts]))
    margin = np.full((len(x), 1), x[0, 0], dtype=x.dtype)
    padded = np.concatenate([margin, x], axis=1)
    yield Probe("Pad", [x, ints(0, 1, 0, 0), np.asarray(x[0, 0], dtype=x.dtype)], [padded], key=kind)


def _chosen(kind: str) -> Iterator[Probe]:
    x = grid(kind)
    none = x[:0]
    rows = np.arange(len(x), dtype=np.int64)[::-1].copy()
    picked = np.tile(ints(2, 0, 1), (len(x), 1))
    along = {"axis": 1}
    taken = np.take_along_axis(x, picked, axis=1)
    nothing = ([none, picked[:0]], [none])
    yield Probe("GatherElements", [x, picked], [taken], attributes=along, key=kind, empty=nothing)
    yield Probe("GatherND", [x, np.stack([rows, rows % 3], axis=1)], [x[rows, rows % 3]], key=kind)
    scattered = x.copy()
    np.put_along_axis(scattered, picked, x, axis=1)
    nothing = ([none, picked[:0], none], [none])
    yield Probe("ScatterElements", [x, picked, x], [scattered], attributes=along, key=kind, empty=nothing)
    changed = x.copy()
    changed[rows[:2]] = x[:2]
    yield Probe("ScatterND", [x, rows[:2, None], x[:2]], [changed], key=kind)
    even = np.arange(len(x)) % 2 == 0
    yield Probe("Compress", [x, even], [x[::2]], attributes={"axis": 0}, key=kind)


def _made(kind: str) -> Iterator[Probe]:
    x = grid(kind)
    yield Probe("NonZero", [x], [np.array(np.nonzero(x)).astype(np.int64)], key=kind)
    if kind == "string":
        found = sorted(set(x.ravel()), key=lambda s: s.encode())
        yield Probe("Unique", [x.ravel()], [np.array(found, dtype=object)], key=kind)
        return
    yield Probe("Trilu", [x], [np.triu(x)], key=kind)
    if kind == "bool":
        return
    flat = x.ravel()[~np.isnan(x.ravel())]
    answers = np.unique(flat, return_index=True, return_inverse=True, return_counts=True)
    yield Probe("Unique", [flat], [np.asarray(a) for a in answers], key=kind)
    zero, one, three = (np.asarray(n, dtype=x.dtype) for n in (0, 1, 3))
    yield Probe("Range", [zero, three, one], [np.arange(3).astype(x.dtype)], key=kind)
    labels = np.array([0, 2, 1, 5]).astype(x.dtype)
    hot = (labels[:, None] == np.arange(3)).astype(x.dtype)
    depth, both = three.reshape(1), np.array([0, 1], dtype=x.dtype)
    yield Probe("OneHot", [labels, depth, both], [hot], attributes={"axis": -1}, key=kind)
    filled = {"value": numpy_helper.from_array(x.ravel()[1:2])}
    yield Probe("ConstantOfShape", [ints(2, 3)], [np.full((2, 3), x.ravel()[1])], attributes=filled, key=kind)


def _cast(x: npt.NDArray[Any], y: npt.NDArray[Any], source: str, target: str) -> Probe:
    to = {"to": TYPES[target][0]}
    return Probe("Cast", [x], [y], attributes=to, key=f"{source}->{target}", empty=([x[:0]], [y[:0]]))


def _casts() -> Iterator[Probe]:
    plain = (*NUMBERS, "bool", *SMALL)
    for source in plain:
        for target in plain:
            x = values(source)
            if source in FLOATS and target not in (*FLOATS, "bool"):
                limits = np.iinfo(TYPES[target][1])
                x = np.trunc(x[(np.abs(x) < 2**30) & (x >= limits.min) & (x <= limits.max)])
            if (source, target) == ("double", "float"):
                x = x[~(np.abs(x) > 3e38) | np.isinf(x)]
            yield _cast(x, x.astype(TYPES[target][1]), source, target)
    for source in ("int64", "int32"):
        yield _cast(values(source), values(source).astype(str).astype(object), source, "string")
    for source in FLOATS:
        x = np.array([0.1, 1 / 3, 1e22, -2.5, 123456789.125], dtype=TYPES[source][1])
        yield _cast(x, np.array([repr(float(v)) for v in x], dtype=object), source, "string")
    rng = np.random.default_rng(5)
    numbers = rng.normal(size=300) * 10.0 ** rng.integers(-250, 250, 300)
    spellings = [*(repr(float(v)) for v in numbers), " 1", "+.5", "inf", "-Infinity", "NaN"]
    texts = np.array(spellings, dtype=object)
    yield _cast(texts, texts.astype(np.float64), "string", "double")
    whole = values("int64")
    yield _cast(whole.astype(str).astype(object), whole, "string", "int64")
