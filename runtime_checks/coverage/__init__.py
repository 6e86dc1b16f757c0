"""Coverage of a graph: which of its tree branches, categories, bins and conditions the rows exercised."""

from onnxtwin.runtime_checks.coverage.summary import Coverage, Covered

__all__ = ["Coverage", "Covered"]
