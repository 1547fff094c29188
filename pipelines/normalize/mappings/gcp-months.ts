/** Google's billing months: they begin at midnight in Los Angeles. */

/** UTC milliseconds of a billing month's beginning: `202604`, `2026-04`. NaN for null, Infinity for what is no month; `later` months on. */
export function billingMonth(month: string | undefined, later = 0): number {
  if (month === undefined) return Number.NaN;
  const match = /^(\d{4})-?(\d{2})$/.exec(month.trim());
  const number = Number(match?.[2]);
  if (match === null || number < 1 || number > 12) return Number.POSITIVE_INFINITY;
  return midnight(Number(match[1]), number - 1 + later);
}

/** The billing month a point in time falls into, as `YYYYMM`. */
export function monthOfUsage(ms: number): string | undefined {
  if (!Number.isFinite(ms)) return undefined;
  const date = new Date(ms);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const first = ms < midnight(year, month) ? month - 1 : month;
  return new Date(Date.UTC(year, first, 1)).toISOString().slice(0, 7).replace('-', '');
}

/**
 * The first of a month, 0:00 in Los Angeles. Daylight saving time has begun on the second Sunday of March and ended on the first Sunday
 * of November, both at 2:00, since 2007: the first of April to the first of November are UTC-7, the others UTC-8.
 */
function midnight(year: number, month: number): number {
  const first = new Date(Date.UTC(year, month, 1));
  const daylight = first.getUTCMonth() >= 3 && first.getUTCMonth() <= 10;
  return first.getTime() + (daylight ? 7 : 8) * 3_600_000;
}
