"""Tables answer as a dict does, and numbers are read from text as Python reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from running import TEXT, run, texts

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


def _read(kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return None


@pytest.mark.parametrize(("graph", "kind"), [(lookups.to_float, float), (lookups.to_int, int)])
def test_a_number_is_read_as_python_reads_it_or_left_undecided(
    graph: Callable[..., Any], kind: Callable[[str], Any]
) -> None:
    value, valid, certain = run(graph, texts(*SPELLINGS))
    expected = [_read(kind, s) for s in SPELLINGS]
    assert valid.tolist() == [e is not None for e in expected]
    wrong = [
        (s, v, e)
        for s, v, e, sure in zip(SPELLINGS, value, expected, certain, strict=True)
        if sure and e is not None and not (v == e or (v != v and e != e))
    ]
    assert not wrong
    assert certain[valid].mean() > 0.9
    assert certain[~valid].all()


def test_plain_decimals_are_always_decided() -> None:
    plain = texts(*(f"{v:.2f}" for v in RNG.normal(size=200) * 1e6), "0", "-17", "1e-5", "nan")
    assert run(lookups.to_float, plain)[2].all()


def test_an_integer_is_written_as_python_writes_it() -> None:
    x = np.array([[0, -1], [2**63 - 1, -(2**63)]])
    assert run(lookups.from_int, x).tolist() == [[str(v) for v in row] for row in x.tolist()]
