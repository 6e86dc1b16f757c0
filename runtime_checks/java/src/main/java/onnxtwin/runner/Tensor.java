package onnxtwin.runner;

import java.nio.ByteBuffer;

/** A tensor as it travels: numbers little-endian, a bool one byte, a text its length and its UTF-8. */
final class Tensor {
  final String name;
  final String datatype;
  final long[] shape;
  final ByteBuffer data;

  Tensor(String name, String datatype, long[] shape, ByteBuffer data) {
    this.name = name;
    this.datatype = datatype;
    this.shape = shape;
    this.data = data;
  }

  /** The number of elements. */
  int count() {
    long count = 1;
    for (long size : shape) {
      count *= size;
    }
    return Math.toIntExact(count);
  }
}
