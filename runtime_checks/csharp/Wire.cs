using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OnnxTwin.Runner;

/// <summary>Messages and tensors on their way in and out: a line of JSON, then the tensors' bytes.</summary>
/// <remarks>Numbers go straight between the stream and onnxruntime's own memory, text as the UTF-8 that it is.</remarks>
internal sealed class Wire(Stream input, Stream output) : IDisposable
{
    private const int LengthPrefix = sizeof(uint);

    private readonly BufferedStream _input = new(input, 1 << 16);
    private readonly BufferedStream _output = new(output, 1 << 16);

    /// <summary>The next request; null once the check has closed its end.</summary>
    public Request? ReadRequest()
    {
        using var line = new MemoryStream();
        for (int next = _input.ReadByte(); next != '\n'; next = _input.ReadByte())
        {
            if (next < 0)
            {
                return null;
            }
            line.WriteByte((byte)next);
        }
        return JsonSerializer.Deserialize(line.GetBuffer().AsSpan(0, (int)line.Length), Messages.Default.Request);
    }

    /// <summary>Reads one announced tensor into a new native value, which the caller disposes of.</summary>
    /// <exception cref="InvalidDataException">The bytes are not those of such a tensor.</exception>
    public OrtValue ReadTensor(TensorEntry entry)
    {
        TensorElementType element = ElementType(entry.Datatype);
        if (element == TensorElementType.String)
        {
            return ReadTexts(entry);
        }
        OrtValue value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, element, entry.Shape);
        Span<byte> memory = value.GetTensorMutableRawData();
        if (memory.Length != entry.Bytes)
        {
            value.Dispose();
            throw new InvalidDataException($"{entry.Name}: {entry.Bytes} bytes for a tensor of {memory.Length}");
        }
        _input.ReadExactly(memory);
        return value;
    }

    /// <summary>Writes a message that no tensor follows.</summary>
    public void Write<T>(T message, JsonTypeInfo<T> type)
    {
        WriteLine(message, type);
        _output.Flush();
    }

    /// <summary>Writes the answers with their bytes.</summary>
    public void WriteTensors(IReadOnlyList<string> names, IReadOnlyList<OrtValue> values)
    {
        var entries = new TensorEntry[values.Count];
        for (int i = 0; i < values.Count; i++)
        {
            OrtTensorTypeAndShapeInfo info = values[i].GetTensorTypeAndShape();
            string datatype = Datatype(info.ElementDataType);
            long bytes = datatype == "BYTES"
                ? TextBytes(values[i], info.ElementCount)
                : values[i].GetTensorMutableRawData().Length;
            entries[i] = new TensorEntry(names[i], datatype, info.Shape, bytes);
        }
        WriteLine(new Answer(entries), Messages.Default.Answer);
        for (int i = 0; i < values.Count; i++)
        {
            if (entries[i].Datatype == "BYTES")
            {
                WriteTexts(values[i], values[i].GetTensorTypeAndShape().ElementCount);
            }
            else
            {
                _output.Write(values[i].GetTensorMutableRawData());
            }
        }
        _output.Flush();
    }

    /// <summary>Closes both streams.</summary>
    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
    }

    private OrtValue ReadTexts(TensorEntry entry)
    {
        OrtValue value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, entry.Shape);
        Span<byte> prefix = stackalloc byte[LengthPrefix];
        byte[] text = new byte[256];
        long left = entry.Bytes;
        for (int i = 0; left > 0; i++)
        {
            _input.ReadExactly(prefix);
            int length = checked((int)BinaryPrimitives.ReadUInt32LittleEndian(prefix));
            if (length > text.Length)
            {
                text = new byte[length];
            }
            _input.ReadExactly(text, 0, length);
            value.StringTensorSetElementAt(text.AsSpan(0, length), i);
            left -= LengthPrefix + length;
        }
        return value;
    }

    private void WriteTexts(OrtValue value, long count)
    {
        Span<byte> prefix = stackalloc byte[LengthPrefix];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> text = value.GetStringElementAsSpan(i);
            BinaryPrimitives.WriteUInt32LittleEndian(prefix, (uint)text.Length);
            _output.Write(prefix);
            _output.Write(text);
        }
    }

    private static long TextBytes(OrtValue value, long count)
    {
        long bytes = LengthPrefix * count;
        for (int i = 0; i < count; i++)
        {
            bytes += value.GetStringElementAsSpan(i).Length;
        }
        return bytes;
    }

    private void WriteLine<T>(T message, JsonTypeInfo<T> type)
    {
        _output.Write(JsonSerializer.SerializeToUtf8Bytes(message, type));
        _output.WriteByte((byte)'\n');
    }

    private static TensorElementType ElementType(string datatype) => datatype switch
    {
        "FP64" => TensorElementType.Double,
        "FP32" => TensorElementType.Float,
        "INT64" => TensorElementType.Int64,
        "BOOL" => TensorElementType.Bool,
        "BYTES" => TensorElementType.String,
        _ => throw new InvalidDataException($"unknown datatype {datatype}"),
    };

    private static string Datatype(TensorElementType element) => element switch
    {
        TensorElementType.Double => "FP64",
        TensorElementType.Float => "FP32",
        TensorElementType.Int64 => "INT64",
        TensorElementType.Bool => "BOOL",
        TensorElementType.String => "BYTES",
        _ => throw new InvalidDataException($"the graph answers with {element}, which no contract has"),
    };
}
