"""Is a twin's answer the pipeline's answer? Cases, comparison, verdict, localisation, reports."""

from onnxtwin.runtime_checks.cases import SAMPLE, families, family
from onnxtwin.runtime_checks.check import check
from onnxtwin.runtime_checks.foreign import check_model
from onnxtwin.runtime_checks.metrics import Metric
from onnxtwin.runtime_checks.report import Report
from onnxtwin.runtime_checks.runtimes import Runtime, select

__all__ = ["SAMPLE", "Metric", "Report", "Runtime", "check", "check_model", "families", "family", "select"]
