"""Each kind of column takes what it holds exactly, says where it cannot, and never guesses."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feeding import FLOAT, feeds, one, series

from onnxtwin.exporters.errors import DomainError, InputError
from onnxtwin.exporters.signature import MISSING_TOKEN, NAT, Column

NEVER = Column("x", "x", "float64", "float64", missing="nan")
FINITE = Column("x", "x", "float64", "float64", missing="nan", missing_allowed=True, finite=True)
SINGLE = Column("x", "x", "float32", "float32", missing="nan", missing_allowed=True)
INT = Column("x", "x", "int64", "int64")
SMALL = Column("x", "x", "uint8", "int64")
NULLABLE = Column("x", "x", "Int64", "float64", missing="nan", missing_allowed=True, exact_integer=True)
BOOL = Column("x", "x", "bool", "bool")
MAYBE = Column("x", "x", "boolean", "float64", missing="nan", missing_allowed=True)
TEXT = Column("x", "x", "str", "string", missing="token", missing_allowed=True)
NONES = Column("x", "x", "object", "string", missing="token", missing_allowed=True, missing_value="None")
UTC = Column("x", "x", "datetime64[us, UTC]", "int64", missing="nat", missing_allowed=True)
NAIVE = Column("x", "x", "datetime64[s]", "int64", missing="nat")
SPAN = Column("x", "x", "timedelta64[ms]", "int64", missing="nat", missing_allowed=True)
CATEGORY = Column(
    "x", "x", "category", "string", missing="token", missing_allowed=True, categories=("a", "b")
)


class TestNumbers:
    @pytest.mark.parametrize(
        "values", [[1, 2], np.int8([1, 2]), np.uint64([1, 2]), np.float32([1, 2]), np.float16([1, 2])]
    )
    def test_a_float_column_takes_any_number_that_it_holds_exactly(self, values: Any) -> None:
        assert series(FLOAT, pd.Series(values)) == [1.0, 2.0]
        assert one(FLOAT, *values) == [1.0, 2.0]

    @pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**63 - 1, 10**400])
    def test_an_integer_that_no_double_holds_is_refused(self, value: int) -> None:
        with pytest.raises(InputError, match=r"column 'x', row 1 .*found -?\d"):
            one(FLOAT, 1, value)
        if abs(value) < 2**63:
            with pytest.raises(InputError, match="float64 cannot hold it exactly"):
                series(FLOAT, pd.Series([1, value]))

    def test_a_large_integer_that_a_double_holds_is_taken(self) -> None:
        assert one(FLOAT, 2**60) == series(FLOAT, pd.Series([2**60])) == [2.0**60]

    @pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, np.float32("nan"), pd.NaT])
    def test_every_missing_value_of_a_dict_is_nan(self, missing: Any) -> None:
        assert math.isnan(one(FLOAT, missing)[0])
        with pytest.raises(DomainError, match=r"row 0 .*this column must not be missing"):
            one(NEVER, missing)

    @pytest.mark.parametrize("value", ["1.5", b"1", True, np.True_, 1j, [1.0], {}, dt.date(2020, 1, 1)])
    def test_what_is_no_number_is_refused(self, value: Any) -> None:
        with pytest.raises(InputError, match=r"column 'x', row 1 .*expected a number \(float64"):
            one(FLOAT, 1.0, value)

    @pytest.mark.parametrize("value", [math.inf, -math.inf])
    def test_infinity_is_taken_unless_the_pipeline_refuses_it(self, value: float) -> None:
        assert one(FLOAT, value) == series(FLOAT, pd.Series([value])) == [value]
        for hand_over in (one, lambda c, v: series(c, pd.Series([v]))):
            with pytest.raises(DomainError, match="the pipeline refuses infinity"):
                hand_over(FINITE, value)

    def test_negative_zero_and_subnormals_keep_their_bits(self) -> None:
        values = np.array([-0.0, 5e-324, -2.2250738585072011e-308])
        bits = values.view(np.int64).tolist()
        assert np.array(one(FLOAT, *values.tolist())).view(np.int64).tolist() == bits

    @pytest.mark.parametrize("dtype", ["str", "object", "bool", "datetime64[ns]", "complex128"])
    def test_a_frame_of_another_dtype_is_refused(self, dtype: str) -> None:
        with pytest.raises(InputError, match=r"column 'x': found dtype .*, expected float64; convert it"):
            series(FLOAT, pd.Series([1], dtype="int64").astype(dtype))

    @pytest.mark.parametrize("dtype", ["Int64", "UInt8", "Float64", "Float32"])
    def test_nullable_numbers_become_nan_where_missing(self, dtype: str) -> None:
        got = series(FLOAT, pd.Series([1, None], dtype=dtype))
        assert got[0] == 1.0
        assert math.isnan(got[1])

    def test_sparse_columns_are_taken(self) -> None:
        assert series(FLOAT, pd.Series([0.0, 1.5]).astype("Sparse[float64]")) == [0.0, 1.5]

    def test_python_floats_are_rounded_to_a_single_precision_column(self) -> None:
        assert one(SINGLE, 0.1, 3) == [float(np.float32(0.1)), 3.0]
        with pytest.raises(InputError, match="too large for float32"):
            one(SINGLE, 1e39)

    def test_a_double_column_is_not_rounded_to_single_precision(self) -> None:
        assert series(SINGLE, pd.Series([0.5])) == [0.5]
        with pytest.raises(InputError, match="float32 cannot hold it exactly"):
            series(SINGLE, pd.Series([0.5, 0.1]))


class TestIntegers:
    @pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, 0])
    def test_the_whole_range_of_int64_is_exact(self, value: int) -> None:
        assert one(INT, value) == series(INT, pd.Series([value], dtype="int64")) == [value]

    @pytest.mark.parametrize("value", [-(2**63) - 1, 2**63])
    def test_what_is_beyond_int64_is_refused(self, value: int) -> None:
        with pytest.raises(DomainError, match="this column holds -9223372036854775808 to"):
            one(INT, 0, value)

    def test_unsigned_integers_beyond_int64_are_refused(self) -> None:
        assert series(INT, pd.Series([2**63 - 1], dtype="uint64")) == [2**63 - 1]
        with pytest.raises(DomainError, match="row 1"):
            series(INT, pd.Series([1, 2**63], dtype="uint64"))

    def test_a_narrower_integer_column_keeps_its_range(self) -> None:
        assert one(SMALL, 0, 255) == series(SMALL, pd.Series([0, 255])) == [0, 255]
        for hand_over in (lambda v: one(SMALL, v), lambda v: series(SMALL, pd.Series([v]))):
            for value in (256, -1):
                with pytest.raises(DomainError, match="this column holds 0 to 255"):
                    hand_over(value)

    def test_whole_floats_are_taken_and_others_refused(self) -> None:
        assert one(INT, 3.0, np.float64(4)) == series(INT, pd.Series([3.0, 4.0])) == [3, 4]
        for value in (1.5, math.inf):
            with pytest.raises(InputError, match=r"row 1 .*expected a whole number"):
                one(INT, 1, value)
            with pytest.raises(InputError, match=r"row 1 .*expected a whole number"):
                series(INT, pd.Series([1.0, value]))
        with pytest.raises(DomainError, match="row 1"):
            series(INT, pd.Series([1.0, 2.0**63]))

    @pytest.mark.parametrize("missing", [None, math.nan])
    def test_an_integer_column_cannot_be_missing(self, missing: Any) -> None:
        with pytest.raises(DomainError, match=r"row 1 .*must not be missing"):
            one(INT, 1, missing)
        with pytest.raises(DomainError, match=r"row 1 .*must not be missing"):
            series(INT, pd.Series([1, missing]))
        with pytest.raises(DomainError, match=r"row 1 .*must not be missing"):
            series(INT, pd.Series([1, missing], dtype="Int64"))

    def test_nullable_integers_travel_as_doubles_within_their_exact_range(self) -> None:
        got = series(NULLABLE, pd.Series([2**53, None], dtype="Int64"))
        assert got[0] == 2.0**53
        assert math.isnan(got[1])
        assert one(NULLABLE, -(2**53)) == [-(2.0**53)]
        for hand_over in (
            lambda v: one(NULLABLE, v),
            lambda v: series(NULLABLE, pd.Series([v], dtype="Int64")),
        ):
            with pytest.raises(DomainError, match=r"within ±2\*\*53"):
                hand_over(2**53 + 1)

    @pytest.mark.parametrize("value", ["7", True, [7]])
    def test_what_is_no_integer_is_refused(self, value: Any) -> None:
        with pytest.raises(InputError, match="expected a whole number"):
            one(INT, value)


class TestFlags:
    def test_true_and_false_are_taken_from_python_numpy_and_pandas(self) -> None:
        assert one(BOOL, True, np.False_) == [True, False]
        assert series(BOOL, pd.Series([True, False])) == [True, False]
        assert series(BOOL, pd.Series([True, False], dtype="boolean")) == [True, False]

    @pytest.mark.parametrize("value", [1, 0, "true", 1.0])
    def test_numbers_and_words_are_no_flags(self, value: Any) -> None:
        with pytest.raises(InputError, match="expected True or False"):
            one(BOOL, value)
        with pytest.raises(InputError, match="expected bool"):
            series(BOOL, pd.Series([value]))

    def test_a_nullable_flag_travels_as_a_number(self) -> None:
        got = series(MAYBE, pd.Series([True, False, None], dtype="boolean"))
        assert got[:2] == [1.0, 0.0]
        assert math.isnan(got[2])
        assert math.isnan(one(MAYBE, None)[0])

    def test_a_plain_flag_cannot_be_missing(self) -> None:
        with pytest.raises(DomainError, match=r"row 1 .*must not be missing"):
            one(BOOL, True, None)
        with pytest.raises(DomainError, match=r"row 1 .*must not be missing"):
            series(BOOL, pd.Series([True, None], dtype="boolean"))


class TestTexts:
    @pytest.mark.parametrize("value", ["", " ", "naïve", "日本", "𝒳", "a\0b", "nan", "None", "x" * 10_000])
    def test_any_text_is_taken_as_it_is(self, value: str) -> None:
        assert one(TEXT, value) == series(TEXT, pd.Series([value], dtype=object)) == [value]

    @pytest.mark.parametrize("dtype", ["str", "string", "category", object])
    def test_every_text_dtype_of_pandas_is_taken(self, dtype: Any) -> None:
        assert series(TEXT, pd.Series(["p", "q"], dtype=dtype)) == ["p", "q"]

    def test_numpy_text_is_taken(self) -> None:
        assert feeds({"x": np.array(["p", "qq"])}, TEXT) == {"x": ["p", "qq"]}

    @pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
    def test_every_missing_value_of_a_dict_is_the_token(self, missing: Any) -> None:
        assert one(TEXT, missing, "a") == one(NONES, missing, "a") == [MISSING_TOKEN, "a"]

    @pytest.mark.parametrize("dtype", ["str", "category"])
    def test_a_missing_text_of_a_frame_is_the_token(self, dtype: str) -> None:
        assert series(TEXT, pd.Series(["a", None], dtype=dtype)) == ["a", MISSING_TOKEN]

    def test_none_and_nan_are_two_things_in_a_frame(self) -> None:
        assert series(NONES, pd.Series(["a", None], dtype=object)) == ["a", MISSING_TOKEN]
        with pytest.raises(InputError, match=r"row 1 .*the pipeline tells these apart"):
            series(NONES, pd.Series(["a", math.nan], dtype=object))
        with pytest.raises(InputError, match=r"row 1 .*X\['x'\] = X\['x'\].fillna\(np.nan\)"):
            series(TEXT, pd.Series(["a", None], dtype=object))

    def test_the_missing_token_itself_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"row 1 .*stands for a missing value"):
            one(TEXT, "a", MISSING_TOKEN)
        with pytest.raises(InputError, match=r"row 1 .*stands for a missing value"):
            series(TEXT, pd.Series(["a", MISSING_TOKEN]))

    @pytest.mark.parametrize("value", [5, 1.5, True, b"a", ["a"]])
    def test_what_is_no_text_is_refused(self, value: Any) -> None:
        with pytest.raises(InputError, match=r"row 1 .*expected text"):
            one(TEXT, "a", value)
        with pytest.raises(InputError, match=r"row 1 .*expected text"):
            series(TEXT, pd.Series(["a", value], dtype=object))

    def test_a_numeric_column_is_no_text(self) -> None:
        with pytest.raises(InputError, match="found dtype int64, expected str"):
            series(TEXT, pd.Series([1, 2]))

    def test_a_text_that_must_be_there(self) -> None:
        column = Column("x", "x", "str", "string", missing="token")
        with pytest.raises(DomainError, match=r"row 1 .*must not be missing"):
            one(column, "a", None)

    def test_a_frame_with_other_categories_goes_by_its_values(self) -> None:
        values = pd.Series(["b", "new", None], dtype=pd.CategoricalDtype(["new", "b"]))
        assert series(CATEGORY, values) == ["b", "new", MISSING_TOKEN]


class TestAcceptedValues:
    WORDS = Column(
        "x", "x", "str", "string", missing="token", missing_allowed=True, values=("UA", "AA", float("nan"))
    )
    CODES = Column("x", "x", "float64", "float64", missing="nan", missing_allowed=True, values=(1.0, 2.0))
    WHOLE = Column("x", "x", "int64", "int64", values=(1, 2))

    def test_known_and_missing_values_are_taken(self) -> None:
        assert one(self.WORDS, "UA", None) == ["UA", MISSING_TOKEN]
        assert series(self.WORDS, pd.Series(["AA", None])) == ["AA", MISSING_TOKEN]
        assert one(self.CODES, 1, 2.0, None)[:2] == [1.0, 2.0]
        assert one(self.WHOLE, 1) == [1]

    @pytest.mark.parametrize(("column", "value"), [(WORDS, "DL"), (CODES, 3.0), (WHOLE, 3)])
    def test_another_value_is_named_with_what_is_accepted(self, column: Column, value: Any) -> None:
        known = column.values[0]
        for hand_over in (
            lambda: one(column, known, value),
            lambda: series(column, pd.Series([known, value])),
        ):
            with pytest.raises(DomainError, match=r"row 1 .*the pipeline accepts only .*map it"):
                hand_over()


class TestInstants:
    TICKS = 1357034400 * 10**6

    @pytest.mark.parametrize(
        "value",
        [
            "2013-01-01T10:00:00Z",
            "2013-01-01 05:00:00-05:00",
            "2013-01-01T11:00:00.000000+0100",
            dt.datetime(2013, 1, 1, 10, tzinfo=dt.UTC),
            dt.datetime(2013, 1, 1, 5, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
            pd.Timestamp("2013-01-01 10:00", tz="UTC"),
            pd.Timestamp("2013-01-01 11:00", tz="Europe/Berlin"),
        ],
    )
    def test_one_instant_has_many_spellings(self, value: Any) -> None:
        assert one(UTC, value) == [self.TICKS]

    @pytest.mark.parametrize(
        "value",
        ["1969-12-31T23:59:59", np.datetime64("1969-12-31T23:59:59"), dt.datetime(1969, 12, 31, 23, 59, 59)],
    )
    def test_instants_before_the_epoch_count_backwards(self, value: Any) -> None:
        assert one(NAIVE, value) == [-1]

    def test_dates_are_midnights(self) -> None:
        assert one(NAIVE, "1970-01-02", np.datetime64("1970-01-02"), np.datetime64("1970-02")) == [
            86400,
            86400,
            31 * 86400,
        ]

    @pytest.mark.parametrize("missing", [None, pd.NaT, np.datetime64("NaT"), math.nan])
    def test_a_missing_instant_is_the_smallest_int64(self, missing: Any) -> None:
        assert one(UTC, missing) == [NAT]
        with pytest.raises(DomainError, match="must not be missing"):
            one(NAIVE, missing)

    @pytest.mark.parametrize(
        "value", ["2013-01-01T10:00:00", np.datetime64("2013-01-01"), dt.datetime(2013, 1, 1)]
    )
    def test_a_column_with_a_zone_takes_no_instant_without_one(self, value: Any) -> None:
        with pytest.raises(InputError, match="has no time zone, and the column has one"):
            one(UTC, value)

    @pytest.mark.parametrize("value", ["2013-01-01T10:00:00Z", dt.datetime(2013, 1, 1, tzinfo=dt.UTC)])
    def test_a_column_without_a_zone_takes_no_instant_with_one(self, value: Any) -> None:
        with pytest.raises(InputError, match="has a time zone, and the column has none"):
            one(NAIVE, value)

    @pytest.mark.parametrize(
        "value", ["2013-02-30", "yesterday", "01/02/2013", "2013", 5, 1.5, dt.date(2013, 1, 1)]
    )
    def test_what_is_no_instant_is_refused(self, value: Any) -> None:
        with pytest.raises(InputError, match=r"row 0 .*expected an instant without a time zone"):
            one(NAIVE, value)

    @pytest.mark.parametrize(
        "value", ["2013-01-01T10:00:00.5", np.datetime64("2013-01-01T10:00:00.000000001")]
    )
    def test_an_instant_between_two_ticks_is_refused(self, value: Any) -> None:
        with pytest.raises(InputError, match="finer than the column's unit, s"):
            one(NAIVE, value)

    def test_nanoseconds_of_text_and_timestamps_are_kept(self) -> None:
        column = Column("x", "x", "datetime64[ns]", "int64", missing="nat")
        text = "2013-01-01T10:00:00.123456789"
        wanted = [1357034400_123456789]
        assert (
            one(column, text) == one(column, pd.Timestamp(text)) == one(column, np.datetime64(text)) == wanted
        )

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_a_frame_in_another_unit_is_converted_exactly(self, unit: str) -> None:
        values = pd.Series(["2013-01-01T10:00:00Z", None]).pipe(pd.to_datetime).dt.as_unit(unit)
        assert series(UTC, values) == [self.TICKS, NAT]

    def test_a_frame_with_finer_instants_is_refused_at_the_row(self) -> None:
        values = pd.to_datetime(
            pd.Series(["2013-01-01", "2013-01-01T00:00:00.5"], dtype=object), format="ISO8601"
        )
        with pytest.raises(InputError, match=r"row 1 .*no exact value in s"):
            series(NAIVE, values)

    def test_instants_that_overflow_a_finer_unit_are_refused(self) -> None:
        column = Column("x", "x", "datetime64[ns]", "int64", missing="nat")
        with pytest.raises(InputError, match=r"row 0 .*no exact value in ns"):
            series(column, pd.Series(np.array(["9999-01-01"], dtype="datetime64[s]")))
        with pytest.raises(InputError, match="beyond what int64 holds in ns"):
            one(column, "9999-01-01")

    def test_a_frame_in_another_zone_is_refused(self) -> None:
        values = pd.Series(pd.to_datetime(["2013-01-01T10:00:00Z"]))
        with pytest.raises(InputError, match=r"Europe/Berlin.*expected datetime64"):
            series(UTC, values.dt.tz_convert("Europe/Berlin"))
        with pytest.raises(InputError, match="found dtype datetime64"):
            series(UTC, values.dt.tz_localize(None))
        with pytest.raises(InputError, match="UTC"):
            series(NAIVE, values)

    @pytest.mark.parametrize(
        "value",
        [
            dt.timedelta(seconds=1.5),
            np.timedelta64(1500, "ms"),
            pd.Timedelta("1.5s"),
            np.timedelta64(1500000, "us"),
        ],
    )
    def test_one_duration_has_many_spellings(self, value: Any) -> None:
        assert one(SPAN, value) == [1500]

    def test_durations_of_a_frame(self) -> None:
        assert series(SPAN, pd.Series([pd.Timedelta("1.5s"), pd.NaT])) == [1500, NAT]
        with pytest.raises(InputError, match="found dtype datetime64"):
            series(SPAN, pd.Series(pd.to_datetime(["2013-01-01"])))

    @pytest.mark.parametrize("value", ["1s", 5, dt.timedelta(microseconds=1), np.timedelta64(1, "M")])
    def test_what_is_no_duration_is_refused(self, value: Any) -> None:
        with pytest.raises(InputError, match="expected a duration"):
            one(SPAN, value)
