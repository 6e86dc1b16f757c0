"""Skips a test where a language's tools are missing, unless ``ONNXTWIN_REQUIRE`` names the language."""

import os

import pytest

from onnxtwin.runtime_checks.runtimes import REQUIRE


def demand(language: str, reason: str | None) -> None:
    """Go on if ``reason`` is None; else skip with it, or fail where the language is required."""
    if reason is None:
        return
    if language in os.environ.get(REQUIRE, "").split(","):
        pytest.fail(f"{REQUIRE} names {language}: {reason}")
    pytest.skip(f"{language}: {reason}")
