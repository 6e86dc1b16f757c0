"""Copies of functions, classes and modules for a trace to run: the same code with global names of its own.

What a trace puts in the place of numpy, of pandas or of a leaf must be seen by the code that it runs and by
nobody else. Patching the modules of that code, even for threads that trace only, is seen by others: they
import the patched names, define classes on them, compute with a module's arrays, and what they write
meanwhile is lost when the patch is undone. So nothing is patched. A function is copied with a mapping of
globals that looks each name up in the real module, at the time of the call, and hands out a copy of what it
finds; a class is copied with its methods and its bases; what is written stays in the copies. Copies are
made when they are first asked for and die with the export; the user's modules are only read.
"""

from __future__ import annotations

import builtins
import copy
import enum
import functools
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from onnxtwin.exporters.places import within_engine
from onnxtwin.exporters.trace import current

LIBRARIES = frozenset({
    "numpy", "pandas", "scipy", "pyarrow", "narwhals", "joblib", "threadpoolctl",
    "onnx", "onnxruntime", "spox", "skl2onnx", "onnxtwin", "pytest", "_pytest",
})  # fmt: skip
"""Packages whose own code is never copied: their functions are leaves, handlers or refused."""

_HEAP_TYPE = 1 << 9
"""``Py_TPFLAGS_HEAPTYPE``: classes made by a Python ``class`` statement."""

_REAL = "__onnxtwin_real__"
_OWN = frozenset({
    "__dict__", "__weakref__", "__slots__", "__class__", "__init_subclass__", "__abstractmethods__",
    "_abc_impl",
})  # fmt: skip
"""Attributes that a copied class has of its own, or that are not to run again."""


def traced_code(thing: Any) -> bool:
    """Whether a class, a function or a namespace is Python code that a trace runs through."""
    name = thing.get("__name__") if isinstance(thing, dict) else getattr(thing, "__module__", None)
    root = name.split(".")[0] if isinstance(name, str) else ""
    return root not in LIBRARIES and root not in sys.stdlib_module_names or root == "__main__"


def copyable(kind: type) -> bool:
    """Whether a shallow copy of an instance is safe: a plain object of Python's own making.

    A copy of what frees something when it dies (a booster's handle) would free it twice.
    """
    plain = all(c in (object, dict, tuple) or c.__flags__ & _HEAP_TYPE for c in kind.__mro__)
    return plain and not hasattr(kind, "__del__") and not issubclass(kind, enum.Enum)


def real_class(kind: type) -> type:
    """The class of which ``kind`` is a copy; any other class as it is."""
    real: type = kind.__dict__.get(_REAL, kind)
    return real


