"""Questions that code may ask of an array or of one of its numbers, in the words of a notebook.

Each is one function of the object; what it answers, or the error that it raises, is the answer.
"""

from __future__ import annotations

import array
import collections.abc
import copy
import dataclasses
import functools
import hashlib
import io
import json
import math
import numbers
import operator
import pickle
import struct
import sys
import typing
import weakref
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.base import is_classifier
from sklearn.utils import _array_api, _missing, indexable, validation
from sklearn.utils.multiclass import is_multilabel

NAMES = sorted(
    set(dir(np.ndarray))
    | set(dir(np.float64))
    | set(dir(scipy.sparse.csr_matrix))
    | set(dir(scipy.sparse.csr_array))
    | {n for n in (*dir(pd.DataFrame), *dir(pd.Series)) if not n.startswith("_")}
    | {"__dataframe__", "__arrow_c_stream__", "__cuda_array_interface__", "__torch_function__"}
    | {"numpy", "cpu", "detach", "requires_grad", "to_pandas", "to_frame", "lazy", "collect", "compute"}
    | {"value", "held", "is_constant", "store", "view_of", "tensor", "full", "mask", "kind", "made", "fit"}
)

CLASSES = (
    *(np.ndarray, np.generic, np.number, np.floating, np.float64, np.float32, np.integer, np.int64, np.bool_),
    *(np.str_, np.matrix, np.ma.MaskedArray, np.recarray, np.flatiter, np.character, np.inexact, np.memmap),
    *(float, int, bool, complex, str, bytes, list, tuple, dict, set, object, type, memoryview, slice),
    *(numbers.Number, numbers.Real, numbers.Integral, numbers.Complex, numbers.Rational),
    *(collections.abc.Hashable, collections.abc.Sized, collections.abc.Iterable, collections.abc.Container),
    *(
        collections.abc.Sequence,
        collections.abc.Collection,
        collections.abc.Iterator,
        collections.abc.Mapping,
    ),
    *(collections.abc.Callable, collections.abc.Reversible, collections.abc.MutableSequence),
    *(
        typing.SupportsFloat,
        typing.SupportsInt,
        typing.SupportsIndex,
        typing.SupportsAbs,
        typing.SupportsRound,
    ),
    *(typing.SupportsBytes, typing.SupportsComplex),
    *(pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray, pd.Timestamp),
    *(scipy.sparse.spmatrix, scipy.sparse.sparray, scipy.sparse.csr_matrix),
)

Question = Callable[[Any], Any]


@functools.singledispatch
def dispatched(x: Any) -> str:
    return "object"


@dispatched.register
def _(x: np.ndarray) -> str:
    return "ndarray"


@dispatched.register
def _(x: float) -> str:
    return "float"


@dispatched.register
def _(x: np.integer) -> str:
    return "integer"


@dispatched.register
def _(x: str) -> str:
    return "str"


class Method:
    @functools.singledispatchmethod
    def of(self, x: Any) -> str:
        return "object"

    @of.register
    def _(self, x: np.ndarray) -> str:
        return "ndarray"

    @of.register
    def _(self, x: np.generic) -> str:
        return "generic"


def matched(x: Any) -> str:
    match x:
        case np.ndarray():
            return "ndarray"
        case float() | int():
            return "number"
        case str():
            return "text"
        case _:
            return "else"


def falls_back(question: Question) -> Question:
    """The question as code asks it that expects an error."""

    def ask(x: Any) -> Any:
        try:
            question(x)
        except (TypeError, ValueError, AttributeError, IndexError, BufferError) as error:
            return type(error).__name__
        return "works"

    return ask


@dataclasses.dataclass
class Holder:
    held: Any


def existing(x: Any) -> list[str]:
    return [name for name in NAMES if hasattr(x, name)]


def default_of(x: Any) -> list[bool]:
    return [
        getattr(x, name, None) is None for name in ("todense", "iloc", "values", "tensor", "value", "nnz")
    ]


