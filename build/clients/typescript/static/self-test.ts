/** The recorded rows with the pipeline's own answers, replayed: proof of this very runtime. */

import type { InferenceSession, Tensor } from "onnxruntime-node";

import { excluded } from "./engine.js";
import type { Engine } from "./engine.js";
import { ArtifactError, ModelError } from "./errors.js";
import { verified } from "./files.js";
import type { Results } from "./outputs.js";

/** How one output of the model agreed with the pipeline. */
export interface OutputReport {
  readonly output: string;
  /** Rows whose answer differs. */
  readonly mismatched: number;
  /** The largest absolute difference; null for what is not a floating-point number. */
  readonly worst: number | null;
  /** Share of values that are equal to the last bit, from 0 to 1. */
  readonly bitEqual: number;
}

/** What a self-test found. */
export interface SelfTestReport {
  /** Rows compared. */
  readonly rows: number;
  /** Recorded rows that onnxruntime's binding cannot carry, because a text holds NUL. */
  readonly leftOut: number;
  /** Rows that the pipeline answered and the model refuses. */
  readonly refused: number;
  readonly outputs: readonly OutputReport[];
}

/** The model does not give the pipeline's answers here: do not use it. */
export class SelfTestError extends ModelError {
  override name = "SelfTestError";

  constructor(
    message: string,
    readonly report: SelfTestReport,
  ) {
    super(message);
  }
}

interface Recorded {
  readonly name: string;
  readonly datatype: "FP64" | "FP32" | "INT64" | "BOOL" | "BYTES";
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
  readonly parameters?: { readonly bits: readonly string[] };
}

interface Vectors {
  readonly rows: number;
  readonly inputs: readonly Recorded[];
  readonly outputs: readonly Recorded[];
}

type Cells = Float64Array | Float32Array | BigInt64Array | Uint8Array | string[];

const TYPES = {
  FP64: "float64",
  FP32: "float32",
  INT64: "int64",
  BOOL: "bool",
  BYTES: "string",
} as const;

/**
 * Replays the recorded rows.
 *
 * @throws SelfTestError if an answer differs; ArtifactError if the rows are altered
 */
export async function selfTest(engine: Engine<never, unknown>): Promise<SelfTestReport> {
  const { spec, runtime } = engine;
  const vectors = await readVectors(engine);
  const kept = Array.from({ length: vectors.rows }, (_, row) => row).filter((row) =>
    vectors.inputs.every((input) => !holdsNul(input, row)),
  );
  const feeds: Record<string, Tensor> = {};
  for (const input of vectors.inputs) {
    const shape = [kept.length, width(input)];
    feeds[input.name] = new runtime.Tensor(
      TYPES[input.datatype],
      cells(input, kept) as never,
      shape,
    );
  }
  const names = vectors.outputs.map(({ name }) => name);
  const results =
    kept.length === 0
      ? {}
      : await engine.run(
          feeds as InferenceSession.FeedsType,
          spec.domain === null ? names : [...names, spec.domain],
        );
  const valid = spec.domain === null ? undefined : results[spec.domain]?.data;
  const report: SelfTestReport = {
    rows: kept.length,
    leftOut: vectors.rows - kept.length,
    refused: kept.filter(
      (_, row) => valid && excluded(valid as ArrayLike<unknown>, row, spec.conditions.length),
    ).length,
    outputs:
      kept.length === 0
        ? []
        : vectors.outputs.map((output) => compare(engine, output, kept, results)),
  };
  const equal = report.refused === 0 && report.outputs.every(({ mismatched }) => mismatched === 0);
  if (kept.length === 0 || !equal) throw new SelfTestError(describe(report), report);
  return report;
}

async function readVectors(engine: Engine<never, unknown>): Promise<Vectors> {
  const file = engine.spec.vectors;
  const text = new TextDecoder().decode(await verified(engine.files, file));
  try {
    return JSON.parse(text) as Vectors;
  } catch (error) {
    throw new ArtifactError(`${file.name}: is no JSON`, file.name, { cause: error });
  }
}

function compare(
  engine: Engine<never, unknown>,
  output: Recorded,
  kept: readonly number[],
  results: Results,
): OutputReport {
  const { relative, absolute } = engine.spec.tolerance;
  const expected = cells(output, kept);
  const tensor = results[output.name];
  const found = tensor?.data as Cells;
  const size = width(output);
  if (tensor?.type !== TYPES[output.datatype] || found.length !== expected.length) {
    return { output: output.name, mismatched: kept.length, worst: null, bitEqual: 0 };
  }
  const isFloat = output.datatype === "FP64" || output.datatype === "FP32";
  const bound = isFloat && !engine.spec.discrete.includes(output.name) ? relative : null;
  const wrong = new Set<number>();
  let worst = 0;
  let equal = 0;
  for (let place = 0; place < expected.length; place += 1) {
    const [a, b] = [found[place]!, expected[place]!];
    if (Object.is(a, b) || (output.datatype === "BOOL" && Boolean(a) === Boolean(b))) {
      equal += 1;
      continue;
    }
    if (a === b) continue;
    const gap = isFloat ? Math.abs(Number(a) - Number(b)) : Infinity;
    worst = Number.isNaN(gap) ? Infinity : Math.max(worst, gap);
    const near =
      bound !== null && Number.isFinite(b) && gap <= absolute + bound * Math.abs(Number(b));
    if (!near) wrong.add(Math.floor(place / size));
  }
  return {
    output: output.name,
    mismatched: wrong.size,
    worst: isFloat ? worst : null,
    bitEqual: equal / expected.length,
  };
}

function width({ shape }: Recorded): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

function holdsNul(input: Recorded, row: number): boolean {
  if (input.datatype !== "BYTES") return false;
  const size = width(input);
  return input.data.slice(row * size, (row + 1) * size).some((cell) => String(cell).includes("\0"));
}

/** The values of some rows, from their bits where these are recorded. */
function cells(entry: Recorded, rows: readonly number[]): Cells {
  const size = width(entry);
  const places = rows.flatMap((row) => Array.from({ length: size }, (_, i) => row * size + i));
  const bits = (place: number): bigint => BigInt(`0x${entry.parameters!.bits[place]!}`);
  switch (entry.datatype) {
    case "FP64":
      return new Float64Array(BigUint64Array.from(places, bits).buffer);
    case "INT64":
      return new BigInt64Array(BigUint64Array.from(places, bits).buffer);
    case "FP32":
      return new Float32Array(Uint32Array.from(places, (place) => Number(bits(place))).buffer);
    case "BOOL":
      return Uint8Array.from(places, (place) => Number(entry.data[place]));
    case "BYTES":
      return places.map((place) => String(entry.data[place]));
  }
}

function describe(report: SelfTestReport): string {
  if (report.rows === 0) return "the self-test compared no row";
  const outputs = report.outputs
    .filter(({ mismatched }) => mismatched > 0)
    .map(({ output, mismatched, worst }) => {
      const by = worst === null ? "" : ` (by up to ${worst})`;
      return `${output} differs in ${mismatched}${by}`;
    });
  if (report.refused > 0) outputs.push(`${report.refused} are refused`);
  return `of ${report.rows} recorded rows ${outputs.join(", ")}: this model must not be used here`;
}
