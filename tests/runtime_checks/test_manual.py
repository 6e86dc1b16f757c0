"""What the manual of the check shows is what works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import onnxtwin
from onnxtwin.runtime_checks import Report

MANUAL = Path(__file__).parents[2] / "docs" / "check.md"


def snippet(heading: str) -> str:
    """The first Python of a section."""
    section = MANUAL.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert found is not None, heading
    return found[1]


class Recording:
    """A twin that keeps the reports of its checks."""

    def __init__(self, twin: onnxtwin.Twin) -> None:
        self._twin = twin
        self.reports: list[Report] = []

    def check(self, X: Any, **options: Any) -> Report:
        self.reports.append(self._twin.check(X, cases=False, **options))
        return self.reports[-1]


@pytest.fixture
def twin() -> tuple[Recording, pd.DataFrame, Any]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"price": rng.lognormal(3, 1, 200), "age": rng.normal(40, 9, 200)})
    y = (X["price"] + rng.normal(0, 5, 200) > 20).astype(int)
    return Recording(onnxtwin.export(LogisticRegression().fit(X, y), X)), X, y


def test_metrics_are_asked_for_as_shown(twin: Any) -> None:
    recording, X, y = twin
    exec(
        snippet("Metrics of the research notebook"), {"twin": recording, "X": X, "y": y, "onnxtwin": onnxtwin}
    )
    names = [[score.metric for score in report.metrics] for report in recording.reports]
    assert names[0] == ["accuracy", "log_loss"]
    assert [names[1][0], names[1][1], names[1][3]] == ["accuracy", "roc_auc", "profit"]
    assert names[2] == ["lost"]
    assert all(report.ok for report in recording.reports)


def test_tolerances_are_given_as_shown(twin: Any) -> None:
    recording, X, _ = twin
    exec(snippet("A tolerance of your own"), {"twin": recording, "X": X})
    outputs = [dict(report.tolerance.outputs) for report in recording.reports]
    assert [list(names) for names in outputs] == [["predict_proba"], ["predict"]]
    assert outputs[1]["predict"].exact
