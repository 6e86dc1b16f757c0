// Requests from stdin and answers to stdout, as the protocol of runtime_checks/process.py has them.

import { writeSync } from "node:fs";

/** The requests: `{head, body}`, the line of JSON and a Buffer with the bytes of the tensors it lists. */
export async function* requests(stdin) {
  const pieces = [];
  let held = 0;
  let head = null;
  let wanted = 0;
  for await (const piece of stdin) {
    pieces.push(piece);
    held += piece.length;
    for (;;) {
      if (head === null) {
        if (pieces.length === 0 || !pieces.at(-1).includes(10)) break;
        const all = joined(pieces);
        const end = all.indexOf(10);
        head = JSON.parse(all.subarray(0, end).toString());
        wanted = head.inputs.reduce((sum, { bytes }) => sum + bytes, 0);
        held = restart(pieces, all.subarray(end + 1));
      }
      if (held < wanted) break;
      const all = joined(pieces);
      yield { head, body: all.subarray(0, wanted) };
      head = null;
      held = restart(pieces, all.subarray(wanted));
    }
  }
}

/** One answer: a line of JSON, then the tensors' bytes. */
export function answer(head, chunks = []) {
  write(Buffer.from(`${JSON.stringify(head)}\n`));
  for (const chunk of chunks) write(chunk);
}

function write(bytes) {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      // Node has made the pipe non-blocking and its reader is slower.
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function joined(pieces) {
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

function restart(pieces, rest) {
  pieces.length = 0;
  if (rest.length > 0) pieces.push(rest);
  return rest.length;
}
