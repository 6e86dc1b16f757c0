"""Code is traced wherever it stands: the buffers that it makes know computed columns only in a trace."""

from __future__ import annotations

import abc
import collections
import collections.abc
import dataclasses
import enum
import functools
import sys
import types
from collections.abc import Callable
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import pytest
from parity import assert_twin_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters.export import export_graph

T = TypeVar("T")
ROWS = np.random.default_rng(0).normal(size=(40, 3))
SHIFT = np.array([1.0, 2.0, 3.0])


def doubled(X: Any) -> Any:
    """It fails on traced values unless its ``np`` is the trace's: a real buffer takes no computed column."""
    out = np.zeros(X.shape)
    out[:, :] = X * 2
    return out


class Doubles(TransformerMixin, BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Any:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return doubled(X)

    def _named(self, X: Any) -> Any:
        return doubled(X)


class ByZeroArguments(Doubles):
    def transform(self, X: Any) -> Any:
        return super().transform(X) + SHIFT


class ByItsName(ByZeroArguments):
    def transform(self, X: Any) -> Any:
        return super(ByItsName, self).transform(X) + 1  # noqa: UP008 - the older spelling is what is tested


class ByTheClass(Doubles):
    def transform(self, X: Any) -> Any:
        return Doubles.transform(self, X)


class ByItsOwnClass(Doubles):
    @classmethod
    def _of_class(cls, X: Any) -> Any:
        return doubled(X) if cls is ByItsOwnClass else X

    @staticmethod
    def _static(X: Any) -> Any:
        return doubled(X)

    @property
    def _held(self) -> Callable[[Any], Any]:
        return doubled

    @functools.cached_property
    def _cached(self) -> Callable[[Any], Any]:
        return self._named

    _partial = functools.partialmethod(Doubles._named)

    def transform(self, X: Any) -> Any:
        found = self._of_class(X) + self.__class__._static(X) + type(self)._static(X) + self._held(X)
        return found + self._cached(X) + self._partial(X)


class Registers(Doubles):
    kinds: ClassVar[list[type]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        Registers.kinds.append(cls)
        super().__init_subclass__(**kwargs)


class Registered(Registers):
    pass


class Abstract(Doubles, abc.ABC):
    @abc.abstractmethod
    def transform(self, X: Any) -> Any: ...


class Concrete(Abstract):
    def transform(self, X: Any) -> Any:
        return doubled(X) if isinstance(self, Abstract) and issubclass(type(self), Concrete) else X


class Meta(type):
    made: ClassVar[list[str]] = []

    def __new__(mcs, name: str, bases: Any, body: Any) -> Any:
        Meta.made.append(name)
        return super().__new__(mcs, name, bases, body)


class OfAMetaclass(Doubles, metaclass=Meta):
    pass


class Kept(Generic[T]):
    def __init__(self, function: T) -> None:
        self.function = function


class HoldsAGeneric(Doubles):
    def transform(self, X: Any) -> Any:
        return Kept(doubled).function(X)


ESTIMATORS = [
    Doubles, ByZeroArguments, ByItsName, ByTheClass, ByItsOwnClass, Registered, Concrete, OfAMetaclass,
    HoldsAGeneric,
]  # fmt: skip


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_methods_are_traced_however_they_are_reached(kind: Any) -> None:
    assert_twin_equal(kind().fit(ROWS), ROWS)


def test_no_class_is_registered_a_second_time() -> None:
    kinds, made = list(Registers.kinds), list(Meta.made)
    known = Doubles.__subclasses__(), BaseEstimator.__subclasses__()
    for kind in ESTIMATORS:
        export_graph(kind().fit(ROWS), ROWS)
    assert (Registers.kinds, Meta.made) == (kinds, made)
    assert known == (Doubles.__subclasses__(), BaseEstimator.__subclasses__())


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    factor: float

    def apply(self, X: Any) -> Any:
        return doubled(X) * self.factor


class Named(NamedTuple):
    factor: float

    def apply(self, X: Any) -> Any:
        return doubled(X) * self.factor


class Called:
    def __call__(self, X: Any) -> Any:
        return doubled(X)


class Kind(enum.Enum):
    DOUBLE = "double"
    LEAVE = "leave"


def decorated(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(function)
    def run(X: Any) -> Any:
        return function(X) + 1

    return run


@decorated
def wrapped(X: Any) -> Any:
    return doubled(X)


@functools.lru_cache
def made_once(factor: float) -> Callable[[Any], Any]:
    return lambda X: doubled(X) * factor


@functools.singledispatch
def told_by_type(X: Any) -> Any:
    return X


@told_by_type.register
def _(X: np.ndarray) -> Any:
    return doubled(X)


def with_default(X: Any, *, zeros: Any = np.zeros, also: Any = doubled) -> Any:
    out = zeros(X.shape)
    out[:, :] = also(X)
    return out


SLOTTED, NAMED, CALLED = Slotted(3.0), Named(3.0), Called()
TABLE = {"double": doubled, "other": [doubled]}
ORDERED = collections.OrderedDict(double=doubled)
OTHER = types.ModuleType("a_module_of_helpers")
OTHER.__dict__.update(np=np, helpers=(doubled,))
exec("def halved(X):\n    out = np.zeros(X.shape)\n    out[:, :] = X / 2\n    return out", OTHER.__dict__)
PART = functools.partial(with_default, also=doubled)


def imports_inside(X: Any) -> Any:
    import numpy as np
    from numpy import zeros

    out = zeros(X.shape)
    out[:, :] = X + np.ones(X.shape)
    return out


def defines_inside(X: Any) -> Any:
    class Inner(Doubles):
        def transform(self, X: Any) -> Any:
            return super().transform(X) - 1

    return Inner().transform(X)


def reads_its_globals(X: Any) -> Any:
    return globals()["doubled"](X) if "SHIFT" in globals() and len(globals()) > 10 else X


def asks_for_an_enum(X: Any) -> Any:
    return doubled(X) if Kind("double") is Kind.DOUBLE else X


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "of a slotted object": lambda X: SLOTTED.apply(X),
    "of a named tuple": lambda X: NAMED.apply(X),
    "of a callable object": lambda X: CALLED(X),
    "a bound method": Slotted(2.0).apply,
    "in a dict": lambda X: TABLE["double"](X) + TABLE["other"][0](X),  # type: ignore[operator, index] # mixed
    "in an ordered dict": lambda X: ORDERED["double"](X),
    "in another module": lambda X: OTHER.halved(X) + OTHER.helpers[0](X),
    "decorated": wrapped,
    "made by a cached function": lambda X: made_once(2.0)(X),
    "a partial": PART,
    "a default": with_default,
    "told by type": lambda X: told_by_type(X),
    "imports inside": imports_inside,
    "defines a class inside": defines_inside,
    "reads its globals": reads_its_globals,
    "asks for an enum": asks_for_an_enum,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_traced_wherever_they_stand(name: str) -> None:
    assert_twin_equal(FunctionTransformer(FUNCTIONS[name]).fit(ROWS), ROWS)


def test_a_function_told_by_type_keeps_nothing_of_a_trace() -> None:
    held = functools.singledispatch(lambda X: X)
    held.register(np.ndarray, doubled)
    export_graph(FunctionTransformer(lambda X: held(X)).fit(ROWS), ROWS)
    assert held.dispatch(np.ndarray) is doubled
    assert type(held(ROWS)) is np.ndarray


class Hostile:
    """An object whose attributes raise, or are of odd types."""

    __module__ = property(lambda self: 1 / 0)  # type: ignore[assignment] # as modules of some libraries have it

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class OddModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


ODD = Hostile()
ODD_CLASS = type("Odd", (), {"__module__": property(lambda self: "x")})


def beside_odd_objects(X: Any) -> Any:
    return doubled(X) if ODD is not None and ODD_CLASS is not None else X


def test_objects_whose_attributes_raise_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = OddModule("an_odd_module")
    odd.__name__ = property(lambda self: "x")  # type: ignore[assignment] # what statsmodels leaves in sys.modules
    monkeypatch.setitem(sys.modules, "an_odd_module", odd)
    assert_twin_equal(FunctionTransformer(beside_odd_objects).fit(ROWS), ROWS)


def test_a_pipeline_beside_statsmodels_exports() -> None:
    statsmodels = pytest.importorskip("statsmodels.api")
    assert statsmodels is not None
    space: dict[str, Any] = {"__name__": "recipe_with_statsmodels"}
    exec(
        "import numpy as np\nimport statsmodels.api as sm\nimport statsmodels\n"
        "def shifted(X):\n    out = np.zeros(X.shape)\n    out[:, :] = X if sm else 0\n    return out",
        space,
    )
    assert_twin_equal(FunctionTransformer(space["shifted"]).fit(ROWS), ROWS)


def added(X: Any) -> Any:
    out = np.ones(X.shape)
    out[:, 0] += X[:, 1]
    return out + X


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Holder:
    steps: Any


IN_CONTAINERS: dict[str, Any] = {
    "list": [doubled, added],
    "tuple": (doubled, added),
    "dict": {"a": doubled, "b": added},
    "partial": [functools.partial(doubled), functools.partial(lambda f, X: f(X), added)],
    "nested": {"steps": [(doubled, {"then": (added,)})]},
    "named tuple": Pair(doubled, added),
    "ordered dict": collections.OrderedDict(a=doubled, b=added),
    "default dict": collections.defaultdict(list, a=doubled),
    "deque": collections.deque([doubled, added]),
    "frozen set": frozenset([doubled]),
    "dataclass": Holder([doubled, added]),
    "namespace": types.SimpleNamespace(a=doubled, b=[added]),
    "read-only dict": types.MappingProxyType({"a": doubled, "b": added}),
    "user dict": collections.UserDict(a=doubled, b=added),
    "user list": collections.UserList([doubled, added]),
    "chain of dicts": collections.ChainMap({"a": doubled}, {"b": added}),
}


def functions_in(held: Any) -> Any:
    if callable(held):
        yield held
    elif isinstance(held, collections.abc.Mapping):
        for value in held.values():
            yield from functions_in(value)
    elif isinstance(held, (Holder, types.SimpleNamespace)):
        yield from functions_in(vars(held))
    else:
        for value in held:
            yield from functions_in(value)


@pytest.mark.parametrize("name", IN_CONTAINERS)
def test_functions_held_in_a_modules_containers_are_traced(name: str) -> None:
    def through(X: Any) -> Any:
        for function in functions_in(IN_CONTAINERS[name]):
            X = function(X)
        return X

    assert_twin_equal(FunctionTransformer(through).fit(ROWS), ROWS)


def test_a_container_that_is_copied_stays_as_it_is() -> None:
    held = types.SimpleNamespace(functions=[doubled])

    def through(X: Any) -> Any:
        return held.functions[0](X)

    export_graph(FunctionTransformer(through).fit(ROWS), ROWS)
    assert held.functions == [doubled]


@pytest.mark.parametrize("library", ["category_encoders", "feature_engine", "statsmodels", "statsmodels.api"])
def test_a_module_that_imports_other_libraries_exports(library: str) -> None:
    pytest.importorskip(library)
    space: dict[str, Any] = {"__name__": "recipe_with_imports", "doubled": doubled}
    exec(f"import {library} as other\ndef shifted(X):\n    return doubled(X) if other else X", space)
    assert_twin_equal(FunctionTransformer(space["shifted"]).fit(ROWS), ROWS)
