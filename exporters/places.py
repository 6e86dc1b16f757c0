"""Where in the pipeline's code something happens, and whose code asks."""

from __future__ import annotations

import linecache
import logging
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType

ENGINE = str(Path(__file__).resolve().parent)
"""The folder of the engine's own code."""


def within_engine(depth: int = 1) -> bool:
    """Whether the function that asks this was called (``depth`` calls up) by the engine's own code."""
    return sys._getframe(depth + 1).f_code.co_filename.startswith(ENGINE)


def asker() -> FrameType | None:
    """The innermost frame of the pipeline's code: outside of the engine, and of libraries' insides."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(ENGINE) and not of_library(file):
            break
        frame = frame.f_back
    return frame


def asked_by(folders: tuple[str, ...], passing_on: tuple[str, ...]) -> bool:
    """Whether the engine's own code asks, except for files that pass questions on, or code in ``folders``."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not of_library(file) and not (file.startswith(ENGINE) and file.endswith(passing_on)):
            return file.startswith((ENGINE, *folders))
        frame = frame.f_back
    return True


def asks_for_a_log(frame: FrameType) -> bool:
    """Whether a frame is the logging module's: what it writes changes no answer."""
    return frame.f_code.co_filename == logging.__file__


@dataclass(frozen=True)
class Place:
    """Where in the pipeline's code an operation was recorded, and by which estimator's method."""

    step: str
    file: str
    line: int
    method: str = ""
    leaf: bool = False
    """Whether an exporter stands in for the code, and knows itself what to do otherwise."""

    @property
    def expression(self) -> str:
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        step = f"step {self.step!r}" if self.step else ""
        step += f" ({self.method})" if step and self.method else self.method
        return f"{step}{', ' if step else ''}{self.file}:{self.line}: {self.expression}"

    @property
    def package(self) -> str:
        """The installed package that the code belongs to; "" for the user's own."""
        parts = Path(self.file).parts
        at = next((i for i, part in enumerate(parts) if part in ("site-packages", "dist-packages")), None)
        return "" if at is None or at + 1 >= len(parts) else parts[at + 1]

    def way_out(self, own: str) -> str:
        """``own`` where the user wrote the code, else what a user can do about a package."""
        if not self.package or self.leaf:
            return own
        return (
            f"this is {self.package}'s own code: take another estimator, compute this step before the "
            f"pipeline, or register an exporter for {self.method or 'it'} with @onnxtwin.exports"
        )


@lru_cache(maxsize=4096)
def of_library(file: str) -> bool:
    """Whether a file belongs to a library whose lines mean nothing to the pipeline's author."""
    modules = (sys.modules.get(name) for name in ("numpy", "pandas", "spox", "joblib", "scipy", "narwhals"))
    folders = [str(Path(str(module.__file__)).parent) for module in modules if module is not None]
    return file.startswith("<") or any(Path(file).is_relative_to(folder) for folder in folders)
