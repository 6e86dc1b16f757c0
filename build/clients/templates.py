"""The templates' engine: Jinja2, which complains about whatever a template names and nobody gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


class Templates:
    """The ``*.j2`` files of one language.

    Parameters
    ----------
    folder : where they are.
    filters : functions of a value that templates call by name, such as the language's literals.
    functions : functions that templates call by name.
    """

    def __init__(
        self,
        folder: Path,
        filters: Mapping[str, Callable[..., Any]],
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # what is written is source code; each language escapes its own literals
        )
        self._environment.filters.update(filters)
        self._environment.globals.update(functions or {})

    def render(self, name: str, **values: Any) -> str:
        """The text of one template, ``name`` without ``.j2``."""
        return self._environment.get_template(f"{name}.j2").render(**values)
