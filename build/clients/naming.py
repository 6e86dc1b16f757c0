"""Identifiers of generated code: from any column's, class's or artifact's name to one that a language takes.

Names keep their letters where a language allows letters beyond ASCII; two names that become the same
identifier get a number, always the same one for the same artifact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

_LAST_OF_BMP = 0xFFFF
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words(name: str, *, ascii_only: bool = False) -> list[str]:
    """The words of a name: at least one, each of letters and digits.

    ``home.dest`` has two, ``ArrDelay`` has two, ``2nd class`` has two, ``%`` has the two of its Unicode
    name, *percent sign*. Letters are kept in Unicode's form NFKC, as Python itself reads identifiers; those
    beyond the BMP, which C# does not take, and with ``ascii_only`` those that are not a Latin letter with a
    mark, are spelled by their number: ``u4fa1``.
    """
    found = _words(name, ascii_only)
    if not found:
        spelled = " ".join(unicodedata.name(char, f"u{ord(char):x}") for char in name)
        found = _words(spelled.lower(), ascii_only)
    return found or ["unnamed"]


def camel(parts: Sequence[str]) -> str:
    """``homeDest``."""
    return parts[0].lower() + "".join(map(_capital, parts[1:]))


def pascal(parts: Sequence[str]) -> str:
    """``HomeDest``."""
    return "".join(map(_capital, parts))


def snake(parts: Sequence[str]) -> str:
    """``home_dest``."""
    return "_".join(part.lower() for part in parts)


def kebab(parts: Sequence[str]) -> str:
    """``home-dest``."""
    return "-".join(part.lower() for part in parts)


@dataclass(frozen=True)
class Naming:
    """How a language spells one sort of name.

    Attributes
    ----------
    style : :func:`camel`, :func:`pascal` or :func:`snake`.
    reserved : identifiers that are not free: keywords, and members that the generated code has itself.
    suffix : put after a reserved identifier.
    digits : word put before a name that begins with a digit; before one of digits only it is ``x``.
    ascii_only : whether letters beyond ASCII are spelled out.
    """

    style: Callable[[Sequence[str]], str]
    reserved: frozenset[str] = frozenset()
    suffix: str = "_"
    digits: str = "column"
    ascii_only: bool = False

    def identifier(self, name: str) -> str:
        """The identifier of one name, which may be that of another name too."""
        parts = words(name, ascii_only=self.ascii_only)
        joined = self.style(parts)
        if joined[0].isdigit():
            joined = self.style(["x" + parts[0], *parts[1:]] if joined.isdigit() else [self.digits, *parts])
        elif not joined.isidentifier():  # begins with a mark that may stand within a name only
            joined = self.style([self.digits, *parts])
        return joined + self.suffix if joined in self.reserved else joined

    def identifiers(self, names: Sequence[str]) -> list[str]:
        """One identifier a name, no two alike.

        Of names that share one, the name that is spelled like it keeps it, else the first; the others are
        numbered from 2 in their order.
        """
        bases = [self.identifier(name) for name in names]
        owners: dict[str, int] = {}
        for position, (name, base) in enumerate(zip(names, bases, strict=True)):
            if base not in owners or name == base:
                owners[base] = position
        taken = set(bases) | self.reserved
        made: list[str] = []
        for position, base in enumerate(bases):
            identifier = base if owners[base] == position else _numbered(base, taken)
            taken.add(identifier)
            made.append(identifier)
        return made


def _numbered(base: str, taken: Collection[str]) -> str:
    number = 2
    while f"{base}{number}" in taken:
        number += 1
    return f"{base}{number}"


def _words(name: str, ascii_only: bool) -> list[str]:
    text = unicodedata.normalize("NFKC", name)
    if ascii_only:
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    spelled = "".join(_spelled(char, ascii_only) for char in text)
    return [word for piece in spelled.split() for word in _CAMEL.split(piece) if word]


def _spelled(char: str, ascii_only: bool) -> str:
    """A character as it may stand in an identifier; a blank where it separates words."""
    if char == "_" or not f"a{char}".isidentifier():
        return " "
    if ord(char) > (0x7F if ascii_only else _LAST_OF_BMP):
        return f"u{ord(char):x}"
    return char


def _capital(part: str) -> str:
    return part[0].upper() + part[1:].lower() if part.isupper() else part[0].upper() + part[1:]
