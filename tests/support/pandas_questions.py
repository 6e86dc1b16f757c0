"""Questions that code asks of any pandas object, in the words of a notebook.

Each is one function of the object; what it answers, or the error that it raises, is the answer.
"""

from __future__ import annotations

import copy
import functools
import inspect
import operator
import pickle
import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence, Sized
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import _dataframe, _safe_indexing, check_consistent_length, get_tags
from sklearn.utils import validation as val

Question = Callable[[Any], Any]

NAMES = sorted(
    set(dir(pd.DataFrame))
    | set(dir(pd.Series))
    | set(dir(pd.Index))
    | set(dir(pd.DatetimeIndex))
    | set(dir(pd.MultiIndex))
    | {n for n in dir(np.ndarray) if not n.startswith("__array_")}
    | {
        "todense",
        "toarray",
        "tocsr",
        "nnz",
        "getformat",
        "collect",
        "lazy",
        "schema",
        "to_pandas",
        "with_columns",
    }
    | {
        "iter_rows",
        "height",
        "null_count",
        "column_names",
        "num_rows",
        "to_arrow",
        "sparse",
        "list",
        "struct",
    }
    | {"value", "held", "whole", "kind", "made", "_twin_value", "_twin_cells", "_real", "fit", "get_params"}
)
"""Attributes of pandas, numpy, scipy.sparse, polars, pyarrow, and of our own."""


@functools.singledispatch
def dispatched(x: Any) -> str:
    return "object"


@dispatched.register
def _(x: pd.DataFrame) -> str:
    return "frame"


@dispatched.register
def _(x: pd.Series) -> str:
    return "column"


@dispatched.register
def _(x: np.ndarray) -> str:
    return "array"


BY_CLASS = {pd.DataFrame: "frame", pd.Series: "column", np.ndarray: "array"}


def _copied_then_written(x: Any) -> Any:
    copied = x.copy()
    copied *= 2
    return x


def _shared_then_added_to(x: Any) -> Any:
    shared = x
    shared += 1
    return x


def _shared_then_multiplied(x: Any) -> Any:
    shared = x
    shared *= 2
    return x


def _shared_then_negated(x: Any) -> Any:
    shared = x == x
    again = shared
    again ^= True
    return shared


def _memory_written(x: Any) -> Any:
    x.values[:] = 0
    return x


def _numpy_written(x: Any) -> Any:
    x.to_numpy()[:] = 0
    return x


def _copied_numpy_written(x: Any) -> Any:
    values = x.to_numpy(copy=True)
    values[:1] = values[:1]
    return x


def _as_a_column(x: Any) -> str:
    return "column" if type(x) is pd.Series else "no column"


