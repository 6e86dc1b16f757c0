"""What a traced array answers to the questions that Python itself asks of an object.

An answer is that of the real array or scalar; what would need the values of the rows is refused by name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.lib.mixins import NDArrayOperatorsMixin

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.places import asked_by, asks_for_a_log, within_engine
from onnxtwin.exporters.trace import current, require_trace

_COMPILED = "compiled code, or a function that cannot be traced, asks for the values of the rows"
_COMPILED_WAY = (
    "use numpy functions on whole arrays (np.take(table, x) instead of table[x]), or register "
    "an exporter for the function with @onnxtwin.exports"
)
_SKLEARN = str(Path(sklearn.__file__).parent)
_ASKING = ("array.py", "asked.py", "faults.py", "questions.py")
"""Files of the engine that pass on what others ask."""

_BUFFERS = ("__array_interface__", "__array_struct__", "__dlpack__", "__dlpack_device__", "__buffer__")


class Asked(NDArrayOperatorsMixin):
    """The questions; what a subclass knows is ``is_constant``, ``_value`` (an ndarray) and ``_boxed``."""

    __slots__ = ()

    is_constant: Any
    _value: np.ndarray
    _boxed: bool
    """Whether it is an ndarray although it has no dimension; without one it is a scalar otherwise."""

    _sparse: Any
    """The real sparse matrix for which this stands, None for what is dense."""

    # isinstance(x, np.ndarray) holds in code that is traced, as it would for the real array.
    @property  # type: ignore[misc] # the one of object is writable
    def __class__(self) -> type:
        if self._value.dtype.kind == "O" and within_engine():
            return np.ndarray
        return type(self.__onnxtwin_seen__())

    def __onnxtwin_seen__(self) -> Any:
        """What the code would hold in place of this: an ndarray, or a scalar."""
        value = self._value
        if self._stands_for_sparse():
            return self._sparse
        if value.ndim or self._boxed:
            return value
        if value.dtype.kind == "O" and not self.is_constant:
            raise self._refuse(
                "asks for the type of a single value of an object column, where each row may hold another",
                "compute on the whole column",
            )
        return value[()]

    def _stands_for_sparse(self) -> bool:
        """Whether the real one is a sparse matrix, and its asker minds: scikit-learn takes either alike."""
        return self._sparse is not None and not asked_by((_SKLEARN,), _ASKING)

    @property
    def _is_scalar(self) -> bool:
        return self._value.ndim == 0 and not self._boxed

    def _named(self) -> str:
        kind = self.__class__
        return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"

    def _refuse(self, what: str, way_out: str) -> UnsupportedError:
        return require_trace().unsupported(what, way_out)

    def _known(self, what: str, way_out: str) -> Any:
        """The real array or scalar, if it is the same for all rows."""
        if self.is_constant:
            return self.__onnxtwin_seen__()
        raise self._refuse(what, way_out)

    # ---- truth and numbers -----------------------------------------------------------------

    def __bool__(self) -> bool:
        if self.is_constant:
            return bool(self._value)
        from onnxtwin.exporters.branches import settled

        if self._value.size == 1 and settled(self):
            return False
        raise self._refuse(
            "branches on the values of the rows",
            "use np.where, np.select or a boolean mask instead of if, and, or, not",
        )

    def _number(self, kind: Callable[[Any], Any]) -> Any:
        what = f"turns a computed value into a Python {kind.__name__}"
        return kind(self._known(what, "keep it an array: use astype"))

    def __int__(self) -> int:
        return int(self._number(int))

    def __float__(self) -> float:
        return float(self._number(float))

    def __complex__(self) -> complex:
        return complex(self._number(complex))

    def __index__(self) -> int:
        if self._value.ndim or self._value.dtype.kind not in "iu":
            if self._is_scalar:
                raise TypeError(f"'{self._named()}' object cannot be interpreted as an integer")
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self._number(int))

    def __round__(self, ndigits: Any = None) -> Any:
        if not self._is_scalar:
            raise TypeError("type numpy.ndarray doesn't define __round__ method")
        if ndigits is not None:
            return np.round(self, ndigits)
        return round(
            self._known("rounds a computed value to a Python int", "use np.round, which keeps the array")
        )

    def __trunc__(self) -> int:
        if not self._is_scalar:
            raise TypeError("type numpy.ndarray doesn't define __trunc__ method")
        return int(self._number(int))

    # ---- containers ------------------------------------------------------------------------

    def __hash__(self) -> int:
        if not self._is_scalar:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        return hash(
            self._known(
                "asks for the hash of a computed value (as a key of a dict or set)",
                "look values up with np.searchsorted, np.select or np.isin",
            )
        )

    def __len__(self) -> int:
        if self._stands_for_sparse():
            return len(self._sparse)  # an error
        if self._is_scalar:
            raise TypeError(f"object of type '{self._named()}' has no len()")
        return len(self._value)

    def _require_rows(self) -> None:
        if self._is_scalar:
            raise TypeError(f"'{self._named()}' object is not iterable")
        if self._value.ndim == 0:
            raise TypeError("iteration over a 0-d array")

    def __contains__(self, item: Any) -> bool:
        if self._is_scalar:
            self._require_rows()
        return item in self._known(
            "asks whether the rows contain a value (in)", "use np.isin or == on the whole array"
        )

    def item(self, *args: Any) -> Any:
        return self._known("takes single values out of an array (item)", "keep it an array").item(*args)

    def tolist(self) -> Any:
        return self._known(
            "turns rows into a Python list (tolist)", "compute on whole columns instead of Python lists"
        ).tolist()

    # ---- texts and bytes -------------------------------------------------------------------

    def _text(self, form: Callable[[Any], str]) -> str:
        if current() is None or within_engine(2) or asks_for_a_log(sys._getframe(2)):
            return f"<traced {self._value.dtype} array of shape {self._value.shape}>"
        return form(
            self._known(
                "writes computed values as text (str, repr, format, f-string)",
                "leave texts of values out of the method, or map values to texts with a dict",
            )
        )

    def __repr__(self) -> str:
        return self._text(repr)

    def __str__(self) -> str:
        return self._text(str)

    def __format__(self, spec: str) -> str:
        return self._text(lambda real: format(real, spec))

    def __bytes__(self) -> bytes:
        return bytes(self._known("asks for the bytes of computed values", "compute with numpy functions"))

    def __buffer__(self, flags: int) -> memoryview:  # asked by Python 3.12 and newer
        return memoryview(self._known(_COMPILED, _COMPILED_WAY))

    def __sizeof__(self) -> int:
        known = self._known("asks for the memory that an array takes", "leave it out of the method")
        return int(known.__sizeof__()) - 16  # which sys.getsizeof adds for what the collector tracks

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._known(
            "pickles computed values", "leave caches and files out of the method"
        ).__reduce_ex__(protocol)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if not self.is_constant:
            raise self._refuse(_COMPILED, _COMPILED_WAY)
        value = self._value if dtype is None else self._value.astype(dtype, copy=False)
        return value.copy() if copy else value

    def __dir__(self) -> list[str]:
        return dir(self.__onnxtwin_seen__())

    # ---- whatever else the real one has ----------------------------------------------------

    def _other(self, name: str) -> Any:
        """An attribute that nothing records: of a constant the real one's, refused if rows decide it."""
        if self._is_scalar and self._value.dtype.kind == "O" and not self.is_constant and name[:2] == "__":
            raise AttributeError(name)
        real = self.__onnxtwin_seen__()
        if not hasattr(real, name):
            raise AttributeError(f"'{self._named()}' object has no attribute {name!r}")
        if self.is_constant:
            return getattr(real, name)
        if name in _BUFFERS:
            raise self._refuse(_COMPILED, _COMPILED_WAY)
        raise self._refuse(
            f"asks a computed {'value' if self._is_scalar else 'array'} for .{name}, which no graph has",
            "compute the same with other numpy functions",
        )


