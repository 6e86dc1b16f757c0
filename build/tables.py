"""Raw rows from files, a batch at a time, typed as the notebook typed them.

Needs pandas; Parquet needs pyarrow.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from onnxtwin.build.instants import parse_dtype
from onnxtwin.build.texts import as_category, typed, with_gaps
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Column, Signature

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".parquet", ".csv")

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""How a folder ``column=value`` names a missing value (Hive, Spark, pyarrow)."""

_TAIL = 2**16
"""Bytes of a CSV file in which its last row is looked for."""


def open_rows(
    paths: str | Path | Sequence[str | Path], signature: Signature, target: Column | None = None
) -> Files:
    """Raw rows in Parquet and CSV files, and in folders of Parquet files, in the order given.

    Only the columns of the signature are read, in its order. Parquet columns keep their types, but for what
    depends on the rows that a file happens to hold: a categorical column gets the notebook's categories,
    whole numbers become float64 where the notebook has that, a missing text is what it is there; and instants
    get the notebook's unit, which not every file can say. CSV has no types: each column is read as the
    notebook typed it, an empty field as missing. The files of a folder are taken in the order of their names;
    a folder ``column=value`` in it gives its files that column.

    Parameters
    ----------
    paths : files, or folders that hold ``.parquet`` files at any depth.
    target : the column that holds the targets, of the type it has in the notebook.

    Raises
    ------
    InputError
        If there is no such file, one is of another kind, truncated, or lacks a column.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    found = [file for path in listed for file in _files(Path(path))]
    if not found:
        raise InputError("no data file was named")
    return Files([_open(file, folder, signature, target) for file, folder in found], signature, target)


class Files:
    """Rows of several files as one; made by :func:`open_rows`.

    Attributes
    ----------
    rows : how many there are in all; None where a CSV file is among them, which does not say.
    """

    def __init__(
        self, files: Sequence[_ParquetFile | _CsvFile], signature: Signature, target: Column | None
    ) -> None:
        self._files = files
        self._signature = signature
        self._target = target
        counts = [file.rows for file in files]
        self.rows = None if None in counts else sum(count for count in counts if count is not None)

    def batches(self, size: int) -> Iterator[tuple[Any, Any]]:
        """Rows as the pipeline takes them, and their targets ``[N]`` or None, up to ``size`` at a time.

        Raises
        ------
        InputError
            If a file cannot be read to its end, or a value is not of its column's type.
        """
        for frame in self._even(size):
            targets = None if self._target is None else frame[self._target.label].to_numpy()
            yield self._contained(frame), targets

    def _even(self, size: int) -> Iterator[pd.DataFrame]:
        """Frames of up to ``size`` rows; those of many small files come together."""
        held: list[pd.DataFrame] = []
        for file in self._files:
            with _blame(file.path):
                for frame in file.frames(size):
                    if held and sum(map(len, held)) + len(frame) > size:
                        yield self._together(held)
                        held = []
                    held.append(frame)
        if held:
            yield self._together(held)

    def _together(self, frames: list[pd.DataFrame]) -> pd.DataFrame:
        import pandas as pd

        frame = frames[0] if len(frames) == 1 else pd.concat([_plain(f) for f in frames], ignore_index=True)
        for column in self._signature.columns:
            frame[column.label] = _alike(frame[column.label], column)
        return frame

    def _contained(self, frame: pd.DataFrame) -> Any:
        columns = frame[[column.label for column in self._signature.columns]]
        if self._signature.container == "matrix":
            matrix = columns.to_numpy()
            return matrix.astype("U") if self._signature.columns[0].dtype == "str" else matrix
        if self._signature.container == "documents":
            return columns.iloc[:, 0].tolist()
        return columns


def _alike(values: Any, column: Column) -> Any:
    """A column (Series) whose type depends on the file's rows as the notebook has it."""
    import pandas as pd

    dtype = values.dtype
    if column.dtype == "category":
        if isinstance(dtype, pd.CategoricalDtype) and tuple(dtype.categories) == column.categories:
            return values
        return as_category(_plain(values.to_frame()).iloc[:, 0], column)
    if column.dtype == "float64" and dtype.kind in "iu":
        return values.astype("float64")
    if column.dtype == "object" and column.tensor == "string":
        return with_gaps(values.astype(object), column)
    return _in_unit(values, column)


