// Answers a graph with onnxruntime-node: node runner.mjs GRAPH THREADS. The protocol is in runtime_checks/process.py.

import { env, InferenceSession, Tensor } from "onnxruntime-node";

import { decode, encode, Refused } from "./codec.mjs";
import { answer, requests } from "./pipe.mjs";

const ERRORS_ONLY = 3;
const WARM_UP = 50;

async function open(graph, threads) {
  return InferenceSession.create(graph, {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: ERRORS_ONLY,
  });
}

/** Median nanoseconds of one call. */
async function time(session, feeds, names, calls) {
  for (let call = 0; call < Math.min(calls, WARM_UP); call++) await session.run(feeds, names);
  const spans = new Float64Array(calls);
  for (let call = 0; call < calls; call++) {
    const start = process.hrtime.bigint();
    await session.run(feeds, names);
    spans[call] = Number(process.hrtime.bigint() - start);
  }
  return spans.sort()[calls >> 1];
}

async function respond(session, head, body) {
  try {
    const feeds = decode(Tensor, head.inputs, body);
    if (head.op === "time") {
      return answer({ nanoseconds: await time(session, feeds, head.outputs, head.calls) });
    }
    const { entries, chunks } = encode(head.outputs, await session.run(feeds, head.outputs));
    return answer({ outputs: entries }, chunks);
  } catch (error) {
    return answer({ [error instanceof Refused ? "refused" : "error"]: error.message });
  }
}

const [graph, threads] = process.argv.slice(2);
let session;
try {
  session = await open(graph, Number(threads));
} catch (error) {
  answer({ error: `onnxruntime-node ${env.versions.node} cannot load the graph: ${error.message}` });
}
if (session !== undefined) {
  answer({ protocol: 1, versions: { onnxruntime: env.versions.node, node: process.versions.node } });
  for await (const { head, body } of requests(process.stdin)) await respond(session, head, body);
}
