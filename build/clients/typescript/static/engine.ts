/** One graph in onnxruntime: rows in, answers out. Shared by concurrent calls. */

import type * as Ort from "onnxruntime-node";

import { shown } from "./columns.js";
import type { Column, TensorType } from "./columns.js";
import { ClosedError, DomainError, InputError, OnnxRuntimeError } from "./errors.js";
import { verified, verifiedOnDisk } from "./files.js";
import type { FileSpec } from "./files.js";
import type { Decoder, Results } from "./outputs.js";

/** onnxruntime as a module: `onnxruntime-node`, or `onnxruntime-web`. */
export type Runtime = Pick<typeof Ort, "InferenceSession" | "Tensor" | "env">;

/** How a model is opened. */
export interface Options {
  /** Threads of onnxruntime within one call; 1 by default, because services scale by request. */
  readonly threads?: number;
  /** Instead of `onnxruntime-node`; for a browser `import * as ort from "onnxruntime-web/wasm"`. */
  readonly runtime?: Runtime;
  /** Folder of the model's files, ending in a slash; by default this package's own. */
  readonly files?: URL;
}

/** What a generated package knows of its model. */
export interface Spec<Answer> {
  readonly model: FileSpec;
  readonly weights: FileSpec | null;
  readonly vectors: FileSpec;
  /** By the key of a row's field; a list where a row is a list; one where a row is one value. */
  readonly columns: Readonly<Record<string, Column>> | readonly Column[] | Column;
  readonly decoders: { readonly [Method in keyof Answer]: Decoder<Answer[Method]> };
  /** Output `[N, conditions.length]`, false where the pipeline would have raised. */
  readonly domain: string | null;
  readonly conditions: readonly { readonly step: string; readonly message: string }[];
  /** Outputs that must be equal to the last bit, though they are floating-point numbers. */
  readonly discrete: readonly string[];
  readonly tolerance: { readonly relative: number; readonly absolute: number };
}

interface Input {
  readonly name: string;
  readonly tensor: TensorType;
  readonly columns: readonly (readonly [key: string, column: Column])[];
}

const ERRORS_ONLY = 3;
const OLDEST = [1, 21];
const WRONG = /^1\.2[67]\.0$/;
const ALLOCATE = {
  float64: (size: number) => new Float64Array(size),
  float32: (size: number) => new Float32Array(size),
  int64: (size: number) => new BigInt64Array(size),
  bool: (size: number) => new Uint8Array(size),
  string: (size: number) => new Array<string>(size),
};

interface Method {
  readonly name: string;
  readonly decoder: Decoder<unknown>;
  /** The outputs to ask for: the decoder's, and the domain. */
  readonly outputs: readonly string[];
}

/** A loaded graph. */
export class Engine<Row, Answer> {
  readonly #inputs: readonly Input[];
  readonly #width: number;
  readonly #methods: readonly Method[];
  readonly #outputs: readonly string[];
  #session: Ort.InferenceSession | null;
  #running = 0;
  #idle: (() => void) | null = null;

