"""The traced ndarray: the sample's real value, computed by numpy itself, beside a graph tensor.

``Array`` speaks numpy's protocols and the ndarray surface; each operation asks numpy for the value and
its dtype, and records the same operation in the graph. Where numpy hands out a view, so does an Array.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from onnxtwin.exporters.asked import Asked, settable
from onnxtwin.exporters.faults import as_the_library, spare
from onnxtwin.exporters.places import within_engine
from onnxtwin.exporters.signature import MISSING_TOKEN
from onnxtwin.exporters.signature import is_missing as is_missing
from onnxtwin.exporters.tensor import STRING, Tensor, cast, element_type, graph_dtype
from onnxtwin.exporters.trace import require_trace


class Array(Asked):
    """An ndarray whose operations are recorded.

    Parameters
    ----------
    value : the real array on the traced sample.
    tensor : its graph side; None for a constant, which reaches the graph only when something needs it.
    boxed : of no dimension and nevertheless an ndarray, as ``np.asarray(1.0)``; else that is a scalar.

    Raises
    ------
    UnsupportedError
        From whatever would need the rows themselves: truth, iteration over rows, conversion to a
        Python or compiled object.
    """

    __slots__ = (
        *("_base", "_boxed", "_derive", "_index", "_restore", "_seen", "_sparse"),
        *("_tensor", "_value", "_version", "__weakref__"),
    )
    __array_priority__ = 1000

    def __init__(self, value: np.ndarray, tensor: Tensor | None = None, *, boxed: bool = False) -> None:
        self._value = value
        self._tensor = tensor
        self._boxed = boxed
        self._sparse: Any = None
        self._version = 0
        self._base: Array | None = None
        self._index: Any = None
        self._derive: Callable[[Array], Tensor] | None = None
        self._restore: Callable[[Array], Tensor] | None = None
        self._seen = 0

    # ---- graph side ------------------------------------------------------------------------

    @property
    def value(self) -> np.ndarray:
        """The sample's real value. As all that a real array has not, only the engine's own code sees it."""
        if not within_engine():
            raise AttributeError("value")
        return self._value

    @property
    def is_constant(self) -> bool:
        """Whether the value depends on nothing but the fitted pipeline (and the row count)."""
        if not within_engine():
            raise AttributeError("is_constant")
        if self._base is not None:
            return self._base.is_constant
        return self._tensor is None

    @property
    def tensor(self) -> Tensor:
        """The graph side; a view whose base was written is read anew, a constant is brought in."""
        if not within_engine():
            raise AttributeError("tensor")
        if self._base is not None and not self._base.is_constant:
            if self._tensor is None or self._seen != self._base._version:
                assert self._derive is not None
                self._seen = self._base._version
                self._tensor = self._derive(self._base)
            return self._tensor
        if self._tensor is not None:
            return self._tensor
        return constant_tensor(self.value)

    def _store(self, tensor: Tensor) -> None:
        """Replace the graph side after an in-place write; the bases of a view learn of it."""
        self._version += 1
        if self._base is None:
            self._tensor = tensor
            return
        written = Array(self.value, tensor)
        if self._index is not None:
            from onnxtwin.exporters.indexing import write

            write(self._base, self._index, written)
        elif self._restore is not None:
            self._base._store(self._restore(written))
        else:
            raise require_trace().unsupported(
                "writes into a view that cannot be written", "copy() before writing"
            )
        self._tensor = tensor
        self._seen = self._base._version

    def _view_of(
        self,
        base: Array,
        derive: Callable[[Array], Tensor],
        *,
        index: Any = None,
        restore: Callable[[Array], Tensor] | None = None,
    ) -> Array:
        """Declare this a view of ``base``: read through ``derive``, written by ``index`` or ``restore``."""
        self._base, self._derive, self._index, self._restore = base, derive, index, restore
        self._seen = base._version
        return self

    # ---- numpy's protocols -----------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from onnxtwin.exporters.numpy.ufuncs import apply_ufunc

        require_dense(f"numpy.{ufunc.__name__}", inputs)
        return as_the_library(
            f"numpy.{ufunc.__name__}",
            lambda: apply_ufunc(ufunc, method, inputs, dict(kwargs)),
            lambda: getattr(ufunc, method)(*spare(inputs), **spare(kwargs)),
        )

    def __matmul__(self, other: Any) -> Any:
        if self._stands_for_sparse():
            return Array(self.value, self.tensor) @ other
        return NotImplemented if self._is_scalar else np.matmul(self, _dense(other))

    def __rmatmul__(self, other: Any) -> Any:
        return NotImplemented if self._is_scalar else np.matmul(_dense(other), self)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from onnxtwin.exporters.numpy.dispatch import apply_function

        require_dense(f"numpy.{func.__name__}", args)
        return apply_function(func, args, kwargs)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        from onnxtwin.exporters.scope import array_namespace

        return array_namespace()

    def __iter__(self) -> Iterator[Any]:
        self._require_rows()
        require_dense("a loop", (self,))
        if self.is_constant:
            return iter([self[i] for i in range(len(self.value))])
        if len(self.value) == require_trace().rows:
            raise self._refuse(
                "iterates over the rows", "compute on whole columns instead of looping over rows"
            )
        return iter([self[i] for i in range(len(self.value))])

    def __getitem__(self, index: Any) -> Any:
        from onnxtwin.exporters.indexing import read

        require_dense("an index", (self,))
        made = as_the_library("this index", lambda: read(self, index), lambda: self._value[concrete(index)])
        if type(made) is Array and made._is_scalar and made.dtype.kind in "OSTU" and not within_engine():
            raise self._refuse("takes a single text or object out of an array", "compute on whole columns")
        return made

    def __setitem__(self, index: Any, value: Any) -> None:
        from onnxtwin.exporters.indexing import assign

        as_the_library(
            "this assignment",
            lambda: assign(self, index, value),
            lambda: self._value.copy().__setitem__(concrete(index), concrete(value)),
        )

    def __copy__(self) -> Array:
        return self if self._is_scalar else self.copy("K")

    def __deepcopy__(self, memo: Any) -> Array:
        return self if self._is_scalar else self.copy("K")

    def __eq__(self, other: Any) -> Any:
        return self._compared(np.equal, other)

    def __ne__(self, other: Any) -> Any:
        return self._compared(np.not_equal, other)

    __hash__ = Asked.__hash__

    def _compared(self, ufunc: np.ufunc, other: Any) -> Any:
        try:
            return ufunc(self, other)
        except TypeError:
            # The operator answers where the function has no loop, as for text and numbers: never equal.
            real = self._value == concrete(other) if ufunc is np.equal else self._value != concrete(other)
            if not isinstance(real, np.ndarray):
                raise
            return Array(np.full(real.shape, ufunc is np.not_equal))

    def __pow__(self, other: Any) -> Any:
        # The operator takes roots in every numpy, the function only in newer ones.
        if isinstance(other, float) and other == 0.5 and self.dtype.kind == "f":
            return np.sqrt(self)
        if isinstance(other, int) and other == 2 and self.dtype.kind == "b" and not self._is_scalar:
            return np.square(self)
        return np.power(self, other)

    # ---- the ndarray surface -----------------------------------------------------------------

    dtype: np.dtype = settable("dtype", lambda self: self._value.dtype)
    shape: tuple[int, ...] = settable("shape", lambda self: self._value.shape)
    real: Any = settable(
        "real", lambda self: self if self._value.dtype.kind in "biuf" else self._other("real")
    )

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        require_dense(".size", (self,))
        return self._value.size

    @property
    def itemsize(self) -> int:
        return self._value.itemsize

    @property
    def nbytes(self) -> int:
        return self._value.nbytes

    @property
    def flags(self) -> Any:
        return self.__onnxtwin_seen__().flags

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def T(self) -> Any:
        require_dense(".T", (self,))
        return np.transpose(self)

    def copy(self, order: str = "C") -> Array:
        made = Array(
            self._value.copy(order=order),  # type: ignore[arg-type] # numpy checks it
            None if self.is_constant else self.tensor,
            boxed=self._boxed,
        )
        made._sparse = self._sparse
        return made

    def view(self, dtype: Any = None, type: Any = None) -> Any:
        kind = dtype if isinstance(dtype, builtins.type) and issubclass(dtype, np.ndarray) else type
        if kind is np.ndarray:
            return self.view()
        if kind is None and (dtype is None or np.dtype(dtype) == self.dtype):
            return self if self._is_scalar else self[...]
        raise self._refuse(f"reinterprets the bytes of an array as {dtype or type}", "use astype")

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Array:
        from onnxtwin.exporters.casting import astype

        require_dense("astype", (self,))
        return astype(self, dtype, order=order, copy=copy, casting=casting)

    def fill(self, value: Any) -> None:
        self[...] = value

    def __getattr__(self, name: str) -> Any:
        from onnxtwin.exporters.numpy.dispatch import METHODS, method

        if self._sparse is not None and name in ("tocsr", "tocsc", "tocoo"):
            return lambda: self  # the same matrix in another form
        if self._stands_for_sparse():
            if name == "toarray":
                return lambda: Array(self.value.copy(), None if self.is_constant else self.tensor)
            return self._other(name)
        if name not in METHODS or not hasattr(self.__onnxtwin_seen__(), name):
            return self._other(name)
        return method(self, name)


def require_dense(what: str, values: Sequence[Any]) -> None:
    """Refuse what numpy and scipy do otherwise with a sparse matrix, for which a traced array may stand."""
    for value in values:
        if type(value) is Array and value._stands_for_sparse():
            raise require_trace().unsupported(
                f"{what} of a sparse matrix, which the graph holds as a dense one",
                "call .toarray() first, or ask the step before for dense output (sparse_output=False)",
            )


def encode(value: Any, missing: str = MISSING_TOKEN) -> np.ndarray:
    """A real array as the graph holds it: text with the missing token, times as int64 ticks."""
    array = np.asarray(value)
    if array.dtype.kind == "O":
        flat = array.reshape(-1)
        if all(isinstance(x, str) or is_missing(x) for x in flat):
            texts = np.array([missing if is_missing(x) else x for x in flat], dtype=np.str_)
            return texts.reshape(array.shape)
        if all(isinstance(x, (bool, np.bool_)) for x in flat):
            return array.astype(bool)
        if all(isinstance(x, (int, np.integer)) and not isinstance(x, bool) for x in flat):
            return array.astype(np.int64)
        if all(isinstance(x, (int, float, np.number)) or is_missing(x) for x in flat):
            return np.array([np.nan if is_missing(x) else float(x) for x in flat]).reshape(array.shape)
        raise require_trace().unsupported("an array mixes text with other values", "keep one type a column")
    if array.dtype.kind == "T":
        return array.astype(np.str_)
    if array.dtype.kind in "mM":
        return array.astype(np.int64)
    return array


def constant_tensor(value: np.ndarray) -> Tensor:
    """A constant brought into the graph."""
    held = encode(value)
    return Tensor(held.shape, graph_dtype(held.dtype), flat=require_trace().constant(held))


def constant(value: Any) -> Array:
    """Any array-like as a traced constant (traced values pass through); sparse matrices become dense."""
    if type(value) is Array:
        return value
    if hasattr(type(value), "__onnxtwin_array__"):
        return value.__onnxtwin_array__()  # type: ignore[no-any-return]
    return Array(np.asarray(_dense(value)))


def _dense(value: Any) -> Any:
    return value.toarray() if hasattr(value, "toarray") and type(value) is not Array else value


def concrete(value: Any) -> Any:
    """The real value of anything traced, containers included; everything else as it is."""
    if hasattr(type(value), "__onnxtwin_value__"):
        return value.__onnxtwin_value__()
    if type(value) is Array:
        return value.value
    if type(value) in (list, tuple):
        return type(value)(concrete(x) for x in value)
    if type(value) is dict:
        return {k: concrete(v) for k, v in value.items()}
    return value


def is_traced(value: Any) -> bool:
    """Whether something traced (a constant Array counts) is in ``value``."""
    if isinstance(value, Array) or hasattr(type(value), "__onnxtwin_value__"):
        return True
    if type(value) in (list, tuple):
        return any(is_traced(x) for x in value)
    return type(value) is dict and any(is_traced(x) for x in value.values())


def record(what: str, value: Any, build: Callable[..., Var], *arrays: Array, column: bool = False) -> Array:
    """Record one operation.

    Parameters
    ----------
    what : the operation and its static arguments, compared between the two runs.
    value : the real result, ndarray or scalar.
    build : called with the flat graph values of ``arrays``, returns the result's.
    column : ``build`` returns a 1-D result in the form ``[N, 1]``.

    Returns
    -------
    Array
        Constant if every input is; then nothing is recorded.
    """
    real = np.asarray(value)
    if arrays and all(a.is_constant for a in arrays):
        return Array(real)
    tensors = [a.tensor for a in arrays]
    return place(what, real, build(*(t.flat for t in tensors)), tensors, column=column)


def place(what: str, real: np.ndarray, var: Var, inputs: Sequence[Tensor], *, column: bool = False) -> Array:
    """An Array from a graph value that was just built from ``inputs``; its real value will be verified."""
    trace = require_trace()
    trace.note(f"{what} -> {real.dtype.kind}{real.ndim}", tuple(inputs))
    tensor = Tensor(
        real.shape, element_type(var), column=var if column else None, flat=None if column else var
    )
    held = _comparable(real, tensor.dtype)
    trace.expect(var, held.reshape(-1, 1) if column else held)
    return Array(real, tensor)


def _comparable(real: np.ndarray, dtype: np.dtype) -> np.ndarray:
    held = encode(real)
    return held if dtype == STRING or held.dtype == dtype or held.dtype.kind in "OUT" else held.astype(dtype)


def elementwise(
    what: str,
    real: Any,
    build: Callable[..., Var],
    arrays: Sequence[Array],
    dtypes: Sequence[np.dtype | None],
) -> Array:
    """Record an operation that broadcasts.

    1-D operands stay in the form ``[N, 1]`` where they already have it. ``dtypes`` are the element types
    that ``build`` expects, None for "as it is".
    """
    result = np.asarray(real)
    if all(a.is_constant for a in arrays):
        return Array(result)
    flexible = [None if a.is_constant else a.tensor for a in arrays]
    column = result.ndim == 1 and all(t is None or t.ndim == 1 and t.shape == result.shape for t in flexible)
    column = column and any(t is not None and t.has_column for t in flexible)
    variables: list[Var] = []
    inputs: list[Tensor] = []
    for array, tensor, dtype in zip(arrays, flexible, dtypes, strict=True):
        if tensor is None:
            held = encode(array.value)
            held = held if dtype is None or dtype == STRING else held.astype(dtype)
            if column and held.ndim == 1 and held.size > 1:
                held = held.reshape(-1, 1)
            tensor = Tensor(held.shape, graph_dtype(held.dtype), flat=require_trace().constant(held))
            variables.append(tensor.flat)
        else:
            form = tensor.column if column else tensor.flat
            variables.append(form if dtype is None or dtype == STRING else cast(form, dtype))
        inputs.append(tensor)
    return place(what, result, build(*variables), inputs, column=column)


T = TypeVar("T")


def once(build: Callable[[Var], T]) -> Callable[[Var], T]:
    """``build``, called once a graph value: for operations whose several answers are recorded one by one."""
    made: list[tuple[Var, T]] = []

    def run(x: Var) -> T:
        for before, answer in made:
            if before is x:
                return answer
        made.append((x, build(x)))
        return made[-1][1]

    return run


def to_bool(var: Var) -> Var:
    """``var`` != 0, as numpy's truth of numbers."""
    kind = element_type(var)
    if kind == np.bool_:
        return var
    if kind == STRING:
        return op.not_(op.equal(var, op.const(np.array("", np.str_))))
    return op.not_(op.equal(var, op.const(np.zeros((), kind))))
