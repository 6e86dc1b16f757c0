"""Questions that code asks of a frame, a column or row labels, in the words of a notebook.

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

FRAME: tuple[Question, ...] = (
    lambda x: list(x.columns),
    lambda x: type(x.columns),
    lambda x: x.columns.dtype,
    lambda x: x.columns.name,
    lambda x: isinstance(x.columns, pd.MultiIndex),
    lambda x: isinstance(x.columns, pd.RangeIndex),
    lambda x: x.columns.is_unique,
    lambda x: x.columns.get_loc(x.columns[0]),
    lambda x: x.columns is x.columns,
    lambda x: x.columns.tolist() == list(x),
    lambda x: x.columns.duplicated().any(),
    lambda x: x.dtypes.tolist(),
    lambda x: x.dtypes.map(str).to_dict(),
    lambda x: set(x.dtypes),
    lambda x: all(isinstance(d, np.dtype) for d in x.dtypes),
    lambda x: list(x.keys()),
    lambda x: [name for name, _ in x.items()],
    lambda x: [column.name for _, column in x.items()],
    lambda x: all(isinstance(column, pd.Series) for _, column in x.items()),
    lambda x: [x[c].dtype for c in x],
    lambda x: x["f"] is x["f"],
    lambda x: x.f.name,
    lambda x: x["nope"],
    lambda x: x.select_dtypes("number").columns.tolist(),
    lambda x: x.select_dtypes(["object", "category"]).shape,
    lambda x: x[[]].empty,
    lambda x: x[[]].shape,
    lambda x: x.drop(columns=["nope"]),
    lambda x: len(list(x.itertuples())),
    lambda x: len(list(x.iterrows())),
    lambda x: x.apply(len),
    lambda x: x.apply(type),
    lambda x: x.isna().any().any(),
    lambda x: x.axes[1].tolist(),
    lambda x: x.T.shape,
    lambda x: x @ np.ones(x.shape[1]),
    lambda x: x.dot(np.ones((x.shape[1], 2))),
    lambda x: x @ pd.Series(1.0, index=x.columns[::-1]),
    lambda x: x.dot(np.ones(1 + x.shape[1])),
    lambda x: pd.concat([x, x], axis=1).columns.is_unique,
    lambda x: pd.DataFrame(x.to_numpy(copy=True), copy=False),
    lambda x: "f" in dir(x),
    lambda x: val._get_feature_names(x).tolist(),
    lambda x: _safe_indexing(x, [0], axis=1).shape,
    lambda x: _safe_indexing(x, ["f"], axis=1).shape,
)

COLUMN: tuple[Question, ...] = (
    lambda x: x.dtype,
    lambda x: x.dtype.kind,
    lambda x: x.dtype == object,
    lambda x: x.dtype == "category",
    lambda x: x.dtype == float,
    lambda x: isinstance(x.dtype, pd.CategoricalDtype),
    lambda x: isinstance(x.dtype, np.dtype),
    lambda x: x.dtypes == x.dtype,
    lambda x: x.name,
    lambda x: x.rename("z").name,
    lambda x: x.to_frame().columns.tolist(),
    lambda x: x.hasnans,
    lambda x: x.is_unique,
    lambda x: x.isna().any() == True,  # noqa: E712 - as users write it
    lambda x: bool(x.isna().any()),
    lambda x: isinstance(x.isna().any(), bool),
    lambda x: isinstance(x.isna().any(), np.bool_),
    lambda x: np.isscalar(x.to_numpy()[0]),
    lambda x: type(x.to_numpy()[0]),
    lambda x: x.apply(type),
    lambda x: x.map(str),
    lambda x: x.dot(x),
    lambda x: list(x.items()),
    lambda x: x.T is x,
    lambda x: type(x.str).__name__,
    lambda x: type(x.dt).__name__,
    lambda x: type(x.cat).__name__,
    lambda x: list(x.str),
    lambda x: list(x.dt),
    lambda x: len(x.str),
    lambda x: x.str.nope,
    lambda x: x.dt.nope,
    lambda x: x.cat.nope,
    lambda x: hasattr(x.str, "title"),
    lambda x: hasattr(x.str, "nope"),
    lambda x: hasattr(x.dt, "strftime"),
    lambda x: hasattr(x.dt, "nope"),
    lambda x: hasattr(x.cat, "remove_unused_categories"),
    lambda x: x.cat.categories.tolist(),
    lambda x: x.cat.ordered,
    lambda x: x.dt.tz,
    lambda x: x.dt.unit,
)

LABELS: tuple[Question, ...] = (
    lambda x: type(x),
    lambda x: type(x) is pd.RangeIndex,
    lambda x: isinstance(x, (pd.Index, pd.Series)),
    lambda x: isinstance(x, pd.RangeIndex),
    lambda x: isinstance(x, pd.MultiIndex),
    lambda x: isinstance(x, pd.DatetimeIndex),
    lambda x: x.name,
    lambda x: x.names,
    lambda x: x.nlevels,
    lambda x: x.dtype,
    lambda x: x.is_unique,
    lambda x: x.has_duplicates,
    lambda x: x.is_monotonic_increasing,
    lambda x: x.equals(x),
    lambda x: x.equals(x.copy()),
    lambda x: x.equals(pd.RangeIndex(len(x))),
    lambda x: x.equals([0]),
    lambda x: x.identical(x),
    lambda x: x.tolist(),
    lambda x: x.to_numpy(),
    lambda x: x.values,
    lambda x: np.asarray(x),
    lambda x: np.array(x),
    lambda x: x[0],
    lambda x: x[:2],
    lambda x: x.max(),
    lambda x: x == x,
    lambda x: x != x,
    lambda x: x < 3,
    lambda x: x + 1,
    lambda x: 1 + x,
    lambda x: x // 2,
    lambda x: divmod(x, 2),
    lambda x: -x,
    lambda x: x & x,
    lambda x: np.sin(x),
    lambda x: np.unique(x),
    lambda x: np.arange(len(x)).sum() >= 0,
    lambda x: pd.isna(x),
    lambda x: pd.Series(x),
    lambda x: pd.Series(0, index=x).shape,
    lambda x: x.year,
    lambda x: x.start,
    lambda x: x.levels,
    lambda x: setattr(x, "name", "id"),
    lambda x: x.rename("z"),
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
