"""``sklearn.preprocessing._label``: labels from their positions."""

from __future__ import annotations

from typing import Any

from sklearn.preprocessing import LabelEncoder

from onnxtwin.exporters.registry import exports


@exports(LabelEncoder, "inverse_transform")
def label_encoder_inverse_transform(self: Any, y: Any) -> Any:
    return self.classes_.take(y, axis=0)
