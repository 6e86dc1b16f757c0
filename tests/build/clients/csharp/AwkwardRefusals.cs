using System;
using System.Linq;
using System.Threading;
using Xunit;

namespace AwkwardClient.Tests;

public sealed class AwkwardRefusals : IDisposable
{
    private readonly Awkward _model = new();

    private static AwkwardRow Missing { get; } = new(
        homeDest: null,
        @class: null,
        @int: 3,
        def: null,
        column2ndHalf: null,
        größeCm: null,
        aB: null,
        aB2: null,
        aB3: true,
        predict: null,
        close: null,
        数量: 4,
        level: null,
        rank: null,
        sayHi0: null,
        toString_: null,
        lowLine: null);

    [Fact]
    public void A_whole_number_beyond_what_a_double_holds_is_refused()
    {
        var refusal = Assert.Throws<RowException>(() => _model.Predict(Missing with { AB = (1L << 53) + 1 }));
        Assert.Equal(RowFault.OutOfRange, refusal.Fault);
        Assert.Equal("a b", refusal.Column);
    }

    [Fact]
    public void Infinity_is_refused_in_double_and_float()
    {
        var one = Assert.Throws<RowException>(() => _model.Predict(Missing with { Def = double.NegativeInfinity }));
        var other = Assert.Throws<RowException>(() => _model.Predict(Missing with { Column2ndHalf = float.PositiveInfinity }));
        Assert.Equal((RowFault.NotFinite, "def"), (one.Fault, one.Column));
        Assert.Equal((RowFault.NotFinite, "2nd half"), (other.Fault, other.Column));
    }

    [Fact]
    public void Probabilities_are_read_by_class()
    {
        AwkwardProbabilities probabilities = _model.Predict(Missing).Probabilities;
        Assert.Equal(new[] { "class", "true" }, probabilities.Keys);
        Assert.Equal(probabilities.True, probabilities["true"]);
        Assert.Equal(1, probabilities.Values.Sum(), 12);
        Assert.False(probabilities.TryGetValue("maybe", out _));
        Assert.Contains("there are class, true", Assert.ThrowsAny<Exception>(() => probabilities["maybe"]).Message);
    }

    [Fact]
    public void Eight_threads_share_one_model_over_ten_thousand_calls_each()
    {
        AwkwardRow[] rows = Enumerable.Range(-50, 100)
            .Select(i => Missing with { Int = i, Class = i % 2 == 0 ? "x" : "y z", Def = i / 3.0 })
            .ToArray();
        AwkwardPrediction[] expected = rows.Select(row => _model.Predict(row)).ToArray();
        int wrong = 0;
        Thread[] threads = Enumerable.Range(0, 8).Select(start => new Thread(() =>
        {
            for (int call = 0; call < 10_000; call++)
            {
                int i = (start + call) % rows.Length;
                AwkwardPrediction found = _model.Predict(rows[i]);
                if (found.Label != expected[i].Label || found.Probabilities.True != expected[i].Probabilities.True)
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void A_model_that_is_disposed_of_ends_the_calls_under_way_first()
    {
        for (int round = 0; round < 20; round++)
        {
            var model = new Awkward();
            AwkwardPrediction expected = model.Predict(Missing);
            int refused = 0;
            Thread[] threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                try
                {
                    while (true)
                    {
                        Assert.Equal(expected.Label, model.Predict(Missing).Label);
                    }
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref refused);
                }
            })).ToArray();
            Array.ForEach(threads, thread => thread.Start());
            Thread.Sleep(5);
            model.Dispose();
            Array.ForEach(threads, thread => thread.Join());
            Assert.Equal(4, refused);
        }
    }

    public void Dispose() => _model.Dispose();
}
