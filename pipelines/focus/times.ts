/** Points in time of a column. Hot: plain fields. */
import { grown } from './grown.ts';

/** Entries are numbered like those of the dictionary they were read from. */
export class Times {
  /** Milliseconds since 1970-01-01T00:00:00Z; NaN is null, Infinity is not a time. */
  ms: Float64Array<ArrayBuffer>;
  size = 0;
  /** How many entries are no time; zero lets a caller skip looking. */
  invalid = 0;
  readonly transient: boolean;

  constructor(entries = 16, transient = false) {
    this.transient = transient;
    this.ms = new Float64Array(entries);
  }

  /** Appends an entry: milliseconds, NaN for null, Infinity for what is not a time. */
  add(ms: number): number {
    if (this.size >= this.ms.length) this.ms = grown(this.ms, this.ms.length * 2);
    this.ms[this.size] = ms;
    if (ms === Number.POSITIVE_INFINITY) this.invalid++;
    return this.size++;
  }

  /** The entry as FOCUS writes it, `2026-09-01T00:00:00Z`; undefined when null or no time. */
  text(code: number): string | undefined {
    return formatTime(this.ms[code] as number);
  }

  clear(): void {
    this.size = 0;
    this.invalid = 0;
  }
}

/** `2026-09-01T00:00:00Z`, with milliseconds only when there are some; undefined for null or no time. */
export function formatTime(ms: number): string | undefined {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return undefined;
  const text = new Date(ms).toISOString();
  return ms % 1000 === 0 ? `${text.slice(0, -5)}Z` : text;
}

const EXTENDED =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|UTC|[+-]\d{2}:?\d{2})?)?$/i;
const BASIC =
  /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads ISO 8601 dates and date/times: `T` or a blank between, seconds and fraction optional, `Z`, `UTC`, an offset or none
 * (then UTC); also in the basic format, `20260901T000000Z`. Answers milliseconds, or Infinity for what is not a time.
 * Impossible dates (`T30:00`, 31 June) are not times.
 */
export function parseTime(text: string): number {
  const match = EXTENDED.exec(text) ?? BASIC.exec(text);
  if (match === null) return Number.POSITIVE_INFINITY;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] =
    match;
  return utcMilliseconds(
    {
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      milli: Number(fraction.padEnd(3, '0').slice(0, 3)),
    },
    zone,
  );
}

/** A civil UTC time as milliseconds, or Infinity when there is no such time. */
export function utcMilliseconds(
  civil: {
    readonly year: number;
    readonly month: number;
    readonly day: number;
    readonly hour?: number;
    readonly minute?: number;
    readonly second?: number;
    readonly milli?: number;
  },
  zone = 'Z',
): number {
  const { year, month, day, hour = 0, minute = 0, second = 0, milli = 0 } = civil;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second, milli);
  const date = new Date(ms);
  const real =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour % 24 &&
    minute < 60 &&
    second < 60 &&
    hour < 24;
  if (!real) return Number.POSITIVE_INFINITY;
  return ms - zoneMilliseconds(zone);
}

function zoneMilliseconds(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (match === null) return 0;
  const ms = (Number(match[2]) * 60 + Number(match[3])) * 60_000;
  return match[1] === '-' ? -ms : ms;
}
