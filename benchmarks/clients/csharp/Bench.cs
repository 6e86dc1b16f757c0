using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using CLIENT;
using Microsoft.ML.OnnxRuntime;

// Bench ROWS.json CALLS MEMORY: the typed client beside tensors by hand, in turn, in one process. Prints JSON.

const int Batch = 1000;
int calls = int.Parse(args[1], CultureInfo.InvariantCulture);
int memory = int.Parse(args[2], CultureInfo.InvariantCulture);
using JsonDocument material = JsonDocument.Parse(File.ReadAllBytes(args[0]));
(string Name, object[] Values)[] columns = material.RootElement.GetProperty("inputs").EnumerateArray()
    .Select(input => (input.GetProperty("name").GetString()!, Values(input)))
    .ToArray();
string[] outputs = material.RootElement.GetProperty("outputs").EnumerateArray().Select(o => o.GetString()!).ToArray();
ROW[] rows = Enumerable.Range(0, Batch).Select(Typed).ToArray();

using var model = new TYPE();
model.SelfTest().ThrowIfFailed();
using Stream graph = typeof(TYPE).Assembly.GetManifestResourceStream("CLIENT.model.onnx")!;
using var bytes = new MemoryStream();
graph.CopyTo(bytes);
using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
using var session = new InferenceSession(bytes.ToArray(), options);
using var run = new RunOptions();
string[] names = columns.Select(column => column.Name).ToArray();

double[] one = Median(calls, i => Bare(i % Batch, 1), i => model.Predict(rows[i % Batch]));
double[] many = Median(Math.Max(10, calls / 200), _ => Bare(0, Batch), _ => model.Predict(rows));
long small = Allocated(() => model.Predict(rows[0]));

var level = new List<double>();
foreach (int until in new[] { memory / 10, memory })
{
    for (int i = level.Count == 0 ? 0 : memory / 10; i < until; i++)
    {
        model.Predict(rows[i % Batch]);
    }
    level.Add(Resident());
}
Console.WriteLine(JsonSerializer.Serialize(new
{
    bareOne = one[0],
    typedOne = one[1],
    bareMany = many[0],
    typedMany = many[1],
    allocated = small,
    level,
}));

void Bare(int from, int count)
{
    var values = new OrtValue[columns.Length];
    for (int i = 0; i < values.Length; i++)
    {
        long[] shape = { count, 1 };
        values[i] = columns[i].Values[0] switch
        {
            double => Numbers<double>(columns[i].Values, from, shape),
            long => Numbers<long>(columns[i].Values, from, shape),
            _ => Texts(columns[i].Values, from, shape),
        };
    }
    using (IDisposableReadOnlyCollection<OrtValue> answers = session.Run(run, names, values, outputs))
    {
        foreach (OrtValue answer in answers)
        {
            if (!answer.GetTensorTypeAndShape().IsString)
            {
                answer.GetTensorMutableRawData().ToArray();
            }
            else
            {
                answer.GetStringTensorAsArray();
            }
        }
    }
    Array.ForEach(values, value => value.Dispose());
}

static OrtValue Numbers<T>(object[] values, int from, long[] shape)
    where T : unmanaged
{
    var numbers = new T[shape[0]];
    for (int i = 0; i < numbers.Length; i++)
    {
        numbers[i] = (T)values[from + i];
    }
    return OrtValue.CreateTensorValueFromMemory(numbers, shape);
}

static OrtValue Texts(object[] values, int from, long[] shape)
{
    OrtValue texts = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
    for (int i = 0; i < shape[0]; i++)
    {
        texts.StringTensorSetElementAt(((string)values[from + i]).AsSpan(), i);
    }
    return texts;
}

ROW Typed(int row)
{
    var make = typeof(ROW).GetConstructors().Single(c => c.GetParameters().Length == columns.Length);
    return (ROW)make.Invoke(columns.Select((column, i) =>
    {
        object value = column.Values[row];
        Type type = make.GetParameters()[i].ParameterType;
        return value is double.NaN or "__missing__" ? null
            : Convert.ChangeType(value, Nullable.GetUnderlyingType(type) ?? type, CultureInfo.InvariantCulture);
    }).ToArray());
}

static object[] Values(JsonElement tensor)
{
    static ulong Bits(JsonElement text) => ulong.Parse(text.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    return tensor.GetProperty("datatype").GetString() switch
    {
        "FP64" => tensor.GetProperty("parameters").GetProperty("bits").EnumerateArray()
            .Select(text => (object)BitConverter.UInt64BitsToDouble(Bits(text))).ToArray(),
        "INT64" => tensor.GetProperty("parameters").GetProperty("bits").EnumerateArray()
            .Select(text => (object)unchecked((long)Bits(text))).ToArray(),
        _ => tensor.GetProperty("data").EnumerateArray().Select(text => (object)text.GetString()!).ToArray(),
    };
}

// Median microseconds of each action; they take turns, so that both see the same machine.
static double[] Median(int calls, params Action<int>[] actions)
{
    var ticks = actions.Select(_ => new long[calls]).ToArray();
    for (int call = -calls / 2; call < calls; call++)
    {
        for (int action = 0; action < actions.Length; action++)
        {
            long start = Stopwatch.GetTimestamp();
            actions[action](call + calls);
            if (call >= 0)
            {
                ticks[action][call] = Stopwatch.GetTimestamp() - start;
            }
        }
    }
    return ticks.Select(of =>
    {
        Array.Sort(of);
        return of[calls / 2] * 1e6 / Stopwatch.Frequency;
    }).ToArray();
}

static long Allocated(Action action)
{
    action();
    long before = GC.GetAllocatedBytesForCurrentThread();
    for (int i = 0; i < 1000; i++)
    {
        action();
    }
    return (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
}

static double Resident()
{
    GC.Collect();
    using var process = Process.GetCurrentProcess();
    return process.WorkingSet64 / 1e6;
}
