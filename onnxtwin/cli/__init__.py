"""The command line: one module a command, each registered on :data:`app` when it is imported.

Exit codes: 0 equal, 1 unequal, 2 wrong usage, 3 could not run.
"""

from onnxtwin.cli import build, check, client, gate, playground, show, vectors
from onnxtwin.cli.common import app

__all__ = ["app", "build", "check", "client", "gate", "main", "playground", "show", "vectors"]


def main() -> None:
    """Run the command line; what ``onnxtwin`` on the shell calls."""
    app()
