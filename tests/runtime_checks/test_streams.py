"""Rows that come in batches are checked as rows in memory are, and a small sample stands for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import flowers

import onnxtwin
from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks.check import SAMPLED
from onnxtwin.runtime_checks.progress import Step
from onnxtwin.runtime_checks.streams import InMemory, Reservoir, head, stream_of
from onnxtwin.twin import Twin


class Pieces:
    """A stream of frames as they are handed out, whatever size is asked for."""

    def __init__(self, pieces: list[Any], rows: int | None = None, y: Any = None) -> None:
        self.pieces = pieces
        self.rows = rows
        self.y = y
        self.asked: list[int] = []

    def batches(self, size: int) -> Iterator[tuple[Any, Any]]:
        self.asked.append(size)
        start = 0
        for piece in self.pieces:
            yield piece, None if self.y is None else self.y[start : start + len(piece)]
            start += len(piece)


@pytest.fixture(scope="module")
def twin() -> Twin:
    pipeline, X, _ = flowers()
    return onnxtwin.export(pipeline, X)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return flowers()[1]


class TestReservoir:
    def sample(self, sizes: list[int], seed: int = 0, keep: int = 50) -> pd.DataFrame:
        reservoir, start = Reservoir(keep, seed), 0
        for size in sizes:
            reservoir.add(pd.DataFrame({"place": np.arange(start, start + size)}))
            start += size
        rows: pd.DataFrame = reservoir.rows()
        return rows

    def test_it_holds_all_rows_in_order_while_they_fit(self) -> None:
        assert self.sample([20, 30])["place"].tolist() == list(range(50))

    def test_it_holds_so_many_rows_in_the_order_of_the_stream_and_no_more(self) -> None:
        places = self.sample([70, 1, 500, 0, 300])["place"]
        assert len(places) == 50
        assert places.is_monotonic_increasing
        assert places.is_unique

    def test_the_batches_do_not_matter_and_the_seed_does(self) -> None:
        together, apart = self.sample([900]), self.sample([7] * 128 + [4])
        assert together["place"].tolist() == apart["place"].tolist()
        assert together["place"].tolist() != self.sample([900], seed=1)["place"].tolist()

    def test_every_row_is_as_likely(self) -> None:
        drawn = [place for seed in range(400) for place in self.sample([30, 30, 40], seed, 10)["place"]]
        # Each of 100 rows is drawn 40 times on average, with a standard deviation of 6.
        counts = np.bincount(drawn, minlength=100)
        assert counts.min() > 10
        assert counts.max() < 70

    def test_it_never_holds_many_more_rows_than_it_keeps(self) -> None:
        reservoir = Reservoir(100, 0)
        for _ in range(200):
            reservoir.add(pd.DataFrame({"place": np.arange(1000)}))
            assert sum(map(len, reservoir._rows)) <= 300

    def test_categories_that_only_some_batches_have_survive(self) -> None:
        reservoir = Reservoir(10, 0)
        for value in "abc":
            reservoir.add(pd.DataFrame({"kind": pd.Categorical([value])}))
        assert reservoir.rows()["kind"].tolist() == ["a", "b", "c"]
        assert reservoir.rows()["kind"].dtype == pd.CategoricalDtype(["a", "b", "c"])

    def test_of_no_rows_there_is_no_sample(self) -> None:
        assert Reservoir(10, 0).rows() is None


class TestCheck:
    def test_a_stream_gives_the_report_of_the_same_rows_in_memory(
        self, twin: Twin, frame: pd.DataFrame
    ) -> None:
        stream = Pieces([frame.iloc[:40], frame.iloc[40:41], frame.iloc[41:]])
        options = {"cases": ["missing", "unknown"], "seed": 5}
        # A matrix product of another batch may differ in its last bit; what is counted does not.
        streamed, whole = (
            {
                (m.method, f): (t.rows, t.wrong, t.refused)
                for m in report.methods
                for f, t in m.families.items()
            }
            for report in (twin.check(stream, **options), twin.check(frame, **options))
        )
        assert streamed == whole

    def test_pieces_that_are_too_large_are_divided(self, twin: Twin, frame: pd.DataFrame) -> None:
        steps: list[Step] = []
        twin.check(Pieces([frame]), cases=False, batch_size=60, progress=steps.append)
        assert steps == [Step("sample", done, None, None) for done in (60, 120, 150)]

    def test_progress_knows_the_number_of_rows_where_the_stream_does(
        self, twin: Twin, frame: pd.DataFrame
    ) -> None:
        steps: list[Step] = []
        twin.check(Pieces([frame], rows=150), cases=False, progress=steps.append)
        assert steps == [Step("sample", 150, 150, 1.0)]

    def test_positions_count_through_the_whole_stream(self, twin: Twin, frame: pd.DataFrame) -> None:
        other, _, _ = flowers()
        other[0].transformers_[0][1][0].statistics_[0] += 1
        gaps = frame.fillna({"sepal length": 5.0})
        gaps.loc[120:, "sepal length"] = np.nan
        report = twin.check(Pieces([gaps.iloc[:90], gaps.iloc[90:]]), pipeline=other, cases=False)
        assert report["predict_proba"].worst is not None
        assert report["predict_proba"].worst.position is not None
        assert report["predict_proba"].worst.position >= 120

    def test_targets_come_with_the_stream(self, twin: Twin, frame: pd.DataFrame) -> None:
        y = flowers()[2]
        streamed = twin.check(Pieces([frame.iloc[:80], frame.iloc[80:]], y=y), cases=False)
        whole = twin.check(frame, y=y, cases=False)
        expected = {score.metric: pytest.approx(score.pipeline) for score in whole.metrics}
        assert {score.metric: score.pipeline for score in streamed.metrics} == expected
        assert list(expected) == ["accuracy", "log_loss"]

    def test_a_stream_that_lacks_a_column_later_on_ends_the_check(
        self, twin: Twin, frame: pd.DataFrame
    ) -> None:
        with pytest.raises(CheckError, match="the rows lack the columns"):
            twin.check(Pieces([frame.iloc[:50], frame.iloc[50:].drop(columns="colour")]))

    def test_an_empty_stream_is_not_green(self, twin: Twin) -> None:
        report = twin.check(Pieces([]))
        assert (report.verdict, report.exit_code) == ("nothing compared", 3)

    def test_cases_are_made_of_a_sample_of_bounded_size(
        self, twin: Twin, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from onnxtwin.runtime_checks.cases import registry

        seen: list[int] = []

        def spy(reference: Any, signature: Any, rows: Any, rng: Any) -> Iterator[Any]:
            seen.append(len(rows))
            yield rows.iloc[:1]

        monkeypatch.setitem(registry._FAMILIES, "spy", spy)
        many = pd.concat([frame] * 100, ignore_index=True)
        twin.check(many, cases=["spy"])
        assert seen == [SAMPLED]


class TestStreamOf:
    def test_targets_beside_a_stream_are_refused(self) -> None:
        with pytest.raises(CheckError, match="a stream brings its targets along"):
            stream_of(Pieces([]), y=[1])

    def test_a_frame_with_a_column_called_batches_is_rows(self) -> None:
        frame = pd.DataFrame({"batches": [1, 2]})
        assert isinstance(stream_of(frame), InMemory)

    @pytest.mark.parametrize("y", [[1, 2], 7])
    def test_there_is_one_target_a_row(self, y: Any) -> None:
        with pytest.raises(CheckError, match="give one a row"):
            stream_of(pd.DataFrame({"a": [1, 2, 3]}), y)

    def test_the_head_of_nothing_is_an_error(self) -> None:
        with pytest.raises(CheckError, match="there is no row to compare"):
            head(Pieces([]), 10)
