"""The sample: what the raw columns are, and the rows that a trace runs on.

The rows are drawn from the user's own, and every column that the pipeline accepts as missing is missing in
one of them, so that the recorded code and the verification meet missing values too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from spox import Var

from onnxtwin.exporters.array import Array, encode
from onnxtwin.exporters.columns import describe_frame, describe_matrix, encode_column, set_missing
from onnxtwin.exporters.errors import SignatureError, is_refusal
from onnxtwin.exporters.forms import rearranged, same_answers, sources, takes_names, types_of
from onnxtwin.exporters.quiet import quiet
from onnxtwin.exporters.signature import Column, Condition, Input, Output, Signature
from onnxtwin.exporters.tensor import Tensor, graph_dtype
from onnxtwin.exporters.trace import Trace

DISTINCT = 31
"""Rows taken from the user's sample; more would make exports slower and find no more than a check does."""


@dataclass(frozen=True)
class Sample:
    """Raw columns, graph inputs, and two row sets of different length.

    Attributes
    ----------
    container : what the pipeline is called with: ``DataFrame``, ``matrix`` or ``documents``.
    first, second : rows of the two runs, the same in content and different in number.
    types : whether the pipeline tells types apart, as in :class:`Signature`.
    by_name : whether it takes columns by name; None if it answers a rearranged frame alike, which proves
        nothing yet.
    """

    container: Any
    layout: Any
    columns: tuple[Column, ...]
    inputs: tuple[Input, ...]
    first: Any
    second: Any
    types: Any
    by_name: bool | None

    def feeds(self, rows: Any) -> list[np.ndarray]:
        """The input tensors for ``rows``, in the order of ``inputs``."""
        if self.container == "matrix":
            return [
                encode(rows).astype(self.inputs[0].tensor if self.inputs[0].tensor != "string" else np.str_)
            ]
        if self.container == "documents":
            return [encode(np.asarray(rows, dtype=object)).reshape(-1, 1)]
        held = {c.name: encode_column(rows[c.label], c) for c in self.columns}
        return [np.stack([held[name] for name in entry.columns], axis=1) for entry in self.inputs]

    def traced(self, rows: Any, variables: Sequence[Var]) -> Callable[[], Any]:
        """A maker of traced rows; each method gets its own, so that writes into one stay there."""
        tensors: dict[str, Tensor] = {}
        blocks: list[Tensor] = []
        for entry, var, feed in zip(self.inputs, variables, self.feeds(rows), strict=True):
            block = Tensor(feed.shape, graph_dtype(feed.dtype), flat=var, origin=entry.columns)
            blocks.append(block)
            for i, name in enumerate(entry.columns):
                tensors[name] = block.pick(i)
        if self.container == "matrix":
            return lambda: Array(np.array(rows), blocks[0])
        if self.container == "documents":
            from onnxtwin.exporters.documents import Documents

            return lambda: Documents(list(rows), tensors["X"])
        from onnxtwin.exporters.pandas import DataFrame

        labels = [c.label for c in self.columns]
        held = [tensors[c.name] for c in self.columns]
        if rows.columns.tolist() != labels:
            held = [held[labels.index(label)] for label in sources(labels)]
        return lambda: DataFrame(rows.copy(), held)

    def signature(
        self,
        outputs: tuple[Output, ...],
        conditions: tuple[Condition, ...],
        trace: Trace,
        methods: tuple[str, ...],
        by_name: bool,
    ) -> Signature:
        """The signature once the trace has told which values the pipeline accepts."""
        columns = tuple(
            replace(
                c,
                finite=c.name in trace.finite_columns,
                values=tuple(trace.column_values[c.name]) if c.name in trace.column_values else None,
            )
            for c in self.columns
        )
        return Signature(
            self.container,
            self.layout,
            columns,
            self.inputs,
            outputs,
            conditions,
            extra_columns="ignored" if by_name else "refused",
            methods=methods,
            types=self.types,
        )


