/** Points in time as exports write them beside ISO 8601: other separators and zones, seconds since 1970, dates of spreadsheets. */
import { parseTime, utcMilliseconds } from '../focus/times.ts';
import { saysNothing } from './null-words.ts';

/** How a date with slashes or points is to be read. */
export type DateOrder = 'mdy' | 'dmy';

/**
 * Milliseconds since 1970: ISO 8601 (`parseTime`), `2026/9/1`, an hour of one digit or with AM and PM, `+0000 UTC` and `+00` as zones, seconds, milli-, micro- or
 * nanoseconds since 1970; midnight as `24:00`; `1-Sep-26`, `Tue, 1 Sep 2026 00:00:00 GMT`, `1.9.26`; with an order `9/1/26`, whose day and month nothing in it
 * tells apart. NaN for a word that stands for no time (`N/A`), Infinity for what is none.
 */
export function readTime(text: string, order?: DateOrder): number {
  const ms = parseTime(text);
  return ms === Number.POSITIVE_INFINITY ? writtenTime(text.trim(), order) : ms;
}

function writtenTime(text: string, order: DateOrder | undefined): number {
  if (saysNothing(text)) return Number.NaN;
  const epoch = epochOf(text);
  if (epoch !== undefined) return epoch;
  const dayBefore = text.replace(END_OF_DAY, '$100$2');
  if (dayBefore !== text) return readTime(dayBefore, order) + DAY;
  const short = shortDate(withMonthNumber(text));
  if (short !== undefined) return dateIn(short, order);
  return parseTime(
    text
      .replace(YEAR_FIRST, (_, year, __, month, day) =>
        [year, month.padStart(2, '0'), day.padStart(2, '0')].join('-'),
      )
      .replace(/^(\d{4}-\d{2}-\d{2})[T ](\d:)/, '$1T0$2')
      .replace(HALF_DAY, (_, day, hour, rest, half) => `${day}T${hourOf(hour, half)}${rest}`)
      .replace(/ ?([+-]\d{4}) (?:UTC|GMT)$/, '$1')
      .replace(/ ?([+-]\d{2})$/, (zone, hours, at) => (at > 10 ? `${hours}:00` : zone))
      .replace(/ ?GMT$/, 'Z')
      .replace(/^(\d{8})(\d{6})$/, '$1T$2'),
  );
}

const YEAR_FIRST = /^(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?!\d)/;

const HALF_DAY = /^(\d{4}-\d{2}-\d{2})[T ](\d{2})(:\d{2}(?::\d{2}(?:\.\d+)?)?) ?([AP])M$/i;

/** The hour of the day, of two digits, for one before or after noon. */
function hourOf(hour: string, half: string): string {
  const afternoon = half.toLowerCase() === 'p';
  return String((Number(hour) % 12) + (afternoon ? 12 : 0)).padStart(2, '0');
}

const DAY = 86_400_000;

/** Midnight as the end of a day, as ISO 8601 writes it. */
const END_OF_DAY = /^(\d{4}-\d{2}-\d{2}[T ])24(:00(?::00(?:\.0+)?)?)(?![\d:.])/;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `1-Sep-26`, `1 September 2026`, `Tue, 1 Sep 2026` and `Sep 1, 2026` as `1.9.26`; other texts as they are. */
function withMonthNumber(text: string): string {
  const match =
    /^(?:[a-z]{3,9},? )?(\d{1,2})[- /]([a-z]{3,9})[- /](\d{4}|\d{2})(?!\d)/i.exec(text) ??
    /^([a-z]{3,9})\.? (\d{1,2}), ?(\d{4})(?!\d)/i.exec(text);
  if (match === null) return text;
  const [whole, one = '', two = '', year] = match;
  const [day, name] = /^\d/.test(one) ? [one, two] : [two, one];
  const month = MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  return month === 0 ? text : `${day}.${month}.${year}${text.slice(whole.length)}`;
}

const FIRST_YEAR = Date.UTC(2000, 0, 1);
const LAST_YEAR = Date.UTC(2100, 0, 1);

/** Seconds (also `1.7881344E9`, as BigQuery answers), milli-, micro- or nanoseconds since 1970, within this century. */
function epochOf(text: string): number | undefined {
  if (!/^\d{9,19}(?:\.\d+)?$|^\d\.\d+E\d{1,2}$/i.test(text)) return undefined;
  const value = Number(text);
  const ms = [1000, 1, 1e-3, 1e-6]
    .map((factor) => Math.trunc(value * factor))
    .find((candidate) => candidate >= FIRST_YEAR && candidate < LAST_YEAR);
  return ms;
}

/** The parts of a short date. */
interface ShortDate {
  readonly one: number;
  readonly two: number;
  readonly year: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Points between the numbers: then the day comes first. */
  readonly dotted: boolean;
}

const SHORT =
  /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?:,?[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s?(?:([AP])M)?)?(?:\s?(?:Z|UTC|GMT))?$/i;

function shortDate(text: string): ShortDate | undefined {
  const match = SHORT.exec(text);
  if (match === null) return undefined;
  const [, one, separator, two, year = '', hour = '0', minute = '0', second = '0', half] = match;
  return {
    one: Number(one),
    two: Number(two),
    year: Number(year) + (year.length === 2 ? 2000 : 0),
    hour: Number(half === undefined ? hour : hourOf(hour, half)),
    minute: Number(minute),
    second: Number(second),
    dotted: separator === '.',
  };
}

function dateIn({ one, two, dotted, ...rest }: ShortDate, order: DateOrder | undefined): number {
  if (!dotted && order === undefined) return Number.POSITIVE_INFINITY;
  const [month, day] = dotted || order === 'dmy' ? [two, one] : [one, two];
  return utcMilliseconds({ ...rest, month, day });
}

/** What a date such as `9/13/26` shows of its order: the only one in which it is a date, `either` where both make another date of it; undefined for what needs or has no order. */
export function orderShown(text: string): DateOrder | 'either' | undefined {
  const date = shortDate(text.trim());
  if (date === undefined || date.dotted) return undefined;
  const [monthFirst, dayFirst] = [dateIn(date, 'mdy'), dateIn(date, 'dmy')];
  if (monthFirst === dayFirst) return undefined;
  if (!Number.isFinite(dayFirst)) return 'mdy';
  return Number.isFinite(monthFirst) ? 'either' : 'dmy';
}

/** Which of both orders makes a date such as `9/1/26` the first of a month, as bounds of billing periods are; undefined when it is no such date or both do. */
export function orderOfPeriod(bound: string): DateOrder | undefined {
  const date = shortDate(bound.trim());
  if (date === undefined || date.dotted) return undefined;
  const first = (order: DateOrder): boolean => {
    const ms = dateIn(date, order);
    return Number.isFinite(ms) && new Date(ms).getUTCDate() === 1;
  };
  const [monthFirst, dayFirst] = [first('mdy'), first('dmy')];
  if (monthFirst === dayFirst) return undefined;
  return monthFirst ? 'mdy' : 'dmy';
}

/** Whether the text is a date that only an order makes one. */
export function needsOrder(text: string): boolean {
  const date = shortDate(text.trim());
  return date !== undefined && !date.dotted;
}
