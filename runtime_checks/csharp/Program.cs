using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using OnnxTwin.Runner;

// dotnet Runner.dll GRAPH THREADS: answers requests on stdin until it ends. The protocol is described in
// onnxtwin/runtime_checks/process.py.

const int Protocol = 1;
const int WarmUpCalls = 2000;

string graph = args[0];
using var options = new SessionOptions
{
    IntraOpNumThreads = int.Parse(args[1], CultureInfo.InvariantCulture),
    InterOpNumThreads = 1,
    LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
};
using var wire = new Wire(Console.OpenStandardInput(), Console.OpenStandardOutput());

InferenceSession session;
try
{
    session = new InferenceSession(graph, options);
}
catch (OnnxRuntimeException error)
{
    wire.Write(new Failure(error.Message), Messages.Default.Failure);
    return;
}

using (session)
using (var run = new RunOptions())
{
    var versions = new Dictionary<string, string>
    {
        ["onnxruntime"] = OrtEnv.Instance().GetVersionString(),
        [".NET"] = Environment.Version.ToString(),
    };
    wire.Write(new Hello(Protocol, versions), Messages.Default.Hello);
    while (wire.ReadRequest() is { } request)
    {
        OrtValue[] inputs = Array.ConvertAll(request.Inputs, wire.ReadTensor);
        string[] names = Array.ConvertAll(request.Inputs, entry => entry.Name);
        try
        {
            if (request.Op == "time")
            {
                double median = MedianNanoseconds(session, run, names, inputs, request);
                wire.Write(new Timing(median), Messages.Default.Timing);
            }
            else
            {
                using IDisposableReadOnlyCollection<OrtValue> answers =
                    session.Run(run, names, inputs, request.Outputs);
                wire.WriteTensors(request.Outputs, answers);
            }
        }
        catch (OnnxRuntimeException error)
        {
            wire.Write(new Failure(error.Message), Messages.Default.Failure);
        }
        finally
        {
            Array.ForEach(inputs, input => input.Dispose());
        }
    }
}

static double MedianNanoseconds(
    InferenceSession session, RunOptions run, string[] names, OrtValue[] inputs, Request request)
{
    var ticks = new long[request.Calls];
    for (int call = -WarmUpCalls; call < request.Calls; call++)
    {
        long start = Stopwatch.GetTimestamp();
        session.Run(run, names, inputs, request.Outputs).Dispose();
        if (call >= 0)
        {
            ticks[call] = Stopwatch.GetTimestamp() - start;
        }
    }
    Array.Sort(ticks);
    return ticks[ticks.Length / 2] * 1e9 / Stopwatch.Frequency;
}
