"""What a twin takes and gives: the raw columns, the outputs, the domain. Data only, numpy only.

A :class:`Signature` is written into ``contract.json`` (``to_json``) and read back without the
research stack (``from_json``), so this module must not import pandas, onnx or scikit-learn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

MISSING_TOKEN = "__missing__"
"""How a missing string travels. ASCII, because bindings corrupt NUL and non-BMP characters."""

NAT = -(2**63)
"""How a missing timestamp or duration travels: the smallest int64, pandas' own ``iNaT``."""

WHOLE_NUMBERS = frozenset({"int32", "int64", "float64"})
"""Dtypes in which scikit-learn's own estimators compute the same from equal whole numbers, because NumPy
promotes them to float64. Shorter integers may be computed with in float32."""

Tensor = Literal["float64", "float32", "int64", "bool", "string"]
Missing = Literal["none", "nan", "token", "nat"]
Container = Literal["ndarray", "DataFrame", "Series"]


def is_missing(value: Any) -> bool:
    """Whether one value is None, NaN of any float type, NaT of any time type, or pandas' NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return isinstance(value, (np.datetime64, np.timedelta64)) and bool(np.isnat(value))


@dataclass(frozen=True)
class Column:
    """One raw column as the research notebook types it, and how it travels to the graph.

    Attributes
    ----------
    name : the column's name as text; integer labels become their text.
    label : the label in the DataFrame (str or int); for a matrix, the position.
    dtype : numpy's or pandas' name of the dtype in the notebook: ``float64``, ``int64``, ``bool``,
        ``str``, ``object``, ``category``, ``Int64``, ``boolean``, ``datetime64[us, UTC]``, ...
    tensor : ONNX element type, by numpy's name (``string`` for text).
    missing : encoding of a missing value; ``none`` where the dtype cannot hold one.
    missing_allowed : whether the pipeline answers rows in which this column is missing.
    missing_value : what a missing string is in the notebook: ``nan`` or ``None``.
    finite : True if the pipeline refuses infinities in this column.
    exact_integer : True where an integer travels as float64 and must stay within 2**53.
    values : the accepted values where the pipeline refuses all others, else None.
    categories : the categories of a pandas categorical column, else None.
    ordered : whether that categorical is ordered.
    """

    name: str
    label: str | int
    dtype: str
    tensor: Tensor
    missing: Missing = "none"
    missing_allowed: bool = False
    missing_value: Literal["nan", "None"] = "nan"
    finite: bool = False
    exact_integer: bool = False
    values: tuple[Any, ...] | None = None
    categories: tuple[Any, ...] | None = None
    ordered: bool = False


@dataclass(frozen=True)
class Input:
    """One input tensor of the graph, shape ``[N, len(columns)]``.

    With ``layout="columns"`` it carries one column and bears its name; with ``layout="packed"``
    all columns of one element type; a sample that is a matrix has the single input ``X``.
    """

    name: str
    tensor: Tensor
    columns: tuple[str, ...]


RTOL = ATOL = 1e-9
"""How far a float may be from the pipeline's where it computes in double precision."""


@dataclass(frozen=True)
class Output:
    """One output tensor of the graph.

    Attributes
    ----------
    name : the tensor's name: the method's, ``predict_proba.1`` for the second of a list.
    method : the inference method it answers; ``domain`` for the graph's own validity output.
    index : position in the list that the method returns, None if it returns one array.
    tensor : ONNX element type.
    dtype : numpy dtype of the pipeline's own answer (``<U6`` and ``object`` for text).
    shape : None stands for the row count.
    labels : class labels: of the values for ``predict``, of the columns for ``predict_proba``.
    columns : names of a transformer's output columns, None where it has none.
    container : what the pipeline returns: an ndarray, a pandas DataFrame or a Series.
    """

    name: str
    method: str
    index: int | None
    tensor: Tensor
    dtype: str
    shape: tuple[int | None, ...]
    labels: tuple[Any, ...] | None = None
    columns: tuple[str, ...] | None = None
    container: Container = "ndarray"

    @property
    def discrete(self) -> bool:
        """True where the check demands equality: labels, categories, bins, integers."""
        return (
            self.tensor not in ("float64", "float32") or self.labels is not None and self.method == "predict"
        )


@dataclass(frozen=True)
class Condition:
    """A demand on values that the pipeline computes on the way, answered by the output ``domain``.

    ``domain`` is a bool tensor ``[N, len(conditions)]``: False where the pipeline would raise, or where a
    limit is exceeded.

    Attributes
    ----------
    message : what is demanded, in words for those who call the graph.
    step : path of the step that demands it.
    limit : True where the pipeline may answer and only the twin does not: spellings of a text that the graph
        does not follow. The message says which are answered.
    columns : the raw columns that hold the texts of a limit; empty where these are computed on the way.
    """

    message: str
    step: str
    limit: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """Raw columns, graph inputs, graph outputs and the domain of one twin.

    Attributes
    ----------
    container : what the pipeline was called with when it was exported.
    extra_columns : ``ignored`` if the pipeline takes the columns of a DataFrame by their names, whatever
        their order and whatever stands beside them; ``refused`` if it needs these columns in this order.
    types : ``by_value`` if the pipeline is made of scikit-learn's own estimators only and answers equal
        values alike: :data:`WHOLE_NUMBERS` of another dtype, text as ``object`` or ``str``, a category under
        another list of categories, a matrix as a DataFrame or a list of lists. ``exact`` if code of the
        user's may tell these apart.
    rtol, atol : what is promised of floats: ``|twin - pipeline| <= atol + rtol * |pipeline|``.
    float32_ulps : where the pipeline computes in single precision, the promise in units of the last place of
        float32 numbers as large as the answer, or as the largest of the sample's answers; else None.
    """

    container: Literal["DataFrame", "matrix", "documents"]
    layout: Literal["columns", "packed"]
    columns: tuple[Column, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    conditions: tuple[Condition, ...] = ()
    missing_token: str = MISSING_TOKEN
    extra_columns: Literal["ignored", "refused"] = "ignored"
    methods: tuple[str, ...] = field(default=())
    types: Literal["exact", "by_value"] = "exact"
    rtol: float = RTOL
    atol: float = ATOL
    float32_ulps: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The signature as plain JSON values (tuples become lists)."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Signature:
        """Read back what :meth:`to_json` wrote; numbers and texts keep their types."""

        def tupled(value: Any) -> Any:
            return tuple(value) if isinstance(value, list) else value

        def build(kind: Any, entries: list[dict[str, Any]]) -> tuple[Any, ...]:
            return tuple(kind(**{k: tupled(v) for k, v in entry.items()}) for entry in entries)

        plain = {k: tupled(v) for k, v in data.items()}
        plain["columns"] = build(Column, data["columns"])
        plain["inputs"] = build(Input, data["inputs"])
        plain["outputs"] = build(Output, data["outputs"])
        plain["conditions"] = build(Condition, data["conditions"])
        return cls(**plain)

    def column(self, name: str) -> Column:
        """The raw column of that name."""
        return next(c for c in self.columns if c.name == name)
