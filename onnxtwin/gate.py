"""Carries out what a plan says about one artifact: replays its recorded rows, compares it with its recipe.

The command line and the pytest plugin only choose plans and tell what came out.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from onnxtwin.build.artifact import MODEL, Artifact, read
from onnxtwin.build.recipe import Material, importable, named_function, run_recipe
from onnxtwin.build.tables import open_rows
from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import Column, Signature, Tensor
from onnxtwin.runtime_checks import Report, Runtime, check
from onnxtwin.runtime_checks.recorded import check_recorded
from onnxtwin.runtime_checks.streams import InMemory, Stream
from onnxtwin.settings import Plan
from onnxtwin.watch import Watch

TIMED_CALLS = 200
"""Calls with one row, of which a report says the median time."""


class Gate:
    """One artifact and its plan; recipe and artifact are read once, when first needed.

    Raises
    ------
    ArtifactError
        From any method, if the artifact is truncated, altered or of a newer format.
    RecipeError
        If the recipe cannot be run.
    InputError
        If a data file cannot be read.
    CheckError
        If the check cannot be carried out.
    """

    def __init__(self, plan: Plan, watch: Watch | None = None) -> None:
        self.plan = plan
        self._watch = watch or Watch()

    @cached_property
    def artifact(self) -> Artifact:
        """The artifact, its files verified."""
        return read(self.plan.artifact)

    @cached_property
    def material(self) -> Material:
        """What the recipe returned."""
        if self.plan.recipe is None:
            raise CheckError(f"{self.plan.artifact}: no recipe is named to compare with")
        with self._watch.doing(f"running {self.plan.recipe}"):
            return run_recipe(self.plan.recipe)

    def replay(self, runtime: Runtime) -> Report:
        """The report on the recorded rows, answered by a runtime."""
        with self._watch.doing(f"replaying recorded rows in {runtime.name}"):
            session = self._open(runtime)
            try:
                report = check_recorded(
                    session, self.artifact.vectors, runtime.describe(), **self._tolerance()
                )
                report.latency_us = self._latency(session)
            finally:
                session.close()
        return report

    def compare(self, runtime: Runtime) -> Report:
        """The report on the plan's rows and on hostile ones: the recipe's pipeline against a runtime."""
        plan, material = self.plan, self.material
        assert plan.recipe is not None
        with importable(plan.recipe):
            rows = rows_of(plan, material, self.artifact.signature)
            wanted = metrics_of(plan)
            session = self._open(runtime)
            try:
                with self._watch.rows() as advance:
                    report = check(
                        session,
                        material.pipeline,
                        rows,
                        signature=self.artifact.signature,
                        metrics=wanted,
                        cases=plan.cases,
                        seed=plan.seed,
                        thorough=plan.thorough,
                        progress=advance,
                        model=self.artifact.path / MODEL,
                        runtime=runtime.describe(),
                        **self._tolerance(),
                    )
                report.latency_us = self._latency(session)
            finally:
                session.close()
        return report

    def _open(self, runtime: Runtime) -> Any:
        return runtime.open(self.artifact.path / MODEL, self.artifact.signature)

    def _tolerance(self) -> dict[str, Any]:
        return {"rtol": self.plan.rtol, "atol": self.plan.atol, "tolerances": self.plan.tolerances}

    def _latency(self, session: Any) -> float | None:
        """Microseconds of a call with the first recorded row, where there is one."""
        if not len(self.artifact.vectors):
            return None
        feeds = {name: tensor[:1] for name, tensor in self.artifact.vectors.inputs.items()}
        return float(session.latency(feeds, TIMED_CALLS))


def rows_of(plan: Plan, material: Material, signature: Signature) -> Stream:
    """The rows that a plan names, with their targets; those of the recipe where it names none."""
    if not plan.data:
        return InMemory(material.X, material.y)
    target = None if plan.target is None else target_column(material.pipeline, plan.target)
    return open_rows(plan.data, signature, target)


def metrics_of(plan: Plan) -> list[Any] | None:
    """The metrics that a plan names: names as they are, functions of the user's as functions."""
    if not plan.metrics:
        return None
    return [named_function(metric) if ":" in metric else metric for metric in plan.metrics]


def target_column(pipeline: Any, name: str) -> Column:
    """The column of the targets, of the type of the pipeline's classes; of a regressor, float64.

    Raises
    ------
    CheckError
        If the pipeline predicts several targets, which no one column holds.
    """
    classes = getattr(pipeline, "classes_", None)
    if isinstance(classes, list):
        raise CheckError("the pipeline predicts several targets, and a target column holds one")
    kind = "f" if classes is None else classes.dtype.kind
    known: dict[str, tuple[str, Tensor]] = {
        "b": ("bool", "bool"),
        "i": ("int64", "int64"),
        "u": ("int64", "int64"),
        "f": ("float64", "float64"),
    }
    return Column(name, name, *known.get(kind, ("str", "string")))
