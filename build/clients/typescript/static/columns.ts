/** From the values of a row to what the graph is fed: exact, or refused with the column and the row. */

import { DomainError, InputError } from "./errors.js";
import { NAT, NoInstant, ticksOfDate, ticksOfText, ticksOfTicks } from "./instants.js";
import type { Unit } from "./instants.js";

/** The element type of a graph's input. */
export type TensorType = "float64" | "float32" | "int64" | "bool" | "string";

/** One cell as it travels. */
export type Cell = number | bigint | string;

/** One raw column. */
export interface Column {
  /** Its name in the notebook, and in every message. */
  readonly name: string;
  /** The graph's input that carries it. */
  readonly input: string;
  readonly tensor: TensorType;
  /** @throws InputError, DomainError */
  readonly encode: (value: unknown, row: number) => Cell;
}

interface Demands {
  readonly name: string;
  /** The graph's input, where it is not named as the column. */
  readonly input?: string;
  /** Whether the value may be missing. */
  readonly nullable: boolean;
}

interface FloatDemands extends Demands {
  readonly tensor?: "float64" | "float32";
  /** Whether an infinity is refused. */
  readonly finite: boolean;
  /** The only numbers accepted. */
  readonly values?: readonly number[];
}

interface IntegerDemands extends Demands {
  readonly tensor?: "int64" | "float64";
  readonly least: bigint;
  readonly greatest: bigint;
  readonly values?: readonly bigint[];
}

interface FlagDemands extends Demands {
  readonly tensor?: "bool" | "float64";
  readonly values?: readonly boolean[];
}

interface TextDemands extends Demands {
  /** How a missing text travels; no real one may be equal to it. */
  readonly token: string;
  readonly values?: readonly string[];
}

interface InstantDemands extends Demands {
  readonly unit: Unit;
  /** Whether the column has a time zone. */
  readonly zoned: boolean;
}

interface DurationDemands extends Demands {
  readonly unit: Unit;
}

/** A column of numbers; NaN is a missing one, as null is. */
export function float(demands: FloatDemands): Column {
  const { name, nullable, finite, tensor = "float64" } = demands;
  const accepted = demands.values && new Set(demands.values);
  const encode = (value: unknown, row: number): number => {
    if (typeof value !== "number") {
      if (value !== null) throw wrong(name, row, value, nullable ? "a number or null" : "a number");
      if (!nullable) throw missing(name, row);
      return NaN;
    }
    if (Number.isNaN(value)) {
      if (!nullable) throw missing(name, row);
      return value;
    }
    if (finite && !Number.isFinite(value)) {
      throw outside(name, row, value, "the pipeline refuses infinity");
    }
    if (accepted?.has(value) === false) throw notAmong(name, row, value, accepted);
    if (tensor === "float32" && Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      throw wrong(name, row, value, "a number that a float32 can hold");
    }
    return value;
  };
  return column(demands, tensor, encode);
}

/** A column of whole numbers. */
export function integer(demands: IntegerDemands): Column {
  const { name, nullable, least, greatest, tensor = "int64" } = demands;
  const accepted = demands.values && new Set(demands.values);
  const big = greatest > BigInt(Number.MAX_SAFE_INTEGER) + 1n;
  const expected = `a whole number${big ? ", as a bigint beyond ±(2**53 - 1)" : ""}`;
  const encode = (value: unknown, row: number): number | bigint => {
    if (value === null) {
      if (!nullable) throw missing(name, row);
      return NaN;
    }
    if (!Number.isSafeInteger(value) && !(big && typeof value === "bigint")) {
      throw wrong(name, row, value, nullable ? `${expected}, or null` : expected);
    }
    const whole = BigInt(value as number | bigint);
    if (whole < least || whole > greatest) {
      throw outside(name, row, value, `this column holds ${least} to ${greatest}`);
    }
    if (accepted?.has(whole) === false) throw notAmong(name, row, value, accepted);
    return tensor === "int64" ? whole : Number(whole);
  };
  return column(demands, tensor, encode);
}

