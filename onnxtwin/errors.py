"""The errors that onnxtwin raises on purpose; :class:`OnnxTwinError` is the base of all."""

from onnxtwin.exporters.errors import (
    ArtifactError,
    CheckError,
    DomainError,
    InputError,
    LimitError,
    OnnxTwinError,
    RecipeError,
    RecordingError,
    SignatureError,
    UnequalError,
    UnsupportedError,
)

__all__ = [
    "ArtifactError",
    "CheckError",
    "DomainError",
    "InputError",
    "LimitError",
    "OnnxTwinError",
    "RecipeError",
    "RecordingError",
    "SignatureError",
    "UnequalError",
    "UnsupportedError",
]
