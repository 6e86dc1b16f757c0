// What a column holds, and how what a person types becomes a cell of it: exactly, or with a reason why not.

import { NAT } from "./model.js";

const PER_SECOND = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n };
const GREATEST = 2n ** 63n - 1n;
const EXACT = 2n ** 53n;
const LOCAL = /^(\d{4,6})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?$/;

/** A person's mistake; the message goes beside the field. */
export class Mistake extends Error {}

/** A column of the contract as the form sees it: its kind, unit and zone, and what it accepts. */
export function describe(column, { container, missing_token: token }) {
  const { name, dtype, datatype, missing, domain, categories } = column;
  const time = /^(datetime|timedelta)64\[(s|ms|us|ns)(?:, (.+))?\]$/.exec(dtype);
  let kind = "float";
  if (time !== null) kind = time[1] === "datetime" ? "instant" : "duration";
  else if (datatype === "BYTES") kind = "text";
  else if (datatype === "BOOL" || dtype === "boolean") kind = "flag";
  else if (datatype === "INT64" || domain.exact_integer || /^u?int/i.test(dtype)) kind = "integer";
  return {
    name,
    kind,
    datatype,
    token,
    document: container === "documents",
    unit: time?.[2],
    zone: time?.[3],
    nullable: missing.encoding !== "none" && missing.allowed,
    encoding: missing.encoding,
    finite: domain.finite,
    range: kind === "integer" ? rangeOf(dtype, datatype) : null,
    only: domain.values,
    categories: categories?.values ?? null,
  };
}

function rangeOf(dtype, datatype) {
  const found = /^(u?)int(8|16|32|64)$/i.exec(dtype);
  const bits = BigInt(found?.[2] ?? 64);
  const unsigned = Boolean(found?.[1]);
  const widest = datatype === "INT64" ? GREATEST : EXACT;
  const most = unsigned ? 2n ** bits - 1n : 2n ** (bits - 1n) - 1n;
  const least = unsigned ? 0n : -(2n ** (bits - 1n));
  const floor = datatype === "INT64" ? least : -EXACT;
  return [least > floor ? least : floor, most < widest ? most : widest];
}

export function isMissing(spec, cell) {
  if (spec.encoding === "nan") return Number.isNaN(cell);
  if (spec.encoding === "nat") return cell === NAT;
  return spec.encoding === "token" && cell === spec.token;
}

/** The cell of a missing value. */
export function missing(spec) {
  if (!spec.nullable) throw new Mistake("A value is needed here.");
  return { nan: NaN, nat: NAT, token: spec.token }[spec.encoding];
}

/** A cell as a person reads and types it. */
export function show(spec, cell) {
  if (isMissing(spec, cell)) return "";
  if (spec.kind === "flag") return cell ? "true" : "false";
  if (spec.kind === "instant") return showInstant(cell, spec.unit);
  if (spec.kind === "duration") return showSeconds(cell, spec.unit);
  return String(cell);
}

/** What a person typed, as a cell. Raises Mistake. */
export function read(spec, text) {
  if (spec.kind === "text") return readText(spec, text);
  const trimmed = text.trim();
  if (trimmed === "") return missing(spec);
  if (spec.kind === "flag") return spec.datatype === "BOOL" ? trimmed === "true" : Number(trimmed === "true");
  if (spec.kind === "instant") return readInstant(trimmed, spec.unit);
  if (spec.kind === "duration") return readSeconds(trimmed, spec.unit);
  return spec.kind === "integer" ? readInteger(spec, trimmed) : readNumber(spec, trimmed);
}

function readText(spec, text) {
  if (text === spec.token) throw new Mistake("This very text stands for a missing value.");
  if (text.includes("\0")) throw new Mistake("The browser cannot carry the character NUL.");
  if (!text.isWellFormed()) throw new Mistake("This text holds half a character.");
  return among(spec, text);
}

function readNumber(spec, text) {
  const number = Number(text.replace(",", "."));
  if (Number.isNaN(number)) throw new Mistake("This is not a number.");
  if (spec.finite && !Number.isFinite(number)) throw new Mistake("The model takes no infinite number.");
  return among(spec, number);
}

function readInteger(spec, text) {
  if (!/^[+-]?\d+$/.test(text)) throw new Mistake("A whole number is needed here.");
  const whole = BigInt(text.replace("+", ""));
  const [least, most] = spec.range;
  if (whole < least || whole > most) throw new Mistake(`A whole number from ${least} to ${most}.`);
  among(spec, Number(whole));
  return spec.datatype === "INT64" ? whole : Number(whole);
}

function among(spec, value) {
  if (spec.only !== null && !spec.only.includes(value)) {
    throw new Mistake(
      `The model only knows ${spec.only.slice(0, 6).join(", ")}${spec.only.length > 6 ? " …" : ""}.`,
    );
  }
  return value;
}

function readInstant(text, unit) {
  const found = LOCAL.exec(text);
  if (found === null) throw new Mistake("This is not a date and time.");
  const [, year, month, day, hour, minute, second = "0", fraction = ""] = found;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const nanoseconds = BigInt(date.getTime()) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
  return toUnit(nanoseconds, unit);
}

function readSeconds(text, unit) {
  const found = DECIMAL.exec(text.replace(",", "."));
  if (found === null) throw new Mistake("A number of seconds is needed here.");
  const [, sign, whole, fraction = ""] = found;
  if (fraction.length > 9) throw new Mistake("This is finer than the model's clock.");
  const nanoseconds = BigInt(whole) * PER_SECOND.ns + BigInt(fraction.padEnd(9, "0"));
  return toUnit(sign === "-" ? -nanoseconds : nanoseconds, unit);
}

function toUnit(nanoseconds, unit) {
  const step = PER_SECOND.ns / PER_SECOND[unit];
  if (nanoseconds % step !== 0n) throw new Mistake(`This is finer than the model's clock (${unit}).`);
  const ticks = nanoseconds / step;
  if (ticks > GREATEST || ticks < -GREATEST) throw new Mistake("This is beyond the model's calendar.");
  return ticks;
}

/** As a calendar field takes it: to the second, which is as fine as a person picks one. */
function showInstant(ticks, unit) {
  const perSecond = PER_SECOND[unit];
  const rest = ((ticks % perSecond) + perSecond) % perSecond;
  const date = new Date(Number((ticks - rest) / perSecond) * 1000);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1) return "";
  return date.toISOString().replace(/^\+/, "").slice(0, -5);
}

function showSeconds(ticks, unit) {
  const perSecond = PER_SECOND[unit];
  const size = ticks < 0n ? -ticks : ticks;
  const rest = size % perSecond;
  const digits = String(rest)
    .padStart(String(perSecond).length - 1, "0")
    .replace(/0+$/, "");
  return `${ticks < 0n ? "-" : ""}${size / perSecond}${rest === 0n ? "" : `.${digits}`}`;
}
