"""Tables answer as a dict does, and numbers are read from text as Python reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import spox.opset.ai.onnx.v20 as op
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession
from running import TEXT, run, texts
from spox import Tensor, argument, build

from onnxtwin.exporters import lookups
from onnxtwin.exporters.errors import UnsupportedError

COLUMNS: dict[str, list[Any]] = {
    "text": ["a", "é", "", "x\0"],
    "integers": [1, -5, 2**60 + 1, 0],
    "floats": [1.5, 0.0, float("nan"), float("inf")],
}
DEFAULTS = {"text": "?", "integers": -9, "floats": -0.5}
STRANGERS = {"text": "zz", "integers": 77, "floats": 77.5}


@pytest.mark.parametrize("values", COLUMNS)
@pytest.mark.parametrize("keys", COLUMNS)
def test_a_table_of_any_types_is_looked_up(keys: str, values: str) -> None:
    asked = [*COLUMNS[keys], STRANGERS[keys]]
    x = np.array(asked, dtype=TEXT if keys == "text" else None)
    got = run(lambda v: lookups.lookup(v, COLUMNS[keys], COLUMNS[values], DEFAULTS[values]), x)
    expected = np.array([*COLUMNS[values], DEFAULTS[values]], dtype=TEXT if values == "text" else None)
    np.testing.assert_array_equal(got, expected)


def test_both_zeros_are_one_key_and_every_nan_is_one() -> None:
    nan = np.frombuffer(np.uint64(0xFFF8000000000001).tobytes())[0]
    got = run(lambda v: lookups.lookup(v, [0.0, np.nan], ["zero", "nan"], "?"), np.array([[-0.0, nan]]))
    assert got.tolist() == [["zero", "nan"]]


def test_the_last_of_a_repeated_key_counts() -> None:
    got = run(lambda v: lookups.lookup(v, ["a", "b", "a"], [1, 2, 3], 0), texts("a", "b"))
    assert got.tolist() == [3, 2]


def test_membership_is_exact_beyond_two_to_the_53() -> None:
    got = run(lambda v: lookups.isin(v, [1, 2**60 + 1]), np.array([1, 2**60, 2**60 + 1]))
    assert got.tolist() == [True, False, True]


@pytest.mark.parametrize("rows", [texts("a", "b"), texts()])
def test_an_empty_table_and_no_rows_are_allowed(rows: np.ndarray) -> None:
    assert run(lambda v: lookups.isin(v, []), rows).tolist() == [False] * len(rows)
    assert run(lambda v: lookups.lookup(v, [], [], 1.5), rows).tolist() == [1.5] * len(rows)


@pytest.mark.parametrize(
    ("keys", "values"), [(["a", 1], [1, 2]), ([1], [None]), ([2**70], [1]), ([0.5, 2**60 + 1], [1, 2])]
)
def test_a_table_that_cannot_be_typed_is_refused(keys: list[Any], values: list[Any]) -> None:
    with pytest.raises(UnsupportedError, match="table"):
        run(lambda v: lookups.lookup(v, keys, values, 0), np.zeros(1))


RNG = np.random.default_rng(0)
COMMON = "1 +1 -1 1.5 .5 5. 1e5 1E+5 inf -inf iNf Infinity infinit nan NaN -nan +nan 00012 1.0 0e0 -0 -0.0"
ODD = "1_0 1__0 _1 1e1_0 0x10 1e 1e+ e5 abc 1abc 1,5 1d5 . + - --1 ١ 1٣ ٣.٥"
LARGE = "1e400 1e-400 5e-324 1e308 1e250 9.99e299 0009223372036854775807 +9223372036854775807"
SPELLINGS = [
    *f"{COMMON} {ODD} {LARGE}".split(),
    *(str(sign * 2**63 + more) for sign in (1, -1) for more in (-1, 0, 1)),
    *("", " 1", "1 ", "1 2", "- 1", "\n1\t", "1\x1c", "\u30001", "\u30001\x1c", "1\x85", "\x001", "1\x00"),
]
SPELLINGS += [
    *(repr(float(v)) for v in RNG.normal(size=1000) * 10.0 ** RNG.integers(-280, 280, 1000)),
    *map(str, RNG.integers(-(2**63), 2**63 - 1, 500)),
    *("".join(RNG.choice(list("0123456789+-.eE _x"), RNG.integers(1, 8))) for _ in range(1500)),
    "1" * 300,
    "0." + "0" * 190 + "1",
]


EDGES = [
    *(f"{d}e{e}" for d in ("1", "9.99", "-4.5", "+1.8", "12", "0.5", "0", "-0") for e in range(295, 330, 3)),
    *(f"{d}e-{e}" for d in ("1", "9.99", "-4.5", "+1.8", "12", "0.5", "0", "-0") for e in range(295, 340, 3)),
    *(
        "1e309",
        "1e310",
        "-1e999",
        "1e-325",
        "-1e-326",
        "1e00000000400",
        "0e99999",
        "-0e-99999",
        "1e1000",
        "1e-1000",
    ),
    *("9" * n for n in (200, 300, 308, 309, 310, 400, 4300, 4301, 10_000)),
    *("-" + "0" * n + "7" for n in (99, 100, 101, 300, 4299, 4300)),
    *("." + "0" * n + "25" for n in (199, 200, 306, 307, 323, 324, 400)),
    *("3." + "1" * n for n in (200, 201, 1000)),
    *(
        "\u0661\u0662",
        "\uff11\uff12.\uff15",
        "\u0967_\u0968",
        "1_000.5e1_0",
        "\u00a036",
        "36\u00a0",
        "\u2003-7\u3000",
    ),
    *("\u2009+\u0661", "1\u0301", "\u00bd", "\u00b2", "1\u200b", "\ufeff1", "\u22121", "\uff0b1"),
    *(
        "9223372036854775807",
        "9_223_372_036_854_775_808",
        "-\u0669223372036854775808",
        "0b1",
        "1L",
        "1j",
        "1e5_",
    ),
]


def _read(kind: Callable[[str], Any], text: str) -> Any:
    """What Python reads, None if nothing; an integer beyond int64 is none either, for no array holds it."""
    try:
        read = kind(text)
    except ValueError:
        return None
    return None if isinstance(read, int) and not -(2**63) <= read < 2**63 else read


@pytest.mark.parametrize(("graph", "kind"), [(lookups.to_float, float), (lookups.to_int, int)])
def test_a_number_is_read_as_python_reads_it_or_left_undecided(
    graph: Callable[..., Any], kind: Callable[[str], Any]
) -> None:
    spellings = [*SPELLINGS, *EDGES]
    parsed = run(lambda x: [part for part in graph(x) if part is not None], texts(*spellings))
    value, valid = parsed[:2]
    certain = parsed[2] if kind is float else np.ones(len(spellings), bool)
    expected = [_read(kind, s) for s in spellings]
    assert valid.tolist() == [e is not None for e in expected]
    wrong = [
        (s, v, e)
        for s, v, e, sure in zip(spellings, value, expected, certain, strict=True)
        if sure and e is not None and not (v == e and str(v) == str(e) or v != v and e != e)
    ]
    assert not wrong
    assert certain[valid].mean() > 0.93
    assert certain[~valid].all()


@pytest.mark.parametrize("kind", [float, int])
@settings(deadline=None)
@given(number=st.text(st.sampled_from("0123456789٣５+-.eE_ \t\u00a0\x1cinfa"), max_size=12))
def test_a_drawn_text_is_read_as_python_reads_it(kind: Callable[[str], Any], number: str) -> None:
    value, valid, certain = _one(kind, number)
    expected = _read(kind, number)
    assert valid == (expected is not None)
    if certain and valid:
        assert value == expected or value != value and expected != expected


@cache
def _session(kind: Callable[[str], Any]) -> InferenceSession:
    graph: Any = lookups.to_float if kind is float else lookups.to_int
    x = argument(Tensor(np.str_, (None,)))
    value, valid, certain = graph(x)
    model = build(
        {"x": x},
        {"value": value, "valid": valid, "certain": op.equal(valid, valid) if certain is None else certain},
    )
    return InferenceSession(model.SerializeToString())


def _one(kind: Callable[[str], Any], number: str) -> tuple[Any, bool, bool]:
    value, valid, certain = _session(kind).run(None, {"x": texts(number)})
    return value[0].item(), bool(valid[0]), bool(certain[0])


def test_plain_decimals_are_always_decided() -> None:
    plain = texts(*(f"{v:.2f}" for v in RNG.normal(size=200) * 1e6), "0", "-17", "1e-5", "nan")
    assert run(lookups.to_float, plain)[2].all()


def test_an_integer_is_written_as_python_writes_it() -> None:
    x = np.array([[0, -1], [2**63 - 1, -(2**63)]])
    assert run(lookups.from_int, x).tolist() == [[str(v) for v in row] for row in x.tolist()]