ANY: tuple[Question, ...] = (
    # its class
    lambda x: type(x) is pd.DataFrame,
    lambda x: type(x) is pd.Series,
    lambda x: type(x) == pd.DataFrame,  # noqa: E721 - as users write it
    lambda x: type(x) in (pd.DataFrame, pd.Series),
    lambda x: type(x) in {pd.DataFrame},
    lambda x: BY_CLASS.get(type(x)),
    lambda x: type(x).__name__,
    lambda x: type(x).__module__,
    lambda x: x.__class__.__name__,
    lambda x: x.__class__ is pd.Series,
    lambda x: issubclass(type(x), pd.DataFrame),
    lambda x: issubclass(x.__class__, pd.Series),
    lambda x: dispatched(x),
    lambda x: _as_a_column(x),
    lambda x: isinstance(x, pd.DataFrame),
    lambda x: isinstance(x, pd.Series),
    lambda x: isinstance(x, pd.Index),
    lambda x: isinstance(x, (pd.DataFrame, pd.Series)),
    lambda x: isinstance(x, pd.DataFrame | pd.Series),
    lambda x: isinstance(x, np.ndarray),
    lambda x: isinstance(x, (list, tuple, dict)),
    lambda x: isinstance(x, (str, Number)),
    lambda x: isinstance(x, Hashable),
    lambda x: isinstance(x, Iterable),
    lambda x: isinstance(x, Mapping),
    lambda x: isinstance(x, Sequence),
    lambda x: isinstance(x, Sized),
    lambda x: isinstance(x, Collection),
    lambda x: isinstance(x, Callable),  # type: ignore[arg-type] # as users write it
    lambda x: isinstance(x, pd.core.generic.NDFrame),
    lambda x: callable(x),
    lambda x: inspect.isclass(x),
    # truth, hash, text
    lambda x: bool(x),
    lambda x: not x,
    lambda x: x or 1,
    lambda x: x is None,
    lambda x: hash(x),
    lambda x: {x: 1},
    lambda x: repr(x),
    lambda x: str(x),
    lambda x: format(x),
    lambda x: f"{x}",
    lambda x: "%s" % x,  # noqa: UP031 - as users write it
    lambda x: "name" in str(x),
    lambda x: x.to_string(),
    # size
    lambda x: len(x),
    lambda x: x.shape,
    lambda x: x.ndim,
    lambda x: x.size,
    lambda x: x.empty,
    lambda x: np.shape(x),
    lambda x: np.ndim(x),
    lambda x: np.size(x),
    lambda x: operator.length_hint(x),
    lambda x: sys.getsizeof(x),
    lambda x: x.memory_usage(),
    lambda x: x.nbytes,
    lambda x: np.isscalar(x),
    lambda x: np.iterable(x),
    lambda x: val._num_samples(x),
    lambda x: val._num_features(x),
    # contents
    lambda x: list(x),
    lambda x: tuple(x),
    lambda x: set(x),
    lambda x: dict(x),
    lambda x: sorted(x),
    lambda x: next(iter(x)),
    lambda x: max(x),
    lambda x: any(x),
    lambda x: all(x),
    lambda x: list(enumerate(x)),
    lambda x: list(map(str, x)),
    lambda x: list(reversed(x)),
    lambda x: [*x],
    lambda x: "f" in x,
    lambda x: "nope" in x,
    lambda x: 0 in x,
    lambda x: operator.contains(x, "f"),
    lambda x: int(x),
    lambda x: float(x),
    lambda x: operator.index(x),
    lambda x: memoryview(x),
    lambda x: bytes(x),
    # copies and pickles
    lambda x: copy.copy(x),
    lambda x: copy.deepcopy(x),
    lambda x: copy.copy(x) is x,
    lambda x: x.copy() is x,
    lambda x: pickle.dumps(x),
    lambda x: vars(x),
    lambda x: x.__dict__,
    lambda x: "mean" in dir(x),
    lambda x: "held" in dir(x),
    lambda x: x.nope,
    lambda x: getattr(x, "nope", 5),
    lambda x: getattr(x, "held", 5),
    lambda x: x.held,
    lambda x: x.value,
    lambda x: x.whole,
    lambda x: x.kind,
    lambda x: x.made,
    lambda x: x._typ,
    lambda x: x._mgr,
    # pandas.api.types
    *(
        functools.partial(lambda name, x: getattr(pd.api.types, name)(x), name)
        for name in dir(pd.api.types)
        if name.startswith("is_")
    ),
    lambda x: pd.api.types.infer_dtype(x),
    # what libraries ask
    lambda x: _dataframe.is_pandas_df(x),
    lambda x: _dataframe.is_df_or_series(x),
    lambda x: _dataframe.is_polars_df(x),
    lambda x: val._is_arraylike(x),
    lambda x: check_consistent_length(x, x),
    lambda x: val._is_fitted(x),
    lambda x: get_tags(x),
)

