"""Generated TypeScript clients, whose packages are installed once a machine and linked into each."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from artifacts import CACHE
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.typescript.project import VERSIONS

QUIET = ("--no-audit", "--no-fund", "--loglevel=error")


def run(*command, cwd, check=True):
    """What a command says on stdout; with ``check=False`` the finished process."""
    environ = {**os.environ, "ONNXRUNTIME_NODE_INSTALL": "skip"}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if not check:
        return done
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages(versions=None):
    """A folder ``node_modules`` with these packages, by default all that a generated client needs."""
    wanted = dict(versions or VERSIONS)
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
    target = CACHE / f"node-{digest}"
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".node-") as scratch:
            folder = Path(scratch) / "made"
            folder.mkdir()
            manifest = {"name": "packages", "private": True, "dependencies": wanted}
            (folder / "package.json").write_text(json.dumps(manifest))
            run("npm", "install", "--ignore-scripts", *QUIET, cwd=folder)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # not another process that was faster
                    raise
    return target / "node_modules"


def client(artifact, folder, *, built=True):
    """Generate a client with its packages in place, and compile it."""
    generate(artifact, "typescript", folder)
    (folder / "node_modules").symlink_to(packages(), target_is_directory=True)
    if built:
        run("npx", "--no-install", "tsc", cwd=folder)
    return folder


def node(folder, script):
    """Run a module in a client's folder: what it prints as JSON."""
    file = folder / "script.mjs"
    file.write_text(script, encoding="utf-8")
    return json.loads(run(shutil.which("node"), file.name, cwd=folder))
