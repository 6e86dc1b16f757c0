"""The leaves of scikit-learn; each module bears the name of the scikit-learn module it serves."""

from onnxtwin.exporters.sklearn import parallel, validation

__all__ = ["parallel", "validation"]
