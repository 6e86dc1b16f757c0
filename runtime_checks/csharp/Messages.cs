using System.Text.Json.Serialization;

namespace OnnxTwin.Runner;

/// <summary>One tensor as a message announces it; its bytes follow the message's line.</summary>
/// <param name="Name">Of the graph's input or output.</param>
/// <param name="Datatype">The contract's: FP64, FP32, INT64, BOOL or BYTES.</param>
/// <param name="Shape">Sizes, the row count first.</param>
/// <param name="Bytes">How many bytes follow for this tensor.</param>
internal sealed record TensorEntry(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("datatype")] string Datatype,
    [property: JsonPropertyName("shape")] long[] Shape,
    [property: JsonPropertyName("bytes")] long Bytes);

/// <summary>What the check asks for: <c>run</c>, or <c>time</c> with a number of calls.</summary>
internal sealed record Request(
    [property: JsonPropertyName("op")] string Op,
    [property: JsonPropertyName("calls")] int Calls,
    [property: JsonPropertyName("outputs")] string[] Outputs,
    [property: JsonPropertyName("inputs")] TensorEntry[] Inputs);

/// <summary>The first line: which protocol is spoken, and by what.</summary>
internal sealed record Hello(
    [property: JsonPropertyName("protocol")] int Protocol,
    [property: JsonPropertyName("versions")] Dictionary<string, string> Versions);

/// <summary>Announces the answers.</summary>
internal sealed record Answer([property: JsonPropertyName("outputs")] TensorEntry[] Outputs);

/// <summary>The median time of one call.</summary>
internal sealed record Timing([property: JsonPropertyName("nanoseconds")] double Nanoseconds);

/// <summary>onnxruntime failed; the runner goes on.</summary>
internal sealed record Failure([property: JsonPropertyName("error")] string Error);

/// <summary>Serialisers made at compile time, so that the first message is answered at once.</summary>
[JsonSerializable(typeof(Request))]
[JsonSerializable(typeof(Hello))]
[JsonSerializable(typeof(Answer))]
[JsonSerializable(typeof(Timing))]
[JsonSerializable(typeof(Failure))]
internal sealed partial class Messages : JsonSerializerContext;
