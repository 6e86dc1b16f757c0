"""The files of a client in Java."""

from __future__ import annotations

from pathlib import Path

from onnxtwin.build.clients.templates import Templates

_TEMPLATES = Templates(Path(__file__).parent / "templates", {})


def native_texts(package: str) -> str:
    """The class that carries texts to and from the binding without loss, in a package of the caller's."""
    return _TEMPLATES.render("NativeTexts.java", package=package)