class _Copied(type):
    """The class of copied classes: what is an instance of the original is one of the copy, too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        real = cls.__dict__.get(_REAL)
        if type.__instancecheck__(cls, instance) or real is None:
            return type.__instancecheck__(cls, instance)
        return isinstance(instance, real) or issubclass(real_class(type(instance)), real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        real = cls.__dict__.get(_REAL)
        if type.__subclasscheck__(cls, subclass) or real is None:
            return type.__subclasscheck__(cls, subclass)
        return issubclass(real_class(subclass), real)


class Globals(dict[str, Any]):
    """A module's global names in copied code: looked up in the module, written here."""

    __slots__ = ("real", "see")

    def __init__(self, real: dict[str, Any], see: Callable[[Any], Any], python: dict[str, Any]) -> None:
        # What Python reads past __missing__: the built-ins, and the names that imports and warnings ask for.
        own = ("__name__", "__package__", "__spec__", "__path__", "__file__", "__loader__")
        super().__init__({name: real[name] for name in own if name in real}, __builtins__=python)
        self.real = real
        self.see = see

    def __missing__(self, name: str) -> Any:
        value = self.real[name]
        return value if current() is None else self.see(value)

    def __iter__(self) -> Any:
        return iter(dict.fromkeys([*self.real, *dict.keys(self)]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    __contains__ = Mapping.__contains__
    get = Mapping.get  # type: ignore[assignment] # as that of any mapping: it asks __missing__
    keys = Mapping.keys  # type: ignore[assignment] # views as those of any mapping
    values = Mapping.values  # type: ignore[assignment]
    items = Mapping.items  # type: ignore[assignment]


class Module(types.ModuleType):
    """A module of traced code: copies of what it holds, in threads that trace."""

    def __init__(self, real: types.ModuleType, see: Callable[[Any], Any]) -> None:
        super().__init__(real.__name__)
        self.__dict__["_real"] = real
        self.__dict__["_see"] = see
        for name in ("__file__", "__path__", "__version__"):
            if name in real.__dict__:
                self.__dict__[name] = real.__dict__[name]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        return value if current() is None else self._see(value)

    def __dir__(self) -> list[str]:
        return dir(self._real)


class Code:
    """Makes the copies of one export.

    Parameters
    ----------
    see : what copied code sees of any object; it asks this for functions, classes and modules.
    owners : classes of libraries that are copied nevertheless, because exporters stand for their methods.
    """

    def __init__(self, see: Callable[[Any], Any], owners: set[type]) -> None:
        self._see = see
        self._owners = owners
        self._copies: dict[int, tuple[Any, Any]] = {}
        self._metas: dict[type, type] = {type: _Copied}
        self.python: dict[str, Any] = {**vars(builtins), "__import__": self._import}
        self.finish_class: Callable[[type, type], None] = lambda real, made: None

    def _kept(self, real: Any, made: Any) -> Any:
        # Keeping an object keeps its id; a copy is its own copy.
        self._copies[id(real)] = (real, made)
        self._copies[id(made)] = (made, made)
        return made

    def __call__(self, thing: Any) -> Any:
        """A function, method, class or module as copied code sees it; anything else as it is."""
        known = self._copies.get(id(thing))
        if known is not None:
            return known[1]
        kind = type(thing)
        if kind is types.FunctionType:
            return self._function(thing)
        if issubclass(kind, type):
            return self._class(thing)
        if issubclass(kind, types.ModuleType):
            return self._kept(thing, Module(thing, self._see)) if traced_code(thing.__dict__) else thing
        if kind is types.MethodType:
            return types.MethodType(self._see(thing.__func__), self._see(thing.__self__))
        if kind is functools.partial:
            keywords = {name: self._see(value) for name, value in thing.keywords.items()}
            return functools.partial(self._see(thing.func), *map(self._see, thing.args), **keywords)
        if kind is functools._lru_cache_wrapper and isinstance(thing.__wrapped__, types.FunctionType):
            made = self._see(thing.__wrapped__)
            if made is not thing.__wrapped__:
                return self._kept(thing, functools.lru_cache(**thing.cache_parameters())(made))
        return thing

    # ---- functions ---------------------------------------------------------------------------

    def _namespace(self, real: dict[str, Any]) -> dict[str, Any]:
        """The globals of copied code for the real ones; those of a library stay."""
        if not traced_code(real):
            return real
        known = self._copies.get(id(real))
        made: dict[str, Any] = known[1] if known else self._kept(real, Globals(real, self._see, self.python))
        return made

    def _function(self, real: types.FunctionType) -> Any:
        namespace = self._namespace(real.__globals__)
        library = str(real.__globals__.get("__name__")).split(".")[0] in LIBRARIES
        if (
            isinstance(real.__globals__, Globals)
            or namespace is real.__globals__
            and (library or not real.__closure__)
        ):
            return real
        cells = tuple(types.CellType() for _ in real.__closure__ or ())
        made = types.FunctionType(real.__code__, namespace, real.__name__, None, cells)
        self._kept(real, made)
        for cell, held in zip(cells, real.__closure__ or (), strict=True):
            try:
                cell.cell_contents = self._see(held.cell_contents)
            except ValueError:  # nothing was written into the cell yet
                continue
        made.__defaults__ = self._see(real.__defaults__)
        made.__kwdefaults__ = self._see(real.__kwdefaults__)
        made.__dict__.update({name: self._see(value) for name, value in list(real.__dict__.items())})
        made.__qualname__, made.__module__, made.__doc__ = real.__qualname__, real.__module__, real.__doc__
        return made

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        known = globals.real if isinstance(globals, Globals) else globals
        module = builtins.__import__(name, known, None, fromlist, level)
        return module if current() is None else self._see(module)

    # ---- classes -----------------------------------------------------------------------------

    def _class(self, real: type) -> Any:
        ours = any(traced_code(c) or c in self._owners for c in real.__mro__ if c is not object)
        if not ours or not copyable(real) or _REAL in real.__dict__:
            return self._kept(real, real)
        bases = tuple(self._see(base) for base in real.__bases__)

        def told(instance: Any) -> type:
            # To traced code its own copy; the engine, and real classes by Python's abc, mean the original.
            asks = sys._getframe(1).f_globals.get("__name__")
            return real if current() is None or asks == "abc" or within_engine() else made

        def tell(instance: Any, kind: type) -> None:
            object.__dict__["__class__"].__set__(instance, self._see(kind))

        body: dict[str, Any] = {"__class__": property(told, tell), _REAL: real}
        body |= {
            name: real.__dict__[name] for name in ("__slots__", "__orig_bases__") if name in real.__dict__
        }
        try:
            # No __new__ of a metaclass runs: what it made of the original is copied.
            made: Any = type.__new__(self._meta(type(real)), real.__name__, bases, body)
        except TypeError:  # a layout that cannot be had twice
            return self._kept(real, real)
        self._kept(real, made)
        for name, value in list(real.__dict__.items()):
            own = isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType))
            if name not in _OWN and not own:
                type.__setattr__(made, name, self._attribute(value))
        self.finish_class(real, made)
        return made

    def _meta(self, kind: type) -> type:
        if kind not in self._metas:
            self._metas[kind] = type(kind.__name__, (*map(self._meta, kind.__bases__), kind), {})
        return self._metas[kind]

    def _attribute(self, value: Any) -> Any:
        """An attribute in a class's body: descriptors with their functions copied."""
        if isinstance(value, (staticmethod, classmethod)):
            return type(value)(self._attribute(value.__func__))
        if type(value) is property:
            get, put, remove = (self._see(f) for f in (value.fget, value.fset, value.fdel))
            return property(get, put, remove, value.__doc__)
        if isinstance(value, (functools.cached_property, functools.partialmethod)):
            made = copy.copy(value)
            made.__dict__.update({name: self._see(held) for name, held in vars(value).items()})
            return made
        return self._see(value)
