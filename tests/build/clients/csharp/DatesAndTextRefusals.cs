using System;
using DatesAndTextClient;
using Xunit;

namespace DatesAndTextClient.Tests;

public sealed class DatesAndTextRefusals : IDisposable
{
    private readonly DatesAndText _model = new();

    private static DatesAndTextRow Good { get; } = new(
        orderedAt: new DateTimeOffset(2024, 2, 29, 12, 0, 0, TimeSpan.FromHours(1)),
        shippedOn: new DateTime(2024, 3, 1),
        handling: TimeSpan.FromHours(3),
        note: "gift 🎁 wrap",
        channel: "web",
        amount: 12.5);

    [Fact]
    public void A_value_that_must_not_be_missing_is_demanded()
    {
        Refused(Good with { Channel = null! }, RowFault.Missing, "channel");
    }

    [Fact]
    public void A_category_that_the_pipeline_does_not_know_is_refused()
    {
        RowException refusal = Refused(Good with { Channel = "Web" }, RowFault.UnknownValue, "channel");
        Assert.Equal("Web", refusal.Value);
        Assert.Contains("fax, phone, shop, web", refusal.Message);
    }

    [Fact]
    public void The_token_of_a_missing_text_is_refused()
    {
        Refused(Good with { Note = "__missing__" }, RowFault.ReservedText, "note");
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_refused()
    {
        foreach (string note in new[] { "\ud83c", "a\udf81b", "\udf81\ud83c" })
        {
            Refused(Good with { Note = note }, RowFault.BrokenText, "note");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("🎁")]
    public void Any_other_text_is_answered(string note)
    {
        Assert.True(double.IsFinite(_model.Predict(Good with { Note = note }).Value));
    }

    [Fact]
    public void A_text_does_not_stay_for_the_next_call()
    {
        double missing = _model.Predict(Good with { Note = null }).Value;
        _model.Predict(Good);
        Assert.Equal(missing, _model.Predict(Good with { Note = null }).Value);
    }

    [Fact]
    public void The_offset_of_an_instant_does_not_matter()
    {
        double paris = _model.Predict(Good).Value;
        Assert.Equal(paris, _model.Predict(Good with { OrderedAt = Good.OrderedAt!.Value.ToUniversalTime() }).Value);
    }

    [Theory]
    [InlineData(DateTimeKind.Utc)]
    [InlineData(DateTimeKind.Local)]
    public void A_time_zone_is_refused_where_the_column_has_none(DateTimeKind kind)
    {
        var instant = DateTime.SpecifyKind(new DateTime(2024, 3, 1), kind);
        Refused(Good with { ShippedOn = instant }, RowFault.TimeZone, "shipped_on");
    }

    [Fact]
    public void What_is_finer_than_the_columns_unit_is_refused()
    {
        Refused(Good with { ShippedOn = new DateTime(2024, 3, 1).AddMilliseconds(5) }, RowFault.NotExact, "shipped_on");
    }

    [Fact]
    public void A_duration_beyond_the_columns_nanoseconds_is_refused()
    {
        Refused(Good with { Handling = TimeSpan.MaxValue }, RowFault.OutOfRange, "handling");
    }

    [Fact]
    public void A_row_that_the_pipeline_refuses_while_computing_is_refused_with_its_step()
    {
        var refusal = Assert.Throws<DomainException>(() => _model.Predict(Good with { Amount = 0 }));
        Assert.StartsWith("columntransformer", refusal.Step);
        Assert.Equal(0, refusal.Row);
    }

    [Fact]
    public void The_wrong_row_of_a_batch_is_named()
    {
        DatesAndTextRow[] rows = { Good, Good, Good with { Channel = "" } };
        Assert.Equal(2, Assert.Throws<RowException>(() => _model.Predict(rows)).Row);
        Assert.Equal(1, Assert.Throws<DomainException>(() => _model.Predict(new[] { Good, Good with { Amount = 0 } })).Row);
    }

    [Fact]
    public void No_row_is_answered_with_no_answer()
    {
        Assert.Empty(_model.Predict(Array.Empty<DatesAndTextRow>()));
    }

    [Fact]
    public void Null_is_no_row()
    {
        Assert.Throws<ArgumentNullException>(() => _model.Predict((DatesAndTextRow)null!));
        Assert.Throws<ArgumentException>(() => _model.Predict(new[] { Good, null! }));
    }

    [Fact]
    public void A_file_that_is_another_one_is_refused_by_name()
    {
        var refusal = Assert.Throws<ModelFileException>(() => Resources.Read("DatesAndTextClient.model.onnx", "00"));
        Assert.Equal("DatesAndTextClient.model.onnx", refusal.File);
        Assert.Throws<ModelFileException>(() => Resources.Read("nothing", "00"));
    }

    public void Dispose() => _model.Dispose();

    private RowException Refused(DatesAndTextRow row, RowFault fault, string column)
    {
        var refusal = Assert.Throws<RowException>(() => _model.Predict(row));
        Assert.Equal(fault, refusal.Fault);
        Assert.Equal(column, refusal.Column);
        Assert.Contains($"'{column}'", refusal.Message);
        return refusal;
    }
}
