package __PACKAGE__;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Answers held-out rows through the typed client; Python compares. Files are named by the environment. */
class HeldOutTest {
  private static final int BATCH = 1000;
  private static final int SINGLE = 100;

  @Test
  void answersHeldOutRows() throws IOException, ReflectiveOperationException {
    List<Map<String, Object>> raw = read(Path.of(System.getenv("HELD_OUT_ROWS")));
    List<__TYPE__Row> rows = new ArrayList<>();
    for (Map<String, Object> values : raw) {
      __TYPE__Row row = __TYPE__Row.of(values);
      assertEquals(row, __TYPE__Row.of(values));
      rows.add(row);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    try (__TYPE__ model = __TYPE__.open()) {
      for (int start = 0; start < rows.size(); start += BATCH) {
        List<__TYPE__Row> batch = rows.subList(start, Math.min(start + BATCH, rows.size()));
        for (__TYPE__Answer answer : model.answer(batch)) {
          write(out, answer);
        }
      }
      for (__TYPE__Row row : rows.subList(0, SINGLE)) {
        write(out, model.answer(row));
      }
    }
    Files.write(Path.of(System.getenv("HELD_OUT_ANSWERS")), bytes.toByteArray());
  }

  private static List<Map<String, Object>> read(Path path) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path));
    int count = file.getInt();
    int width = file.getInt();
    List<Map<String, Object>> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(new LinkedHashMap<>());
    }
    for (int column = 0; column < width; column++) {
      String name = text(file);
      String kind = text(file);
      long perSecond = file.getLong();
      for (Map<String, Object> row : rows) {
        row.put(name, file.get() == 0 ? null : value(file, kind, perSecond));
      }
    }
    return rows;
  }

  private static Object value(ByteBuffer file, String kind, long perSecond) {
    switch (kind) {
      case "float":
        return file.getDouble();
      case "integer":
        return file.getLong();
      case "flag":
        return file.getLong() != 0;
      case "instant":
        return Columns.toInstant(file.getLong(), perSecond);
      case "local":
        return Columns.toLocal(file.getLong(), perSecond);
      case "duration":
        return Columns.toDuration(file.getLong(), perSecond);
      default:
        return text(file);
    }
  }

  private static String text(ByteBuffer file) {
    byte[] utf8 = new byte[file.getInt()];
    file.get(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private static void write(DataOutputStream out, Object answer)
      throws IOException, ReflectiveOperationException {
    if (answer == null) {
      out.writeInt(-1);
    } else if (answer instanceof String) {
      byte[] utf8 = ((String) answer).getBytes(StandardCharsets.UTF_8);
      out.writeInt(utf8.length);
      out.write(utf8);
    } else if (answer instanceof Double) {
      out.writeLong(Double.doubleToRawLongBits((Double) answer));
    } else if (answer instanceof Float) {
      out.writeInt(Float.floatToRawIntBits((Float) answer));
    } else if (answer instanceof Long) {
      out.writeLong((Long) answer);
    } else if (answer instanceof Boolean) {
      out.writeBoolean((Boolean) answer);
    } else if (answer.getClass().isArray()) {
      for (int i = 0; i < Array.getLength(answer); i++) {
        write(out, Array.get(answer, i));
      }
    } else {
      for (Field field : answer.getClass().getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers())) {
          field.setAccessible(true);
          write(out, field.get(answer));
        }
      }
    }
  }
}
