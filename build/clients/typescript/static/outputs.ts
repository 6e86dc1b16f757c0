/** From the tensors that a graph answers with to typed results. */

import type { Tensor } from "onnxruntime-node";

import { OnnxRuntimeError } from "./errors.js";
import { NAT } from "./instants.js";

/** Tensors by output name. */
export type Results = Readonly<Record<string, Tensor>>;

/** Reads one method's answer. */
export interface Decoder<T> {
  /** The outputs that it needs. */
  readonly outputs: readonly string[];
  /** What answers a row, counted from 0, of these tensors. */
  readonly bind: (results: Results) => (row: number) => T;
}

type Cells = ArrayLike<number | bigint | string | boolean>;
type Cast<T> = (cell: number | bigint | string | boolean) => T;

/** A floating-point number. */
export const number: Cast<number> = (cell) => cell as number;

/** True or false. */
export const boolean: Cast<boolean> = (cell) => Boolean(cell);

/** A text. */
export const string: Cast<string> = (cell) => cell as string;

/** A whole number. */
export const integer: Cast<number> = (cell) => {
  const found = Number(cell);
  if (Number.isSafeInteger(found)) return found;
  throw new OnnxRuntimeError(
    `the model answers ${cell}, which a JavaScript number cannot hold exactly`,
  );
};

/** Whole ticks of an instant or a duration; null for a missing one. */
export const ticks: Cast<bigint | null> = (cell) => (cell === NAT ? null : (cell as bigint));

/** A text that may be missing. */
export function stringOrNull(token: string): Cast<string | null> {
  return (cell) => (cell === token ? null : (cell as string));
}

/** One value a row, of a tensor `[N]` or `[N, 1]`. */
export function value<T>(output: string, cast: Cast<unknown>): Decoder<T> {
  return {
    outputs: [output],
    bind: (results) => {
      const cells = cellsOf(results, output);
      return (row) => cast(cells[row] as never) as T;
    },
  };
}

/** So many values a row, of a tensor `[N, width]`. */
export function list<T>(output: string, cast: Cast<unknown>, width: number): Decoder<T> {
  return {
    outputs: [output],
    bind: (results) => {
      const cells = cellsOf(results, output);
      return (row) =>
        Array.from({ length: width }, (_, place) => cast(cells[row * width + place] as never)) as T;
    },
  };
}

/** One value a name and row, of a tensor `[N, names.length]`. */
export function named<Name extends string, T>(
  output: string,
  cast: Cast<T>,
  names: Readonly<Record<Name, number>>,
): Decoder<Record<Name, T>> {
  const places = Object.entries<number>(names);
  return {
    outputs: [output],
    bind: (results) => {
      const cells = cellsOf(results, output);
      return (row) => {
        const start = row * places.length;
        const found: Record<string, T> = {};
        for (const [name, place] of places) found[name] = cast(cells[start + place] as never);
        return found;
      };
    },
  };
}

/** What several decoders read, in their order. */
export function tuple<T extends readonly unknown[]>(parts: {
  readonly [Place in keyof T]: Decoder<T[Place]>;
}): Decoder<T> {
  return {
    outputs: parts.flatMap((part) => part.outputs),
    bind: (results) => {
      const reads = parts.map((part) => part.bind(results));
      return (row) => reads.map((read) => read(row)) as unknown as T;
    },
  };
}

/** What several decoders read, by name. */
export function table<T>(parts: { readonly [Name in keyof T]: Decoder<T[Name]> }): Decoder<T> {
  const entries = Object.entries<Decoder<unknown>>(parts);
  return {
    outputs: entries.flatMap(([, part]) => part.outputs),
    bind: (results) => {
      const reads = entries.map(([name, part]) => [name, part.bind(results)] as const);
      return (row) => Object.fromEntries(reads.map(([name, read]) => [name, read(row)])) as T;
    },
  };
}

function cellsOf(results: Results, output: string): Cells {
  const tensor = results[output];
  if (tensor === undefined) throw new OnnxRuntimeError(`the model gave no output ${output}`);
  return tensor.data as Cells;
}
