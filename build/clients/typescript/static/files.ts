/** The model's files, each checked against the SHA-256 that it had when this package was generated. */

import { ArtifactError } from "./errors.js";

/** A file as it was when this package was generated. */
export interface FileSpec {
  readonly name: string;
  readonly sha256: string;
}

/**
 * The content of a file.
 *
 * @param folder where it lies, `file:` or `http(s):`
 * @throws ArtifactError if it is missing or altered
 */
export async function verified(folder: URL, file: FileSpec): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(file.name, folder);
  let content: Uint8Array<ArrayBuffer>;
  try {
    content = url.protocol === "file:" ? await fromDisk(url) : await fromServer(url);
  } catch (error) {
    throw new ArtifactError(`${url.href}: cannot be read; install this package again`, file.name, {
      cause: error,
    });
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  demandSame(url, file, Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  return content;
}

/** Checks a file that is too large to be held in memory twice; its path. */
export async function verifiedOnDisk(folder: URL, file: FileSpec): Promise<string> {
  const { createHash } = await import("node:crypto");
  const { createReadStream } = await import("node:fs");
  const { fileURLToPath } = await import("node:url");
  const url = new URL(file.name, folder);
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(url)) hash.update(piece as Uint8Array);
  } catch (error) {
    throw new ArtifactError(`${url.href}: cannot be read; install this package again`, file.name, {
      cause: error,
    });
  }
  demandSame(url, file, hash.digest("hex"));
  return fileURLToPath(url);
}

function demandSame(url: URL, file: FileSpec, found: string): void {
  if (found === file.sha256) return;
  throw new ArtifactError(
    `${url.href}: is not the file that this package was generated for (SHA-256 ${found}, expected ` +
      `${file.sha256}); install the package again, or generate it anew of the new model`,
    file.name,
  );
}

async function fromDisk(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = await import("node:fs/promises");
  return readFile(url);
}

async function fromServer(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
