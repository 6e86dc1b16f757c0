"""What answers on either side, by name and version, for the report."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import onnxruntime

RESEARCH = ("numpy", "pandas", "scikit-learn")


def environment(answers: Any, research: tuple[str, ...] = RESEARCH) -> dict[str, str]:
    """Versions of onnxtwin, of the pipeline's libraries, and of what answers for the twin.

    Parameters
    ----------
    answers : the twin; what runs in another process says its ``versions`` itself.
    research : distributions that the pipeline's side is made of; none where answers are recorded.
    """
    own = {"onnxtwin": metadata.version("onnxtwin"), "python": platform.python_version()}
    own |= {name: metadata.version(name) for name in research}
    return own | getattr(answers, "versions", {"onnxruntime": onnxruntime.__version__})
