"""Runs a page of the manual: its shell blocks, one after the other, beside the repository's files."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(page, language):
    """The fenced blocks of exactly this language."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{re.escape(language)}\n(.*?)```", text, flags=re.DOTALL)


def run_blocks(page, folder, before=None):
    """Run every ``sh`` block of a page in a folder; what they print.

    ``before`` maps the number of a block to a function that is called first, in the folder.
    """
    for name in ("artifacts", "examples"):
        (folder / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "COLUMNS": "200", "ONNXRUNTIME_NODE_INSTALL": "skip"}
    at, said = folder, ""
    for number, block in enumerate(blocks(page, "sh")):
        if before and number in before:
            before[number](at)
        done = subprocess.run(
            ["bash", "-euc", f"{block}\npwd > {folder}/.at"],
            cwd=at,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        at, said = Path((folder / ".at").read_text().strip()), said + done.stdout
    return said
