"""Write ``exporters/special_tables.py``: polynomials for functions without a double kernel.

Each is interpolated at Chebyshev nodes in 60-digit arithmetic and expanded in powers of a variable that
runs from -1 to 1, so that rounding the coefficients to float64 costs nothing that the evaluation does not
cost anyway. Needs ``pip install mpmath``::

    python docs/make_special_tables.py > exporters/special_tables.py

The last comment of each table is its largest relative error, measured between the nodes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

from mpmath import mp, mpf

mp.dps = 60
Function = Callable[[mpf], mpf]


def fit(function: Function, low: mpf, high: mpf, terms: int) -> tuple[list[float], mpf]:
    """Coefficients by ascending power of ``(2 t - low - high) / (high - low)``, and the worst error."""
    mid, half = (low + high) / 2, (high - low) / 2
    nodes = [mp.cos(mp.pi * (2 * i + 1) / (2 * terms)) for i in range(terms)]
    rows = mp.matrix([[x**p for p in range(terms)] for x in nodes])
    solved = mp.lu_solve(rows, mp.matrix([function(mid + half * x) for x in nodes]))
    coefficients = [float(c) for c in solved]
    worst = mpf(0)
    for i in range(401):
        x = mpf(i) / 200 - 1
        exact = function(mid + half * x)
        worst = max(worst, abs(mp.polyval([mpf(c) for c in coefficients][::-1], x) / exact - 1))
    return coefficients, worst


def erf_over_x(z: mpf) -> mpf:
    """``erf(x) / x`` of ``z = x**2``."""
    return mp.erf(mp.sqrt(z)) / mp.sqrt(z) if z else 2 / mp.sqrt(mp.pi)


def scaled_erfc(s: mpf) -> mpf:
    """``exp(x**2) * erfc(x) / s`` of ``s = 1 / (x + 2)``."""
    x = 1 / s - 2
    return mp.exp(x * x) * mp.erfc(x) / s


def arctan_rest(z: mpf) -> mpf:
    """``(u - arctan(u)) / u**3`` of ``z = u**2``."""
    u = mp.sqrt(z)
    return (u - mp.atan(u)) / u**3 if z else mpf(1) / 3


def table(name: str, about: str, pieces: list[tuple[list[float], mpf]]) -> str:
    """Python source of one table, a row of coefficients a piece, with each piece's error beside it."""
    lines = [f"{name}: tuple[tuple[float, ...], ...] = ("]
    for coefficients, worst in pieces:
        lines += ["    (", *(f"        {c!r}," for c in coefficients), f"    ),  # {mp.nstr(worst, 2)}"]
    return "\n".join([*lines, f')\n"""{about}"""\n'])


def main() -> None:
    """Print the module."""
    small = fit(erf_over_x, mpf(0), mpf(1), 16)
    # x from 1/2 to 28 as s from 1/30 to 2/5, in equal pieces of s.
    low, high, count = mpf(1) / 30, mpf(2) / 5, 4
    edges = [low + (high - low) * i / count for i in range(count + 1)]
    tail = [fit(scaled_erfc, a, b, 16) for a, b in pairwise(edges)]
    parts = (
        '"""Coefficients for ``special.py``; from ``docs/make_special_tables.py``, which says how."""\n',
        table(
            "ERF",
            "Row 0: erf(x) / x of x**2 on [0, 1].\n\n"
            "Rows 1 to 4: exp(x**2) erfc(x) (x + 2) of 1 / (x + 2) on [1/30, 2/5], in quarters.\n",
            [small, *tail],
        ),
        table(
            "ARCTAN",
            "(u - arctan(u)) / u**3 of u**2 on [0, tan(pi/8)**2].",
            [fit(arctan_rest, mpf(0), mp.tan(mp.pi / 8) ** 2, 11)],
        ),
    )
    sys.stdout.write("\n".join(parts))


if __name__ == "__main__":
    main()
