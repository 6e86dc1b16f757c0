// Files for the page, on this machine only, and the bytes of one request and one answer.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { pipeline } from "node:stream/promises";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};
// Isolated from other origins, so that the page may have a fine clock and threads.
const HEADERS = {
  "Cache-Control": "no-store",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Opener-Policy": "same-origin",
};
const BLANK = "<!doctype html><title>onnxtwin</title>";

/**
 * Serves on 127.0.0.1, on a free port.
 *
 * @param files path of a file by the URL's path.
 * @param exchange `{request, answer}`: bytes for the page, and the pieces that came from it.
 */
export async function serve(files, exchange) {
  const server = createServer((request, response) => {
    reply(files, exchange, request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

async function reply(files, exchange, request, response) {
  const { pathname } = new URL(request.url, "http://127.0.0.1");
  if (pathname === "/answer") {
    exchange.answer = [];
    for await (const piece of request) exchange.answer.push(piece);
    return response.writeHead(204, HEADERS).end();
  }
  if (pathname === "/request") {
    return response
      .writeHead(200, { ...HEADERS, "Content-Length": exchange.request.length })
      .end(exchange.request);
  }
  if (pathname === "/")
    return response.writeHead(200, { ...HEADERS, "Content-Type": TYPES[".html"] }).end(BLANK);
  const path = files.get(pathname);
  if (path === undefined) return response.writeHead(404, HEADERS).end();
  const type = TYPES[extname(path)] ?? "application/octet-stream";
  response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Length": (await stat(path)).size });
  return pipeline(createReadStream(path), response);
}