/** A column of true and false. */
export function flag(demands: FlagDemands): Column {
  const { name, nullable, tensor = "bool" } = demands;
  const accepted = demands.values && new Set(demands.values);
  const encode = (value: unknown, row: number): number => {
    if (typeof value !== "boolean") {
      if (value !== null)
        throw wrong(name, row, value, nullable ? "a boolean or null" : "a boolean");
      if (!nullable) throw missing(name, row);
      return NaN;
    }
    if (accepted?.has(value) === false) throw notAmong(name, row, value, accepted);
    return value ? 1 : 0;
  };
  return column(demands, tensor, encode);
}

/** A column of text. */
export function text(demands: TextDemands): Column {
  const { name, nullable, token } = demands;
  const accepted = demands.values && new Set(demands.values);
  const encode = (value: unknown, row: number): string => {
    if (typeof value !== "string") {
      if (value !== null) throw wrong(name, row, value, nullable ? "a string or null" : "a string");
      if (!nullable) throw missing(name, row);
      return token;
    }
    if (value === token) {
      throw wrong(name, row, value, "another text: this one stands for a missing value on the way");
    }
    if (value.includes("\0")) {
      throw wrong(
        name,
        row,
        value,
        "a text without NUL, at which onnxruntime's binding cuts it off",
      );
    }
    if (!value.isWellFormed()) {
      throw wrong(name, row, value, "a text without half a surrogate pair, which UTF-8 cannot say");
    }
    if (accepted?.has(value) === false) throw notAmong(name, row, value, accepted);
    return value;
  };
  return column(demands, "string", encode);
}

/** A column of instants: a text in ISO 8601, whole ticks as a bigint, a `Date` if it has a time zone. */
export function instant(demands: InstantDemands): Column {
  const { unit, zoned } = demands;
  const kinds = zoned
    ? "a Date, a text in ISO 8601 with an offset"
    : "a text in ISO 8601 without an offset (a Date would need a time zone)";
  return ticks(demands, `${kinds}, or whole ticks (${unit}) as a bigint`, (value) => {
    if (typeof value === "string") return ticksOfText(value, unit, zoned);
    return zoned && value instanceof Date ? ticksOfDate(value, unit) : undefined;
  });
}

/** A column of durations: whole ticks as a bigint. */
export function duration(demands: DurationDemands): Column {
  return ticks(demands, `whole ticks (${demands.unit}) as a bigint`, () => undefined);
}

function ticks(
  demands: Demands,
  expected: string,
  read: (value: unknown) => bigint | undefined,
): Column {
  const { name, nullable } = demands;
  const encode = (value: unknown, row: number): bigint => {
    if (value === null) {
      if (!nullable) throw missing(name, row);
      return NAT;
    }
    try {
      const found = typeof value === "bigint" ? ticksOfTicks(value) : read(value);
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof NoInstant)) throw error;
      throw wrong(name, row, value, `${expected}; the value ${error.message}`);
    }
    throw wrong(name, row, value, nullable ? `${expected}, or null` : expected);
  };
  return column(demands, "int64", encode);
}

function column(demands: Demands, tensor: TensorType, encode: Column["encode"]): Column {
  return { name: demands.name, input: demands.input ?? demands.name, tensor, encode };
}

function wrong(name: string, row: number, value: unknown, expected: string): InputError {
  const found = value === undefined ? "it is not given" : `found ${shown(value)}`;
  const wayOut = value === undefined ? "; give it, if only as null" : "";
  return new InputError(`${at(name, row)}: ${found}, expected ${expected}${wayOut}`, name, row);
}

function missing(name: string, row: number): DomainError {
  return outside(name, row, null, "this column must not be missing");
}

function notAmong(
  name: string,
  row: number,
  value: unknown,
  values: Iterable<unknown>,
): DomainError {
  const known = [...values];
  const listed = known.slice(0, 8).map(shown).join(", ");
  const more = known.length > 8 ? ` and ${known.length - 8} more` : "";
  return outside(name, row, value, `the pipeline accepts only ${listed}${more}`);
}

function outside(name: string, row: number, value: unknown, demand: string): DomainError {
  return new DomainError(`${at(name, row)}: found ${shown(value)}, but ${demand}`, name, row);
}

function at(name: string, row: number): string {
  return `column ${JSON.stringify(name)}, row ${row} (counted from 0)`;
}

/** A value as a message shows it: short. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length <= 60 ? value : `${value.slice(0, 57)}...`);
  }
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return `a Date (${Number(value)} ms)`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