def classes_of(x: Any) -> list[str]:
    return [c.__name__ for c in CLASSES if isinstance(x, c)]


TYPES: dict[str, Question] = {
    "hasattr": existing,
    "getattr with a default": default_of,
    "isinstance": classes_of,
    "isinstance of several": lambda x: isinstance(x, (list, tuple, np.ndarray)),
    "type is ndarray": lambda x: type(x) is np.ndarray,
    "type == float64": lambda x: type(x) == np.float64,  # noqa: E721 - as users write it
    "type in a list": lambda x: type(x) in (np.ndarray, list),
    "type.__name__": lambda x: type(x).__name__,
    "type.__mro__": lambda x: [c.__name__ for c in type(x).__mro__],
    "issubclass": lambda x: issubclass(type(x), np.ndarray),
    "__class__": lambda x: x.__class__.__name__,
    "__class__.__module__": lambda x: x.__class__.__module__,
    "type of type": lambda x: type(type(x)) is type,
    "type(zeros)": lambda x: type(np.zeros(3)) is np.ndarray,
    "type(asarray)": lambda x: type(np.asarray(x)) is np.ndarray,
    "singledispatch": dispatched,
    "singledispatchmethod": lambda x: Method().of(x),
    "match": matched,
    "callable": callable,
    "isscalar": np.isscalar,
    "iterable": np.iterable,
    "vars": falls_back(vars),
    "dir": dir,
    "isinstance of sum": lambda x: isinstance(x.sum(), float),
    "isinstance of max": lambda x: isinstance(x.max(), np.generic),
    "type of mean": lambda x: type(x.mean(axis=-1)).__name__,
    "isscalar of an element": lambda x: np.isscalar(x[0, 0]),
    "dict by type": lambda x: {np.ndarray: "array", np.float64: "number"}.get(type(x)),
}

LIBRARIES: dict[str, Question] = {
    **{
        f"scipy.sparse.{f.__name__}": f
        for f in (scipy.sparse.issparse, scipy.sparse.isspmatrix, scipy.sparse.isspmatrix_csr)
    },
    **{
        f"validation.{name}": getattr(validation, name)
        for name in (
            *("_is_arraylike", "_is_arraylike_not_scalar", "_num_samples", "_num_features", "is_pandas_df"),
            *(
                "is_polars_df",
                "_is_pandas_df",
                "_is_polars_df",
                "_use_interchange_protocol",
                "_get_feature_names",
            ),
            *("check_consistent_length", "column_or_1d", "_is_fitted", "_make_indexable", "is_df_or_series"),
        )
        if hasattr(validation, name)
    },
    "indexable": lambda x: len(indexable(x)),
    "is_scalar_nan": _missing.is_scalar_nan,
    "is_pandas_na": _missing.is_pandas_na,
    "is_multilabel": is_multilabel,
    "is_classifier": is_classifier,
    "array namespace": lambda x: _array_api.get_namespace(x)[1],
    "array device": lambda x: str(_array_api.device(x)),
    "array size": _array_api.size,
    **{
        f"pd.api.types.{name}": lambda x, name=name: getattr(pd.api.types, name)(x)
        for name in dir(pd.api.types)
        if name.startswith("is_") and callable(getattr(pd.api.types, name))
    },
    "pd.isna of the type": lambda x: type(pd.isna(x)).__name__,
    "np.isrealobj": np.isrealobj,
    "np.iscomplexobj": np.iscomplexobj,
    "np.isfortran": np.isfortran,
    "np.shape": np.shape,
    "np.ndim": np.ndim,
    "np.size": np.size,
    "np.size of an axis": lambda x: np.size(x, 0),
    "np.result_type": lambda x: np.result_type(x, np.float32),
    "np.can_cast": lambda x: np.can_cast(x.dtype, np.int32),
    "np.common_type": np.common_type,
    "np.min_scalar_type": np.min_scalar_type,
    "np.issubdtype": lambda x: np.issubdtype(x.dtype, np.floating),
    "np.array_equal": lambda x: np.array_equal(x, x + 1),
    "np.allclose": lambda x: np.allclose(x, x),
    "np.any": lambda x: bool(np.any(x)),
    "np.count_nonzero": lambda x: int(np.count_nonzero(x)),
    "np.array2string": np.array2string,
    "np.frombuffer": lambda x: np.frombuffer(x),
    "np.nditer": lambda x: [float(v) for v in np.nditer(x)],
    "np.ndenumerate": lambda x: len(list(np.ndenumerate(x))),
    "np.vectorize": lambda x: np.vectorize(lambda v: v > 0)(x).shape,
    "np.matrix": lambda x: np.matrix(x).shape,
    "np.ma.array": lambda x: np.ma.array(x).shape,
    "np.require": lambda x: np.require(x, requirements="F").flags.f_contiguous,
    "np.from_dlpack": lambda x: np.from_dlpack(x).shape,
    "np.ascontiguousarray is x": lambda x: np.ascontiguousarray(x) is x,
    "np.asarray is x": lambda x: np.asarray(x) is x,
    "np.asanyarray is x": lambda x: np.asanyarray(x) is x,
}

