"""Recipes: a function in the user's code that returns a fitted pipeline and raw rows.

A recipe is code and runs as code, with all that its author may do. An artifact is data and never runs
any: whoever cannot trust a recipe can still load what was built of it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from onnxtwin.exporters.errors import RecipeError

FORM = "path.py:function or package.module:function"


@dataclass(frozen=True)
class Material:
    """What a recipe returned.

    Attributes
    ----------
    pipeline : the fitted estimator.
    X : raw rows, as the pipeline takes them.
    y : targets ``[N]`` or ``[N, k]``, None if the recipe returned none.
    """

    pipeline: Any
    X: Any
    y: Any = None


def run_recipe(recipe: str) -> Material:
    """Run a recipe.

    Parameters
    ----------
    recipe : ``path.py:function`` or ``package.module:function``. The file's folder (for a module, the
        working directory) is importable while it runs.

    Raises
    ------
    RecipeError
        If it cannot be found, raises, or does not return ``(fitted_pipeline, X)`` or
        ``(fitted_pipeline, X, y)``. What the recipe raised is the cause.
    """
    function = named_function(recipe)
    with importable(recipe), _Blame(f"recipe {recipe} raised"):
        returned = function()
    return _material(recipe, returned)


def named_function(recipe: str) -> Callable[..., Any]:
    """The function that a user's text names, such as a recipe or a metric; its module is imported.

    Raises
    ------
    RecipeError
        If it cannot be found, or its module raises.
    """
    where, _, name = recipe.rpartition(":")
    if not where or not name.isidentifier():
        raise RecipeError(f"{recipe!r} names no recipe: say {FORM}")
    with importable(recipe):
        function: Callable[..., Any] = _function(recipe, where, name)
    return function


@contextlib.contextmanager
def importable(recipe: str) -> Iterator[None]:
    """Have the modules beside a recipe importable: code of its pipeline may import when it is called."""
    where = recipe.rpartition(":")[0]
    folder = str(Path(where).resolve().parent if where.endswith(".py") else Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _function(recipe: str, where: str, name: str) -> Any:
    module = _file_module(recipe, Path(where)) if where.endswith(".py") else _named_module(recipe, where)
    function = getattr(module, name, None)
    if function is None:
        found = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        own = [key for key in found if getattr(vars(module)[key], "__module__", None) == module.__name__]
        raise RecipeError(
            f"recipe {recipe}: {where} has no {name!r}; it defines {', '.join(own) or 'no function'}"
        )
    if not callable(function):
        raise RecipeError(f"recipe {recipe}: {name!r} is a {type(function).__name__}, not a function")
    return function


def _file_module(recipe: str, file: Path) -> ModuleType:
    if not file.is_file():
        raise RecipeError(f"recipe {recipe}: there is no file {file}")
    file = file.resolve()
    name = _free_name(file)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise RecipeError(f"recipe {recipe}: {file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # Known by its name before it runs, as any import: dataclasses and pickles look it up there.
    sys.modules[name] = module
    done = False
    try:
        with _Blame(f"recipe {recipe}: importing {file.name} failed"):
            spec.loader.exec_module(module)
        done = True
    finally:
        if not done:
            del sys.modules[name]
    return module


def _free_name(file: Path) -> str:
    """The file's own name, unless another module bears it."""
    name, number = file.stem, 1
    while (held := sys.modules.get(name)) is not None and getattr(held, "__file__", None) != str(file):
        number += 1
        name = f"{file.stem}_{number}"
    return name


def _named_module(recipe: str, name: str) -> ModuleType:
    with _Blame(f"recipe {recipe}: importing {name} failed"):
        return importlib.import_module(name)


def _material(recipe: str, returned: Any) -> Material:
    wanted = "(fitted_pipeline, X) or (fitted_pipeline, X, y)"
    if not isinstance(returned, tuple) or len(returned) not in (2, 3):
        found = (
            f"a tuple of {len(returned)}" if isinstance(returned, tuple) else f"a {type(returned).__name__}"
        )
        raise RecipeError(f"recipe {recipe} returned {found}; return {wanted}")
    material = Material(*returned)
    _demand_fitted(recipe, material.pipeline)
    if not hasattr(material.X, "__len__"):
        raise RecipeError(
            f"recipe {recipe} returned a {type(material.X).__name__} as X; "
            "return raw rows as the pipeline takes them"
        )
    if material.y is not None and (not hasattr(material.y, "__len__") or len(material.y) != len(material.X)):
        length = f"{len(material.y)} targets" if hasattr(material.y, "__len__") else f"{material.y!r} as y"
        raise RecipeError(
            f"recipe {recipe} returned {len(material.X)} rows and {length}; return one target a row"
        )
    return material


def _demand_fitted(recipe: str, pipeline: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(pipeline)
    except NotFittedError as error:
        raise RecipeError(
            f"recipe {recipe} returned a pipeline that is not fitted; call fit in it"
        ) from error
    except TypeError as error:
        raise RecipeError(
            f"recipe {recipe} returned {type(pipeline).__name__} as the pipeline: {error}; return a fitted "
            "scikit-learn estimator"
        ) from error


class _Blame:
    """Turns whatever the user's code raises, ``sys.exit`` included, into a RecipeError caused by it."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (Exception, SystemExit)):
            raise RecipeError(f"{self._what}: {type(error).__name__}: {error}") from error