def _in_unit(values: Any, column: Column) -> Any:
    """Instants (a Series) in the notebook's unit, which Parquet need not know, if it says them exactly."""
    wanted, found = parse_dtype(column.dtype), parse_dtype(str(values.dtype))
    if wanted is None or found is None or (wanted[0], wanted[2]) != (found[0], found[2]):
        return values
    converted = values.dt.as_unit(wanted[1])
    same = (converted == values) | values.isna()
    return converted if same.all() else values


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Categorical columns as plain values: files need not have the same categories."""
    import pandas as pd

    return frame.astype(
        {
            name: dtype.categories.dtype if dtype.categories.dtype.kind not in "iub" else object
            for name, dtype in frame.dtypes.items()
            if isinstance(dtype, pd.CategoricalDtype)
        }
    )


def _files(path: Path) -> list[tuple[Path, Path]]:
    """The files behind a path, each with the folder that was named (its own, for a file)."""
    if path.is_dir():
        files = [
            (file, path)
            for file in sorted(path.rglob("*.parquet"))
            if not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)
        ]
        if not files:
            raise InputError(f"{path}: this folder holds no .parquet file; name one that does, or a CSV file")
        return files
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; name a {' or '.join(SUFFIXES)} file of raw rows")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: is no {' or '.join(SUFFIXES)} file; convert it to one of these")
    return [(path, path.parent)]


def _open(file: Path, folder: Path, signature: Signature, target: Column | None) -> _ParquetFile | _CsvFile:
    wanted = [*signature.columns, *([] if target is None else [target])]
    if file.suffix == ".csv":
        return _CsvFile(file, wanted, signature)
    return _ParquetFile(file, wanted, signature, _partition(file.relative_to(folder)))


def _partition(path: Path) -> dict[str, str | None]:
    """The values that the folders of a file name: ``year=2013/month=1/part.parquet``."""
    pairs = [part.partition("=") for part in path.parts[:-1] if "=" in part]
    return {unquote(name): None if value == _NO_VALUE else unquote(value) for name, _, value in pairs}


class _CsvFile:
    """One CSV file; it does not say how many rows it holds."""

    rows: int | None = None

    def __init__(self, path: Path, wanted: list[Column], signature: Signature) -> None:
        import pandas as pd

        self.path = path
        self._wanted = wanted
        with _blame(path):
            header = list(pd.read_csv(path, nrows=0).columns)
            _demand_whole(path, header)
        self._names = _matched(path, header, wanted, signature)

    def frames(self, size: int) -> Iterator[pd.DataFrame]:
        """The rows in order, up to ``size`` at a time."""
        import pandas as pd

        # As text first: only the words of the file itself, no guess of what "NA" or "1e3" might mean.
        with pd.read_csv(
            self.path,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            usecols=list(dict.fromkeys(self._names.values())),
            chunksize=size,
        ) as chunks:
            for texts in chunks:
                yield pd.DataFrame(
                    {column.label: typed(texts[self._names[column.label]], column) for column in self._wanted}
                )


def _demand_whole(path: Path, header: list[Any]) -> None:
    """Raise ValueError for a last row that breaks off; pandas would fill it up with missing values."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        last = file.read().rpartition(b"\n")[2].decode("utf-8", errors="replace")
    fields = next(csv.reader([last]), [])
    # Within quotes a line break is part of a field, and this may be the rest of one.
    if fields and len(fields) < len(header) and last.count('"') % 2 == 0:
        raise ValueError(f"its last row breaks off: it has {len(fields)} of {len(header)} fields")


class _ParquetFile:
    """One Parquet file, read a piece at a time: a row group need not fit into memory."""

    def __init__(
        self, path: Path, wanted: list[Column], signature: Signature, partition: dict[str, str | None]
    ) -> None:
        self.path = path
        self._wanted = wanted
        self._partition = partition
        with _blame(path), self._opened() as file:
            self.rows: int | None = file.metadata.num_rows
            present = [*file.schema_arrow.names, *partition]
        self._names = _matched(path, present, wanted, signature)

    def frames(self, size: int) -> Iterator[pd.DataFrame]:
        """The rows in order, up to ``size`` at a time."""
        import pandas as pd

        names = dict.fromkeys(name for name in self._names.values() if name not in self._partition)
        with self._opened() as file:
            for batch in file.iter_batches(size, columns=list(names)):
                # The schema carries pandas' own types, and which column was the index.
                stored = batch.to_pandas()
                if any(name is not None for name in stored.index.names):
                    stored = stored.reset_index()
                yield pd.DataFrame({column.label: self._column(stored, column) for column in self._wanted})

    def _column(self, stored: pd.DataFrame, column: Column) -> Any:
        import pandas as pd

        name = self._names[column.label]
        if name not in self._partition:
            return stored[name]
        texts = pd.Series([self._partition[name]] * len(stored), dtype="str")
        return typed(texts, column)

    def _opened(self) -> Any:
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError as error:
            raise InputError(
                f"{self.path}: reading Parquet needs pyarrow, which is not installed: "
                "pip install 'onnxtwin[parquet]', or hand over a CSV file"
            ) from error
        return ParquetFile(self.path, buffer_size=2**20)


def _matched(
    path: Path, present: list[Any], wanted: list[Column], signature: Signature
) -> dict[str | int, str]:
    """The file's name of each wanted column, by label.

    Where the notebook had a matrix or documents, whose columns have no names, they may go by position.
    """
    names = [str(name) for name in present]
    found = {column.label: column.name for column in wanted if column.name in names}
    lacking = [column for column in wanted if column.label not in found]
    unnamed = [c for c in signature.columns if c.label not in found] == list(signature.columns)
    free = [name for name in names if name not in found.values()]
    if unnamed and signature.container != "DataFrame" and len(free) == len(signature.columns) == len(lacking):
        return found | {column.label: name for column, name in zip(signature.columns, free, strict=True)}
    if lacking:
        told = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        raise InputError(
            f"{path}: lacks the columns {', '.join(column.name for column in lacking)}; it has {told}"
        )
    return found


@contextlib.contextmanager
def _blame(file: Path) -> Iterator[None]:
    """Say which file it is that cannot be read."""
    import pandas as pd

    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError, OSError, NotImplementedError, pd.errors.ParserError) as error:
        raise InputError(f"{file}: cannot be read as raw rows: {error}") from error
