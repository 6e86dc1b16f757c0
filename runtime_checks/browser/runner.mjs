// Answers a graph with onnxruntime-web in Chromium: node runner.mjs GRAPH THREADS CHROMIUM.
// The protocol is in runtime_checks/process.py; this process is the bridge between its pipe and a page.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { answer, requests } from "./pipe.mjs";
import { serve } from "./server.mjs";

const WEIGHTS = "model.onnx.data";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function files(graph) {
  const here = (name) => join(import.meta.dirname, name);
  const served = new Map([
    ["/page.mjs", here("page.mjs")],
    ["/codec.mjs", here("codec.mjs")],
    ["/model.onnx", graph],
  ]);
  for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
    served.set(`/ort/${name}`, here(`node_modules/onnxruntime-web/dist/${name}`));
  }
  const weights = join(graph, "..", WEIGHTS);
  if (existsSync(weights)) served.set(`/${WEIGHTS}`, weights);
  return served;
}

async function run(graph, threads, executablePath) {
  const served = files(graph);
  const exchange = { request: Buffer.alloc(0), answer: [] };
  const server = await serve(served, exchange);
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  try {
    const page = await browser.newPage();
    await page.goto(server.origin);
    let onnxruntime;
    try {
      onnxruntime = await page.evaluate(
        async ({ threads, weights }) => (await import("/page.mjs")).open(threads, weights),
        { threads, weights: served.has(`/${WEIGHTS}`) ? WEIGHTS : null },
      );
    } catch (error) {
      return answer({ error: `onnxruntime-web cannot load the graph: ${error.message}` });
    }
    answer({
      protocol: 1,
      versions: { onnxruntime, chromium: browser.version(), node: process.versions.node },
    });
    for await (const { head, body } of requests(process.stdin)) {
      exchange.request = body;
      exchange.answer = [];
      const said = await page.evaluate(async (head) => (await import("/page.mjs")).respond(head), head);
      answer(said, exchange.answer);
    }
  } finally {
    await browser.close();
    server.close();
  }
}

const [graph, threads, executablePath] = process.argv.slice(2);
try {
  await run(graph, Number(threads), executablePath);
} catch (error) {
  // The browser cannot be started, or died with a request under way.
  answer({ error: `Chromium: ${error.message}` });
  process.exitCode = 1;
}