PYTHON: dict[str, Question] = {
    "len": len,
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "index": operator.index,
    "range": lambda x: list(range(x)),
    "as an index": lambda x: [1, 2, 3][x],
    "round": round,
    "round to digits": lambda x: round(x, 1),
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "math.isnan": math.isnan,
    "math.sqrt": lambda x: math.sqrt(x * x),
    "divmod": lambda x: divmod(x, 2)[0],
    "is_integer": lambda x: x.is_integer(),
    "as_integer_ratio": lambda x: x.as_integer_ratio(),
    "hash": hash,
    "key of a dict": lambda x: {x: 1},
    "member of a set": lambda x: {x},
    "in": lambda x: 0.25 in x,
    "in a list": lambda x: x in [1.0, 2.0],
    "in a dict": lambda x: x in {1.0: 2},
    "list.index": lambda x: [1.0, 2.0].index(x),
    "repr": repr,
    "str": str,
    "format": lambda x: format(x, ""),
    "f-string": lambda x: f"{x}",
    "f-string of repr": lambda x: f"{x!r}",
    "f-string with digits": lambda x: f"{x:.3f}",
    "percent": lambda x: "%s" % (x,),  # noqa: UP031 - as users write it
    "percent f": lambda x: "%.3f" % x,  # noqa: UP031 - as users write it
    "str.format": lambda x: "{}".format(x),  # noqa: UP032 - as users write it
    "str.join": lambda x: ",".join(map(str, x)),
    "print to a file": lambda x: print(x, file=io.StringIO()) or 1,
    "bytes": bytes,
    "bytearray": lambda x: bytearray(x),
    "memoryview": lambda x: memoryview(x).nbytes,
    "memoryview or not": falls_back(lambda x: memoryview(x)),
    "hashlib": lambda x: hashlib.sha1(x).hexdigest(),
    "zlib": lambda x: zlib.crc32(x),
    "struct": lambda x: struct.pack("d", x),
    "array.array": lambda x: array.array("d", x),
    "pickle": pickle.dumps,
    "pickle or not": falls_back(pickle.dumps),
    "json": lambda x: json.dumps(x),
    "sys.getsizeof": sys.getsizeof,
    "weakref": lambda x: weakref.ref(x)() is x,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "copy is another": lambda x: copy.copy(x) is x,
    "deepcopy of a holder": lambda x: copy.deepcopy(Holder(x)).held,
    "list": lambda x: len(list(x)),
    "tuple": lambda x: len(tuple(x)),
    "iter": lambda x: type(iter(x)).__name__ and 1,
    "unpack": lambda x: len([*x]),
    "sorted": sorted,
    "reversed": lambda x: len(list(reversed(x))),
    "max": max,
    "sum": lambda x: float(sum(x)),
    "any": any,
    "enumerate": lambda x: [i for i, _ in enumerate(x)],
    "zip": lambda x: len(list(zip(x, x, strict=True))),
    "map": lambda x: list(map(float, x)),
    "and": lambda x: x and 1,
    "not": lambda x: not x,
    "chained": lambda x: 0 < x < 1,
    "is None": lambda x: x is None,
    "== None": lambda x: x == None,  # noqa: E711 - as users write it
    "abs": abs,
    "neg": lambda x: -x,
    "add": lambda x: x + 1,
    "radd": lambda x: 1 + x,
    "add a list": lambda x: operator.add(x, [1.0]),
    "mul a str": lambda x: x * "a",
    "pow": lambda x: pow(x, 2),
    "matmul": lambda x: x @ x,
    "not an attribute": falls_back(lambda x: x.todense()),
    "first or not": falls_back(lambda x: x[0]),
    "call": falls_back(lambda x: x()),
    "set a new attribute": falls_back(lambda x: setattr(x, "note", 1)),
    "delete an item": falls_back(lambda x: x.__delitem__(0)),
    "context": falls_back(lambda x: x.__enter__()),
}