def draw(
    estimator: Any, X: Any, methods: Sequence[str], layout: Any, known: Signature | None = None
) -> Sample:
    """Describe the raw columns of ``X`` and choose the rows to trace.

    Parameters
    ----------
    known : what an earlier export found out about such rows; then the pipeline is not asked again.

    Raises
    ------
    SignatureError
        For no rows, columns that cannot be described or differ from those fitted, or rows that the pipeline
        refuses.
    """
    container, rows, columns = _described(X)
    if len(rows) == 0:
        raise SignatureError("the sample has no rows\n  way out: hand over at least one raw row")
    _require_fitted_columns(estimator, columns, container)
    chosen = _take(rows, np.unique(np.linspace(0, len(rows) - 1, min(DISTINCT, len(rows))).astype(int)))
    _answer(estimator, methods, chosen, "the sample")
    if known is None:
        columns, missing = _missing(estimator, methods, chosen, columns, container)
    else:
        columns = known.columns
        missing = None if container == "documents" else _with_missing(chosen, columns)
    every = chosen if missing is None else _concat([chosen, missing])
    inputs = _inputs(columns, container, layout)
    first = _prime(max(len(every), 23), len(columns))
    second = _prime(first + 1, len(columns))
    return Sample(
        container,
        layout,
        columns,
        inputs,
        _labelled(_cycled(every, first)),
        _labelled(_cycled(every, second)),
        known.types
        if known is not None
        else types_of(estimator, columns, chosen, lambda other: _answers(estimator, methods, other)),
        known.extra_columns == "ignored"
        if known is not None
        else _by_name(estimator, methods, chosen)
        if container == "DataFrame"
        else False,
    )


def _by_name(estimator: Any, methods: Sequence[str], rows: Any) -> bool | None:
    known = takes_names(estimator)
    if known is not None:
        return known
    plain, moved = (_answers(estimator, methods, frame) for frame in (rows, rearranged(rows)))
    return None if plain is not None and moved is not None and same_answers(plain, moved) else False


def rows_of(X: Any) -> Any:
    """A described sample as the pipeline is called with it: of lists a matrix, of texts a list."""
    if hasattr(X, "iloc") and X.ndim == 2 or isinstance(X, np.ndarray) and X.ndim == 2:
        return X
    rows = list(X)
    return rows if isinstance(rows[0], str) else np.asarray(rows)


def _described(X: Any) -> tuple[str, Any, tuple[Column, ...]]:
    if hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2:
        return "DataFrame", X, describe_frame(X)
    if hasattr(X, "iloc") or isinstance(X, (list, tuple)) or isinstance(X, np.ndarray) and X.ndim == 1:
        documents = list(X)
        if documents and all(isinstance(d, str) for d in documents):
            return "documents", documents, (Column("X", 0, "str", "string"),)
        if (
            isinstance(X, (list, tuple))
            and documents
            and all(isinstance(d, (list, tuple, np.ndarray)) for d in documents)
            and len({len(d) for d in documents}) == 1
        ):
            return _described(np.asarray(X))
        raise SignatureError(
            f"a one-dimensional sample ({type(X).__name__}) must hold texts\n"
            "  way out: hand over a DataFrame, a 2-D array or a list of str"
        )
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return "matrix", X, describe_matrix(X)
    if isinstance(X, dict):
        raise SignatureError(
            "several tables are not supported\n  way out: join them into one DataFrame of raw columns first"
        )
    raise SignatureError(
        f"a sample of type {type(X).__name__} has no raw columns\n"
        "  way out: hand over a DataFrame, a 2-D array or a list of str"
    )


def _require_fitted_columns(estimator: Any, columns: tuple[Column, ...], container: str) -> None:
    fitted = getattr(estimator, "feature_names_in_", None)
    if container == "DataFrame" and fitted is not None:
        names = [c.label for c in columns]
        lacking = [str(n) for n in fitted if n not in names]
        if lacking:
            raise SignatureError(
                f"the sample lacks the columns {lacking} that the pipeline was fitted on\n"
                "  way out: hand over raw rows with all of them"
            )
    count = getattr(estimator, "n_features_in_", None)
    if container == "matrix" and count is not None and count != len(columns):
        raise SignatureError(
            f"the sample has {len(columns)} columns, the pipeline was fitted on {count}\n"
            "  way out: hand over rows as fitted"
        )


