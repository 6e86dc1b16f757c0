using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace NAMESPACE.Tests;

/// <summary>Rows that come as tensors are made typed rows, and every typed answer is compared.</summary>
public sealed class HeldOutTests
{
    private static readonly Dictionary<string, long> s_hundreds = new()
    {
        ["s"] = 10_000_000, ["ms"] = 10_000, ["us"] = 10, ["ns"] = 0,
    };

    [Fact]
    public void Typed_rows_have_the_pipelines_answers()
    {
        using JsonDocument held = JsonDocument.Parse(File.ReadAllBytes(Environment.GetEnvironmentVariable("HELD_OUT")!));
        using JsonDocument contract = JsonDocument.Parse(Contract());
        Dictionary<string, (object[] Values, int Width)> inputs = Tensors(held.RootElement.GetProperty("inputs"));
        object[] columns = contract.RootElement.GetProperty("columns").EnumerateArray().Cast<object>().ToArray();
        ConstructorInfo make = typeof(ROW).GetConstructors().Single(c => c.GetParameters().Length == columns.Length);
        var places = new Dictionary<string, (string Input, int Place)>();
        foreach (JsonElement input in contract.RootElement.GetProperty("inputs").EnumerateArray())
        {
            int place = 0;
            foreach (JsonElement column in input.GetProperty("columns").EnumerateArray())
            {
                places.Add(column.GetString()!, (input.GetProperty("name").GetString()!, place++));
            }
        }
        int count = held.RootElement.GetProperty("rows").GetInt32();
        var rows = new List<ROW>(count);
        for (int row = 0; row < count; row++)
        {
            rows.Add((ROW)make.Invoke(columns.Cast<JsonElement>().Select((column, i) =>
            {
                (string name, int place) = places[column.GetProperty("name").GetString()!];
                (object[] values, int width) = inputs[name];
                return Typed(values[(row * width) + place], make.GetParameters()[i].ParameterType, column);
            }).ToArray()));
        }

        using var model = new TYPE();
        IReadOnlyList<PREDICTION> answers = model.VERB(rows);

        PropertyInfo[] properties = typeof(PREDICTION).GetProperties();
        JsonElement[] outputs = held.RootElement.GetProperty("outputs").EnumerateArray().ToArray();
        Assert.Equal(outputs.Length, properties.Length);
        for (int output = 0; output < outputs.Length; output++)
        {
            object[] expected = Values(outputs[output]);
            object?[] found = answers.SelectMany(answer => Flat(properties[output].GetValue(answer))).ToArray();
            Assert.Equal(expected.Length, found.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.True(Same(expected[i], found[i]), $"{properties[output].Name} {i}: {found[i]}, not {expected[i]}");
            }
        }
        Assert.Equal(10_000, answers.Count);
    }

    private static Stream Contract()
    {
        Assembly assembly = typeof(TYPE).Assembly;
        return assembly.GetManifestResourceStream(
            assembly.GetManifestResourceNames().Single(name => name.EndsWith(".contract.json", StringComparison.Ordinal)))!;
    }

    private static Dictionary<string, (object[] Values, int Width)> Tensors(JsonElement tensors)
    {
        return tensors.EnumerateArray().ToDictionary(
            tensor => tensor.GetProperty("name").GetString()!,
            tensor => (Values(tensor), tensor.GetProperty("shape")[1].GetInt32()));
    }

    private static object[] Values(JsonElement tensor)
    {
        static ulong Bits(JsonElement text) => ulong.Parse(text.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        Func<JsonElement, object> read = tensor.GetProperty("datatype").GetString() switch
        {
            "FP64" => text => BitConverter.UInt64BitsToDouble(Bits(text)),
            "FP32" => text => BitConverter.UInt32BitsToSingle((uint)Bits(text)),
            "INT64" => text => unchecked((long)Bits(text)),
            "BOOL" => value => value.GetBoolean(),
            _ => value => value.GetString()!,
        };
        JsonElement data = tensor.TryGetProperty("parameters", out JsonElement parameters)
            ? parameters.GetProperty("bits")
            : tensor.GetProperty("data");
        return data.EnumerateArray().Select(read).ToArray();
    }

    private static object? Typed(object value, Type wanted, JsonElement column)
    {
        Type type = Nullable.GetUnderlyingType(wanted) ?? wanted;
        bool missing = column.GetProperty("missing").GetProperty("encoding").GetString() switch
        {
            "nan" => value is double.NaN or float.NaN,
            "token" => value is "__missing__",
            "nat" => value is long.MinValue,
            _ => false,
        };
        if (missing)
        {
            return null;
        }
        if (type == typeof(DateTime) || type == typeof(DateTimeOffset) || type == typeof(TimeSpan))
        {
            string unit = Regex.Match(column.GetProperty("dtype").GetString()!, @"\[(\w+)").Groups[1].Value;
            long ticks = s_hundreds[unit] == 0 ? (long)value / 100 : (long)value * s_hundreds[unit];
            return type == typeof(TimeSpan) ? TimeSpan.FromTicks(ticks)
                : type == typeof(DateTime) ? (object)new DateTime(1970, 1, 1).AddTicks(ticks)
                : new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(ticks).ToOffset(TimeSpan.FromHours(2));
        }
        return type == typeof(bool) && value is double flag ? flag != 0 : Convert.ChangeType(value, type, CultureInfo.InvariantCulture);
    }

    private static IEnumerable<object?> Flat(object? value)
    {
        if (value is null or string or not IEnumerable)
        {
            return new[] { value };
        }
        object? named = value.GetType().GetMethod("ToArray")?.Invoke(value, null);
        return ((IEnumerable)(named ?? value)).Cast<object?>();
    }

    private static bool Same(object expected, object? found)
    {
        if (expected is double or float)
        {
            double one = Convert.ToDouble(expected, CultureInfo.InvariantCulture);
            double other = Convert.ToDouble(found, CultureInfo.InvariantCulture);
            return one.Equals(other) || Math.Abs(one - other) <= 1e-9 + (1e-9 * Math.Abs(one));
        }
        return expected.Equals(found) || (expected is "__missing__" && found is null);
    }
}