ATTRIBUTES: dict[str, Question] = {
    **{f".{name}": operator.attrgetter(name) for name in NAMES if not name.startswith("__")},
    **{
        f".{name}": operator.attrgetter(name)
        for name in (
            *("__array_interface__", "__array_struct__", "__dlpack__", "__dict__", "__name__"),
            *("__array_namespace__", "__getitem__", "__cuda_array_interface__"),
        )
    },
    **{
        f".flags.{name}": operator.attrgetter(f"flags.{name}")
        for name in ("c_contiguous", "f_contiguous", "owndata", "writeable", "aligned", "forc", "num")
    },
    "flags[C]": lambda x: x.flags["C_CONTIGUOUS"],
    "str of flags": lambda x: str(x.flags),
    "base is None": lambda x: x.base is None,
    "dtype.kind": lambda x: x.dtype.kind,
    "dtype ==": lambda x: x.dtype == np.float64,
    "dtype.name": lambda x: x.dtype.name,
    "dtype hasobject": lambda x: x.dtype.hasobject,
    "dtype.type": lambda x: x.dtype.type is np.float64,
    "shape unpacked": lambda x: (*x.shape,),
    "item": lambda x: x.item(0),
    "tolist": lambda x: x.tolist(),
    "tobytes": lambda x: x.tobytes(),
    "dump": lambda x: x.dumps(),
    "ctypes": lambda x: x.ctypes.data > 0,
    "set shape": falls_back(lambda x: setattr(x[...], "shape", (x.size, 1))),
    "set dtype": falls_back(lambda x: setattr(x[...], "dtype", np.int64)),
    "set real": falls_back(lambda x: setattr(x, "real", 0)),
    "set flat": falls_back(lambda x: setattr(x, "flat", 0)),
    "setflags": falls_back(lambda x: x.setflags(write=False)),
    "flat of an index": lambda x: x.flat[0],
    "device": lambda x: x.device,
    "mT": lambda x: x.mT,
}

