"""``vectors.json``: raw rows with the pipeline's own answers, recorded once, replayed by every runtime.

The rows are kept as the graph is fed them, so that a runtime needs no more than a JSON reader to replay
them. The expected tensors are the pipeline's answers, not the graph's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onnxtwin.build import tensors
from onnxtwin.build.answers import encode, outputs_of
from onnxtwin.build.contract import FORMAT, KIND
from onnxtwin.build.frames import is_frame, is_series
from onnxtwin.build.rows import RowReader
from onnxtwin.exporters.errors import ArtifactError, is_refusal
from onnxtwin.exporters.signature import Signature

Tensors = dict[str, NDArray[Any]]
Pipeline = Callable[[str, Any], Any]
Doubt = Callable[[Any, Tensors, Tensors], NDArray[np.bool_]]


@dataclass(frozen=True)
class Vectors:
    """Recorded rows.

    Attributes
    ----------
    rows_are : ``shuffled`` if every column's values were permuted by themselves, ``real`` if not.
    seed : of the choice and the permutations.
    tags : the case family of each row (``sample``, ``missing``, ...).
    inputs : by input name, each ``[N, k]``.
    outputs : by output name, the pipeline's answers as the graph says them, each ``[N]`` or ``[N, k]``.
    refused : how many rows were left out because the pipeline refuses them.
    undetermined : how many were left out because the pipeline itself does not stand by its answer.
    """

    rows_are: Literal["shuffled", "real"]
    seed: int
    tags: tuple[str, ...]
    inputs: Tensors
    outputs: Tensors
    refused: int = 0
    undetermined: int = 0

    def __len__(self) -> int:
        return len(self.tags)

    def to_json(self) -> dict[str, Any]:
        """The vectors as JSON values; see ``docs/artifact.md``."""
        return {
            "artifact": KIND,
            "format": FORMAT,
            "rows_are": self.rows_are,
            "seed": self.seed,
            "rows": len(self),
            "refused": self.refused,
            "undetermined": self.undetermined,
            "tags": list(self.tags),
            "inputs": [tensors.to_json(name, array) for name, array in self.inputs.items()],
            "outputs": [tensors.to_json(name, array) for name, array in self.outputs.items()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Vectors:
        """Read back what :meth:`to_json` wrote.

        Raises
        ------
        ArtifactError
            If an entry is missing or of another type.
        """
        try:
            return cls(
                data["rows_are"],
                data["seed"],
                tuple(data["tags"]),
                {entry["name"]: tensors.from_json(entry) for entry in data["inputs"]},
                {entry["name"]: tensors.from_json(entry) for entry in data["outputs"]},
                data["refused"],
                data["undetermined"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"vectors.json holds no vectors of format {FORMAT}: {type(error).__name__}: {error}"
            ) from error


def record(
    signature: Signature,
    batches: Iterable[tuple[str, Any]],
    answer: Pipeline,
    *,
    rows_are: Literal["shuffled", "real"],
    seed: int,
    doubt: Doubt | None = None,
) -> Vectors:
    """Record the pipeline's answers.

    A batch in which some row is refused, by the pipeline or by the signature's domain, is halved until
    the refused rows stand alone; these are counted and left out.

    Parameters
    ----------
    batches : tag and raw rows (DataFrame, array, list or Series).
    answer : the pipeline: ``answer(method, rows)``; what it raises is a refusal by the rule of
        :func:`~onnxtwin.exporters.errors.is_refusal`.
    doubt : ``doubt(rows, inputs, outputs)`` says in which of some recorded rows (bool ``[N]``) the pipeline
        does not stand by its own answer; these are counted and left out.

    Raises
    ------
    ArtifactError
        If no row is left; the last refusal is the cause.
    """
    recorder = _Recorder(signature, answer, doubt)
    for tag, rows in batches:
        recorder.add(tag, rows, count_rows(rows))
    if not recorder.tags:
        raise ArtifactError(
            f"no vector could be recorded: of the rows {recorder.refused} are refused by the pipeline and "
            f"{recorder.undetermined} undetermined; hand over rows that it answers"
        ) from recorder.refusal
    outputs = [output for method in signature.methods for output in outputs_of(signature, method)]
    return Vectors(
        rows_are,
        seed,
        tuple(recorder.tags),
        {entry.name: _joined(recorder.inputs, entry.name) for entry in signature.inputs},
        {output.name: _joined(recorder.outputs, output.name) for output in outputs},
        recorder.refused,
        recorder.undetermined,
    )


def _joined(parts: list[Tensors], name: str) -> NDArray[Any]:
    return np.concatenate([part[name] for part in parts])


class _Recorder:
    def __init__(self, signature: Signature, answer: Pipeline, doubt: Doubt | None) -> None:
        self._signature = signature
        self._reader = RowReader(signature)
        self._answer = answer
        self._doubt = doubt
        self.tags: list[str] = []
        self.inputs: list[Tensors] = []
        self.outputs: list[Tensors] = []
        self.refused = 0
        self.undetermined = 0
        self.refusal: Exception | None = None

    def add(self, tag: str, rows: Any, count: int) -> None:
        if count == 0:
            return
        try:
            inputs, outputs = self._answers(rows)
        except Exception as error:
            if not is_refusal(error):
                raise
            if count == 1:
                self.refused += 1
                self.refusal = error
                return
            half = count // 2
            self.add(tag, take(rows, slice(0, half)), half)
            self.add(tag, take(rows, slice(half, count)), count - half)
            return
        kept = np.ones(count, dtype=np.bool_)
        if self._doubt is not None:
            kept = ~self._doubt(rows, inputs, outputs)
        self.undetermined += int(count - kept.sum())
        self.tags += [tag] * int(kept.sum())
        self.inputs.append({name: array[kept] for name, array in inputs.items()})
        self.outputs.append({name: array[kept] for name, array in outputs.items()})

    def _answers(self, rows: Any) -> tuple[Tensors, Tensors]:
        inputs = self._reader.read(rows).tensors
        outputs: Tensors = {}
        for method in self._signature.methods:
            answers = encode(self._signature, method, self._answer(method, rows))
            outputs |= {o.name: a for o, a in zip(outputs_of(self._signature, method), answers, strict=True)}
        return inputs, outputs


def choose(X: Any, rows: int, seed: int) -> Any:
    """At most so many rows of X, drawn without replacement, in their own order."""
    count = count_rows(X)
    if count <= rows:
        return X
    chosen = np.sort(np.random.default_rng(seed).choice(count, size=rows, replace=False))
    return take(X, chosen)


def anonymise(X: Any, seed: int) -> Any:
    """The rows with every column's values permuted by themselves, so that no row is anybody's.

    The values of each column remain, and so does what they say together (their distribution); only which
    belong together is lost. Of documents the words are permuted across all of them.

    Parameters
    ----------
    X : DataFrame, 1-D or 2-D array, list or Series of str; not changed.
    seed : of numpy's default generator.

    Returns
    -------
    Rows of the same form and dtypes; a DataFrame's index becomes 0, 1, 2, ...
    """
    rng = np.random.default_rng(seed)
    if is_frame(X):
        shuffled = X.reset_index(drop=True)
        for position in range(X.shape[1]):
            shuffled.isetitem(position, X.iloc[rng.permutation(len(X)), position].array)
        return shuffled
    if isinstance(X, np.ndarray) and X.ndim == 2:
        columns = [X[rng.permutation(len(X)), position] for position in range(X.shape[1])]
        return np.stack(columns, axis=1) if columns else X.copy()
    if is_series(X):
        return type(X)(_shuffled_words(X.tolist(), rng), dtype=X.dtype, name=X.name)
    words = _shuffled_words(X.tolist() if isinstance(X, np.ndarray) else list(X), rng)
    return np.array(words, dtype=X.dtype) if isinstance(X, np.ndarray) else words


def _shuffled_words(documents: list[str], rng: np.random.Generator) -> list[str]:
    """Documents of as many words each as before, drawn from the words of all."""
    lengths = [len(document.split()) for document in documents]
    words = [word for document in documents for word in document.split()]
    pool = iter([words[i] for i in rng.permutation(len(words))])
    return [" ".join(next(pool) for _ in range(length)) for length in lengths]


def count_rows(X: Any) -> int:
    """The number of rows of a DataFrame, array, list or Series."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def take(X: Any, rows: slice | NDArray[Any]) -> Any:
    """Rows of a DataFrame, array, list or Series, by position."""
    if is_frame(X) or is_series(X):
        return X.iloc[rows]
    if isinstance(X, np.ndarray):
        return X[rows]
    return X[rows] if isinstance(rows, slice) else [X[i] for i in rows]