def _take(rows: Any, positions: np.ndarray) -> Any:
    if hasattr(rows, "iloc"):
        return rows.iloc[positions].reset_index(drop=True)
    return [rows[i] for i in positions] if isinstance(rows, list) else rows[positions]


def _concat(pieces: list[Any]) -> Any:
    if hasattr(pieces[0], "iloc"):
        import pandas as pd

        return pd.concat(pieces, ignore_index=True)
    return sum(pieces[1:], pieces[0]) if isinstance(pieces[0], list) else np.concatenate(pieces)


def _cycled(rows: Any, count: int) -> Any:
    return _take(rows, np.arange(count) % len(rows))


def _labelled(rows: Any) -> Any:
    """Rows with labels unlike the default ones: code that joins rows by label must use the rows' own."""
    return rows.set_axis(np.arange(len(rows))[::-1] * 7 + 1000, axis=0) if hasattr(rows, "iloc") else rows


def _prime(least: int, avoid: int) -> int:
    n = least
    while n == avoid or any(n % d == 0 for d in range(2, int(n**0.5) + 1)):
        n += 1
    return n


def _answer(estimator: Any, methods: Sequence[str], rows: Any, what: str) -> None:
    try:
        for method in methods:
            getattr(estimator, method)(rows)
    except Exception as error:
        if not is_refusal(error):
            raise
        raise SignatureError(
            f"the pipeline refuses {what}: {type(error).__name__}: {error}\n"
            "  way out: hand over raw rows as the pipeline is called with"
        ) from error


def _answers(estimator: Any, methods: Sequence[str], rows: Any) -> list[Any] | None:
    """The pipeline's answers to a copy of the rows, one a method; None if it refuses them."""
    try:
        with quiet():  # of names that it does not know
            return [getattr(estimator, method)(rows.copy()) for method in methods]
    except Exception as error:
        if not is_refusal(error):
            raise
        return None


def _accepts(estimator: Any, methods: Sequence[str], rows: Any) -> bool:
    return _answers(estimator, methods, rows) is not None


def _missing(
    estimator: Any, methods: Sequence[str], rows: Any, columns: tuple[Column, ...], container: str
) -> tuple[tuple[Column, ...], Any]:
    """Ask the pipeline, column by column, whether it answers a row in which that column is missing."""
    if container == "documents":
        return columns, None
    able = [i for i, c in enumerate(columns) if c.missing != "none"]
    if not able:
        return columns, None
    made = {i: set_missing(_take(rows, np.array([k % len(rows)])), columns[i], i) for k, i in enumerate(able)}
    accepted = list(able)
    # Beside complete rows: of a column that is missing throughout, pandas may forget the type.
    if not _accepts(estimator, methods, _concat([rows, *made.values()])):
        accepted = [i for i in able if _accepts(estimator, methods, _concat([rows, made[i]]))]
    described = tuple(replace(c, missing_allowed=i in accepted) for i, c in enumerate(columns))
    if not accepted:
        return described, None
    pieces = [made[i] for i in accepted]
    everything = _take(rows, np.array([0]))
    for i in accepted:
        everything = set_missing(everything, columns[i], i)
    if _accepts(estimator, methods, _concat([rows, everything])):
        pieces.append(everything)
    return described, _concat(pieces)


def _with_missing(rows: Any, columns: tuple[Column, ...]) -> Any:
    """A row a column that may be missing, in which it is."""
    able = [i for i, c in enumerate(columns) if c.missing_allowed]
    made = [set_missing(_take(rows, np.array([k % len(rows)])), columns[i], i) for k, i in enumerate(able)]
    return _concat(made) if made else None


def _inputs(columns: tuple[Column, ...], container: str, layout: str) -> tuple[Input, ...]:
    names = tuple(c.name for c in columns)
    if container in ("matrix", "documents"):
        return (Input("X", columns[0].tensor, names),)
    if layout == "columns":
        return tuple(Input(c.name, c.tensor, (c.name,)) for c in columns)
    kinds = list(dict.fromkeys(c.tensor for c in columns))
    return tuple(
        Input(f"columns.{kind}", kind, tuple(c.name for c in columns if c.tensor == kind)) for kind in kinds
    )
