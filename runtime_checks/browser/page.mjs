// In the page: opens the graph, and answers one request at a time. The bridge hands over bytes by HTTP.

import { env, InferenceSession, Tensor } from "/ort/ort.wasm.min.mjs";

import { decode, encode, Refused } from "/codec.mjs";

const ERRORS_ONLY = 3;
// The page's clock ticks in steps of some microseconds: what is timed takes many of them.
const LEAST_MILLISECONDS = 2;
const WARM_UP = 20;

let session;

/** Opens /model.onnx; the version of onnxruntime. */
export async function open(threads, weights) {
  env.wasm.numThreads = threads;
  env.wasm.wasmPaths = "/ort/";
  const externalData = weights ? [{ path: weights, data: `/${weights}` }] : undefined;
  session = await InferenceSession.create("/model.onnx", {
    executionProviders: ["wasm"],
    externalData,
    logSeverityLevel: ERRORS_ONLY,
  });
  return env.versions.web ?? env.versions.common;
}

/** Answers a request, whose tensors lie at /request; sends its own tensors to /answer. */
export async function respond(head) {
  try {
    const body = new Uint8Array(await (await fetch("/request")).arrayBuffer());
    const feeds = decode(Tensor, head.inputs, body);
    if (head.op === "time") return { nanoseconds: await time(feeds, head.outputs, head.calls) };
    const { entries, chunks } = encode(head.outputs, await session.run(feeds, head.outputs));
    await fetch("/answer", { method: "POST", body: new Blob(chunks) });
    return { outputs: entries };
  } catch (error) {
    return { [error instanceof Refused ? "refused" : "error"]: error.message };
  }
}

/** Median nanoseconds of one call, over groups of calls that last long enough to be timed. */
async function time(feeds, names, calls) {
  const group = async (size) => {
    const start = performance.now();
    for (let call = 0; call < size; call++) await session.run(feeds, names);
    return performance.now() - start;
  };
  const expected = (await group(WARM_UP)) / WARM_UP;
  const size = Math.max(1, Math.min(calls, Math.ceil(LEAST_MILLISECONDS / expected)));
  const spans = [];
  for (let done = 0; done < calls; done += size) spans.push((await group(size)) / size);
  return spans.sort((a, b) => a - b)[spans.length >> 1] * 1e6;
}
