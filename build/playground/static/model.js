// The artifact in onnxruntime-web: rows in, the graph's outputs out, and the self-test.

import { env, InferenceSession, Tensor } from "./ort/ort.wasm.min.mjs";

export const NAT = -(2n ** 63n);
const ERRORS_ONLY = 3;
const TYPES = { FP64: "float64", FP32: "float32", INT64: "int64", BOOL: "bool", BYTES: "string" };
const ARRAYS = {
  FP64: Float64Array,
  FP32: Float32Array,
  INT64: BigInt64Array,
  BOOL: Uint8Array,
  BYTES: Array,
};
const NUMBERS = { NaN, Infinity, "-Infinity": -Infinity };

async function json(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} cannot be loaded (${response.status})`);
  return response.json();
}

/** The contract, the recorded rows and the loaded graph. */
export async function load() {
  const [contract, vectors] = await Promise.all([json("model/contract.json"), json("model/vectors.json")]);
  env.wasm.numThreads = 1;
  env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
  const session = await InferenceSession.create("model/model.onnx", {
    executionProviders: ["wasm"],
    logSeverityLevel: ERRORS_ONLY,
  });
  return new Model(contract, vectors, session);
}

class Model {
  #session;
  #running = Promise.resolve();

  constructor(contract, vectors, session) {
    this.contract = contract;
    this.vectors = vectors;
    this.#session = session;
    this.inputs = vectors.inputs.map(decode);
    this.expected = vectors.outputs.map(decode);
  }

  /** The cells of a recorded row by column, as they travel. */
  recorded(row) {
    const cells = new Map();
    for (const { name, columns } of this.contract.inputs) {
      const { values } = this.inputs.find((input) => input.name === name);
      columns.forEach((column, place) => cells.set(column, values[row * columns.length + place]));
    }
    return cells;
  }

  /** The graph's outputs, flat, by name, for the cells of one row. */
  async answer(cells) {
    const feeds = {};
    for (const { name, datatype, columns } of this.contract.inputs) {
      const values = ARRAYS[datatype].from(columns.map((column) => cells.get(column)));
      feeds[name] = new Tensor(TYPES[datatype], values, [1, columns.length]);
    }
    return this.#run(feeds);
  }

  /** What the pipeline answered to a recorded row, in the same form. */
  recordedAnswer(row) {
    return Object.fromEntries(
      this.expected.map(({ name, values, width }) => [name, values.slice(row * width, (row + 1) * width)]),
    );
  }

  /**
   * Replays all recorded rows: how many were compared, how many differ, what share of numbers is equal to the
   * last bit, and how many were left out because the browser's onnxruntime cuts a text off at NUL.
   */
  async selfTest() {
    const { rows } = this.vectors;
    const texts = this.inputs.filter(({ datatype }) => datatype === "BYTES");
    const kept = [...Array(rows).keys()].filter(
      (row) =>
        !texts.some(({ values, width }) => part(values, width, row).some((text) => text.includes("\0"))),
    );
    if (kept.length === 0) return { compared: 0, different: 0, exact: 0, leftOut: rows };
    const feeds = {};
    for (const { name, datatype, values, width } of this.inputs) {
      const chosen = kept.flatMap((row) => [...part(values, width, row)]);
      feeds[name] = new Tensor(TYPES[datatype], ARRAYS[datatype].from(chosen), [kept.length, width]);
    }
    const found = await this.#run(feeds);
    const wrong = new Set();
    let [equal, all] = [0, 0];
    for (const { name, datatype, values, width } of this.expected) {
      const spec = this.contract.outputs.find((output) => output.name === name);
      kept.forEach((row, position) => {
        for (let place = 0; place < width; place += 1) {
          const [a, b] = [found[name][position * width + place], values[row * width + place]];
          all += 1;
          if (Object.is(a, b) || (datatype === "BOOL" && Boolean(a) === Boolean(b))) equal += 1;
          else if (!this.#near(spec, a, b)) wrong.add(row);
        }
      });
    }
    const domain = this.contract.outputs.find(({ method }) => method === "domain");
    if (domain !== undefined) {
      const width = this.contract.conditions.length;
      kept.forEach((row, position) => {
        if (part(found[domain.name], width, position).some((valid) => !valid)) wrong.add(row);
      });
    }
    return { compared: kept.length, different: wrong.size, exact: equal / all, leftOut: rows - kept.length };
  }

  #near(spec, a, b) {
    if (a === b) return true;
    if (spec.discrete || typeof b !== "number" || !Number.isFinite(b)) return false;
    const { rtol, atol } = this.contract.tolerance;
    return Math.abs(a - b) <= atol + rtol * Math.abs(b);
  }

  /** One run after the other: the graph is in a memory that runs share. */
  #run(feeds) {
    const run = this.#running.then(() => this.#session.run(feeds));
    this.#running = run.catch(() => undefined);
    return run.then((results) =>
      Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data])),
    );
  }
}

function part(values, width, row) {
  return values.slice(row * width, (row + 1) * width);
}

/** A recorded tensor, to the last bit. */
function decode({ name, datatype, shape, data, parameters }) {
  const width = shape.slice(1).reduce((product, size) => product * size, 1);
  const bits = (text) => BigInt(`0x${text}`);
  let values;
  if (datatype === "FP64") values = new Float64Array(BigUint64Array.from(parameters.bits, bits).buffer);
  else if (datatype === "INT64")
    values = new BigInt64Array(BigUint64Array.from(parameters.bits, bits).buffer);
  else if (datatype === "FP32") values = Float32Array.from(data, (value) => NUMBERS[value] ?? value);
  else values = datatype === "BOOL" ? Uint8Array.from(data, Number) : data;
  return { name, datatype, width, values };
}
