"""The public face is a handful of names, and none is paid for before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import onnxtwin

NAMES = ["Metric", "Report", "Twin", "__version__", "check_model", "errors", "export", "exports", "load"]


def test_the_names_are_these_and_all_can_be_had() -> None:
    assert sorted(onnxtwin.__all__) == NAMES
    assert all(getattr(onnxtwin, name) is not None for name in NAMES)
    assert dir(onnxtwin) == onnxtwin.__all__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = onnxtwin.absent  # type: ignore[attr-defined]


def test_every_error_raised_on_purpose_has_one_base() -> None:
    errors = [getattr(onnxtwin.errors, name) for name in onnxtwin.errors.__all__]
    assert all(issubclass(error, onnxtwin.errors.OnnxTwinError) for error in errors)
    assert issubclass(onnxtwin.errors.InputError, ValueError)


def test_the_version_is_the_installed_one() -> None:
    from importlib.metadata import version

    assert onnxtwin.__version__ == version("onnxtwin")


def test_importing_the_package_imports_no_library() -> None:
    code = "import onnxtwin, sys; print({'numpy', 'onnxruntime', 'pandas', 'sklearn'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
