/** Periods that bills leave out, worked out from when a charge starts. Times are milliseconds since 1970. */
import { utcMilliseconds } from '../../focus/times.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The end of the hour for a charge that starts within a day, of the day for one that starts with it. */
export function endOfCharge(start: number): number {
  return start + (start % DAY === 0 ? DAY : HOUR);
}

/** Start of the calendar month (UTC) that the time lies in, `after` months later; what is no time stays as it is. */
export function monthOf(ms: number, after: number): number {
  if (!Number.isFinite(ms)) return ms;
  const date = new Date(ms);
  const month = date.getUTCMonth() + after;
  return utcMilliseconds({
    year: date.getUTCFullYear() + Math.floor(month / 12),
    month: (month % 12) + 1,
    day: 1,
  });
}
