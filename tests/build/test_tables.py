"""Rows from files have the notebook's types, a batch at a time; what cannot be read names the file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import MIXED, echo

from onnxtwin.build.rows import RowReader
from onnxtwin.build.tables import open_rows
from onnxtwin.exporters.errors import InputError
from onnxtwin.exporters.signature import Column, Signature

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
COLUMNS = list(FRAME)[:-1]
TWO = echo((MIXED[0], MIXED[3]))[1]
HOME = echo((Column("home.dest", "home.dest", "str", "string", "token", True), MIXED[0]))[1]


def read(path: Any, signature: Signature, size: int = 1000) -> pd.DataFrame:
    return pd.concat([X for X, _ in open_rows(path, signature).batches(size)], ignore_index=True)


def numbered(rows: int, start: int = 0) -> pd.DataFrame:
    carriers = np.array(["UA", "AA", None], dtype=object)
    return pd.DataFrame(
        {
            "distance": np.arange(start, start + rows) / 8,
            "carrier": pd.Series(carriers[np.arange(rows) % 3], dtype="str"),
        }
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_is_typed_as_the_notebook_typed_it(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"rows{suffix}"
    _ = FRAME.to_csv(file, index=False) if suffix == ".csv" else FRAME.rename(columns=str).to_parquet(file)
    got = read(file, SIGNATURE)
    pd.testing.assert_frame_equal(got, FRAME[COLUMNS], check_dtype=True)
    assert got["code"].tolist() == ["007", None, "1e5"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_of_a_file_feed_the_graph_as_the_frame_does(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"rows{suffix}"
    _ = FRAME.to_csv(file, index=False) if suffix == ".csv" else FRAME.rename(columns=str).to_parquet(file)
    reader = RowReader(SIGNATURE)
    expected = reader.read(FRAME).tensors
    for name, tensor in reader.read(read(file, SIGNATURE)).tensors.items():
        np.testing.assert_array_equal(tensor, expected[name])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_come_in_batches_in_the_order_of_the_file(tmp_path: Path, suffix: str) -> None:
    frame, file = numbered(25), tmp_path / f"rows{suffix}"
    _ = frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file, row_group_size=7)
    rows = open_rows(file, TWO)
    assert rows.rows == (None if suffix == ".csv" else 25)
    for _ in range(2):  # each call starts anew
        batches = [X for X, _ in rows.batches(10)]
        assert max(map(len, batches)) <= 10
        pd.testing.assert_frame_equal(pd.concat(batches, ignore_index=True), frame)


def test_columns_are_those_of_the_notebook_in_its_order_and_no_others(tmp_path: Path) -> None:
    frame = numbered(5)[["carrier", "distance"]].assign(customer="x")
    frame.to_parquet(tmp_path / "rows.parquet")
    assert list(read(tmp_path / "rows.parquet", TWO)) == ["distance", "carrier"]


def test_a_column_may_be_called_after_a_place_in_a_structure_or_be_the_index(tmp_path: Path) -> None:
    frame = pd.DataFrame({"home.dest": ["Paris", "Rome"], "distance": [1.0, 2.0], "home": ["x", "y"]})
    frame.to_parquet(tmp_path / "plain.parquet")
    frame.set_index("home.dest").to_parquet(tmp_path / "indexed.parquet")
    for name in ("plain", "indexed"):
        assert read(tmp_path / f"{name}.parquet", HOME)["home.dest"].tolist() == ["Paris", "Rome"]


class TestFolders:
    def test_files_are_read_in_the_order_of_their_names_and_small_ones_together(self, tmp_path: Path) -> None:
        for part in range(6):
            numbered(4, 4 * part).to_parquet(tmp_path / f"part-{part}.parquet")
        (tmp_path / "_SUCCESS").write_text("")
        (tmp_path / "_temporary").mkdir()
        (tmp_path / "_temporary" / "part-9.parquet").write_bytes(b"half written")
        rows = open_rows(tmp_path, TWO)
        assert rows.rows == 24
        assert [len(X) for X, _ in rows.batches(10)] == [8, 8, 8]
        assert read(tmp_path, TWO)["distance"].tolist() == [i / 8 for i in range(24)]

    def test_folders_name_the_value_of_a_column(self, tmp_path: Path) -> None:
        for carrier, value in (("carrier=UA", 1.0), ("carrier=__HIVE_DEFAULT_PARTITION__", 2.0)):
            (tmp_path / carrier).mkdir()
            pd.DataFrame({"distance": [value]}).to_parquet(tmp_path / carrier / "part.parquet")
        got = read(tmp_path, TWO)
        assert got["distance"].tolist() == [1.0, 2.0]
        assert got["carrier"].isna().tolist() == [False, True]
        assert got["carrier"][0] == "UA"

    def test_files_need_not_have_the_same_categories_nor_the_same_gaps(self, tmp_path: Path) -> None:
        columns = (EXTRA[1], Column("seen", "seen", "float64", "float64", "nan", True))
        signature = echo(columns)[1]
        first = pd.DataFrame({"kind": pd.Categorical(["prop", "balloon"]), "seen": [1, 2]})
        second = pd.DataFrame({"kind": pd.Categorical(["kite", None, "jet"]), "seen": [np.nan, 3, 4]})
        for i, frame in enumerate((first, second)):
            frame.to_parquet(tmp_path / f"{i}.parquet")
        got = [X for X, _ in open_rows(tmp_path, signature).batches(2)]
        assert [X["seen"].dtype.name for X in got] == ["float64", "float64", "float64"]
        together = read(tmp_path, signature, 10)
        assert together["kind"].tolist()[:3] == ["prop", "balloon", "kite"]
        assert list(together["kind"].cat.categories) == ["jet", "prop", "balloon", "kite"]

    def test_a_folder_without_parquet_files_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text("a\n1\n")
        with pytest.raises(InputError, match=r"holds no \.parquet file"):
            open_rows(tmp_path, TWO)


def test_several_files_of_both_kinds_are_one_stream(tmp_path: Path) -> None:
    numbered(3).to_csv(tmp_path / "a.csv", index=False)
    numbered(4, 3).to_parquet(tmp_path / "b.parquet")
    rows = open_rows([tmp_path / "a.csv", tmp_path / "b.parquet"], TWO)
    assert rows.rows is None
    assert read([tmp_path / "a.csv", tmp_path / "b.parquet"], TWO)["distance"].tolist() == [
        i / 8 for i in range(7)
    ]


class TestTargets:
    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_a_column_holds_them(self, tmp_path: Path, suffix: str) -> None:
        frame, file = numbered(6).assign(late=[True, False] * 3), tmp_path / f"rows{suffix}"
        _ = frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
        late = Column("late", "late", "bool", "bool")
        batches = list(open_rows(file, TWO, late).batches(4))
        assert [list(X) for X, _ in batches] == [["distance", "carrier"]] * 2
        assert np.concatenate([y for _, y in batches]).tolist() == [True, False] * 3

    def test_the_column_has_to_be_there(self, tmp_path: Path) -> None:
        numbered(2).to_csv(tmp_path / "rows.csv", index=False)
        with pytest.raises(InputError, match="lacks the columns late; it has distance, carrier"):
            open_rows(tmp_path / "rows.csv", TWO, Column("late", "late", "bool", "bool"))


class TestRowsWithoutColumnNames:
    MATRIX = Signature(
        "matrix", "columns", tuple(Column(str(i), i, "float64", "float64") for i in (0, 1)), (), ()
    )
    DOCUMENTS = Signature("documents", "columns", (Column("X", 0, "str", "string"),), (), ())

    @pytest.mark.parametrize("names", [["0", "1"], ["age", "fare"]])
    def test_a_matrix_goes_by_position_where_the_names_say_nothing(
        self, tmp_path: Path, names: list[str]
    ) -> None:
        pd.DataFrame([[1, 2.5], [3, 4.5]], columns=names).to_csv(tmp_path / "rows.csv", index=False)
        ((X, _),) = open_rows(tmp_path / "rows.csv", self.MATRIX).batches(10)
        assert X.dtype == np.float64
        assert X.tolist() == [[1.0, 2.5], [3.0, 4.5]]

    def test_a_matrix_of_another_width_is_refused(self, tmp_path: Path) -> None:
        pd.DataFrame([[1.0, 2.0, 3.0]], columns=list("abc")).to_parquet(tmp_path / "rows.parquet")
        with pytest.raises(InputError, match="lacks the columns 0, 1; it has a, b, c"):
            open_rows(tmp_path / "rows.parquet", self.MATRIX)

    def test_documents_are_a_list_of_texts(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"review": ["good", "not, so good"], "stars": [5, 2]})
        frame.to_csv(tmp_path / "rows.csv", index=False)
        stars = Column("stars", "stars", "int64", "int64")
        ((X, y),) = open_rows(tmp_path / "rows.csv", self.DOCUMENTS, stars).batches(10)
        assert X == ["good", "not, so good"]
        assert y.tolist() == [5, 2]


class TestRefusals:
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
        self, tmp_path: Path, column: str, text: str, message: str
    ) -> None:
        frame = FRAME.astype(object).astype({7: object})
        frame.loc[1, column] = text
        frame.to_csv(tmp_path / "rows.csv", index=False)
        with pytest.raises(InputError, match=rf"rows\.csv: cannot be read as raw rows: .*{message}"):
            read(tmp_path / "rows.csv", SIGNATURE)

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_columns_that_the_file_lacks_are_named(self, tmp_path: Path, suffix: str) -> None:
        file = tmp_path / f"rows{suffix}"
        frame = FRAME[["distance", "unused"]]
        _ = frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
        with pytest.raises(InputError, match=r"lacks the columns seats, late, .*; it has distance, unused"):
            open_rows(file, SIGNATURE)

    def test_a_truncated_parquet_file_is_named_before_anything_runs(self, tmp_path: Path) -> None:
        FRAME[["distance"]].to_parquet(tmp_path / "rows.parquet")
        content = (tmp_path / "rows.parquet").read_bytes()
        for length in (0, 10, len(content) // 2, len(content) - 1):
            (tmp_path / "rows.parquet").write_bytes(content[:length])
            with pytest.raises(InputError, match=r"rows\.parquet: cannot be read as raw rows"):
                open_rows(tmp_path / "rows.parquet", SIGNATURE)

    def test_a_parquet_file_damaged_within_is_named_when_its_rows_are_read(self, tmp_path: Path) -> None:
        numbered(2000).to_parquet(tmp_path / "rows.parquet")
        content = bytearray((tmp_path / "rows.parquet").read_bytes())
        content[4:2000] = b"\xff" * 1996
        (tmp_path / "rows.parquet").write_bytes(content)
        rows = open_rows(tmp_path / "rows.parquet", TWO)
        with pytest.raises(InputError, match=r"rows\.parquet: cannot be read as raw rows"):
            list(rows.batches(100))

    @pytest.mark.parametrize("content", ["", "a,b\n1,2,3\n1,2,3,4\n"])
    def test_an_empty_or_ragged_csv_file_is_named(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "rows.csv").write_text(content)
        with pytest.raises(InputError, match=r"rows\.csv"):
            read(tmp_path / "rows.csv", SIGNATURE)

    def test_a_csv_file_whose_last_row_breaks_off_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text("distance,seats,carrier\n1.0,2,UA\n1.0,")
        with pytest.raises(InputError, match="its last row breaks off: it has 2 of 3 fields"):
            open_rows(tmp_path / "rows.csv", TWO)

    def test_a_line_break_within_quotes_is_no_broken_row(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text('distance,carrier\n1.0,"U\nA"')
        assert read(tmp_path / "rows.csv", TWO)["carrier"].tolist() == ["U\nA"]

    def test_a_file_that_is_not_there_or_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="there is no such file"):
            open_rows(tmp_path / "rows.csv", SIGNATURE)
        (tmp_path / "rows.xlsx").write_bytes(b"")
        with pytest.raises(InputError, match=r"is no \.parquet or \.csv file"):
            open_rows(tmp_path / "rows.xlsx", SIGNATURE)

    def test_parquet_without_pyarrow_says_how_to_get_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbered(2).to_parquet(tmp_path / "rows.parquet")
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
        with pytest.raises(InputError, match=r"needs pyarrow.*pip install 'onnxtwin\[parquet\]'"):
            open_rows(tmp_path / "rows.parquet", TWO)
