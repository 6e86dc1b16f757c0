package __PACKAGE__;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** The typed client beside bare tensors: the same values in, the same answers out. */
final class Bench {
  private static final int ROUNDS = 11;
  private static final int BATCH = 1000;
  private static final Set<String> OUTPUTS = Set.of(__OUTPUTS__);

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final __TYPE__ model = __TYPE__.open();
  private long used;

  private Bench() throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    session = environment.createSession(Files.resource(__TYPE__.MODEL), options);
  }

  /** Prints microseconds of one row (client, bare), rows a second (client, bare), then memory in MB. */
  public static void main(String[] arguments) throws OrtException, IOException {
    Bench bench = new Bench();
    int calls = Integer.parseInt(arguments[0]);
    double[] one = bench.compare(() -> bench.client(), () -> bench.bare(1), calls);
    List<__TYPE__Row> rows = Collections.nCopies(BATCH, row());
    int batches = Math.max(1, calls / 500);
    double[] many =
        bench.compare(() -> bench.clientBatch(rows), () -> bench.bare(BATCH), batches);
    double early = memory();
    for (int call = 0; call < Integer.parseInt(arguments[1]); call++) {
      if (call == 100_000) {
        early = memory();
      }
      bench.client();
    }
    System.out.println(one[0] / 1e3 + " " + one[1] / 1e3);
    System.out.println(BATCH * 1e9 / many[0] + " " + BATCH * 1e9 / many[1]);
    System.out.println(early + " " + memory());
  }

  private interface Call {
    long run() throws OrtException;
  }

  /** Nanoseconds of a call of each, the median of rounds that alternate. */
  private double[] compare(Call first, Call second, int calls) throws OrtException {
    double[] a = new double[ROUNDS];
    double[] b = new double[ROUNDS];
    for (int round = -3; round < ROUNDS; round++) {
      double one = time(first, calls);
      double other = time(second, calls);
      if (round >= 0) {
        a[round] = one;
        b[round] = other;
      }
    }
    Arrays.sort(a);
    Arrays.sort(b);
    return new double[] {a[ROUNDS / 2], b[ROUNDS / 2]};
  }

  private double time(Call call, int calls) throws OrtException {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      used += call.run();
    }
    return (double) (System.nanoTime() - start) / calls;
  }

  private static double memory() throws IOException {
    System.gc();
    for (String line : java.nio.file.Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS")) {
        return Double.parseDouble(line.replaceAll("\\D", "")) / 1024;
      }
    }
    throw new IllegalStateException("no VmRSS");
  }

  private static __TYPE__Row row() {
    return __TYPE__Row.builder()__SETTERS__.build();
  }

  private long client() {
    return Objects.hashCode(model.__METHOD__(row()));
  }

  private long clientBatch(List<__TYPE__Row> rows) {
    return Objects.hashCode(model.__METHOD__(rows));
  }

  private long bare(int rows) throws OrtException {
    Map<String, OnnxTensor> feeds = new HashMap<>();
    long[] shape = {rows, 1};
__FEEDS__
    try (OrtSession.Result result = session.run(feeds, OUTPUTS)) {
      long read = 0;
      for (Map.Entry<String, OnnxValue> output : result) {
        read += output.getValue().getValue().hashCode();
      }
      return read;
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor doubles(double value, long[] shape) throws OrtException {
    double[] values = new double[(int) shape[0]];
    Arrays.fill(values, value);
    return OnnxTensor.createTensor(environment, DoubleBuffer.wrap(values), shape);
  }

  private OnnxTensor floats(float value, long[] shape) throws OrtException {
    float[] values = new float[(int) shape[0]];
    Arrays.fill(values, value);
    return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
  }

  private OnnxTensor longs(long value, long[] shape) throws OrtException {
    long[] values = new long[(int) shape[0]];
    Arrays.fill(values, value);
    return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape);
  }

  private OnnxTensor booleans(boolean value, long[] shape) throws OrtException {
    ByteBuffer values = ByteBuffer.allocateDirect((int) shape[0]);
    while (values.hasRemaining()) {
      values.put((byte) (value ? 1 : 0));
    }
    values.rewind();
    return OnnxTensor.createTensor(environment, values, shape, OnnxJavaType.BOOL);
  }

  private OnnxTensor texts(String value, long[] shape) throws OrtException {
    String[] values = new String[(int) shape[0]];
    Arrays.fill(values, value);
    return OnnxTensor.createTensor(environment, values, shape);
  }
}
