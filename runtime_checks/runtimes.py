"""Which runtimes can answer here, and what happens when one that is asked for cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnxtwin.exporters.errors import CheckError
from onnxtwin.exporters.signature import Signature
from onnxtwin.runtime_checks import browser, csharp, java, node
from onnxtwin.runtime_checks.python import Runner, description

REQUIRE = "ONNXTWIN_REQUIRE"
"""Environment variable: names, separated by commas, of runtimes whose absence is an error."""

DEFAULT = "python"


@dataclass(frozen=True)
class Runtime:
    """One place where a graph can be run.

    Attributes
    ----------
    name : as users write it.
    absent : says why the runtime cannot run here, or None if it can.
    open : ``(model, signature) -> answers``, a :class:`~onnxtwin.build.session.Session` to be closed, which
        also has ``latency(feeds)`` and, where it is another process, ``versions``.
    describe : the name that users write, a comma, and the binding's name, for the report.
    """

    name: str
    absent: Callable[[], str | None]
    open: Callable[[bytes | str | Path, Signature], Any]
    describe: Callable[[], str]


_RUNTIMES: dict[str, Runtime] = {}


def register(runtime: Runtime) -> Runtime:
    """Make a runtime known under its name."""
    _RUNTIMES[runtime.name] = runtime
    return runtime


PYTHON = register(Runtime("python", lambda: None, Runner, description))
JAVA = register(Runtime("java", java.absent, java.open_session, lambda: "java, com.microsoft.onnxruntime"))
CSHARP = register(
    Runtime("csharp", csharp.absent, csharp.open_session, lambda: ".NET, Microsoft.ML.OnnxRuntime")
)
NODE = register(Runtime("node", node.absent, node.open_session, lambda: "node, onnxruntime-node"))
BROWSER = register(
    Runtime("browser", browser.absent, browser.open_session, lambda: "browser, onnxruntime-web")
)


def select(
    names: Sequence[str] = (DEFAULT,), environ: Mapping[str, str] = os.environ
) -> tuple[list[Runtime], dict[str, str]]:
    """The runtimes that can run here, and for each that cannot, the reason.

    Parameters
    ----------
    names : runtimes asked for; each once, in order.
    environ : where ``ONNXTWIN_REQUIRE`` is looked up; what it names must be able to run here.

    Raises
    ------
    CheckError : a name is unknown, ``ONNXTWIN_REQUIRE`` names a runtime that cannot run here, or
        nothing is left to run on.
    """
    required = [name.strip() for name in environ.get(REQUIRE, "").split(",") if name.strip()]
    asked = list(dict.fromkeys([*names, *required]))
    unknown = [name for name in asked if name not in _RUNTIMES]
    if unknown:
        where = f" (named by {REQUIRE})" if set(unknown) <= set(required) else ""
        raise CheckError(
            f"unknown runtime {', '.join(map(repr, unknown))}{where}; known are {', '.join(_RUNTIMES)}"
        )
    ready: list[Runtime] = []
    skipped: dict[str, str] = {}
    for runtime in (_RUNTIMES[name] for name in asked):
        reason = runtime.absent()
        if reason is None:
            if runtime.name in names:
                ready.append(runtime)
        elif runtime.name in required:
            raise CheckError(f"{REQUIRE} names {runtime.name}, which cannot run here: {reason}")
        else:
            skipped[runtime.name] = reason
    if not ready:
        raise CheckError(
            "no runtime to check: " + "; ".join(f"{name} {reason}" for name, reason in skipped.items())
        )
    return ready, skipped
