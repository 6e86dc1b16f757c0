"""Runners in other languages, built once from the sources in this package into the user's cache.

The cache folder's name holds a hash of the sources, so that another version of them is built anew and a
second check starts at once. Two processes that build at the same time both succeed: each builds in a folder
of its own, and the first to be done gives it its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onnxtwin.exporters.errors import CheckError

CACHE = "ONNXTWIN_CACHE"
"""Environment variable: where built runners are kept; by default ``onnxtwin`` in the user's cache folder."""

LAST_WORDS = 4000
"""Characters of a failed build's output that an error shows."""


def missing_tools(*names: str) -> str | None:
    """What of these programs is not on the PATH, as a reason for a skip; None if nothing."""
    lacking = [name for name in names if shutil.which(name) is None]
    return f"no {' and no '.join(lacking)} on the PATH" if lacking else None


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that built runners are kept in."""
    if environ.get(CACHE):
        return Path(environ[CACHE])
    base = environ.get("XDG_CACHE_HOME") or environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "onnxtwin"


def built(name: str, sources: Path, build: Callable[[Path], None], *, key: str = "") -> Path:
    """The folder of a built runner: a copy of the sources in which ``build`` has been called once.

    Parameters
    ----------
    name : of the runner.
    sources : its folder in this package; Python files and bytecode are left out.
    build : called with the copy's path; what it leaves there is kept.
    key : what else the result depends on, such as the version of a compiler.

    Raises
    ------
    CheckError : the build fails, or the cache cannot be written.
    """
    files = sorted(
        file
        for file in sources.rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc") and "__pycache__" not in file.parts
    )
    digest = hashlib.sha256(key.encode())
    for file in files:
        digest.update(f"\0{file.relative_to(sources).as_posix()}\0".encode() + file.read_bytes())
    target = cache_folder() / "runners" / f"{name}-{digest.hexdigest()[:16]}"
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}-") as scratch:
            copy = Path(scratch) / name
            for file in files:
                place = copy / file.relative_to(sources)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
            build(copy)
            try:
                copy.rename(target)
            except OSError:
                if not target.is_dir():  # not another process that was faster
                    raise
    except OSError as error:
        raise CheckError(f"the {name} runner cannot be built in {target.parent}: {error}") from error
    return target


def run_tool(argv: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a build tool in a folder and give its output.

    Raises
    ------
    CheckError : it ends with another exit code than 0; the end of its output is shown.
    """
    done = subprocess.run(
        [shutil.which(argv[0]) or argv[0], *argv[1:]],
        cwd=folder,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise CheckError(
            f"{' '.join(argv)} ended with exit code {done.returncode}:\n{done.stdout.strip()[-LAST_WORDS:]}"
        )
    return done.stdout