  private constructor(
    readonly spec: Spec<Answer>,
    readonly files: URL,
    readonly runtime: Runtime,
    session: Ort.InferenceSession,
  ) {
    const domain = spec.domain === null ? [] : [spec.domain];
    this.#inputs = inputsOf(spec.columns);
    this.#width = this.#inputs.reduce((sum, { columns }) => sum + columns.length, 0);
    this.#methods = Object.entries<Decoder<unknown>>(spec.decoders).map(([name, decoder]) => ({
      name,
      decoder,
      outputs: [...decoder.outputs, ...domain],
    }));
    this.#outputs = [...this.#methods.flatMap(({ decoder }) => decoder.outputs), ...domain];
    this.#session = session;
  }

  /** @throws ArtifactError, OnnxRuntimeError */
  static async open<Row, Answer>(
    spec: Spec<Answer>,
    files: URL,
    options: Options,
  ): Promise<Engine<Row, Answer>> {
    const { threads = 1 } = options;
    if (!Number.isInteger(threads) || threads < 1) {
      throw new RangeError(`threads: found ${shown(threads)}, expected a whole number from 1`);
    }
    const folder = options.files ?? files;
    const model = await verified(folder, spec.model);
    const runtime = options.runtime ?? (await import("onnxruntime-node"));
    demandVersion(runtime);
    if (runtime.env.versions.web !== undefined) runtime.env.wasm.numThreads = threads;
    const settings: Ort.InferenceSession.SessionOptions = {
      executionProviders: [runtime.env.versions.web === undefined ? "cpu" : "wasm"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: ERRORS_ONLY,
    };
    const beside = spec.weights && (await verifiedOnDisk(folder, spec.weights));
    try {
      const session =
        beside === null
          ? await runtime.InferenceSession.create(model, settings)
          : await runtime.InferenceSession.create(
              await verifiedOnDisk(folder, spec.model),
              settings,
            );
      return new Engine<Row, Answer>(spec, folder, runtime, session);
    } catch (error) {
      throw failure(runtime, "cannot load the model", error);
    }
  }

  /** The answers of all methods to each row. */
  async all(rows: readonly Row[]): Promise<Answer[]> {
    if (rows.length === 0) return this.#nothing();
    const results = await this.#run(rows, this.#outputs);
    const reads = this.#methods.map(({ decoder }) => decoder.bind(results));
    return rows.map((_, row) => {
      const answer: Record<string, unknown> = {};
      for (let place = 0; place < reads.length; place += 1) {
        answer[this.#methods[place]!.name] = reads[place]!(row);
      }
      return answer as Answer;
    });
  }

  /** One method's answers to each row. */
  async each<Name extends keyof Answer>(
    method: Name,
    rows: readonly Row[],
  ): Promise<Answer[Name][]> {
    if (rows.length === 0) return this.#nothing();
    const { decoder, outputs } = this.#methods.find(({ name }) => name === method)!;
    const read = decoder.bind(await this.#run(rows, outputs)) as (row: number) => Answer[Name];
    return rows.map((_, row) => read(row));
  }

  /** The graph's bare outputs for encoded rows, whether or not they are in its domain. */
  async run(feeds: Ort.InferenceSession.FeedsType, outputs: readonly string[]): Promise<Results> {
    const session = this.#opened();
    this.#running += 1;
    try {
      return await session.run(feeds, outputs);
    } catch (error) {
      throw failure(this.runtime, "failed on these rows", error);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** Frees the graph when the calls under way are done; a later call throws ClosedError. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await session.release();
  }

  #opened(): Ort.InferenceSession {
    if (this.#session === null) throw new ClosedError("this model is closed: open it again");
    return this.#session;
  }

  async #run(rows: readonly Row[], outputs: readonly string[]): Promise<Results> {
    const { domain } = this.spec;
    const results = await this.run(this.#feeds(rows), outputs);
    if (domain !== null) this.#demandDomain(results[domain]!.data as Uint8Array);
    return results;
  }

  #nothing(): never[] {
    this.#opened();
    return [];
  }

  #feeds(rows: readonly Row[]): Ort.InferenceSession.FeedsType {
    const count = rows.length;
    rows.forEach((row, position) => this.#demandForm(row, position));
    const feeds: Record<string, Ort.Tensor> = {};
    for (const { name, tensor, columns } of this.#inputs) {
      const width = columns.length;
      const cells: { [place: number]: unknown } = ALLOCATE[tensor](count * width);
      for (let place = 0; place < width; place += 1) {
        const [key, { encode }] = columns[place]!;
        for (let row = 0; row < count; row += 1) {
          const value = key === "" ? rows[row] : (rows[row] as Record<string, unknown>)[key];
          cells[row * width + place] = encode(value, row);
        }
      }
      feeds[name] = new this.runtime.Tensor(tensor, cells as never, [count, width]);
    }
    return feeds;
  }

  #demandForm(row: unknown, position: number): void {
    const { columns } = this.spec;
    if (Array.isArray(columns)) {
      if (Array.isArray(row) && row.length === this.#width) return;
      const found = Array.isArray(row) ? `a list of ${row.length}` : shown(row);
      throw new InputError(
        `row ${position} (counted from 0): found ${found}, expected a list of ${this.#width}`,
        null,
        position,
      );
    }
    if (this.#inputs[0]?.columns[0]?.[0] === "") return;
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      throw new InputError(
        `row ${position} (counted from 0): found ${shown(row)}, expected an object`,
        null,
        position,
      );
    }
    if (Object.keys(row).length <= this.#width) return;
    const unknown = Object.keys(row).find((key) => !Object.hasOwn(columns, key));
    throw new InputError(
      `row ${position} (counted from 0): there is no field ${shown(unknown)}; leave it out`,
      null,
      position,
    );
  }

  #demandDomain(valid: Uint8Array): void {
    const { conditions } = this.spec;
    const place = valid.indexOf(0);
    if (place < 0) return;
    const row = Math.floor(place / conditions.length);
    const { step, message } = conditions[place % conditions.length]!;
    throw new DomainError(`row ${row} (counted from 0), step ${step}: ${message}`, null, row, step);
  }
}

/** Whether the graph's own domain excludes a row. */
export function excluded(valid: ArrayLike<unknown>, row: number, conditions: number): boolean {
  for (let place = row * conditions; place < (row + 1) * conditions; place += 1) {
    if (!valid[place]) return true;
  }
  return false;
}

function inputsOf(columns: Spec<unknown>["columns"]): readonly Input[] {
  const single = typeof (columns as Column).encode === "function";
  const keyed: Record<string, Column> = single
    ? { "": columns as Column }
    : (columns as Record<string, Column>);
  const inputs = new Map<string, Input & { columns: [string, Column][] }>();
  for (const [key, column] of Object.entries(keyed)) {
    const { input: name, tensor } = column;
    const input = inputs.get(name) ?? { name, tensor, columns: [] };
    input.columns.push([key, column]);
    inputs.set(name, input);
  }
  return [...inputs.values()];
}

function versionOf(runtime: Runtime): string {
  const { web, node, common } = runtime.env.versions;
  return web ?? node ?? common;
}

function demandVersion(runtime: Runtime): void {
  const version = versionOf(runtime);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const old = major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!);
  if (!old && !WRONG.test(version)) return;
  throw new OnnxRuntimeError(
    `onnxruntime ${version} ${old ? "cannot run this model" : "answers wrongly"}; ` +
      "take 1.21 or newer, but not 1.26.0 or 1.27.0",
  );
}

function failure(runtime: Runtime, what: string, error: unknown): OnnxRuntimeError {
  const why = error instanceof Error ? error.message : String(error);
  return new OnnxRuntimeError(`onnxruntime ${versionOf(runtime)} ${what}: ${why}`, {
    cause: error,
  });
}
