"""Pages in a real browser: what Chromium draws of a file, and what it complains of."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from onnxtwin.runtime_checks.browser.runner import chromium

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
DARK = "--blink-settings=preferredColorScheme=0"

needs_chromium = pytest.mark.skipif(
    chromium() is None and "browser" not in os.environ.get("ONNXTWIN_REQUIRE", ""),
    reason="no Chromium here to open the page in (ONNXTWIN_REQUIRE=browser demands one)",
)


@dataclass(frozen=True)
class Opened:
    """A page that was opened: its text as drawn, pixels ``[height, width, 3]`` uint8, the console's lines."""

    dom: str
    pixels: NDArray[np.uint8]
    console: list[str]


def open_page(
    page: str, width: int = 1200, height: int = 2400, colours: Literal["light", "dark"] = "light"
) -> Opened:
    """Open HTML as a file, without network, in a fresh profile."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        shot = Path(folder) / "shot.png"
        look = [f"--window-size={width},{height}", *([DARK] if colours == "dark" else [])]
        drawn = _run(folder, *look, f"--screenshot={shot}", file.as_uri())
        dumped = _run(folder, *look, "--dump-dom", file.as_uri())
        pixels = np.asarray(Image.open(shot).convert("RGB"))
    console = [line for line in drawn.stderr.splitlines() if re.search(r":CONSOLE[:(]", line)]
    return Opened(dumped.stdout, pixels, console)


def _run(folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    profile = Path(folder) / f"profile{len(arguments)}"
    command = [str(chromium()), *FLAGS, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
