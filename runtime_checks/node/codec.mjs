// Tensors as the protocol of runtime_checks/process.py writes them, from bytes and to bytes; Node and browser.

const NUMBERS = {
  FP64: { type: "float64", array: Float64Array },
  FP32: { type: "float32", array: Float32Array },
  INT64: { type: "int64", array: BigInt64Array },
  BOOL: { type: "bool", array: Uint8Array },
};
const DATATYPES = { float64: "FP64", float32: "FP32", int64: "INT64", bool: "BOOL", string: "BYTES" };

// A byte order mark is a character of the text, not to be dropped.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Rows that the binding cannot carry: they are refused, because the graph would see others. */
export class Refused extends Error {}

/**
 * The feeds of a request.
 *
 * @param Tensor the binding's class.
 * @param entries `[{name, datatype, shape, bytes}]`.
 * @param bytes Uint8Array of all tensors, one after the other.
 */
export function decode(Tensor, entries, bytes) {
  const feeds = {};
  let at = 0;
  for (const { name, datatype, shape, bytes: length } of entries) {
    // A copy, because a view of eight-byte numbers has to be aligned; not slice(), which in a Buffer is a view.
    const data = new Uint8Array(bytes.subarray(at, at + length));
    at += length;
    if (datatype === "BYTES") {
      feeds[name] = new Tensor("string", decodeTexts(name, data), shape);
    } else {
      const { type, array } = NUMBERS[datatype];
      feeds[name] = new Tensor(type, new array(data.buffer, 0, length / array.BYTES_PER_ELEMENT), shape);
    }
  }
  return feeds;
}

/** The answer's entries, and the bytes of each tensor. */
export function encode(names, results) {
  const entries = [];
  const chunks = [];
  for (const name of names) {
    const { type, data, dims } = results[name];
    const chunk =
      type === "string" ? encodeTexts(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    entries.push({ name, datatype: DATATYPES[type], shape: dims, bytes: chunk.byteLength });
    chunks.push(chunk);
  }
  return { entries, chunks };
}

function decodeTexts(name, bytes) {
  const lengths = new DataView(bytes.buffer);
  const texts = [];
  for (let at = 0; at < bytes.byteLength;) {
    const length = lengths.getUint32(at, true);
    const text = decoder.decode(bytes.subarray(at + 4, at + 4 + length));
    if (text.includes("\0")) {
      throw new Refused(
        `input ${JSON.stringify(name)}, row ${texts.length} (counted from 0): the text holds NUL (U+0000), ` +
          "at which onnxruntime's JavaScript bindings cut a text off",
      );
    }
    texts.push(text);
    at += 4 + length;
  }
  return texts;
}

function encodeTexts(texts) {
  const parts = texts.map((text) => encoder.encode(text));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const lengths = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    lengths.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}
