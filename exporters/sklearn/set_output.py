"""``sklearn.utils._set_output``: containers are made by the traced pandas."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from sklearn.utils import _set_output

from onnxtwin.exporters.registry import exports


@exports(_set_output, "check_library_installed", verified=False, always=True)
def check_library_installed(library: str) -> Any:
    """The module of that name; of pandas, what a trace sees of it."""
    real = importlib.import_module(library)
    if library != "pandas":
        return real
    from onnxtwin.exporters.pandas import PANDAS

    return SimpleNamespace(**{**vars(real), **PANDAS})
