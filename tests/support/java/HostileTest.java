package onnxtwin.arriveslate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a caller can do wrong ends in an exception that says so, and never in a wrong answer. */
class HostileTest {
  private static ArrivesLate model;

  @BeforeAll
  static void open() {
    model = ArrivesLate.open();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static Map<String, Object> values() {
    Map<String, Object> values = new HashMap<>();
    for (String column : ArrivesLateRow.COLUMNS) {
      values.put(column, 1.5);
    }
    values.put("time_hour", "2013-11-10T11:00:00Z");
    values.put("sched_dep_time", 1428);
    values.put("sched_arr_time", 1454L);
    values.put("carrier", "B6");
    values.put("origin", "LGA");
    values.put("dest", "LAX");
    return values;
  }

  private static ArrivesLateRow row(String column, Object value) {
    Map<String, Object> values = values();
    values.put(column, value);
    return ArrivesLateRow.of(values);
  }

  private static void refuses(String column, Object value, String message) {
    ArrivesLateException.InvalidRow refusal =
        assertThrows(ArrivesLateException.InvalidRow.class, () -> row(column, value));
    assertEquals(column, refusal.getColumn());
    assertTrue(refusal.getMessage().contains(message), refusal::getMessage);
  }

  @Test
  void aMissingValueWhereNoneIsAllowedIsRefused() {
    refuses("sched_dep_time", null, "must not be missing");
  }

  @Test
  void aMissingValueIsTakenWhereItIsAllowed() {
    assertEquals(row("temp", null), row("temp", Double.NaN));
    assertEquals(null, row("temp", null).getTemp());
    assertEquals(null, row("carrier", null).getCarrier());
  }

  @Test
  void aValueOfAnotherTypeIsRefused() {
    refuses("temp", "53", "a number is expected, not this String");
    refuses("carrier", 6, "a text is expected, not this Integer");
    refuses("sched_dep_time", 14.5, "a whole number is expected, not this Double");
    refuses("sched_dep_time", true, "a whole number is expected, not this Boolean");
    refuses("temp", Long.MAX_VALUE, "a number is expected, not this Long");
  }

  @Test
  void aWholeNumberIsTakenFromAnyTypeThatHoldsItExactly() {
    assertEquals(row("sched_dep_time", 1428L), row("sched_dep_time", 1428.0));
    assertEquals(row("temp", 53.0), row("temp", 53));
  }

  @Test
  void anUnknownColumnIsRefused() {
    refuses("colour", "red", "no such column");
  }

  @Test
  void aForgottenColumnIsRefused() {
    Map<String, Object> values = values();
    values.remove("visib");
    ArrivesLateException.InvalidRow refusal =
        assertThrows(ArrivesLateException.InvalidRow.class, () -> ArrivesLateRow.of(values));
    assertEquals("visib", refusal.getColumn());
  }

  @Test
  void theTextThatStandsForMissingIsRefused() {
    refuses("carrier", "__missing__", "stands for a missing value");
  }

  @Test
  void halfASurrogatePairIsRefused() {
    refuses("carrier", "\ud83d", "half a surrogate pair");
    refuses("carrier", "a\ude00b", "half a surrogate pair");
  }

  @Test
  void textsThatTheBindingCorruptsAreCarriedWhole() {
    double[] unknown = model.predictProba(row("carrier", "??")).toArray();
    for (String text : List.of("😀", "B6\0", "B6😀", "\0")) {
      assertTrue(Arrays.equals(unknown, model.predictProba(row("carrier", text)).toArray()));
    }
    double[] known = model.predictProba(row("carrier", "B6")).toArray();
    assertFalse(Arrays.equals(unknown, known));
  }

  @Test
  void whatThePipelineRefusesOnTheWayIsRefusedWithItsStep() {
    List<ArrivesLateRow> rows =
        List.of(row("carrier", "UA"), row("time_hour", "not a date"), row("temp", null));
    ArrivesLateException.OutsideDomain refusal =
        assertThrows(ArrivesLateException.OutsideDomain.class, () -> model.predict(rows));
    assertEquals(1, refusal.getRow());
    assertEquals("functiontransformer", refusal.getStep());
    assertTrue(refusal.getMessage().contains("date"), refusal::getMessage);
  }

  @Test
  void aRowThatIsNullIsRefused() {
    List<ArrivesLateRow> rows = Arrays.asList(row("temp", 1.0), null);
    assertThrows(ArrivesLateException.InvalidRow.class, () -> model.predict(rows));
  }

  @Test
  void noRowsHaveNoAnswers() {
    assertEquals(0, model.predict(List.of()).length);
    assertEquals(List.of(), model.predictProba(List.of()));
  }

  @Test
  void aModelFileThatIsMissingOrAlteredIsRefused(@TempDir Path folder)
      throws IOException, OrtException {
    Path file = folder.resolve("model.onnx");
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      ArrivesLateException.BadModel missing =
          assertThrows(
              ArrivesLateException.BadModel.class, () -> ArrivesLate.open(file, options));
      assertEquals(file.toString(), missing.getFile());
      byte[] content = onnxtwin.arriveslate.Files.resource(ArrivesLate.MODEL);
      content[content.length / 2] ^= 1;
      Files.write(file, content);
      ArrivesLateException.BadModel altered =
          assertThrows(
              ArrivesLateException.BadModel.class, () -> ArrivesLate.open(file, options));
      assertTrue(altered.getMessage().contains("is altered"), altered::getMessage);
      content[content.length / 2] ^= 1;
      Files.write(file, content);
      try (ArrivesLate fromFile = ArrivesLate.open(file, options)) {
        assertEquals(
            fromFile.predict(row("temp", 1.0)), model.predict(row("temp", 1.0)));
      }
    }
  }

