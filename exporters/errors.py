"""Every error onnxtwin raises on purpose, in one hierarchy.

Nothing here imports more than the standard library, so that a service that only runs an
artifact can catch these without the research stack.
"""

from __future__ import annotations

import threading

_kept = threading.local()


class OnnxTwinError(Exception):
    """Base class of every error that onnxtwin raises on purpose."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        errors = getattr(_kept, "errors", None)
        if errors is not None:
            errors.append(self)


def keep_errors(errors: list[OnnxTwinError] | None) -> list[OnnxTwinError] | None:
    """Put every error made in this thread from now on into ``errors``, whoever swallows it; None ends that.

    Returns
    -------
    The list that took them until now.
    """
    before: list[OnnxTwinError] | None = getattr(_kept, "errors", None)
    _kept.errors = errors
    return before


def is_refusal(error: Exception) -> bool:
    """Whether what a pipeline raised says that it does not answer these rows.

    It does so with any error, of a class of its own as well. Lack of memory and failing input or output say
    nothing about rows, nor do errors of onnxtwin's own (but for those of a twin that refuses its rows).
    """
    if isinstance(error, OnnxTwinError):
        return isinstance(error, InputError)
    return not isinstance(error, (MemoryError, OSError))


class UnsupportedError(OnnxTwinError):
    """The pipeline does something that a graph cannot say exactly, so nothing is exported.

    The message names the step's path, the file, line and expression, and a way out.
    """


class RecordingError(OnnxTwinError):
    """A recorded value differs from the pipeline's own: a defect of onnxtwin, never exported."""


class SignatureError(OnnxTwinError):
    """The raw columns cannot be described: duplicates, unnamed, mixed types, or unlike the fit."""


class InputError(OnnxTwinError, ValueError):
    """Rows handed to a twin do not fit its signature: missing column, wrong dtype."""


class DomainError(InputError):
    """A value lies outside of what the pipeline accepts; the pipeline would have raised too."""


class LimitError(DomainError):
    """A text is spelled in a way that the twin does not follow, as its contract says; the pipeline may."""


class ArtifactError(OnnxTwinError):
    """An artifact on disk is truncated, altered, of a newer format, or cannot be written."""


class RecipeError(OnnxTwinError):
    """A recipe cannot be found, raised, or returned something other than a fitted pipeline."""


class CheckError(OnnxTwinError):
    """A check could not be carried out (which is never the same as green)."""


class UnequalError(CheckError):
    """The twin's answers are not the pipeline's, so nothing is written."""