TABLE: tuple[Question, ...] = (
    # operators
    lambda x: round(x),
    lambda x: round(x, 1),
    lambda x: abs(x),
    lambda x: -x,
    lambda x: +x,
    lambda x: ~x,
    lambda x: divmod(x, 2),
    lambda x: divmod(7, x),
    lambda x: x @ x,
    lambda x: x**2,
    lambda x: x // 2,
    lambda x: x % 3,
    lambda x: 2**x,
    lambda x: x << 1,
    lambda x: x == x,
    lambda x: x == "ab",
    lambda x: x == None,  # noqa: E711 - as users write it
    lambda x: 0 == x,  # noqa: SIM300 - as users write it
    lambda x: x < 1,
    lambda x: np.array([1.0]) * x,
    lambda x: pd.Series(range(len(x))) + x,
    # writing
    lambda x: _copied_then_written(x),
    lambda x: _shared_then_added_to(x),
    lambda x: _shared_then_multiplied(x),
    lambda x: _shared_then_negated(x),
    lambda x: _memory_written(x),
    lambda x: _numpy_written(x),
    lambda x: _copied_numpy_written(x),
    # arrays made of it
    lambda x: x.values.dtype,
    lambda x: type(x.values) is np.ndarray,
    lambda x: x.values.flags.writeable,
    lambda x: x.to_numpy().flags.writeable,
    lambda x: x.to_numpy(copy=True).flags.writeable,
    lambda x: np.asarray(x).flags.writeable,
    lambda x: np.array(x).flags.writeable,
    lambda x: np.shares_memory(x.values, x.to_numpy()),
    lambda x: np.shares_memory(x.values, x.copy().values),
    lambda x: x.values.tolist(),
    lambda x: x.tolist(),
    lambda x: x.to_list(),
    lambda x: x.to_dict(),
    lambda x: x.to_csv(),
    lambda x: x.__array_interface__,
    lambda x: x.__dataframe__(),
    lambda x: x.__arrow_c_stream__(),
    lambda x: x.__round__(),
    lambda x: x.array,
    # flags
    lambda x: x.attrs,
    lambda x: x.flags.allows_duplicate_labels,
    lambda x: x.set_flags(allows_duplicate_labels=True),
    lambda x: setattr(x, "foo", 1),
    lambda x: setattr(x, "_foo", 1),
    lambda x: x.equals(x),
    lambda x: x.equals(1),
    # parts
    lambda x: np.isscalar(x.iloc[0]),
    lambda x: pd.isna(x.iloc[0]),
    lambda x: type(x.iloc[0]),
    lambda x: x.iloc[0],
    lambda x: x.iloc[-1],
    lambda x: x.head(2),
    lambda x: x.sample(1),
    lambda x: x.xs(0),
    lambda x: x[:2],
    lambda x: x[0],
    lambda x: x.get("nope"),
    lambda x: x.get("nope", 3),
    lambda x: x.iloc.ndim,
    lambda x: x.loc.name,
    lambda x: callable(x.iloc),
    lambda x: type(x.iloc).__name__,
    lambda x: list(x.loc),
    lambda x: x.iloc(),
    lambda x: _safe_indexing(x, [0, 1], axis=0),
    # row labels
    lambda x: len(x.index),
    lambda x: x.index is x.index,
    lambda x: x.index.equals(x.index),
    lambda x: isinstance(x.index, pd.Index),
    lambda x: isinstance(x.index, pd.RangeIndex),
    lambda x: isinstance(x.reset_index(drop=True).index, pd.RangeIndex),
    lambda x: x.reset_index(drop=True).index.name,
    # reductions and the like
    lambda x: x.sum(),
    lambda x: x.mean(),
    lambda x: x.isna().any(),
    lambda x: x.isna().values.any(),
    lambda x: x.nunique(),
    lambda x: x.bool(),
    lambda x: x.item(),
    lambda x: x.groupby(level=0),
    lambda x: x.plot,
    lambda x: x.sparse,
    lambda x: x.pipe(len),
    # functions of pandas, methods of its classes
    lambda x: pd.isna(x),
    lambda x: pd.unique(x),
    lambda x: pd.factorize(x),
    lambda x: pd.Index(x),
    lambda x: pd.array(x),
    lambda x: pd.Categorical(x),
    lambda x: pd.DataFrame(x).shape,
    lambda x: pd.util.hash_pandas_object(x),
    lambda x: pd.DataFrame.copy(x),
    lambda x: pd.DataFrame.isna(x),
    lambda x: pd.Series.isna(x),
    lambda x: pd.Series.abs(x),
    lambda x: pd.Series.mean(x),
    lambda x: pd.DataFrame.from_dict({"a": x}),
    lambda x: pd.testing.assert_frame_equal(x, x),
    lambda x: pd.testing.assert_series_equal(x, x),
)


def words(question: Question) -> str:
    """A question as its file says it."""
    if isinstance(question, functools.partial):
        return f"pd.api.types.{question.args[0]}(x)"
    line = inspect.getsource(question).strip()
    return line.removeprefix("lambda x: ").partition("  #")[0].rstrip(",")


def asked(*questions: Question) -> dict[str, Question]:
    """Questions by their words."""
    return {words(question): question for question in questions}


def names_held(x: Any) -> list[str]:
    """All that ``hasattr`` says an object has."""
    return [name for name in NAMES if hasattr(x, name)]


def asked_of_names() -> dict[str, Question]:
    """``hasattr`` of each name alone: some may be refused."""
    return {
        f"hasattr(x, {name!r})": functools.partial(lambda name, x: hasattr(x, name), name) for name in NAMES
    }