  @Test
  void probabilitiesAreFoundByTheirClass() {
    ArrivesLatePredictProba answer = model.predictProba(row("temp", 1.0));
    assertEquals(answer.getTrue(), answer.get(true));
    assertEquals(List.of(false, true), List.copyOf(answer.toMap().keySet()));
    assertEquals(1.0, answer.getFalse() + answer.getTrue(), 1e-12);
    assertNotEquals(answer, model.predictProba(row("carrier", "UA")));
  }

  @Test
  void eightThreadsShareOneSessionAndEveryAnswerIsRight()
      throws InterruptedException, ExecutionException {
    List<ArrivesLateRow> rows = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      rows.add(row("carrier", List.of("UA", "B6", "😀", "DL").get(i % 4)));
      rows.add(row("temp", (double) i));
    }
    List<ArrivesLatePredictProba> right = model.predictProba(rows);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    List<Future<Integer>> wrong = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      int first = thread * 31;
      wrong.add(threads.submit(() -> countWrong(rows, right, first)));
    }
    threads.shutdown();
    for (Future<Integer> count : wrong) {
      assertEquals(0, count.get());
    }
  }

  @Test
  void closingWaitsForTheCallsUnderWayAndLaterOnesAreRefused()
      throws InterruptedException, ExecutionException {
    ArrivesLate shared = ArrivesLate.open();
    ArrivesLateRow row = row("temp", 1.0);
    boolean right = model.predict(row);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<Integer>> done = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      done.add(threads.submit(() -> callUntilClosed(shared, row, right)));
    }
    for (int call = 0; call < 100; call++) {
      assertEquals(right, shared.predict(row));
    }
    shared.close();
    shared.close();
    threads.shutdown();
    for (Future<Integer> calls : done) {
      assertTrue(calls.get() >= 0);
    }
  }

  private static int countWrong(
      List<ArrivesLateRow> rows, List<ArrivesLatePredictProba> right, int first) {
    int wrong = 0;
    for (int call = 0; call < 10_000; call++) {
      int i = (first + call) % rows.size();
      // A row alone and a row among others may differ in the last bit.
      double expected = right.get(i).getTrue();
      if (!(Math.abs(model.predictProba(rows.get(i)).getTrue() - expected) <= 1e-12)) {
        wrong++;
      }
    }
    return wrong;
  }

  private static int callUntilClosed(ArrivesLate shared, ArrivesLateRow row, boolean right) {
    int calls = 0;
    try {
      while (shared.predict(row) == right) {
        calls++;
      }
      return -1;
    } catch (IllegalStateException closed) {
      return calls;
    }
  }
}
