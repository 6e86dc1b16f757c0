package onnxtwin.runner;

import ai.onnxruntime.OrtException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Answers a graph over stdin and stdout, in the protocol of {@code runtime_checks/process.py}.
 *
 * <p>Arguments: the graph's path and the number of intra-op threads.
 */
public final class Main {
  private static final int PROTOCOL = 1;
  private static final int BUFFER = 1 << 16;

  private Main() {}

  /** Runs until stdin ends. */
  public static void main(String[] arguments) throws IOException, OrtException {
    Wire wire =
        new Wire(
            new DataInputStream(new BufferedInputStream(System.in, BUFFER)),
            new BufferedOutputStream(System.out, BUFFER));
    Graph graph;
    try {
      graph = new Graph(arguments[0], Integer.parseInt(arguments[1]));
    } catch (OrtException error) {
      wire.write(Map.of("error", error.getMessage()));
      return;
    }
    try (graph) {
      Map<String, String> versions = new LinkedHashMap<>();
      versions.put("java", System.getProperty("java.version"));
      versions.put("onnxruntime", graph.version());
      wire.write(Map.of("protocol", PROTOCOL, "versions", versions));
      for (Request request = wire.read(); request != null; request = wire.read()) {
        answer(wire, graph, request);
      }
    }
  }

  private static void answer(Wire wire, Graph graph, Request request) throws IOException {
    try {
      if (request.calls > 0) {
        wire.write(Map.of("nanoseconds", graph.time(request)));
      } else {
        wire.write(graph.run(request));
      }
    } catch (OrtException error) {
      wire.write(Map.of("error", error.getMessage()));
    }
  }
}
