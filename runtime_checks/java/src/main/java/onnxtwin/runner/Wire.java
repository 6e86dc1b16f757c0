package onnxtwin.runner;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Requests in, answers out: a line of JSON and the bytes of the tensors that it lists. */
final class Wire {
  private final ObjectMapper json = new ObjectMapper(new JsonFactory());
  private final DataInputStream in;
  private final OutputStream out;

  Wire(DataInputStream in, OutputStream out) {
    this.in = in;
    this.out = out;
  }

  /** The next request, or null if there is none any more. */
  Request read() throws IOException {
    byte[] line = line();
    if (line == null) {
      return null;
    }
    JsonNode head = json.readTree(line);
    List<Tensor> inputs = new ArrayList<>();
    for (JsonNode entry : head.get("inputs")) {
      byte[] content = new byte[entry.get("bytes").asInt()];
      in.readFully(content);
      long[] shape = json.treeToValue(entry.get("shape"), long[].class);
      ByteBuffer data =
          ByteBuffer.allocateDirect(content.length).order(ByteOrder.LITTLE_ENDIAN).put(content);
      data.flip();
      inputs.add(new Tensor(entry.get("name").asText(), entry.get("datatype").asText(), shape, data));
    }
    List<String> outputs = new ArrayList<>();
    head.get("outputs").forEach(name -> outputs.add(name.asText()));
    return new Request(outputs, inputs, head.path("calls").asInt(0));
  }

  /** Writes an answer that has no tensors. */
  void write(Map<String, ?> answer) throws IOException {
    out.write(json.writeValueAsBytes(answer));
    out.write('\n');
    out.flush();
  }

  /** Writes an answer of tensors. */
  void write(List<Tensor> tensors) throws IOException {
    List<Map<String, Object>> entries = new ArrayList<>();
    for (Tensor tensor : tensors) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", tensor.name);
      entry.put("datatype", tensor.datatype);
      entry.put("shape", tensor.shape);
      entry.put("bytes", tensor.data.remaining());
      entries.add(entry);
    }
    out.write(json.writeValueAsBytes(Map.of("outputs", entries)));
    out.write('\n');
    for (Tensor tensor : tensors) {
      byte[] content = new byte[tensor.data.remaining()];
      tensor.data.get(content);
      out.write(content);
    }
    out.flush();
  }

  private byte[] line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        return null;
      }
      line.write(b);
    }
    return line.toByteArray();
  }
}
