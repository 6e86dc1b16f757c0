"""The house stands as it was drawn: floors, sizes, and what an import may bring along.

Import floors themselves are linted by import-linter (`make imports`); this file holds what it cannot see.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("exporters", "build", "runtime_checks")
SOURCES = sorted(path for top in ("onnxtwin", *FLOORS) for path in (ROOT / top).rglob("*.py"))
LONGEST_FILE = 500
GENERATED = {"exporters/kernel_table.py"}

RESEARCH_STACK = ("pandas", "onnx", "spox", "sklearn", "scipy", "skl2onnx", "matplotlib", "typer", "rich")

# pandas stores text in pyarrow where it is there.
# pytest is there when it loads the plugin.
USED_ONLY_WHERE_INSTALLED = {"pyarrow", "pytest"}

BLOCK_RESEARCH_STACK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {RESEARCH_STACK!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed in a service", name=name)
sys.meta_path.insert(0, Absent())
"""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_modules(path: Path) -> Iterator[str]:
    """Every module that a file imports, at module level or inside of a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", [path for path in SOURCES if relative(path) not in GENERATED], ids=relative)
def test_a_source_file_needs_no_table_of_contents(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_no_floor_reaches_the_public_face() -> None:
    floors = tuple(f"onnxtwin.{floor}" for floor in FLOORS)
    reaches = [
        (relative(path), module)
        for path in SOURCES
        if path.parts[len(ROOT.parts)] in FLOORS
        for module in imported_modules(path)
        if module.startswith("onnxtwin.") and not module.startswith(floors)
    ]
    assert reaches == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_module_answers_to_its_import_name(path: Path) -> None:
    module = relative(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    name = module if module.startswith("onnxtwin") else f"onnxtwin.{module}"
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin) == path


def test_tests_mirror_the_source_folders() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder).is_dir()] == []


def test_every_runtime_dependency_is_justified_with_its_floor() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.match(r"([\w-]+)>=([\d.]+)", line).groups() for line in project["dependencies"]}  # type: ignore[union-attr]
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    justified = set(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", text, flags=re.MULTILINE))
    assert justified == declared
    assert [name for name, _ in declared if not re.search(rf"^\*\*.*\b{name}\b", text, re.MULTILINE)] == []


def test_every_imported_package_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        re.split("[>=!]", line)[0].replace("scikit-learn", "sklearn") for line in project["dependencies"]
    }
    imported = {module.partition(".")[0] for path in SOURCES for module in imported_modules(path)}
    assert imported - declared - USED_ONLY_WHERE_INSTALLED - sys.stdlib_module_names == {"onnxtwin"}


def test_importing_the_package_needs_neither_pandas_nor_onnx_nor_scikit_learn() -> None:
    program = BLOCK_RESEARCH_STACK + "import onnxtwin; print(onnxtwin.load.__module__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
