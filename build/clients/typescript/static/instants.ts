/** Instants as whole ticks of a column's own unit since 1970-01-01: exact, or refused. */

export type Unit = "s" | "ms" | "us" | "ns";

const TICKS_PER_SECOND: Record<Unit, bigint> = {
  s: 1n,
  ms: 1_000n,
  us: 1_000_000n,
  ns: 1_000_000_000n,
};
const LIMIT = 2n ** 63n - 1n;
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** How a missing instant or duration travels. */
export const NAT = -(2n ** 63n);

/** Says why a value is no instant of a column; the message goes on after "the value". */
export class NoInstant extends Error {}

/** Ticks of a `Date`, which is exact to the millisecond. */
export function ticksOfDate(date: Date, unit: Unit): bigint {
  const milliseconds = date.getTime();
  if (Number.isNaN(milliseconds)) throw new NoInstant("is an invalid date");
  return scaled(BigInt(milliseconds), "ms", unit);
}

/** Ticks of a text in ISO 8601, with an offset (`Z`, `+01:00`) exactly if the column has a time zone. */
export function ticksOfText(text: string, unit: Unit, zoned: boolean): bigint {
  const found = ISO.exec(text);
  if (found === null) {
    throw new NoInstant(
      "is no date in ISO 8601, as 2013-01-31T23:59:00, with Z or +01:00 for a zone",
    );
  }
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", offset] = found;
  if (zoned && offset === undefined)
    throw new NoInstant("has no time zone, and the column has one");
  if (!zoned && offset !== undefined) {
    throw new NoInstant("has a time zone, and the column has none");
  }
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const same =
    date.getUTCDate() === Number(day) &&
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCHours() === Number(hour) &&
    date.getUTCMinutes() === Number(minute) &&
    date.getUTCSeconds() === Number(second);
  if (!same) throw new NoInstant("is no day or time of the calendar");
  const seconds = BigInt(date.getTime() / 1000 - secondsOf(offset));
  return scaled(seconds * TICKS_PER_SECOND.ns + BigInt(fraction.padEnd(9, "0")), "ns", unit);
}

/** Ticks that are given as such. */
export function ticksOfTicks(ticks: bigint): bigint {
  if (ticks > LIMIT || ticks < -LIMIT) throw new NoInstant("is beyond what int64 holds");
  return ticks;
}

function scaled(ticks: bigint, source: Unit, target: Unit): bigint {
  const [from, to] = [TICKS_PER_SECOND[source], TICKS_PER_SECOND[target]];
  if (to >= from) return ticksOfTicks(ticks * (to / from));
  if (ticks % (from / to) !== 0n) {
    throw new NoInstant(`is finer than the column's unit, ${target}`);
  }
  return ticksOfTicks(ticks / (from / to));
}

function secondsOf(offset: string | undefined): number {
  if (offset === undefined || offset === "Z") return 0;
  const digits = offset.slice(1).replace(":", "");
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2)) * 60;
  return offset.startsWith("-") ? -seconds : seconds;
}