MAKERS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda x: x,
    "asarray": np.asarray,
    "asarray to float": lambda x: np.asarray(x, dtype=np.float64),
    "asarray to float32": lambda x: np.asarray(x, dtype=np.float32),
    "asarray order F": lambda x: np.asarray(x, order="F"),
    "asarray order C": lambda x: np.asarray(x, order="C"),
    "asarray copy": lambda x: np.asarray(x, copy=True),
    "asarray no copy": lambda x: np.asarray(x, copy=False),
    "array": np.array,
    "array no copy": lambda x: np.array(x, copy=None),
    "array ndmin": lambda x: np.array(x, copy=None, ndmin=3),
    "array order F": lambda x: np.array(x, order="F"),
    "array of a list": lambda x: np.array([x, x]),
    "ascontiguousarray": np.ascontiguousarray,
    "asfortranarray": np.asfortranarray,
    "asanyarray": np.asanyarray,
    "np.copy": np.copy,
    "copy": lambda x: x.copy(),
    "copy F": lambda x: x.copy(order="F"),
    "copy K": lambda x: x.copy("K"),
    "copy A": lambda x: x.copy("A"),
    "astype": lambda x: x.astype(np.float64),
    "astype no copy": lambda x: x.astype(x.dtype, copy=False),
    "astype float no copy": lambda x: x.astype(float, copy=False),
    "astype F": lambda x: x.astype(np.float64, order="F"),
    "astype bool": lambda x: x.astype(bool),
    "view": lambda x: x.view(),
    "view of type": lambda x: x.view(np.ndarray),
    "slice": lambda x: x[:],
    "ellipsis": lambda x: x[...],
    "empty tuple": lambda x: x[()],
    "first": lambda x: x[0],
    "last columns": lambda x: x[..., 1:],
    "every second": lambda x: x[..., ::2],
    "backwards": lambda x: x[..., ::-1],
    "list of columns": lambda x: x[:, [0, 1]],
    "new axis": lambda x: x[..., None],
    "element with ellipsis": lambda x: x[0, 0, ...],
    "constant mask": lambda x: x[:, np.array([True, False, True])],
    "T": lambda x: x.T,
    "transpose": np.transpose,
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "ravel": np.ravel,
    "ravel F": lambda x: np.ravel(x, order="F"),
    "flatten": lambda x: x.flatten(),
    "reshape": lambda x: x.reshape(-1),
    "reshape to itself": lambda x: x.reshape(x.shape),
    "reshape to a column": lambda x: x.reshape(-1, 1),
    "reshape copy": lambda x: np.reshape(x, (-1,), copy=True),
    "squeeze": np.squeeze,
    "squeeze of a part": lambda x: x[:1, :1].squeeze(),
    "expand_dims": lambda x: np.expand_dims(x, 0),
    "atleast_1d": np.atleast_1d,
    "atleast_2d": np.atleast_2d,
    "atleast_3d": np.atleast_3d,
    "real": np.real,
    ".real": lambda x: x.real,
    ".imag": lambda x: x.imag,
    "broadcast_to": lambda x: np.broadcast_to(x, (2, *x.shape)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, 0.0)[0],
    "flip": np.flip,
    "fliplr": np.fliplr,
    "split": lambda x: np.split(x, [1], axis=-1)[0],
    "concatenate": lambda x: np.concatenate([x, x], axis=-1),
    "hstack": lambda x: np.hstack([x]),
    "vstack of T": lambda x: np.vstack([x.T, x.T]),
    "stack": lambda x: np.stack([x, x]),
    "column_stack": lambda x: np.column_stack([x, x]),
    "c_": lambda x: np.c_[x, x],
    "take": lambda x: np.take(x, [0, 1], axis=-1),
    "repeat": lambda x: np.repeat(x, 2, axis=-1),
    "tile": lambda x: np.tile(x, 2),
    "where": lambda x: np.where(x > 0, x, 0),
    "select": lambda x: np.select([x > 0], [x], 0),
    "clip": lambda x: np.clip(x, 0, 1),
    "nan_to_num": np.nan_to_num,
    "nan_to_num in place": lambda x: np.nan_to_num(x, copy=False),
    "add": lambda x: x + 1,
    "add in place": lambda x: operator.iadd(x, 1),
    "multiply in place": lambda x: operator.imul(x, 2),
    "out": lambda x: np.multiply(x, 2, out=x),
    "sort": lambda x: np.sort(x, axis=-1),
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "sum": lambda x: x.sum(axis=-1),
    "sum keepdims": lambda x: x.sum(axis=-1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=-1),
    "max": lambda x: x.max(axis=-1),
    "argmax": lambda x: x.argmax(axis=-1),
    "std": lambda x: x.std(axis=-1),
    "median": lambda x: np.median(x, axis=-1),
    "all": lambda x: (x > 0).all(axis=-1),
    "dot": lambda x: x @ np.ones((x.shape[-1], 2)),
    "dot vector": lambda x: x @ np.ones(x.shape[-1]),
    "round": lambda x: np.round(x, 1),
    "isnan": np.isnan,
    "sqrt": np.sqrt,
    "power": lambda x: x**2,
    "comparison": lambda x: x > 0,
    "invert": lambda x: ~(x > 0),
    "zeros_like": np.zeros_like,
    "zeros_like float32": lambda x: np.zeros_like(x, dtype=np.float32),
    "ones_like": np.ones_like,
    "full_like": lambda x: np.full_like(x, 2),
    "full_like order": lambda x: np.full_like(x, 2, order="F"),
    "zeros": lambda x: np.zeros(x.shape),
    "zeros F": lambda x: np.zeros(x.shape, order="F"),
    "ones": lambda x: np.ones((len(x), 2), dtype=np.float32),
    "full": lambda x: np.full((3, 2), 7.0, order="F"),
    "full of an element": lambda x: np.full(3, x[0, 0]),
    "arange": lambda x: np.arange(len(x)),
    "eye": lambda x: np.eye(3),
    "zeros 0-d": lambda x: np.zeros(()),
    "asarray of an element": lambda x: np.asarray(x[0, 0]),
    "array of an element": lambda x: np.array(x[0, 0]),
    "copy of an element": lambda x: x[0, 0].copy(),
    "element": lambda x: x[0, 0],
    "element twice": lambda x: x[0][0],
    "element as int": lambda x: x[0, 0].astype(int),
    "where of elements": lambda x: np.where(x[0, 0] > 0, x[0, 1], 0.0),
    "element plus": lambda x: x[0, 0] + 1,
    "element compared": lambda x: x[0, 0] > 1,
    "element clipped": lambda x: np.clip(x[0, 0], 0, 1),
    "sum of a row": lambda x: x[0].sum(),
    "sum of zeros": lambda x: np.zeros(3).sum(),
    "product of a row": lambda x: x[0] @ x[0],
    "element of a buffer": lambda x: np.zeros(3)[0],
    "fitted": lambda x: FITTED,
    "fitted slice": lambda x: FITTED[1:],
    "fitted element": lambda x: FITTED[0],
    "fitted plus": lambda x: FITTED + 1,
    "fitted asarray": lambda x: np.asarray(FITTED),
    "fitted matrix": lambda x: FITTED_MATRIX.T,
    "fitted sum": lambda x: FITTED.sum(),
}

FITTED = np.array([0.5, 1.5, 2.5])
FITTED_MATRIX = np.arange(6.0).reshape(2, 3)
FITTED.flags.writeable = FITTED_MATRIX.flags.writeable = False  # questions that write must not change them

GROUPS = {
    "types": TYPES,
    "libraries": LIBRARIES,
    "python": PYTHON,
    "attributes": ATTRIBUTES,
    "makers": MAKERS,
}

SUBJECTS: dict[str, Callable[[Any], Any]] = {
    "matrix": lambda X: X,
    "column": lambda X: X[:, 0],
    "row": lambda X: X[0],
    "element": lambda X: X[0, 0],
    "sum": lambda X: X[0].sum(),
    "0-d array": lambda X: np.asarray(X[0, 0]),
    "transposed": lambda X: X.T,
    "view": lambda X: X[:, ::2],
    "computed": lambda X: X[:, :2] + 1,
    "buffer": lambda X: np.zeros((3, 2)),
    "buffer alike": lambda X: np.zeros_like(X),
    "sum of a buffer": lambda X: np.ones(3).sum(),
    "fitted": lambda X: FITTED,
    "masked": lambda X: X[X > 0],
}
