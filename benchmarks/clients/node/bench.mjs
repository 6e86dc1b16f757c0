// One client's speed beside bare tensors: node --expose-gc bench.mjs CLIENT_FOLDER CLASS ROWS.json CALLS
// MEMORY_CALLS. Prints JSON.
//
// Bare means what a person would write by hand for the very same answers: tensors around arrays that lie ready,
// one run, the outputs' data.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, type, file, calls, memoryCalls] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const { InferenceSession, Tensor } = require("onnxruntime-node");
const client = await import(pathToFileURL(join(folder, "dist/index.js")).href);

const { rows, inputs, outputs } = JSON.parse(readFileSync(file, "utf8"));
const ARRAYS = { FP64: Float64Array, FP32: Float32Array, INT64: BigInt64Array, BOOL: Uint8Array, BYTES: Array };
const TYPES = { FP64: "float64", FP32: "float32", INT64: "int64", BOOL: "bool", BYTES: "string" };
const cells = inputs.map(({ name, datatype, data }) => {
  const values = datatype === "INT64" ? data.map(BigInt) : data.map((cell) => (cell === null ? NaN : cell));
  return { name, type: TYPES[datatype], all: ARRAYS[datatype].from(values) };
});

const model = await client[type].open();
const session = await InferenceSession.create(join(folder, "model/model.onnx"), {
  executionProviders: ["cpu"],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
});

async function bare(count) {
  const feeds = {};
  for (const { name, type, all } of cells) feeds[name] = new Tensor(type, all.slice(0, count), [count, 1]);
  const results = await session.run(feeds, outputs);
  return outputs.map((name) => results[name].data);
}

/** Median microseconds of one call, the two in turn, so that both see the same machine. */
async function compare(first, second, calls) {
  const spans = [[], []];
  const both = [first, second];
  for (let call = 0; call < calls + 200; call += 1) {
    for (const which of [0, 1]) {
      const start = process.hrtime.bigint();
      await both[which]();
      if (call >= 200) spans[which].push(Number(process.hrtime.bigint() - start) / 1000);
    }
  }
  return spans.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
}

const [bareOne, typedOne] = await compare(() => bare(1), () => model.answer(rows[0]), Number(calls));
const many = rows.length;
const [bareMany, typedMany] = await compare(() => bare(many), () => model.answerBatch(rows), 50);

const level = [];
for (let call = 1; call <= Number(memoryCalls); call += 1) {
  await model.answer(rows[call % many]);
  if (call % Math.ceil(Number(memoryCalls) / 10) === 0) {
    gc();
    level.push(process.memoryUsage.rss() / 1e6);
  }
}
await model.close();

console.log(JSON.stringify({ bareOne, typedOne, bareMany, typedMany, many, level }));
