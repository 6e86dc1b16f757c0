package onnxtwin.runner;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** A graph in onnxruntime. */
final class Graph implements AutoCloseable {
  private static final int WARM_UP = 200;

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final NativeTexts texts;

  Graph(String path, int threads) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      session = environment.createSession(path, options);
    }
    texts = new NativeTexts(environment);
  }

  /** onnxruntime's version. */
  String version() {
    return environment.getVersion();
  }

  /** The outputs asked for. */
  List<Tensor> run(Request request) throws OrtException {
    Map<String, OnnxTensor> feeds = feeds(request);
    try (OrtSession.Result result = session.run(feeds, new LinkedHashSet<>(request.outputs))) {
      List<Tensor> answers = new ArrayList<>();
      for (String name : request.outputs) {
        answers.add(answer(name, result.get(name).orElseThrow()));
      }
      return answers;
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  /** Nanoseconds of one call, the median of as many as are asked for, after a warm-up. */
  double time(Request request) throws OrtException {
    Map<String, OnnxTensor> feeds = feeds(request);
    try {
      LinkedHashSet<String> names = new LinkedHashSet<>(request.outputs);
      long[] taken = new long[request.calls];
      for (int i = -WARM_UP; i < taken.length; i++) {
        long start = System.nanoTime();
        session.run(feeds, names).close();
        if (i >= 0) {
          taken[i] = System.nanoTime() - start;
        }
      }
      Arrays.sort(taken);
      return taken[taken.length / 2];
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() throws OrtException {
    texts.close();
    session.close();
  }

  private Map<String, OnnxTensor> feeds(Request request) throws OrtException {
    Map<String, OnnxTensor> feeds = new HashMap<>();
    for (Tensor tensor : request.inputs) {
      feeds.put(tensor.name, feed(tensor));
    }
    return feeds;
  }

  private OnnxTensor feed(Tensor tensor) throws OrtException {
    switch (tensor.datatype) {
      case "FP64":
        return OnnxTensor.createTensor(environment, tensor.data.asDoubleBuffer(), tensor.shape);
      case "FP32":
        return OnnxTensor.createTensor(environment, tensor.data.asFloatBuffer(), tensor.shape);
      case "INT64":
        return OnnxTensor.createTensor(environment, tensor.data.asLongBuffer(), tensor.shape);
      case "BOOL":
        return OnnxTensor.createTensor(environment, tensor.data, tensor.shape, OnnxJavaType.BOOL);
      default:
        return texts.tensor(unpack(tensor), tensor.shape);
    }
  }

  private Tensor answer(String name, OnnxValue value) throws OrtException {
    OnnxTensor tensor = (OnnxTensor) value;
    long[] shape = tensor.getInfo().getShape();
    switch (tensor.getInfo().type) {
      case DOUBLE:
        return new Tensor(name, "FP64", shape, littleEndian(tensor));
      case FLOAT:
        return new Tensor(name, "FP32", shape, littleEndian(tensor));
      case INT64:
        return new Tensor(name, "INT64", shape, littleEndian(tensor));
      case BOOL:
        return new Tensor(name, "BOOL", shape, littleEndian(tensor));
      default:
        return new Tensor(name, "BYTES", shape, pack(texts.read(tensor)));
    }
  }

  private static ByteBuffer littleEndian(OnnxTensor tensor) {
    return tensor.getByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String[] unpack(Tensor tensor) {
    String[] unpacked = new String[tensor.count()];
    for (int i = 0; i < unpacked.length; i++) {
      byte[] utf8 = new byte[tensor.data.getInt()];
      tensor.data.get(utf8);
      unpacked[i] = new String(utf8, StandardCharsets.UTF_8);
    }
    return unpacked;
  }

  private static ByteBuffer pack(String[] unpacked) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    for (String text : unpacked) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      byte[] length =
          ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(utf8.length).array();
      packed.write(length, 0, length.length);
      packed.write(utf8, 0, utf8.length);
    }
    return ByteBuffer.wrap(packed.toByteArray());
  }
}