def settable(name: str, read: Callable[[Any], Any] | None = None) -> Any:
    """An attribute that numpy lets code set, which the graph does not."""

    def write(self: Asked, value: Any) -> None:
        raise self._refuse(
            f"sets .{name} of an array", "make a new array: reshape, astype, or x[...] = value"
        )

    return property(read or (lambda self: self._other(name)), write)


for _name in ("strides", "data", "imag", "flat"):
    setattr(Asked, _name, settable(_name))


def _with_texts(name: str) -> Callable[[Any, Any], Any]:
    operator = getattr(NDArrayOperatorsMixin, name)

    def run(self: Any, other: Any) -> Any:
        if self._is_scalar and isinstance(other, (str, bytes, list, tuple)) and not self.is_constant:
            # Python, not numpy, says what 2 * "a" and 2 * [0] are.
            raise self._refuse(
                f"combines a computed value with a {type(other).__name__}", "make an array of it first"
            )
        return operator(self, other)

    return run


_OPERATORS = vars(NDArrayOperatorsMixin)
for _name, _operator in _OPERATORS.items():
    code = getattr(_operator, "__code__", None)
    if (
        code is not None
        and code.co_argcount == 2
        and _name[:3] != "__i"
        and _name not in ("__eq__", "__ne__")
    ):
        setattr(Asked, _name, _with_texts(_name))


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    write = getattr(NDArrayOperatorsMixin, name)
    # Of a scalar there is nothing to write into: Python makes a new one.
    return lambda self, other: NotImplemented if self._is_scalar else write(self, other)


for _name in _OPERATORS:
    if _name.startswith("__i") and "__" + _name[3:] in _OPERATORS:
        setattr(Asked, _name, _in_place(_name))
