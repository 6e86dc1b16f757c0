"""Rows from a file have the notebook's types; what cannot be read is an error that names the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handmade import MIXED, echo

from onnxtwin.build.rows import RowReader
from onnxtwin.build.tables import read_rows
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Column

EXTRA = (
    Column("code", "code", "object", "string", "token", True, "None"),
    Column("kind", "kind", "category", "string", "token", True, categories=("jet", "prop")),
    Column("level", "level", "category", "float64", "nan", True, categories=(1, 2)),
    Column("sure", "sure", "boolean", "float64", "nan", True),
    Column("7", 7, "float32", "float32", "nan", True),
)
SIGNATURE = echo((*MIXED, *EXTRA))[1]
FRAME = pd.DataFrame(
    {
        "distance": [0.1, np.nan, 1e308],
        "seats": [2**63 - 1, 0, -1],
        "late": [True, False, True],
        "carrier": pd.Series(["UA", "NA", None], dtype="str"),
        "left": pd.to_datetime(
            ["2013-01-01T10:00:00.5Z", None, "1969-12-31T23:59:59Z"], format="ISO8601"
        ).as_unit("us"),
        "delay": pd.to_timedelta([90, -5, 0], unit="s").as_unit("s"),
        "gate": pd.array([7, None, 2**53], dtype="Int64"),
        "code": pd.Series(["007", None, "1e5"], dtype=object),
        "kind": pd.Categorical(["jet", None, "balloon"], categories=["jet", "prop", "balloon"]),
        "level": pd.Categorical([1, None, 3], categories=[1, 2, 3]),
        "sure": pd.array([True, None, False], dtype="boolean"),
        7: np.array([0.5, np.nan, 3.0], dtype=np.float32),
        "unused": ["x", "y", "z"],
    }
)
WORDS = FRAME[["distance", "carrier"]].rename(columns=str)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    WORDS.to_parquet(tmp_path / "rows.parquet")
    got = read_rows(tmp_path / "rows.parquet", echo((MIXED[0], MIXED[3]))[1])
    pd.testing.assert_frame_equal(got, WORDS, check_column_type=False)


def test_csv_is_typed_as_the_notebook_typed_it(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    got = read_rows(tmp_path / "rows.csv", SIGNATURE)
    pd.testing.assert_frame_equal(got[list(FRAME)], FRAME, check_dtype=True)
    assert got["code"].tolist() == ["007", None, "1e5"]


def test_rows_of_a_csv_file_feed_the_graph_as_the_frame_does(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    reader = RowReader(SIGNATURE)
    expected = reader.read(FRAME).tensors
    for name, tensor in reader.read(read_rows(tmp_path / "rows.csv", SIGNATURE)).tensors.items():
        np.testing.assert_array_equal(tensor, expected[name])


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("distance", "far", r"column 'distance' \(float64 in the notebook\)"),
        ("seats", "1.5", "column 'seats'"),
        ("seats", "", "column 'seats'"),
        ("late", "1", "'1' is neither true nor false"),
        ("left", "yesterday", "column 'left'"),
        ("left", "2013-01-01T10:00:00", "column 'left'"),
        ("gate", "A5", "column 'gate'"),
        ("level", "high", "column 'level'"),
    ],
)
def test_a_text_of_another_type_names_file_and_column(
    tmp_path: Path, column: str, text: str, message: str
) -> None:
    frame = FRAME.astype(object).astype({7: object})
    frame.loc[1, column] = text
    frame.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(InputError, match=rf"rows\.csv: cannot be read as raw rows: .*{message}"):
        read_rows(tmp_path / "rows.csv", SIGNATURE)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_that_the_file_lacks_are_named(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"rows{suffix}"
    frame = FRAME[["distance", "unused"]]
    _ = frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
    with pytest.raises(InputError, match=r"lacks the columns seats, late, .*; it has distance, unused"):
        read_rows(file, SIGNATURE)


def test_a_truncated_parquet_file_is_named(tmp_path: Path) -> None:
    FRAME[["distance"]].to_parquet(tmp_path / "rows.parquet")
    content = (tmp_path / "rows.parquet").read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "rows.parquet").write_bytes(content[:length])
        with pytest.raises(InputError, match=r"rows\.parquet: cannot be read as raw rows"):
            read_rows(tmp_path / "rows.parquet", SIGNATURE)


def test_an_empty_or_ragged_csv_file_is_named(tmp_path: Path) -> None:
    for content in ("", "a,b\n1,2,3\n1,2,3,4\n"):
        (tmp_path / "rows.csv").write_text(content)
        with pytest.raises(InputError, match=r"rows\.csv"):
            read_rows(tmp_path / "rows.csv", SIGNATURE)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_rows(tmp_path / "rows.csv", SIGNATURE)
    (tmp_path / "rows.xlsx").write_bytes(b"")
    with pytest.raises(InputError, match=r"is no \.parquet or \.csv file"):
        read_rows(tmp_path / "rows.xlsx", SIGNATURE)
